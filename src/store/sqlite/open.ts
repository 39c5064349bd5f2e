import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { LotlineError } from '../../errors.ts';
import { tooComplex } from '../complexity.ts';
import type { JournalDb } from '../db.ts';
import { noticeDamage } from './damage.ts';

export type SqliteConnection = Database.Database;

/** Names of the files of an embedded store, all in one folder. */
export const JOURNAL_FILE = 'journal.db';
export const INTAKE_FILE = 'intake.db';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * Opens the journal for writing and brings its schema up to date. WAL with `synchronous=FULL`: what is committed survives a loss of power.
 * One process, one writer: the capture thread.
 */
export function openForWriting(file: string, options: { migrations?: string; cacheMegabytes?: number } = {}): SqliteConnection {
  mkdirSync(dirname(file), { recursive: true });
  const db = connect(file, {}, [
    'page_size = 8192',
    'journal_mode = WAL',
    'synchronous = FULL',
    `cache_size = -${(options.cacheMegabytes ?? 128) * 1024}`,
    'wal_autocheckpoint = 4000',
    'temp_store = MEMORY',
  ]);
  try {
    migrate(drizzle(db), { migrationsFolder: join(here, options.migrations ?? 'migrations') });
  } catch (cause) {
    db.close();
    throw new LotlineError('CFG-VALUE', `The store ${file} could not be brought to this version's schema`, {
      fix: 'Restore the folder from a backup, or open it with the version that wrote it.',
      cause,
    });
  }
  return db;
}

/** Opens the journal for questions only. */
export function openForReading(file: string, options: { cacheMegabytes?: number } = {}): SqliteConnection {
  if (!existsSync(file)) {
    throw new LotlineError('CFG-VALUE', `There is no store at ${file}`, {
      fix: 'Name the data folder with --data, or start the service once to make it.',
    });
  }
  return connect(file, { readonly: true }, [
    'query_only = ON',
    `cache_size = -${(options.cacheMegabytes ?? 64) * 1024}`,
    'mmap_size = 1073741824',
    'temp_store = MEMORY',
  ]);
}

function connect(file: string, options: Database.Options, pragmas: readonly string[]): SqliteConnection {
  const db = new Database(file, options);
  try {
    noticeDamage(file, () => {
      for (const pragma of pragmas) db.pragma(pragma);
    });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

const dialect = new SQLiteSyncDialect();

/** `Db` on one connection; statements are prepared once a text. */
export class SqliteDb implements JournalDb {
  private readonly statements = new Map<string, Database.Statement>();
  readonly connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.connection = connection;
  }

  async all<Row>(query: SQL): Promise<Row[]> {
    return noticeDamage(this.connection.name, () => {
      const { statement, params } = this.prepare(query);
      return statement.all(...params) as Row[];
    });
  }

  async run(change: SQL): Promise<void> {
    const { statement, params } = this.prepare(change);
    statement.run(...params);
  }

  private prepare(query: SQL): { statement: Database.Statement; params: unknown[] } {
    const { sql, params } = dialect.sqlToQuery(query);
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.compile(sql);
      if (this.statements.size >= STATEMENTS_MAX) this.statements.clear();
      this.statements.set(sql, statement);
    }
    return { statement, params };
  }

  /** What a caller asks becomes text of a statement, which SQLite bounds. */
  private compile(sql: string): Database.Statement {
    try {
      return this.connection.prepare(sql);
    } catch (error) {
      if (!TOO_COMPLEX.test((error as Error).message)) throw error;
      throw tooComplex(error);
    }
  }

  async snapshot<T>(work: () => Promise<T>): Promise<T> {
    this.connection.exec('BEGIN');
    try {
      return await work();
    } finally {
      this.end();
    }
  }

  /** Where the file is damaged, COMMIT may fail; what was read is none the worse for it, and the connection must be free for the next question. */
  private end(): void {
    try {
      if (!this.connection.readonly) noticeDamage(this.connection.name, () => this.connection.exec('COMMIT'));
    } finally {
      if (this.connection.inTransaction) this.connection.exec('ROLLBACK');
    }
  }
}

const TOO_COMPLEX = /^(?:Expression tree is too large|too many terms in compound SELECT|too many SQL variables|parser stack overflow)/;

/** Query texts vary with the parameters that a caller names; beyond this many the cache starts anew. */
const STATEMENTS_MAX = 500;
