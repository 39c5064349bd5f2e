import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { listAis } from '../gs1/ai-table.ts';
import { writeBracketed, writeElementString } from '../gs1/element-string.ts';
import type { Element } from '../gs1/elements.ts';
import { LAYOUTS, type Layout, swapCase, typedOn, undoLayout } from './keyboard.ts';
import { readArrival, type ScanProfile } from './reading.ts';

const YEAR = 2026;
const SET_82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const GTIN = '09520123000110';
const read = (scan: string, profile: ScanProfile = {}, entry: 'scanner' | 'typed' = 'scanner') =>
  readArrival(scan, { entry, profile, year: YEAR });
const codes = (list: readonly { code: string }[]) => list.map(({ code }) => code);
const PACK = `01${GTIN}21S1\u001d1727123110L1`;
const PACK_ELEMENTS = [
  { ai: '01', value: GTIN },
  { ai: '21', value: 'S1' },
  { ai: '17', value: '271231' },
  { ai: '10', value: 'L1' },
];

describe('what arrives around a message (codes.md §8)', () => {
  it.each([
    ['STX and ETX', `\u0002]d2${PACK}\u0003`],
    ['CR LF', `]d2${PACK}\r\n`],
    ['a TAB', `]d2${PACK}\t`],
    ['blanks', ` ]d2${PACK} `],
  ])('%s are no data', (_, scan) => {
    expect(read(scan)).toMatchObject({ ok: true, elements: PACK_ELEMENTS, key: `01/${GTIN}/21/S1`, warnings: [], messages: 1 });
  });

  it('nothing at all is an answer, and no reading', () => {
    for (const scan of ['', '\r\n', ' '])
      expect(read(scan)).toMatchObject({ ok: false, problems: [{ code: 'empty-scan' }], messages: 0, elements: [], key: null });
  });

  it('a control character that no code holds is a problem with its place', () => {
    expect(read(`]d2\u0000${PACK}`).problems).toMatchObject([{ code: 'control-character', at: 3 }]);
  });
});

describe('several messages in one read', () => {
  it('are joined, and what one needs may stand in another: 00 with 02 and 37 (codes.md §2)', () => {
    const joined = read(`]C100095201230000000189\r]C102${GTIN}3740\r`);
    expect(joined).toMatchObject({ ok: true, key: '00/095201230000000189', messages: 2 });
    expect(codes(joined.warnings)).toEqual(['more-than-one-message']);
    expect(read(`]C102${GTIN}3740`)).toMatchObject({ ok: false, problems: [{ code: 'ID-AI' }] });
  });

  it('are told apart by the next symbology identifier where no terminator is sent', () => {
    expect(read(`]C100095201230000000189]C102${GTIN}3740`)).toMatchObject({ ok: true, messages: 2 });
  });

  it('of several things are refused', () => {
    expect(codes(read(`]d2${PACK}\r]d201${GTIN}21S2\r`).problems)).not.toEqual([]);
    expect(codes(read(']C100095201230000000189\r]C100195201230000000025').problems)).toEqual(['several-things']);
    expect(codes(read(']C0=A99991712345600\r]C0=A99991712345700').problems)).toEqual(['several-things']);
    expect(codes(read(`]C0=A99991712345600\r]d2${PACK}`).problems)).toEqual(['mixed-messages']);
  });

  it('of one bag make one bag: donation number and product code (domain.md §3.2)', () => {
    const key = 'urn:lotline:isbt128:bag:A999917123456:S1295400';
    for (const scan of [']C0=A99991712345600=<S1295400', ']C0=A99991712345600\r]C0=<S1295400\r', '=+02000=A99991712345600=<S1295400'])
      expect(read(scan)).toMatchObject({ ok: true, key });
  });

  it('a composite is one item with its linear half', () => {
    expect(read(']E09520123000110|]e010L1\u001d21X')).toMatchObject({ ok: true, key: `01/${GTIN}/21/X`, warnings: [] });
    expect(read(`]C101${GTIN}|]e010L1`)).toMatchObject({ ok: true, key: `01/${GTIN}/10/L1` });
  });
});

