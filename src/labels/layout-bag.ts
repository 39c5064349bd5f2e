import { type Isbt128Structure, keyboardCheckCharacter } from '../identifiers/index.ts';
import { CAPITALS, type Drawing } from './drawing.ts';
import { fitText, Sheet, symbolWidth, tooLong } from './fit.ts';
import { widthOf } from './font.ts';
import { type Label, shownName, shownValue, titleOf } from './label.ts';
import { gs1Symbol, type LabelSymbol, linearModules, moduleSize, sizeRuleOf } from './symbol.ts';

const [WIDTH, HEIGHT, MARGIN] = [100, 100, 4];
const INNER = WIDTH - 2 * MARGIN;
const GAP = 2;
const TITLE = 2.1;
const NUMBER = 4.4;
const BARS = 9;
const NOTE = 2.4;
/** Texts with a place of their own; all others stand in two columns. */
const PLACED = new Set(['product', 'use', 'warning', 'zone']);

/**
 * A bag of cells, 100 × 100 mm: product; Chain of Identity Identifier and donation number, each with its check character K in a box;
 * product code; times with their zone; the texts of domain.md §12.7; what it may be used for and what to beware of, framed. An ISBT 128
 * Data Matrix says all of it (compound message), and Code 128 the donation and the product each; GS1 elements are in a GS1 DataMatrix.
 */
export function layOutBag({ elements, isbt, text }: Label, { dot, year }: { dot: number | null; year: number }): Drawing {
  const sheet = new Sheet();
  const matrices: LabelSymbol[] = [
    ...(isbt === null ? [] : [{ type: 'datamatrix' as const, text: isbt.message }]),
    ...(elements.length === 0 ? [] : [gs1Symbol('gs1datamatrix', elements)]),
  ];
  let column = 0;
  let below = MARGIN;
  for (const symbol of matrices) {
    const rule = sizeRuleOf(symbol);
    const module = moduleSize(rule, dot);
    const side = symbolWidth(symbol, rule, module);
    sheet.symbol(symbol, WIDTH - MARGIN - side, below, module);
    below += side + GAP;
    column = Math.max(column, side + GAP);
  }
  const beside = INNER - column;

  let top = MARGIN;
  const product = text.get('product');
  if (product !== undefined)
    top = sheet.block(fitText(product, '/text/product', { size: 4.6, face: 'bold', width: beside, lines: 2 }), MARGIN, top) + GAP;

  const parts = isbt?.parts ?? [];
  const number = (structure: string) => parts.find((part) => part.structure === structure);
  const coi = number('040');
  if (coi !== undefined) {
    const value = String(coi.fields['coi']).slice(0, 15);
    top = boxedNumber(
      sheet,
      'Chain of Identity',
      `${value.slice(0, 7)} ${value.slice(7, 9)} ${value.slice(9)}`,
      keyboardCheckCharacter(value),
      top,
      '',
    );
  }
  const donation = number('001');
  if (donation !== undefined) {
    const din = String(donation.fields['din']);
    const flags = String(donation.fields['flags']);
    const shown = `${din.slice(0, 5)} ${din.slice(5, 7)} ${din.slice(7)}`;
    // A check value in the flags is for scanners; it is never printed (codes.md §9).
    top = boxedNumber(sheet, 'Donation', shown, keyboardCheckCharacter(din), top, Number(flags) < 60 ? flags : '');
    top = linear(sheet, `=${din}${flags}`, beside, top, dot);
  }
  const code = number('003');
  if (code !== undefined) {
    const value = productCode(code);
    top = titled(sheet, 'Product code', value, top, beside);
    top = linear(sheet, `=<${value}`, beside, top, dot);
  }
  top = Math.max(top, below);

  const facts = [
    ...parts
      .flatMap(dateOf)
      .map(([name, value]) => [name, text.has('zone') && value.includes(':') ? `${value} ${text.get('zone')}` : value, '/text/zone']),
    ...elements.map((element) => [titleOf(element), shownValue(element, year), '/data']),
    ...[...text].filter(([name]) => !PLACED.has(name)).map(([name, value]) => [shownName(name), value, `/text/${name}`]),
  ] as [name: string, value: string, at: string][];
  top = columns(sheet, facts, top);

  let foot = HEIGHT - MARGIN;
  for (const name of ['warning', 'use']) {
    const value = text.get(name);
    if (value === undefined) continue;
    const block = fitText(value, `/text/${name}`, { size: name === 'use' ? 4.6 : 3.4, face: 'bold', width: INNER - 4, lines: 2 });
    foot -= block.height + 3;
    sheet.box(MARGIN, foot, INNER, block.height + 3, 0.5);
    sheet.block(block, MARGIN, foot + 1.5, INNER);
    foot -= 1;
  }
  if (top > foot)
    throw tooLong(
      text.size > 0 ? '/text' : '/data',
      `texts and symbols need ${(top - foot).toFixed(0)} mm more than the ${HEIGHT} mm of the label`,
    );
  return { width: WIDTH, height: HEIGHT, marks: sheet.marks };
}

