import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  associate,
  caseOf,
  commission,
  DISTRIBUTOR,
  declareError,
  documentOf,
  type Json,
  lotOf,
  MAKER,
  observe,
  observeLot,
  pack,
  packOf,
  packs,
  palletOf,
  quantityOf,
  receive,
  SHOP,
  START,
  sensorOf,
  ship,
  siteOf,
  transact,
  transform,
  unpack,
  withID,
} from '../../test/support/events.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { type EventOrder, GRAMMAR, parseQueryBody, parseUrlQuery } from '../epcis/query/index.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { conditions } from './event-conditions.ts';
import { countEvents, type EventPosition, findEvents, lastEvent, planEvents } from './events-sql.ts';

const DAY_MS = 86_400_000;
const lab = { type: 'ex:LabEvent', eventTime: '2026-03-01T08:30:00Z', eventTimeZoneOffset: '+00:00' };
const COLD = { sensorReport: [{ type: 'Temperature', value: 8, uom: 'CEL' }] };
const asked = { EXAMPLE: 'http://ns.example.com/epcis/' };

/** What the store holds, each under a name; every document is recorded a day after the one before. */
const EVENTS: readonly (readonly [name: string, event: Json])[][] = [
  [
    ['made', commission(0, packs(1, 4), { lot: 'L1', site: MAKER })],
    ['packed', withID(pack(5, caseOf(1), packs(1, 4), { site: MAKER }), 1)],
    ['pallet', pack(6, palletOf(1), caseOf(1), { site: MAKER })],
  ],
  [
    ['shipped', withID(ship(10, palletOf(1), { site: MAKER, from: MAKER, to: DISTRIBUTOR }), 2)],
    ['received', receive(20, palletOf(1), { site: DISTRIBUTOR })],
    ['opened', unpack(21.0005, palletOf(1), caseOf(1), { site: DISTRIBUTOR })],
    [
      'weighed',
      observe(
        21.001,
        packOf(4),
        { step: `${asked.EXAMPLE}weighing`, disposition: 'conformant', site: DISTRIBUTOR },
        { sensorElementList: [COLD] },
      ),
    ],
  ],
  [
    [
      'mixed',
      transform(30, [quantityOf(lotOf('RAW', 12), 1.5, 'KGM'), packOf(9)], [quantityOf(lotOf('L2'), 100), packOf(10)], {
        id: 'urn:uuid:00000000-0000-4000-8000-00000000aaaa',
      }),
    ],
    ['counted', observeLot(40, [quantityOf(lotOf('L1'), 3), quantityOf(lotOf('RAW', 12), 200, 'GRM')], { site: SHOP })],
    ['stocked', observeLot(41, [quantityOf('urn:epc:idpat:sgtin:9520123.000011.*', 7), quantityOf('urn:epc:idpat:sgtin:9520124.*.*')])],
    ['built', associate(45, 'urn:epc:id:grai:9520123.00001.7', sensorOf(7))],
    ['ordered', transact(46, [palletOf(2)])],
    [
      'linked',
      observe(47, [
        'https://example.com/x/01/09520123000110/21/P20',
        'https://example.com/things/7',
        'https://id.gs1.org/00/195201230000000025',
      ]),
    ],
    ['tested', { ...lab, 'ex:result': 'good', 'ex:grade': 7 }],
  ],
  [['voided', declareError(withID(ship(10, palletOf(1), { site: MAKER, from: MAKER, to: DISTRIBUTOR }), 2))]],
];
const NAMES = EVENTS.flat().map(([name]) => name);
const context = { '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { ex: asked.EXAMPLE }] };

let store: TestStore;
let db: SqliteDb;
let time = START;

beforeAll(async () => {
  store = await memoryStore({ clock: () => time });
  db = new SqliteDb(store.db);
  for (const document of EVENTS) {
    time += DAY_MS;
    const outcome = await store.capture(
      documentOf(
        document.map(([, event]) => event),
        context,
      ),
    );
    expect(outcome.errors).toEqual([]);
  }
});
afterAll(async () => await store.close());

/** The names of the events that meet a query, in its order if it has one. Every road must lead to them: few events sorted, events read in order, in either order. */
async function ask(search: string): Promise<string[]> {
  const { query } = parseUrlQuery(new URLSearchParams(search));
  const through = await lastEvent(db);
  const find = async (order: EventOrder | null, few: number) => {
    const plan = await planEvents(db, { ...query, order }, { after: null, through, limit: 100, few });
    const rows = plan === null ? [] : await db.all<EventPosition>(plan);
    return rows.map(({ seq }) => NAMES[seq] as string);
  };
  const found = await find(query.order, 10_000);
  const sorted = [...found].sort();
  expect(await find(query.order, 0)).toEqual(found);
  for (const few of [10_000, 0]) expect((await find({ by: 'eventTime', direction: 'ASC' }, few)).sort()).toEqual(sorted);
  expect(await countEvents(db, query, { through, limit: 100 })).toBe(found.length);
  return query.order === null ? sorted : found;
}

const id = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const all = [...NAMES].sort().join(' ');

describe('a condition', () => {
  it.each([
    ['', all],
    ['eventType=ObjectEvent', 'counted linked made received shipped stocked voided weighed'],
    ['eventType=AssociationEvent|TransactionEvent', 'built ordered'],
    ['eventType=TransformationEvent', 'mixed'],
    ['eventType=http://ns.example.com/epcis/LabEvent', 'tested'],
    ['eventType=http://ns.example.com/other/LabEvent', ''],
    ['GE_eventTime=2026-03-01T08:45:00Z', 'built linked ordered'],
    ['GE_eventTime=2026-03-01T09:45:00%2B01:00', 'built linked ordered'],
    ['GE_eventTime=2026-03-01T08:45:00.0000001Z', 'linked ordered'],
    ['GE_eventTime=2026-03-01T08:48:00Z', ''],
    ['LT_eventTime=2026-03-01T08:05:00Z', 'made'],
    ['LT_eventTime=2026-03-01T08:05:00.0001Z', 'made packed'],
    ['GE_eventTime=2026-03-01T08:21:00Z&LT_eventTime=2026-03-01T08:21:00.060Z', 'opened'],
    ['GE_recordTime=2026-03-04T08:00:00Z', 'built counted linked mixed ordered stocked tested voided'],
    ['GE_recordTime=2026-03-04T08:00:00.000001Z', 'voided'],
    ['GE_recordTime=2026-03-04T08:00:00.0000001Z', 'voided'],
    ['GE_recordTime=2026-03-05T08:00:00.000001Z', ''],
    ['LT_recordTime=2026-03-02T08:00:00Z', ''],
    ['LT_recordTime=2026-03-02T08:00:00.0000001Z', 'made packed pallet'],
    ['GE_recordTime=2026-03-03T08:00:00Z&LT_recordTime=2026-03-04T08:00:00Z', 'opened received shipped weighed'],
    ['EQ_action=DELETE', 'opened'],
    ['EQ_action=ADD|DELETE', 'built made opened ordered packed pallet'],
    ['EQ_bizStep=shipping', 'shipped voided'],
    ['EQ_bizStep=urn:epcglobal:cbv:bizstep:shipping|packing', 'packed pallet shipped voided'],
    ['EQ_bizStep=http://ns.example.com/epcis/weighing', 'weighed'],
    ['EQ_bizStep=installing', ''],
    ['EQ_disposition=conformant|in_transit', 'shipped voided weighed'],
    ['EQ_disposition=expired', ''],
    [`EQ_readPoint=${siteOf(DISTRIBUTOR, 'dock')}`, 'opened received weighed'],
    ['EQ_readPoint=https://id.gs1.org/414/9520123000028/254/dock', 'opened received weighed'],
    [`EQ_readPoint=${siteOf(DISTRIBUTOR)}`, ''],
    [`EQ_bizLocation=${siteOf(SHOP)}|${siteOf(MAKER)}`, 'counted made packed pallet'],
    ['EQ_bizLocation=https://example.com/nowhere', ''],
    ['EQ_transformationID=urn:uuid:00000000-0000-4000-8000-00000000aaaa', 'mixed'],
    ['EQ_transformationID=urn:uuid:00000000-0000-4000-8000-00000000bbbb', ''],
    [`MATCH_epc=${packOf(1)}`, 'made packed'],
    ['MATCH_epc=https://any.example/01/09520123000110/21/P1', 'made packed'],
    [`MATCH_epc=${caseOf(1)}`, 'opened pallet'],
    [`MATCH_epc=${palletOf(1)}`, 'received shipped voided'],
    [`MATCH_epc=${packOf(9)}`, ''],
    [`MATCH_epc=${packOf(77)}|${packOf(4)}|${palletOf(2)}`, 'made ordered packed weighed'],
    ['MATCH_epc=https://example.com/things/7', 'linked'],
    ['MATCH_epc=https://id.gs1.org/01/09520123000110', ''],
    [`MATCH_epc=${lotOf('L1')}`, ''],
    [`MATCH_parentID=${palletOf(1)}`, 'opened pallet'],
    ['MATCH_parentID=urn:epc:idpat:grai:9520123.00001.*', 'built'],
    [`MATCH_parentID=${packOf(1)}`, ''],
    [`MATCH_inputEPC=${packOf(9)}`, 'mixed'],
    [`MATCH_inputEPC=${packOf(10)}`, ''],
    [`MATCH_outputEPC=${packOf(10)}`, 'mixed'],
    [`MATCH_outputEPC=${packOf(9)}`, ''],
    [`MATCH_anyEPC=${palletOf(1)}|${packOf(10)}`, 'mixed opened pallet received shipped voided'],
    ['MATCH_anyEPC=https://example.com/things/8', ''],
    [`MATCH_epcClass=${lotOf('L1')}`, 'counted'],
    ['MATCH_epcClass=https://id.gs1.org/01/09520123000110/10/L1', 'counted'],
    [`MATCH_epcClass=${lotOf('L2')}`, ''],
    [`MATCH_inputEPCClass=${lotOf('RAW', 12)}`, 'mixed'],
    [`MATCH_inputEPCClass=${lotOf('L2')}`, ''],
    [`MATCH_outputEPCClass=${lotOf('L2')}`, 'mixed'],
    [`MATCH_outputEPCClass=${lotOf('RAW', 12)}`, ''],
    [`MATCH_anyEPCClass=${lotOf('RAW', 12)}|${lotOf('L2')}`, 'counted mixed'],
    ['EQ_quantity=3|7', 'counted stocked'],
    ['EQ_quantity=1.5', ''],
    ['EQ_quantity_KGM=1.5', 'mixed'],
    ['GT_quantity=3', 'mixed stocked'],
    ['GE_quantity=3', 'counted mixed stocked'],
    ['LT_quantity=7', 'counted'],
    ['LE_quantity=7', 'counted stocked'],
    ['LE_quantity=2.99', ''],
    ['GT_quantity_GRM=199', 'counted'],
    ['GE_quantity_GRM=201', ''],
    ['LT_quantity_KGM=2', 'mixed'],
    ['LE_quantity_LTR=2', ''],
    ['GE_quantity=4&LE_quantity=50', 'stocked'],
    [`EQ_eventID=${id(1)}`, 'packed'],
    [`EQ_eventID=${id(2)}|${id(1)}|${id(3)}`, 'packed shipped voided'],
    [`EQ_eventID=${id(3)}`, ''],
    ['EXISTS_errorDeclaration=true', 'voided'],
    ['EXISTS_errorDeclaration=false', all],
  ])('%s finds: %s (Q-2, Q-7)', async (search, names) => {
    expect((await ask(search)).join(' ')).toBe(names);
  });

  it('counts every lot of a list by itself, though the index adds up what an event says of one lot', async () => {
    const twice = await memoryStore();
    await twice.capture([observeLot(0, [quantityOf(lotOf('L1'), 2), quantityOf(lotOf('L1'), 3, 'KGM')])]);
    const of = async (search: string) =>
      await countEvents(new SqliteDb(twice.db), parseUrlQuery(new URLSearchParams(search)).query, { through: 0, limit: 1 });
    expect([await of('EQ_quantity=2'), await of('EQ_quantity_KGM=3'), await of('EQ_quantity=5'), await of('EQ_quantity_KGM=5')]).toEqual([
      1, 1, 0, 0,
    ]);
    await twice.close();
  });

  it('finds an event that has no id of its own by its hash (C-3)', async () => {
    const [row] = store.rows<{ hash: Uint8Array }>('SELECT hash FROM event WHERE seq = 0');
    const byHash = `ni:///sha-256;${Buffer.from(row?.hash ?? []).toString('hex')}?ver=CBV2.0`;
    expect(await ask(`EQ_eventID=${encodeURIComponent(byHash)}`)).toEqual(['made']);
    const [packed] = store.rows<{ hash: Uint8Array }>('SELECT hash FROM event WHERE seq = 1');
    const other = `ni:///sha-256;${Buffer.from(packed?.hash ?? []).toString('hex')}?ver=CBV2.0`;
    expect(await ask(`EQ_eventID=${encodeURIComponent(other)}`)).toEqual([]);
  });

  it('holds together with the others (Q-1)', async () => {
    expect(
      await ask(`MATCH_anyEPC=${palletOf(1)}&EQ_action=OBSERVE&EQ_bizStep=shipping|receiving&LT_eventTime=2026-03-01T08:15:00Z`),
    ).toEqual(['shipped', 'voided']);
    expect(await ask(`EQ_bizStep=packing&EQ_disposition=active`)).toEqual([]);
  });

  it('leaves events that were declared erroneous in the answer (C-1)', async () => {
    expect(await ask('EQ_bizStep=shipping')).toEqual(['shipped', 'voided']);
  });

  it('is there for every parameter of the grammar', () => {
    expect(Object.keys(conditions)).toEqual(Object.keys(GRAMMAR));
  });

  it('takes more values than a statement has parameters', async () => {
    const many = Array.from({ length: 40_000 }, (_, i) => packOf(1_000_000 + i));
    const query = parseQueryBody({
      MATCH_epc: [...many, packOf(1)],
      EQ_eventID: [...many.map((_, i) => id(1_000_000 + i)), id(1)],
      EQ_bizLocation: [...many.map((_, i) => `https://example.com/places/${i}`), siteOf(MAKER)],
    });
    const found = await findEvents(db, query, { after: null, through: await lastEvent(db), limit: 10 });
    expect(found.map(({ seq }) => NAMES[seq])).toEqual(['packed']);
  });
});

describe('a pattern', () => {
  it.each([
    ['MATCH_epc=urn:epc:idpat:sgtin:9520123.000011.*', 'linked made packed weighed'],
    ['MATCH_epc=urn:epc:idpat:sgtin:9520123.*.*', 'linked made opened packed pallet weighed'],
    ['MATCH_epc=urn:epc:idpat:sgtin:*.*.*', 'linked made opened packed pallet weighed'],
    ['MATCH_epc=urn:epc:idpat:sgtin:9520123.000011.P4', 'made packed weighed'],
    ['MATCH_epc=urn:epc:idpat:sgtin:9520123.000012.*', ''],
    ['MATCH_epc=urn:epc:idpat:sgtin:9520124.*.*', ''],
    ['MATCH_anyEPC=urn:epc:idpat:sgtin:9520123.100011.*', 'opened packed pallet'],
    ['MATCH_inputEPC=urn:epc:idpat:sgtin:9520123.*.*', 'mixed'],
    ['MATCH_epc=urn:epc:idpat:sscc:9520123.*', 'linked ordered received shipped voided'],
    ['MATCH_epc=urn:epc:idpat:sscc:*.*', 'linked ordered received shipped voided'],
    ['MATCH_epc=urn:epc:idpat:sscc:9520124.*', ''],
    ['MATCH_anyEPC=urn:epc:idpat:grai:9520123.*.*', 'built'],
    ['MATCH_anyEPC=urn:epc:idpat:grai:*.*.*', 'built'],
    ['MATCH_epc=urn:epc:idpat:giai:9520123.*', 'built'],
    ['MATCH_epc=urn:epc:idpat:giai:9520124.*', ''],
    ['MATCH_epc=urn:epc:idpat:gid:*.*.*', ''],
    [`MATCH_anyEPC=urn:epc:idpat:giai:*.*|${packOf(10)}`, 'built mixed'],
  ])('%s finds: %s (Q-15, Q-19)', async (search, names) => {
    expect((await ask(search)).join(' ')).toBe(names);
  });

  it.each([
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:9520123.000011.*', 'stocked'],
    ['MATCH_anyEPCClass=https://id.gs1.org/01/09520123000110', 'stocked'],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:9520123.*.*', 'stocked'],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:9520124.*.*', 'stocked'],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:*.*.*', 'stocked'],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:9520124.000011.*', ''],
    ['MATCH_anyEPCClass=urn:epc:idpat:sgtin:9520123.000011.400', ''],
    ['MATCH_anyEPCClass=urn:epc:idpat:grai:*.*.*', ''],
    ['MATCH_anyEPCClass=urn:epc:class:lgtin:9520123.000011.*', 'counted mixed'],
    ['MATCH_epcClass=urn:epc:class:lgtin:9520123.000011.*', 'counted'],
    ['MATCH_epcClass=urn:epc:class:lgtin:9520123.000013.*', ''],
    ['MATCH_anyEPCClass=urn:epc:class:lgtin:9520123.*.*', 'counted mixed'],
    ['MATCH_anyEPCClass=urn:epc:class:lgtin:9520125.*.*', ''],
    ['MATCH_anyEPCClass=urn:epc:class:lgtin:*.*.*', 'counted mixed'],
  ])('%s finds: %s (Q-16, Q-18)', async (search, names) => {
    expect((await ask(search)).join(' ')).toBe(names);
  });

  it('is one of as many as a question holds: more of them are told to be too many', async () => {
    const patterns = Array.from({ length: 300 }, (_, i) => `urn:epc:idpat:sscc:9520${100 + i}.*`).join('|');
    await expect(ask(`MATCH_epc=${patterns}`)).rejects.toMatchObject({ code: 'QRY-COMPLEX' });
  });

  it('keeps serials and classes apart (Q-20)', async () => {
    expect(await ask('MATCH_epcClass=urn:epc:idpat:sgtin:9520123.100011.*')).toEqual([]);
    expect(await ask('MATCH_epc=urn:epc:idpat:sgtin:9520123.000012.*')).toEqual([]);
  });

  it('fixes the length of the company prefix where URNs have told it, and goes by the digits where not (Q-19)', async () => {
    const other = await memoryStore();
    const of = async (pattern: string) =>
      await countEvents(new SqliteDb(other.db), parseUrlQuery(new URLSearchParams(`MATCH_epc=${pattern}`)).query, { through: 9, limit: 9 });
    await other.capture([observe(0, ['https://id.gs1.org/01/09520123000110/21/A', 'https://id.gs1.org/00/095201230000000189'])]);
    const prefixes = ['952012', '9520123', '95201230'];
    const counts = async (scheme: string, stars: string) =>
      await Promise.all(prefixes.map((prefix) => of(`urn:epc:idpat:${scheme}:${prefix}.${stars}`)));
    expect(await counts('sgtin', '*.*')).toEqual([1, 1, 1]);
    expect(await counts('sscc', '*')).toEqual([1, 1, 1]);
    await other.capture([observe(1, ['urn:epc:id:sgtin:9520123.000011.B', 'urn:epc:id:sscc:9520123.0000000099'])]);
    expect(await counts('sgtin', '*.*')).toEqual([0, 2, 0]);
    expect(await counts('sscc', '*')).toEqual([0, 2, 0]);
    await other.close();
  });

  it.each([
    [
      'urn:epc:id:upui:9520123.000011.T1',
      ['upui:9520123.000011.*', 'upui:9520123.*.*', 'upui:*.*.*'],
      ['sgtin:9520123.*.*', 'upui:9520123.000012.*'],
    ],
    [
      'urn:epc:id:itip:9520123.000011.01.02.S1',
      ['itip:9520123.000011.01.02.*', 'itip:9520123.000011.01.*.*', 'itip:9520123.000011.*.*.*', 'itip:9520123.*.*.*.*', 'itip:*.*.*.*.*'],
      ['itip:9520123.000011.02.*.*'],
    ],
    [
      'urn:epc:id:gdti:9520123.00001.D1',
      ['gdti:9520123.00001.*', 'gdti:9520123.*.*', 'gdti:*.*.*'],
      ['gdti:9520123.00002.*', 'sgcn:*.*.*'],
    ],
    ['urn:epc:id:sgcn:9520123.00001.17', ['sgcn:9520123.00001.*', 'sgcn:9520123.*.*'], ['sgcn:9520124.*.*']],
    ['urn:epc:id:cpi:9520123.PART-7.17', ['cpi:9520123.PART-7.*', 'cpi:9520123.*.*', 'cpi:*.*.*'], ['cpi:9520123.PART-8.*']],
    ['urn:epc:id:gsrn:9520123.0000000001', ['gsrn:9520123.*', 'gsrn:*.*'], ['gsrnp:*.*']],
    ['urn:epc:id:gsrnp:9520123.0000000001', ['gsrnp:9520123.*'], ['gsrn:*.*']],
    ['urn:epc:id:ginc:9520123.CONS1', ['ginc:9520123.*', 'ginc:*.*'], ['ginc:9520124.*']],
    ['urn:epc:id:gsin:9520123.000000001', ['gsin:9520123.*'], ['gsin:9520124.*']],
    ['urn:epc:id:gid:95.7.1', ['gid:95.7.*', 'gid:95.*.*', 'gid:*.*.*', 'gid:95.7.1'], ['gid:9.*.*', 'gid:95.70.*']],
    ['urn:epc:id:adi:2S194.12345%2F7.S1', ['adi:2S194.12345%2F7.*', 'adi:2S194.*.*'], ['adi:2S195.*.*']],
    ['urn:epc:id:usdod:2S194.12345', ['usdod:2S194.*', 'usdod:*.*'], ['usdod:2S195.*']],
    ['urn:epc:id:imovn:9176187', ['imovn:*'], ['bic:*']],
  ])('of the scheme of %s fits it', async (epc, fitting, others) => {
    const one = await memoryStore();
    const of = async (pattern: string) =>
      await countEvents(new SqliteDb(one.db), parseUrlQuery(new URLSearchParams({ MATCH_epc: `urn:epc:idpat:${pattern}` })).query, {
        through: 0,
        limit: 1,
      });
    expect((await one.capture([observe(0, [epc])])).errors).toEqual([]);
    for (const pattern of fitting) expect([pattern, await of(pattern)]).toEqual([pattern, 1]);
    for (const pattern of others) expect([pattern, await of(pattern)]).toEqual([pattern, 0]);
    await one.close();
  });

  it('of locations fits those with an extension and those without', async () => {
    const one = await memoryStore();
    await one.capture([
      associate(0, siteOf(1), sensorOf(1)),
      associate(1, siteOf(1, 'dock'), sensorOf(2)),
      associate(2, siteOf(2), sensorOf(3)),
    ]);
    const of = async (pattern: string) =>
      await countEvents(
        new SqliteDb(one.db),
        parseUrlQuery(new URLSearchParams({ MATCH_parentID: `urn:epc:idpat:sgln:${pattern}` })).query,
        { through: 2, limit: 3 },
      );
    expect([await of('9520123.00001.*'), await of('9520123.00001.dock'), await of('9520123.*.*'), await of('*.*.*')]).toEqual([2, 1, 3, 3]);
    await one.close();
  });
});