describe('a scan without symbology identifier is told by its form', () => {
  it.each([
    ['an element string', PACK, `01/${GTIN}/21/S1`],
    ['a separator first, as FNC1', `\u001d${PACK}`, `01/${GTIN}/21/S1`],
    ['a Digital Link', `https://example.com/01/${GTIN}/21/S1`, `01/${GTIN}/21/S1`],
    ['format 06', `[)>\u001e06\u001d8P${GTIN}\u001dSS1\u001e\u0004`, `01/${GTIN}/21/S1`],
    ['ISBT 128', '=A99991712345600', 'urn:lotline:isbt128:001:A999917123456'],
    ['EAN-13', '9520123000110', `01/${GTIN}`],
    ['a PZN', '-03752864', '01/04150037528643'],
  ])('%s', (_, scan, key) => {
    const reading = read(scan);
    expect(reading).toMatchObject({ ok: true, key });
    expect(codes(reading.warnings)).toContain('no-symbology-identifier');
  });

  it.each([
    ['element strings without a key: they could be anything', '10ABC'],
    ['any other text', 'HELLO'],
    ['brackets, which nobody prints into a symbol', writeBracketed(PACK_ELEMENTS)],
  ])('but not %s', (_, scan) => {
    expect(read(scan)).toMatchObject({ ok: false, key: null, elements: [] });
  });

  it('eight digits that are a right PZN are not taken for one without its mark', () => {
    expect(codes(read('03752864').problems)).toEqual(['ambiguous']);
  });
});

describe('a German pack (codes.md §6)', () => {
  const PPN = ']d1[)>\u001e06\u001d9N110375286414\u001dSn1\u001dD271231\u001d1TL7\u001e\u0004';
  it('is one thing by its PPN and by its NTIN', () => {
    const [ppn, ntin] = [read(PPN), read(']d2010415003752864321n1\u001d1727123110L7')];
    expect(ppn.key).toBe('01/04150037528643/21/n1');
    expect(ppn.key).toBe(ntin.key);
    expect(ppn.national).toEqual([{ scheme: 'PZN', value: '03752864' }]);
    expect(ntin.national).toEqual(ppn.national);
    expect(new Set(ppn.inGs1.map(({ ai, value }) => ai + value))).toEqual(new Set(ntin.inGs1.map(({ ai, value }) => ai + value)));
  });

  it('goes by the GTIN of 8P where there is one', () => {
    expect(read(PPN.replace('SSn1', 'S1').replace('\u001dD', `\u001d8P${GTIN}\u001dD`)).key).toBe(`01/${GTIN}/21/n1`);
  });

  it('is named as a product by its PZN, scanned as Code 39 or typed', () => {
    for (const reading of [read(']A0-03752864'), read('PZN-03752864', {}, 'typed'), read('PZN 03752864', {}, 'typed')])
      expect(reading).toMatchObject({ ok: true, key: '01/04150037528643', national: [{ value: '03752864' }], elements: [] });
    expect(read('PZN-03752865', {}, 'typed').problems).toMatchObject([{ code: 'ID-CHECK' }]);
  });
});

describe('what a person types', () => {
  it.each([
    ['brackets, with blanks as printed', '(01) 09520123000110 (21) S1', `01/${GTIN}/21/S1`],
    ['a GTIN', '9520123000110', `01/${GTIN}`],
    ['a donation number with its boxed character', 'A9999 17 123456 T', 'urn:lotline:isbt128:001:A999917123456'],
  ])('%s', (what, text, key) => {
    const typed = what.startsWith('a donation') ? text.replace('T', kOf('A999917123456')) : text;
    expect(read(typed, {}, 'typed')).toMatchObject({ ok: true, key });
  });

  it.each([
    ['a missing bracket', '01)09520123000110'],
    ['a wrong check digit', '(01)09520123000111'],
    ['a donation number whose boxed character is wrong', `A9999 17 123456 ${kOf('A999917123456') === 'A' ? 'B' : 'A'}`],
    ['a serial alone', 'S1'],
  ])('is refused for %s', (_, text) => {
    expect(read(text, {}, 'typed').ok).toBe(false);
  });

  function kOf(din: string): string {
    return '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*'.split('').find((k) => read(din + k, {}, 'typed').ok) as string;
  }
});

