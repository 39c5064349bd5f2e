import { compareTable, TABLES, type TableComparison, type TableName } from '../store/compare.ts';
import type { Db } from '../store/db.ts';
import { carryOver } from './carry-over.ts';
import { type Listener, type ReplayOptions, replay } from './replay.ts';
import { StoredTruth } from './stored-truth.ts';

/** Told by no entry, so taken over: nothing is learned from comparing them. */
const CARRIED: readonly TableName[] = ['checkpoint', 'capture_job', 'meta'];

export type RebuildReport = {
  /** Entries replayed. */
  readonly entries: number;
  readonly tables: readonly TableComparison[];
  readonly equal: boolean;
};

/**
 * Makes every derived table anew from the entries of `old` in the empty store `fresh`, document by document, and compares table by table (design.md §4):
 * so it also shows that nothing depends on how captures were grouped. The one may be on another engine than the other. Ask it within a snapshot of `old`.
 */
export async function rebuild(old: Db, fresh: Listener, onProgress?: ReplayOptions['onProgress']): Promise<RebuildReport> {
  const truth = await StoredTruth.open(old);
  await replay(truth, fresh, { together: false, onProgress });
  await carryOver(truth.carried(), fresh);
  return {
    entries: truth.size,
    ...(await compareStores(
      old,
      fresh.db,
      TABLES.filter((table) => !CARRIED.includes(table)),
    )),
  };
}

/** Compares tables of two stores, row by row. */
export async function compareStores(first: Db, second: Db, names: readonly TableName[] = TABLES): Promise<Omit<RebuildReport, 'entries'>> {
  const tables: TableComparison[] = [];
  for (const name of names) tables.push(await compareTable(first, second, name));
  return { tables, equal: tables.every((table) => table.differing === 0) };
}
