import { sql } from 'drizzle-orm';
import {
  type CbvXmlFormat,
  EPCIS_PREFIXES,
  type EpcFormat,
  eventJson,
  eventToXml,
  formatExactTime,
  formatHashId,
  isXml,
  parseHashId,
  queryDocumentToXml,
  readContext,
  rewriteXmlEvent,
  Scope,
  serializeXml,
  type WrittenXml,
  writeEvent,
  writeQueryDocument,
  type XmlVersion,
  xmlEventToElement,
} from '../epcis/index.ts';
import type { EventQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import { CompanyPrefixes } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';
import { unpackBytes } from '../store/payload.ts';
import { eachNumber } from '../store/sql.ts';
import { countEvents, type EventPosition, findEvents, HASH_ID, lastEvent } from './events-sql.ts';
import type { PageStart } from './page-token.ts';

/** How an answer is written: its syntax, the form of identifiers (V-9), and what the document says of itself. */
export type AnswerStyle = {
  readonly format: EpcFormat;
  /** JSON where there is none; of XML the release (X-11), and how it spells standard values (V-6). */
  readonly xml?: { readonly version: XmlVersion; readonly words: CbvXmlFormat };
  readonly creationDate: string;
  /** `SimpleEventQuery` for a query without a name (R-8). */
  readonly queryName?: string;
  readonly subscriptionID?: string;
};

/** An EPCISQueryDocument in UTF-8. `notes`: what the release of XML asked for holds in another place, or not as it was (X-9), one sentence each. */
export type EventDocument = { readonly body: Uint8Array; readonly notes: readonly string[] };

export type EventPage = EventDocument & {
  readonly count: number;
  /** Null: this is the last page. */
  readonly next: PageStart | null;
};

/** A page ends after the event that takes it beyond this many bytes, whatever its number of events (R-21: fewer may come). */
export const PAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Bodies read from the store at a time, as they lie there. */
const SLICE_BYTES = 2 * 1024 * 1024;

/** A page of the events that meet a query, written as a query document (Q-5). The whole of it is made here, so ask it in a reader thread. */
export async function eventPage(
  db: Db,
  args: { query: EventQuery; perPage: number; start: PageStart | null; style: AnswerStyle },
): Promise<EventPage> {
  const { query, perPage, start } = args;
  const through = start?.through ?? (await lastEvent(db));
  if (start === null) await refuseTooMany(db, query, through);
  const left = start === null ? query.eventCountLimit : start.left;
  const limit = left === null ? perPage : Math.min(perPage, left);
  const found = await findEvents(db, query, { after: start?.after ?? null, through, limit: limit + 1 });

  const writing = await EventWriting.of(db, args.style);
  const events: WrittenEvent[] = [];
  let bytes = 0;
  for await (const event of writing.of(found.slice(0, limit))) {
    events.push(event);
    bytes += event.bytes;
    if (bytes > PAGE_BYTES_MAX) break;
  }
  const isLast = events.length === found.length || events.length === left;
  const after = found[events.length - 1] as EventPosition;
  const next = isLast ? null : { after, through, left: left === null ? null : left - events.length };
  return { ...documentOf(events, args.style), count: events.length, next };
}

/** maxEventCount is about the whole result, so it is looked at before the first page (R-23). */
async function refuseTooMany(db: Db, query: EventQuery, through: number): Promise<void> {
  const max = query.maxEventCount;
  if (max === null) return;
  if ((await countEvents(db, query, { through, limit: max + 1 })) > max) {
    throw new LotlineError('QRY-LARGE', `more than ${max} events meet the query`, {
      at: '?maxEventCount',
      fix: 'Narrow the query, or leave maxEventCount out and page through the answer.',
    });
  }
}

/** The event of this id and its error declarations, written as a query document; null when there is none (R-5). */
export async function eventDocument(db: Db, args: { eventID: string; style: AnswerStyle }): Promise<EventDocument | null> {
  const byHash = HASH_ID.test(args.eventID)
    ? sql`UNION SELECT seq, hash, void_seq FROM event WHERE hash = ${Buffer.from(parseHashId(args.eventID))} AND event_id IS NULL`
    : sql``;
  // A declaration names its event by the same id, or has none and is of the same hash (design.md §3, sameness).
  const rows = await db.all<{ seq: number }>(sql`
    WITH named AS (SELECT seq, hash, void_seq FROM event WHERE event_id = ${args.eventID} ${byHash})
    SELECT seq FROM named
    UNION SELECT void_seq FROM named WHERE void_seq IS NOT NULL
    UNION SELECT d.seq FROM named n CROSS JOIN event d ON d.hash = n.hash WHERE d.declares = 1 AND d.event_id IS NULL
    ORDER BY seq`);
  if (rows.length === 0) return null;
  const writing = await EventWriting.of(db, args.style);
  const events: WrittenEvent[] = [];
  for await (const event of writing.of(rows)) events.push(event);
  return documentOf(events, args.style);
}

/** The id by which a stored event goes: its own, else its hash (C-3). */
export async function eventIDOf(db: Db, args: { seq: number }): Promise<string | null> {
  const [row] = await db.all<{ event_id: string | null; hash: Uint8Array }>(sql`SELECT event_id, hash FROM event WHERE seq = ${args.seq}`);
  return row === undefined ? null : (row.event_id ?? formatHashId(row.hash));
}

/** An event in the syntax of the answer: JSON text with the context it was captured in, or an XML element. */
export type WrittenEvent = { readonly bytes: number } & (
  | { readonly text: string; readonly contextText: string }
  | { readonly xml: WrittenXml }
);
type Stored = {
  seq: number;
  capture: number;
  record_time: number;
  encoding: number;
  body: Uint8Array;
  event_id: string | null;
  hash: Uint8Array;
};
type Context = { readonly text: string; readonly scope: Scope };

export function documentOf(events: readonly WrittenEvent[], style: AnswerStyle): EventDocument {
  const { queryName = 'SimpleEventQuery', subscriptionID, creationDate } = style;
  const about = { queryName, creationDate, ...(subscriptionID !== undefined && { subscriptionID }) };
  if (style.xml === undefined) {
    const texts = events.flatMap((event) => ('text' in event ? [event] : []));
    return { body: Buffer.from(writeQueryDocument({ ...about, events: texts })), notes: [] };
  }
  const written = events.flatMap((event) => ('xml' in event ? [event.xml] : []));
  const document = queryDocumentToXml({ ...about, version: style.xml.version, results: { events: written.map(({ element }) => element) } });
  const notes = [
    ...written.flatMap((event, i) => event.notes.map(({ at, what }) => `event ${i + 1}${at === '' ? '' : `, ${at}`}: ${what}`)),
    ...document.notes.map(({ at, what }) => (at === '' ? what : `${at}: ${what}`)),
  ];
  return { body: Buffer.from(serializeXml(document.element, { declaration: true })), notes };
}

/** Stored events as they are told: the bytes they came in, with recordTime, an id, and identifiers in the form asked for. */
export class EventWriting {
  private readonly db: Db;
  private readonly style: AnswerStyle;
  private readonly companies: CompanyPrefixes;
  private readonly contexts = new Map<number, Context>();
  private readonly lengths = new Map<string, number | null>();

  private constructor(db: Db, style: AnswerStyle, companies: CompanyPrefixes) {
    this.db = db;
    this.style = style;
    this.companies = companies;
  }

  static async of(db: Db, style: AnswerStyle): Promise<EventWriting> {
    const learned =
      style.format === 'Always_EPC_URN' ? await db.all<{ scheme: string; company: string }>(sql`SELECT scheme, company FROM prefix`) : [];
    return new EventWriting(db, style, new CompanyPrefixes(learned.map(({ scheme, company }) => [scheme, company] as const)));
  }

  /** One after the other, in the order given; read from the store as many at a time as are small together. */
  async *of(events: readonly { readonly seq: number }[]): AsyncGenerator<WrittenEvent> {
    for (const slice of await this.slices(events.map(({ seq }) => seq))) {
      const rows = await this.db.all<Stored>(sql`
        SELECT e.seq, en.capture, en.record_time, en.encoding, en.body, e.event_id, e.hash FROM ${eachNumber(slice)} j
        CROSS JOIN event e ON e.seq = j.value CROSS JOIN entry en ON en.seq = e.seq`);
      const stored = new Map(rows.map((row) => [row.seq, row]));
      await this.readContexts(rows.map((row) => row.capture));
      for (const seq of slice) yield this.write(stored.get(seq) as Stored);
    }
  }

  private async slices(seqs: readonly number[]): Promise<number[][]> {
    const rows = await this.db.all<{ seq: number; bytes: number }>(
      sql`SELECT en.seq, length(en.body) AS bytes FROM ${eachNumber(seqs)} j CROSS JOIN entry en ON en.seq = j.value`,
    );
    const sizes = new Map(rows.map((row) => [row.seq, row.bytes]));
    const slices: number[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const seq of seqs) {
      bytes += sizes.get(seq) as number;
      if (bytes <= SLICE_BYTES) slices.at(-1)?.push(seq);
      else {
        slices.push([seq]);
        bytes = sizes.get(seq) as number;
      }
    }
    return slices;
  }

  private write(stored: Stored): WrittenEvent {
    const { text: contextText, scope } = this.contexts.get(stored.capture) as Context;
    const body = unpackBytes(stored.encoding, stored.body);
    const options = {
      recordTime: formatRecordTime(stored.record_time),
      epcFormat: this.style.format,
      prefixes: scope.prefixes,
      companyPrefixLength: (key: string) => this.lengthOf(key),
      ...(stored.event_id === null && { eventID: formatHashId(stored.hash) }),
    };
    const { xml } = this.style;
    if (xml !== undefined && isXml(body)) {
      const respelled = { ...options, version: xml.version, cbvXmlFormat: xml.words };
      return { bytes: body.length, xml: rewriteXmlEvent(xmlEventToElement(body, contextText), respelled) };
    }
    const text = writeEvent(eventJson(body, contextText), options);
    if (xml === undefined) return { bytes: text.length, text, contextText };
    const own = text.includes('@context') ? (JSON.parse(text) as Record<string, unknown>)['@context'] : undefined;
    const { prefixes } = own === undefined ? scope : readContext(own, '/@context', { outer: scope });
    return { bytes: text.length, xml: eventToXml(text, { version: xml.version, prefixes, cbvXmlFormat: xml.words }) };
  }

  private async readContexts(captures: readonly number[]): Promise<void> {
    const missing = new Set(captures.filter((capture) => !this.contexts.has(capture)));
    if (missing.size === 0) return;
    const rows = await this.db.all<{ capture: number; context: string }>(
      sql`SELECT p.capture, p.context FROM ${eachNumber([...missing])} j CROSS JOIN payload p ON p.capture = j.value`,
    );
    for (const { capture, context: text } of rows)
      this.contexts.set(capture, { text, scope: text === '' ? new Scope(EPCIS_PREFIXES) : readContext(JSON.parse(text), '/@context') });
  }

  /** Things of one class share the company prefix, so the class is looked up and the serial is not. */
  private lengthOf(key: string): number | null {
    const second = key.indexOf('/', key.indexOf('/') + 1);
    const known = second < 0 ? key : key.slice(0, second);
    let length = this.lengths.get(known);
    if (length === undefined) {
      length = this.companies.lengthOf(known);
      this.lengths.set(known, length);
    }
    return length;
  }
}

/** recordTime as the wire has it: UTC, to the microsecond where it has any. */
export function formatRecordTime(microseconds: number): string {
  const ms = Math.floor(microseconds / 1000);
  return formatExactTime({ ms, below: String(microseconds - ms * 1000).padStart(3, '0') });
}
