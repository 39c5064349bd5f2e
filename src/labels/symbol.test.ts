import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBracketed, writeElementString } from '../identifiers/index.ts';
import { codewordsOf } from './code128.ts';
import type { Drawing, SymbolMark, TextMark } from './drawing.ts';
import { LAYOUTS } from './label.ts';
import { drawLabel } from './layout.ts';
import { patternOf } from './pattern.ts';
import { dotOf, gs1Symbol, isLinear, linearModules, matrixModulesMax, moduleSize, sizeRuleOf } from './symbol.ts';

const DATA = {
  pack: '(01)09520123000110(21)7K2M9QX4TB8R(17)270831(10)L2207A',
  case: '(01)19520123000117(21)C00042(17)270831(10)L2207A',
  sscc: '(00)195201230000000018(02)19520123000117(37)48(17)270831(10)L2207A',
  bag: '(&/)CHA999925AB12C4(=)A999925000017(=<)S12954A0(&>)0252312359(01)09520123000110(21)B1',
};
const TEXT = { product: 'Examplimab 150 mg solution for injection', use: 'FOR AUTOLOGOUS USE ONLY' };
const symbolsOf = ({ marks }: Drawing) => marks.filter((mark): mark is SymbolMark => mark.kind === 'symbol');
const textsOf = ({ marks }: Drawing) => marks.filter((mark): mark is TextMark => mark.kind === 'text');

/** Where a symbol and its quiet zone stand. */
function area({ symbol, x, y, module, height }: SymbolMark, logistic: boolean) {
  const { quiet } = sizeRuleOf(symbol, logistic);
  const { columns, rows } = patternOf(symbol);
  const above = isLinear(symbol) ? 0 : quiet * module;
  return { left: x - quiet * module, top: y - above, right: x + (columns + quiet) * module, bottom: y + (height ?? rows * module) + above };
}

