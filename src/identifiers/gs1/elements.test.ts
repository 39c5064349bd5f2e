import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { readScan } from '../scan/read-scan.ts';
import { findAi, listAis } from './ai-table.ts';
import { AI_TABLE } from './application-identifiers.ts';
import { readDigitalLink, writeDigitalLink } from './digital-link.ts';
import { checkElement } from './element-checks.ts';
import { hriLines, readBracketed, readElementString, writeBracketed, writeElementString } from './element-string.ts';

const PACK = '(01)09520123000110(21)Sn01-aB(17)271231(10)L/7';
const PACK_DATA = '010952012300011021Sn01-aB\u001d1727123110L/7';
const code = (c: string) => expect.objectContaining({ code: c });

describe('the table of application identifiers', () => {
  it('holds every AI of the release, ranges expanded, none the beginning of another', () => {
    const ais = listAis().map((rule) => rule.ai);
    expect(ais).toHaveLength(541);
    expect(ais.filter((ai) => ais.some((other) => other !== ai && other.startsWith(ai)))).toEqual([]);
  });

  it('knows predefined lengths by the first two digits (codes.md §2)', () => {
    const first = new Set(listAis().flatMap((rule) => (rule.predefined ? [rule.ai.slice(0, 2)] : [])));
    const expected = '00 01 02 03 11 12 13 15 16 17 20 31 32 33 34 35 36 41'.split(' ');
    expect([...first].sort()).toEqual(expected);
  });

  it('has a check behind every name that it uses', () => {
    for (const rule of listAis()) {
      const sample = rule.components.map((c) => (c.optional ? '' : '0'.repeat(c.min))).join('');
      try {
        checkElement(rule, sample);
      } catch (error) {
        expect(error).toMatchObject({ name: 'LotlineError' });
      }
    }
  });

  const dictionary = sharedPath('vectors/gs1-codes/gs1-syntax-dictionary.txt');
  it.skipIf(dictionary === null)('says what the syntax dictionary says', () => {
    const lines = readFileSync(dictionary as string, 'utf8')
      .split('\n')
      .filter((line) => /^\d/.test(line));
    const squeezed = lines.map((line) => line.replace('#', '').replace(/\s+/g, ''));
    expect(
      AI_TABLE.trim()
        .split('\n')
        .map((row) => row.replace(/[;\s]/g, '')),
    ).toEqual(squeezed);
  });
});

