import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ERASURES_FILE, type Erased, eraseAgain, readErasures } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { fill } from '../moving/fill.ts';
import { compareStores } from '../moving/rebuild.ts';
import type { Truth } from '../moving/truth.ts';
import type { Db, JournalDb } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import type { NewStore, PendingDocument } from '../store/new-store.ts';
import { PostgresNewStore, refuseUsed } from '../store/postgres/new-store.ts';
import { SCHEMA } from '../store/postgres/open.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { SqliteNewStore } from '../store/sqlite/new-store.ts';
import { INTAKE_FILE, JOURNAL_FILE } from '../store/sqlite/open.ts';
import { dataFolder, type Place } from './store.ts';
import { count, startProgress } from './terminal.ts';

/** Under these names a store is filled until it is whole. */
export const MOVING_FILE = 'journal.moving.db';
const MOVING_SCHEMA = `${SCHEMA}_moving`;

export type Filling = {
  readonly truth: Truth;
  readonly pending: Iterable<PendingDocument>;
  /** What the bar is called. */
  readonly label: string;
  /** A store to compare every row with, before the new one is put in its place. */
  readonly compareWith?: Db | undefined;
  /** What was erased and may be in the truth again, because that is older. */
  readonly erasures?: readonly Erased[];
  /** Done to it, last, before it is put in its place. */
  readonly finish?: (db: JournalDb) => Promise<void>;
};

/** Takes a place that is empty for a new store, while `work` is done; nobody serves it meanwhile. */
export async function withEmptyPlace<T>(place: Place, work: () => Promise<T>): Promise<T> {
  if ('database' in place) {
    await refuseUsed(place.database);
    return await work();
  }
  const { folder } = place;
  const unlock = lockFolder(folder);
  try {
    // An intake beside a store that was filled and not put in its place belongs to that.
    const used =
      existsSync(join(folder, JOURNAL_FILE)) || (existsSync(join(folder, INTAKE_FILE)) && !existsSync(join(folder, MOVING_FILE)));
    if (used)
      throw new LotlineError('MOVE-TARGET', `The folder ${resolve(folder)} holds a store already`, {
        at: '--data',
        fix: 'Name a folder without one; to do without the store that is there, move its files away first.',
      });
    return await work();
  } finally {
    unlock();
  }
}

/** Fills a new store at an empty place, going on where an earlier try stopped, and puts it there when it is whole and proved. Answers how many documents wait. */
export async function fillPlace(place: Place, { truth, pending, label, compareWith, erasures = [], finish }: Filling): Promise<number> {
  const store: NewStore =
    'folder' in place ? new SqliteNewStore(place.folder, MOVING_FILE) : await PostgresNewStore.open(place.database, MOVING_SCHEMA);
  let open = true;
  try {
    const there = await store.journal.size();
    if (there > 0) console.error(`Going on after the ${count(there)} entries that an earlier try has filled in.`);
    const progress = startProgress(label, 'entries', truth.size);
    const begun = Date.now();
    let waiting: number;
    try {
      waiting = await fill(truth, store, pending, (done, total) => progress.to(done, total));
    } finally {
      progress.end();
    }
    const seconds = Math.max(1, Math.round((Date.now() - begun) / 1000));
    console.error(`${count(truth.size - there)} entries in ${count(seconds)} s; every leaf and the root are those of the log.`);
    if (compareWith !== undefined) await mustBeEqual(compareWith, store.db);
    await eraseIn(store.journal, erasures);
    await finish?.(store.db);
    open = false;
    await store.putInPlace();
    return waiting;
  } finally {
    if (open) await store.close();
  }
}

/** Erases again in a store that is not in its place yet. */
export async function eraseIn(journal: Journal, erasures: readonly Erased[]): Promise<void> {
  if (erasures.length === 0) return;
  await journal.begin();
  try {
    const again = await eraseAgain(journal, erasures);
    await journal.commit();
    if (again > 0) console.error(`${count(again)} of ${count(erasures.length)} erasures were made again: what they erased was in it.`);
  } catch (error) {
    await journal.rollback();
    throw error;
  }
}

/** The list of erasures that lies in a data folder, and the one that is named besides. */
export function erasuresOf(flags: { data?: string; erasures?: string }): Erased[] {
  const { erasures: file } = flags;
  if (file !== undefined && !existsSync(file))
    throw new LotlineError('CFG-VALUE', `The list of erasures ${resolve(file)} is not there`, {
      at: '--erasures',
      fix: `Name the ${ERASURES_FILE} of the store's data folder, or a copy of it.`,
    });
  return [...readErasures(join(dataFolder(flags), ERASURES_FILE)), ...(file === undefined ? [] : readErasures(file))];
}

async function mustBeEqual(first: Db, second: Db): Promise<void> {
  const { tables, equal } = await compareStores(first, second);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (equal) {
    console.error(`${count(rows)} rows of ${tables.length} tables are equal.`);
    return;
  }
  const [difference] = tables.flatMap((table) => table.differences);
  throw new LotlineError('LOG-REPLAY', `The tables are not equal: ${difference?.table} ${difference?.row} ${difference?.kind}`, {
    fix: 'Run `lotline rebuild` on the old store: it tells every row that does not follow from the entries.',
  });
}
