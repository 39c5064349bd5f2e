import { LotlineError } from '../errors.ts';
import { readBracketed } from '../identifiers/index.ts';
import type { Drawing } from './drawing.ts';
import { patternOf } from './pattern.ts';
import { pngOf } from './png.ts';
import { svgOf } from './svg.ts';
import {
  dotOf,
  gs1Symbol,
  isLinear,
  type LabelSymbol,
  linkSymbol,
  matrixModulesMax,
  moduleSize,
  type SymbolType,
  sizeRuleOf,
} from './symbol.ts';

export type SymbolOrder = {
  readonly type: SymbolType;
  /** A bracketed element string; for `dlqr` a GS1 Digital Link. */
  readonly data: string;
  readonly format: 'svg' | 'png';
  /** Millimetres; what the rule of the symbol aims at when not given. */
  readonly xdim?: number | undefined;
  /** Of a PNG, 300 when not given: a module is a whole number of dots. */
  readonly dpi?: number | undefined;
};

const DATA_MAX = 2_000;

/** One symbol with its quiet zone and nothing else. Refuses data that break the rules of GS1, and sizes outside the table. */
export function symbolImage({ type, data, format, xdim, dpi = 300 }: SymbolOrder): Buffer {
  const symbol = symbolOf(type, data);
  const rule = sizeRuleOf(symbol);
  const dot = format === 'png' ? dotOf(dpi) : null;
  const module = moduleSize(rule, dot, xdim);
  const { columns, rows } = patternOf(symbol);
  const quiet = rule.quiet * module;
  const tall = isLinear(symbol) ? (rule.height as number) : rows * module;
  const drawing: Drawing = {
    width: columns * module + 2 * quiet,
    height: tall + (isLinear(symbol) ? 0 : 2 * quiet),
    marks: [{ kind: 'symbol', x: quiet, y: isLinear(symbol) ? 0 : quiet, symbol, module, height: isLinear(symbol) ? tall : null }],
  };
  return format === 'png' ? pngOf(drawing, dot as number) : Buffer.from(svgOf(drawing));
}

function symbolOf(type: SymbolType, data: string): LabelSymbol {
  try {
    if (data.length > DATA_MAX) throw new LotlineError('LBL-FIT', `more than ${DATA_MAX} characters`, { fix: 'Leave out elements.' });
    if (type === 'dlqr') return linkSymbol(data);
    const symbol = gs1Symbol(type, readBracketed(data));
    if (type === 'gs1datamatrix') matrixModulesMax(symbol);
    return symbol;
  } catch (error) {
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at: '?data', fix: error.fix }) : error;
  }
}
