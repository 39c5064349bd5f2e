import { parentPort, workerData } from 'node:worker_threads';
import { answerPool } from '../capture/thread-pool.ts';
import { openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { questions } from './questions.ts';
import type { ReaderRequest } from './readers.ts';

/** Answers long questions, one after the other, each in one read transaction. */
const db = new SqliteDb(openForReading((workerData as { file: string }).file));

answerPool(parentPort!, async ({ name, args, asJson }: ReaderRequest) => {
  const question = questions[name] as unknown as (db: SqliteDb, args: unknown) => Promise<unknown>;
  const answer = await db.snapshot(() => question(db, args));
  return asJson && answer !== null ? jsonBytes(answer) : answer;
});

/** In memory of its own, so that it can be handed over. */
function jsonBytes(answer: unknown): Uint8Array {
  const text = JSON.stringify(answer);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
