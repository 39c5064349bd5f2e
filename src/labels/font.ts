import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * The two faces of labels, read here to measure texts and to draw them as outlines: a label looks the same wherever it is drawn, and no
 * text of a caller stands in an SVG as text. DejaVu Sans Condensed: Latin, Greek and Cyrillic, under a licence that lets it be embedded.
 */
export type Face = 'regular' | 'bold';

const require = createRequire(import.meta.url);

export const FONT_FILES: Readonly<Record<Face, string>> = {
  regular: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf'),
  bold: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf'),
};

/** A closed outline: points in font units, y upward; between two points off the curve lies one on it, half way. */
export type Contour = readonly { readonly x: number; readonly y: number; readonly on: boolean }[];

/** A composite glyph of a composite glyph of …: no font goes so deep. */
const DEPTH_MAX = 5;

/** What is read of a TrueType file: code points to glyphs (cmap format 4), advances, outlines. */
class Font {
  readonly unitsPerEm: number;
  private readonly view: DataView;
  private readonly tables = new Map<string, number>();
  private readonly longLoca: boolean;
  private readonly advances: number;
  private readonly map: number;
  private readonly outlines = new Map<number, readonly Contour[]>();
  private readonly glyphs = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0, at = 12; i < this.view.getUint16(4); i++, at += 16)
      this.tables.set(String.fromCharCode(...bytes.subarray(at, at + 4)), this.view.getUint32(at + 8));
    this.unitsPerEm = this.view.getUint16(this.table('head') + 18);
    this.longLoca = this.view.getInt16(this.table('head') + 50) === 1;
    this.advances = this.view.getUint16(this.table('hhea') + 34);
    this.map = this.findMap();
  }

  /** The glyph of a code point; 0 when there is none. */
  glyphOf(codePoint: number): number {
    if (codePoint > 0xffff) return 0;
    const known = this.glyphs.get(codePoint);
    if (known !== undefined) return known;
    const glyph = this.findGlyph(codePoint);
    this.glyphs.set(codePoint, glyph); // 65,536 at most
    return glyph;
  }

  private findGlyph(codePoint: number): number {
    const { view, map } = this;
    const segments = view.getUint16(map + 6); // twice their number
    for (let at = 0; at < segments; at += 2) {
      if (view.getUint16(map + 14 + at) < codePoint) continue;
      const start = view.getUint16(map + 16 + segments + at);
      if (start > codePoint) return 0;
      const delta = view.getUint16(map + 16 + 2 * segments + at);
      const offsetAt = map + 16 + 3 * segments + at;
      const offset = view.getUint16(offsetAt);
      if (offset === 0) return (codePoint + delta) & 0xffff;
      const glyph = view.getUint16(offsetAt + offset + 2 * (codePoint - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  }

  /** In font units. */
  advanceOf(glyph: number): number {
    return this.view.getUint16(this.table('hmtx') + 4 * Math.min(glyph, this.advances - 1));
  }

  outlineOf(glyph: number, depth = 0): readonly Contour[] {
    const known = this.outlines.get(glyph);
    if (known !== undefined) return known;
    const read = this.readOutline(glyph, depth);
    this.outlines.set(glyph, read);
    return read;
  }

  private table(name: string): number {
    const at = this.tables.get(name);
    if (at === undefined) throw new Error(`the font has no table ${name}`);
    return at;
  }

  private findMap(): number {
    const cmap = this.table('cmap');
    for (let i = 0; i < this.view.getUint16(cmap + 2); i++) {
      const at = cmap + this.view.getUint32(cmap + 4 + 8 * i + 4);
      if (this.view.getUint16(cmap + 4 + 8 * i) === 3 && this.view.getUint16(at) === 4) return at;
    }
    throw new Error('the font has no character map of format 4');
  }

  private readOutline(glyph: number, depth: number): readonly Contour[] {
    const { view } = this;
    const loca = this.table('loca');
    const offset = (n: number) => (this.longLoca ? view.getUint32(loca + 4 * n) : 2 * view.getUint16(loca + 2 * n));
    if (offset(glyph) === offset(glyph + 1) || depth > DEPTH_MAX) return [];
    const at = this.table('glyf') + offset(glyph);
    const contours = view.getInt16(at);
    return contours < 0 ? this.readComposite(at + 10, depth) : this.readSimple(at + 10, contours);
  }

  private readSimple(from: number, contours: number): readonly Contour[] {
    const { view } = this;
    const ends = Array.from({ length: contours }, (_, i) => view.getUint16(from + 2 * i));
    const points = (ends.at(-1) ?? -1) + 1;
    let at = from + 2 * contours;
    at += 2 + view.getUint16(at); // instructions
    const flags: number[] = [];
    while (flags.length < points) {
      const flag = view.getUint8(at++);
      const times = flag & 8 ? view.getUint8(at++) : 0;
      for (let i = 0; i <= times; i++) flags.push(flag);
    }
    const readAxis = (short: number, same: number): number[] => {
      let value = 0;
      return flags.map((flag) => {
        if (flag & short) value += flag & same ? view.getUint8(at++) : -view.getUint8(at++);
        else if (!(flag & same)) {
          value += view.getInt16(at);
          at += 2;
        }
        return value;
      });
    };
    const xs = readAxis(2, 16);
    const ys = readAxis(4, 32);
    return ends.map((end, i) => {
      const start = i === 0 ? 0 : (ends[i - 1] as number) + 1;
      return flags
        .slice(start, end + 1)
        .map((flag, k) => ({ x: xs[start + k] as number, y: ys[start + k] as number, on: (flag & 1) === 1 }));
    });
  }

  /** Letters with accents: parts moved, and sometimes scaled. */
  private readComposite(from: number, depth: number): readonly Contour[] {
    const { view } = this;
    const all: Contour[] = [];
    let at = from;
    let flags: number;
    do {
      flags = view.getUint16(at);
      const glyph = view.getUint16(at + 2);
      const wide = (flags & 1) === 1;
      const [dx, dy] = wide ? [view.getInt16(at + 4), view.getInt16(at + 6)] : [view.getInt8(at + 4), view.getInt8(at + 5)];
      at += wide ? 8 : 6;
      const next = () => {
        at += 2;
        return view.getInt16(at - 2) / 16384;
      };
      let [a, b, c, d] = [1, 0, 0, 1];
      if (flags & 8) a = d = next();
      else if (flags & 0x40) [a, d] = [next(), next()];
      else if (flags & 0x80) [a, b, c, d] = [next(), next(), next(), next()];
      for (const contour of this.outlineOf(glyph, depth + 1))
        all.push(contour.map(({ x, y, on }) => ({ x: a * x + c * y + dx, y: b * x + d * y + dy, on })));
    } while (flags & 0x20);
    return all;
  }
}

const fonts = new Map<Face, Font>();

function fontOf(face: Face): Font {
  const known = fonts.get(face);
  if (known !== undefined) return known;
  const font = new Font(readFileSync(FONT_FILES[face]));
  fonts.set(face, font);
  return font;
}

/** Width of a text in the unit of `size`. No pairs are kerned: every format sets a text alike. */
export function widthOf(text: string, face: Face, size: number): number {
  const font = fontOf(face);
  let units = 0;
  for (const c of text) units += font.advanceOf(font.glyphOf(c.codePointAt(0) as number));
  return (units * size) / font.unitsPerEm;
}

/** The outlines of a text that begins at 0, 0, in the unit of `size`, y downward. */
export function outlinesOf(text: string, face: Face, size: number): Contour[] {
  const font = fontOf(face);
  const scale = size / font.unitsPerEm;
  const all: Contour[] = [];
  let at = 0;
  for (const c of text) {
    const glyph = font.glyphOf(c.codePointAt(0) as number);
    for (const contour of font.outlineOf(glyph)) all.push(contour.map(({ x, y, on }) => ({ x: (at + x) * scale, y: -y * scale, on })));
    at += font.advanceOf(glyph);
  }
  return all;
}

export type Stroke =
  | { readonly to: 'M' | 'L'; readonly x: number; readonly y: number }
  | { readonly to: 'Q'; readonly cx: number; readonly cy: number; readonly x: number; readonly y: number };

/** A contour as a pen draws it: from a point on the curve, over lines and quadratic curves, back to that point. */
export function strokesOf(contour: Contour): Stroke[] {
  const middle = (a: Contour[number], b: Contour[number]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, on: true });
  const points: Contour[number][] = [];
  contour.forEach((point, i) => {
    const before = contour[(i + contour.length - 1) % contour.length] as Contour[number];
    if (!point.on && !before.on) points.push(middle(before, point));
    points.push(point);
  });
  const first = points.findIndex(({ on }) => on);
  if (first < 0) return [];
  const turned = [...points.slice(first), ...points.slice(0, first + 1)];
  const strokes: Stroke[] = [{ to: 'M', x: turned[0]!.x, y: turned[0]!.y }];
  for (let i = 1; i < turned.length; i++) {
    const point = turned[i]!;
    if (point.on) strokes.push({ to: 'L', x: point.x, y: point.y });
    else {
      const end = turned[++i]!;
      strokes.push({ to: 'Q', cx: point.x, cy: point.y, x: end.x, y: end.y });
    }
  }
  return strokes;
}

/** Scripts that are set one character after the other, left to right, as this is: no Hebrew, Arabic, or marks that combine. */
const SIMPLE = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}\p{P}\p{S}\p{Lm} \u00a0ªºµ]$/u;

/** Whether labels can show a character: both faces have it, and it stands by itself. */
export function canShow(character: string): boolean {
  const codePoint = character.codePointAt(0) as number;
  return SIMPLE.test(character) && fontOf('regular').glyphOf(codePoint) !== 0 && fontOf('bold').glyphOf(codePoint) !== 0;
}
