import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { PgDialect } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { LotlineError } from '../../errors.ts';
import type { Db, JournalDb } from '../db.ts';
import { postgresForm } from '../sql.ts';
import { prepared } from './statements.ts';

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
  /** 0: a statement may take as long as it likes. */
  readonly statementTimeoutMs: number;
  readonly more?: Readonly<Record<string, string | number>>;
};

/**
 * Joins happen in the order in which they are written, and nothing is compiled: our statements are many and short. A peer that is gone
 * is found out within half a minute by the server, whether it waits for us (keepalives) or for us to have read something (tcp_user_timeout); and by us
 * at the latest when a statement should have ended long ago, see `socketOf`.
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
    tcp_user_timeout: 30_000,
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
    stream: () => socketOf(session.statementTimeoutMs),
  };
}

/** How long a connection may take to come up. */
const CONNECT_MS = 10_000;
/** How long a connection that is being closed may take for its goodbyes. */
const GOODBYE_MS = 2_000;
/** How long the closing of a pool waits for statements that run. */
const POOL_CLOSE_MS = 5_000;
/** So much later than a statement has to end, we stop waiting for the server to say so. */
const SILENCE_MS = 10_000;

/** A network that swallows everything says nothing to either side: what has been silent for longer than any statement may take is given up. */
function socketOf(statementTimeoutMs: number): Socket {
  const socket = new Socket();
  if (statementTimeoutMs > 0)
    socket.setTimeout(statementTimeoutMs + SILENCE_MS, () => {
      socket.destroy(Object.assign(new Error('the database has been silent for too long'), { code: 'ETIMEDOUT' }));
    });
  return socket;
}

/**
 * What each session is told first. What is answered to have been kept must be kept: so a commit waits for its sync, whatever the database is set to,
 * unless the session was opened not to. And a statement whose asker has gone is stopped, where the server can notice that.
 */
const FIRST_WORDS = `SELECT set_config(name, CASE name WHEN 'synchronous_commit' THEN 'on' ELSE '2s' END, false) FROM pg_settings
  WHERE (name = 'synchronous_commit' AND setting = 'off' AND source <> 'client')
  OR (name = 'client_connection_check_interval' AND version() ILIKE '%linux%')`;

/** A process that is stopped amid its start (its machine sleeps, say) holds up the start of others no longer than this: the server ends its session. */
export const ENDED_WHEN_STOPPED = { idle_session_timeout: 90_000, idle_in_transaction_session_timeout: 90_000 } as const;
/** Guards the making of a schema: several processes may start at once. The number is ours for good. */
const MIGRATION_LOCK = 0x6c6f746c;

/** Connects, and fails with words that an operator can do something with. The password in the URL is never told. */
export async function connect(store: PostgresStore, session: Session): Promise<pg.Client> {
  const where = whereIs(store);
  const client = new pg.Client(sessionOf(store, session));
  // A connection that breaks while nothing is asked would else end the program; whoever asks next is told.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(FIRST_WORDS);
  } catch (cause) {
    await hangUp(client);
    const { message, code } = cause as { message: string; code?: string };
    throw new LotlineError('CFG-VALUE', `The database ${where} cannot be reached (${message || code})`, {
      at: 'LOTLINE_DATABASE_URL',
      fix: 'Start the server, or mend the URL: postgres://user:password@host:5432/database.',
      cause,
    });
  }
  return client;
}

