import { parentPort } from 'node:worker_threads';
import type { ReadingRequest } from './document-readers.ts';
import { readings } from './reading.ts';
import { answerPool } from './thread-pool.ts';

/** Reads documents, one after the other. The bytes go back with the answer, for they are not copied. */
answerPool(parentPort!, async ({ name, body, options }: ReadingRequest) => {
  const read = readings[name] as (body: Uint8Array, options: unknown) => object;
  return { ...read(body, options), body };
});
