import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EPCIS_CONTEXT,
  everyEvent,
  objectEvent,
  SITE,
  sensorEvent,
  sgtin,
  transactionEvent,
} from '../../../test/support/epcis-documents.ts';
import { sharedPath } from '../../../test/support/shared.ts';
import { readContext } from '../json/context.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { ExactNumber, parseExactJson, plainDecimal, plainDouble } from './exact-number.ts';
import {
  checkForeignHashId,
  eventHash,
  fingerprints,
  formatHashId,
  hashInProfile,
  isForeignHashId,
  parseHashId,
  verifyHashId,
} from './hash.ts';
import { HASH_PROFILES, type HashProfile, prehash } from './prehash.ts';

type Json = Record<string, unknown>;
const EX = 'http://ns.example.com/epcis/';
const prefixes = new Map([...EPCIS_PREFIXES, ['ex', EX]]);
const identity = (event: Json) => Buffer.from(fingerprints(event, prefixes).identityDigest).toString('hex');
const hash = (event: Json) => Buffer.from(fingerprints(event, prefixes).hash).toString('hex');

const HEAD = 'eventType=ObjectEventeventTime=2026-03-01T07:15:00.000ZeventTimeZoneOffset=+01:00';
const minimal = (members: Json): Json => ({
  type: 'ObjectEvent',
  eventTime: '2026-03-01T08:15:00+01:00',
  eventTimeZoneOffset: '+01:00',
  ...members,
});