/** Ends a connection, whatever state it is in: a server that does not take its leave is left. */
export async function hangUp(client: pg.ClientBase): Promise<void> {
  await Promise.race([(client as pg.Client).end().catch(() => {}), pause(GOODBYE_MS, undefined, { ref: false })]);
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** A store's place as it may be shown: without user and password. */
export function whereIs(store: PostgresStore): string {
  if (!URL.canParse(store.url))
    throw new LotlineError('CFG-VALUE', 'LOTLINE_DATABASE_URL is no URL', {
      at: 'LOTLINE_DATABASE_URL',
      fix: 'Write it as postgres://user:password@host:5432/database, with each of / # ? @ : % in the password percent-encoded.',
    });
  const { host, pathname } = new URL(store.url);
  return `${host || 'on this machine'}${pathname}, schema ${store.schema ?? SCHEMA}`;
}

/** Makes the schema or brings it up to date. Safe to be done by several processes at once. */
export async function migratePostgres(store: PostgresStore): Promise<void> {
  const client = await connect(store, {
    application: 'lotline migration',
    statementTimeoutMs: 0,
    more: { client_min_messages: 'warning', ...ENDED_WHEN_STOPPED },
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
    await hangUp(client);
  }
}

/**
 * What the session of a reader is set to, besides what every session of ours is. A question looks rows up by an index, as SQLite would, also where the
 * server has no statistics yet or believes in disks that turn, so one plan of it serves for all values; sorting a million packs into groups fits into
 * memory.
 */
export const READER_SESSION = {
  enable_seqscan: 'off',
  random_page_cost: 1.1,
  work_mem: '32MB',
  plan_cache_mode: 'force_generic_plan',
} as const;

const dialect = new PgDialect();

/** `Db` on one connection. One question at a time: an answer is one read transaction. */
export class PostgresDb implements JournalDb {
  readonly client: pg.ClientBase;

  constructor(client: pg.ClientBase) {
    this.client = client;
  }

  async all<Row>(query: SQL): Promise<Row[]> {
    const { sql: text, params } = dialect.sqlToQuery(postgresForm(query));
    if (params.flat().some((value) => typeof value === 'string' && value.includes('\0'))) throw noSuchText();
    return (await this.client.query({ ...prepared(text), values: params })).rows as Row[];
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

/** No text of a store holds U+0000: names with it are refused (identifiers/name.ts), and the server takes none. */
function noSuchText(): LotlineError {
  return new LotlineError('ID-CHARSET', 'a text that is asked for holds the character U+0000', { fix: 'Leave it out.' });
}

/** Connections for questions: each answer has one to itself, from one state of the store. */
export class PostgresPool {
  private readonly pool: pg.Pool;
  private readonly clients = new Set<pg.ClientBase>();

  constructor(store: PostgresStore, options: { application: string; connections: number; statementTimeoutMs: number }) {
    const { application, statementTimeoutMs } = options;
    this.pool = new pg.Pool({
      ...sessionOf(store, { application, statementTimeoutMs, more: READER_SESSION }),
      max: options.connections,
      idleTimeoutMillis: 30_000,
      // The pool waits for what this answers, though its types do not say so.
      onConnect: (client) => client.query(FIRST_WORDS) as unknown as undefined,
    });
    this.pool.on('connect', (client) => this.clients.add(client));
    this.pool.on('remove', (client) => this.clients.delete(client));
    this.pool.on('error', () => {}); // an idle connection that breaks is replaced by the next that is needed
  }

  /** Runs `work` on a connection of its own, in one read transaction. */
  async ask<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return await this.lend(async (client) => {
      const db = new PostgresDb(client);
      return await db.snapshot(() => work(db));
    });
  }

  /** Runs `work` on a connection of its own; one that broke meanwhile is not used again. REQ-BUSY when there is none to be had. */
  async lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((cause: unknown) => {
      throw new LotlineError('REQ-BUSY', 'the database cannot be reached now', { fix: 'Ask again in a little while.', cause });
    });
    let broken: Error | undefined;
    const note = (error: Error) => {
      broken = error;
    };
    client.on('error', note);
    try {
      return await work(client);
    } catch (error) {
      // What a connection has prepared is of no use on other tables.
      if (isLost(error) || isSchemaFault(error)) broken = error as Error;
      throw error;
    } finally {
      client.off('error', note);
      client.release(broken);
    }
  }

  /** Waits a little for what is being answered. */
  async close(): Promise<void> {
    await Promise.race([this.pool.end(), pause(POOL_CLOSE_MS, undefined, { ref: false })]);
    await Promise.all([...this.clients].map(hangUp));
  }
}

/** The connection is of no more use: the server ended it, or the network did. */
export function isLost(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code !== 'string' || /^(08|57P|E[A-Z]+$)/.test(code);
}

/** The server gave up a statement: it took longer than it may, or somebody asked for that. */
/** A statement that is more than the server takes (class 54): too long, too deep, too many arguments. */
export const isTooComplex = (error: unknown): boolean => String((error as { code?: unknown }).code).startsWith('54');

export const isCanceled = (error: unknown): boolean => (error as { code?: unknown }).code === '57014';

/**
 * The database's fault and not the program's, and it may pass: gone, full, out of something, too slow, in the way of another. By SQLSTATE, by the
 * system's name for what became of the connection, or, where pg gives neither, by pg's words.
 */
export function isPostgresFault(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code === 'string') return /^(08|53|55P03|57|58|40|25P|25006|XX00[12])/.test(code) || /^E(?!RR_)[A-Z_]+$/.test(code);
  return /Connection terminated|Client (has encountered a connection error|was closed)|timeout (exceeded )?when trying to connect/i.test(
    message ?? '',
  );
}

/**
 * Nor can a document be blamed for tables that are not as they were when the session began, or that it may not use: somebody restores, upgrades or
 * takes a right away.
 */
export function isSchemaFault(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(0A000|26000|28|3D000|3F000|42501|42P01|42703)/.test(code);
}
