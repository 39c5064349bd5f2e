import { parentPort, workerData } from 'node:worker_threads';
import { LotlineError } from '../errors.ts';
import { openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { questions } from './questions.ts';
import type { ReaderReply, ReaderRequest } from './readers.ts';

/** Answers long questions, one after the other, each in one read transaction. */
const port = parentPort!;
const db = new SqliteDb(openForReading((workerData as { file: string }).file));
let turn: Promise<void> = Promise.resolve();

async function answer({ id, name, args }: ReaderRequest): Promise<void> {
  try {
    const question = questions[name] as unknown as (db: SqliteDb, args: unknown) => Promise<unknown>;
    port.postMessage({ id, answer: await db.snapshot(() => question(db, args)) } satisfies ReaderReply);
  } catch (error) {
    if (!(error instanceof LotlineError)) console.error(error);
    const told =
      error instanceof LotlineError
        ? error
        : new LotlineError('INTERNAL', 'the question could not be answered', { fix: 'Report it with the request.' });
    port.postMessage({ id, problem: told.toProblem() } satisfies ReaderReply);
  }
}

port.on('message', (request: ReaderRequest) => {
  turn = turn.then(() => answer(request));
});
