import { type Element, hriLines } from '../identifiers/index.ts';
import { CAPITALS, type Drawing } from './drawing.ts';
import { type Block, fitText, Sheet, symbolWidth, tooLong } from './fit.ts';
import { widthOf } from './font.ts';
import { type Label, shownName, shownValue, titleOf } from './label.ts';
import { gs1Symbol, LINEAR_CHARACTERS_MAX, moduleSize, type SizeRule, sizeRuleOf } from './symbol.ts';

/** Width and height in millimetres. */
export const LABEL_SIZES = { a6: [105, 148], a5: [148, 210] } as const;
export type LabelSize = keyof typeof LABEL_SIZES;

const MARGIN = 4;
const GAP = 2.5;
const HRI = 3.4;
const HRI_GAP = 1.4;
const TITLE = 2.3;
/** Heights of the digits of what stands in clear: 7 mm where there is room (codes.md §7). */
const VALUES = [7, 5.5, 4.4, 3.5, 2.8, 2.2].map((capitals) => capitals / CAPITALS);

type Sizing = { readonly dot: number | null; readonly year: number; readonly size: LabelSize };
/** Linear symbols with their HRI, the lowest last. */
type Bars = {
  readonly elements: readonly Element[];
  readonly module: number;
  readonly rule: SizeRule;
  readonly hri: Block;
  readonly height: number;
};

/**
 * A case or a logistic unit: product and texts; what the symbols say, with data titles; below, the GS1-128 symbols, bars upright, each
 * with its interpretation under it, the SSCC lowest (codes.md §7). A case has all of it in a GS1 DataMatrix as well.
 */
export function layOutLogistic(label: Label, { dot, year, size }: Sizing, withMatrix: boolean): Drawing {
  const [width, height] = LABEL_SIZES[size];
  const inner = width - 2 * MARGIN;
  const sheet = new Sheet();
  const logistic = label.elements.some(({ ai }) => ai === '00');
  const bars = split(label.elements, inner, logistic, dot);
  const barsHeight = bars.reduce((sum, { height: own }) => sum + own + GAP, 0);

  let top = MARGIN;
  let headWidth = inner;
  let headEnd = top;
  if (withMatrix) {
    const symbol = gs1Symbol('gs1datamatrix', label.elements);
    const rule = sizeRuleOf(symbol);
    const module = moduleSize(rule, dot, dot === null ? rule.max : Math.floor(rule.max / dot) * dot);
    const side = symbolWidth(symbol, rule, module);
    sheet.symbol(symbol, width - MARGIN - side, top, module);
    headWidth -= side + GAP;
    headEnd = top + side;
  }
  const product = label.text.get('product');
  if (product !== undefined) {
    const block = fitText(product, '/text/product', { size: 6, face: 'bold', width: headWidth, lines: 3 });
    top = sheet.block(block, MARGIN, top) + 2;
  }
  for (const [name, value] of label.text) {
    if (name === 'product') continue;
    const block = fitText(`${shownName(name)}: ${value}`, `/text/${name}`, { size: 3, face: 'regular', width: headWidth, lines: 3 });
    top = sheet.block(block, MARGIN, top) + 1.3;
  }
  top = Math.max(top, headEnd) + (label.text.size > 0 || withMatrix ? 0.7 : 0);
  if (top > MARGIN + 1) {
    sheet.box(MARGIN, top, inner, 0.3, null);
    top += GAP;
  }

  const room = height - MARGIN - barsHeight - top;
  const rows = VALUES.map((value) => rowsOf(label.elements, inner, value, year)).find(({ height: needed }) => needed <= room);
  if (rows === undefined)
    throw tooLong(
      label.text.size > 1 ? '/text' : '/data',
      `${bars.length} symbols and what they say in clear do not fit on ${width} × ${height} mm`,
    );
  top = drawRows(sheet, rows.rows, inner, top, year);

  let y = height - MARGIN - barsHeight + GAP;
  for (const { elements, module, rule, hri, height: own } of bars) {
    const symbol = gs1Symbol('gs1-128', elements);
    const wide = symbolWidth(symbol, rule, module);
    const x = MARGIN + (inner - wide) / 2;
    sheet.symbol(symbol, x + rule.quiet * module, y, module, rule.height);
    sheet.block(hri, MARGIN, y + (rule.height ?? 0) + HRI_GAP, inner);
    y += own + GAP;
  }
  return { width, height, marks: sheet.marks };
}

