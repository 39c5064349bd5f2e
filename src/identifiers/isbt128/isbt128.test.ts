import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { checkValue, keyboardCheckCharacter } from './check-characters.ts';
import { bagKey, isbt128Key, readBagKey } from './keys.ts';
import { checkCoi, checkDin, checkDinCharacter, readIsbt128 } from './structures.ts';

const code = (c: string) => expect.objectContaining({ code: c });
const dins = fc
  .tuple(fc.stringMatching(/^[A-NP-Z1-9][A-Z0-9]{4}$/), fc.stringMatching(/^[0-9]{8}$/))
  .map(([facility, rest]) => facility + rest);

describe('a donation identification number (codes.md §9)', () => {
  it('has a check character that sees single errors and swapped neighbours', () => {
    fc.assert(
      fc.property(dins, fc.nat(12), fc.constantFrom(...'0123456789'.split('')), (din, at, other) => {
        const swapped = din.slice(0, at) + (din[at + 1] ?? '') + din[at] + din.slice(at + 2);
        const changed = din.slice(0, at) + other + din.slice(at + 1);
        const k = keyboardCheckCharacter(din);
        for (const wrong of [swapped, changed]) if (wrong !== din) expect(keyboardCheckCharacter(wrong)).not.toBe(k);
      }),
    );
  });

  it('is the same thing whatever the flags beside it say', () => {
    const key = 'urn:lotline:isbt128:001:A999917123456';
    expect(isbt128Key(readIsbt128('=A99991712345600'))).toBe(key);
    expect(isbt128Key(readIsbt128('=A99991712345615'))).toBe(key);
    expect(isbt128Key(readIsbt128(`=A999917123456${60 + checkValue('A999917123456')}`))).toBe(key);
  });

  it('is refused when the flags of type 3 do not belong to it', () => {
    expect(() => readIsbt128('=G12341765432171')).toThrow(code('ID-CHECK'));
    expect(() => readIsbt128('=G12341765432197')).toThrow(code('ID-FORM'));
    expect(readIsbt128('=G12341765432131').fields).toEqual({ din: 'G123417654321', flags: '31', flagType: 2 });
  });

  it.each(['O123417654321', '0123417654321', 'G12341765432', 'G12341765432A', 'g123417654321'])('is not %s', (din) => {
    expect(() => checkDin(din)).toThrow(code('ID-FORM'));
  });
});

describe('a bag', () => {
  it('is a donation and a product code, read from two symbols at once or from one compound', () => {
    const key = 'urn:lotline:isbt128:bag:A999917123456:S1295400';
    expect(isbt128Key(readIsbt128('=A99991712345600=<S1295400'))).toBe(key);
    expect(isbt128Key(readIsbt128('=+04000=A99991712345600=<S1295400&>0270592359&/CHA999926AB12CD'))).toBe(key);
    expect(readBagKey(key)).toEqual({ din: 'A999917123456', productCode: 'S1295400' });
    expect(bagKey('A999917123456', 'S1295400')).toBe(key);
  });

  it('keeps the small letters of a division, and the pack number of a tissue', () => {
    expect(isbt128Key(readIsbt128('=A99991712345600=<S12954Aa'))).toBe('urn:lotline:isbt128:bag:A999917123456:S12954Aa');
    expect(isbt128Key(readIsbt128('=A99991712345600=<T0416003'))).toBe('urn:lotline:isbt128:bag:A999917123456:T0416003');
  });

  it('has no key without a sound number and code', () => {
    expect(() => bagKey('A999917123456', 'S129540')).toThrow(code('ID-FORM'));
    expect(() => bagKey('O999917123456', 'S1295400')).toThrow(code('ID-FORM'));
    expect(readBagKey('urn:lotline:isbt128:001:A999917123456')).toBeNull();
    expect(isbt128Key(readIsbt128('=<S1295400'))).toBeNull();
  });
});

describe('a Chain of Identity Identifier', () => {
  it('is checked by its printed character when a 16th is typed', () => {
    const coi = 'CHA999926AB12CD';
    const k = keyboardCheckCharacter(coi);
    expect(() => checkCoi(coi)).not.toThrow();
    expect(() => checkCoi(coi + k)).not.toThrow();
    expect(() => checkCoi(coi + (k === 'A' ? 'B' : 'A'))).toThrow(code('ID-CHECK'));
    expect(isbt128Key(readIsbt128(`&/${coi}`))).toBe(`urn:lotline:isbt128:040:${coi}`);
  });
});

