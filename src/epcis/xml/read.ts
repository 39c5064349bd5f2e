import { LotlineError } from '../../errors.ts';
import { checkObject } from '../json/check.ts';
import { readContext, type Scope } from '../json/context.ts';
import { FAULTS_MAX, Faults } from '../json/faults.ts';
import type { JsonObject } from '../json/json-object.ts';
import { headerOf, type ReadDocument, type ReadOptions, type RefusedEvent, readEventText } from '../json/read.ts';
import type { ReadEvent } from '../model.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { headToJson, headXpath } from './header.ts';
import { EPCIS_NAMESPACE, unqualifiedEvent, xpathOf } from './members.ts';
import { DocumentNames, Names } from './names.ts';
import { parseXml } from './parse.ts';
import { standAlone } from './serialize.ts';
import { type SplitXml, splitXml, unqualified, type XmlEventSpan } from './split.ts';
import { type EventJson, eventToJson } from './to-json.ts';
import type { XmlElement } from './tree.ts';

/**
 * Reads an EPCIS document in XML, 2.0 or 1.x (epcis-2.0.md §5), through the same checks, to the same model and hashes as readDocument. The text is
 * walked once before this returns; events are parsed as they are asked for, so memory holds the bytes, what stands around the events, and one event.
 * Faults of the document throw (`EV-SYNTAX`, `EV-SCHEMA`, `EV-CONTEXT`, `REQ-LIMIT`), faults of one event come with that event; places are XPaths.
 * `header.context` is a JSON-LD context with which xmlEventToJson reads any event of the document by its own bytes.
 */
export function readXmlDocument(bytes: Uint8Array, options: ReadOptions & { readonly chunkBytes?: number } = {}): ReadDocument {
  const split = splitXml(bytes, options);
  const names = DocumentNames.inScope(split.namespaces);
  const head = split.kind === 'event' ? null : readHead(split, names);
  const context = names.contextText();
  const scope = readContext(JSON.parse(context), '', { syntax: split.version === '1.x' ? 'xml 1.x' : 'xml 2.0' });
  const header = headerOf({ ...head, '@context': JSON.parse(context) });
  if (head !== null) checkHead(head, split, names, scope);
  const { events } = split;
  return {
    kind: split.kind,
    header,
    eventCount: events.length,
    *events() {
      for (let i = 0; i < events.length; i++) yield readSpan(bytes, events[i]!, i, { split, names, scope, options });
    },
  };
}

/**
 * The EPCIS 2.0 JSON text of an event kept as XML, by `header.context` of the document it came in. Its own `@context` holds only what that context
 * does not say. Throws what parsing throws, since the event was read before.
 */
export function xmlEventToJson(body: Uint8Array, contextText: string): string {
  return xmlEventAsJson(body, contextText).text;
}

/** The same, and what of the event JSON has no place for: attributes of elements that take none, as `element/@name`. */
export function xmlEventAsJson(body: Uint8Array, contextText: string): { readonly text: string; readonly lost: readonly string[] } {
  const document = DocumentNames.ofContext(contextText);
  const element = parseXml(body, { namespaces: document.namespaces() });
  // What a release does not take was refused when the event was read.
  const reading = { tellPlaces: false, version: '1.x', told: true } as const;
  const { text, reader } = eventToJson(element, new Names(document), `/${element.name}`, reading);
  return { text, lost: reader.lost };
}

/** The element of an event kept as XML, by `header.context` of its document, with the declarations that it needs to stand elsewhere. */
export function xmlEventToElement(body: Uint8Array, contextText: string): XmlElement {
  const namespaces = DocumentNames.ofContext(contextText).namespaces();
  const element = unqualifiedEvent(parseXml(body, { namespaces }));
  // In JSON-LD the prefix means another namespace than xsi:type does; a document that declares it has it under its own name.
  const { xsd, ...others } = namespaces;
  return standAlone(element, xsd === EPCIS_PREFIXES.get('xsd') ? others : namespaces);
}

/** The document without events as JSON. What only XML can get wrong throws at once. */
function readHead(split: SplitXml, document: DocumentNames): JsonObject {
  const names = new Names(document);
  const head = headToJson(split, names, false);
  if (head.reader.faults.length > 0) {
    const [first] = headToJson(split, new Names(document), true).reader.faults;
    throw first as LotlineError;
  }
  document.take(names.own);
  return JSON.parse(head.text) as JsonObject;
}

function checkHead(head: JsonObject, split: SplitXml, document: DocumentNames, scope: Scope): void {
  const faults = new Faults();
  const kind = split.kind === 'EPCISQueryDocument' ? split.kind : 'EPCISDocument';
  checkObject(kind, { '@context': [], ...head }, '', scope, faults);
  // Partners send results that do not say what they answer; whoever captures them need not know.
  const first = faults.list.find(({ at }) => at !== '/epcisBody/queryResults/queryName');
  if (first === undefined) return;
  const { reader } = headToJson(split, new Names(document), true);
  throw movedTo(first, headXpath(first.at, { reader, head: split.head }));
}

type Reading = {
  readonly split: SplitXml;
  readonly names: DocumentNames;
  readonly scope: Scope;
  readonly options: ReadOptions;
};

function readSpan(bytes: Uint8Array, span: XmlEventSpan, index: number, reading: Reading): ReadEvent | RefusedEvent {
  const { split, names, scope, options } = reading;
  const place = { index, at: span.at, start: span.start, end: span.end };
  const namespaces = { ...split.namespaces, ...names.namespaces() };
  let element: XmlElement;
  let converted: EventJson;
  try {
    element = parseXml(bytes.subarray(span.start, span.end), { namespaces });
    if (split.kind !== 'event' && EPCIS_NAMESPACE.test(element.uri)) throw unqualified(element.name, '');
    converted = eventToJson(element, new Names(names), span.at, { tellPlaces: false, version: split.version });
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    return { ...place, errors: [movedTo(error, span.at)], eventID: null };
  }
  const { text, inexact, reader } = converted;
  const read = readEventText(text, '', scope, { ...options, ownContext: true, inexact });
  if (!('errors' in read) && reader.faults.length === 0 && read.breaches.length === 0) return { ...place, ...read };
  // Something has to be told: once more, now with the places of things.
  const told = eventToJson(element, new Names(names), span.at, { tellPlaces: true, version: split.version }).reader;
  const xpath = (pointer: string) => xpathOf(pointer, told.places ?? new Map());
  if ('errors' in read || told.faults.length > 0) {
    const known = new Set(told.faults.map(({ at }) => at));
    const errors = ('errors' in read ? read.errors : []).map((error) => movedTo(error, xpath(error.at))).filter(({ at }) => !known.has(at));
    const eventID = 'errors' in read ? read.eventID : read.event.eventID;
    return { ...place, errors: [...told.faults, ...errors].slice(0, FAULTS_MAX), eventID };
  }
  return { ...place, ...read, breaches: read.breaches.map((breach) => ({ ...breach, at: xpath(breach.at) })) };
}

function movedTo(error: LotlineError, at: string): LotlineError {
  const { code, message, things, cause } = error;
  const fix = error.fix.replace(/an? (?:prefix|name with a prefix) declared in @context/, 'an element of a namespace of your own');
  return new LotlineError(code, message, { at, fix, ...(things && { things }), cause });
}
