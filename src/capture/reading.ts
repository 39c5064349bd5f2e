import { parseExactJson } from '../epcis/hash/exact-number.ts';
import { formatHashId, isRefused, prehash, readContext, readDocument } from '../epcis/index.ts';
import type { Problem } from '../errors.ts';

/** What can be told of a document without any store. A small one is read by whoever asks, a large one in a thread (document-readers.ts). */
export const readings = { examine, hashEvents };
export type ReadingName = keyof typeof readings;

/** Faults of one document that are told. */
const FAULTS_MAX = 1_000;

/** What refuses a document as a whole is thrown. With `whole`, what refuses single events is told as well. */
export function examine(
  body: Uint8Array,
  { maxEvents, whole }: { maxEvents: number; whole: boolean },
): { schemaVersion: string | null; errors: Problem[] } {
  const document = readDocument(body, { maxEvents, wantHashes: false });
  const errors: Problem[] = [];
  if (whole) {
    for (const item of document.events()) {
      if (isRefused(item)) for (const error of item.errors) errors.push({ ...error.toProblem(), index: item.index } as Problem);
      if (errors.length >= FAULTS_MAX) break;
    }
  }
  return { schemaVersion: document.header.schemaVersion, errors: errors.slice(0, FAULTS_MAX) };
}

/** The event hash of every event of a document or of a bare event, with the text it is the hash of (codes.md §1): the answer as JSON. */
export function hashEvents(body: Uint8Array, { maxEvents }: { maxEvents: number }): { json: Uint8Array | null; errors: Problem[] } {
  const document = readDocument(body, { maxEvents, bare: true });
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const outer = readContext(JSON.parse(document.header.context), '/@context');
  const events: { hash: string; profile: 'P'; prehash: string }[] = [];
  const errors: Problem[] = [];
  for (const item of document.events()) {
    if (isRefused(item)) {
      for (const error of item.errors) if (errors.length < FAULTS_MAX) errors.push({ ...error.toProblem(), index: item.index } as Problem);
      continue;
    }
    const json = parseExactJson(text.toString('utf8', item.start, item.end)) as Record<string, unknown>;
    const own = document.kind === 'event' ? undefined : json['@context'];
    const scope = own === undefined ? outer : readContext(own, `${item.at}/@context`, { outer });
    events.push({ hash: formatHashId(item.hash), profile: 'P', prehash: prehash(json, scope.prefixes) });
  }
  return { json: errors.length > 0 ? null : jsonBytes({ events }), errors };
}

/** A value as JSON in UTF-8, in memory of its own, so that it can be handed to another thread. */
export function jsonBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
