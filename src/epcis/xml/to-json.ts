import { CBV_LISTS, CBV_SPELLINGS, type VocabularyKind } from '../cbv/lists.ts';
import { EPCIS_PREFIXES } from '../prefixes.ts';
import { EPCIS_TERMS } from './element.ts';
import { formatJson, isNil, type Json, MemberReader, type Members, type Placed, unqualifiedEvent } from './members.ts';
import { isUriScheme, type Names } from './names.ts';
import type { XmlElement } from './tree.ts';

/** How a standard element is read; what is inside an object is named by the same words. */
type Field =
  | { readonly text: 'one' | 'one or many' }
  | { readonly number: true }
  | { readonly word: VocabularyKind; readonly many?: true }
  | { readonly texts: string }
  | { readonly list: string; readonly of: Fields }
  /** A value with a type: `<source type="…">…</source>`. */
  | { readonly typed: string; readonly kind: VocabularyKind }
  | { readonly object: Fields }
  | { readonly attributes: 'metadata' }
  | { readonly attributes: 'report'; readonly many: true };
type Fields = { readonly members: Readonly<Record<string, Field>>; readonly extensible: boolean };

const text: Field = { text: 'one' };
const epcs: Field = { texts: 'epc' };
const quantities: Field = {
  list: 'quantityElement',
  of: { members: { epcClass: text, quantity: { number: true }, uom: text }, extensible: false },
};
const place: Field = { object: { members: { id: text }, extensible: true } };

/** Every field of every event: where one does not belong, the checks that follow tell it as they do for JSON. */
const EVENT: Fields = {
  extensible: true,
  members: {
    eventTime: text,
    recordTime: text,
    eventTimeZoneOffset: text,
    eventID: text,
    certificationInfo: { text: 'one or many' },
    action: text,
    parentID: text,
    transformationID: text,
    bizStep: { word: 'bizStep' },
    disposition: { word: 'disposition' },
    epcList: epcs,
    childEPCs: epcs,
    inputEPCList: epcs,
    outputEPCList: epcs,
    quantityList: quantities,
    childQuantityList: quantities,
    inputQuantityList: quantities,
    outputQuantityList: quantities,
    readPoint: place,
    bizLocation: place,
    bizTransactionList: { typed: 'bizTransaction', kind: 'bizTransactionType' },
    sourceList: { typed: 'source', kind: 'sourceDestType' },
    destinationList: { typed: 'destination', kind: 'sourceDestType' },
    sensorElementList: {
      list: 'sensorElement',
      of: { members: { sensorMetadata: { attributes: 'metadata' }, sensorReport: { attributes: 'report', many: true } }, extensible: true },
    },
    persistentDisposition: {
      object: { members: { set: { word: 'disposition', many: true }, unset: { word: 'disposition', many: true } }, extensible: false },
    },
    ilmd: { object: { members: {}, extensible: true } },
    errorDeclaration: {
      object: {
        members: { declarationTime: text, reason: { word: 'errorReason' }, correctiveEventIDs: { texts: 'correctiveEventID' } },
        extensible: true,
      },
    },
  },
};
/** An event of CBV 1.0 about a class (§5.2): its quantity is the one entry of quantityList. */
const QUANTITY_EVENT: Fields = { extensible: true, members: { ...EVENT.members, epcClass: text, quantity: { number: true } } };

const NUMBERS = new Set(['value', 'minValue', 'maxValue', 'meanValue', 'sDev', 'percRank', 'percValue']);
const REPORT_WORDS = new Map<string, VocabularyKind>([
  ['type', 'measurementType'],
  ['exception', 'sensorAlert'],
  ['component', 'component'],
]);

/** JSON text of one event, and what is needed to tell its faults in XML. */
export type EventJson = {
  readonly text: string;
  /** Whether it has a number that a double does not give back as written. */
  readonly inexact: boolean;
  readonly reader: MemberReader;
};

/**
 * Turns the element of an event into EPCIS 2.0 JSON text, from 2.0 as from 1.x (§5). `at` is the XPath of the element. What XML alone can get wrong
 * is in `reader.faults`; everything else is left to the checks that JSON goes through. `tellPlaces` fills `reader.places`. In a document of 1.x a
 * wrapper may hold elements without a namespace. `told`: the text is not to be checked any more, so that a URN which CBV 2.0 does not have becomes its
 * web URI, since JSON takes no URN there (V-2, V-5).
 */
export function eventToJson(
  element: XmlElement,
  names: Names,
  at: string,
  options: { readonly tellPlaces: boolean; readonly version: '1.x' | '2.0'; readonly told?: true },
): EventJson {
  const reader = new EventReader(names, options);
  const members = reader.event(unqualifiedEvent(element), at);
  return { text: formatJson(members), inexact: reader.inexact, reader };
}

