import { LotlineError } from '../../errors.ts';
import { quoted } from '../uri.ts';
import { TreeBuilder, type WalkOptions, walkXml } from './parse.ts';
import type { XmlElement } from './tree.ts';

/** One event's bytes, end exclusive, from `<ObjectEvent` to `</ObjectEvent>`. */
export type XmlEventSpan = { readonly start: number; readonly end: number /** Its XPath. */; readonly at: string };
export type XmlKind = 'EPCISDocument' | 'EPCISQueryDocument' | 'EPCISMasterDataDocument' | 'event';
export type SplitXml = {
  readonly kind: XmlKind;
  readonly version: '1.x' | '2.0';
  /** The document without its events; for a bare event its own tag. */
  readonly head: XmlElement;
  readonly events: readonly XmlEventSpan[];
  /** Prefixes in scope around the events. */
  readonly namespaces: Readonly<Record<string, string>>;
};
export type SplitOptions = WalkOptions & { readonly maxEvents?: number; readonly bare?: boolean };

const EVENT_TYPES = new Set([
  'ObjectEvent',
  'AggregationEvent',
  'TransactionEvent',
  'TransformationEvent',
  'AssociationEvent',
  'QuantityEvent',
]);
const ROOTS: Readonly<Record<string, XmlKind>> = {
  'epcis EPCISDocument': 'EPCISDocument',
  'epcis-query EPCISQueryDocument': 'EPCISQueryDocument',
  'epcis-masterdata EPCISMasterDataDocument': 'EPCISMasterDataDocument',
};
const NAMESPACE = /^urn:epcglobal:(epcis(?:-query|-masterdata)?):xsd:([12])$/;
/** The way to the event list, below the root; QueryResults may bear the namespace of queries. */
const WAY: Readonly<Record<XmlKind, readonly string[]>> = {
  EPCISDocument: ['EPCISBody', 'EventList'],
  EPCISQueryDocument: ['EPCISBody', 'QueryResults', 'resultsBody', 'EventList'],
  EPCISMasterDataDocument: [],
  event: [],
};

/**
 * Walks an XML document once (DOC-7, DOC-8, X-1): what lies between the events becomes a tree, of the events only the places are kept. Answers to
 * what is no EPCIS document with `EV-SCHEMA`; well-formedness and bounds are walkXml's.
 */
export function splitXml(bytes: Uint8Array, options: SplitOptions = {}): SplitXml {
  const splitter = new Splitter(options);
  walkXml(
    bytes,
    {
      open: (tag, start) => splitter.open(tag, start),
      text: (text) => splitter.text(text),
      close: (end) => splitter.close(end),
    },
    options,
  );
  return splitter.result();
}

type Tag = Omit<XmlElement, 'children'>;

class Splitter {
  private readonly options: SplitOptions;
  private readonly head = new TreeBuilder();
  private readonly events: XmlEventSpan[] = [];
  private readonly tags: Tag[] = [];
  private kind: XmlKind = 'EPCISDocument';
  private version: '1.x' | '2.0' = '2.0';
  /** How many steps of the way to the event list are open. */
  private onWay = 0;
  /** The event list and the wrappers of 1.x that are open inside it. */
  private readonly lists: { readonly at: string; readonly counts: Map<string, number> }[] = [];
  private listsSeen = 0;
  private eventDepth = 0;
  private eventStart = 0;
  private eventAt = '';
  /** An element beside the event list, or in place of a document, that may be an event of somebody's own type: it is one if it says when it happened. */
  private beside: { readonly depth: number; readonly start: number; readonly at: string; hasTime: boolean } | null = null;
  private readonly besideCounts = new Map<string, number>();
  private readonly namespaces = Object.create(null) as Record<string, string>;

  constructor(options: SplitOptions) {
    this.options = options;
  }