describe('the pre-hash string (codes.md §1, profile P)', () => {
  it.each<[string, Json, string]>([
    ['of nothing but when', {}, ''],
    [
      'sorts EPCs by their links and keeps repeated ones',
      { epcList: [sgtin('b'), sgtin('a'), sgtin('a')] },
      'epcListepc=https://id.gs1.org/01/09520123000110/21/aepc=https://id.gs1.org/01/09520123000110/21/aepc=https://id.gs1.org/01/09520123000110/21/b',
    ],
    [
      'keeps its own order of fields, whatever the document’s',
      { disposition: 'active', bizStep: 'commissioning', action: 'ADD', epcList: ['urn:x:1'], parentID: 'urn:x:p' },
      'parentID=urn:x:pepcListepc=urn:x:1action=ADDbizStep=https://ref.gs1.org/cbv/BizStep-commissioningdisposition=https://ref.gs1.org/cbv/Disp-active',
    ],
    ['leaves out what is empty', { epcList: [], quantityList: [], ilmd: {}, 'ex:a': '', 'ex:b': null, 'ex:c': [] }, ''],
    [
      'leaves out eventID, recordTime, errorDeclaration and comments',
      {
        eventID: 'urn:x:1',
        recordTime: '2026-03-01T08:15:00Z',
        errorDeclaration: { declarationTime: '2026-03-01T08:15:00Z' },
        'rdfs:comment': 'c',
        '@context': {},
      },
      '',
    ],
    [
      'writes quantities as plain decimals',
      {
        quantityList: [
          { epcClass: 'urn:x:c', quantity: 1.5, uom: 'KGM' },
          { epcClass: 'urn:x:a', quantity: 1e21 },
        ],
      },
      'quantityListquantityElementepcClass=urn:x:aquantity=1000000000000000000000quantityElementepcClass=urn:x:cquantity=1.5uom=KGM',
    ],
    [
      'counts the attributes of an XML element as its children, and its own text as its value',
      { 'cbvmda:netWeight': { '@:measurementUnitCode': 'KGM', '@ex:by': 'scale', '#:text': '3.50' }, 'ex:a': { '@:b': 'c' } },
      '{http://ns.example.com/epcis/}ab=c{urn:epcglobal:cbv:mda:}netWeight=3.5measurementUnitCode=KGM{http://ns.example.com/epcis/}by=scale',
    ],
    [
      'takes the keywords of JSON-LD for members like any other, but for contexts and comments',
      { 'ex:a': { '@type': 'xsd:date', '@value': '2026', '#text': 'x', '@id': 'y', '@context': { z: 'urn:z:' }, comment: 'c' } },
      `{${EX}}a#text=x@id=y@type=xsd:date@value=2026`,
    ],
    [
      'puts the type before the transaction, and copes without a type',
      { bizTransactionList: [{ bizTransaction: 'urn:x:2' }, { bizTransaction: 'urn:x:1', type: 'po' }] },
      'bizTransactionListbizTransaction=urn:x:2type=https://ref.gs1.org/cbv/BTT-pobizTransaction=urn:x:1',
    ],
    [
      'sorts sources, destinations, ilmd and extensions as strings',
      {
        sourceList: [{ type: 'location', source: SITE }],
        destinationList: [{ type: 'owning_party', destination: 'urn:epc:id:pgln:9520123.00002' }],
        ilmd: { 'cbvmda:lotNumber': 'L1' },
        'ex:a': 1,
      },
      'destinationListtype=https://ref.gs1.org/cbv/SDT-owning_partydestination=https://id.gs1.org/417/9520123000028ilmd{urn:epcglobal:cbv:mda:}lotNumber=L1sourceListtype=https://ref.gs1.org/cbv/SDT-locationsource=https://id.gs1.org/414/9520123000011{http://ns.example.com/epcis/}a=1',
    ],
    [
      'puts all set before all unset',
      { persistentDisposition: { unset: ['active'], set: ['recalled', 'expired'] } },
      'persistentDispositionset=https://ref.gs1.org/cbv/Disp-expiredset=https://ref.gs1.org/cbv/Disp-recalledunset=https://ref.gs1.org/cbv/Disp-active',
    ],
    [
      'writes extensions where they stand, children sorted, arrays as items',
      { 'ex:b': [{ 'ex:d': 2, 'ex:c': '007' }, true], readPoint: { id: 'urn:x:r', 'ex:a': 'x' } },
      `readPointid=urn:x:r{${EX}}a=x{${EX}}b=true{${EX}}b{${EX}}c=7{${EX}}d=2`,
    ],
    [
      'turns CBV URNs, GS1 CURIEs and identifiers in extensions, and no others',
      { 'ex:a': 'urn:epcglobal:cbv:disp:active', 'ex:b': 'gs1:Temperature', 'ex:c': sgtin(1), 'ex:d': 'ex:same', 'ex:e': ' +01.50 ' },
      `{${EX}}a=https://ref.gs1.org/cbv/Disp-active{${EX}}b=https://gs1.org/voc/Temperature{${EX}}c=https://id.gs1.org/01/09520123000110/21/1{${EX}}d=ex:same{${EX}}e=1.5`,
    ],
    [
      'orders a sensor element, its times rounded',
      {
        sensorElementList: [
          {
            'ex:z': 1,
            sensorReport: [
              {
                uom: 'CEL',
                value: 5.1,
                type: 'gs1:Temperature',
                time: '2026-03-01T07:10:00.0006Z',
                component: 'x',
                exception: 'ALARM_CONDITION',
              },
            ],
            sensorMetadata: { deviceID: 'urn:epc:id:giai:9520123.s7', time: '2026-03-01T07:10:59.9996Z', 'ex:m': 'q' },
          },
        ],
      },
      `sensorElementListsensorElementsensorMetadatatime=2026-03-01T07:11:00.000ZdeviceID=https://id.gs1.org/8004/9520123s7{${EX}}m=qsensorReporttype=https://gs1.org/voc/Temperatureexception=https://gs1.org/voc/ALARM_CONDITIONtime=2026-03-01T07:10:00.001Zvalue=5.1component=https://ref.gs1.org/cbv/Comp-xuom=CEL{${EX}}z=1`,
    ],
  ])('%s', (_, members, expected) => {
    expect(prehash(minimal(members), prefixes)).toBe(HEAD + expected);
  });

  it('names an extension type as XML would', () => {
    expect(prehash({ ...minimal({}), type: 'ex:Washed' }, prefixes)).toBe(HEAD.replace('ObjectEvent', `{${EX}}Washed`));
  });

  it('sorts by UTF-8 bytes, where UTF-16 would put 😀 before a private character', () => {
    const event = minimal({ 'ex:a': ['\u{1f600}', '\ue000'] });
    expect(prehash(event, prefixes)).toBe(`${HEAD}{${EX}}a=\ue000{${EX}}a=\u{1f600}`);
  });

  it('is hashed with SHA-256', () => {
    const event = minimal({ epcList: [sgtin(1)] });
    const expected = createHash('sha256').update(`${HEAD}epcListepc=https://id.gs1.org/01/09520123000110/21/1`).digest('hex');
    expect(hash(event)).toBe(expected);
    expect(formatHashId(eventHash(event, prefixes))).toBe(`ni:///sha-256;${expected}?ver=CBV2.0`);
  });
});

