/** Documents that wait to be folded, in a file of their own beside an export: NDJSON, compressed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { PendingDocument } from '../store/new-store.ts';
import type { Truth } from './truth.ts';

type Line = Omit<PendingDocument, 'body'> & { readonly body: string };

/** Writes them, their bytes in base64. Answers how many. */
export async function writeWaiting(documents: AsyncIterable<PendingDocument>, file: string): Promise<number> {
  let count = 0;
  const lines = async function* () {
    for await (const { body, ...about } of documents) {
      count++;
      yield `${JSON.stringify({ ...about, body: Buffer.from(body).toString('base64') } satisfies Line)}\n`;
    }
  };
  await pipeline(Readable.from(lines()), createGzip(), createWriteStream(file, { flush: true }));
  return count;
}

/** Reads them again, without those that have a job in the journal beside it: they were folded before that was written. */
export async function readWaiting(file: string, truth: Truth): Promise<PendingDocument[]> {
  const waiting = new Map<string, PendingDocument>();
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    const { body, ...about } = JSON.parse(line) as Line;
    waiting.set(about.captureID, { ...about, body: Buffer.from(body, 'base64') });
  }
  for await (const carried of truth.carried()) if ('job' in carried) waiting.delete(carried.job.capture_id);
  return [...waiting.values()];
}
