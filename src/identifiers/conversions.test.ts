import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../test/support/shared.ts';
import { CompanyPrefixes } from './company-prefixes.ts';
import { constrainedDigitalLink } from './constrained-link.ts';
import { describeIdentifier, parseThing, toDigitalLink, toElementString, toEpcUrn } from './describe.ts';
import { parseEpc, parseEpcClass } from './epc.ts';
import { translateEpc } from './epc-format.ts';
import { checkDigit } from './gs1/check-digit.ts';
import { formatKey } from './key.ts';

const code = (c: string) => expect.objectContaining({ code: c });

describe('the constrained Digital Link of the event hash (codes.md §1.7)', () => {
  it.each([
    ['urn:epc:id:sgtin:9520123.000011.A%2FB', 'https://id.gs1.org/01/09520123000110/21/A%2FB'],
    ["urn:epc:id:sgtin:9520123.000011.!'()*+,-.:;=_", "https://id.gs1.org/01/09520123000110/21/%21'%28%29%2A%2B%2C-.%3A;=_"],
    ['https://brand.example/01/09520123000110/21/A!', 'https://id.gs1.org/01/09520123000110/21/A%21'],
    ['https://brand.example/gtin/9520123000110/cpv/V/lot/L/ser/S?x=1', 'https://id.gs1.org/01/09520123000110/21/S'],
    ['https://brand.example/01/09520123000111/10/L', 'https://id.gs1.org/01/09520123000111/10/L'],
    ['urn:epc:id:sgln:9520123.00001.0', 'https://id.gs1.org/414/9520123000011'],
    ['urn:epc:class:lgtin:9520123.000011.L1', 'https://id.gs1.org/01/09520123000110/10/L1'],
    ['urn:epc:idpat:sgtin:9520123.000011.*', 'https://id.gs1.org/01/09520123000110'],
  ])('of %s is %s', (uri, expected) => {
    expect(constrainedDigitalLink(uri)).toBe(expected);
    expect(constrainedDigitalLink(uri)).toBe(expected);
  });

  it.each([
    'https://brand.example/8006/09520123000110/10/L',
    'https://brand.example/01/09520123000110/99/x',
    'https://brand.example/8018/952012300000000015/8019/1',
    'https://brand.example/01/0952012300011O',
    'urn:epc:id:sgtin:9520123.00011.1',
    'urn:epc:idpat:sgtin:9520123.*.*',
    'urn:epc:id:gid:1.2.3',
    'urn:uuid:0c2a7a2e-1111-4222-8333-444455556666',
    'geo:52.1,4.3',
    '42',
    '',
  ])('leaves %j as it is', (uri) => {
    expect(constrainedDigitalLink(uri)).toBe(uri);
  });

  it('is one for URN and link of a thing, whatever its serial holds', () => {
    const set = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
    const serials = fc.string({ unit: fc.constantFrom(...set.split('')), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(serials, (serial) => {
        const key = formatKey({ class: '01/09520123000110', serial });
        const urn = toEpcUrn(key, 7) as string;
        expect(constrainedDigitalLink(urn)).toBe(constrainedDigitalLink(`https://a.example/x/${key}?17=271231`));
      }),
    );
  });

  it('is not misled by a slash in a query', () => {
    expect(constrainedDigitalLink('https://a.example/01/09520123000110/21/b?x=a/b')).toBe('https://id.gs1.org/01/09520123000110/21/b');
    expect(constrainedDigitalLink('https://a.example/01/09520123000110/21/b?x=a/c')).toBe('https://id.gs1.org/01/09520123000110/21/b');
  });
});

describe('lengths of company prefixes (codes.md §5)', () => {
  it('are learned from URNs, and hold for other keys of the company', () => {
    const prefixes = new CompanyPrefixes();
    expect(prefixes.lengthOf('01/09520123000110')).toBeNull();
    expect(prefixes.learn('urn:epc:id:sgtin:9520123.000011.A')).toBe(true);
    expect(prefixes.learn('urn:epc:id:sgtin:9520123.000022.B')).toBe(false);
    expect(prefixes.lengthOf('01/49520123000118/21/X')).toBe(7);
    expect(prefixes.lengthOf('00/395201230000000180')).toBe(7);
    expect(prefixes.lengthOf('8003/09520123000011x')).toBe(7);
    expect(prefixes.lengthOf('01/09520124000119')).toBeNull();
    expect(prefixes.entries()).toEqual([['sgtin', '9520123']]);
  });

  it('are not known where two were seen for one key, until the operator decides', () => {
    const prefixes = new CompanyPrefixes([
      ['sgtin', '9520123'],
      ['sgtin', '952012'],
    ]);
    expect(prefixes.lengthOf('01/09520123000110')).toBeNull();
    prefixes.add('952012');
    expect(prefixes.lengthOf('01/09520123000110')).toBe(6);
    expect(new CompanyPrefixes(prefixes.entries()).lengthOf('01/09520123000110')).toBe(6);
  });

  it('are not learned from what is broken, has no company prefix, or is no URN', () => {
    const prefixes = new CompanyPrefixes();
    for (const uri of [
      'urn:epc:id:sgtin:9520123.00011.A',
      'urn:epc:id:gid:1.2.3',
      'urn:epc:tag:x:1.2',
      'https://a.example/1.2',
      'urn:epc:id:x',
      '',
    ])
      expect(prefixes.learn(uri)).toBe(false);
    expect(prefixes.entries()).toEqual([]);
    expect(() => prefixes.add('95201')).toThrow(RangeError);
  });

  it('are not known for what is no GS1 key', () => {
    expect(new CompanyPrefixes().lengthOf('urn:epc:id:gid:1.2.3')).toBeNull();
  });
});

describe('GS1-EPC-Format (V-9)', () => {
  const prefixes = new CompanyPrefixes([['sgtin', '9520123']]);
  const urn = 'urn:epc:id:sgtin:9520123.000011.A%2FB';
  const link = 'https://id.gs1.org/01/09520123000110/21/A%2FB';

  it('turns URNs into links and links into URNs', () => {
    expect(translateEpc(urn, 'Always_GS1_Digital_Link', prefixes)).toBe(link);
    expect(translateEpc(link, 'Always_EPC_URN', prefixes)).toBe(urn);
    expect(translateEpc('urn:epc:class:lgtin:9520123.000011.L', 'Always_GS1_Digital_Link', prefixes)).toBe(
      'https://id.gs1.org/01/09520123000110/10/L',
    );
  });

  it('leaves what has no such form, and everything when nothing is asked for', () => {
    expect(translateEpc(link, 'Always_GS1_Digital_Link', prefixes)).toBe(link);
    expect(translateEpc(urn, 'No_Preference', prefixes)).toBe(urn);
    expect(translateEpc(link, 'Never_Translates', prefixes)).toBe(link);
    for (const uri of ['urn:epc:id:gid:1.2.3', 'urn:uuid:7', 'urn:epc:id:sgtin:1.2.3'])
      expect(translateEpc(uri, 'Always_GS1_Digital_Link', prefixes)).toBe(uri);
    for (const uri of ['https://id.gs1.org/01/09520124000119/21/A', 'https://id.gs1.org/01/1', 'https://a.example/7', 'urn:uuid:7'])
      expect(translateEpc(uri, 'Always_EPC_URN', prefixes)).toBe(uri);
  });
});

describe('an identifier in every form (GET /api/v1/identifiers)', () => {
  const PACK = {
    key: '01/09520123000110/21/A(1',
    kind: 'sgtin',
    epcUrn: 'urn:epc:id:sgtin:9520123.000011.A(1',
    digitalLink: 'https://id.gs1.org/01/09520123000110/21/A%281',
    elementString: '(01)09520123000110(21)A\\(1',
  };

  it.each([
    'urn:epc:id:sgtin:9520123.000011.A(1',
    'https://brand.example/x/01/09520123000110/10/L/21/A(1?17=271231',
    '(01)09520123000110(17)271231(21)A\\(1',
    ']d2010952012300011021A(1\u001d17271231',
    '01/09520123000110/21/A%281',
    ' 01/09520123000110/21/A(1 ',
  ])('is the same for %s', (text) => {
    expect(describeIdentifier(text, { companyPrefixLength: 7 })).toEqual({ ...PACK, key: '01/09520123000110/21/A%281' });
  });

  it.each([
    ['(01)09520123000110', 'gtin', 'urn:epc:idpat:sgtin:9520123.000011.*'],
    ['(01)09520123000110(10)L', 'lgtin', 'urn:epc:class:lgtin:9520123.000011.L'],
    ['(01)09520123000110(235)T', 'upui', 'urn:epc:id:upui:9520123.000011.T'],
    ['(00)395201230000000180', 'sscc', 'urn:epc:id:sscc:9520123.3000000018'],
    ['(414)9520123000011', 'sgln', 'urn:epc:id:sgln:9520123.00001.0'],
    ['(414)9520123000011(254)7', 'sgln', 'urn:epc:id:sgln:9520123.00001.7'],
    ['(417)9520123000011', 'pgln', 'urn:epc:id:pgln:9520123.00001'],
    ['(8003)09520123000011x', 'grai', 'urn:epc:id:grai:9520123.00001.x'],
    ['(8003)09520123000011', 'grai', 'urn:epc:idpat:grai:9520123.00001.*'],
    ['(8004)9520123x', 'giai', 'urn:epc:id:giai:9520123.x'],
    ['(253)9520123000011x', 'gdti', 'urn:epc:id:gdti:9520123.00001.x'],
    ['(255)95201230000111', 'sgcn', 'urn:epc:id:sgcn:9520123.00001.1'],
    ['(8018)952012300000000015', 'gsrn', 'urn:epc:id:gsrn:9520123.0000000001'],
    ['(8017)952012300000000015', 'gsrnp', 'urn:epc:id:gsrnp:9520123.0000000001'],
    ['(401)9520123x', 'ginc', 'urn:epc:id:ginc:9520123.x'],
    ['(402)95201230000000011', 'gsin', 'urn:epc:id:gsin:9520123.000000001'],
    ['(8010)9520123A#(8011)12', 'cpi', 'urn:epc:id:cpi:9520123.A%23.12'],
    ['(8006)095201230001100102(21)S', 'itip', 'urn:epc:id:itip:9520123.000011.01.02.S'],
  ])('%s is of kind %s and has the URN %s, which leads back', (text, kind, epcUrn) => {
    const described = describeIdentifier(text, { companyPrefixLength: 7 });
    expect(described).toMatchObject({ kind, epcUrn });
    for (const form of [epcUrn, described.digitalLink, described.elementString, described.key])
      expect(describeIdentifier(form as string, { companyPrefixLength: 7 })).toEqual(described);
  });

  it('never has a guessed URN', () => {
    expect(describeIdentifier('(01)09520123000110(21)A').epcUrn).toBeNull();
    expect(describeIdentifier('(01)09520123000110(21)A', { prefixes: new CompanyPrefixes([['sscc', '9520123']]) }).epcUrn).toBe(
      'urn:epc:id:sgtin:9520123.000011.A',
    );
    expect(describeIdentifier('(01)09520123000110(21)A', { companyPrefixLength: 5 }).epcUrn).toBeNull();
    expect(toEpcUrn('8006/095201230001100102/10/L', 7)).toBeNull();
    expect(toEpcUrn('8004/952012', 6)).toBeNull();
  });

  it.each([
    ['urn:epc:id:gid:1.2.3', 'gid', 'urn:epc:id:gid:1.2.3'],
    ['urn:epc:id:bic:CSQU3054383', 'bic', 'urn:epc:id:bic:CSQU3054383'],
    ['=A99991712345600', 'isbt128', null],
    [']C0=A99991712345600=<S1295400', 'isbt128', null],
    ['https://brand.example/7', 'uri', null],
    ['(8013)1987654Ad4X4bL5ttr2310c2K', 'uri', null],
  ])('%s is of kind %s, a key of its own', (text, kind, epcUrn) => {
    expect(describeIdentifier(text)).toMatchObject({ kind, epcUrn, digitalLink: null, elementString: null });
  });

  it('reads the GTIN, serial and lot of a German pack that carries its GTIN in format 06', () => {
    const scan = ']d1[)>\u001e06\u001d8P09520123000110\u001dSA1\u001d1TL1\u001e\u0004';
    expect(formatKey(parseThing(scan))).toBe('01/09520123000110/21/A1');
    expect(formatKey(parseThing(']E09520123000110'))).toBe('01/09520123000110');
  });

  it('may be shown on another domain', () => {
    expect(toDigitalLink('00/395201230000000180', { domain: 'brand.example' })).toBe('https://brand.example/00/395201230000000180');
    expect(toElementString('urn:uuid:7')).toBeNull();
  });

  it.each([
    ['a wrong check digit', '(01)09520123000111', 'ID-CHECK'],
    ['a serial without product', '(21)A', 'ID-AI'],
    ['elements without a key', '(91)x', 'ID-AI'],
    ['ISBT 128 data that name no thing', '=<S1295400', 'ID-FORM'],
    ['a bare number', '09520123000110', 'ID-FORM'],
    ['a broken link', 'https://id.gs1.org/01/09520123000111', 'ID-CHECK'],
  ])('is refused for %s', (_, text, expected) => {
    expect(() => describeIdentifier(text)).toThrow(code(expected));
  });
});

describe('URN, link and element string of one thing', () => {
  const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
  const schemes: [scheme: string, total: number, serial: fc.Arbitrary<string> | null][] = [
    ['sgtin', 13, fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/)],
    ['upui', 13, fc.stringMatching(/^[A-Za-z0-9_.-]{1,28}$/)],
    ['sscc', 17, null],
    ['sgln', 12, fc.stringMatching(/^[A-Za-z1-9_.-]{1,20}$/)],
    ['pgln', 12, null],
    ['grai', 12, fc.stringMatching(/^[A-Za-z0-9_.-]{1,16}$/)],
    ['gdti', 12, fc.stringMatching(/^[A-Za-z0-9_.-]{1,17}$/)],
    ['sgcn', 12, fc.stringMatching(/^[0-9]{1,12}$/)],
    ['gsrn', 17, null],
    ['gsrnp', 17, null],
    ['gsin', 16, null],
  ];

  it.each(schemes)('%s: each leads back to the others, for every length of the company prefix', (scheme, total, serial) => {
    fc.assert(
      fc.property(digits(total), fc.integer({ min: 6, max: 12 }), serial ?? fc.constant(''), (number, length, s) => {
        const urn = `urn:epc:id:${scheme}:${number.slice(0, length)}.${number.slice(length)}${serial === null ? '' : `.${s}`}`;
        const key = formatKey(parseEpc(urn));
        expect(toEpcUrn(key, length)).toBe(urn);
        expect(formatKey(parseEpc(toDigitalLink(key) as string))).toBe(key);
        expect(formatKey(parseThing(toElementString(key) as string))).toBe(key);
      }),
    );
  });

  it.each(['giai', 'ginc'])('%s: each leads back to the others', (scheme) => {
    fc.assert(
      fc.property(digits(12), fc.integer({ min: 6, max: 12 }), fc.stringMatching(/^[A-Za-z0-9_.-]{1,18}$/), (number, length, reference) => {
        const urn = `urn:epc:id:${scheme}:${number.slice(0, length)}.${reference}`;
        expect(toEpcUrn(formatKey(parseEpc(urn)), length)).toBe(urn);
      }),
    );
  });

  it('refuses a link whose check digit is any other', () => {
    fc.assert(
      fc.property(digits(13), fc.integer({ min: 1, max: 9 }), (data, off) => {
        const wrong = (Number(checkDigit(data)) + off) % 10;
        expect(() => parseEpcClass(`https://id.gs1.org/01/${data}${wrong}`)).toThrow(code('ID-CHECK'));
      }),
    );
  });
});