describe('the profiles of the event hash (codes.md §1.3, 1.6)', () => {
  const LINK = 'https://id.gs1.org/01/09520123000110/21/1';
  const CBV = 'https://ref.gs1.org/cbv';
  const event = minimal({
    certificationInfo: 'urn:x:c',
    parentID: 'urn:x:p',
    epcList: [sgtin(1)],
    bizTransactionList: [{ type: 'po', bizTransaction: 'urn:x:t' }],
    sourceList: [{ type: 'location', source: 'urn:x:s' }],
    destinationList: [{ type: 'location', destination: 'urn:x:d' }],
    readPoint: { id: 'urn:x:r', 'ex:a': 'at' },
    ilmd: { 'ex:i': 'y' },
    sensorElementList: [{ sensorMetadata: { 'ex:m': 'q' }, sensorReport: [{ type: 'Temperature', value: 1, 'ex:r': 'w' }], 'ex:e': 'z' }],
    'ex:o': 'own',
  });
  const pairs = {
    bizTransactionList: `bizTransactionListtype=${CBV}/BTT-pobizTransaction=urn:x:t`,
    sourceList: `sourceListtype=${CBV}/SDT-locationsource=urn:x:s`,
    destinationList: `destinationListtype=${CBV}/SDT-locationdestination=urn:x:d`,
  };
  const REPORT = 'sensorReporttype=https://gs1.org/voc/Temperaturevalue=1';
  const sensors = `sensorElementsensorMetadata{${EX}}m=q${REPORT}{${EX}}r=w{${EX}}e=z`;

  it.each<[HashProfile, string]>([
    [
      'P',
      `certificationInfo=urn:x:cparentID=urn:x:pepcListepc=${LINK}readPointid=urn:x:r{${EX}}a=atsensorElementList${sensors}` +
        `${pairs.bizTransactionList}${pairs.destinationList}ilmd{${EX}}i=y${pairs.sourceList}{${EX}}o=own`,
    ],
    [
      'T',
      `certificationInfo=urn:x:cepcListepc=${LINK}parentID=urn:x:preadPointid=urn:x:r{${EX}}a=at` +
        `${pairs.bizTransactionList}${pairs.sourceList}${pairs.destinationList}sensorElementList${sensors}ilmd{${EX}}i=y{${EX}}o=own`,
    ],
    [
      'O2.0',
      `epcListepc=${LINK}parentID=urn:x:preadPointid=urn:x:r${pairs.bizTransactionList}${pairs.sourceList}${pairs.destinationList}` +
        `sensorElement${REPORT}ilmd{${EX}}i=yreadPoint{${EX}}a=atsensorElementsensorMetadata{${EX}}m=qsensorReport{${EX}}r=w{${EX}}e=z{${EX}}o=own`,
    ],
    [
      'O2.1',
      `epcListepc=${LINK}parentID=urn:x:preadPointid=urn:x:r{${EX}}a=at` +
        `${pairs.bizTransactionList}${pairs.sourceList}${pairs.destinationList}sensorElementList${sensors}ilmd{${EX}}i=y{${EX}}o=own`,
    ],
  ])('%s', (profile, expected) => {
    expect(prehash(event, prefixes, profile)).toBe(HEAD + expected);
    const digest = createHash('sha256')
      .update(HEAD + expected)
      .digest('hex');
    const { hash: id } = hashInProfile(event, prefixes, profile);
    expect(id).toBe(`ni:///sha-256;${digest}?ver=CBV${profile === 'O2.1' ? '2.1' : '2.0'}`);
  });

  it('are one for an event where they do not differ', () => {
    const hashes = HASH_PROFILES.map((profile) => hashInProfile(objectEvent(), prefixes, profile).prehash);
    expect(new Set(hashes).size).toBe(1);
  });

  it.each(HASH_PROFILES)('are all tried before an ID counts as another event’s: %s is found', (profile) => {
    const { hash: id } = hashInProfile(event, prefixes, profile);
    const { matched, tried } = verifyHashId(id, event, prefixes);
    expect(matched).toBe(profile);
    expect(tried.at(-1)).toBe(profile);
  });

  it('say what was tried when none of them gives the ID', () => {
    const { hash: id } = hashInProfile(event, prefixes, 'T');
    expect(verifyHashId(id, { ...event, action: 'ADD' }, prefixes)).toEqual({ id, matched: null, tried: HASH_PROFILES });
  });

  it('are verified whatever digest the ID has, and in capitals too (codes.md §1)', () => {
    const digits = createHash('sha3-256')
      .update(prehash(event, prefixes, 'T'))
      .digest('hex')
      .toUpperCase();
    expect(verifyHashId(`ni:///sha3-256;${digits}?ver=CBV2.0`, event, prefixes).matched).toBe('T');
    const long = createHash('sha512').update(prehash(event, prefixes)).digest('hex');
    expect(verifyHashId(`ni:///sha-512;${long}?ver=CBV2.0`, event, prefixes).matched).toBe('P');
  });

  it.each(['urn:uuid:7f2b1c6e-0000-4000-8000-000000000001', 'ni:///md5;00?ver=CBV2.0', `ni:///sha-256;${'0'.repeat(64)}`])(
    'take %s for no hash ID',
    (id) => {
      expect(isForeignHashId(id)).toBe(false);
      expect(() => checkForeignHashId(id, '?verify')).toThrow(expect.objectContaining({ code: 'REQ-FORM', at: '?verify' }));
    },
  );
});