describe('the order of an answer', () => {
  it('is that of recording when none is asked for (Q-11)', async () => {
    const { query } = parseUrlQuery(new URLSearchParams());
    const found = await findEvents(db, query, { after: null, through: await lastEvent(db), limit: 100 });
    expect(found.map(({ seq }) => NAMES[seq])).toEqual(NAMES);
  });

  it.each([
    ['orderBy=eventTime&orderDirection=ASC', 'made packed pallet shipped voided received opened weighed'],
    ['orderBy=eventTime', 'linked ordered built stocked counted tested mixed weighed'],
    ['orderBy=recordTime', 'voided tested linked ordered built stocked counted mixed'],
    ['orderBy=recordTime&orderDirection=ASC', 'made packed pallet shipped received opened weighed mixed'],
  ])('is %s', async (search, names) => {
    expect((await ask(search)).slice(0, 8).join(' ')).toBe(names);
  });

  it('tells apart times that differ below the millisecond (V-11)', async () => {
    const fine = await memoryStore();
    const times = ['08:00:00.0012Z', '08:00:00.001Z', '08:00:00.00119Z', '08:00:00.002Z', '09:00:00.00115+01:00'];
    await fine.capture(times.map((at, i) => ({ ...observe(0, packOf(i)), eventTime: `2026-03-01T${at}` })));
    for (const few of [10_000, 0]) {
      const { query } = parseUrlQuery(new URLSearchParams('orderBy=eventTime&orderDirection=ASC'));
      const plan = await planEvents(new SqliteDb(fine.db), query, { after: null, through: 9, limit: 9, few });
      expect((await new SqliteDb(fine.db).all<EventPosition>(plan as NonNullable<typeof plan>)).map(({ seq }) => seq)).toEqual([
        1, 4, 2, 0, 3,
      ]);
    }
    await fine.close();
  });
});