describe('other structures', () => {
  it.each([
    ['&>0270592359', { expires: '2027-02-28T23:59' }],
    ['=>028366', { expires: '2028-12-31' }],
    ['&*0261010930', { collected: '2026-04-11T09:30' }],
    ['=}995001', { produced: '1995-01-01' }],
  ])('%s is a date', (data, fields) => {
    expect(readIsbt128(data).fields).toEqual(fields);
  });

  it.each([
    ['day 366 of a year without one', '=>027366', 'ID-FORM'],
    ['day 0', '=>027000', 'ID-FORM'],
    ['a century that is none', '=>127001', 'ID-FORM'],
    ['25 o’clock', '&>0270592500', 'ID-FORM'],
    ['a short structure', '=A999917123456', 'ID-LENGTH'],
    ['an unknown identifier', '=zINVALID', 'ID-FORM'],
    ['a count that is wrong', '=+03000=A99991712345600=,000012', 'ID-FORM'],
    ['a compound without count', '=+x', 'ID-FORM'],
    ['a wrong donor check', '&:9999PN0YKARA70M5306', 'ID-CHECK'],
    ['a donor that is none', '&:99PNPN0YKARA70M5305', 'ID-FORM'],
    ['an impossible day in a European code', '&,4PL001499Z549917123456A00T041600320180231', 'ID-FORM'],
    ['a bad product code', '=<s1295400', 'ID-FORM'],
    ['a bad division', '=,00-012', 'ID-CHARSET'],
  ])('are refused for %s', (_, data, expected) => {
    expect(() => readIsbt128(data)).toThrow(code(expected));
  });

  it('names a lot, a donor and a European code by a key of their own', () => {
    expect(isbt128Key(readIsbt128('&,1000000000000ABC123'))).toBe('urn:lotline:isbt128:035:000000000000ABC123');
    expect(isbt128Key(readIsbt128('&:9999PN0YKARA70M5305'))).toBe('urn:lotline:isbt128:039:9999PN0YKARA70M5305');
    expect(readIsbt128('&,4PL001499Z549917123456A00T041600300000000').fields['expires']).toBe('');
  });
});

const din = sharedPath('vectors/isbt128/din.json');
const coi = sharedPath('vectors/isbt128/coi.json');
const structures = sharedPath('vectors/isbt128/structures.json');
const load = <T>(path: string | null, none: T): T => (path === null ? none : (JSON.parse(readFileSync(path, 'utf8')) as T));

describe.skipIf(din === null)('the published donation numbers', () => {
  type Entry = { din: string; checkCharacter?: string; checkValue?: number; type3Flag?: string };
  const { valid, invalid } = load<{ valid: Entry[]; invalid: Entry[] }>(din, { valid: [], invalid: [] });
  it.each(valid)('$din has check character $checkCharacter', (entry) => {
    expect(keyboardCheckCharacter(entry.din)).toBe(entry.checkCharacter);
    expect(checkValue(entry.din)).toBe(entry.checkValue);
    expect(readIsbt128(`=${entry.din}${entry.type3Flag}`).fields).toMatchObject({ din: entry.din, flagCheckOk: true });
  });
  it.each(invalid)('$din with $checkCharacter is refused', (entry) => {
    const check = () => (entry.checkCharacter === undefined ? checkDin(entry.din) : checkDinCharacter(entry.din, entry.checkCharacter));
    expect(check).toThrow(expect.objectContaining({ name: 'LotlineError' }));
  });
});

describe.skipIf(coi === null)('the published Chain of Identity Identifiers', () => {
  const entries = load<{ coi: string; checkCharacter: string; valid?: boolean }[]>(coi, []);
  it.each(entries)('$coi with $checkCharacter', (entry) => {
    const check = () => checkCoi(entry.coi + entry.checkCharacter);
    if (entry.valid === false) expect(check).toThrow(code('ID-CHECK'));
    else expect(check).not.toThrow();
  });
});

describe.skipIf(structures === null)('the published structures', () => {
  const entries = load<{ input: string; structure?: string; fields?: object; valid?: boolean }[]>(structures, []);
  it.each(entries)('$input', ({ input, structure, fields, valid }) => {
    if (valid === false) expect(() => readIsbt128(input)).toThrow(expect.objectContaining({ name: 'LotlineError' }));
    else expect(readIsbt128(input)).toMatchObject({ structure, fields });
  });
});
