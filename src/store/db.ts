import type { SQL } from 'drizzle-orm';

/**
 * Runs a question. `sql` is written once, for both engines, through drizzle's template. Rows are plain objects; 64-bit integers that we
 * store stay below 2^53, so they come as numbers. All questions of one answer run inside one `snapshot`, so that they see one state.
 */
export interface Db {
  all<Row>(query: SQL): Promise<Row[]>;
  /** Runs `work` in one read transaction. Not nested. */
  snapshot<T>(work: () => Promise<T>): Promise<T>;
}

/** `Db` on the journal's own connection: it sees what the open transaction has done, and changes what no method of the journal writes. */
export interface JournalDb extends Db {
  run(change: SQL): Promise<void>;
}
