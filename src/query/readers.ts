import { type PoolLimits, ThreadPool } from '../capture/thread-pool.ts';
import { besideThis } from '../capture/threads.ts';
import type { Db } from '../store/db.ts';
import { type QuestionName, type Questions, questions } from './questions.ts';
import { openQuestions, type StorePlace, type StoreQuestions } from './store-questions.ts';

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

/** Connections to a database for look-ups, and what one of them may take. */
const LOOKS = { connections: 8, runMs: 10_000 };

/** Readers of one store: look-ups here, long questions in threads with a connection each. */
export class StoreReaders implements Readers {
  private readonly looks: StoreQuestions;
  private readonly threads: ThreadPool;

  constructor(place: StorePlace, limits: Partial<PoolLimits> = {}) {
    const all = { ...QUESTION_LIMITS, ...limits };
    this.looks = openQuestions(place, LOOKS);
    this.threads = new ThreadPool(besideThis('reader-thread', import.meta.url), { place, runMs: all.runMs }, all);
  }

  look<Name extends QuestionName>(name: Name, args: Args<Name>): Promise<Answer<Name>> {
    const question = questions[name] as unknown as (db: Db, args: unknown) => Promise<Answer<Name>>;
    return this.looks.ask((db) => question(db, args));
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
    await this.looks.close();
    await this.threads.close();
  }
}
