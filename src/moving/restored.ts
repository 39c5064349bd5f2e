import { sql } from 'drizzle-orm';
import { PASSING } from '../store/compare.ts';
import type { Db, JournalDb } from '../store/db.ts';

/** That a store was put back from a backup: when (ms), and the record time of its newest entry then (microseconds; 0 where it had none). */
export type Restored = { readonly at: number; readonly newest: number };

const NAME = 'restored';

/**
 * Leaves the mark in a store that is not in its place yet. A later restore replaces it. What was good for hours at most does not come back: a session
 * that was ended since, a signing token that was used.
 */
export async function markRestored(db: JournalDb, at: number): Promise<void> {
  const [row] = await db.all<{ newest: number }>(sql`SELECT coalesce(max(record_time), 0) AS newest FROM entry`);
  const mark: Restored = { at, newest: row?.newest ?? 0 };
  await db.run(
    sql`INSERT INTO meta (name, value) VALUES (${NAME}, ${JSON.stringify(mark)}) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  );
  for (const table of PASSING) await db.run(sql`DELETE FROM ${sql.identifier(table)}`);
}

/** Null for a store that never was put back. */
export async function restored(db: Db, _args: object = {}): Promise<Restored | null> {
  const [row] = await db.all<{ value: string }>(sql`SELECT value FROM meta WHERE name = ${NAME}`);
  return row === undefined ? null : (JSON.parse(row.value) as Restored);
}
