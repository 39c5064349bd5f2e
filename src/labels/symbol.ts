import { LotlineError } from '../errors.ts';
import { type Element, readDigitalLink, writeElementString } from '../identifiers/index.ts';
import { codewordsOf, modulesOfCodewords } from './code128.ts';

/** The symbols that can be asked for one by one. */
export const SYMBOL_TYPES = ['gs1datamatrix', 'gs1-128', 'gs1qr', 'dlqr'] as const;
export type SymbolType = (typeof SYMBOL_TYPES)[number];

/**
 * A symbol and what it says. Of a GS1 symbol `text` is the element string, U+001D between elements, without the FNC1 that it begins
 * with; `datamatrix` and `code128` are plain ones, for ISBT 128.
 */
export type LabelSymbol = { readonly type: SymbolType | 'datamatrix' | 'code128'; readonly text: string };

/** Sizes in millimetres; quiet zone in modules, on every side or, of a linear symbol, left and right. */
export type SizeRule = {
  readonly min: number;
  readonly target: number;
  readonly max: number;
  readonly quiet: number;
  /** Of the bars of a linear symbol. */
  readonly height: number | null;
};

/** Regulated healthcare, not scanned in general distribution (GS1 symbol specification table 6; codes.md §7). */
const DATA_MATRIX: SizeRule = { min: 0.254, target: 0.38, max: 0.495, quiet: 1, height: null };
const HEALTHCARE_128: SizeRule = { min: 0.17, target: 0.495, max: 0.495, quiet: 10, height: 12.7 };
/** Logistic units (codes.md §7). */
const LOGISTIC_128: SizeRule = { min: 0.495, target: 0.495, max: 0.94, quiet: 10, height: 32 };
/** Extended packaging; quiet zone of ISO/IEC 18004. */
const QR: SizeRule = { min: 0.396, target: 0.495, max: 0.99, quiet: 4, height: null };
/** ISBT 128: 0.25 mm is usual on bags. */
const ISBT_128: SizeRule = { min: 0.17, target: 0.25, max: 0.495, quiet: 10, height: 10 };

/** The sizes of a symbol. A GS1-128 symbol with an SSCC (00) is that of a logistic unit; on its label all others are so, too. */
export function sizeRuleOf({ type, text }: LabelSymbol, logistic = text.startsWith('00')): SizeRule {
  if (type === 'gs1-128') return logistic ? LOGISTIC_128 : HEALTHCARE_128;
  if (type === 'code128') return ISBT_128;
  return type === 'gs1qr' || type === 'dlqr' ? QR : DATA_MATRIX;
}

export const isLinear = ({ type }: LabelSymbol): boolean => type === 'gs1-128' || type === 'code128';

/** Data characters in one GS1-128 symbol, separators among them. */
export const LINEAR_CHARACTERS_MAX = 48;

/** The symbol of GS1 elements, in their order. */
export function gs1Symbol(type: Exclude<SymbolType, 'dlqr'>, elements: readonly Element[]): LabelSymbol {
  const text = writeElementString(elements);
  if (type === 'gs1-128' && text.length > LINEAR_CHARACTERS_MAX)
    throw new LotlineError('LBL-FIT', `${text.length} characters are more than the ${LINEAR_CHARACTERS_MAX} of one GS1-128 symbol`, {
      fix: 'Split the elements over several symbols, or use a GS1 DataMatrix.',
    });
  return { type, text };
}

/** The QR code of a Digital Link, which has to be one by our own reader. */
export function linkSymbol(uri: string): LabelSymbol {
  readDigitalLink(uri);
  return { type: 'dlqr', text: uri };
}

/** Modules of a linear symbol, without its quiet zones. */
export function linearModules(symbol: LabelSymbol): number {
  return modulesOfCodewords(codewordsOf(symbol.text, symbol.type === 'gs1-128'));
}

/** Side of the square Data Matrix symbols, in modules, and the codewords that each holds (ISO/IEC 16022). */
const MATRIX_SIZES = [
  [10, 3], [12, 5], [14, 8], [16, 12], [18, 18], [20, 22], [22, 30], [24, 36], [26, 44], [32, 62], [36, 86], [40, 114], [44, 144],
  [48, 174], [52, 204], [64, 280], [72, 368], [80, 456], [88, 576], [96, 696], [104, 816], [120, 1050], [132, 1304], [144, 1558],
] as const; // biome-ignore format: a table

/**
 * Modules that a Data Matrix symbol takes at most: those of its plainest encoding (a codeword a character, or a pair of digits). Who
 * draws it, this program or a printer, may find a shorter one.
 */
export function matrixModulesMax({ type, text }: LabelSymbol): number {
  const codewords = (type === 'gs1datamatrix' ? 1 : 0) + text.replace(/[0-9]{2}/g, '0').length;
  const size = MATRIX_SIZES.find(([, capacity]) => capacity >= codewords);
  if (size === undefined)
    throw new LotlineError('LBL-FIT', `${text.length} characters are more than a Data Matrix symbol holds`, { fix: 'Leave out elements.' });
  return size[0];
}

/** Millimetres of a printer's dot. What is called 203 dpi has 8 dots a millimetre. */
export const dotOf = (dpi: number): number => (dpi === 203 ? 0.125 : 25.4 / dpi);

/** Rounding in the last place of a size is no fault. */
const TOLERANCE = 1e-6;

/**
 * The module: what was asked for, or what the rule aims at. On a device with dots a whole number of them, the nearest that keeps the
 * rule (codes.md §7).
 */
export function moduleSize(rule: SizeRule, dot: number | null, asked?: number): number {
  const { min, target, max } = rule;
  const outside = (size: number) => size < min - TOLERANCE || size > max + TOLERANCE;
  if (asked !== undefined && outside(asked))
    throw new LotlineError('LBL-FIT', `an X-dimension of ${asked} mm is outside ${min} to ${max} mm`, {
      at: '?xdim',
      fix: `Ask for ${min} to ${max} mm.`,
    });
  const wanted = asked ?? target;
  if (dot === null) return wanted;
  const sizes = [Math.floor(wanted / dot + TOLERANCE), Math.ceil(wanted / dot - TOLERANCE)].map((dots) => dots * dot);
  const fitting = sizes.filter((size) => !outside(size)).sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
  if (fitting[0] !== undefined) return fitting[0];
  throw new LotlineError('LBL-FIT', `dots of ${dot.toFixed(4)} mm give no X-dimension between ${min} and ${max} mm near ${wanted} mm`, {
    at: '?dpi',
    fix: 'Use a higher resolution, or another X-dimension.',
  });
}
