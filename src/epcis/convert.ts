import { isRefused, type ReadDocument, type ReadOptions, type RefusedEvent } from './json/read.ts';
import { writeEvent } from './json/write.ts';
import type { ReadEvent } from './model.ts';
import { type EitherDocument, type EventAsJson, readEitherSyntax } from './syntax.ts';
import { documentToXmlPieces, masterDataDocumentToXml, queryDocumentToXml, queryDocumentToXmlPieces } from './xml/document.ts';
import { type XmlNotes, type XmlVersion, XSI_NAMESPACE } from './xml/element.ts';
import { eventToXml, type WrittenXml } from './xml/from-json.ts';
import { EPCIS_NAMESPACE } from './xml/members.ts';
import { xmlEventAsJson, xmlEventToElement } from './xml/read.ts';
import { serializeXml } from './xml/serialize.ts';
import type { XmlElement } from './xml/tree.ts';
import { changeVersion } from './xml/upgrade.ts';

/** EPCIS 2.0 in JSON-LD or XML, or the XML of 1.2. */
export const CONVERSION_TARGETS = ['json', 'xml', 'xml-1.2'] as const;
export type ConversionTarget = (typeof CONVERSION_TARGETS)[number];

/** What the target form could not hold as it stood: said once, with the first place and how many there are. */
export type ConversionNote = { readonly what: string; readonly index: number | null; readonly at: string; readonly count: number };

export type Conversion = {
  readonly document: ReadDocument;
  /** The text of the document in the other form. Events are read as it is asked for, so that memory holds the bytes and some events. */
  readonly pieces: Generator<string, void, undefined>;
  /** Both are whole when the text is. With a refused event the text is of no use: it lacks that event. */
  readonly refused: readonly RefusedEvent[];
  readonly notes: () => readonly ConversionNote[];
};

/** How far the text is: the byte behind the event that was read last. */
type Watch = (offset: number) => void;

export type ConversionOptions = {
  /** The time that a document is made at which does not say so itself. */
  readonly now: string;
  /** Spaces for each level of XML; without it all stands in one line. */
  readonly indent?: number | undefined;
  readonly watch?: Watch;
};

/**
 * A document of EPCIS in another form (§5.2, X-9, X-10): from JSON or XML of any release to JSON or XML. A bare event stays one. What refuses the
 * document as a whole throws.
 */
export function convertDocument(
  bytes: Uint8Array,
  to: ConversionTarget,
  { now, indent, watch = () => {}, ...options }: ReadOptions & ConversionOptions,
): Conversion {
  const either = readEitherSyntax(bytes, { bare: true, wantHashes: false, ...options });
  const converter = new Converter(bytes, either, now, watch);
  const pieces = to === 'json' ? converter.json() : converter.xml(to === 'xml' ? '2.0' : '1.2', indent);
  return { document: either.document, pieces, refused: converter.refused, notes: () => [...converter.notes.values()] };
}

class Converter {
  readonly refused: RefusedEvent[] = [];
  readonly notes = new Map<string, ConversionNote>();
  private readonly bytes: Buffer;
  private readonly either: EitherDocument;
  private readonly now: string;
  private readonly watch: Watch;