describe('an element string', () => {
  it('is read with separators only where they are needed', () => {
    const elements = readBracketed(PACK);
    expect(writeElementString(elements)).toBe(PACK_DATA);
    expect(readElementString(PACK_DATA)).toEqual({ elements, trailingSeparators: 0 });
  });

  it('tolerates a separator behind an element of predefined length, and counts those at the end', () => {
    expect(readElementString('0109520123000110\u001d21S').elements).toHaveLength(2);
    expect(readElementString('010952012300011021S\u001d')).toMatchObject({ trailingSeparators: 1 });
  });

  it('escapes a bracket inside a value', () => {
    const text = '(01)09520123000110(21)A\\(1)B';
    expect(readBracketed(text)[1]).toEqual({ ai: '21', value: 'A(1)B' });
    expect(writeBracketed(readBracketed(text))).toBe(text);
  });

  it('is shown to people line by line', () => {
    expect(hriLines(readBracketed('(00)095201230000000189'))).toEqual(['(00) 095201230000000189']);
  });

  it.each([
    ['a wrong check digit', '(01)09520123000111', 'ID-CHECK'],
    ['a GTIN of 13 digits', '(01)9520123000110', 'ID-LENGTH'],
    ['a serial of 21 characters', '(01)09520123000110(21)123456789012345678901', 'ID-LENGTH'],
    ['a blank in a serial', '(01)09520123000110(21)a b', 'ID-CHARSET'],
    ['an AI that is none', '(01)09520123000110(89)x', 'ID-AI'],
    ['a serial without a GTIN', '(21)S1', 'ID-AI'],
    ['two serials for one item', '(01)09520123000110(21)A(21)B', 'ID-AI'],
    ['a serial beside a TPX', '(01)09520123000110(21)A(235)B', 'ID-AI'],
    ['a count without the pallet that it counts', '(02)09520123000110(37)24', 'ID-AI'],
    ['30 February', '(01)09520123000110(17)270230', 'ID-FORM'],
    ['piece 3 of 2', '(8006)095201230001100302(21)A', 'ID-FORM'],
    ['a signature over a class', '(253)9520123000110(8030)ABC', 'ID-AI'],
    ['text without brackets', PACK_DATA, 'ID-FORM'],
    ['nothing', '', 'ID-FORM'],
  ])('is refused for %s', (_, text, expected) => {
    expect(() => readBracketed(text)).toThrow(code(expected));
  });

  it.each([
    ['7003', '2712312359', '2712312460'],
    ['4326', '271231', '271200'],
    ['7250', '20260228', '20260229'],
    ['4307', 'DE', 'XX'],
    ['422', '276', '277'],
    ['3912', '9781', '3961'],
    ['7041', 'AA', 'aa'],
    ['4309', '18000000003600000000', '18000000013600000000'],
    ['4330', '012345-', '012345x'],
    ['4300', 'A%2BB', 'A%2'],
    ['7040', '1ABz', '1AB.'],
    ['7241', '10', '11'],
    ['7252', '9', '3'],
    ['7258', '1/2', '2/1'],
    ['8001', '00010000100110', '00010000100120'],
    ['8007', 'DE89370400440532013000', 'DE88370400440532013000'],
    ['8008', '27123123', '27123124'],
    ['8011', '10', '01'],
    ['8013', '1987654Ad4X4bL5ttr2310c2K', '1987654Ad4X4bL5ttr2310c2L'],
    ['8030', 'QUI=', 'QUI=='],
    ['8110', '095201212345611110123', '095201212345611115123'],
    ['8112', '009520121234560123456', '009520121234561123456'],
    ['4321', '1', '2'],
  ])('checks the content of (%s): %s holds, %s does not', (ai, right, wrong) => {
    const rule = findAi(ai);
    if (rule === undefined) throw new Error(`no AI ${ai}`);
    expect(() => checkElement(rule, right)).not.toThrow();
    expect(() => checkElement(rule, wrong)).toThrow(expect.objectContaining({ name: 'LotlineError' }));
  });

  it('reads back what it writes, bracketed and raw, whatever set 82 the values hold', () => {
    const set = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
    const text = (max: number) => fc.string({ unit: fc.constantFrom(...set.split('')), minLength: 1, maxLength: max });
    fc.assert(
      fc.property(text(20), text(20), text(30), (serial, lot, own) => {
        const elements = [
          { ai: '01', value: '09520123000110' },
          { ai: '21', value: serial },
          { ai: '10', value: lot },
          { ai: '91', value: own },
        ];
        expect(readBracketed(writeBracketed(elements))).toEqual(elements);
        expect(readElementString(writeElementString(elements)).elements).toEqual(elements);
        const link = writeDigitalLink(elements);
        expect(readDigitalLink(link)).toMatchObject({ canonical: link, ignored: [] });
      }),
    );
  });
});

