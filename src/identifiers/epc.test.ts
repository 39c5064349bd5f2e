import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEpc, parseEpcClass } from './epc.ts';
import { formatKey, glnOf, locationKey, parseKey, partyKey } from './key.ts';
import type { Thing, ThingLot } from './thing.ts';

const code = (c: string) => expect.objectContaining({ code: c });
const link = (key: string) => `https://id.gs1.org/${key}`;

/** One thing of every scheme: URN, canonical key, class column, serial. */
const INSTANCES: [urn: string, key: string, owner: string, serial: string][] = [
  ['urn:epc:id:sgtin:9520123.000011.A%2FB', '01/09520123000110/21/A%2FB', '01/09520123000110', 'A/B'],
  ['urn:epc:id:sgtin:9520123.400011.7.', '01/49520123000118/21/7.', '01/49520123000118', '7.'],
  ['urn:epc:id:upui:9520123.000011.T!', '01/09520123000110/235/T%21', '01/09520123000110/235', 'T!'],
  ['urn:epc:id:itip:9520123.000011.01.02.S', '8006/095201230001100102/21/S', '8006/095201230001100102', 'S'],
  ['urn:epc:id:sscc:9520123.3000000018', '00/395201230000000180', '00', '395201230000000180'],
  ['urn:epc:id:sgln:9520123.00001.0', '414/9520123000011', '414', '9520123000011'],
  ['urn:epc:id:sgln:9520123.00001.0/7'.replace('/', '%2F'), '414/9520123000011/254/0%2F7', '414', '9520123000011/254/0/7'],
  ['urn:epc:id:pgln:9520123.00001', '417/9520123000011', '417', '9520123000011'],
  ['urn:epc:id:pgln:952012300001.', '417/9520123000011', '417', '9520123000011'],
  ['urn:epc:id:grai:9520123.00001.a.b', '8003/09520123000011a.b', '8003/09520123000011', 'a.b'],
  ['urn:epc:id:giai:9520123.x%2F.1', '8004/9520123x%2F.1', '8004', '9520123x/.1'],
  ['urn:epc:id:gdti:9520123.00001.D-1', '253/9520123000011D-1', '253/9520123000011', 'D-1'],
  ['urn:epc:id:sgcn:9520123.00001.007', '255/9520123000011007', '255/9520123000011', '007'],
  ['urn:epc:id:gsrn:9520123.0000000001', '8018/952012300000000015', '8018', '952012300000000015'],
  ['urn:epc:id:gsrnp:9520123.0000000001', '8017/952012300000000015', '8017', '952012300000000015'],
  ['urn:epc:id:ginc:9520123.c%3F', '401/9520123c%3F', '401', '9520123c?'],
  ['urn:epc:id:gsin:9520123.000000001', '402/95201230000000011', '402', '95201230000000011'],
  ['urn:epc:id:cpi:9520123.A%23%2F-.12', '8010/9520123A%23%2F-/8011/12', '8010/9520123A%23%2F-', '12'],
];

/** One class or lot of every form: URN, canonical key, class column, lot. */
const CLASSES: [urn: string | null, key: string, owner: string, lot: string][] = [
  ['urn:epc:class:lgtin:9520123.000011.L%251', '01/09520123000110/10/L%251', '01/09520123000110', 'L%1'],
  ['urn:epc:idpat:sgtin:9520123.000011.*', '01/09520123000110', '01/09520123000110', ''],
  ['urn:epc:idpat:upui:9520123.000011.*', '01/09520123000110', '01/09520123000110', ''],
  ['urn:epc:idpat:itip:9520123.000011.01.02.*', '8006/095201230001100102', '8006/095201230001100102', ''],
  ['urn:epc:idpat:grai:9520123.00001.*', '8003/09520123000011', '8003/09520123000011', ''],
  ['urn:epc:idpat:gdti:9520123.00001.*', '253/9520123000011', '253/9520123000011', ''],
  ['urn:epc:idpat:sgcn:9520123.00001.*', '255/9520123000011', '255/9520123000011', ''],
  ['urn:epc:idpat:cpi:9520123.A%23.*', '8010/9520123A%23', '8010/9520123A%23', ''],
  [null, '8006/095201230001100102/10/L', '8006/095201230001100102', 'L'],
];