describe.each(LAYOUTS)('a %s label', (layout) => {
  it.each([null, 203, 300, 600])('keeps X-dimension, height and quiet zones at %s dpi (codes.md §7)', (dpi) => {
    const dot = dpi === null ? null : dotOf(dpi);
    const drawing = drawLabel(layout, { data: DATA[layout], text: TEXT }, { dot, year: 2026, size: null });
    const logistic = layout === 'sscc';
    const symbols = symbolsOf(drawing);
    expect(symbols.length).toBeGreaterThan(0);
    for (const mark of symbols) {
      const rule = sizeRuleOf(mark.symbol, logistic);
      expect(mark.module).toBeGreaterThanOrEqual(rule.min - 1e-9);
      expect(mark.module).toBeLessThanOrEqual(rule.max + 1e-9);
      if (dot !== null) expect(mark.module / dot).toBeCloseTo(Math.round(mark.module / dot), 6);
      if (mark.symbol.type === 'gs1-128') expect(mark.height).toBe(logistic ? 32 : 12.7);
      const zone = area(mark, logistic);
      expect(Math.min(zone.left, zone.top, drawing.width - zone.right, drawing.height - zone.bottom)).toBeGreaterThanOrEqual(0);
      for (const other of symbols.filter((one) => one !== mark)) expect(apart(zone, area(other, logistic))).toBe(true);
      for (const text of textsOf(drawing))
        expect(apart(zone, { left: text.x, right: text.x + text.width, top: text.y - 0.75 * text.size, bottom: text.y }), text.text).toBe(
          true,
        );
    }
  });

  it('keeps every text inside, off the symbols and off other texts, however long it is, or refuses it', () => {
    const words = fc.array(fc.stringMatching(/^[A-Za-z0-9ÄÖÜß()-]{1,14}$/), { minLength: 1, maxLength: 9 }).map((list) => list.join(' '));
    let drawn = 0;
    fc.assert(
      fc.property(words, words, (product, storage) => {
        let drawing: Drawing;
        try {
          drawing = drawLabel(layout, { data: DATA[layout], text: { product, storage } }, { dot: null, year: 2026, size: null });
        } catch (error) {
          expect(error).toMatchObject({ code: 'LBL-FIT' });
          return;
        }
        drawn++;
        const boxes = textsOf(drawing).map((text) => ({
          left: text.x,
          right: text.x + text.width,
          top: text.y - 0.73 * text.size,
          bottom: text.y,
        }));
        for (const [i, box] of boxes.entries()) {
          expect(Math.min(box.left, box.top, drawing.width - box.right, drawing.height - box.bottom)).toBeGreaterThan(0);
          for (const zone of [...symbolsOf(drawing).map((mark) => area(mark, layout === 'sscc')), ...boxes.slice(i + 1)])
            expect(apart(box, zone)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect(drawn).toBeGreaterThan(10);
  });
});

type Area = { left: number; top: number; right: number; bottom: number };
const apart = (a: Area, b: Area) =>
  a.right <= b.left + 1e-6 || b.right <= a.left + 1e-6 || a.bottom <= b.top + 1e-6 || b.bottom <= a.top + 1e-6;

it('puts the SSCC lowest, and says under every linear symbol what it holds, AIs in brackets (codes.md §7)', () => {
  const drawing = drawLabel('sscc', { data: DATA.sscc }, { dot: null, year: 2026, size: null });
  const marks = symbolsOf(drawing);
  expect(marks.map(({ symbol }) => symbol.text).at(-1)).toBe('00195201230000000018');
  expect(marks.every((mark, i) => i === 0 || mark.y > (marks[i - 1] as SymbolMark).y)).toBe(true);
  expect(textsOf(drawing).map(({ text }) => text)).toEqual(
    expect.arrayContaining(['(00) 195201230000000018', 'SSCC', 'CONTENT', '2027-08-31']),
  );
});

it('prints the check characters of donation and Chain of Identity, which no bar code holds (codes.md §9)', () => {
  const drawing = drawLabel('bag', { data: DATA.bag }, { dot: null, year: 2026, size: null });
  const texts = textsOf(drawing).map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining(['CHA9999 25 AB12C4', 'A9999 25 000017', '9', '00']));
  expect(symbolsOf(drawing).map(({ symbol }) => symbol.text)).toContain('=A99992500001700');
});

describe('a module', () => {
  it('is a whole number of dots, the nearest to the aim inside the rule', () => {
    const matrix = sizeRuleOf({ type: 'gs1datamatrix', text: '' });
    expect([203, 300, 600].map((dpi) => Math.round(moduleSize(matrix, dotOf(dpi)) / dotOf(dpi)))).toEqual([3, 4, 9]);
    const logistic = sizeRuleOf({ type: 'gs1-128', text: '00' });
    expect([203, 300, 600].map((dpi) => Math.round(moduleSize(logistic, dotOf(dpi)) / dotOf(dpi)))).toEqual([4, 6, 12]);
  });

  it('is refused where the dots are too coarse for any', () => {
    expect(() => moduleSize(sizeRuleOf({ type: 'gs1datamatrix', text: '' }), 0.6)).toThrowError(
      expect.objectContaining({ code: 'LBL-FIT', at: '?dpi' }),
    );
  });
});

it('foresees the width of every linear symbol, and the most that a Data Matrix takes', () => {
  const value = fc.stringMatching(/^[0-9A-Za-z_>]{1,20}$/);
  fc.assert(
    fc.property(value, value, (lot, serial) => {
      const elements = readBracketed(`(01)09520123000110(10)${lot}(21)${serial}`);
      const matrix = gs1Symbol('gs1datamatrix', elements);
      expect(patternOf(matrix).columns).toBeLessThanOrEqual(matrixModulesMax(matrix));
      const bars = { type: 'gs1-128' as const, text: writeElementString(elements.slice(0, 2)) };
      expect(patternOf(bars).columns).toBe(linearModules(bars));
    }),
    { numRuns: 60 },
  );
});

it('Code 128 goes into pairs of digits where that is shorter', () => {
  expect(codewordsOf('00195201230000000018', true)).toHaveLength(12);
  expect(codewordsOf('=A99992500001700', false)).toHaveLength(1 + 2 + 1 + 7);
});
