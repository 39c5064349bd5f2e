import { getTableColumns } from 'drizzle-orm';
import pg from 'pg';
import { PostgresPool } from '../../src/store/postgres/open.ts';
import { tables } from '../../src/store/schema.ts';
import type { SqliteConnection } from '../../src/store/sqlite/open.ts';
import { freshDatabase } from './postgres.ts';

/** A PostgreSQL store that holds what an embedded one holds: whatever is asked of both must be answered alike. */
export type PostgresCopy = {
  readonly url: string;
  readonly pool: PostgresPool;
  /** Takes over every row of an embedded store in place of what was there. */
  take(from: SqliteConnection): Promise<void>;
  close(): Promise<void>;
};

export async function openPostgresCopy(): Promise<PostgresCopy> {
  const database = await freshDatabase({ migrated: true });
  const pool = new PostgresPool({ url: database.url }, { application: 'copy', connections: 1, statementTimeoutMs: 120_000 });
  return {
    url: database.url,
    pool,
    take: async (from) => await pool.lend(async (client) => await takeRows(from, client)),
    close: async () => {
      await pool.close();
      await database.drop();
    },
  };
}

/** Rows a statement. */
const SLICE = 5_000;

async function takeRows(from: SqliteConnection, client: pg.ClientBase): Promise<void> {
  const names = Object.keys(tables);
  await client.query('BEGIN');
  await client.query(`TRUNCATE ${names.join()}, item_name`);
  for (const [name, table] of Object.entries(tables)) {
    const columns = Object.keys(getTableColumns(table)).map(pg.escapeIdentifier).join();
    const put = async (rows: readonly unknown[]) =>
      await client.query(`INSERT INTO ${name} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${name}, $1)`, [
        JSON.stringify(rows),
      ]);
    let rows: unknown[] = [];
    for (const row of from.prepare(`SELECT * FROM ${name}`).iterate() as Iterable<Record<string, unknown>>) {
      rows.push(Object.fromEntries(Object.entries(row).map(([column, value]) => [column, bytesAsHex(value)])));
      if (rows.length < SLICE) continue;
      await put(rows);
      rows = [];
    }
    if (rows.length > 0) await put(rows);
  }
  await client.query('INSERT INTO item_name (id, class, serial) SELECT id, class, serial FROM item');
  await client.query('COMMIT');
}

const bytesAsHex = (value: unknown): unknown => (value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value);
