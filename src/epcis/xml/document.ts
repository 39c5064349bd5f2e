import { ExactNumber, parseExactJson } from '../hash/exact-number.ts';
import type { JsonObject } from '../json/json-object.ts';
import { isObject } from '../json/json-object.ts';
import { EPCIS_PREFIXES, type Prefixes } from '../prefixes.ts';
import {
  plainAttribute,
  plainElement,
  qualifiedElement,
  SBDH_NAMESPACE,
  textElement,
  XmlNotes,
  type XmlVersion,
  XSI_NAMESPACE,
} from './element.ts';
import { JsonToXml, type WrittenXml } from './from-json.ts';
import { wrapEvent } from './layout.ts';
import { type SerializeOptions, serializeXmlPieces } from './serialize.ts';
import type { XmlElement } from './tree.ts';
import { masterDataAttributeId } from './written-names.ts';

export type XmlDocumentParts = {
  readonly version: XmlVersion;
  readonly creationDate: string;
  /** Event elements in the form of `version`, each declaring what it uses (`eventToXml`, `changeVersion` with `standAlone`). */
  readonly events: Iterable<XmlElement>;
  readonly sender?: string | null;
  readonly receiver?: string | null;
  readonly instanceIdentifier?: string | null;
  /** `epcisHeader` of JSON, or its text: master data and members of other namespaces. A business document header among them is written as it is. */
  readonly header?: JsonObject | string | null;
  /** Members of other namespaces of the document itself. */
  readonly extensions?: JsonObject;
  /** What prefixes stand for in `header` and `extensions`; the EPCIS context's own when left out. */
  readonly prefixes?: Prefixes;
};

export type XmlQueryDocumentParts = Pick<XmlDocumentParts, 'version' | 'creationDate' | 'prefixes'> & {
  readonly queryName: string;
  /** Present exactly when the result is delivered for a subscription (DOC-5). */
  readonly subscriptionID?: string;
  /** One or the other (DOC-8): events, or the `vocabularyList` of JSON. */
  readonly results: { readonly events: Iterable<XmlElement> } | { readonly vocabularyList: readonly unknown[] };
};

/**
 * A whole EPCISDocument (DOC-7, X-1, X-3). Prefixes that events declare stand on the root, the first meaning of each; an event with another meaning
 * keeps its own. Members of other namespaces in the header stand in EPCISHeader in 1.2 and after EPCISBody in 2.0, which has no place for them
 * there (P-1, told in `notes`). The notes of the events are with who made them.
 */
export function documentToXml(parts: XmlDocumentParts): WrittenXml {
  const list = new EventList(parts.version, parts.events);
  return around('EPCISDocument', parts, { body: () => list.body, declares: list.declares, notes: list.notes });
}

/** The text of a document piece by piece, and what there is to say of it: of events beside the list, as the text is asked for. */
export type XmlPieces = { readonly pieces: Generator<string, void, undefined>; readonly notes: XmlNotes };

/** Events that are looked at before the document begins: what they declare stands on its root. */
const LOOKED_AT = 256;

/** documentToXml for more events than are to be in memory at once. */
export function documentToXmlPieces(parts: XmlDocumentParts, options: SerializeOptions = {}): XmlPieces {
  const events = parts.events[Symbol.iterator]();
  const list = new EventList(parts.version, next(events, LOOKED_AT));
  const { element } = around('EPCISDocument', parts, { body: () => list.body, declares: list.declares, notes: list.notes });
  return { pieces: serializeXmlPieces(element, { into: list.element, fill: list.fill(events) }, options), notes: list.notes };
}

/**
 * A whole EPCISMasterDataDocument (§1): the vocabularies of the header are its body. Everything else is as in an EPCISDocument.
 */
export function masterDataDocumentToXml(parts: Omit<XmlDocumentParts, 'events'>): WrittenXml {
  return around('EPCISMasterDataDocument', parts, { body: (vocabularies) => vocabularies, declares: {}, notes: new XmlNotes() });
}

const FAMILIES = {
  EPCISDocument: { prefix: 'epcis', uri: 'urn:epcglobal:epcis:xsd' },
  EPCISMasterDataDocument: { prefix: 'epcismd', uri: 'urn:epcglobal:epcis-masterdata:xsd' },
};

