import type { Drawing, Mark, TextMark } from './drawing.ts';
import { outlinesOf, strokesOf } from './font.ts';
import { patternOf } from './pattern.ts';

/** Dots of a drawing, a byte each: 0 white, 255 black. */
export type Raster = { readonly width: number; readonly height: number; readonly dots: Uint8Array };

/** Lines within a dot on which a text's edge is followed. */
const SUBLINES = 4;
/** A quadratic curve becomes so many lines: finer than a dot at the sizes of labels. */
const CURVE_STEPS = 6;

/** Draws on dots of `dot` millimetres. Symbols and boxes stand on whole dots, their edges hard; texts are smoothed. */
export function rasterOf({ width, height, marks }: Drawing, dot: number): Raster {
  const raster = { width: Math.round(width / dot), height: Math.round(height / dot) };
  const dots = new Uint8Array(raster.width * raster.height);
  for (const mark of marks) draw(mark, dot, { ...raster, dots });
  return { ...raster, dots };
}

function draw(mark: Mark, dot: number, raster: Raster): void {
  const whole = (mm: number) => Math.round(mm / dot);
  switch (mark.kind) {
    case 'text': {
      fillText(mark, dot, raster);
      return;
    }
    case 'box': {
      const [x, y, w, h] = [whole(mark.x), whole(mark.y), whole(mark.width), Math.max(1, whole(mark.height))];
      fill(raster, x, y, w, h, 255);
      const line = mark.line === null ? 0 : Math.max(1, whole(mark.line));
      if (mark.line !== null) fill(raster, x + line, y + line, w - 2 * line, h - 2 * line, 0);
      return;
    }
    case 'symbol': {
      const [x, y, module] = [whole(mark.x), whole(mark.y), whole(mark.module)];
      const high = mark.height === null ? module : whole(mark.height);
      for (const run of patternOf(mark.symbol).dark) fill(raster, x + run.x * module, y + run.y * module, run.width * module, high, 255);
    }
  }
}

function fill({ width, height, dots }: Raster, x: number, y: number, w: number, h: number, value: number): void {
  for (let row = Math.max(0, y); row < Math.min(height, y + h); row++)
    dots.fill(value, row * width + Math.max(0, x), row * width + Math.min(width, x + w));
}

type Edge = { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number; readonly turn: 1 | -1 };

/** Fills outlines by the non-zero rule: coverage along each subline exactly, of each dot as the mean of its sublines. */
function fillText({ text, face, size, x, y }: TextMark, dot: number, raster: Raster): void {
  const edges = edgesOf(text, face, size, x, y, dot);
  if (edges.length === 0) return;
  const first = Math.max(0, Math.floor(Math.min(...edges.map(({ y0 }) => y0))));
  const last = Math.min(raster.height - 1, Math.ceil(Math.max(...edges.map(({ y1 }) => y1))));
  const covered = new Float32Array(raster.width + 1);
  for (let row = first; row <= last; row++) {
    covered.fill(0);
    const near = edges.filter(({ y0, y1 }) => y1 > row && y0 < row + 1);
    if (near.length === 0) continue;
    for (let sub = 0; sub < SUBLINES; sub++) {
      const at = row + (sub + 0.5) / SUBLINES;
      const crossings = near
        .filter(({ y0, y1 }) => y0 <= at && at < y1)
        .map(({ x0, y0, x1, y1, turn }) => ({ x: x0 + ((at - y0) * (x1 - x0)) / (y1 - y0), turn }))
        .sort((a, b) => a.x - b.x);
      let winding = 0;
      crossings.forEach((crossing, i) => {
        const before = winding;
        winding += crossing.turn;
        if (before !== 0) cover(covered, crossings[i - 1]!.x, crossing.x, raster.width);
      });
    }
    for (let column = 0; column < raster.width; column++) {
      const amount = covered[column] as number;
      if (amount === 0) continue;
      const place = row * raster.width + column;
      raster.dots[place] = Math.max(raster.dots[place] as number, Math.round((255 * amount) / SUBLINES));
    }
  }
}

function cover(covered: Float32Array, from: number, to: number, width: number): void {
  const [start, end] = [Math.max(0, from), Math.min(width, to)];
  for (let column = Math.floor(start); column < end; column++)
    covered[column] = (covered[column] as number) + Math.min(end, column + 1) - Math.max(start, column);
}

function edgesOf(text: string, face: TextMark['face'], size: number, dx: number, dy: number, dot: number): Edge[] {
  const edges: Edge[] = [];
  for (const contour of outlinesOf(text, face, size)) {
    let [px, py] = [0, 0];
    const to = (x: number, y: number) => {
      if (py < y) edges.push({ x0: px, y0: py, x1: x, y1: y, turn: 1 });
      else if (py > y) edges.push({ x0: x, y0: y, x1: px, y1: py, turn: -1 });
      [px, py] = [x, y];
    };
    for (const stroke of strokesOf(contour)) {
      const [x, y] = [(dx + stroke.x) / dot, (dy + stroke.y) / dot];
      if (stroke.to === 'Q') {
        const [sx, sy, cx, cy] = [px, py, (dx + stroke.cx) / dot, (dy + stroke.cy) / dot];
        for (let i = 1; i <= CURVE_STEPS; i++) {
          const t = i / CURVE_STEPS;
          to((1 - t) ** 2 * sx + 2 * t * (1 - t) * cx + t * t * x, (1 - t) ** 2 * sy + 2 * t * (1 - t) * cy + t * t * y);
        }
      } else if (stroke.to === 'L') to(x, y);
      else [px, py] = [x, y];
    }
  }
  return edges;
}