const path = sharedPath('vectors/gs1-codes/epc-conversions.json');
describe.skipIf(path === null)('the published conversions', () => {
  type Entry = {
    kind: string;
    input: string;
    expected: string | null;
    companyPrefixLength?: number | null;
    inputCheckDigitWrong?: boolean;
  };
  const entries = path === null ? [] : (JSON.parse(readFileSync(path, 'utf8')) as Entry[]);
  /** The source does not look at lengths: a GIAI has at most 30 characters (§14.1), this one has 31. */
  const tooLong = (e: Entry) => e.input === 'https://id.gs1.org/8004/42512183.SENSOR.TR-07-AVE-583:1';
  const toUrn = entries.filter((e) => e.kind === 'digitalLinkToUrn');

  it.each(entries.filter((e) => e.kind === 'normalise'))('for the hash: $input is $expected', ({ input, expected }) => {
    expect(constrainedDigitalLink(input)).toBe(expected ?? input);
  });
  it.each(entries.filter((e) => e.kind === 'urnToDigitalLink'))('$input is $expected', ({ input, expected }) => {
    expect(describeIdentifier(input)).toMatchObject({ digitalLink: expected, epcUrn: input });
  });
  it.each(toUrn.filter((e) => !e.inputCheckDigitWrong && !tooLong(e)))(
    '$input is $expected',
    ({ input, expected, companyPrefixLength }) => {
      const length = companyPrefixLength ?? /:([^:.]+)\.[^:]*$/.exec((expected ?? '').replace('583:1', ''))?.[1]?.length ?? 0;
      expect(describeIdentifier(input, { companyPrefixLength: length }).epcUrn).toBe(expected);
    },
  );
  it.each(toUrn.filter((e) => e.inputCheckDigitWrong))('$input is refused: its check digit is wrong', ({ input }) => {
    expect(() => describeIdentifier(input)).toThrow(code('ID-CHECK'));
  });
  it.each(toUrn.filter(tooLong))('$input is refused: it is too long', ({ input }) => {
    expect(() => describeIdentifier(input)).toThrow(code('ID-LENGTH'));
  });
});
