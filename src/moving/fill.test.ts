import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commission, packs } from '../../test/support/events.ts';
import { captureHardHistory } from '../../test/support/hard-history.ts';
import { freshDatabase, type TestDatabase } from '../../test/support/postgres.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import type { NewStore } from '../store/new-store.ts';
import { PostgresNewStore } from '../store/postgres/new-store.ts';
import { SqliteNewStore } from '../store/sqlite/new-store.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { fill } from './fill.ts';
import { compareStores } from './rebuild.ts';
import { StoredTruth } from './stored-truth.ts';
import type { Truth } from './truth.ts';

const folder = mkdtempSync(join(tmpdir(), 'lotline-fill-'));
let old: TestStore;
let truth: StoredTruth;
let database: TestDatabase;
let number = 0;

beforeAll(async () => {
  let now = Date.now();
  old = await memoryStore({ clock: () => now++ });
  await captureHardHistory(old);
  truth = await StoredTruth.open(new SqliteDb(old.db));
  database = await freshDatabase();
});
afterAll(async () => {
  await old.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

type Opening = () => Promise<NewStore>;
const places: Record<string, () => Opening> = {
  'a folder': () => {
    const name = `${number++}.db`;
    return async () => new SqliteNewStore(folder, name);
  },
  'a database': () => {
    const schema = `filled_${number++}`;
    return async () => await PostgresNewStore.open({ url: database.url }, schema, { alone: false });
  },
};

/** The truth, until it has told so much. */
const cut = (whole: Truth, after: { records?: number; carried?: number }): Truth => ({
  size: whole.size,
  checkpoint: whole.checkpoint,
  rootAt: async (size) => await whole.rootAt(size),
  records: (from) => first(whole.records(from), after.records),
  carried: () => first(whole.carried(), after.carried),
});

async function* first<T>(of: AsyncIterable<T>, count = Number.POSITIVE_INFINITY): AsyncGenerator<T> {
  for await (const one of of) {
    if (count-- <= 0) throw new Error('cut off');
    yield one;
  }
}

async function filling(open: Opening, from: Truth): Promise<void> {
  const store = await open();
  try {
    await fill(from, store, []);
  } finally {
    await store.close();
  }
}

async function differences(open: Opening, from = old): Promise<unknown[]> {
  const store = await open();
  try {
    return (await compareStores(new SqliteDb(from.db), store.db)).tables.flatMap((table) => table.differences);
  } finally {
    await store.close();
  }
}

describe.each(Object.keys(places))('filling a store in %s', (place) => {
  const newPlace = places[place] as () => Opening;

  it('goes on where it was cut off, amid documents, records and what no entry tells', { timeout: 120_000 }, async () => {
    const open = newPlace();
    for (const after of [{ records: 0 }, { records: 3 }, { records: 4 }, { records: 11 }, { carried: 0 }, { carried: 5 }, { carried: 20 }])
      await expect(filling(open, cut(truth, after))).rejects.toThrow('cut off');
    await filling(open, truth);
    await filling(open, truth);
    expect(await differences(open)).toEqual([]);
  });

  it('goes on with a log that has grown since', async () => {
    const open = newPlace();
    const growing = await memoryStore();
    await captureHardHistory(growing);
    await filling(open, await StoredTruth.open(new SqliteDb(growing.db)));
    await growing.capture([commission(500, packs(1, 3)), commission(501, packs(50, 52))], { behaviour: 'proceed' });
    await growing.capture([commission(501, packs(50, 52))]);
    await filling(open, await StoredTruth.open(new SqliteDb(growing.db)));
    expect(await differences(open, growing)).toEqual([]);
    await growing.close();
  });

  it('refuses to go on with another log, and with one that is shorter than what is there', async () => {
    const open = newPlace();
    await filling(open, truth);
    const stranger = await memoryStore();
    await expect(filling(open, await StoredTruth.open(new SqliteDb(stranger.db)))).rejects.toMatchObject({ code: 'MOVE-TARGET' });
    for (let n = 0; n < 30; n++) await stranger.capture([commission(n, packs(n + 1, n + 1))]);
    await expect(filling(open, await StoredTruth.open(new SqliteDb(stranger.db)))).rejects.toMatchObject({ code: 'MOVE-TARGET' });
    await stranger.close();
  });

  it('makes an empty store of an empty one', async () => {
    const empty = await memoryStore();
    const open = newPlace();
    await filling(open, await StoredTruth.open(new SqliteDb(empty.db)));
    expect(await differences(open, empty)).toEqual([]);
    await empty.close();
  });

  it('refuses a truth whose newest checkpoint is not among its own', async () => {
    const other = { ...cut(truth, {}), checkpoint: 'lotline.example/test\n21\nAAAA\n\n— x y\n' };
    await expect(filling(newPlace(), other)).rejects.toMatchObject({ code: 'LOG-REPLAY' });
  });
});