describe('the plan of a query', () => {
  const dialect = new SQLiteSyncDialect();
  /** The steps of SQLite's plan, those of one line each. */
  async function planOf(search: string, few: number, after: EventPosition | null = null): Promise<string[]> {
    const { query } = parseUrlQuery(new URLSearchParams(search));
    const plan = await planEvents(db, query, { after, through: await lastEvent(db), limit: 31, few });
    const { sql, params } = dialect.sqlToQuery(plan as NonNullable<typeof plan>);
    return store.rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...params).map(({ detail }) => detail);
  }
  const afterSecond = { seq: 1, time: START, below: '' };

  it.each([
    [`EQ_eventID=${id(1)}`, 'USING COVERING INDEX event_event_id'],
    [`MATCH_anyEPC=${packOf(1)}`, 'SEARCH ei USING PRIMARY KEY (item=?)'],
    [`MATCH_anyEPCClass=${lotOf('L1')}`, 'SEARCH el USING PRIMARY KEY (lot=?)'],
    ['MATCH_epc=urn:epc:idpat:sscc:9520123.*', 'SEARCH name USING PRIMARY KEY (recent=? AND class=? AND serial>? AND serial<?)'],
    ['EQ_bizStep=packing', 'USING COVERING INDEX event_biz_step'],
    ['EQ_disposition=active', 'USING COVERING INDEX event_disposition'],
    [`EQ_readPoint=${siteOf(MAKER, 'dock')}`, 'USING COVERING INDEX event_read_point'],
    [`EQ_bizLocation=${siteOf(MAKER)}`, 'USING COVERING INDEX event_biz_location'],
    ['GE_eventTime=2026-03-01T08:05:00Z&LT_eventTime=2026-03-01T08:10:00Z', 'USING INDEX event_time (time>? AND time<?)'],
    ['EQ_ILMD_cbvmda:lotNumber=L1', 'SEARCH v USING PRIMARY KEY (field=? AND key=?)'],
    ['GE_http://ns.example.com/epcis/grade=0', 'SEARCH v USING PRIMARY KEY (field=? AND key>? AND key<?)'],
    ['EXISTS_http://ns.example.com/epcis/result=true', 'SEARCH v USING PRIMARY KEY (field=?)'],
    ['EQ_source_owning_party=https://id.gs1.org/417/9520123000011', 'SEARCH v USING PRIMARY KEY (field=? AND key=?)'],
    ['EQ_type=Temperature&GE_value_CEL=8', 'SEARCH o USING COVERING INDEX event_field_event (seq=? AND field=? AND key>? AND key<?)'],
  ])('looks up few events of %s by an index', async (search, step) => {
    const steps = await planOf(search, 10_000);
    expect(steps.join('\n')).toContain(step);
    expect(steps.filter((line) => /^SCAN (e|i|ei|el|v|o)\b/.test(line))).toEqual([]);
  });

  it.each([
    ['EQ_bizStep=packing', 'SEARCH e USING INDEX event_biz_step (biz_step=? AND rowid>? AND rowid<?)'],
    ['EQ_bizStep=packing|shipping', 'MERGE (UNION ALL)'],
    ['GE_recordTime=2026-03-03T08:00:00Z', 'SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['orderBy=recordTime&EQ_action=ADD', 'SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['MATCH_epc=urn:epc:idpat:sgtin:9520123.*.*', 'SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['EQ_ILMD_cbvmda:lotNumber=L1', 'SEARCH v USING PRIMARY KEY (field=? AND key=? AND seq>? AND seq<?)'],
    ['EQ_ILMD_cbvmda:lotNumber=L1|L2&EQ_action=ADD', 'MERGE (UNION ALL)'],
    [
      'GE_http://ns.example.com/epcis/grade=0',
      'SEARCH v EXISTS USING COVERING INDEX event_field_event (seq=? AND field=? AND key>? AND key<?)',
    ],
  ])('reads many events of %s in order, without sorting, from any page on', async (search, step) => {
    for (const after of [null, afterSecond]) {
      const steps = await planOf(search, 0, after);
      expect(steps.join('\n')).toContain(step);
      // What is sorted inside a condition is the numbers of one event.
      expect(steps.filter((line) => line.startsWith('USE TEMP B-TREE')).length).toBe(
        steps.filter((line) => line.startsWith('SCAN json_each') && search.includes('idpat')).length,
      );
    }
  });

  it.each([
    'orderBy=eventTime',
    'orderBy=eventTime&orderDirection=ASC',
    'orderBy=eventTime&EQ_bizStep=shipping&GE_recordTime=2026-03-03T08:00:00Z',
  ])('reads many events for %s along the index of eventTime, sorting only those of one millisecond', async (search) => {
    for (const after of [null, afterSecond]) {
      const steps = await planOf(search, 0, after);
      expect(steps.join('\n')).toMatch(/(SCAN|SEARCH) e USING INDEX event_time/);
      expect(steps.filter((line) => line.startsWith('USE TEMP B-TREE'))).toEqual(['USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY']);
    }
  });
});