describe('an EPC of an event (V-8, §14)', () => {
  it.each(INSTANCES)('%s is %s, as URN and as Digital Link (I-2)', (urn, key, owner, serial) => {
    const thing = { class: owner, serial };
    for (const spelling of [urn, link(key), `http://brand.example/some/stem/${key}?17=271231#x`]) {
      expect(parseEpc(spelling)).toEqual(thing);
      expect(parseEpc(spelling)).toEqual(thing); // once read in full, once by its remembered head
    }
    expect(formatKey(thing)).toBe(key);
    expect(parseKey(key)).toEqual(thing);
  });

  it('with lot and serial is the instance (I-10)', () => {
    expect(formatKey(parseEpc(link('01/09520123000110/22/V/10/L/21/S')))).toBe('01/09520123000110/21/S');
  });

  it('of a class or lot among instances keeps its canonical key', () => {
    expect(parseEpc(link('01/09520123000110/10/L'))).toEqual({ class: 'uri', serial: '01/09520123000110/10/L' });
    expect(formatKey(parseEpc('https://brand.example/253/9520123000011'))).toBe('253/9520123000011');
  });

  it('keeps serials apart that a number would make equal, and cases of letters (I-4, I-5)', () => {
    const serials = ['0', '00', '000', 'a', 'A'].map((s) => parseEpc(`urn:epc:id:sgtin:9520123.000011.${s}`).serial);
    expect(new Set(serials).size).toBe(5);
  });

  it('normalises escapes: case of the hex digits, and what need not be escaped (I-4)', () => {
    for (const serial of ['A%2FB', 'A%2fB', '%41%2FB']) expect(parseEpc(`urn:epc:id:sgtin:9520123.000011.${serial}`).serial).toBe('A/B');
  });

  it.each([
    'urn:epc:id:gid:95100000.12345.400',
    'urn:epc:id:bic:CSQU3054383',
    'urn:epc:id:imovn:9176187',
    'urn:epc:id:usdod:2S194.12345678901',
    'urn:epc:id:adi:35962.PQ7VZ4.M37GXB92',
    'urn:epc:raw:64.x00001234DEADBEEF',
    'urn:uuid:0c2a7a2e-1111-4222-8333-444455556666',
    'urn:lotline:isbt128:bag:A999917123456:S1295400',
    'https://brand.example/obj/7',
    'https://brand.example/01/photos/21/3',
    'https://brand.example/01/09520123000110/info/photo',
    'https://id.gs1.org/gtin/09520123000110/ser/1',
    'geo:52.1,4.3',
  ])('%s is a thing of its own (I-9)', (uri) => {
    expect(parseEpc(uri)).toEqual({ class: 'uri', serial: uri });
    expect(parseKey(uri)).toEqual({ class: 'uri', serial: uri });
    expect(parseEpcClass(uri)).toEqual({ class: 'uri', lot: uri });
  });

  it('of the aerospace scheme is one thing however its escapes are written', () => {
    expect(parseEpc('urn:epc:id:adi:35962.A%2fB.%23%41').serial).toBe('urn:epc:id:adi:35962.A%2FB.%23A');
  });

  it.each([
    ['no serial (I-3)', 'urn:epc:id:sgtin:9520123.000011', 'ID-FORM'],
    ['an empty serial', 'urn:epc:id:sgtin:9520123.000011.', 'ID-FORM'],
    ['an empty serial in a link', link('01/09520123000110/21/'), 'ID-FORM'],
    ['12 digits where 13 are needed', 'urn:epc:id:sgtin:9520123.00011.1', 'ID-LENGTH'],
    ['a company prefix of 5', 'urn:epc:id:sgtin:95201.23000011.1', 'ID-LENGTH'],
    ['a company prefix of 13', 'urn:epc:id:sscc:9520123000001.0018', 'ID-LENGTH'],
    ['no company prefix', 'urn:epc:id:sgtin:.000011.1', 'ID-LENGTH'],
    ['a letter in the company prefix', 'urn:epc:id:sgtin:952O123.000011.1', 'ID-CHARSET'],
    ['a letter in the item reference', 'urn:epc:id:sgtin:9520123.00001I.1', 'ID-CHARSET'],
    ['a serial of 21 characters', 'urn:epc:id:sgtin:9520123.000011.123456789012345678901', 'ID-LENGTH'],
    ['a bare slash', 'urn:epc:id:sgtin:9520123.000011.A/B', 'ID-CHARSET'],
    ['a bare percent sign', 'urn:epc:id:sgtin:9520123.000011.A%2', 'ID-CHARSET'],
    ['a character outside set 82', 'urn:epc:id:sgtin:9520123.000011.A%40', 'ID-CHARSET'],
    ['letters in a coupon serial', 'urn:epc:id:sgcn:9520123.00001.A', 'ID-CHARSET'],
    ['a part number with small letters', 'urn:epc:id:cpi:9520123.a.1', 'ID-CHARSET'],
    ['a component serial with leading zeros', 'urn:epc:id:cpi:9520123.A.01', 'ID-FORM'],
    ['a GIAI of 31 characters', `urn:epc:id:giai:9520123.${'x'.repeat(24)}`, 'ID-LENGTH'],
    ['a GIAI without reference', 'urn:epc:id:giai:9520123.', 'ID-FORM'],
    ['piece 3 of 2', 'urn:epc:id:itip:9520123.000011.03.02.S', 'ID-FORM'],
    ['pieces of one digit', 'urn:epc:id:itip:9520123.000011.1.2.S', 'ID-LENGTH'],
    ['a wrong check digit in a link', link('01/09520123000111/21/1'), 'ID-CHECK'],
    ['a wrong check digit on another domain', 'https://brand.example/00/395201230000000181', 'ID-CHECK'],
    ['a GTIN of 13 digits in a link (I-8)', link('01/9520123000110/21/1'), 'ID-LENGTH'],
    ['too many digits', link('414/95201230000110'), 'ID-LENGTH'],
    ['a letter among the digits', link('01/0952012300O110/21/1'), 'ID-CHARSET'],
    ['a GRAI without its zero', link('8003/19520123000018'), 'ID-FORM'],
    ['text for a GIAI that begins with no prefix', link('8004/ABC1'), 'ID-FORM'],
    ['qualifiers in the wrong order (I-7)', link('01/09520123000110/21/S/10/L'), 'ID-AI'],
    ['an AI that does not qualify', link('01/09520123000110/99/x'), 'ID-AI'],
    ['a tag URN (I-6)', 'urn:epc:tag:sgtin-96:3.9520123.000011.1', 'ID-FORM'],
    ['a pattern of tags (I-6)', 'urn:epc:pat:sgtin-96:3.9520123.000011.*', 'ID-FORM'],
    ['a class pattern among instances (I-6)', 'urn:epc:idpat:sgtin:9520123.000011.*', 'ID-FORM'],
    ['a lot among instances', 'urn:epc:class:lgtin:9520123.000011.L', 'ID-FORM'],
    ['a scheme that is none', 'urn:epc:id:sgtn:9520123.000011.1', 'ID-FORM'],
    ['a scheme without parts', 'urn:epc:id:sgtin', 'ID-FORM'],
    ['capital letters in the scheme', 'URN:EPC:ID:SGTIN:9520123.000011.1', 'ID-FORM'],
    ['a general identifier with leading zeros', 'urn:epc:id:gid:095.1.1', 'ID-FORM'],
    ['a general identifier beyond its bits', 'urn:epc:id:gid:268435456.1.1', 'ID-LENGTH'],
    ['a container with a wrong check digit', 'urn:epc:id:bic:CSQU3054384', 'ID-CHECK'],
    ['a vessel of six digits', 'urn:epc:id:imovn:917618', 'ID-FORM'],
    ['a relative reference', 'products/7', 'ID-FORM'],
    ['a blank', 'urn:x:a b', 'ID-FORM'],
    ['text', 'hello', 'ID-FORM'],
    ['nothing', '', 'ID-FORM'],
    ['2,049 bytes', `urn:x:${'é'.repeat(1_021)}y`, 'ID-LENGTH'],
    ['the character U+0000', 'urn:x:a\0b', 'ID-CHARSET'],
  ])('is refused for %s', (_, uri, expected) => {
    expect(() => parseEpc(uri)).toThrow(code(expected));
  });

  it('may have 2,048 bytes, in whatever letters', () => {
    for (const uri of [`urn:x:${'y'.repeat(2_042)}`, `urn:x:${'é'.repeat(1_021)}`]) {
      expect(parseEpc(uri)).toEqual({ class: 'uri', serial: uri });
      expect(parseKey(uri)).toEqual({ class: 'uri', serial: uri });
      for (const parse of [parseEpc, parseEpcClass, parseKey]) expect(() => parse(`${uri}y`)).toThrow(code('ID-LENGTH'));
    }
  });

  it('says what is wrong and how to mend it, and does not repeat a megabyte', () => {
    expect(() => parseEpc(link('01/09520123000111/21/1'))).toThrow('GTIN 09520123000111: check digit should be 0');
    const long = 'x'.repeat(1_000_000);
    for (const uri of [long, `urn:epc:id:${long}:1.2.3`, `urn:epc:id:sgtin:${long}.1.2`, `https://id.gs1.org/8004/9520123${long}`])
      expect(() => parseEpc(uri)).toThrow(expect.objectContaining({ message: expect.stringMatching(/^.{1,400}$/) }));
  });

  it('is not misread by what was remembered of another', () => {
    expect(parseEpc('https://a.example/01/09520123000110/21/b?x=a/b').serial).toBe('b');
    expect(parseEpc('https://a.example/01/09520123000110/21/b?x=a/c').serial).toBe('b');
    expect(parseEpc('urn:epc:id:sgtin:9520123.000011.a.b').serial).toBe('a.b');
    expect(parseEpc('urn:epc:id:sgtin:9520123.000011.a.c').serial).toBe('a.c');
    expect(parseEpc(link('00/395201230000000180')).serial).toBe('395201230000000180');
    expect(() => parseEpc(link('00/395201230000000181'))).toThrow(code('ID-CHECK'));
    expect(() => parseEpc('urn:epc:id:sgtin:9520123.000011.')).toThrow(code('ID-FORM'));
    expect(() => parseEpc('urn:epc:id:sgtin:9520123.000011.123456789012345678901')).toThrow(code('ID-LENGTH'));
  });

  it('is told apart from a million others without a full reading of each', () => {
    const count = 100_000;
    const uris = Array.from({ length: count }, (_, i) => `urn:epc:id:sgtin:9520123.000011.${String(i).padStart(12, 'S')}`);
    const seen = new Set(uris.map((uri) => parseEpc(uri)).map((thing) => (thing.class === '01/09520123000110' ? thing.serial : '')));
    expect(seen.size).toBe(count);
  });
});