describe('a lost separator (codes.md §8)', () => {
  it('is a problem that names the fields, and is never put back', () => {
    const reading = read(`]d201${GTIN}21S11727123110L1`);
    expect(reading).toMatchObject({ ok: false, key: null, elements: [], problems: [{ code: 'separator-suspected-lost', ai: '21' }] });
    expect(reading.problems[0]?.meant).toEqual(PACK_ELEMENTS.slice(1));
    expect(reading.doubted).toMatchObject({ ok: true, key: `01/${GTIN}/21/S11727123110L1` });
  });

  it('shows too when what ran together is too long', () => {
    expect(codes(read(`]d201${GTIN}21${'S'.repeat(15)}1727123110L1`).problems)).toEqual(['separator-suspected-lost', 'ID-LENGTH']);
  });

  it('is a warning where a pack lacks one field, and that one could be inside another', () => {
    const reading = read(`]d201${GTIN}1727123121AB10XY`);
    expect(reading.ok).toBe(true);
    expect(codes(reading.warnings)).toEqual(['separator-maybe-lost']);
  });

  it('is not seen in serials whose digits happen to look like that, with a date out of reach or none', () => {
    for (const serial of ['S117991231', 'S117271331', 'AB10XY', '12345678901234567890'])
      expect(read(`]d201${GTIN}21${serial}`)).toMatchObject({ ok: true, warnings: [] });
  });

  it('is caught by a profile that says what a process needs', () => {
    const required = ['01', '21', '17', '10'];
    expect(read(`]d2${PACK}`, { required }).ok).toBe(true);
    expect(read(`]d201${GTIN}21S1`, { required }).problems).toMatchObject([{ code: 'required-missing', ai: '17' }]);
  });
});

describe('a keyboard between scanner and host', () => {
  it.each(LAYOUTS)('what a scanner set to en-US types on %s comes back as it was', (host) => {
    for (const c of `${SET_82}]`) expect(undoLayout(typedOn(c, host), host), c).toEqual({ text: c, strange: '' });
  });

  it('is not undone for scanners set to another layout: they use keys that the tables do not have', () => {
    expect(codes(read(PACK, { scannerLayout: 'de-DE', hostLayout: 'en-US' }).problems)).toEqual(['keyboard-layout']);
    expect(read(PACK, { scannerLayout: 'de-DE', hostLayout: 'de-DE' }).ok).toBe(true);
  });

  it('is told, not assumed, where the profile does not say', () => {
    const reading = read(typedOn(`]d2${PACK}`, 'de-DE'));
    expect(reading).toMatchObject({ ok: false, elements: [] });
    const hint = reading.problems.find(({ code }) => code === 'keyboard-layout');
    expect(hint?.message).toContain('en-US');
    expect(hint?.meant).toEqual(PACK_ELEMENTS);
  });

  it('leaves alone what arrives with a right symbology identifier', () => {
    expect(read(`]d2${PACK}`, { scannerLayout: 'en-US', hostLayout: 'fr-FR' })).toMatchObject({ ok: true, warnings: [] });
  });

  it('refuses characters that no key gives: what they held is lost', () => {
    expect(codes(read('+d20109€', { hostLayout: 'de-DE', scannerLayout: 'en-US' }).problems)).toEqual(['keyboard-layout']);
  });
});

it('never reads, keeps or repeats what a code tells of a patient (domain.md §3.2)', () => {
  for (const scan of [']C0=#0901231', ']C0=A99991712345600&#XY123', '=+02000=A99991712345600=#0901231']) {
    const reading = read(scan);
    expect(reading.problems).toMatchObject([{ code: 'patient-data' }]);
    expect(JSON.stringify({ ...reading, received: [] })).not.toContain('901231');
  }
});

// ── The published cases ──────────────────────────────────────────────────────────────────────