  constructor(bytes: Uint8Array, either: EitherDocument, now: string, watch: Watch) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.either = either;
    this.now = now;
    this.watch = watch;
  }

  *json(): Generator<string, void, undefined> {
    const { syntax, document } = this.either;
    if (syntax === 'json') yield* this.asItIs();
    else if (document.kind === 'event') for (const event of this.events()) yield this.bareJson(event);
    else {
      const [head, tail] = this.jsonAround();
      yield head;
      let between = '\n';
      for (const event of this.events()) {
        yield between + this.eventJson(event);
        between = ',\n';
      }
      yield tail;
    }
  }

  *xml(version: XmlVersion, indent: number | undefined): Generator<string, void, undefined> {
    const { document, prefixes } = this.either;
    const { kind, header } = document;
    const layout = { declaration: true, ...(indent !== undefined && { indent }) };
    const creationDate = this.creationDate();
    const parts = { ...header, version, prefixes, creationDate, header: header.epcisHeader };
    if (kind === 'event') {
      for (const element of this.elements(version)) yield serializeXml(element, layout);
    } else if (kind === 'EPCISMasterDataDocument') {
      const { element, notes } = masterDataDocumentToXml(parts);
      this.say(null, notes);
      yield serializeXml(element, layout);
    } else if (kind === 'EPCISDocument') {
      yield* this.told(documentToXmlPieces({ ...parts, events: this.elements(version) }, layout));
    } else {
      const { queryName, subscriptionID } = header;
      const query = { version, prefixes, creationDate, queryName: queryName ?? '', ...(subscriptionID !== null && { subscriptionID }) };
      const found = this.vocabularyList();
      if (found === null) yield* this.told(queryDocumentToXmlPieces({ ...query, results: { events: this.elements(version) } }, layout));
      else {
        const { element, notes } = queryDocumentToXml({ ...query, results: { vocabularyList: found } });
        this.say(null, notes);
        yield serializeXml(element, layout);
      }
    }
    yield '\n';
  }

  private *told({ pieces, notes }: { pieces: Iterable<string>; notes: XmlNotes }): Generator<string, void, undefined> {
    yield* pieces;
    this.say(null, notes.list);
  }

  /** The events that are not refused. */
  private *events(): Generator<ReadEvent, void, undefined> {
    for (const item of this.either.document.events()) {
      if (isRefused(item)) this.refused.push(item);
      else {
        // What XML, and that of 1.x above all, lets pass and the other forms may not.
        if (this.either.syntax === 'xml')
          this.say(
            item.index,
            item.breaches.map(({ at, message }) => ({ at, what: message })),
          );
        yield item;
      }
      this.watch(item.end);
    }
  }

  private *elements(version: XmlVersion): Generator<XmlElement, void, undefined> {
    const { syntax, document, asJson } = this.either;
    for (const event of this.events()) {
      const { element, notes } =
        syntax === 'xml'
          ? changeVersion(xmlEventToElement(this.bytesOf(event), document.header.context), version)
          : jsonEventToXml(asJson(event), version);
      this.say(event.index, notes);
      yield element;
    }
  }

  /** JSON stays as it was sent, byte for byte. */
  private *asItIs(): Generator<string, void, undefined> {
    let from = 0;
    for (const { end } of this.events()) {
      yield this.bytes.toString('utf8', from, end);
      from = end;
    }
    yield this.bytes.toString('utf8', from);
  }

  private eventJson(event: ReadEvent): string {
    const { text, lost } = xmlEventAsJson(this.bytesOf(event), this.either.document.header.context);
    this.say(
      event.index,
      lost.map((at) => ({ at, what: 'JSON has no place for attributes of such elements; they are left out' })),
    );
    return text;
  }

  private bareJson(event: ReadEvent): string {
    const text = this.eventJson(event);
    const own = (JSON.parse(text) as { '@context'?: unknown })['@context'];
    const outer = [JSON.parse(this.either.document.header.context)].flat() as unknown[];
    return `${writeEvent(text, { context: JSON.stringify(own === undefined ? outer : [...outer, own]) })}\n`;
  }

  /** What stands before and behind the events. */
  private jsonAround(): [string, string] {
    const { kind, header } = this.either.document;
    const { creationDate, instanceIdentifier, sender, receiver, queryName, subscriptionID, epcisHeader } = header;
    const head = {
      '@context': contextOf(header.context),
      type: kind === 'EPCISQueryDocument' ? kind : 'EPCISDocument',
      schemaVersion: '2.0',
      creationDate,
    };
    if (kind === 'EPCISQueryDocument') {
      if (queryName === null)
        this.say(null, [{ at: '/epcisBody/queryResults/queryName', what: 'the query has no name, which JSON demands; it is left empty' }]);
      const results = withoutNull({ queryName: queryName ?? '', subscriptionID });
      const vocabularyList = this.vocabularyList();
      const found = vocabularyList === null ? '' : `,"vocabularyList":${JSON.stringify(vocabularyList)}`;
      const before = `${opened(withoutNull(head))}"epcisBody":{"queryResults":${opened(results)}"resultsBody":{"eventList":[`;
      return [before, `\n]${found}}}}}\n`];
    }
    if (kind === 'EPCISMasterDataDocument')
      this.say(null, [{ at: '', what: 'JSON has no document of master data alone; it becomes an EPCISDocument without events' }]);
    const whole = withoutNull({ ...head, instanceIdentifier, sender, receiver, epcisHeader });
    return [`${opened(whole)}"epcisBody":{"eventList":[`, '\n]}}\n'];
  }

  /** What a master data query has found (MD-8). */
  private vocabularyList(): readonly unknown[] | null {
    const { kind, header } = this.either.document;
    const masterData = header.epcisHeader?.['epcisMasterData'] as { vocabularyList?: unknown[] } | undefined;
    return kind === 'EPCISQueryDocument' && masterData?.vocabularyList !== undefined ? masterData.vocabularyList : null;
  }

  /** When the document was made: XML demands it, JSON does not of query documents (DOC-2). */
  private creationDate(): string {
    const { kind, header } = this.either.document;
    if (header.creationDate !== null) return header.creationDate;
    if (kind !== 'event')
      this.say(null, [{ at: '/creationDate', what: 'the document does not say when it was made, which XML demands; it is now' }]);
    return this.now;
  }

  private bytesOf({ start, end }: ReadEvent): Uint8Array {
    return this.bytes.subarray(start, end);
  }

  private say(index: number | null, notes: readonly { readonly at: string; readonly what: string }[]): void {
    for (const { at, what } of notes) {
      const known = this.notes.get(what);
      if (known !== undefined) this.notes.set(what, { ...known, count: known.count + 1 });
      else if (this.notes.size < NOTES_MAX) this.notes.set(what, { what, index, at, count: 1 });
    }
  }
}

/** Different notes of one document; past these they say nothing new. */
const NOTES_MAX = 100;

function jsonEventToXml({ json, prefixes }: EventAsJson, version: XmlVersion): WrittenXml {
  return eventToXml(json, { version, prefixes });
}

/** The context of an XML document, without the namespaces that only XML has a use for. */
function contextOf(contextText: string): unknown {
  const parts = [JSON.parse(contextText)].flat() as (string | Record<string, string>)[];
  const useful = parts.map((part) =>
    typeof part === 'string'
      ? part
      : Object.fromEntries(Object.entries(part).filter(([, uri]) => !(EPCIS_NAMESPACE.test(uri) || uri === XSI_NAMESPACE))),
  );
  return useful.filter((part) => typeof part === 'string' || Object.keys(part).length > 0);
}

/** An object as JSON, open for more members. */
function opened(members: object): string {
  return `${JSON.stringify(members).slice(0, -1)},`;
}

function withoutNull(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}