/** A number as it is read aloud, flags small behind it, then its check character in a box: what is typed is typed with it. */
function boxedNumber(sheet: Sheet, title: string, value: string, k: string, top: number, flags: string): number {
  const from = sheet.line(title, MARGIN, top, 'regular', TITLE) + 1.2;
  const end = sheet.line(value, MARGIN, from, 'bold', NUMBER);
  let x = MARGIN + widthOf(value, 'bold', NUMBER) + 1;
  if (flags !== '') {
    sheet.line(flags, x, end - CAPITALS * NUMBER * 0.6, 'regular', NUMBER * 0.6);
    x += widthOf(flags, 'regular', NUMBER * 0.6) + 1;
  }
  const side = CAPITALS * NUMBER + 1.4;
  sheet.box(x, from - 0.7, side, side, 0.25);
  sheet.line(k, x + (side - widthOf(k, 'bold', NUMBER)) / 2, from, 'bold', NUMBER);
  return end + GAP;
}

function titled(sheet: Sheet, title: string, value: string, top: number, width: number): number {
  const from = sheet.line(title, MARGIN, top, 'regular', TITLE) + 1;
  return sheet.block(fitText(value, '/data', { size: NUMBER * 0.85, face: 'bold', width, lines: 1 }), MARGIN, from) + GAP;
}

function linear(sheet: Sheet, data: string, width: number, top: number, dot: number | null): number {
  const symbol: LabelSymbol = { type: 'code128', text: data };
  const rule = sizeRuleOf(symbol);
  const module = moduleSize(rule, dot);
  if (linearModules(symbol) * module > width) throw tooLong('/data', `a Code 128 symbol is wider than ${Math.round(width)} mm`);
  // Its left quiet zone is the label's margin; nothing but the matrix, beyond the right one, stands beside it.
  sheet.symbol(symbol, MARGIN, top - 0.6, module, BARS);
  return top - 0.6 + BARS + GAP;
}

/** Texts in two columns, filled row by row. */
function columns(sheet: Sheet, facts: readonly (readonly [name: string, value: string, at: string])[], from: number): number {
  const width = (INNER - GAP) / 2;
  let top = from;
  for (let i = 0; i < facts.length; i += 2) {
    const ends = facts.slice(i, i + 2).map(([name, value, at], k) => {
      const x = MARGIN + k * (width + GAP);
      const head = widthOf(`${name}  `, 'regular', NOTE);
      sheet.line(name, x, top, 'regular', NOTE);
      return sheet.block(fitText(value, at, { size: NOTE, face: 'bold', width: width - head, lines: 2 }), x + head, top);
    });
    top = Math.max(...ends) + 1.5;
  }
  return top;
}

function productCode({ fields }: Isbt128Structure): string {
  const rest = fields['packNumber'] ?? `${String(fields['collectionType'])}${String(fields['division'])}`;
  return `${String(fields['productDescriptionCode'])}${String(rest)}`;
}

/** What else structures say: dates and further numbers, each under its name. */
function dateOf({ structure, fields }: Isbt128Structure): [string, string][] {
  const names: Readonly<Record<string, string>> = {
    expires: 'Expires',
    collected: 'Collected',
    produced: 'Produced',
    divisions: 'Divisions',
    sec: 'SEC',
    lot: 'Lot',
    processorProduct: 'Processor product',
    supplement: 'Supplement',
  };
  if (structure === '038') return [['SEC', `${String(fields['sec']).slice(0, 21)} ${String(fields['sec']).slice(21)}`]];
  return Object.entries(fields).flatMap(([field, value]) =>
    names[field] === undefined ? [] : [[names[field], String(value).replace('T', ' ')] as [string, string]],
  );
}