describe('a GS1 Digital Link by the rules of GS1 (codes.md §4)', () => {
  it('is read on any domain and stem, and written on id.gs1.org', () => {
    const link = readDigitalLink('http://brand.example/a/01/b/01/09520123000110/10/L%2F7/21/S1?17=271231&linkType=x#top');
    expect(link).toEqual({
      elements: [
        { ai: '01', value: '09520123000110' },
        { ai: '10', value: 'L/7' },
        { ai: '21', value: 'S1' },
        { ai: '17', value: '271231' },
      ],
      canonical: 'https://id.gs1.org/01/09520123000110/10/L%2F7/21/S1?17=271231',
      ignored: ['linkType=x'],
    });
  });

  it.each([
    ['words for AIs', 'https://id.gs1.org/gtin/09520123000110', 'ID-FORM'],
    ['a short GTIN', 'https://id.gs1.org/01/9520123000110', 'ID-LENGTH'],
    ['qualifiers in the wrong order', 'https://id.gs1.org/01/09520123000110/21/S/10/L', 'ID-AI'],
    ['a qualifier in the query', 'https://id.gs1.org/01/09520123000110?10=L', 'ID-AI'],
    ['an AI twice', 'https://id.gs1.org/01/09520123000110?17=271231&17=271231', 'ID-AI'],
    ['an unknown number in the query', 'https://id.gs1.org/01/09520123000110?89=x', 'ID-AI'],
    ['a mixed-case scheme', 'HtTps://id.gs1.org/01/09520123000110', 'ID-FORM'],
    ['a bare bracket', 'https://id.gs1.org/01/09520123000110/21/<', 'ID-CHARSET'],
    ['an empty serial', 'https://id.gs1.org/01/09520123000110/21/', 'ID-FORM'],
  ])('is refused for %s', (_, uri, expected) => {
    expect(() => readDigitalLink(uri)).toThrow(code(expected));
  });

  it('cannot be made of elements without a key, or with one that may not be an attribute', () => {
    expect(() => writeDigitalLink([{ ai: '91', value: 'x' }])).toThrow(code('ID-AI'));
    expect(() => writeDigitalLink(readBracketed('(01)09520123000110(235)X(10)L'))).toThrow(code('ID-AI'));
  });
});

const strings = sharedPath('vectors/gs1-codes/element-strings.json');
const links = sharedPath('vectors/gs1-codes/digital-links.json');

describe.skipIf(strings === null)('the published element strings', () => {
  type Entry = {
    input: string;
    valid: boolean;
    elements: object[];
    elementString: string;
    hri: string[];
    digitalLink?: string;
    scanDataMatrix: string;
    scanQR: string;
    scanGS1128?: string;
  };
  const entries = strings === null ? [] : (JSON.parse(readFileSync(strings, 'utf8')) as Entry[]);
  it.each(entries.filter((e) => !e.valid))('refuses $input', ({ input }) => {
    expect(() => readBracketed(input)).toThrow(expect.objectContaining({ name: 'LotlineError' }));
  });
  it.each(entries.filter((e) => e.valid))('reads $input', (entry) => {
    const elements = readBracketed(entry.input);
    expect(elements).toEqual(entry.elements);
    expect(writeElementString(elements)).toBe(entry.elementString);
    expect(hriLines(elements)).toEqual(entry.hri);
    if (entry.digitalLink === undefined) expect(() => writeDigitalLink(elements)).toThrow(code('ID-AI'));
    else expect(writeDigitalLink(elements)).toBe(entry.digitalLink);
    for (const scan of [entry.scanDataMatrix, entry.scanQR, entry.scanGS1128])
      if (scan !== undefined) expect(readScan(scan).elements).toEqual(entry.elements);
  });
});

describe.skipIf(links === null)('the published Digital Links', () => {
  type Entry = { input: string; valid: boolean; elements: object[]; canonical: string; ignoredQueryParams: string[] };
  const entries = links === null ? [] : (JSON.parse(readFileSync(links, 'utf8')) as Entry[]);
  it.each(entries.filter((e) => !e.valid))('refuses $input', ({ input }) => {
    expect(() => readDigitalLink(input)).toThrow(expect.objectContaining({ name: 'LotlineError' }));
  });
  it.each(entries.filter((e) => e.valid))('reads $input', ({ input, elements, canonical, ignoredQueryParams }) => {
    // The engine reports the nothing between two `&` as one parameter; there is nothing to report.
    expect(readDigitalLink(input)).toEqual({ elements, canonical, ignored: ignoredQueryParams.filter((p) => p !== '') });
  });
});
