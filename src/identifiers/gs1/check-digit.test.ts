import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { checkCharacters, hasValidCheckCharacters } from './check-characters.ts';
import { checkDigit, hasValidCheckDigit } from './check-digit.ts';

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));

describe('the mod 10 check digit (I-1)', () => {
  it('is computed from the right, so that it is the same for every padding', () => {
    expect(checkDigit('952012300011')).toBe('0');
    expect(checkDigit('0952012300011')).toBe('0');
    expect(hasValidCheckDigit('09520123000110')).toBe(true);
  });

  it('refuses text that is no number, and nothing at all', () => {
    expect(hasValidCheckDigit('0952012300011A')).toBe(false);
    expect(hasValidCheckDigit('0')).toBe(false);
    expect(hasValidCheckDigit('')).toBe(false);
  });

  it('sees every single wrong digit', () => {
    fc.assert(
      fc.property(digits(13), fc.nat(13), fc.integer({ min: 1, max: 9 }), (data, at, change) => {
        const full = data + checkDigit(data);
        const wrong = full.slice(0, at) + ((Number(full[at]) + change) % 10) + full.slice(at + 1);
        return hasValidCheckDigit(full) && !hasValidCheckDigit(wrong);
      }),
    );
  });
});

describe('the check character pair of AI 8013', () => {
  it('weights the characters with the primes from the right (example of the GS1 General Specifications)', () => {
    expect(checkCharacters('1987654Ad4X4bL5ttr2310c')).toBe('2K');
    expect(hasValidCheckCharacters('1987654Ad4X4bL5ttr2310c2K')).toBe(true);
  });

  it('sees every single wrong character', () => {
    const set = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.';
    const text = fc.string({ unit: fc.constantFrom(...set.split('')), minLength: 1, maxLength: 23 });
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom(...set.split('')), (data, n, other) => {
        const at = n % data.length;
        fc.pre(data[at] !== other);
        return !hasValidCheckCharacters(data.slice(0, at) + other + data.slice(at + 1) + checkCharacters(data));
      }),
    );
  });

  it('refuses a character outside set 82 instead of giving it a weight', () => {
    expect(hasValidCheckCharacters(`95201#${checkCharacters('95201A')}`)).toBe(false);
  });
});

const path = sharedPath('vectors/gs1-codes/check-digits.json');
describe.skipIf(path === null)('the published check digits', () => {
  type Entry = { type: string; body?: string; checkDigit?: string; full: string; valid: boolean };
  const entries = path === null ? [] : (JSON.parse(readFileSync(path, 'utf8')) as Entry[]);
  it.each(entries)('$type $full is valid: $valid', ({ body, checkDigit: expected, full, valid }) => {
    expect(hasValidCheckDigit(full)).toBe(valid);
    if (body !== undefined) expect(checkDigit(body)).toBe(expected);
  });
});
