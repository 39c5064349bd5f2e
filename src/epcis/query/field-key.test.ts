import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExactTime } from '../model.ts';
import { compareExactTime } from '../time.ts';
import { type Comparison, comparableKey, equalKeys, keptText, keyRange, keysOf, numberKey, timeKey } from './field-key.ts';

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const time: fc.Arbitrary<ExactTime> = fc.record({
  ms: fc.integer({ min: Date.UTC(0, 0, 1) - 10 ** 12, max: 253_402_300_799_999 }),
  below: fc.stringMatching(/^(\d{0,6}[1-9])?$/),
});
const holds = (comparison: Comparison, key: string, than: string) => {
  const [from, below] = keyRange(comparison, than);
  return key >= from && key < below;
};
const EACH: [Comparison, (order: number) => boolean][] = [
  ['GT', (order) => order > 0],
  ['GE', (order) => order >= 0],
  ['LT', (order) => order < 0],
  ['LE', (order) => order <= 0],
];

describe('the key of a value', () => {
  it('sorts and compares as numbers do, written as a number or as text (Q-7, V-16)', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const order = a === b ? 0 : a < b ? -1 : 1;
        for (const key of [numberKey(a), keysOf(String(a)).find((one) => one.startsWith('n')) as string])
          for (const [comparison, expected] of EACH) expect(holds(comparison, key, numberKey(b))).toBe(expected(order));
      }),
    );
  });

  it('sorts and compares as instants do, below the millisecond too (Q-7, V-11)', () => {
    fc.assert(
      fc.property(time, time, fc.boolean(), (a, other, near) => {
        const b = near ? { ...other, ms: a.ms } : other;
        for (const [comparison, expected] of EACH) expect(holds(comparison, timeKey(a), timeKey(b))).toBe(expected(compareExactTime(a, b)));
      }),
    );
  });

  it('is never in a range of another kind (§9.2)', () => {
    const kinds = [numberKey(5), timeKey({ ms: 5, below: '' }), ...keysOf('text'), ''];
    for (const [i, than] of kinds.slice(0, 2).entries())
      for (const [comparison] of EACH)
        for (const [j, key] of kinds.entries()) if (i !== j) expect(holds(comparison, key, than)).toBe(false);
  });

  it.each<[string | number | boolean, string | number | boolean, boolean]>([
    ['a', 'a', true],
    ['a', 'A', false],
    [7, '7', true],
    [7, '7.0', true],
    [7, 7, true],
    ['7', 7, true],
    ['7.0', 7, true],
    ['007', 7, true],
    ['007', '7', false],
    ['007', '007', true],
    ['1e3', '1000', false],
    [0, -0, true],
    [true, 'true', true],
    ['true', true, true],
    [true, 1, false],
    ['2026-03-01T09:00:00+01:00', '2026-03-01T08:00:00.000Z', true],
    ['2026-03-01T09:00:00', '2026-03-01T09:00:00', true],
    ['2026-03-01T09:00:00', '2026-03-01T09:00:00Z', false],
    ['urn:epc:id:sgln:9520123.00001.0', 'https://id.gs1.org/414/9520123000011', true],
    ['https://id.gs1.org/01/09520123000110/10/L1', 'urn:epc:class:lgtin:9520123.000011.L1', true],
    ['https://example.com/a', 'https://example.com/b', false],
    ['x'.repeat(300), 'x'.repeat(300), true],
    ['x'.repeat(300), 'x'.repeat(301), false],
    ['a\0', 'a\0', true],
    ['a\0', 'a\uFFFD', false],
  ])('of %j is equal to what is asked for as %j: %s (§9.2, V-8)', (stored, asked, equal) => {
    const keys = new Set(keysOf(stored));
    expect(equalKeys(asked).some((key) => keys.has(key))).toBe(equal);
  });

  it('is none for text without a character (EXISTS: non-empty), and for nothing to compare with', () => {
    expect(keysOf('')).toEqual([]);
    expect([comparableKey('high'), comparableKey('2026-03-01'), comparableKey(null), comparableKey('1e999')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('is no longer than an index takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 200, maxLength: 600 }), (text) => {
        expect(Buffer.byteLength(keptText(text))).toBeLessThan(1_100);
        expect(keptText(text)).not.toContain('\0');
      }),
    );
  });
});