  open(tag: Tag, start: () => number): void {
    this.tags.push(tag);
    const depth = this.tags.length;
    if (this.eventDepth > 0) return;
    const list = this.lists.at(-1);
    if (list !== undefined) {
      this.openInList(tag, start, list);
      return;
    }
    this.head.open(tag);
    if (this.beside !== null) {
      if (depth === this.beside.depth + 1 && tag.uri === '' && tag.local === 'eventTime') this.beside.hasTime = true;
      return;
    }
    if (this.isBesideList(tag)) {
      const n = (this.besideCounts.get(tag.name) ?? 0) + 1;
      this.besideCounts.set(tag.name, n);
      this.beside = { depth, start: start(), at: `${this.path()}[${n}]`, hasTime: false };
      return;
    }
    if (depth === 1) this.openRoot(tag, start);
    else if (depth === this.onWay + 2 && this.isOnWay(tag)) {
      this.onWay++;
      if (this.onWay === WAY[this.kind].length) this.openList();
    }
  }

  text(text: string): void {
    if (this.eventDepth > 0) return;
    const list = this.lists.at(-1);
    if (list === undefined) this.head.text(text);
    else if (text.trim() !== '') {
      throw new LotlineError('EV-SCHEMA', 'text stands between the events', { at: list.at, fix: 'Remove the text.' });
    }
  }

  close(end: () => number): void {
    const depth = this.tags.length;
    if (this.beside?.depth === depth) this.closeBeside(this.beside, end);
    this.tags.pop();
    if (this.eventDepth > 0) {
      if (depth > this.eventDepth) return;
      this.events.push({ start: this.eventStart, end: end(), at: this.eventAt });
      this.eventDepth = 0;
      return;
    }
    this.lists.pop(); // inside the list only wrappers close here
    if (this.lists.length > 0) return;
    this.head.close();
    if (depth === this.onWay + 1 && this.onWay > 0) this.onWay--;
  }

  result(): SplitXml {
    const head = this.head.root();
    return {
      kind: this.kind,
      version: this.version,
      head,
      events: this.events,
      namespaces: this.listsSeen > 0 || this.events.length > 0 || this.kind === 'event' ? this.namespaces : head.declares,
    };
  }

  private openRoot(tag: Tag, start: () => number): void {
    const at = `/${tag.name}`;
    const [, family = '', version] = NAMESPACE.exec(tag.uri) ?? [];
    if (version === '1') this.version = '1.x';
    const kind = ROOTS[`${family} ${tag.local}`];
    if (kind !== undefined) {
      this.kind = kind;
      return;
    }
    if (EVENT_TYPES.has(tag.local) && (tag.uri === '' || family === 'epcis')) {
      if (this.options.bare !== true) {
        throw new LotlineError('EV-SCHEMA', `the document is a bare ${tag.local}`, {
          at,
          fix: 'Put the event into the EventList of an EPCISDocument.',
        });
      }
      this.kind = 'event';
      Object.assign(this.namespaces, tag.declares);
      this.eventDepth = 1;
      this.eventStart = start();
      this.eventAt = at;
      return;
    }
    if (this.options.bare !== true || tag.uri === '' || family !== '') throw noDocument(tag);
    this.beside = { depth: 1, start: start(), at, hasTime: false };
  }

  private isOnWay(tag: Tag): boolean {
    const step = WAY[this.kind][this.onWay];
    if (tag.local !== step) return false;
    const family = NAMESPACE.exec(tag.uri)?.[1];
    if (tag.uri === '' || (step === 'QueryResults' && family === 'epcis-query')) return true;
    if (family !== undefined) throw unqualified(tag.name, this.path());
    return false;
  }

  private openList(): void {
    if (this.listsSeen++ > 0)
      throw new LotlineError('EV-SCHEMA', 'EventList stands twice', { at: this.path(), fix: 'Put all events into one EventList.' });
    this.declareScope(this.tags);
    this.lists.push({ at: this.path(), counts: new Map() });
  }

