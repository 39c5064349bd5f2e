import { LotlineError } from '../errors.ts';
import { CAPITALS, type Mark } from './drawing.ts';
import { type Face, widthOf } from './font.ts';
import { isLinear, type LabelSymbol, linearModules, matrixModulesMax, type SizeRule } from './symbol.ts';

/** Smaller than this nobody reads on a label: 5 points. */
const SIZE_MIN = 1.76;
/** Line to line, as a part of the em. */
const LEADING = 1.12;
const SHRINK = 0.95;

export type Block = { readonly lines: readonly string[]; readonly size: number; readonly face: Face; readonly height: number };

/** A text in at most so many lines of a width: as large as asked for, smaller where it has to be; refused where it cannot be read any more. */
export function fitText(
  text: string,
  at: string,
  { size: wanted, face, width, lines: most }: { size: number; face: Face; width: number; lines: number },
): Block {
  for (let size = wanted; size >= SIZE_MIN; size *= SHRINK) {
    const lines = wrap(text, face, size, width, most === 1);
    if (lines !== null && lines.length <= most) return { lines, size, face, height: heightOf(lines.length, size) };
  }
  throw tooLong(at, `${text.length} characters do not fit into ${most === 1 ? 'the line' : `${most} lines`} of ${Math.round(width)} mm`);
}

/** From the top of the capitals of the first line to the baseline of the last. */
const heightOf = (lines: number, size: number): number => size * (CAPITALS + LEADING * (lines - 1));

export const tooLong = (at: string, what: string): LotlineError =>
  new LotlineError('LBL-FIT', what, { at, fix: 'Shorten it, or use a larger label.' });

/** Lines that break at spaces, and in a word only where it is longer than a line; null when that would be needed and is not allowed. */
function wrap(text: string, face: Face, size: number, width: number, whole: boolean): string[] | null {
  const fits = (line: string) => widthOf(line, face, size) <= width;
  if (fits(text)) return [text];
  if (whole) return null;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const c of word) {
      if (!fits(line + c)) {
        lines.push(line);
        line = '';
      }
      line += c;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** Marks in the making. Positions are millimetres from the top left corner; what is put returns where it ends. */
export class Sheet {
  readonly marks: Mark[] = [];

  /** One line, its capitals' top at `top`. */
  line(text: string, x: number, top: number, face: Face, size: number): number {
    this.marks.push({ kind: 'text', x, y: top + CAPITALS * size, text, face, size, width: widthOf(text, face, size) });
    return top + CAPITALS * size;
  }

  block({ lines, size, face }: Block, x: number, top: number, centredIn: number | null = null): number {
    let end = top;
    lines.forEach((text, i) => {
      const indent = centredIn === null ? 0 : (centredIn - widthOf(text, face, size)) / 2;
      end = this.line(text, x + indent, top + i * LEADING * size, face, size);
    });
    return end;
  }

  box(x: number, y: number, width: number, height: number, line: number | null): void {
    this.marks.push({ kind: 'box', x, y, width, height, line });
  }

  symbol(symbol: LabelSymbol, x: number, y: number, module: number, height: number | null = null): void {
    this.marks.push({ kind: 'symbol', x, y, symbol, module, height });
  }
}

/** Millimetres that a symbol takes in width, with its quiet zones. */
export function symbolWidth(symbol: LabelSymbol, rule: SizeRule, module: number): number {
  return module * ((isLinear(symbol) ? linearModules(symbol) : matrixModulesMax(symbol)) + 2 * rule.quiet);
}
