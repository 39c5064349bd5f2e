import { type SQL, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseQueryBody } from '../../src/epcis/query/index.ts';
import type { AsOfArgs } from '../../src/lifecycle/as-of.ts';
import { findEvents, lastEvent } from '../../src/query/events-sql.ts';
import type { Db } from '../../src/store/db.ts';
import type { Engine } from '../../src/store/sql.ts';
import { e01, e01Key } from '../../src/worlds/index.ts';
import { everyAnswer, questionsOf } from '../support/questions.ts';
import { type AnyTestStore, ENGINES, storeOf } from '../support/test-store.ts';

/** Tables that grow with what is captured. */
const LARGE =
  'entry|event|event_item|event_lot|event_field|item|item_name|name|lot|containment|containment_past|lineage|finding|finding_thing|masterdata|term|class';

/** What the plan of a statement reads from end to end; what the statement itself made before (lists, groups) does not count. */
const scansOf: { [E in Engine]: (db: Db, query: SQL) => Promise<string[]> } = {
  async sqlite(db, query) {
    const plan = (await db.all<{ detail: string }>(sql`EXPLAIN QUERY PLAN ${query}`)).map((row) => row.detail);
    const own = new Set(plan.map((detail) => /^(?:CO-ROUTINE|MATERIALIZE) (\w+)/.exec(detail)?.[1]));
    // Statements call tables by a letter.
    const large = new RegExp(`^SCAN (${LARGE}|[a-z])$`);
    return plan.filter((detail) => large.test(detail) && !own.has(detail.slice('SCAN '.length)));
  },
  /** The store has no statistics, as one that was just filled: what is chosen here is not chosen because the tables are small. */
  async postgres(db, query) {
    const plan = (await db.all<{ 'QUERY PLAN': string }>(sql`EXPLAIN ${query}`)).map((row) => row['QUERY PLAN']);
    const scans = new RegExp(`(Seq|Index|Index Only|Bitmap Index) Scan.* on (${LARGE}|[a-z_]+_pkey)\\b`);
    const isScan = (line: string, next: string | undefined) =>
      scans.test(line) && (line.includes('Seq Scan') || next === undefined || !next.includes('Index Cond'));
    return plan.filter((line, i) => isScan(line, plan[i + 1])).map((line) => line.replace(/^[\s>-]+|\s+\(cost.*$/g, ''));
  },
};

const textOf = (query: SQL) =>
  query.queryChunks.map((chunk) => (chunk !== null && typeof chunk === 'object' && 'value' in chunk ? String(chunk.value) : '?')).join('');

/** A reader whose statements are looked at before they are asked. */
function watch(db: Db, engine: Engine): { watched: Db; scans: Set<string>; statements: () => number } {
  const scans = new Set<string>();
  let statements = 0;
  const watched: Db = {
    snapshot: (work) => db.snapshot(work),
    all: async <Row>(query: SQL) => {
      statements++;
      // The newest entry is the first of a scan that stops there.
      if (!textOf(query).endsWith('ORDER BY seq DESC LIMIT 1'))
        for (const scan of await scansOf[engine](db, query)) scans.add(`${scan}: ${textOf(query)}`);
      return await db.all<Row>(query);
    },
  };
  return { watched, scans, statements: () => statements };
}

describe.each(ENGINES)('every statement of genealogy on %s', (engine) => {
  const key = e01Key();
  let store: AnyTestStore;
  /** When the packs had reached the wholesaler, in the journal's time: the clock goes on a second a document. */
  let halfway: string;
  beforeAll(async () => {
    let now = Date.parse('2026-04-01T00:00:00Z');
    store = await storeOf(engine, { clock: () => now });
    for (const { name, text } of e01()) {
      now += 1_000;
      await store.capture(text);
      if (name.includes('receive-pallet-1')) halfway = new Date(now).toISOString();
    }
  });
  afterAll(() => store.close());

  it.each<[string, () => AsOfArgs]>([
    ['now', () => ({})],
    ['as of an event time', () => ({ at: '2026-03-23T12:00:00Z' })],
    ['as known then', () => ({ known: halfway })],
  ])('%s goes by an index: none reads a large table from end to end', async (_, t) => {
    const { watched, scans, statements } = watch(questionsOf(store), engine);
    for (const of of [key.lots.R1, key.pallets[0] as string, key.onePackAtPharmacy]) await everyAnswer(watched, of, t());
    expect([...scans]).toEqual([]);
    expect(statements()).toBeGreaterThan(100);
  });

  it.each([
    { 'EQ_ILMD_cbvmda:lotNumber': ['L1'] },
    { 'GE_ILMD_cbvmda:itemExpirationDate': 5 },
    { 'EXISTS_ILMD_cbvmda:lotNumber': true },
    { EQ_source_owning_party: ['urn:epc:id:pgln:9520123.00001'], GE_eventTime: '2026-01-01T00:00:00Z', orderBy: 'eventTime' },
    { EQ_type: ['Temperature'], GE_value_CEL: 8, EQ_deviceID: ['urn:epc:id:giai:9520123.sensor7'] },
    { GE_errorDeclarationTime: '2026-03-01T00:00:00Z' },
    { WD_bizLocation: ['urn:epc:id:sgln:9520123.00001.0'] },
    { orderBy: 'cbvmda:lotNumber', orderDirection: 'ASC' },
    { orderBy: 'cbvmda:lotNumber', EQ_bizStep: ['shipping'] },
  ])('answers %j along indexes, whether few events meet it or many (Q-1)', async (body) => {
    const { watched, scans, statements } = watch(questionsOf(store), engine);
    const through = await lastEvent(questionsOf(store));
    const lotNumber = 'ILMD_urn:epcglobal:cbv:mda#lotNumber';
    const { order, ...query } = parseQueryBody(body);
    for (const few of [10_000, 0]) {
      // No event of this world has an extension to order by: what its lots are called serves.
      const by = order?.by === 'extension' ? { ...order, field: lotNumber } : order;
      await findEvents(watched, { ...query, order: by }, { after: null, through, limit: 31, few });
    }
    expect([...scans]).toEqual([]);
    expect(statements()).toBeGreaterThan(1);
  });

  it('would be caught if it did not', async () => {
    expect(await scansOf[engine](questionsOf(store), sql`SELECT count(*) FROM item i WHERE i.status = ${7}`)).toHaveLength(1);
  });
});
