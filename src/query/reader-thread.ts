import { parentPort, workerData } from 'node:worker_threads';
import { jsonBytes } from '../capture/reading.ts';
import { answerPool } from '../capture/thread-pool.ts';
import { standBack } from '../capture/threads.ts';
import type { Db } from '../store/db.ts';
import { questions } from './questions.ts';
import type { ReaderRequest } from './readers.ts';
import { openQuestions, type StorePlace } from './store-questions.ts';

/** Answers long questions, one after the other, each in one read transaction. */
standBack('long questions');
const { place, runMs } = workerData as { place: StorePlace; runMs: number };
const store = openQuestions(place, { connections: 1, runMs });

answerPool(parentPort!, async ({ name, args, asJson }: ReaderRequest) => {
  const question = questions[name] as unknown as (db: Db, args: unknown) => Promise<unknown>;
  const answer = await store.ask((db) => question(db, args));
  return asJson && answer !== null ? jsonBytes(answer) : answer;
});