describe('an epcClass (§14.1)', () => {
  it.each(CLASSES)('%s is %s', (urn, key, owner, lot) => {
    const expected = { class: owner, lot };
    if (urn !== null) expect(parseEpcClass(urn)).toEqual(expected);
    expect(parseEpcClass(link(key))).toEqual(expected);
    expect(formatKey(expected)).toBe(key);
    expect(parseKey(key)).toEqual(expected);
  });

  it('that names one instance is kept with its key', () => {
    expect(parseEpcClass('urn:epc:id:sgtin:9520123.000011.S')).toEqual({ class: 'uri', lot: '01/09520123000110/21/S' });
    expect(parseEpcClass(link('00/395201230000000180'))).toEqual({ class: 'uri', lot: '00/395201230000000180' });
  });

  it('may be a wider pattern, which has no key', () => {
    for (const pattern of ['urn:epc:idpat:sgtin:9520123.*.*', 'urn:epc:idpat:sscc:9520123.*', 'urn:epc:idpat:itip:9520123.000011.*.*.*'])
      expect(parseEpcClass(pattern)).toEqual({ class: 'uri', lot: pattern });
  });

  it.each([
    ['a pattern that does not end with .*', 'urn:epc:idpat:sgtin:9520123.000011.1', 'ID-FORM'],
    ['a lot without text', 'urn:epc:class:lgtin:9520123.000011.', 'ID-FORM'],
    ['a lot of 21 characters', 'urn:epc:class:lgtin:9520123.000011.123456789012345678901', 'ID-LENGTH'],
    ['a class scheme that is none', 'urn:epc:class:sgtin:9520123.000011.1', 'ID-FORM'],
    ['a tag URN', 'urn:epc:tag:sgtin-96:3.9520123.000011.1', 'ID-FORM'],
    ['a wrong check digit', link('01/09520123000111'), 'ID-CHECK'],
    ['a relative reference', 'lots/7', 'ID-FORM'],
  ])('is refused for %s', (_, uri, expected) => {
    expect(() => parseEpcClass(uri)).toThrow(code(expected));
  });
});

