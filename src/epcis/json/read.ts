import { LotlineError } from '../../errors.ts';
import { parseExactJson } from '../hash/exact-number.ts';
import { fingerprints } from '../hash/hash.ts';
import type { IdentityMembers, ReadEvent, RuleBreach } from '../model.ts';
import { type Prefixes, readName } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import { checkObject } from './check.ts';
import { type KnownContexts, readContext, type Scope } from './context.ts';
import { readEventFields } from './event-fields.ts';
import { Faults } from './faults.ts';
import { interpretEvent } from './interpret.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { checkPersonalTexts } from './personal.ts';
import { checkEventRules, findBreaches } from './rules.ts';
import { type EventShapeName, shapeOf } from './schema.ts';
import { type EventSpan, splitDocument } from './split.ts';

/** An event that is refused: where it lies and everything that is wrong with it (C-9). */
export type RefusedEvent = {
  readonly index: number;
  readonly at: string;
  readonly start: number;
  readonly end: number;
  readonly errors: readonly LotlineError[];
  readonly eventID: string | null;
};

export type DocumentHeader = {
  readonly schemaVersion: string | null;
  readonly creationDate: string | null;
  readonly sender: string | null;
  readonly receiver: string | null;
  readonly instanceIdentifier: string | null;
  readonly queryName: string | null;
  readonly subscriptionID: string | null;
  /** `epcisHeader` as parsed, null when there is none: header master data and what else the sender put there (DOC-4). */
  readonly epcisHeader: JsonObject | null;
  /** Members of other namespaces of a JSON document itself; XML has such elements in epcisHeader (P-1). */
  readonly extensions: JsonObject;
  /** The JSON text of the document's `@context`, for whoever writes its events out again. */
  readonly context: string;
};

export type ReadDocument = {
  /** A document of master data alone is there in XML only (§1). */
  readonly kind: 'EPCISDocument' | 'EPCISQueryDocument' | 'EPCISMasterDataDocument' | 'event';
  readonly header: DocumentHeader;
  readonly eventCount: number;
  /** Reads the events one by one, each time anew; refused ones come among the others, with their errors. */
  events(): Generator<ReadEvent | RefusedEvent, void, undefined>;
};

export type ReadOptions = {
  /** More events than this are refused with REQ-LIMIT before any is read. */
  readonly maxEvents?: number;
  /** Whether a bare event may stand in place of a document (DOC-6). */
  readonly bare?: boolean;
  /** Whether to compute hash and identityDigest (true); without them both are empty. */
  readonly wantHashes?: boolean;
  /** Remote contexts that the operator has loaded (J-1). */
  readonly contexts?: KnownContexts;
};

const NO_HASH = new Uint8Array(0);
const STANDARD_TYPES = new Set(['ObjectEvent', 'AggregationEvent', 'TransactionEvent', 'TransformationEvent', 'AssociationEvent']);

/** Whether an item of `events()` was refused. */
export function isRefused(item: ReadEvent | RefusedEvent): item is RefusedEvent {
  return 'errors' in item;
}

/**
 * Reads an EPCIS 2.0 JSON document (epcis-2.0.md §1 to §4). The text is walked once and its header checked before this returns; events are parsed
 * as they are asked for, so memory holds the bytes and one event. Faults of the document throw (`EV-SYNTAX`, `EV-SCHEMA`, `EV-CONTEXT`,
 * `REQ-LIMIT`); faults of one event come with that event.
 */
export function readDocument(bytes: Uint8Array, options: ReadOptions = {}): ReadDocument {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { root, lists } = splitDocument(text, options.maxEvents);
  const head = parseHead(text, root, lists);
  if (!isObject(head)) throw new LotlineError('EV-SCHEMA', 'the document is not a JSON object', { fix: 'Send an EPCISDocument.' });
  const kind = documentKind(head, options.bare === true);
  if (kind !== 'event' && head['@context'] === undefined) throw missingContext('the document');
  if (kind === 'event' && head['@context'] === undefined) throw missingContext('the event');
  const scope = readContext(head['@context'], '/@context', { known: options.contexts });

  if (kind === 'event') {
    return {
      kind,
      header: headerOf({ '@context': head['@context'] }),
      eventCount: 1,
      *events() {
        yield readEvent(text, root, 0, '', scope, options);
      },
    };
  }
  const faults = new Faults();
  checkObject(kind, head, '', scope, faults);
  const [first] = faults.list;
  if (first !== undefined) throw first;
  const at = kind === 'EPCISDocument' ? '/epcisBody/eventList' : '/epcisBody/queryResults/resultsBody/eventList';
  const events = lists.find((list) => list.at === at)?.events ?? [];
  return {
    kind,
    header: headerOf(head),
    eventCount: events.length,
    *events() {
      for (let i = 0; i < events.length; i++) yield readEvent(text, events[i]!, i, `${at}/${i}`, scope, options);
    },
  };
}