function around(
  kind: keyof typeof FAMILIES,
  parts: Omit<XmlDocumentParts, 'events'>,
  content: {
    readonly body: (vocabularies: readonly XmlElement[]) => readonly XmlElement[];
    readonly declares: Readonly<Record<string, string>>;
    readonly notes: XmlNotes;
  },
): WrittenXml {
  const { version } = parts;
  const { notes } = content;
  const writer = new JsonToXml(parts.prefixes ?? EPCIS_PREFIXES, notes, 'No_Preference');
  const { epcisMasterData, ...header } = headerMembers(parts.header);
  const vocabularies = isObject(epcisMasterData) ? [masterDataVocabularies(epcisMasterData, writer, parts)] : [];
  const { businessHeaders, inHeader } = headerExtensions(header, writer);
  const foreign = parts.extensions === undefined ? [] : writer.extensions(parts.extensions, '');
  const extension =
    kind === 'EPCISDocument' && vocabularies.length > 0 ? [plainElement('extension', [plainElement('EPCISMasterData', vocabularies)])] : [];
  const hasHeader = extension.length > 0 || inHeader.length > 0;
  const business = businessHeaders.length > 0 ? businessHeaders.slice(0, 1) : businessHeader(parts, hasHeader, notes);
  const headerChildren = [...business, ...extension, ...(version === '1.2' ? inHeader : [])];
  if (version === '2.0' && inHeader.length > 0) {
    notes.add('/epcisHeader', 'EPCIS 2.0 XML takes no elements of other namespaces in EPCISHeader; they stand after EPCISBody');
  }
  const children = [
    ...(headerChildren.length === 0 ? [] : [plainElement('EPCISHeader', headerChildren)]),
    plainElement('EPCISBody', content.body(vocabularies)),
    ...(version === '2.0' ? inHeader : []),
    ...foreign,
  ];
  const { prefix, uri } = FAMILIES[kind];
  const declares = { ...content.declares, ...writer.names.declares() };
  return { element: root(prefix, `${uri}:${version === '2.0' ? 2 : 1}`, kind, children, parts, declares), notes: notes.list };
}

/** The members of other namespaces. A business document header that came in XML is one of them, and goes back to its own place. */
function headerExtensions(
  header: JsonObject,
  writer: JsonToXml,
): { readonly businessHeaders: readonly XmlElement[]; readonly inHeader: readonly XmlElement[] } {
  const all = writer.extensions(header, '/epcisHeader');
  const isBusiness = ({ uri, local }: XmlElement) => uri === SBDH_NAMESPACE && local === 'StandardBusinessDocumentHeader';
  return { businessHeaders: all.filter(isBusiness), inHeader: all.filter((element) => !isBusiness(element)) };
}

/** A whole EPCISQueryDocument with the results of a query (DOC-8): only it and QueryResults are in a namespace. */
export function queryDocumentToXml(parts: XmlQueryDocumentParts): WrittenXml {
  if ('events' in parts.results) {
    const list = new EventList(parts.version, parts.results.events, 'left out');
    return aroundResults(parts, list.element, list.declares, list.notes);
  }
  const notes = new XmlNotes();
  const writer = new JsonToXml(parts.prefixes ?? EPCIS_PREFIXES, notes, 'No_Preference');
  const vocabularies = vocabularyList(parts.results.vocabularyList, writer, parts, '');
  return aroundResults(parts, vocabularies, writer.names.declares(), notes);
}

/** queryDocumentToXml for more events than are to be in memory at once. */
export function queryDocumentToXmlPieces(
  parts: XmlQueryDocumentParts & { readonly results: { readonly events: Iterable<XmlElement> } },
  options: SerializeOptions = {},
): XmlPieces {
  const events = parts.results.events[Symbol.iterator]();
  const list = new EventList(parts.version, next(events, LOOKED_AT), 'left out');
  const { element } = aroundResults(parts, list.element, list.declares, list.notes);
  return { pieces: serializeXmlPieces(element, { into: list.element, fill: list.fill(events) }, options), notes: list.notes };
}

