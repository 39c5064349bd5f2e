import { type RebuildReport, rebuild } from '../../src/moving/rebuild.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, type SqliteConnection, SqliteDb } from '../../src/store/sqlite/open.ts';

/** Rebuilds an embedded store in memory, in one state of it whatever is captured meanwhile, and compares. */
export async function rebuilt(old: SqliteConnection): Promise<RebuildReport> {
  const fresh = openForWriting(':memory:', { cacheMegabytes: 16 });
  const db = new SqliteDb(old);
  try {
    return await db.snapshot(() => rebuild(db, { journal: new SqliteJournal(fresh), db: new SqliteDb(fresh) }));
  } finally {
    fresh.close();
  }
}