describe('a canonical key (design.md §4)', () => {
  const text = (set: string, max: number) => fc.string({ unit: fc.constantFrom(...set.split('')), minLength: 1, maxLength: max });
  const X = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
  const things: fc.Arbitrary<Thing | ThingLot> = fc.oneof(
    text(X, 20).map((serial) => ({ class: '01/09520123000110', serial })),
    text(X, 28).map((serial) => ({ class: '01/09520123000110/235', serial })),
    text(X, 20).map((serial) => ({ class: '8006/095201230001100102', serial })),
    text(X, 16).map((serial) => ({ class: '8003/09520123000011', serial })),
    text(X, 17).map((serial) => ({ class: '253/9520123000011', serial })),
    text('0123456789', 12).map((serial) => ({ class: '255/9520123000011', serial })),
    fc.nat().map((n) => ({ class: '8010/9520123A%23', serial: String(n) })),
    text(X, 23).map((rest) => ({ class: '8004', serial: `9520123${rest}` })),
    text(X, 23).map((rest) => ({ class: '401', serial: `9520123${rest}` })),
    text(X, 20)
      .filter((e) => e !== '0')
      .map((e) => ({ class: '414', serial: `9520123000011/254/${e}` })),
    text(X, 20).map((lot) => ({ class: '01/09520123000110', lot })),
    text(X, 20).map((lot) => ({ class: '8006/095201230001100102', lot })),
  );

  it('gives back the thing or lot that it was made of, and is found by a Digital Link of it', () => {
    fc.assert(
      fc.property(things, (thing) => {
        const key = formatKey(thing);
        expect(parseKey(key)).toEqual(thing);
        expect('serial' in thing ? parseEpc(link(key)) : parseEpcClass(link(key))).toEqual(thing);
      }),
    );
  });

  it('percent-encodes all but letters, digits and -._~ (codes.md §4)', () => {
    expect(formatKey({ class: '01/09520123000110', serial: `a-._(*)'/%` })).toBe('01/09520123000110/21/a-._%28%2A%29%27%2F%25');
  });

  it.each([
    ['an unescaped slash', '01/09520123000110/21/A/B', 'ID-FORM'],
    ['a wrong check digit', '01/09520123000111', 'ID-CHECK'],
    ['a qualifier of another key', '00/395201230000000180/21/A', 'ID-AI'],
    ['no AI', '02/09520123000110', 'ID-FORM'],
    ['nothing', '', 'ID-FORM'],
    ['2,049 bytes', `urn:x:${'é'.repeat(1_021)}y`, 'ID-LENGTH'],
    ['the character U+0000', 'urn:x:a\0b', 'ID-CHARSET'],
  ])('is refused for %s', (_, key, expected) => {
    expect(() => parseKey(key)).toThrow(code(expected));
  });
});

