import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseQueryBody } from '../../src/epcis/query/index.ts';
import { LotlineError } from '../../src/errors.ts';
import { formatKey, parseEpcClass, parseThing } from '../../src/identifiers/index.ts';
import { signerKeyFromSeed, verifierKeyOf } from '../../src/ledger/index.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import { FLAG } from '../../src/lifecycle/state.ts';
import { findEvents, lastEvent } from '../../src/query/events-sql.ts';
import { type QuestionName, questions } from '../../src/query/questions.ts';
import type { Db } from '../../src/store/db.ts';
import { SqliteDb } from '../../src/store/sqlite/open.ts';
import { e01, e01Key, world } from '../../src/worlds/index.ts';
import { type Ask, asking, type Matter, type Then } from '../support/asking.ts';
import { caseOf, eventID, lotOf, packOf, palletOf, START, sensorOf, timeAt } from '../support/events.ts';
import { openPostgresCopy } from '../support/postgres-copy.ts';
import { everyAnswer } from '../support/questions.ts';
import { ORDERS, searches } from '../support/searches.ts';
import { EXAMPLE, ODD, openSmallStore, RECORDED } from '../support/small-store.ts';
import { anyArrival, arrive, story } from '../support/stories.ts';
import { memoryStore, openTestStore, type TestStore } from '../support/test-store.ts';
import { takenDocuments } from '../support/worlds.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 3_600_000 : 120_000;

const copy = await openPostgresCopy();
afterAll(() => copy.close());

/** What comes of asking, an answer or an error: both engines must come to the same. */
async function outcomeOf<T>(ask: () => Promise<T>): Promise<{ answer: T } | { refused: unknown }> {
  try {
    return { answer: await ask() };
  } catch (error) {
    if (error instanceof LotlineError) return { refused: error.toProblem() };
    throw error;
  }
}

/** Asks both engines. Answers what they agree on. */
async function both<T>(store: TestStore, what: string, ask: (db: Db) => Promise<T>): Promise<T | undefined> {
  const here = new SqliteDb(store.db);
  const expected = await outcomeOf(() => here.snapshot(() => ask(here)));
  expect(await outcomeOf(() => copy.pool.ask(ask)), what).toEqual(expected);
  return 'answer' in expected ? expected.answer : undefined;
}

async function everyQuestion(store: TestStore, matter: Matter): Promise<number> {
  let asked = 0;
  const ask: Ask = async (name, args) => {
    asked++;
    const question = questions[name] as unknown as (db: Db, args: unknown) => Promise<never>;
    return await both(store, `${name} ${JSON.stringify(args)}`, (db) => question(db, args));
  };
  for (const name of Object.keys(asking) as QuestionName[]) await asking[name](ask, matter);
  return asked;
}

const keyOf = (epc: string) => formatKey(parseThing(epc));
const lotKeyOf = (urn: string) => formatKey(parseEpcClass(urn));
const entriesOf = (store: TestStore) => store.rows<{ n: number }>('SELECT count(*) AS n FROM entry')[0]?.n as number;
const idsOf = (store: TestStore) =>
  store
    .rows<{ id: string | null; hash: Uint8Array }>('SELECT event_id AS id, hash FROM event ORDER BY seq')
    .flatMap(({ id, hash }) => [...(id === null ? [] : [id]), `ni:///sha-256;${Buffer.from(hash).toString('hex')}?ver=CBV2.0`]);

