import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGs1Date, gs1Date } from './dates.ts';

describe('a GS1 date of six digits (codes.md §3)', () => {
  it.each([
    ['271231', 2026, '2027-12-31'],
    ['751231', 2026, '2075-12-31'],
    ['771231', 2026, '1977-12-31'],
    ['761231', 2026, '2076-12-31'],
    ['001231', 1999, '2000-12-31'],
    ['491231', 1999, '2049-12-31'],
    ['501231', 1999, '1950-12-31'],
  ])('%s seen from %i is %s', (written, now, means) => {
    expect(gs1Date(written, now)).toBe(means);
  });

  it('means the last day of the month by day 00', () => {
    expect(gs1Date('270200', 2026)).toBe('2027-02-28');
    expect(gs1Date('280200', 2026)).toBe('2028-02-29');
    expect(gs1Date('260400', 2026)).toBe('2026-04-30');
  });

  it.each(['270229', '271301', '270001', '270132', '27013', '2701311', '27O131', ''])('refuses %j', (written) => {
    expect(() => gs1Date(written, 2026)).toThrow(expect.objectContaining({ code: 'ID-FORM' }));
  });

  it('gives the written digits back for every day within reach', () => {
    const day = fc.date({ min: new Date('1977-01-01'), max: new Date('2075-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(day, (date) => {
        const iso = date.toISOString().slice(0, 10);
        return gs1Date(formatGs1Date(iso), 2026) === iso;
      }),
    );
  });
});
