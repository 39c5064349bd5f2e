import type { Drawing } from './drawing.ts';
import { fitText, Sheet, symbolWidth, tooLong } from './fit.ts';
import { widthOf } from './font.ts';
import { type Label, shownName, shownValue, titleOf } from './label.ts';
import { gs1Symbol, moduleSize, sizeRuleOf } from './symbol.ts';

const [WIDTH, HEIGHT, MARGIN] = [50, 25, 2];
const GAP = 1.2;
const VALUE = 2.5;
const VALUE_MIN = 1.76;
const NOTE = 1.9;

/**
 * A pack, 50 × 25 mm: product above; below it the GS1 DataMatrix, and beside it what it says, with data titles (codes.md §7). Other
 * texts stand below the product, small.
 */
export function layOutPack({ elements, text }: Label, { dot, year }: { dot: number | null; year: number }): Drawing {
  const sheet = new Sheet();
  let top = MARGIN;
  const product = text.get('product');
  if (product !== undefined) {
    const block = fitText(product, '/text/product', { size: 3.4, face: 'bold', width: WIDTH - 2 * MARGIN, lines: 2 });
    top = sheet.block(block, MARGIN, top) + GAP;
  }
  for (const [name, value] of text) {
    if (name === 'product') continue;
    const block = fitText(`${shownName(name)}: ${value}`, `/text/${name}`, {
      size: NOTE,
      face: 'regular',
      width: WIDTH - 2 * MARGIN,
      lines: 2,
    });
    top = sheet.block(block, MARGIN, top) + 0.8;
  }

  const symbol = gs1Symbol('gs1datamatrix', elements);
  const rule = sizeRuleOf(symbol);
  const module = moduleSize(rule, dot);
  const side = symbolWidth(symbol, rule, module);
  const room = HEIGHT - MARGIN - top;
  if (side > room + rule.quiet * module * 2)
    throw tooLong(text.size > 1 ? '/text' : '/data', `a symbol of ${side.toFixed(1)} mm has ${room.toFixed(1)} mm of room`);
  sheet.symbol(symbol, MARGIN, top, module);

  const left = MARGIN + side + GAP;
  const pitch = Math.min(room / elements.length, VALUE * 1.45);
  const size = Math.min(VALUE, pitch / 1.15);
  if (size < VALUE_MIN) throw tooLong('/data', `${elements.length} lines have ${room.toFixed(1)} mm of room`);
  const titles = Math.max(...elements.map((element) => widthOf(titleOf(element), 'regular', size * 0.8))) + 1;
  elements.forEach((element, i) => {
    const block = fitText(shownValue(element, year), '/data', { size, face: 'bold', width: WIDTH - MARGIN - left - titles, lines: 1 });
    const baseline = sheet.block(block, left + titles, top + i * pitch + (size - block.size) * 0.73);
    sheet.line(titleOf(element), left, baseline - size * 0.8 * 0.73, 'regular', size * 0.8);
  });
  return { width: WIDTH, height: HEIGHT, marks: sheet.marks };
}
