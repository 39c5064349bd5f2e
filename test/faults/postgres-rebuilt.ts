import { type RebuildReport, rebuild } from '../../src/moving/rebuild.ts';
import { connect, hangUp, PostgresDb, type PostgresStore } from '../../src/store/postgres/open.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, SqliteDb } from '../../src/store/sqlite/open.ts';

/** Makes everything derived anew from the entries of a PostgreSQL store, in memory and on the other engine, and compares. */
export async function rebuiltFrom(store: PostgresStore): Promise<RebuildReport> {
  const client = await connect(store, { application: 'rebuild', statementTimeoutMs: 0 });
  const fresh = openForWriting(':memory:', { cacheMegabytes: 16 });
  try {
    const db = new PostgresDb(client);
    return await db.snapshot(() => rebuild(db, { journal: new SqliteJournal(fresh), db: new SqliteDb(fresh) }));
  } finally {
    fresh.close();
    await hangUp(client);
  }
}