/** The document without its events. */
function parseHead(text: Buffer, root: EventSpan, lists: readonly { readonly start: number; readonly end: number }[]): unknown {
  let head = '';
  let from = root.start;
  for (const { start, end } of lists) {
    head += `${text.toString('utf8', from, start)}[]`;
    from = end;
  }
  return JSON.parse(head + text.toString('utf8', from, root.end));
}

function documentKind(head: JsonObject, bareAllowed: boolean): Exclude<ReadDocument['kind'], 'EPCISMasterDataDocument'> {
  const { type } = head;
  if (type === 'EPCISDocument' || type === 'EPCISQueryDocument') return type;
  if (bareAllowed && typeof type === 'string') return 'event';
  throw new LotlineError('EV-SCHEMA', type === undefined ? 'the document has no type' : `the document's type is ${quoted(type)}`, {
    at: '/type',
    fix:
      typeof type === 'string' && STANDARD_TYPES.has(type)
        ? 'Put the event into the eventList of an EPCISDocument.'
        : 'Set type to EPCISDocument or EPCISQueryDocument.',
  });
}

function missingContext(what: string): LotlineError {
  return new LotlineError('EV-CONTEXT', `${what} has no @context`, {
    at: '/@context',
    fix: 'Add "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"].',
  });
}

/** What readers of either syntax say of a document. */
export function headerOf(head: JsonObject): DocumentHeader {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const body = isObject(head['epcisBody']) ? head['epcisBody'] : {};
  const results = isObject(body['queryResults']) ? body['queryResults'] : {};
  const found = isObject(results['resultsBody']) ? results['resultsBody']['vocabularyList'] : undefined;
  return {
    schemaVersion: text(head['schemaVersion']),
    creationDate: text(head['creationDate']),
    sender: text(head['sender']),
    receiver: text(head['receiver']),
    instanceIdentifier: text(head['instanceIdentifier']),
    queryName: text(results['queryName']),
    subscriptionID: text(results['subscriptionID']),
    epcisHeader: isObject(head['epcisHeader']) ? head['epcisHeader'] : Array.isArray(found) ? masterDataHeader(found) : null,
    extensions: Object.fromEntries(Object.entries(head).filter(([member]) => member.includes(':'))),
    context: JSON.stringify(head['@context']),
  };
}

/** What a master data query has found (MD-8) is told as master data that came in a header. */
function masterDataHeader(vocabularyList: readonly unknown[]): JsonObject {
  return { epcisMasterData: { vocabularyList } };
}

function readEvent(
  text: Buffer,
  span: EventSpan,
  index: number,
  at: string,
  documentScope: Scope,
  options: ReadOptions,
): ReadEvent | RefusedEvent {
  const place = { index, at, start: span.start, end: span.end };
  const slice = text.toString('utf8', span.start, span.end);
  // A bare event's context was read as the document's.
  const read = readEventText(slice, at, documentScope, { ...options, ownContext: at !== '', inexact: span.inexact });
  if ('errors' in read) return { ...place, ...read };
  const { breaches } = read;
  if (span.hashBesideId) {
    breaches.push({
      code: 'EV-RULE',
      at: `${at}/eventID`,
      message: 'eventID stands twice; the first is an event hash, the second names the event',
    });
  }
  return { ...place, ...read };
}

export type EventTextOptions = Pick<ReadOptions, 'wantHashes' | 'contexts'> & {
  /** Whether the event's own `@context` is still to be read. */
  readonly ownContext: boolean;
  /** Whether it has a number that a double does not give back as written. */
  readonly inexact: boolean;
};

