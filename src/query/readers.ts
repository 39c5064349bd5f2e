import { type PoolLimits, ThreadPool } from '../capture/thread-pool.ts';
import { besideThis } from '../capture/threads.ts';
import { openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { type QuestionName, type Questions, questions } from './questions.ts';

/** Aborts when nobody waits for the answer any more: the client has gone. */
export type Wanted = { readonly signal?: AbortSignal };
type Args<Name extends QuestionName> = Parameters<Questions[Name]>[1];
type Answer<Name extends QuestionName> = Awaited<ReturnType<Questions[Name]>>;

/**
 * Answers questions about the store, each from one state of it. Answers are plain JSON values. Long questions are bounded: REQ-BUSY when too
 * many wait, QRY-COMPLEX when one takes too long or too much memory.
 */
export interface Readers {
  /** A keyed look-up: answered on this thread, in well under a millisecond or so. */
  look<Name extends QuestionName>(name: Name, args: Args<Name>): Promise<Answer<Name>>;
  /** A long question: answered in a thread of its own, so that look-ups and captures never wait for it. */
  ask<Name extends QuestionName>(name: Name, args: Args<Name>, wanted?: Wanted): Promise<Answer<Name>>;
  /** The same, its answer written as JSON (UTF-8) where it was found: a large one would hold up this thread. Null is null. */
  askJson<Name extends QuestionName>(name: Name, args: Args<Name>, wanted?: Wanted): Promise<Uint8Array | null>;
  /** What waits, and what had to be refused. */
  readonly figures: QuestionFigures;
  close(): Promise<void>;
}

export type QuestionFigures = { readonly waiting: number; readonly refused: number; readonly overruns: number };
export type ReaderRequest = { name: QuestionName; args: unknown; asJson: boolean };

/**
 * Two threads, so that one long question leaves room for short ones; some hundred may wait, for as long as a person does. Nothing that is asked
 * of a healthy store takes 30 s, nor a gigabyte of objects.
 */
export const QUESTION_LIMITS: PoolLimits = { threads: 2, waiting: 200, waitMs: 10_000, runMs: 30_000, heapMegabytes: 1_024 };

/** Readers of an embedded store: one connection here, and threads with one each. */
export class EmbeddedReaders implements Readers {
  private readonly db: SqliteDb;
  private readonly threads: ThreadPool;
  /** Look-ups take turns: each is one read transaction on the one connection. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(file: string, limits: Partial<PoolLimits> = {}) {
    this.db = new SqliteDb(openForReading(file));
    this.threads = new ThreadPool(besideThis('reader-thread', import.meta.url), { file }, { ...QUESTION_LIMITS, ...limits });
  }

  look<Name extends QuestionName>(name: Name, args: Args<Name>): Promise<Answer<Name>> {
    const question = questions[name] as unknown as (db: SqliteDb, args: unknown) => Promise<Answer<Name>>;
    const mine = this.turn.then(() => this.db.snapshot(() => question(this.db, args)));
    this.turn = mine.catch(() => {});
    return mine;
  }

  async ask<Name extends QuestionName>(name: Name, args: Args<Name>, wanted: Wanted = {}): Promise<Answer<Name>> {
    return await this.threads.ask<Answer<Name>>({ name, args, asJson: false } satisfies ReaderRequest, wanted);
  }

  async askJson<Name extends QuestionName>(name: Name, args: Args<Name>, wanted: Wanted = {}): Promise<Uint8Array | null> {
    return await this.threads.ask<Uint8Array | null>({ name, args, asJson: true } satisfies ReaderRequest, wanted);
  }

  get figures(): QuestionFigures {
    return this.threads;
  }

  async close(): Promise<void> {
    await this.turn;
    await this.threads.close();
    this.db.connection.close();
  }
}