/** What there is to ask about the small store, and what there is not. */
function matterOf(store: TestStore): Matter {
  const things = [
    ...[1, 2, 3, 4, 9, 10, 30, 99].map((n) => packOf(n)),
    caseOf(1),
    caseOf(2),
    palletOf(1),
    palletOf(2),
    sensorOf(7),
    ...ODD,
  ];
  const lots = [...['L1', 'L2', 'L3', 'L7'].map((lot) => lotOf(lot)), lotOf('RAW', 12)];
  const keys = [...things.map(keyOf), ...lots.map(lotKeyOf), '01/09520123000110', `https://example.com/${'x'.repeat(5_000)}`];
  const recorded = (minutes: number) => new Date(RECORDED + minutes * 60_000).toISOString();
  const times: Then[] = [
    { at: timeAt(5) },
    { at: '2026-03-01T09:00:00.00115Z' },
    { known: recorded(2.5) },
    { at: timeAt(16), known: recorded(6.5) },
    { at: '2000-01-01T00:00:00Z' },
    { known: '2000-01-01T00:00:00Z' },
    { at: 'yesterday' },
  ];
  const some = LONG ? keys : [packOf(4), caseOf(1), palletOf(1)].map(keyOf).concat(lotKeyOf(lotOf('L2')));
  return {
    keys,
    things: [...keys.map((of) => ({ of })), ...some.flatMap((of) => times.map((t) => ({ of, ...t })))],
    eventIDs: [...idsOf(store), eventID(99), `ni:///sha-256;${'00'.repeat(32)}?ver=CBV2.0`, "urn:x:'", '17'],
    entries: entriesOf(store),
  };
}

describe('a store with a little of everything', () => {
  let store: TestStore;
  let matter: Matter;
  beforeAll(async () => {
    store = await openSmallStore();
    matter = matterOf(store);
    await copy.take(store.db);
  });
  afterAll(() => store.close());

  it('answers every question alike on both engines, now, then, and where there is nothing to tell', { timeout: TIMEOUT }, async () => {
    expect(await everyQuestion(store, matter)).toBeGreaterThan(800);
  });

  const PAGE = 5;
  it('answers every parameter of the query language alike, in every order, on every road and page by page', {
    timeout: TIMEOUT,
  }, async () => {
    let found = 0;
    for (const search of searches()) {
      for (const order of LONG ? ORDERS : ORDERS.slice(0, 3)) {
        const query = parseQueryBody({ '@context': { ex: EXAMPLE }, ...search, ...order });
        for (const few of [10_000, 0]) {
          const seqs = await both(store, `${JSON.stringify(query)} ${few}`, async (db) => {
            const through = await lastEvent(db);
            const rows: number[] = [];
            for (let after = null; ; ) {
              const page: Awaited<ReturnType<typeof findEvents>> = await findEvents(db, query, { after, through, limit: PAGE, few });
              rows.push(...page.map(({ seq }) => seq));
              if (page.length < PAGE) return rows;
              after = page.at(-1) as (typeof page)[number];
            }
          });
          found += seqs?.length ?? 0;
        }
      }
    }
    expect(found).toBeGreaterThan(500);
  });

  it('finds the same log whole, entry by entry and document by document', async () => {
    const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
    const report = await both(store, 'the log', (db) => checkStoredLog(db, { verifiers: [verifierKeyOf(key)] }));
    expect(report).toMatchObject({ ok: true, size: entriesOf(store) });
  });
});

// ── Larger ones ──────────────────────────────────────────────────────────────────────────────

async function everyAnswerAgrees(store: TestStore, keys: readonly string[], times: readonly Then[]): Promise<void> {
  for (const of of keys) for (const t of times) await both(store, `${of} ${JSON.stringify(t)}`, (db) => everyAnswer(db, of, t));
}

/** Captures documents a second apart; answers the record time of the one in the middle. */
async function tell(store: TestStore, documents: Iterable<{ name: string; text: string }>, clock: { now: number }): Promise<string> {
  const taken = takenDocuments(documents);
  for (const document of taken) {
    clock.now += 1_000;
    await store.capturer.capture([document]);
  }
  return new Date(clock.now - 500 * taken.length).toISOString();
}