describe('a location or party', () => {
  it('has one key for URN and link, with extension and without (I-11)', () => {
    expect(locationKey('urn:epc:id:sgln:9520123.00001.0')).toBe('414/9520123000011');
    expect(locationKey(link('414/9520123000011'))).toBe('414/9520123000011');
    expect(locationKey(link('414/9520123000011/254/0'))).toBe('414/9520123000011');
    expect(locationKey('urn:epc:id:sgln:9520123.00001.7')).toBe('414/9520123000011/254/7');
    expect(locationKey('https://brand.example/site/7')).toBe('https://brand.example/site/7');
    expect(() => locationKey('hall 7')).toThrow(code('ID-FORM'));
  });

  it('is the same party as 417 and as 414 without extension (design.md §4)', () => {
    expect(partyKey('417/9520123000011')).toBe('414/9520123000011');
    expect(partyKey('414/9520123000011')).toBe('414/9520123000011');
    expect(partyKey('414/9520123000011/254/7')).toBe('414/9520123000011/254/7');
    expect(partyKey('https://brand.example/party/7')).toBe('https://brand.example/party/7');
  });

  it('gives its GLN, extension left aside', () => {
    expect(glnOf('414/9520123000011/254/7')).toBe('9520123000011');
    expect(glnOf('417/9520123000011')).toBe('9520123000011');
    expect(glnOf('https://brand.example/site/7')).toBeNull();
  });
});