class EventReader extends MemberReader {
  private declared: Readonly<Record<string, string>> = {};
  private readonly version: '1.x' | '2.0';
  private readonly told: boolean;

  constructor(names: Names, { tellPlaces, version, told }: { tellPlaces: boolean; version: '1.x' | '2.0'; told?: true }) {
    super(names, tellPlaces);
    this.version = version;
    this.told = told === true;
  }

  event(element: XmlElement, at: string): Members {
    const placed = { element, at };
    this.place('', at);
    this.place('/type', at);
    this.declared = element.declares;
    const old = element.uri === '' && element.local === 'QuantityEvent';
    const members: Members = new Map();
    this.object(members, placed, '', old ? QUANTITY_EVENT : EVENT, ['type', '@context']);
    const type = element.uri === '' ? element.local : this.typeName(element, at);
    const whole: Members = new Map();
    if (this.names.own.size > 0) whole.set('@context', new Map(this.names.own));
    whole.set('type', old ? 'ObjectEvent' : type);
    for (const [name, value] of members) whole.set(name, value);
    if (old) this.asObjectEvent(whole);
    return whole;
  }

  /** A type of somebody's own. */
  private typeName(element: XmlElement, at: string): string {
    const colon = element.name.indexOf(':');
    const name = this.names.member(element.uri, colon < 0 ? '' : element.name.slice(0, colon), element.local);
    if (name === null) this.fault(`the namespace of ${element.name} is not an absolute URI`, at, 'Use an absolute URI.', 'EV-CONTEXT');
    return name ?? element.local;
  }

  private asObjectEvent(members: Members): void {
    const entry: Members = new Map();
    for (const pointer of ['/quantityList', '/quantityList/0']) this.place(pointer, this.places?.get('') ?? '');
    for (const name of ['epcClass', 'quantity']) {
      const value = members.get(name);
      if (value !== undefined) entry.set(name, value);
      this.places?.set(`/quantityList/0/${name}`, this.places.get(`/${name}`) ?? `${this.places.get('') ?? ''}/${name}`);
      members.delete(name);
    }
    members.set('action', 'OBSERVE');
    members.set('quantityList', [entry]);
  }

  /** Reads what is inside of an element into `into`. `reserved` are names that JSON has for itself. */
  private object(into: Members, placed: Placed, pointer: string, fields: Fields, reserved: readonly string[] = []): void {
    this.foreignAttributes(fields.extensible ? into : null, placed, pointer);
    for (const child of this.elements(placed.element, placed.at)) {
      const { local, uri, name } = child.element;
      if (uri !== '' && !(pointer === '' && isFurtherCertificate(child.element))) {
        this.extension(into, child, pointer);
        continue;
      }
      const here = `${pointer}/${local}`;
      const field = Object.hasOwn(fields.members, local) ? fields.members[local]! : undefined;
      if (field === undefined) {
        if (child.wrapper !== undefined && fields.extensible && this.version === '1.x') this.wrapped(into, child, child.wrapper, pointer);
        else if (reserved.includes(local)) this.fault(`${name} is no element of ${placed.element.name}`, child.at, 'Remove it.');
        else this.extension(into, child, pointer); // refused by its bare name, as in JSON
        continue;
      }
      if (isNil(child.element)) continue;
      if (isRepeatable(field)) {
        this.repeated(into, local, field, child, here);
      } else if (into.has(local)) {
        this.fault(`${name} stands twice in ${placed.element.name}`, child.at, 'Keep one of the two.');
      } else {
        this.place(here, child.at);
        into.set(local, this.field(field, child, here));
      }
    }
  }

  private repeated(into: Members, local: string, field: Field, child: Placed, pointer: string): void {
    const before = into.get(local);
    if ('text' in field) {
      // JSON has a single certificate as a text.
      if (before === undefined) {
        this.place(pointer, child.at);
        into.set(local, this.text(child));
        return;
      }
      const list = Array.isArray(before) ? (before as Json[]) : [before];
      this.place(`${pointer}/${list.length}`, child.at);
      list.push(this.text(child));
      into.set(local, list);
      return;
    }
    const list = (before ?? []) as Json[];
    const here = `${pointer}/${list.length}`;
    this.place(here, child.at);
    list.push(this.field(field, child, here));
    into.set(local, list);
  }

  private field(field: Field, placed: Placed, pointer: string): Json {
    if ('attributes' in field) return this.sensor(placed, pointer, field.attributes === 'report');
    if ('object' in field) {
      const members: Members = new Map();
      this.object(members, placed, pointer, field.object);
      return members;
    }
    if ('list' in field) {
      return this.entries(placed, pointer, field.list, (entry, here) => {
        const members: Members = new Map();
        this.object(members, entry, here, field.of);
        return members;
      });
    }
    if ('typed' in field)
      return this.entries(placed, pointer, field.typed, (entry, here) => this.typedValue(entry, here, field.typed, field.kind));
    if ('texts' in field) return this.texts(placed, pointer, field.texts);
    this.foreignAttributes(null, placed, pointer);
    const value = this.text(placed);
    if ('word' in field) return this.word(field.word, value, placed.element);
    if ('number' in field) return this.number(value) ?? value;
    return value;
  }

