import type { Drawing, Mark } from './drawing.ts';
import { type Contour, outlinesOf, strokesOf } from './font.ts';
import { patternOf } from './pattern.ts';

/** Micrometres are finer than any printer, and give the same text everywhere. */
const n = (mm: number): string => String(Math.round(mm * 1000) / 1000);

/**
 * A drawing as SVG, one unit a millimetre. Everything is an outline: no text of a caller stands in it, no font, script or reference is
 * needed, and the bytes follow from the drawing alone.
 */
export function svgOf({ width, height, marks }: Drawing): string {
  const size = `width="${n(width)}mm" height="${n(height)}mm" viewBox="0 0 ${n(width)} ${n(height)}"`;
  const body = marks.map((mark) => `<path d="${pathOf(mark)}"/>`).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n<rect width="100%" height="100%" fill="#fff"/>\n${body}\n</svg>\n`;
}

/** One filled path a mark (even-odd is never needed: borders are drawn as an outer and, turned the other way, an inner rectangle). */
export function pathOf(mark: Mark): string {
  switch (mark.kind) {
    case 'box': {
      const { x, y, width, height, line } = mark;
      const outer = rectangle(x, y, width, height);
      if (line === null) return outer;
      return `${outer}M${n(x + line)} ${n(y + line)}v${n(height - 2 * line)}h${n(width - 2 * line)}v${n(2 * line - height)}z`;
    }
    case 'text':
      return outlinesOf(mark.text, mark.face, mark.size)
        .map((contour) => contourPath(contour, mark.x, mark.y))
        .join('');
    case 'symbol': {
      const { x, y, module, height } = mark;
      const { dark } = patternOf(mark.symbol);
      return dark.map((run) => rectangle(x + run.x * module, y + run.y * module, run.width * module, height ?? module)).join('');
    }
  }
}

const rectangle = (x: number, y: number, width: number, height: number): string =>
  `M${n(x)} ${n(y)}h${n(width)}v${n(height)}h${n(-width)}z`;

function contourPath(contour: Contour, dx: number, dy: number): string {
  const at = (x: number, y: number) => `${n(dx + x)} ${n(dy + y)}`;
  return `${strokesOf(contour)
    .map((stroke) =>
      stroke.to === 'Q' ? `Q${at(stroke.cx, stroke.cy)} ${at(stroke.x, stroke.y)}` : `${stroke.to}${at(stroke.x, stroke.y)}`,
    )
    .join('')}z`;
}