/** Elements joined into as few symbols as keep their order, the width and the 48 characters; the SSCC in one of its own, the last. */
function split(elements: readonly Element[], inner: number, logistic: boolean, dot: number | null): Bars[] {
  const groups: Element[][] = [];
  const sscc = elements.filter(({ ai }) => ai === '00');
  // Quiet zones may reach into the margins: nothing is printed there.
  const room = inner + 2 * MARGIN - 2;
  for (const element of elements) {
    if (element.ai === '00') continue;
    const last = groups.at(-1);
    if (last !== undefined && measure([...last, element], room, logistic, dot, true) !== null) last.push(element);
    else groups.push([element]);
  }
  return [...groups, ...(sscc.length > 0 ? [sscc] : [])].map((group) => {
    const fitting = measure(group, room, logistic, dot, false);
    if (fitting === null)
      throw tooLong('/data', `(${group.map(({ ai }) => ai).join(')(')}) is wider than ${Math.round(inner)} mm as a GS1-128 symbol`);
    const hri = fitText(hriLines(group).join('  '), '/data', { size: HRI, face: 'regular', width: inner, lines: 1 });
    return { elements: group, ...fitting, hri, height: (fitting.rule.height ?? 0) + HRI_GAP + hri.height };
  });
}

/** The X-dimension at which elements fit into one symbol: the one aimed at, or, where the symbol has to, the smaller ones of the rule. */
function measure(
  group: readonly Element[],
  room: number,
  logistic: boolean,
  dot: number | null,
  asAimed: boolean,
): { module: number; rule: SizeRule } | null {
  if (group.reduce((sum, { ai, value }) => sum + ai.length + value.length + 1, -1) > LINEAR_CHARACTERS_MAX) return null;
  const symbol = gs1Symbol('gs1-128', group);
  const rule = sizeRuleOf(symbol, logistic);
  const aimed = moduleSize(rule, dot);
  const perModule = symbolWidth(symbol, rule, 1);
  if (perModule * aimed <= room) return { module: aimed, rule };
  if (asAimed) return null;
  const largest = dot === null ? room / perModule : Math.floor(room / perModule / dot) * dot;
  return largest >= rule.min ? { module: largest, rule } : null;
}

type Row = readonly { readonly element: Element; readonly size: number }[];

/** What the label says in clear, one element a row or two where both fit beside each other. */
function rowsOf(elements: readonly Element[], inner: number, size: number, year: number): { rows: Row[]; height: number } {
  const half = (inner - GAP) / 2;
  const rows: { element: Element; size: number }[][] = [];
  for (const element of elements) {
    const needed = widthOf(shownValue(element, year), 'bold', size);
    const last = rows.at(-1);
    const short = needed <= half;
    if (short && last?.length === 1 && widthOf(shownValue(last[0]!.element, year), 'bold', last[0]!.size) <= half)
      last.push({ element, size });
    else rows.push([{ element, size: Math.min(size, (size * inner) / needed) }]);
  }
  return { rows, height: rows.reduce((sum, row) => sum + rowHeight(row), 0) };
}

const rowHeight = (row: Row) => CAPITALS * (TITLE + Math.max(...row.map(({ size }) => size))) + 1.1 + GAP;

function drawRows(sheet: Sheet, rows: readonly Row[], inner: number, from: number, year: number): number {
  let top = from;
  for (const row of rows) {
    row.forEach(({ element, size }, i) => {
      const x = MARGIN + (i * (inner + GAP)) / 2;
      const below = sheet.line(titleOf(element), x, top, 'regular', TITLE);
      sheet.line(shownValue(element, year), x, below + 1.1, 'bold', size);
    });
    top += rowHeight(row);
  }
  return top;
}