  /** A list of plain values: by far the most elements of a document are these. */
  private texts({ element, at }: Placed, pointer: string, local: string): Json {
    const list: string[] = [];
    if (
      this.places === null &&
      element.children.every((child) => typeof child === 'string' || (child.uri === '' && child.local === local))
    ) {
      this.foreignAttributes(null, { element, at }, pointer);
      for (const child of element.children) {
        if (typeof child !== 'string') list.push(this.text({ element: child, at: '' }));
        else if (child.trim() !== '') this.fault(`text stands in ${element.name}, which holds elements only`, at, 'Remove the text.');
      }
      return list;
    }
    return this.entries({ element, at }, pointer, local, (entry) => this.text(entry));
  }

  private entries(placed: Placed, pointer: string, local: string, read: (entry: Placed, pointer: string) => Json): Json {
    this.foreignAttributes(null, placed, pointer);
    const list: Json[] = [];
    for (const child of this.elements(placed.element, placed.at)) {
      if (child.element.uri !== '' || child.element.local !== local) {
        this.fault(
          `${placed.element.name} holds ${child.element.name}, which does not belong there`,
          child.at,
          `Write ${local} elements only.`,
        );
        continue;
      }
      const here = `${pointer}/${list.length}`;
      this.place(here, child.at);
      list.push(read(child, here));
    }
    return list;
  }

  private typedValue(entry: Placed, pointer: string, member: string, kind: VocabularyKind): Json {
    const members: Members = new Map();
    this.foreignAttributes(null, entry, pointer);
    const type = entry.element.attributes.find(({ name }) => name === 'type');
    if (type !== undefined) {
      members.set('type', this.word(kind, type.value.trim(), entry.element));
      this.place(`${pointer}/type`, `${entry.at}/@type`);
    }
    this.place(`${pointer}/${member}`, entry.at);
    members.set(member, this.text(entry));
    return members;
  }

  /** Metadata and reports say everything in attributes (§2.3); what stands inside of them is an extension or a mistake. */
  private sensor(placed: Placed, pointer: string, report: boolean): Json {
    const members: Members = new Map();
    for (const { name, uri, value } of placed.element.attributes) {
      if (uri === '') {
        this.place(`${pointer}/${name}`, `${placed.at}/@${name}`);
        members.set(name, report ? this.reportValue(name, value, placed.element) : value.trim());
      }
    }
    this.foreignAttributes(members, placed, pointer);
    for (const child of this.elements(placed.element, placed.at)) this.extension(members, child, pointer);
    return members;
  }

  private reportValue(name: string, written: string, element: XmlElement): Json {
    const value = written.trim();
    if (NUMBERS.has(name)) return this.number(value) ?? value;
    if (name === 'booleanValue') return this.boolean(value) ?? value;
    if (name === 'stringValue') return written;
    const kind = REPORT_WORDS.get(name);
    return kind === undefined ? value : this.word(kind, value, element);
  }

  /** V-2: the URN of a standard value is written as the bare word. A CURIE keeps its meaning: its prefix may be called otherwise in JSON. */
  private word(kind: VocabularyKind, value: string, element: XmlElement): string {
    const { urn, web } = CBV_SPELLINGS[kind];
    if (urn !== null && value.startsWith(urn)) {
      const tail = value.slice(urn.length);
      if ((CBV_LISTS[kind] as ReadonlySet<string>).has(tail)) return tail;
      return this.told ? web + tail : value;
    }
    const colon = value.indexOf(':');
    if (colon <= 0 || value.startsWith('//', colon + 1)) return value;
    const prefix = value.slice(0, colon);
    if (EPCIS_PREFIXES.has(prefix) || isUriScheme(prefix)) return value;
    const namespace = ownOf(element.declares, prefix) ?? ownOf(this.declared, prefix) ?? this.names.renamed(prefix);
    return namespace === undefined ? value : namespace + value.slice(colon + 1);
  }
}

/** 2.0 takes one certificationInfo: the others are written as the term that they are in the EPCIS vocabulary (from-json.ts). */
function isFurtherCertificate({ uri, local }: XmlElement): boolean {
  return uri === EPCIS_TERMS && local === 'certificationInfo';
}

function isRepeatable(field: Field): boolean {
  return 'text' in field ? field.text === 'one or many' : 'many' in field;
}

function ownOf(declared: Readonly<Record<string, string>>, prefix: string): string | undefined {
  return Object.hasOwn(declared, prefix) ? declared[prefix] : undefined;
}
