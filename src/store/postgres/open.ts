import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { PgDialect } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { LotlineError } from '../../errors.ts';
import type { Db } from '../db.ts';
import type { JournalDb } from '../new-store.ts';
import { postgresForm } from '../sql.ts';
import { inWrittenOrder } from './written-order.ts';

/** Where a store lies: a database, and a schema of its own in it. */
export type PostgresStore = { readonly url: string; readonly schema?: string };

/** The schema of a store that names none. */
export const SCHEMA = 'lotline';

const here = dirname(fileURLToPath(import.meta.url));
const { INT8, NUMERIC, BOOL } = pg.types.builtins;

/** Rows read as the embedded store gives them: 64-bit integers and sums as numbers (ours stay below 2^53), truth as 1 and 0. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: Number,
  [NUMERIC]: Number,
  [BOOL]: (text) => (text === 't' ? 1 : 0),
};
const types = {
  getTypeParser: ((id: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers[id]) || pg.types.getTypeParser(id, format as 'text')) as typeof pg.types.getTypeParser,
};

/** What a session does with what it is asked. Times in ms. */
type Session = {
  readonly application: string;
  readonly statementTimeoutMs: number;
  readonly more?: Readonly<Record<string, string | number>>;
};

/**
 * Joins happen in the order in which they are written (store/sql.ts), and nothing is compiled: our statements are many and short. Keepalives find a
 * peer that is gone within half a minute, on either side.
 */
export function sessionOf(store: PostgresStore, session: Session): pg.ClientConfig {
  const settings = {
    search_path: store.schema ?? SCHEMA,
    join_collapse_limit: 1,
    jit: 'off',
    timezone: 'UTC',
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
    statement_timeout: session.statementTimeoutMs,
    ...session.more,
  };
  return {
    connectionString: store.url,
    application_name: session.application,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types,
  };
}

/** How long a connection may take to come up. */
const CONNECT_MS = 10_000;
/** Guards the making of a schema: several processes may start at once. The number is ours for good. */
const MIGRATION_LOCK = 0x6c6f746c;

/** Connects, and fails with words that an operator can do something with. The password in the URL is never told. */
export async function connect(store: PostgresStore, session: Session): Promise<pg.Client> {
  const client = new pg.Client(sessionOf(store, session));
  // A connection that breaks while nothing is asked would else end the program; whoever asks next is told.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    throw new LotlineError('CFG-VALUE', `The database ${whereIs(store)} cannot be reached (${(cause as Error).message})`, {
      at: 'LOTLINE_DATABASE_URL',
      fix: 'Start the server, or mend the URL: postgres://user:password@host:5432/database.',
      cause,
    });
  }
  return client;
}

/** A store's place as it may be shown: without user and password. */
export function whereIs(store: PostgresStore): string {
  const { host, pathname } = new URL(store.url);
  return `${host || 'on this machine'}${pathname}, schema ${store.schema ?? SCHEMA}`;
}

/** Makes the schema or brings it up to date. Safe to be done by several processes at once. */
export async function migratePostgres(store: PostgresStore): Promise<void> {
  const client = await connect(store, {
    application: 'lotline migration',
    statementTimeoutMs: 0,
    more: { client_min_messages: 'warning' },
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
    if (rows[0]?.server_encoding !== 'UTF8')
      throw new LotlineError('CFG-VALUE', `The database ${whereIs(store)} does not keep its texts in UTF8`, {
        at: 'LOTLINE_DATABASE_URL',
        fix: "Make one that does: CREATE DATABASE lotline ENCODING 'UTF8' TEMPLATE template0.",
      });
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(store.schema ?? SCHEMA)}`);
    await migrate(drizzle(client), { migrationsFolder: join(here, 'migrations'), migrationsSchema: store.schema ?? SCHEMA });
  } catch (cause) {
    if (cause instanceof LotlineError) throw cause;
    throw new LotlineError('CFG-VALUE', `The store ${whereIs(store)} could not be brought to this version's schema`, {
      at: 'LOTLINE_DATABASE_URL',
      fix: 'Give the user the right to create a schema, restore the database from a backup, or open it with the version that wrote it.',
      cause,
    });
  } finally {
    await client.end();
  }
}

const dialect = new PgDialect();

/** `Db` on one connection. One question at a time: an answer is one read transaction. */
export class PostgresDb implements JournalDb {
  readonly client: pg.ClientBase;

  constructor(client: pg.ClientBase) {
    this.client = client;
  }

  async all<Row>(query: SQL): Promise<Row[]> {
    const { sql: text, params } = dialect.sqlToQuery(postgresForm(query));
    return (await this.client.query(inWrittenOrder(text), params)).rows as Row[];
  }

  async run(change: SQL): Promise<void> {
    await this.all(change);
  }

  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    await this.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const answer = await work();
      await this.client.query('COMMIT');
      return answer;
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  }
}

/** Connections for questions: each answer has one to itself, from one state of the store. */
export class PostgresPool {
  private readonly pool: pg.Pool;

  constructor(store: PostgresStore, options: { application: string; connections: number; statementTimeoutMs: number }) {
    const { application, statementTimeoutMs } = options;
    this.pool = new pg.Pool({
      ...sessionOf(store, { application, statementTimeoutMs }),
      max: options.connections,
      idleTimeoutMillis: 30_000,
    });
    this.pool.on('error', () => {}); // an idle connection that breaks is replaced by the next that is needed
  }

  /** Runs `work` on a connection of its own, in one read transaction. */
  async ask<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return await this.lend(async (client) => {
      const db = new PostgresDb(client);
      return await db.snapshot(() => work(db));
    });
  }

  /** Runs `work` on a connection of its own; one that broke meanwhile is not used again. */
  async lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    const note = (error: Error) => {
      broken = error;
    };
    client.on('error', note);
    try {
      return await work(client);
    } catch (error) {
      if (isLost(error)) broken = error as Error;
      throw error;
    } finally {
      client.off('error', note);
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** The connection is of no more use: the server ended it, or the network did. */
function isLost(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code !== 'string' || /^(08|57P|E[A-Z]+$)/.test(code);
}

/** The database's fault and not the program's, and it may pass: gone, full, out of something, too slow, in the way of another. */
export function isPostgresFault(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code === 'string') return /^(08|53|55P03|57|58|40|25P|25006|XX00[12]|E(CONN|PIPE|TIMEDOUT|HOST|NET|AI_)[A-Z]*)/.test(code);
  return /Connection terminated|Client has encountered a connection error|timeout (exceeded )?when trying to connect|Query read timeout/i.test(
    message ?? '',
  );
}