function aroundResults(
  parts: XmlQueryDocumentParts,
  content: XmlElement,
  declares: Readonly<Record<string, string>>,
  notes: XmlNotes,
): WrittenXml {
  const uri = `urn:epcglobal:epcis-query:xsd:${parts.version === '2.0' ? 2 : 1}`;
  const queryResults = qualifiedElement('epcisq', uri, 'QueryResults', [
    textElement('queryName', parts.queryName),
    ...(parts.subscriptionID === undefined ? [] : [textElement('subscriptionID', parts.subscriptionID)]),
    plainElement('resultsBody', [content]),
  ]);
  const children = [plainElement('EPCISBody', [queryResults])];
  return { element: root('epcisq', uri, 'EPCISQueryDocument', children, parts, declares), notes: notes.list };
}

function root(
  prefix: string,
  uri: string,
  local: string,
  children: readonly XmlElement[],
  parts: Pick<XmlDocumentParts, 'version' | 'creationDate'>,
  declares: Readonly<Record<string, string>>,
): XmlElement {
  const attributes = [plainAttribute('schemaVersion', parts.version), plainAttribute('creationDate', parts.creationDate)];
  return { ...qualifiedElement(prefix, uri, local, children, attributes), declares: { ...declares, [prefix]: uri } };
}

/**
 * The EventList, and what the events in it declare. 1.2 takes events of other types only beside the list, and in query results nowhere: `foreign`
 * says which.
 */
class EventList {
  readonly element: XmlElement;
  /** What EPCISBody holds: the list, and behind it the events that it does not take, as they come. */
  readonly body: XmlElement[];
  readonly declares: Record<string, string> = {};
  readonly notes = new XmlNotes();
  private readonly version: XmlVersion;
  private readonly foreign: 'beside' | 'left out';

  constructor(version: XmlVersion, events: Iterable<XmlElement>, foreign: 'beside' | 'left out' = 'beside') {
    this.version = version;
    this.foreign = foreign;
    const children: XmlElement[] = [];
    this.element = plainElement('EventList', children);
    this.body = [this.element];
    for (const event of events) {
      for (const [prefix, uri] of Object.entries(event.declares)) if (prefix !== '') this.declares[prefix] ??= uri;
      children.push(...this.place(event));
    }
  }

  /** Further events, for the list or, as they are asked for, beside it. */
  *fill(events: Iterator<XmlElement>): Generator<XmlElement, void, undefined> {
    for (let one = events.next(); one.done !== true; one = events.next()) yield* this.place(one.value);
  }

  /** The event as the list holds it. */
  private place(event: XmlElement): readonly XmlElement[] {
    if (event.uri === '' || this.version === '2.0') return [wrapEvent(event, this.version)];
    if (this.foreign === 'beside') {
      this.body.push(event);
      this.notes.add(event.name, 'EPCIS 1.2 takes no event of another type in its EventList; it stands beside it in EPCISBody');
    } else this.notes.add(event.name, 'EPCIS 1.2 takes no event of another type in query results; it is left out');
    return [];
  }
}

function next(events: Iterator<XmlElement>, count: number): readonly XmlElement[] {
  const taken: XmlElement[] = [];
  for (let one = events.next(); one.done !== true; one = events.next()) {
    taken.push(one.value);
    if (taken.length === count) break;
  }
  return taken;
}

// ── Header ───────────────────────────────────────────────────────────────────────────────────

function headerMembers(header: XmlDocumentParts['header']): JsonObject {
  if (header === null || header === undefined) return {};
  return typeof header === 'string' ? (parseExactJson(header) as JsonObject) : header;
}

