import type { Worker } from 'node:worker_threads';
import { besideThis, startThread } from '../capture/embedded.ts';
import { LotlineError, type Problem } from '../errors.ts';
import { openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { type QuestionName, type Questions, questions } from './questions.ts';

/** Answers questions about the store, each from one state of it. Answers are plain JSON values. */
export interface Readers {
  /** A keyed look-up: answered on this thread, in well under a millisecond or so. */
  look<Name extends QuestionName>(name: Name, args: Parameters<Questions[Name]>[1]): Promise<Awaited<ReturnType<Questions[Name]>>>;
  /** A long question: answered in a thread of its own, so that look-ups and captures never wait for it. */
  ask<Name extends QuestionName>(name: Name, args: Parameters<Questions[Name]>[1]): Promise<Awaited<ReturnType<Questions[Name]>>>;
  close(): Promise<void>;
}

export type ReaderRequest = { id: number; name: QuestionName; args: unknown };
export type ReaderReply = { id: number; answer: unknown } | { id: number; problem: Problem };

/** Readers of an embedded store: one connection here, and threads with one each. */
export class EmbeddedReaders implements Readers {
  private readonly db: SqliteDb;
  private readonly threads: { worker: Worker; load: number }[];
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private next = 1;
  /** Look-ups take turns: each is one read transaction on the one connection. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(file: string, threads = 1) {
    this.db = new SqliteDb(openForReading(file));
    this.threads = Array.from({ length: threads }, () => {
      const worker = startThread(besideThis('reader-thread', import.meta.url), { file });
      worker.on('message', (reply: ReaderReply) => this.hear(reply));
      worker.on('error', (error) => console.error(`a reader thread failed: ${error.stack ?? error.message}`));
      return { worker, load: 0 };
    });
  }

  look<Name extends QuestionName>(name: Name, args: Parameters<Questions[Name]>[1]): Promise<Awaited<ReturnType<Questions[Name]>>> {
    const question = questions[name] as unknown as (db: SqliteDb, args: unknown) => Promise<Awaited<ReturnType<Questions[Name]>>>;
    const mine = this.turn.then(() => this.db.snapshot(() => question(this.db, args)));
    this.turn = mine.catch(() => {});
    return mine;
  }

  async ask<Name extends QuestionName>(name: Name, args: Parameters<Questions[Name]>[1]): Promise<Awaited<ReturnType<Questions[Name]>>> {
    const thread = this.threads.reduce((a, b) => (b.load < a.load ? b : a));
    const id = this.next++;
    thread.load++;
    try {
      return await new Promise<Awaited<ReturnType<Questions[Name]>>>((resolve, reject) => {
        this.waiting.set(id, { resolve: resolve as (value: never) => void, reject });
        thread.worker.postMessage({ id, name, args } satisfies ReaderRequest);
      });
    } finally {
      thread.load--;
    }
  }

  private hear(reply: ReaderReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('problem' in reply) {
      const { code, title, at, fix } = reply.problem;
      waiting?.reject(new LotlineError(code, title, { at, fix }));
    } else waiting?.resolve(reply.answer as never);
  }

  async close(): Promise<void> {
    await this.turn;
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
    this.db.connection.close();
  }
}
