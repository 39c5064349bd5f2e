import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carryOut } from '../../src/capture/commands.ts';
import { formatKey } from '../../src/identifiers/index.ts';
import { signerKeyFromSeed, verifierKeyOf } from '../../src/ledger/index.ts';
import { exportStore } from '../../src/moving/export.ts';
import { ExportedTruth } from '../../src/moving/exported-truth.ts';
import { fill } from '../../src/moving/fill.ts';
import { compareStores } from '../../src/moving/rebuild.ts';
import { StoredTruth } from '../../src/moving/stored-truth.ts';
import type { Truth } from '../../src/moving/truth.ts';
import type { Db } from '../../src/store/db.ts';
import type { NewStore } from '../../src/store/new-store.ts';
import { PostgresNewStore } from '../../src/store/postgres/new-store.ts';
import { SqliteNewStore } from '../../src/store/sqlite/new-store.ts';
import { SqliteDb } from '../../src/store/sqlite/open.ts';
import { type Json, START } from '../support/events.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { everyAnswer } from '../support/questions.ts';
import { anyArrival, arrive, story, themes } from '../support/stories.ts';
import { memoryStore, type TestStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const options = (few: number) => ({ numRuns: LONG ? few * 20 : few });
const TIMEOUT = LONG ? 1_800_000 : 300_000;

// Test stores sign with this key.
const verifier = verifierKeyOf(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7)));
const folder = mkdtempSync(join(tmpdir(), 'lotline-moving-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** What people do besides capturing, each with a number to draw from. */
const deed = fc.tuple(fc.constantFrom('repeat', 'resolve', 'reopen', 'grant', 'end', 'broken', 'nothing'), fc.nat());
const life = fc.record({
  told: fc.oneof(...themes.map((theme) => story({ theme }))),
  arrival: anyArrival,
  rules: fc.constantFrom<'flag' | 'enforce'>('flag', 'enforce'),
  behaviour: fc.constantFrom<'rollback' | 'proceed'>('rollback', 'proceed'),
  deeds: fc.array(deed, { maxLength: 8 }),
  /** Whether groups are recorded at one moment. */
  stands: fc.boolean(),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

async function live({ told, arrival, rules, behaviour, deeds, stands }: Life): Promise<TestStore> {
  let now = START + 86_400_000;
  const store = await memoryStore({ rules, clock: () => now });
  const groups = arrive([...told.events, ...told.declarations], arrival);
  for (const [i, group] of groups.entries()) {
    await store.captureGroup(group, { behaviour });
    await act(store, deeds[i] ?? ['nothing', 0], group);
    if (!stands) now += 1 + i;
  }
  return store;
}

async function act(store: TestStore, [kind, n]: readonly [string, number], group: readonly (readonly Json[])[]): Promise<void> {
  const finding = store.findings()[n % Math.max(1, store.findings().length)];
  const id = `k_${n % 3}`;
  if (kind === 'repeat') await store.captureGroup(group, { behaviour: 'proceed' });
  else if (kind === 'broken') await store.capture([{ ...group[0]?.[0], action: 'PERHAPS' }, ...(group[0] ?? [])], { behaviour: 'proceed' });
  else if (kind === 'end') await carryOut(store.capturer, { kind: 'end-key', id }, 'system');
  else if (kind === 'grant' && store.rows('SELECT 1 FROM api_key WHERE id = ?', id).length === 0)
    await carryOut(store.capturer, { kind: 'grant-key', id, name: 'a line', roles: ['line'], hash: `0${n % 3}`.repeat(32) }, 'system');
  else if ((kind === 'resolve' || kind === 'reopen') && finding !== undefined) {
    const state = kind === 'resolve' ? 'closed' : 'open';
    await carryOut(store.capturer, { kind: 'resolve-finding', code: finding.code, seq: finding.seq, state, note: `${n}` }, id);
  }
}

async function exported(db: Db): Promise<ExportedTruth> {
  const chunks: Buffer[] = [];
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  await exportStore(db, out, { verifier, program: 'test' });
  const file = join(folder, 'export.ndjson');
  writeFileSync(file, Buffer.concat(chunks));
  return await ExportedTruth.open(file, { verifier });
}

async function mustAnswerAlike(first: Db, second: Db): Promise<void> {
  const { tables } = await compareStores(first, second);
  expect(tables.flatMap((table) => table.differences)).toEqual([]);
  const items = (first as SqliteDb).connection.prepare(
    'SELECT c.key AS class, i.serial FROM item i JOIN class c ON c.id = i.class LIMIT 3',
  );
  for (const item of items.all() as { class: string; serial: string }[]) {
    const key = formatKey(item);
    expect(await everyAnswer(second, key)).toEqual(await everyAnswer(first, key));
  }
}

async function move(truth: Truth, store: NewStore, old: Db): Promise<void> {
  try {
    await fill(truth, store, []);
    await mustAnswerAlike(old, store.db);
  } finally {
    await store.close();
  }
}

describe('whatever a store went through', () => {
  it('an export of it makes a store with the same log, the same rows and the same answers', { timeout: TIMEOUT }, async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(life, async (of) => {
        const store = await live(of);
        try {
          const old = new SqliteDb(store.db);
          await move(await exported(old), new SqliteNewStore(join(folder, `${number++}`), 'journal.db'), old);
        } finally {
          await store.close();
        }
      }),
      options(40),
    );
  });

  it('it is the same on PostgreSQL, from an export or from the store itself', { timeout: TIMEOUT }, async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(life, fc.boolean(), async (of, fromFile) => {
        const store = await live(of);
        try {
          const old = new SqliteDb(store.db);
          const fresh = await PostgresNewStore.open({ url: database.url }, `moved_${number++}`, { alone: false });
          await move(fromFile ? await exported(old) : await StoredTruth.open(old), fresh, old);
        } finally {
          await store.close();
        }
      }),
      options(6),
    );
  });
});