const scannerInput = sharedPath('vectors/gs1-codes/scanner-input.json');
describe.skipIf(scannerInput === null)('the published cases of scanner input', () => {
  type Case = {
    id: string;
    input: string;
    ok: boolean;
    elements?: Element[];
    dataIdentifiers?: Record<string, string>;
    warnings?: string[];
    error?: string;
    isbt128?: string;
    messages?: number;
    profile?: ScanProfile;
  };
  const published =
    scannerInput === null
      ? { cases: [], layouts: {} }
      : (JSON.parse(readFileSync(scannerInput, 'utf8')) as { cases: Case[]; layouts: Record<string, Record<string, string>> });
  it.each(published.cases)('$id', ({ id, input, ok, elements, dataIdentifiers, warnings, error, isbt128, messages, profile = {} }) => {
    const reading = read(input, profile, id.startsWith('hri') ? 'typed' : 'scanner');
    expect(reading.ok).toBe(ok);
    if (elements) expect(reading.elements).toEqual(elements);
    if (dataIdentifiers)
      expect(Object.fromEntries(reading.elements.map((e) => ['di' in e ? e.di : e.ai, e.value]))).toEqual(dataIdentifiers);
    if (warnings) expect(codes(reading.warnings)).toEqual(warnings);
    if (error) expect(codes(reading.problems)[0]).toBe(error);
    if (isbt128) expect(reading.isbt128?.structure).toBe(isbt128);
    if (messages) expect(reading.messages).toBe(messages);
  });

  it.each(Object.entries(published.layouts))('%s gives what the published table has', (host, table) => {
    for (const [key, gives] of Object.entries(table)) expect(typedOn(key, host as Layout), key).toBe(gives);
  });
});

const scans = sharedPath('vectors/gs1-codes/scans.json');
describe.skipIf(scans === null)('the published scans', () => {
  type Entry = { input: string; valid: boolean; symbology?: string; elements: Element[] };
  const entries = scans === null ? [] : (JSON.parse(readFileSync(scans, 'utf8')) as Entry[]);
  const gs1 = entries.filter(({ valid, elements }) => valid && elements.length > 0);
  it.each(gs1)('$input reads, or a separator seems lost in it', ({ input, elements }) => {
    const reading = read(input);
    const own = (reading.doubted ?? reading).elements.map((e) => JSON.stringify(e));
    expect(reading.problems.filter(({ code }) => code !== 'separator-suspected-lost')).toEqual([]);
    for (const element of elements) expect(own).toContain(JSON.stringify(element));
  });
});

const strings = sharedPath('vectors/gs1-codes/element-strings.json');
describe.skipIf(strings === null)('the published element strings', () => {
  type Entry = { valid: boolean; scans?: Record<string, string>; scan?: Record<string, string>; elements?: Element[] };
  const entries = strings === null ? [] : (JSON.parse(readFileSync(strings, 'utf8')) as Entry[]);
  it('read as a scanner sends them', () => {
    let tried = 0;
    for (const entry of entries.filter(({ valid }) => valid))
      for (const value of Object.values(entry).flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v as object) : [v])))
        if (typeof value === 'string' && /^\][A-Z a-z]\d/.test(value)) {
          tried++;
          const reading = read(value);
          expect(
            codes(reading.problems).filter((code) => code !== 'separator-suspected-lost'),
            value,
          ).toEqual([]);
          if (reading.ok) expect(reading.elements, value).toEqual(entry.elements);
        }
    expect(tried).toBeGreaterThan(50);
  });
});

const structures = sharedPath('vectors/isbt128/structures.json');
describe.skipIf(structures === null)('the published ISBT 128 structures', () => {
  type Entry = { input: string; valid?: boolean; structure: string; fields: Record<string, unknown> };
  const entries = structures === null ? [] : (JSON.parse(readFileSync(structures, 'utf8')) as Entry[]);
  it.each(entries)('$input', ({ input, valid = true, structure, fields }) => {
    const reading = read(`]C0${input}`);
    expect(reading.ok, JSON.stringify(reading.problems)).toBe(valid);
    if (valid) expect(reading.isbt128).toMatchObject({ structure, fields });
  });
});

// ── Properties ───────────────────────────────────────────────────────────────────────────────

const text = fc.string({ unit: fc.constantFrom(...Array.from(SET_82)), minLength: 1, maxLength: 20 });
const date = fc
  .tuple(fc.integer({ min: 22, max: 35 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 28 }))
  .map((parts) => parts.map((n) => String(n).padStart(2, '0')).join(''));
