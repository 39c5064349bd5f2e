import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';
import type { Floor } from './floor.ts';
import { PostgresFloor } from './floor-postgres.ts';
import { SqliteFloor } from './floor-sqlite.ts';

/** Where a service that is measured keeps everything. */
export interface Store {
  /** Its data folder. */
  readonly folder: string;
  /** Settings that lead the service there. */
  readonly env: Record<string, string>;
  /** Sizes of the log above one size, in order: a checkpoint a transaction, so they tell how the service grouped. */
  checkpoints(above: number): Promise<number[]>;
  bytes(): Promise<number>;
}

/** An engine to be measured. What it gives goes when it closes. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres';
  /** Its version, and the settings of a server that matter most. */
  describe(): Promise<string>;
  openStore(): Promise<Store>;
  openFloor(): Promise<Floor>;
  close(): Promise<void>;
}

export class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  private readonly folders: string[] = [];

  async describe(): Promise<string> {
    const db = new Database(':memory:');
    const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    db.close();
    return `SQLite ${version}`;
  }

  async openStore(): Promise<Store> {
    const folder = dataFolder(this.folders);
    return {
      folder,
      env: {},
      checkpoints: async (above) => {
        const db = new Database(join(folder, 'journal.db'), { readonly: true });
        const rows = db.prepare('SELECT size FROM checkpoint WHERE size > ? ORDER BY size').all(above) as { size: number }[];
        db.close();
        return rows.map((row) => row.size);
      },
      bytes: async () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
    };
  }

  async openFloor(): Promise<Floor> {
    return new SqliteFloor();
  }

  async close(): Promise<void> {
    removeAll(this.folders);
  }
}

/** Databases of its own on a server that is there. */
export class PostgresEngine implements Engine {
  readonly name = 'postgres';
  private readonly server: string;
  private readonly folders: string[] = [];
  private readonly databases: string[] = [];

  constructor(server: string) {
    this.server = server;
  }

  async describe(): Promise<string> {
    const settings = ['server_version', 'shared_buffers', 'synchronous_commit', 'autovacuum'];
    const rows = await ask<{ text: string }>(
      this.server,
      `SELECT name || ' ' || current_setting(name) AS text FROM unnest($1::text[]) AS name`,
      [settings],
    );
    return `PostgreSQL ${rows.map((row) => row.text).join(', ')}`;
  }

  async openStore(): Promise<Store> {
    const url = await this.createDatabase('store');
    return {
      folder: dataFolder(this.folders),
      env: { LOTLINE_DATABASE_URL: url },
      checkpoints: async (above) =>
        (await ask<{ size: string }>(url, 'SELECT size FROM lotline.checkpoint WHERE size > $1 ORDER BY size', [above])).map((row) =>
          Number(row.size),
        ),
      bytes: async () => Number((await ask<{ n: string }>(url, 'SELECT pg_database_size(current_database()) AS n'))[0]?.n),
    };
  }

  async openFloor(): Promise<Floor> {
    return await PostgresFloor.open(await this.createDatabase('floor'));
  }

  async close(): Promise<void> {
    for (const database of this.databases) await ask(this.server, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    removeAll(this.folders);
  }

  private async createDatabase(what: string): Promise<string> {
    const database = `lotline_bench_${process.pid}_${what}_${this.databases.length}`;
    this.databases.push(database);
    await ask(this.server, `CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8'`);
    const url = new URL(this.server);
    url.pathname = `/${database}`;
    return url.href;
  }
}

async function ask<Row extends pg.QueryResultRow>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

function dataFolder(folders: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-bench-'));
  folders.push(folder);
  return folder;
}

function removeAll(folders: readonly string[]): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
