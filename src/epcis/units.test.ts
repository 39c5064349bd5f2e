import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBaseUnit, UNITS } from './units.ts';

const codes = Object.values(UNITS).flatMap(({ base, others }) => [base, ...Object.keys(others)]);

describe('the units of sensors', () => {
  it('stand once each, under codes of Recommendation 20 (§13.8)', () => {
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^[A-Z0-9]{2,3}$/);
    expect(codes).not.toContain('HPA');
  });

  it.each([
    ['CEL', 0, 'KEL', 273.15],
    ['CEL', -273.15, 'KEL', 0],
    ['FAH', 32, 'KEL', 273.15],
    ['FAH', 212, 'KEL', 373.15],
    ['A48', 491.67, 'KEL', 273.15],
    ['GRM', 250, 'KGM', 0.25],
    ['LBR', 2, 'KGM', 0.90718474],
    ['INH', 10, 'MTR', 0.254],
    ['FTK', 1, 'MTK', 0.09290304],
    ['GLL', 1, 'MTQ', 0.003785411784],
    ['A97', 1013.25, 'PAL', 101_325],
    ['ATM', 1, 'PAL', 101_325],
    ['MBR', 1, 'PAL', 100],
    ['DAY', 2, 'SEC', 172_800],
    ['C62', 0.5, 'P1', 50],
    ['K40', 1, 'MSK', 9.80665],
    ['DD', 36, 'C81', 0.628318530718],
    ['KMH', 36, 'MTS', 10],
    ['KWH', 1, 'JOU', 3.6e6],
    ['28', 4, 'GL', 4],
    ['GP', 5, 'GL', 5e-6],
  ])('%s: %d of it are so many %s: %d (Q-13)', (code, value, unit, inBase) => {
    expect(inBaseUnit(code, value)).toEqual({ unit, value: inBase });
  });

  it('move no zero for a spread: a standard deviation of 1 °C is one of 1 K (Q-13)', () => {
    expect(inBaseUnit('CEL', 1, true)).toEqual({ unit: 'KEL', value: 1 });
    expect(inBaseUnit('FAH', 9, true)).toEqual({ unit: 'KEL', value: 5 });
  });

  it('leave a value with a code that is not known as it is (Q-13)', () => {
    expect(inBaseUnit('ZZZ', 1.2345678901234567)).toEqual({ unit: 'ZZZ', value: 1.2345678901234567 });
  });

  it('give one number for one temperature, told in °C or in °F', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_000, max: 20_000 }), (tenths) => {
        const fahrenheit = (tenths * 18 + 3_200) / 100;
        expect(inBaseUnit('FAH', fahrenheit)).toEqual(inBaseUnit('CEL', tenths / 10));
      }),
    );
  });
});
