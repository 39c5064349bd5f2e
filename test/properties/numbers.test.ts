import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carryOut } from '../../src/capture/commands.ts';
import { LotlineError } from '../../src/errors.ts';
import { fill } from '../../src/moving/fill.ts';
import { compareStores } from '../../src/moving/rebuild.ts';
import { StoredTruth } from '../../src/moving/stored-truth.ts';
import { pool as poolQuestion } from '../../src/numbers/index.ts';
import { PostgresNewStore } from '../../src/store/postgres/new-store.ts';
import { SqliteDb } from '../../src/store/sqlite/open.ts';
import { commission } from '../support/events.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { rebuilt } from '../support/rebuilt.ts';
import { memoryStore, type TestStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 1_800_000 : 300_000;
const options = (few: number) => ({ numRuns: LONG ? few * 20 : few });

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const GTIN = '09520123000110';
const SPACE = 32_768; // 'AB' at 15: three may be out at a time, so limits, collisions and refusals all come about
const POOLS = ['own-1', 'own-2', 'outside', 'ssccs'] as const;

const deed = fc.oneof(
  fc.record({ do: fc.constant('grant' as const), pool: fc.constantFrom(...POOLS), quantity: fc.integer({ min: 1, max: 3 }), key: fc.option(fc.constantFrom('a', 'b')) }),
  fc.record({ do: fc.constant('return' as const), pool: fc.constantFrom(...POOLS), pick: fc.array(fc.nat(50), { minLength: 1, maxLength: 3 }), purged: fc.boolean() }),
  fc.record({ do: fc.constant('import' as const), numbers: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 }) }),
  fc.record({ do: fc.constant('commission' as const), pick: fc.nat(50), guess: fc.boolean() }),
); // biome-ignore format: one a line
const life = fc.array(deed, { minLength: 5, maxLength: 40 });
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

const word = (n: number) => n.toString(2).padStart(15, '0').replaceAll('0', 'A').replaceAll('1', 'B');
/** What a test believes of the numbers of the GTIN. */
type Belief = { granted: string[]; returned: Set<string>; invalid: Set<string>; inUse: Set<string>; imported: Set<string> };

/** Lives through deeds; after each, no number has been given out twice and the counts are what they must be. */
async function live(deeds: Life): Promise<TestStore> {
  const store = await memoryStore();
  const belief: Belief = { granted: [], returned: new Set(), invalid: new Set(), inUse: new Set(), imported: new Set() };
  let n = 0;
  const make = async (id: string, of: { gtin: string } | { sscc: string }, length: number, alphabet: string) =>
    await carryOut(store.capturer, { kind: 'make-pool', id, of, length, alphabet, site: null }, 'tester');
  await make('own-1', { gtin: GTIN }, 15, 'AB');
  await make('own-2', { gtin: GTIN }, 15, 'AB');
  await make('outside', { gtin: GTIN }, 15, 'AB');
  await make('ssccs', { sscc: '0952012300000' }, 4, '0123456789');
  const ssccs: string[] = [];
  for (const one of deeds) {
    n++;
    try {
      if (one.do === 'grant') {
        const before = store.rows<{ seq: number }>('SELECT coalesce(max(seq), -1) AS seq FROM number_grant')[0]?.seq as number;
        const seed = n.toString(16).padStart(64, '0');
        await carryOut(
          store.capturer,
          { kind: 'grant-numbers', id: `g${n}`, pool: one.pool, quantity: one.quantity, requester: 'l', run: 'r', key: one.key, seed },
          'tester',
        );
        const fresh = store
          .rows<{ serial: string }>('SELECT serial FROM number WHERE grant_seq > ? ORDER BY position, serial', before)
          .map((row) => row.serial);
        // Nothing where the key was used before.
        if (fresh.length > 0) expect(fresh).toHaveLength(one.quantity);
        if (one.pool === 'ssccs') ssccs.push(...fresh);
        else {
          for (const serial of fresh) {
            expect(belief.granted).not.toContain(serial);
            expect(belief.inUse.has(serial)).toBe(false);
            if (one.pool === 'outside') expect(belief.imported.has(serial) || belief.imported.size === 0).toBe(true);
          }
          belief.granted.push(...fresh);
        }
      } else if (one.do === 'return') {
        const all = one.pool === 'ssccs' ? ssccs : belief.granted;
        const serials = [...new Set(one.pick.map((i) => all[i] ?? word(i)))];
        await carryOut(store.capturer, { kind: 'return-numbers', pool: one.pool, serials, purged: one.purged }, 'tester');
        if (one.pool !== 'ssccs')
          for (const serial of serials) {
            expect(belief.inUse.has(serial)).toBe(false);
            expect(belief.granted).toContain(serial);
            if (one.purged) expect(belief.invalid.has(serial)).toBe(false);
            belief[one.purged ? 'returned' : 'invalid'].add(serial);
            if (!one.purged) belief.returned.delete(serial);
          }
      } else if (one.do === 'import') {
        const numbers = one.numbers.map((i): [string, string | null] => [word(i), i % 2 === 0 ? `tail ${i}` : null]);
        await carryOut(store.capturer, { kind: 'import-numbers', pool: 'outside', numbers }, 'tester');
        for (const [serial] of numbers) belief.imported.add(serial);
      } else {
        const serial = one.guess ? word(one.pick) : (belief.granted[one.pick] ?? word(one.pick));
        await store.capture([commission(n, `urn:epc:id:sgtin:9520123.000011.${serial}`, { lot: 'L1', expiry: '2028-01-31' })]);
        belief.inUse.add(serial);
      }
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      expect(['SN-GUESSABLE', 'SN-STATE']).toContain(error.code);
    }
    await checkCounts(store, belief, ssccs);
  }
  return store;
}

