import type { Face } from './font.ts';
import type { LabelSymbol } from './symbol.ts';

/** What stands on one label: millimetres from its top left corner. Every format draws the same. */
export type Drawing = { readonly width: number; readonly height: number; readonly marks: readonly Mark[] };
export type Mark = TextMark | BoxMark | SymbolMark;

/** One line of text; `x`, `y` is where its baseline begins, `size` the em, `width` what it takes. */
export type TextMark = {
  readonly kind: 'text';
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly face: Face;
  readonly size: number;
  readonly width: number;
};

/** A filled rectangle, or with a `line` only its border of that thickness, which lies inside. */
export type BoxMark = {
  readonly kind: 'box';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly line: number | null;
};

/** A symbol without its quiet zone; `module` is the X-dimension. Of a linear symbol `height` is that of its bars. */
export type SymbolMark = {
  readonly kind: 'symbol';
  readonly x: number;
  readonly y: number;
  readonly symbol: LabelSymbol;
  readonly module: number;
  readonly height: number | null;
};

/** Height of capitals and digits, as a part of the em. */
export const CAPITALS = 0.73;
