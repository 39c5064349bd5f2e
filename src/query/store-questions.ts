import { LotlineError } from '../errors.ts';
import { tooComplex } from '../store/complexity.ts';
import type { Db } from '../store/db.ts';
import { isCanceled, isPostgresFault, isTooComplex, PostgresPool, type PostgresStore } from '../store/postgres/open.ts';
import { openForReading, SqliteDb } from '../store/sqlite/open.ts';

/** Where a store lies, as it can be told to a thread: the file of an embedded one, or a database. */
export type StorePlace = { readonly file: string } | { readonly store: PostgresStore };

/** Runs questions on a store, each in one read transaction. */
export type StoreQuestions = {
  ask<T>(work: (db: Db) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** An embedded store has one connection, on which questions take turns; a database has several. `runMs` bounds what a database may take for a statement. */
export function openQuestions(place: StorePlace, limits: { connections: number; runMs: number }): StoreQuestions {
  return 'file' in place ? embeddedQuestions(place.file) : postgresQuestions(place.store, limits);
}

function embeddedQuestions(file: string): StoreQuestions {
  const db = new SqliteDb(openForReading(file));
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ask: (work) => {
      const mine = turn.then(() => db.snapshot(() => work(db)));
      turn = mine.catch(() => {});
      return mine;
    },
    close: async () => {
      await turn;
      db.connection.close();
    },
  };
}

function postgresQuestions(store: PostgresStore, { connections, runMs }: { connections: number; runMs: number }): StoreQuestions {
  const pool = new PostgresPool(store, { application: 'lotline questions', connections, statementTimeoutMs: runMs });
  return {
    ask: async (work) => {
      try {
        return await pool.ask(work);
      } catch (error) {
        throw told(error, runMs);
      }
    },
    close: () => pool.close(),
  };
}

function told(error: unknown, runMs: number): unknown {
  if (isTooComplex(error)) return tooComplex(error);
  if (!isPostgresFault(error)) return error;
  if (isCanceled(error))
    return new LotlineError('QRY-COMPLEX', `the request takes more than ${runMs / 1000} s`, {
      fix: 'Ask for less: a thing or lot further down, fewer values, a smaller page, a shorter time.',
      cause: error,
    });
  return new LotlineError('REQ-BUSY', 'the database cannot be reached now', { fix: 'Ask again in a little while.', cause: error });
}
