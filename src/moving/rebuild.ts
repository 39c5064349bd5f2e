import { LotlineError } from '../errors.ts';
import { compareTable, TABLES, type TableComparison, type TableName } from '../store/compare.ts';
import type { Db } from '../store/db.ts';
import { carryOver } from './carry-over.ts';
import { type Listener, type ReplayOptions, replay } from './replay.ts';
import { StoredTruth } from './stored-truth.ts';

/** Told by no entry, so taken over: nothing is learned from comparing them. */
const CARRIED: readonly TableName[] = [
  'checkpoint',
  'capture_job',
  'named_query',
  'subscription',
  'verification',
  'person_secret',
  'vault',
  'vault_salt',
  'vault_token',
  'vault_link',
  'vault_erasure',
  'meta',
];

export type RebuildReport = {
  /** Entries replayed. */
  readonly entries: number;
  readonly tables: readonly TableComparison[];
  readonly equal: boolean;
  /** What cannot be read of the old store, besides its entries: all of it is new, or gone where no entry tells it. */
  readonly unreadable: readonly string[];
};

/**
 * Makes every derived table anew from the entries of `old` in the empty store `fresh`, document by document, and compares table by table (design.md §4):
 * so it also shows that nothing depends on how captures were grouped. The one may be on another engine than the other. Ask it within a snapshot of `old`.
 */
export async function rebuild(old: Db, fresh: Listener, onProgress?: ReplayOptions['onProgress']): Promise<RebuildReport> {
  const truth = await StoredTruth.open(old);
  await replay(truth, fresh, { together: false, onProgress });
  // This is how a store is mended whose other tables are damaged: what can be read of them is enough.
  const unreadable: string[] = [];
  await carryOver(readable(truth.carriedParts(), unreadable), fresh);
  const tables: TableComparison[] = [];
  for (const name of TABLES.filter((table) => !CARRIED.includes(table))) {
    try {
      tables.push(await compareTable(old, fresh.db, name));
    } catch (error) {
      unreadable.push(`${name}: ${damageIn(error).message}`);
    }
  }
  return { entries: truth.size, tables, equal: unreadable.length === 0 && tables.every((table) => table.differing === 0), unreadable };
}

async function* readable<T>(parts: readonly AsyncIterable<T>[], unreadable: string[]): AsyncGenerator<T> {
  for (const part of parts) {
    try {
      yield* part;
    } catch (error) {
      unreadable.push(`jobs, findings and settings: ${damageIn(error).message}`);
    }
  }
}

/** That the file of a store is damaged; anything else is thrown on. */
function damageIn(error: unknown): LotlineError {
  if (error instanceof LotlineError && error.code === 'STORE-DAMAGED') return error;
  throw error;
}

/** Compares tables of two stores, row by row. */
export async function compareStores(
  first: Db,
  second: Db,
  names: readonly TableName[] = TABLES,
): Promise<Pick<RebuildReport, 'tables' | 'equal'>> {
  const tables: TableComparison[] = [];
  for (const name of names) tables.push(await compareTable(first, second, name));
  return { tables, equal: tables.every((table) => table.differing === 0) };
}
