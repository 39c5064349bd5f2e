import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { readIso15434 } from './iso15434.ts';
import { readScan } from './read-scan.ts';

const code = (c: string) => expect.objectContaining({ code: c });
const GTIN = '09520123000110';
const FORMAT_06 = '[)>\u001e06\u001d9N110375286414\u001d1TL1\u001dD270200\u001dSA_1-b\u001e\u0004';

describe('a scan with its symbology identifier (codes.md §2, §8)', () => {
  it.each(['d2', 'C1', 'Q3', 'e0', 'J1'])('holds GS1 elements under ]%s', (symbology) => {
    expect(readScan(`]${symbology}01${GTIN}21S1`)).toMatchObject({
      symbology,
      kind: 'gs1',
      elements: [
        { ai: '01', value: GTIN },
        { ai: '21', value: 'S1' },
      ],
      warnings: [],
    });
  });

  it('is plain text under ]d1, even when it looks like elements', () => {
    expect(readScan(`]d101${GTIN}21S1`)).toMatchObject({ kind: 'plain', elements: [] });
  });

  it('may be a Digital Link in a plain QR code', () => {
    expect(readScan(`]Q1https://brand.example/01/${GTIN}/21/A%2FB`)).toMatchObject({
      kind: 'link',
      elements: [{ ai: '01' }, { ai: '21', value: 'A/B' }],
    });
  });

  it('gives the GTIN of an EAN or ITF-14 symbol in 14 digits', () => {
    expect(readScan(']E09520123000110')).toMatchObject({ kind: 'ean', gtin: GTIN, elements: [] });
    expect(readScan(']E496385074').gtin).toBe('00000096385074');
    expect(readScan(`]I1${GTIN}`).gtin).toBe(GTIN);
  });

  it('lets a composite part lean on the GTIN beside it', () => {
    expect(readScan(']E09520123000110|]e010L1\u001d99X').elements).toEqual([
      { ai: '10', value: 'L1' },
      { ai: '99', value: 'X' },
    ]);
  });

  it('warns of a separator behind the last element, and refuses one before the first', () => {
    expect(readScan(`]d201${GTIN}21S\u001d`).warnings).toMatchObject([{ code: 'trailing-separator' }]);
    expect(() => readScan(`]d2\u001d01${GTIN}`)).toThrow(code('ID-AI'));
  });

  it('reads ISBT 128 from Code 128 and from Data Matrix', () => {
    expect(readScan(']C0=A99991712345600=<S1295400').isbt128?.structure).toBe('pair');
    expect(readScan(']d1=+02000=A99991712345600=,000012').isbt128?.structure).toBe('023');
  });

  it.each([
    ['no symbology identifier', `01${GTIN}`, 'ID-FORM'],
    ['an unknown symbology', ']L0x', 'ID-FORM'],
    ['Code 128 without ISBT 128', ']C0ABC123', 'ID-FORM'],
    ['a GS1 symbol without data', ']d2', 'ID-FORM'],
    ['an EAN of the wrong length', ']E01234', 'ID-LENGTH'],
    ['an EAN with a letter', ']E0952012300011A', 'ID-CHARSET'],
    ['an EAN with a wrong check digit', ']E09520123000111', 'ID-CHECK'],
    ['a web address without a key', ']Q1https://brand.example/', 'ID-FORM'],
  ])('is refused for %s', (_, scan, expected) => {
    expect(() => readScan(scan)).toThrow(code(expected));
  });

  it('finds the PZN in a PPN, in an NTIN and in AI 710', () => {
    const national = [{ scheme: 'PZN', value: '03752864' }];
    expect(readScan(`]d1${FORMAT_06}`).national).toEqual(national);
    expect(readScan(']d20104150037528643').national).toEqual(national);
    expect(readScan(`]d201${GTIN}71003752864`).national).toEqual(national);
    expect(readScan(`]d201${GTIN}`).national).toEqual([]);
  });
});

describe('an ISO/IEC 15434 message', () => {
  it('of format 06 holds data identifiers', () => {
    expect(readIso15434(FORMAT_06).items).toEqual([
      { di: '9N', value: '110375286414' },
      { di: '1T', value: 'L1' },
      { di: 'D', value: '270200' },
      { di: 'S', value: 'A_1-b' },
    ]);
  });

  it('of format 05 holds GS1 elements', () => {
    expect(readIso15434(`[)>\u001e05\u001d01${GTIN}21S1\u001e\u0004`).elements).toHaveLength(2);
  });

  it('without trailer is read with a warning', () => {
    expect(readScan(`]d1${FORMAT_06.slice(0, -2)}`).warnings).toMatchObject([{ code: 'trailer-missing' }]);
  });

  it.each([
    ['another format', FORMAT_06.replace('06', '07'), 'ID-FORM'],
    ['a lost control character', FORMAT_06.replace('\u001e', ''), 'ID-FORM'],
    ['two messages in one', FORMAT_06.replace('\u001dD', '\u001e06\u001dD'), 'ID-FORM'],
    ['a wrong PPN', FORMAT_06.replace('286414', '286415'), 'ID-CHECK'],
    ['a wrong GTIN', FORMAT_06.replace('9N110375286414', '8P09520123000111'), 'ID-CHECK'],
    ['31 February', FORMAT_06.replace('270200', '270231'), 'ID-FORM'],
    ['a production date that is none', FORMAT_06.replace('D270200', '16D20270230'), 'ID-FORM'],
    ['a serial of 21 characters', FORMAT_06.replace('A_1-b', 'x'.repeat(21)), 'ID-LENGTH'],
    ['a character that IFA does not allow', FORMAT_06.replace('A_1-b', 'A/1'), 'ID-CHARSET'],
    ['an item without identifier', FORMAT_06.replace('9N110375286414', '-'), 'ID-FORM'],
    ['two lots', FORMAT_06.replace('D270200', '1TL2'), 'ID-AI'],
  ])('is refused for %s', (_, message, expected) => {
    expect(() => readIso15434(message)).toThrow(code(expected));
  });
});

const scans = sharedPath('vectors/gs1-codes/scans.json');
describe.skipIf(scans === null)('the published scans', () => {
  type Entry = { input: string; valid: boolean; elements: object[] };
  const entries = scans === null ? [] : (JSON.parse(readFileSync(scans, 'utf8')) as Entry[]);
  it.each(entries)('$input is valid: $valid', ({ input, valid, elements }) => {
    if (valid) expect(readScan(input).elements).toEqual(elements);
    else expect(() => readScan(input)).toThrow(expect.objectContaining({ name: 'LotlineError' }));
  });
});

const messages = sharedPath('vectors/gs1-codes/iso15434.json');
describe.skipIf(messages === null)('the published ISO/IEC 15434 messages', () => {
  type Entry = { input: string; valid?: boolean; format?: string; elements: object };
  const entries = messages === null ? [] : (JSON.parse(readFileSync(messages, 'utf8')) as Entry[]);
  it.each(entries)('$input', ({ input, valid = true, format, elements }) => {
    const read = () => readIso15434(input.replace(/^\]d1/, ''));
    if (!valid) return expect(read).toThrow(expect.objectContaining({ name: 'LotlineError' }));
    const message = read();
    expect(message.format).toBe(format);
    expect(Object.fromEntries([...message.elements.map((e) => [e.ai, e.value]), ...message.items.map((i) => [i.di, i.value])])).toEqual(
      elements,
    );
  });
});