/** 2.0 writes one only when there is something to say; 1.2 demands it of every header. */
function businessHeader(parts: Omit<XmlDocumentParts, 'events'>, hasHeader: boolean, notes: XmlNotes): readonly XmlElement[] {
  const { sender, receiver, instanceIdentifier, version, creationDate } = parts;
  const says = [sender, receiver, instanceIdentifier].some((one) => one !== null && one !== undefined);
  if (!says && !(version === '1.2' && hasHeader)) return [];
  const known = (value: string | null | undefined, name: string) => {
    if (value === null || value === undefined)
      notes.add(`/${name}`, `the StandardBusinessDocumentHeader demands a ${name}; it is left empty`);
    return value ?? '';
  };
  const element = (local: string, children: readonly (XmlElement | string)[]) => qualifiedElement('sbdh', SBDH_NAMESPACE, local, children);
  const text = (local: string, value: string) => element(local, value === '' ? [] : [value]);
  const partner = (local: string, value: string) =>
    element(local, [{ ...text('Identifier', value), attributes: isGs1Party(value) ? [plainAttribute('Authority', 'GS1')] : [] }]);
  return [
    element('StandardBusinessDocumentHeader', [
      text('HeaderVersion', '1.0'),
      partner('Sender', known(sender, 'sender')),
      partner('Receiver', known(receiver, 'receiver')),
      element('DocumentIdentification', [
        text('Standard', 'EPCglobal'),
        text('TypeVersion', version === '1.2' ? '1.0' : version),
        text('InstanceIdentifier', known(instanceIdentifier, 'instanceIdentifier')),
        text('Type', 'Events'),
        text('CreationDateAndTime', creationDate),
      ]),
    ]),
  ];
}

function isGs1Party(value: string): boolean {
  return /^urn:epc:id:(?:sgln|pgln):/.test(value) || value.startsWith('https://id.gs1.org/');
}

// ── Master data ────────────────────────────────────────────────────────────────────────

type Scoped = { readonly prefixes?: Prefixes };

function masterDataVocabularies(masterData: JsonObject, writer: JsonToXml, scope: Scoped): XmlElement {
  const list = Array.isArray(masterData['vocabularyList']) ? masterData['vocabularyList'] : [];
  return vocabularyList(list, writer, scope, '/epcisHeader/epcisMasterData');
}

function vocabularyList(list: readonly unknown[], writer: JsonToXml, scope: Scoped, at: string): XmlElement {
  const vocabularies = list.filter(isObject).map((vocabulary, i) => {
    const here = `${at}/vocabularyList/${i}`;
    const elements = objects(vocabulary['vocabularyElementList']).map((one, j) =>
      vocabularyElement(one, writer, scope, `${here}/vocabularyElementList/${j}`),
    );
    const children = [
      ...(elements.length === 0 ? [] : [plainElement('VocabularyElementList', elements)]),
      ...writer.extensions(vocabulary, here),
    ];
    return plainElement('Vocabulary', children, [plainAttribute('type', text(vocabulary['type']))]);
  });
  return plainElement('VocabularyList', vocabularies);
}

function vocabularyElement(element: JsonObject, writer: JsonToXml, scope: Scoped, at: string): XmlElement {
  const attributes = objects(element['attributes']).flatMap((one, i) => masterDataAttribute(one, writer, scope, `${at}/attributes/${i}`));
  const ids = Array.isArray(element['children']) ? element['children'].map((id) => textElement('id', text(id))) : [];
  const children = [...attributes, ...(ids.length === 0 ? [] : [plainElement('children', ids)]), ...writer.extensions(element, at)];
  return plainElement('VocabularyElement', children, [plainAttribute('id', text(element['id']))]);
}

/** The schema gives `attribute` a type of its own, so that a number cannot say here that it is one. A list gives one attribute for each entry. */
function masterDataAttribute(attribute: JsonObject, writer: JsonToXml, scope: Scoped, at: string): readonly XmlElement[] {
  const id = plainAttribute('id', masterDataAttributeId(text(attribute['id']), scope.prefixes ?? EPCIS_PREFIXES));
  const value = attribute['attribute'];
  return (Array.isArray(value) ? value : [value]).map((one: unknown) => {
    if (!isObject(one) || one instanceof ExactNumber)
      return { ...textElement('attribute', writer.text(one, `${at}/attribute`)), attributes: [id] };
    const content = writer.content(one, `${at}/attribute`);
    return plainElement('attribute', content.children, [id, ...content.attributes.filter(({ uri }) => uri !== XSI_NAMESPACE)]);
  });
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