async function checkCounts(store: TestStore, belief: Belief, ssccs: readonly string[]): Promise<void> {
  expect(new Set(belief.granted).size).toBe(belief.granted.length);
  expect([...ssccs].sort()).toEqual(ssccs);
  const db = new SqliteDb(store.db);
  const own = await poolQuestion(db, { id: 'own-1' });
  const issued = belief.granted.length - belief.returned.size;
  expect(own).toMatchObject({ issued, space: SPACE, guessChance: issued / SPACE });
  expect(issued * 10_000).toBeLessThan(SPACE);
  expect((own?.remaining as number) + issued).toBe(Math.floor((SPACE - 1) / 10_000));
  const states = store.rows<{ state: number; n: number }>(
    'SELECT state, count(*) AS n FROM number WHERE class = (SELECT class FROM pool WHERE id = ?) AND grant_seq IS NOT NULL GROUP BY state ORDER BY state',
    'own-1',
  );
  const count = (state: number) => states.find((row) => row.state === state)?.n ?? 0;
  expect([count(1), count(3)]).toEqual([belief.returned.size, belief.invalid.size]);
}

describe('whatever is granted, returned, imported and commissioned in whatever order (domain.md §4.1)', () => {
  it('no number is ever given out twice, the chance is issued ÷ space exactly, and a rebuild comes to the same rows', {
    timeout: TIMEOUT,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(life, async (deeds) => {
        const store = await live(deeds);
        try {
          const report = await rebuilt(store.db);
          expect(report.tables.flatMap((table) => table.differences)).toEqual([]);
          expect(report.equal).toBe(true);
        } finally {
          await store.close();
        }
      }),
      options(60),
    );
  });

  it('a store on PostgreSQL that is made from it has the same rows', { timeout: TIMEOUT }, async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(life, async (deeds) => {
        const store = await live(deeds);
        const old = new SqliteDb(store.db);
        const fresh = await PostgresNewStore.open({ url: database.url }, `moved_${number++}`, { alone: false });
        try {
          await fill(await StoredTruth.open(old), fresh, []);
          const { tables } = await compareStores(old, fresh.db);
          expect(tables.flatMap((table) => table.differences)).toEqual([]);
        } finally {
          await fresh.close();
          await store.close();
        }
      }),
      options(5),
    );
  });
});