/** The same event with its members, and those of everything in it, in another order. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random)).sort(() => random() - 0.5);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, shuffled(inner, random)] as const)
      .sort(() => random() - 0.5),
  );
}

const seeded = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })).map((stream) => () => stream.next().value as number);

describe('the fingerprints', () => {
  const extended = () => everyEvent().map((event) => ({ ...event, 'ex:note': [{ 'ex:a': 1, 'ex:b': ['x', 2] }, 'y'] }));

  it('do not depend on the order of members and of lists (DM-16)', () => {
    fc.assert(
      fc.property(fc.constantFrom(...extended()), seeded, (event, random) => {
        const other = shuffled(event, random) as Json;
        expect(hash(other)).toBe(hash(event));
        expect(identity(other)).toBe(identity(event));
      }),
    );
  });

  it('do not depend on the names of prefixes (V-14)', () => {
    const renamed = new Map([...EPCIS_PREFIXES, ['q', EX]]);
    for (const event of extended()) {
      const other = JSON.parse(JSON.stringify(event).replaceAll('"ex:', '"q:')) as Json;
      expect(fingerprints(other, renamed)).toEqual(fingerprints(event, prefixes));
    }
  });

  it('do not depend on the spelling of identifiers, values and instants (V-1, V-8, V-12)', () => {
    const event = { ...objectEvent(), eventTime: '2026-03-01T08:15:00+01:00' };
    const other = {
      ...event,
      eventTime: '2026-03-01T07:15:00.000000Z',
      bizStep: 'cbv:BizStep-commissioning',
      disposition: 'https://ref.gs1.org/cbv/Disp-active',
      epcList: [sgtin(1), 'https://example.com/01/09520123000110/10/L1/21/2?17=280131'],
      readPoint: { id: 'https://id.gs1.org/414/9520123000011' },
    };
    expect(hash(other)).toBe(hash(event));
    expect(identity(other)).toBe(identity(event));
  });

  it.each<[string, Json, Json]>([
    ['a time below the millisecond', { eventTime: '2026-03-01T07:15:00.0001Z' }, { eventTime: '2026-03-01T07:15:00.0002Z' }],
    ['the zeros of a text that looks like a number', { 'ex:a': '007' }, { 'ex:a': '7' }],
    ['an identifier’s spelling in an extension', { 'ex:a': sgtin(1) }, { 'ex:a': 'https://id.gs1.org/01/09520123000110/21/1' }],
    ['an errorDeclaration', {}, { errorDeclaration: { declarationTime: '2026-03-02T00:00:00Z' } }],
    [
      'the reason of an errorDeclaration',
      { errorDeclaration: { declarationTime: '2026-03-02T00:00:00Z', reason: 'did_not_occur' } },
      { errorDeclaration: { declarationTime: '2026-03-02T00:00:00Z', reason: 'incorrect_data' } },
    ],
    ['a value that imitates another item', { 'ex:a': [`x{${EX}}a=y`] }, { 'ex:a': ['x', 'y'] }],
    ['an identifier that imitates two', { epcList: ['urn:x:aepc=urn:x:b'] }, { epcList: ['urn:x:a', 'urn:x:b'] }],
    ['where an extension ends', { 'ex:a': { 'ex:b': 1, 'ex:c': 2 } }, { 'ex:a': { 'ex:b': 1 }, 'ex:c': 2 }],
  ])('tell two events apart by %s in the digest, though the hash is one (design.md §3)', (_, one, other) => {
    expect(hash(minimal(one))).toBe(hash(minimal(other)));
    expect(identity(minimal(one))).not.toBe(identity(minimal(other)));
  });

  it.each(['9007199254740993', '0.10000000000000000001'])('tell %s from the double next to it in the digest (J-9)', (number) => {
    const exact = (text: string) => parseExactJson(JSON.stringify(minimal({ 'ex:a': '?' })).replace('"?"', text)) as Json;
    const near = String(Number(number));
    expect(hash(exact(number))).toBe(hash(exact(near)));
    expect(identity(exact(number))).not.toBe(identity(exact(near)));
    const quantity = (text: string) =>
      parseExactJson(`{"type":"ObjectEvent","quantityList":[{"epcClass":"urn:x:c","quantity":${text},"uom":"KGM"}]}`) as Json;
    expect(identity(quantity(number))).not.toBe(identity(quantity(near)));
    expect(identity(quantity('1.50'))).toBe(identity(quantity('1.5')));
  });

  it('cannot be made equal by the control characters that fence the digest', () => {
    const fence = '\u001d\u001e';
    expect(identity(minimal({ 'ex:a': `x${fence}{${EX}}a=y` }))).not.toBe(identity(minimal({ 'ex:a': ['x', 'y'] })));
    expect(identity(minimal({ 'ex:o': { [`k=x${fence}k`]: 'y' } }))).not.toBe(identity(minimal({ 'ex:o': { k: ['x', 'y'] } })));
    expect(identity(minimal({ 'ex:a': '\u001d' }))).not.toBe(identity(minimal({ 'ex:a': '\u001f29;' })));
  });

  it('tells attributes of XML from elements, from keywords of JSON-LD, and from contexts that are none', () => {
    const of = (inner: Json) => identity(minimal({ 'ex:o': inner }));
    expect(of({ '@:a': 'b' })).not.toBe(of({ a: 'b' }));
    expect(of({ '@:a': 'b' })).not.toBe(of({ '@a': 'b' }));
    expect(of({ '@ex:a': 'b' })).not.toBe(of({ 'ex:a': 'b' }));
    expect(of({ '@:a': 'b', '#:text': 'c' })).not.toBe(of({ '@:a': 'b', '#:text': 'd' }));
    expect(of({ '@:context': 'urn:x:1' })).not.toBe(of({ '@:context': 'urn:x:2' }));
    expect(of({ '#:text': ['c'] })).not.toBe(of({ '#:text': ['d'] }));
  });

  it('takes the spellings of the CBV master data namespace for one, where the hash wants it as declared (V-15)', () => {
    const spelled = (namespace: string) =>
      fingerprints(minimal({ ilmd: { 'm:lotNumber': 'L1' } }), new Map([...prefixes, ['m', namespace]]));
    const [colon, none, sharp] = ['urn:epcglobal:cbv:mda:', 'urn:epcglobal:cbv:mda', 'urn:epcglobal:cbv:mda#'].map(spelled);
    expect([none?.identityDigest, sharp?.identityDigest]).toEqual([colon?.identityDigest, colon?.identityDigest]);
    expect(none?.hash).not.toEqual(colon?.hash);
    expect(spelled('urn:epcglobal:cbv:mda/').identityDigest).not.toEqual(colon?.identityDigest);
  });

  it('leave eventID and recordTime out of the digest', () => {
    const event = transactionEvent();
    expect(identity({ ...event, eventID: 'urn:x:1', recordTime: '2026-03-03T00:00:00Z' })).toBe(identity(event));
  });

  it('hash the values that the prehash shows, and no more', () => {
    for (const event of [...everyEvent(), sensorEvent()]) {
      expect(Buffer.from(fingerprints(event, prefixes).hash)).toEqual(createHash('sha256').update(prehash(event, prefixes)).digest());
    }
  });
});

describe('an event hash ID', () => {
  it('is written and read', () => {
    const bytes = eventHash(objectEvent(), prefixes);
    expect(Buffer.from(parseHashId(formatHashId(bytes)))).toEqual(Buffer.from(bytes));
  });

  it.each([
    'ni:///sha-256;AB?ver=CBV2.0',
    `ni:///sha-256;${'A'.repeat(64)}?ver=CBV2.0`,
    `ni:///sha-256;${'a'.repeat(64)}?ver=CBV2.1`,
    `ni:///sha-384;${'a'.repeat(96)}?ver=CBV2.0`,
    `ni:///sha-256;${'a'.repeat(64)}`,
  ])('is refused as %s', (text) => {
    expect(() => parseHashId(text)).toThrow(expect.objectContaining({ code: 'REQ-FORM' }));
  });
});

describe('numbers in plain decimal notation', () => {
  it.each([
    ['007', '7'],
    ['+5', '5'],
    ['1.0', '1'],
    ['-0.0', '0'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1e3', '1000'],
    ['12.34e1', '123.4'],
    ['-1.5E-3', '-0.0015'],
    ['123456789012345678901234567890.10', '123456789012345678901234567890.1'],
  ])('%s is %s', (text, plain) => {
    expect(plainDecimal(text)).toBe(plain);
  });

  it.each(['', '-', '.', 'e5', '1_000', '1,5', '0x10', 'Infinity', 'NaN', '1e9999', '2028-01-31', '1.2.3'])(
    '%j is left as it is',
    (text) => {
      expect(plainDecimal(text)).toBeNull();
    },
  );

  it('keep the value of every double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const plain = plainDouble(value);
        expect(plain).not.toMatch(/e|^-0$/);
        expect(Number(plain)).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('are kept as written by the exact reader, and everything else read like JSON.parse', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('', '\n', ' \t'), (value, gap) => {
        const text = JSON.stringify(value, null, gap);
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(parseExactJson('[1.50, 2 ,1e3\n]')).toEqual([new ExactNumber('1.50'), 2, new ExactNumber('1e3')]);
  });
});

type Vector = { hash: string; prehash: string };
type Vectors = {
  documents: { files: string[]; events: Vector[] }[];
  equal: ({ file: string; events: number } & Vector)[];
  pairs: { json: string; events: Vector[] }[];
};

const index = sharedPath('vectors', 'event-hash', 'index.json');
describe.skipIf(index === null)('the published vectors', () => {
  const vectors = (index === null ? { documents: [], equal: [], pairs: [] } : JSON.parse(readFileSync(index, 'utf8'))) as Vectors;
  const cases: [string, (i: number) => Vector][] = [
    ...vectors.documents.flatMap(({ files, events }) =>
      files.map((file): [string, (i: number) => Vector] => [`documents/${file}`, (i) => events[i]!]),
    ),
    ...vectors.equal.map((vector): [string, (i: number) => Vector] => [`equal/${vector.file}`, () => vector]),
    ...vectors.pairs.map(({ json, events }): [string, (i: number) => Vector] => [`pairs/${json}`, (i) => events[i]!]),
  ];
  const inJson = cases.filter(([file]) => file.includes('.json'));
  let compared = 0;

  it.each(inJson)('%s', (file, expected) => {
    const document = JSON.parse(readFileSync(sharedPath('vectors', 'event-hash', file) as string, 'utf8')) as Json;
    const scope = readContext(document['@context'], '');
    const body = document['epcisBody'] as Json;
    const results = (body['queryResults'] ?? {}) as Json;
    const events = (body['eventList'] ?? (results['resultsBody'] as Json)['eventList']) as Json[];
    // A peculiarity of the reference program, named in the vectors' README: fields to leave out, listed in the document.
    const ignored = [...Object.entries(document), ...Object.entries(results)].flatMap(([name, value]) =>
      name.endsWith(':ignoreFields') ? (value as string[]) : [],
    );
    for (const [i, event] of events.entries()) {
      const kept = Object.fromEntries(Object.entries(event).filter(([name]) => !ignored.includes(name)));
      expect(prehash(kept, scope.prefixes)).toBe(expected(i).prehash);
      expect(formatHashId(eventHash(kept, scope.prefixes))).toBe(expected(i).hash);
      compared++;
    }
  });

  it('were all compared: 51 events', () => {
    expect(compared).toBe(51);
  });
});

it('the context of the fixtures is the one that hashing expects', () => {
  expect(readContext([EPCIS_CONTEXT, { ex: EX }], '').prefixes).toEqual(prefixes);
});
