import { join } from 'node:path';
import { JOURNAL_FILE, openForReading, SqliteDb } from '../store/sqlite/open.ts';

/** The option by which a command finds a store on this machine. */
export const DATA_FLAG = ['--data <folder>', 'The data folder. Also LOTLINE_DATA. Default: ./lotline-data.'] as const;

export const dataFolder = (flags: { data?: string }): string => flags.data ?? process.env['LOTLINE_DATA'] ?? './lotline-data';

/** Asks a store in place, beside a running server or without one; sees one state of it. */
export async function withStore<T>(folder: string, ask: (db: SqliteDb) => Promise<T>): Promise<T> {
  const connection = openForReading(join(folder, JOURNAL_FILE));
  try {
    const db = new SqliteDb(connection);
    return await db.snapshot(() => ask(db));
  } finally {
    connection.close();
  }
}
