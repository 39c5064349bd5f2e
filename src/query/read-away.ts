import { parseExactJson } from '../epcis/hash/exact-number.ts';
import { formatHashId, isRefused, prehash, readContext, readDocument } from '../epcis/index.ts';
import type { Problem } from '../errors.ts';
import type { Db } from '../store/db.ts';

/** Questions that ask nothing of the store: reading large documents, done where it holds up no look-up. */

/** Walks a document and reads its header: throws what refuses it as a whole, before any of its events is read. */
export async function readHead(_db: Db, args: { body: Uint8Array; maxEvents: number }): Promise<{ schemaVersion: string | null }> {
  return { schemaVersion: readDocument(args.body, { maxEvents: args.maxEvents }).header.schemaVersion };
}

export type HashAnswer = { events: { hash: string; profile: 'P'; prehash: string }[] } | { errors: Problem[] };
const ERRORS_MAX = 1_000;

/** The event hash of every event of a document or of a bare event, with the text it is the hash of (codes.md §1). */
export async function hashEvents(_db: Db, args: { body: Uint8Array; maxEvents: number }): Promise<HashAnswer> {
  const document = readDocument(args.body, { maxEvents: args.maxEvents, bare: true });
  const text = Buffer.from(args.body.buffer, args.body.byteOffset, args.body.byteLength);
  const outer = readContext(JSON.parse(document.header.context), '/@context');
  const events: { hash: string; profile: 'P'; prehash: string }[] = [];
  const errors: Problem[] = [];
  for (const item of document.events()) {
    if (isRefused(item)) {
      for (const error of item.errors) if (errors.length < ERRORS_MAX) errors.push({ ...error.toProblem(), index: item.index } as Problem);
      continue;
    }
    const json = parseExactJson(text.toString('utf8', item.start, item.end)) as Record<string, unknown>;
    const own = document.kind === 'event' ? undefined : json['@context'];
    const scope = own === undefined ? outer : readContext(own, `${item.at}/@context`, { outer });
    events.push({ hash: formatHashId(item.hash), profile: 'P', prehash: prehash(json, scope.prefixes) });
  }
  return errors.length > 0 ? { errors } : { events };
}
