import { createHash } from 'node:crypto';
import { isRefused, readEitherSyntax, withMembers } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';

/** How the clock of a source was wrong for a stretch of time, and so how its events are put right (domain.md E-11). */
export type SourceOffset = {
  /** How far it was ahead, ms: whole seconds; negative when it was behind. */
  readonly offsetMs: number;
  /** The zone that its events should have told; undefined: as they did. */
  readonly zone?: string | undefined;
};

/** An event as it is stored: its JSON text, and the `@context` of the answer that it stood in. */
export type StoredEvent = { readonly text: string; readonly context: string; readonly eventID: string; readonly ms: number };

/** Originals that are declared erroneous and the events that take their place, in one document: neither is ever there without the other. */
export type CorrectionDocument = { readonly captureID: string; readonly text: string; readonly originals: readonly StoredEvent[] };

/** Originals of one document. Folding them again costs by what they name, once a document. */
const ORIGINALS_MAX = 500;

/** `+61m`, `-1h`, `+1h30m`, `+90s`. */
export function readOffset(text: string): number {
  const [, sign, h = '0', m = '0', s = '0'] = /^([+-])(?=\d)(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?$/.exec(text) ?? [];
  const ms = ((Number(h) * 60 + Number(m)) * 60 + Number(s)) * 1000;
  if (sign !== undefined && ms > 0) return sign === '+' ? ms : -ms;
  throw new LotlineError('CFG-VALUE', `${JSON.stringify(text)} is no offset of a clock`, {
    at: '--offset',
    fix: 'Write how far the clock was ahead, like +61m or +1h30m, or behind, like -5m.',
  });
}

/** The eventTime that a right clock would have told: as exact as it was, in the same zone unless another is given. */
export function correctTime(eventTime: string, { offsetMs, zone }: SourceOffset): string {
  const [, local, fraction = '', written] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(eventTime) ?? [];
  if (local === undefined || written === undefined) throw new Error(`${eventTime} is no eventTime that a store has`);
  const zoned = zone === undefined || written === 'Z' ? written : zone;
  const moved = Date.parse(`${local}Z`) - offsetMs + (zoneMs(zoned) - zoneMs(written));
  return new Date(moved).toISOString().slice(0, 19) + fraction + zoned;
}

function zoneMs(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** Reads an answer to a query for events: what happened, and what was declared of what happened. */
export class StretchOfEvents {
  private readonly events: StoredEvent[] = [];
  /** eventIDs that were declared erroneous, and those that came in their place. */
  private readonly declared = new Set<string>();
  private readonly corrective = new Set<string>();

  add(answer: Uint8Array): void {
    const { document, asJson } = readEitherSyntax(answer, { wantHashes: false });
    for (const item of document.events()) {
      if (isRefused(item)) throw item.errors[0] as LotlineError;
      const { text, json } = asJson(item);
      const { errorDeclaration, eventTime } = item.event;
      const eventID = String(json['eventID']);
      if (errorDeclaration === null) this.events.push({ text, context: document.header.context, eventID, ms: eventTime.ms });
      else {
        this.declared.add(eventID);
        for (const id of errorDeclaration.correctiveEventIDs) this.corrective.add(id);
      }
    }
  }

  /** Those that are to be corrected: not declared erroneous yet, and no correction themselves. */
  get open(): StoredEvent[] {
    return this.events.filter(({ eventID }) => !this.declared.has(eventID) && !this.corrective.has(eventID));
  }

  get corrected(): number {
    return this.events.filter(({ eventID }) => this.declared.has(eventID)).length;
  }
}

/**
 * The documents that correct these events, in the order in which they are to be captured: what moves back in time begins with the earliest, what moves
 * on with the latest, so that nothing is packed before it was made meanwhile. The same events give the same captureIDs, so a document that is
 * sent again is the same capture.
 */
export function* correctionDocuments(
  events: readonly StoredEvent[],
  offset: SourceOffset,
  at: { now: string; attempt: number },
): Generator<CorrectionDocument> {
  const sorted = [...events].sort((a, b) => (a.ms - b.ms) * Math.sign(offset.offsetMs) || (a.eventID < b.eventID ? -1 : 1));
  for (let from = 0; from < sorted.length; ) {
    const { context } = sorted[from] as StoredEvent;
    let to = from + 1;
    while (to < sorted.length && to - from < ORIGINALS_MAX && sorted[to]?.context === context) to++;
    const originals = sorted.slice(from, to);
    const declarations = originals.map((event) => declarationOf(event, offset, at.now));
    const corrected = originals.map((event) => correctedEvent(event, offset));
    const ids = originals.map(({ eventID }) => eventID).join('\n');
    const head = `{"@context":${context},"type":"EPCISDocument","schemaVersion":"2.0","creationDate":${JSON.stringify(at.now)}`;
    yield {
      captureID: uuidOf(`capture\n${offset.offsetMs}\n${offset.zone ?? ''}\n${at.attempt}\n${ids}`),
      text: `${head},"epcisBody":{"eventList":[\n${[...declarations, ...corrected].join(',\n')}\n]}}\n`,
      originals,
    };
    from = to;
  }
}

function declarationOf(event: StoredEvent, offset: SourceOffset, now: string): string {
  const errorDeclaration = { declarationTime: now, reason: 'incorrect_data', correctiveEventIDs: [correctedID(event, offset)] };
  return withMembers(event.text, { errorDeclaration: JSON.stringify(errorDeclaration) });
}

function correctedEvent(event: StoredEvent, offset: SourceOffset): string {
  const { eventTime } = JSON.parse(event.text) as { eventTime: string };
  return withMembers(event.text, {
    eventID: JSON.stringify(correctedID(event, offset)),
    eventTime: JSON.stringify(correctTime(eventTime, offset)),
    ...(offset.zone !== undefined && { eventTimeZoneOffset: JSON.stringify(offset.zone) }),
  });
}

const correctedID = ({ eventID }: StoredEvent, { offsetMs, zone }: SourceOffset): string =>
  `urn:uuid:${uuidOf(`event\n${offsetMs}\n${zone ?? ''}\n${eventID}`)}`;

/** A UUID of a text (version 8, RFC 9562 §5.8). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