/** What one event's JSON text says, or everything that is wrong with it; places begin with `at`. The scope says what syntax it was sent in. */
export function readEventText(
  text: string,
  at: string,
  documentScope: Scope,
  options: EventTextOptions,
):
  | (Pick<ReadEvent, 'event' | 'fields' | 'hash' | 'identityDigest' | 'identity' | 'sensors'> & { breaches: RuleBreach[] })
  | Pick<RefusedEvent, 'errors' | 'eventID'> {
  const json: unknown = JSON.parse(text);
  const faults = new Faults();
  const refused = () => ({
    errors: faults.list,
    eventID: isObject(json) && typeof json['eventID'] === 'string' ? json['eventID'] : null,
  });
  if (!isObject(json)) {
    faults.add('EV-SCHEMA', 'an event must be an object', at, 'Write the event as a JSON object.');
    return refused();
  }
  const own = options.ownContext ? json['@context'] : undefined;
  const scope =
    own === undefined
      ? documentScope
      : faults.try('', () => readContext(own, `${at}/@context`, { outer: documentScope, known: options.contexts }));
  if (scope === undefined) return refused();
  const shape = eventShape(json, at, scope, faults);
  if (shape === undefined) return refused();
  const breaches: RuleBreach[] = [];
  checkObject(shape, withoutForeignDisposition(shape, json, at, scope, faults, breaches), at, scope, faults);
  const event = interpretEvent(json, at, scope, faults, breaches);
  checkEventRules(shape, json, event, at, faults);
  if (faults.list.length > 0) return refused();
  const fields = readEventFields(json, event, scope.prefixes);
  const ofIdentity = fields.some(({ field }) => field.includes(IDENTITY_NAMESPACE));
  if (ofIdentity) checkPersonalTexts(json, at, faults);
  if (faults.list.length > 0) return refused();
  findBreaches(json, at, scope, breaches);
  const prints =
    options.wantHashes === false
      ? { hash: NO_HASH, identityDigest: NO_HASH }
      : fingerprints(options.inexact ? (parseExactJson(text) as JsonObject) : json, scope.prefixes);
  const { sensorElementList } = json;
  return {
    event,
    fields,
    ...prints,
    breaches,
    identity: ofIdentity ? identityMembers(json, scope.prefixes) : null,
    ...(Array.isArray(sensorElementList) && { sensors: sensorElementList as unknown[] }),
  };
}

const IDENTITY_NAMESPACE = 'urn:lotline:identity:';

function identityMembers(json: JsonObject, prefixes: Prefixes): IdentityMembers {
  const membersOf = (members: unknown) => {
    const found: Record<string, unknown> = {};
    if (!isObject(members)) return found;
    for (const [member, value] of Object.entries(members)) {
      const name = readName(member, prefixes);
      if (typeof name === 'object' && name.namespace === IDENTITY_NAMESPACE) found[name.local] = value;
    }
    return found;
  };
  return { event: membersOf(json), ilmd: membersOf(json['ilmd']) };
}

/**
 * DM-5: persistentDisposition belongs to object and transformation events. The XSD and older official examples have it elsewhere too, so that in XML
 * it is told and kept, where JSON refuses it.
 */
function withoutForeignDisposition(
  shape: EventShapeName,
  json: JsonObject,
  at: string,
  scope: Scope,
  faults: Faults,
  breaches: RuleBreach[],
): JsonObject {
  const foreign = shape === 'AggregationEvent' || shape === 'TransactionEvent' || shape === 'AssociationEvent';
  if (scope.syntax === 'json' || !foreign || json['persistentDisposition'] === undefined) return json;
  const { persistentDisposition, ...rest } = json;
  const here = `${at}/persistentDisposition`;
  checkObject('persistentDisposition', persistentDisposition, here, scope, faults);
  breaches.push({ code: 'EV-RULE', at: here, message: `persistentDisposition does not belong in ${shapeOf(shape).name} (DM-5)` });
  return rest;
}

function eventShape(json: JsonObject, at: string, scope: Scope, faults: Faults): EventShapeName | undefined {
  const { type } = json;
  if (typeof type === 'string' && STANDARD_TYPES.has(type)) return type as EventShapeName;
  const here = `${at}/type`;
  if (typeof type !== 'string') {
    faults.add(
      'EV-SCHEMA',
      type === undefined ? 'the event has no type' : 'type must be a string',
      here,
      'Set type to an event type such as ObjectEvent.',
    );
    return undefined;
  }
  const name = scope.readName(type);
  if (name === 'undeclared') {
    faults.add('EV-CONTEXT', `the prefix of ${quoted(type)} is not declared`, here, 'Declare the prefix in @context.');
    return undefined;
  }
  if (name === 'bare' || name.namespace === 'https://ref.gs1.org/epcis/') {
    faults.add(
      'EV-SCHEMA',
      `${quoted(type)} is no event type`,
      here,
      `Use ${[...STANDARD_TYPES].join(', ')}, or a type of your own with a declared prefix.`,
    );
    return undefined;
  }
  return 'extensionEvent';
}
