import { join, resolve } from 'node:path';
import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { connect, PostgresDb, type PostgresStore, whereIs } from '../store/postgres/open.ts';
import { expectSchema } from '../store/schema-version.ts';
import type { Engine } from '../store/sql.ts';
import { JOURNAL_FILE, openForReading, SqliteDb } from '../store/sqlite/open.ts';

/** The options by which a command finds a store. */
export const DATA_FLAG = ['--data <folder>', 'The data folder. Also LOTLINE_DATA. Default: ./lotline-data.'] as const;
export const DATABASE_FLAG = [
  '--database-url <url>',
  'The PostgreSQL database, in place of a data folder. Also LOTLINE_DATABASE_URL.',
] as const;

export type StoreFlags = { data?: string; databaseUrl?: string };

export const dataFolder = (flags: { data?: string }): string => flags.data ?? process.env['LOTLINE_DATA'] ?? './lotline-data';

/** Where a store is: in a data folder, or in a database. */
export type Place = { readonly folder: string } | { readonly database: PostgresStore };

/** A flag goes before the environment, and there a database before a folder, as for `serve`. */
export function placeOf(flags: StoreFlags): Place {
  const url = flags.databaseUrl ?? (flags.data === undefined ? process.env['LOTLINE_DATABASE_URL'] : undefined);
  return url === undefined || url === '' ? { folder: dataFolder(flags) } : { database: { url } };
}

/** A place as it may be shown. */
export const nameOf = (place: Place): string => ('folder' in place ? resolve(place.folder) : whereIs(place.database));

/** A store in place, beside a running server or without one. */
export type OpenStore = { readonly db: Db; readonly engine: Engine; close(): Promise<void> };

export async function openStore(place: Place): Promise<OpenStore> {
  if ('folder' in place) {
    const connection = openForReading(join(place.folder, JOURNAL_FILE));
    return { db: new SqliteDb(connection), engine: 'sqlite', close: async () => void connection.close() };
  }
  const client = await connect(place.database, { application: 'lotline', statementTimeoutMs: 0 });
  const db = new PostgresDb(client);
  const [there] = await db.all<{ entry: string | null }>(sql`SELECT to_regclass('entry')::text AS entry`);
  if (there?.entry == null) {
    await client.end();
    throw new LotlineError('CFG-VALUE', `There is no store in ${nameOf(place)}`, {
      fix: 'Name the database with --database-url, or start the service once to make the store.',
    });
  }
  return { db, engine: 'postgres', close: async () => await client.end() };
}

/** Asks a store and sees one state of it. */
export async function withStore<T>(place: Place, ask: (db: Db) => Promise<T>): Promise<T> {
  const store = await openStore(place);
  try {
    await expectSchema(store.db, store.engine);
    return await store.db.snapshot(() => ask(store.db));
  } finally {
    await store.close();
  }
}