  private openInList(tag: Tag, start: () => number, list: Splitter['lists'][number]): void {
    const n = (list.counts.get(tag.name) ?? 0) + 1;
    list.counts.set(tag.name, n);
    const at = `${list.at}/${tag.name}[${n}]`;
    if (tag.uri === '' && tag.local === 'extension') {
      this.declareAround(tag, at);
      this.lists.push({ at, counts: new Map() });
      return;
    }
    this.checkCount(list.at);
    this.eventDepth = this.tags.length;
    this.eventStart = start();
    this.eventAt = at;
  }

  private checkCount(at: string): void {
    const { maxEvents = Number.POSITIVE_INFINITY } = this.options;
    if (this.events.length < maxEvents) return;
    throw new LotlineError('REQ-LIMIT', `the document has more than ${maxEvents} events`, {
      at,
      fix: `Send at most ${maxEvents} events in one document.`,
    });
  }

  /** 1.x takes events of other types in its EPCISBody or the wrapper there, and not in its list (§5.2). */
  private isBesideList(tag: Tag): boolean {
    if (this.kind !== 'EPCISDocument' || this.version !== '1.x' || this.onWay !== 1 || tag.uri === '' || NAMESPACE.test(tag.uri))
      return false;
    const around = this.tags.at(-2);
    return this.tags.length === 3 || (this.tags.length === 4 && around?.uri === '' && around.local === 'extension');
  }

  private closeBeside(beside: NonNullable<Splitter['beside']>, end: () => number): void {
    this.beside = null;
    if (beside.depth === 1) {
      const root = this.tags[0] as Tag;
      if (!beside.hasTime) throw noDocument(root);
      this.kind = 'event';
      Object.assign(this.namespaces, root.declares);
      this.events.push({ start: beside.start, end: end(), at: beside.at });
      return;
    }
    if (!beside.hasTime) return;
    this.checkCount(beside.at);
    this.declareScope(this.tags.slice(0, -1));
    this.events.push({ start: beside.start, end: end(), at: beside.at });
  }

  private declareScope(around: readonly Tag[]): void {
    const declares = Object.assign({}, ...around.map((tag) => tag.declares)) as Tag['declares'];
    this.declareAround({ name: around.at(-1)?.name ?? '', declares }, this.path());
  }

  /** An event is kept by itself and read again with one context for the whole list: a wrapper cannot give a prefix another meaning. */
  private declareAround(tag: Pick<Tag, 'name' | 'declares'>, at: string): void {
    for (const [prefix, namespace] of Object.entries(tag.declares)) {
      if (Object.hasOwn(this.namespaces, prefix) && this.namespaces[prefix] !== namespace) {
        throw new LotlineError('EV-CONTEXT', `${tag.name} gives the prefix ${quoted(prefix)} another namespace`, {
          at,
          fix: 'Declare the prefix on the event, or choose another one.',
        });
      }
      this.namespaces[prefix] = namespace;
    }
  }

  private path(): string {
    return this.tags.map(({ name }) => `/${name}`).join('');
  }
}

function noDocument(tag: Tag): LotlineError {
  const known = ['EPCISDocument', 'EPCISQueryDocument', 'EPCISMasterDataDocument'].includes(tag.local);
  return new LotlineError(
    'EV-SCHEMA',
    known ? `${tag.local} stands in the namespace ${quoted(tag.uri)}` : `the document's element is ${quoted(tag.name)}`,
    {
      at: `/${tag.name}`,
      fix: known
        ? 'Declare the namespace of EPCIS 1.x or 2.0 for it: urn:epcglobal:epcis:xsd:1 or urn:epcglobal:epcis:xsd:2 for an EPCISDocument.'
        : 'Send an EPCISDocument, EPCISQueryDocument or EPCISMasterDataDocument.',
    },
  );
}

/** The refusal of an element that should have no namespace. */
export function unqualified(name: string, at: string): LotlineError {
  return new LotlineError('EV-SCHEMA', `${name} has the namespace of EPCIS, which only the document's own element has (X-1)`, {
    at,
    fix: 'Declare the namespace of EPCIS with a prefix, and use it on the root only.',
  });
}
