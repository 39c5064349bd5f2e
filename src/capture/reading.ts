import { createHash } from 'node:crypto';
import {
  type EventAsJson,
  type HashProfile,
  hashInProfile,
  isForeignHashId,
  isRefused,
  isXml,
  type ReadDocument,
  type RefusedEvent,
  readDocument,
  readEitherSyntax,
  type VerifiedHash,
  verifyHashId,
} from '../epcis/index.ts';
import type { EpcisEvent, ReadEvent } from '../epcis/model.ts';
import type { Problem } from '../errors.ts';
import { formatKey } from '../identifiers/index.ts';

/** What can be told of a document without any store. A small one is read by whoever asks, a large one in a thread (document-readers.ts). */
export const readings = { examine, inspect, hashEvents };
export type ReadingName = keyof typeof readings;

/** Faults of one document that are told. */
const FAULTS_MAX = 1_000;

/** The latest event of a document: when, where by its read point, and some of its things, as canonical keys. */
export type LatestEvent = { readonly ms: number; readonly readPoint: string | null; readonly things: readonly string[] };
export type Examined = {
  readonly schemaVersion: string | null;
  readonly errors: Problem[];
  readonly events: number;
  /** Null where the events were not read, or there is none. */
  readonly latest: LatestEvent | null;
};
/** Things of an event that are named as examples. */
const EXAMPLES = 5;

/** What refuses a document as a whole is thrown. With `whole`, what refuses single events is told as well. */
export function examine(body: Uint8Array, options: { maxEvents: number; whole: boolean }): Examined {
  return examineDocument(readDocument(body, { maxEvents: options.maxEvents, wantHashes: false }), options.whole);
}

/** The same, and what a document has to share with another for the two to travel as one: a digest of all that stands around its events. */
export function inspect(body: Uint8Array, options: { maxEvents: number; whole: boolean }): Examined & { readonly envelope: string | null } {
  const document = readDocument(body, { maxEvents: options.maxEvents, wantHashes: false });
  return { ...examineDocument(document, options.whole), envelope: isXml(body) ? null : envelopeOf(document) };
}

function examineDocument(document: ReadDocument, whole: boolean): Examined {
  const errors: Problem[] = [];
  let latest: ReadEvent | null = null;
  if (whole) {
    for (const item of document.events()) {
      if (isRefused(item)) for (const error of item.errors) errors.push({ ...error.toProblem(), index: item.index } as Problem);
      else if (latest === null || item.event.eventTime.ms >= latest.event.eventTime.ms) latest = item;
      if (errors.length >= FAULTS_MAX) break;
    }
  }
  return {
    schemaVersion: document.header.schemaVersion,
    errors: errors.slice(0, FAULTS_MAX),
    events: document.eventCount,
    latest: latest && latestOf(latest.event),
  };
}

function latestOf(event: EpcisEvent): LatestEvent {
  const { epcList, parentID, childEPCs, outputEPCList } = event;
  const things = [...epcList, ...(parentID ? [parentID] : []), ...childEPCs, ...outputEPCList].slice(0, EXAMPLES);
  return { ms: event.eventTime.ms, readPoint: event.readPoint, things: things.map(formatKey) };
}

/** Null where the document is more than its events: it has header master data, a name of its own, or no event. When it was made does not count. */
function envelopeOf({ kind, header, eventCount }: ReadDocument): string | null {
  const { creationDate: _, ...shared } = header;
  if (kind !== 'EPCISDocument' || eventCount === 0 || header.epcisHeader !== null || header.instanceIdentifier !== null) return null;
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex');
}

/** What one event is hashed to. */
export type EventHash = {
  readonly hash: string;
  readonly profile: HashProfile;
  readonly prehash: string;
  /** Of the ID that was to be verified, else of the event's own ID where that is a hash. */
  readonly verified?: VerifiedHash;
};

/** The event hash of every event of a document or of a bare event, with the text it is the hash of (codes.md §1): the answer as JSON. */
export function hashEvents(
  body: Uint8Array,
  options: { maxEvents: number; profile?: HashProfile; verify?: string | undefined },
): { json: Uint8Array | null; errors: Problem[] } {
  const events: EventHash[] = [];
  const errors: Problem[] = [];
  for (const item of hashDocument(body, options)) {
    if ('errors' in item) {
      for (const error of item.errors) if (errors.length < FAULTS_MAX) errors.push({ ...error.toProblem(), index: item.index } as Problem);
    } else events.push(item.event);
  }
  return { json: errors.length > 0 ? null : jsonBytes({ events }), errors };
}

/** The same event by event; refused ones come among the others. `verify` is an event hash ID. */
export function* hashDocument(
  body: Uint8Array,
  { maxEvents, profile = 'P', verify }: { maxEvents?: number; profile?: HashProfile; verify?: string | undefined },
): Generator<{ readonly index: number; readonly event: EventHash } | RefusedEvent, void, undefined> {
  const { document, asJson } = readEitherSyntax(body, { ...(maxEvents !== undefined && { maxEvents }), bare: true, wantHashes: false });
  for (const item of document.events())
    yield isRefused(item) ? item : { index: item.index, event: hashEvent(asJson(item), profile, verify) };
}

function hashEvent({ json, prefixes }: EventAsJson, profile: HashProfile, verify: string | undefined): EventHash {
  const { eventID } = json;
  const id = verify ?? (typeof eventID === 'string' && isForeignHashId(eventID) ? eventID : undefined);
  const { hash, prehash } = hashInProfile(json, prefixes, profile);
  return { hash, profile, prehash, ...(id !== undefined && { verified: verifyHashId(id, json, prefixes) }) };
}

/** A value as JSON in UTF-8, in memory of its own, so that it can be handed to another thread. */
export function jsonBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