/** The elements of a pack in any order; some left out. */
const packs = fc
  .record({ '21': text, '17': date, '10': text, '710': fc.constant('03752864'), '240': text }, { requiredKeys: [] })
  .chain((more) =>
    fc.shuffledSubarray([{ ai: '01', value: GTIN }, ...Object.entries(more).map(([ai, value]) => ({ ai, value }))], {
      minLength: Object.keys(more).length + 1,
    }),
  );

/** Faults that can be undone for certain, with the profile that says so. */
const REVERSIBLE: readonly [what: string, fault: (scan: string) => string, profile: ScanProfile][] = [
  ['a prefix and suffixes', (scan) => `\u0002${scan}\r\n`, {}],
  ['no symbology identifier', (scan) => scan.slice(3), {}],
  ['a leading separator', (scan) => `${scan.slice(0, 3)}\u001d${scan.slice(3)}`, {}],
  ['a trailing separator', (scan) => `${scan}\u001d`, {}],
  ['| for the separator', (scan) => scan.replaceAll('\u001d', '|'), { gs: '|' }],
  ['{GS} for the separator', (scan) => scan.replaceAll('\u001d', '{GS}'), { gs: '{GS}' }],
  ['caps lock', swapCase, { restoreCase: true }],
  ['a double scan', (scan) => `${scan}\r${scan}\r`, {}],
  ...LAYOUTS.map((hostLayout): [string, (scan: string) => string, ScanProfile] => [
    `a keyboard of ${hostLayout}`,
    (scan) => typedOn(scan, hostLayout),
    { scannerLayout: 'en-US', hostLayout },
  ]),
];

it.each(REVERSIBLE)('any pack sent through %s reads back to the same elements', (_, fault, profile) => {
  fc.assert(
    fc.property(packs, (elements) => {
      const clean = read(`]d2${writeElementString(elements)}`);
      const faulty = read(fault(`]d2${writeElementString(elements)}`), profile);
      // A serial that by chance looks like fields run together is doubted either way.
      expect(codes(faulty.problems)).toEqual(codes(clean.problems));
      expect((faulty.doubted ?? faulty).elements).toEqual(elements);
    }),
    { numRuns: 200 },
  );
});

it('any pack whose separators are lost or replaced, or whose keyboard is another, never reads as other data without a warning', () => {
  const faults: ((scan: string) => string)[] = [
    (scan) => scan.replaceAll('\u001d', '|'),
    (scan) => scan.replaceAll('\u001d', '^'),
    swapCase,
    ...LAYOUTS.map((host) => (scan: string) => typedOn(scan, host)),
  ];
  fc.assert(
    fc.property(packs, fc.constantFrom(...faults), (elements, fault) => {
      const reading = read(fault(`]d2${writeElementString(elements)}`));
      if (reading.ok && reading.warnings.length === 0) expect(reading.elements).toEqual(elements);
    }),
    { numRuns: 1_000 },
  );
  // Serial, expiry and lot, in either order that packs have: what lost its separator is doubted, or seen to lack what a pack has.
  fc.assert(
    fc.property(text, date, text, fc.boolean(), (serial, expiry, lot, serialFirst) => {
      const [s, e, l] = [
        { ai: '21', value: serial },
        { ai: '17', value: expiry },
        { ai: '10', value: lot },
      ];
      const elements = [{ ai: '01', value: GTIN }, ...(serialFirst ? [s, e, l] : [e, s, l])];
      const reading = read(`]d2${writeElementString(elements).replaceAll('\u001d', '')}`);
      expect(reading.ok && reading.warnings.length === 0).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

it('never throws, whatever arrives', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((t) => `]d2${t}`),
    fc.constantFrom(...listAis().map(({ ai }) => `]C1${ai}1234567890123`)),
  );
  fc.assert(
    fc.property(anything, fc.constantFrom('scanner' as const, 'typed' as const), (scan, entry) => {
      const reading = read(scan, {}, entry);
      expect(reading.ok).toBe(reading.problems.length === 0);
      if (!reading.ok) expect(reading).toMatchObject({ elements: [], key: null, digitalLink: null });
    }),
    { numRuns: 2_000 },
  );
});