describe('a world', () => {
  it('of scenario E-01 answers everything about raw lot, lot, pallet, case and pack alike', { timeout: TIMEOUT }, async () => {
    const clock = { now: Date.parse('2026-04-01T00:00:00Z') };
    const store = await openTestStore({ clock: () => clock.now });
    const halfway = await tell(store, e01(), clock);
    await copy.take(store.db);
    const { lots, pallets, brokenCases, onePackAtPharmacy } = e01Key();
    const [pallet] = pallets as [string];
    const [broken] = brokenCases as [string];
    await everyAnswerAgrees(store, [lots.R1, broken, onePackAtPharmacy], [{}, { at: '2026-03-23T08:05:00Z' }, { known: halfway }]);
    await everyAnswerAgrees(store, [lots.L1, pallet], LONG ? [{}, { at: '2026-03-23T08:05:00Z' }, { known: halfway }] : [{}]);
    await store.close();
  });

  it('from a seed, with all that goes wrong in it, answers everything about its raw lots, lots and defects alike', {
    timeout: TIMEOUT,
  }, async () => {
    const clock = { now: Date.parse('2026-04-01T00:00:00Z') };
    const store = await openTestStore({ clock: () => clock.now });
    const { documents, key } = world({ seed: 11, size: LONG ? 'S' : SLICE_OF_S });
    await tell(store, documents, clock);
    await copy.take(store.db);
    const { rawLots, lots } = key();
    const flagged = store
      .rows<{ node: number }>('SELECT DISTINCT node FROM finding_thing WHERE node > 0 ORDER BY node')
      .map(({ node }) => node);
    const items = store.rows<{ id: number; class: string; serial: string }>(
      'SELECT i.id, c.key AS class, i.serial FROM item i JOIN class c ON c.id = i.class',
    );
    const parents = store.rows<{ id: number }>(`SELECT id FROM item WHERE flags & ${FLAG.parent}`).map(({ id }) => id);
    const wanted = new Set([...flagged.slice(0, LONG ? 200 : 5), ...parents.slice(0, LONG ? 200 : 5)]);
    const things = items.filter(({ id }) => wanted.has(id)).map(formatKey);
    expect(things.length).toBeGreaterThan(5);
    const keys = [...rawLots.slice(0, LONG ? 20 : 2), ...lots.slice(0, LONG ? 20 : 2)].map((lot) => lot.key);
    await everyAnswerAgrees(store, [...keys, ...things], [{}]);
    const [middle] = store.rows<{ time: number }>('SELECT time FROM event ORDER BY time LIMIT 1 OFFSET (SELECT count(*) / 2 FROM event)');
    await everyAnswerAgrees(store, keys.slice(0, LONG ? 40 : 1), [{ at: new Date(middle?.time as number).toISOString() }]);
    await store.close();
  });
});

/** A world of size S in small: one batch, and all of its defects. */
const SLICE_OF_S = {
  batches: 2,
  packsPerLot: [60, 90],
  packsPerBigLot: 150,
  perEvent: 20,
  perCase: 10,
  casesPerPallet: 4,
  packsPerDocument: 60,
  msPerPack: 3000,
  openedPerMille: 220,
  delivery: [4, 24],
} as const;

describe('a random story', () => {
  const things = [...[1, 2, 3, 4, 5, 6, 7].map((n) => packOf(n)), ...[1, 2, 3].map(caseOf), palletOf(1), palletOf(2)].map(keyOf);
  const lots = [lotOf('L1'), lotOf('L2'), lotOf('R1', 12), lotOf('R2', 12)].map(lotKeyOf);

  it('is answered alike on both engines, whatever came late, was voided or repeated', { timeout: TIMEOUT }, async () => {
    const minute = fc.integer({ min: 0, max: 10 });
    const ofStory = fc.subarray([...things, ...lots], { minLength: 3, maxLength: LONG ? 16 : 3 });
    await fc.assert(
      fc.asyncProperty(story({ max: 14 }), anyArrival, minute, ofStory, async ({ events, declarations }, arrival, at, keys) => {
        let now = START + 86_400_000;
        const store = await memoryStore({ clock: () => now });
        const groups = arrive([...events, ...declarations], arrival);
        for (const group of groups) {
          now += 1_000;
          await store.captureGroup(group);
        }
        await copy.take(store.db);
        const known = new Date(now - 500 * groups.length).toISOString();
        await everyAnswerAgrees(store, keys, [{}, { at: timeAt(at) }, { known }, { at: timeAt(at), known }]);
        await store.close();
      }),
      { numRuns: LONG ? 60 : 3 },
    );
  });
});
