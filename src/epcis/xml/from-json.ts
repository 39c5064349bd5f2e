import type { VocabularyKind } from '../cbv/lists.ts';
import { ExactNumber, parseExactJson, plainDecimal } from '../hash/exact-number.ts';
import type { JsonObject } from '../json/json-object.ts';
import { pointerToken } from '../json/split.ts';
import { attributeOf, EPCIS_PREFIXES, type Prefixes, readName, TEXT_MEMBER, WRAPPED_NAMESPACE } from '../prefixes.ts';
import {
  EPCIS_TERMS,
  isElement,
  plainAttribute,
  plainElement,
  qualifiedElement,
  textElement,
  XML_NAMESPACE,
  type XmlNote,
  XmlNotes,
  type XmlVersion,
  XSD_NAMESPACE,
  XSI_NAMESPACE,
} from './element.ts';
import { DEMANDED_BY_1_2, type EventParts, eventLayout, placeFields, type Wrapper } from './layout.ts';
import { hasForbiddenCharacter } from './serialize.ts';
import type { XmlAttribute, XmlElement } from './tree.ts';
import { type CbvXmlFormat, vocabularyInXml } from './vocabulary.ts';
import { type XmlName, XmlNames } from './written-names.ts';

export type EventToXmlOptions = {
  readonly version: XmlVersion;
  /** What holds for the event, its own `@context` included; the EPCIS context's own prefixes when left out. */
  readonly prefixes?: Prefixes;
  /** GS1-CBV-XML-Format (V-6); URNs when left out. */
  readonly cbvXmlFormat?: CbvXmlFormat;
};

export type WrittenXml = { readonly element: XmlElement; readonly notes: readonly XmlNote[] };

/**
 * An event of EPCIS 2.0 JSON as its XML element: the order of X-2 for 2.0, the places of §5.2 for 1.2, where what came with 2.0 is wrapped in
 * `extension` elements. Give the JSON text, not the parsed object, where numbers are to keep their digits (DM-18). The element declares every
 * prefix it uses. An event is taken to have passed the checks of reading; members that these would refuse are left out.
 *
 * Extensions (V-13 to V-16): what came from attributes and text becomes that again (`attributeOf`), lists become repeated elements, numbers and booleans get an `xsi:type`.
 * `notes` says what XML cannot hold: null, a list in a list, several certificationInfo in 2.0, names and characters that XML does not take, and on
 * sensor metadata and reports any extension but a plain value. That a list has one entry or none cannot be seen in XML and is not told.
 * Throws `EV-CONTEXT` for a name whose prefix is not declared.
 */
export function eventToXml(event: string | JsonObject, options: EventToXmlOptions): WrittenXml {
  const json = typeof event === 'string' ? (parseExactJson(event) as JsonObject) : event;
  const notes = new XmlNotes();
  const writer = new JsonToXml(options.prefixes ?? EPCIS_PREFIXES, notes, options.cbvXmlFormat ?? 'No_Preference');
  return { element: new EventWriter(json, options.version, writer, notes).element(), notes: notes.list };
}

/** Writes JSON members that have no fixed form: extensions and, with them, what is inside master data. */
export class JsonToXml {
  readonly names: XmlNames;
  private readonly prefixes: Prefixes;
  private readonly notes: XmlNotes;
  private readonly format: CbvXmlFormat;

  constructor(prefixes: Prefixes, notes: XmlNotes, format: CbvXmlFormat) {
    this.prefixes = prefixes;
    this.notes = notes;
    this.format = format;
    this.names = new XmlNames(prefixes, notes);
  }

  vocabulary(kind: VocabularyKind, value: unknown): string {
    return vocabularyInXml(kind, scalarText(value).trim(), this.prefixes, this.format);
  }

  /** The text of a value, told when XML cannot hold a character of it. */
  text(value: unknown, at: string): string {
    const text = scalarText(value);
    if (hasForbiddenCharacter(text)) this.notes.add(at, 'control characters that XML cannot hold are replaced');
    return text;
  }

  /** The wrapper of 1.2 that a member stands for. */
  wrapperOf(member: string): Wrapper | null {
    const read = readName(member, this.prefixes);
    if (typeof read === 'string' || read.namespace !== WRAPPED_NAMESPACE) return null;
    return read.local === 'extension' || read.local === 'baseExtension' ? read.local : null;
  }

  /** The members of other namespaces, as elements in the order they stand in. */
  extensions(members: JsonObject, at: string): readonly XmlElement[] {
    return Object.entries(members).flatMap(([member, value]) => {
      if (!member.includes(':') || member.startsWith('@')) return [];
      const here = `${at}/${pointerToken(member)}`;
      const name = this.names.read(member, here);
      return name === 'bare' ? [] : this.elements(name, value, here);
    });
  }

  /** One member as elements: a list gives one for each of its entries. */
  elements(name: XmlName, value: unknown, at: string): readonly XmlElement[] {
    if (!Array.isArray(value)) return this.element(name, value, at);
    return value.flatMap((entry: unknown, i) => {
      const here = `${at}/${i}`;
      if (Array.isArray(entry)) this.notes.add(here, 'a list inside a list becomes part of the outer one in XML');
      return this.elements(name, entry, here);
    });
  }

  /** What stands inside an element for a JSON object: attributes, text and elements. */
  content(members: JsonObject, at: string): Pick<XmlElement, 'attributes' | 'children'> {
    const attributes: XmlAttribute[] = [];
    const children: (XmlElement | string)[] = [];
    // The schemas hold an element with an xsi:type to it: a simple type takes neither attributes nor elements.
    const alone = Object.keys(members).length === 1;
    for (const [member, value] of Object.entries(members)) {
      const here = `${at}/${pointerToken(member)}`;
      if (member === '@context') {
        this.notes.add(here, '@context inside an extension is left out');
        continue;
      }
      if (member === TEXT_MEMBER) {
        const { attributes: typed, children: text } = this.scalar(value, here);
        if (alone || typeof value === 'string') attributes.push(...typed);
        else if (typed.length > 0) this.notes.add(here, 'beside attributes or elements a number or boolean becomes a text in XML');
        children.unshift(...text);
        continue;
      }
      const attribute = attributeOf(member);
      const name = this.names.read(attribute ?? member, here);
      const named = name === 'bare' ? this.names.plain(attribute ?? member, here) : name;
      if (attribute !== null) {
        if (isScalar(value)) attributes.push({ ...named, value: this.text(value, here) });
        else this.notes.add(here, 'an attribute holds one plain value in XML; this one is left out');
      } else children.push(...this.elements(named, value, here));
    }
    return { attributes, children };
  }

  /** A plain value: numbers and booleans with their type, so that they are read as such again (V-16); white space around a text is kept. */
  scalar(value: unknown, at: string): Pick<XmlElement, 'attributes' | 'children'> {
    if (!isScalar(value)) {
      this.notes.add(at, value === null ? 'null has no form in XML and is left out' : 'a value that is no plain one is left out');
      return { attributes: [], children: [] };
    }
    const text = this.text(value, at);
    const children = text === '' ? [] : [text];
    if (typeof value === 'string') return { attributes: text === text.trim() ? [] : [PRESERVED_SPACE], children };
    const type = typeof value === 'boolean' ? 'boolean' : /^-?\d+$/.test(text) ? 'integer' : 'double';
    return { attributes: [this.type(type)], children };
  }

  /** Extension members of a sensor object, which XML has as attributes (§2.3). */
  attributes(members: JsonObject, at: string): readonly XmlAttribute[] {
    return Object.entries(members).flatMap(([member, value]) => {
      if (!member.includes(':') || member.startsWith('@')) return [];
      const here = `${at}/${pointerToken(member)}`;
      const name = this.names.read(member, here);
      if (name === 'bare') return [];
      if (isScalar(value)) return [{ ...name, value: this.text(value, here) }];
      this.notes.add(here, 'XML has extensions of a sensor object as attributes, which hold one plain value; this one is left out');
      return [];
    });
  }

  private element(name: XmlName, value: unknown, at: string): readonly XmlElement[] {
    if (value === null || value === undefined) {
      this.notes.add(at, 'null has no form in XML and is left out');
      return [];
    }
    const content = isMembers(value) ? this.content(value, at) : this.scalar(value, at);
    return [{ ...name, declares: {}, ...content }];
  }

  private type(name: string): XmlAttribute {
    const xsi = this.names.prefixFor(XSI_NAMESPACE, 'xsi');
    const xsd = this.names.prefixFor(XSD_NAMESPACE, 'xsd');
    return { name: `${xsi}:type`, uri: XSI_NAMESPACE, local: 'type', value: `${xsd}:${name}` };
  }
}

const PRESERVED_SPACE: XmlAttribute = { name: 'xml:space', uri: XML_NAMESPACE, local: 'space', value: 'preserve' };
const EPC_LISTS = ['epcList', 'childEPCs', 'inputEPCList', 'outputEPCList'];
const QUANTITY_LISTS = ['quantityList', 'childQuantityList', 'inputQuantityList', 'outputQuantityList'];
const TEXTS = ['eventTime', 'recordTime', 'eventTimeZoneOffset', 'eventID', 'action', 'parentID', 'transformationID'];
const STANDARD_TYPES = new Set(['ObjectEvent', 'AggregationEvent', 'TransactionEvent', 'TransformationEvent', 'AssociationEvent']);
const SENSOR_VOCABULARIES: ReadonlyMap<string, VocabularyKind> = new Map([
  ['type', 'measurementType'],
  ['exception', 'sensorAlert'],
  ['component', 'component'],
]);
class EventWriter {
  private readonly json: JsonObject;
  private readonly version: XmlVersion;
  private readonly writer: JsonToXml;
  private readonly notes: XmlNotes;
  private readonly fields = new Map<string, readonly XmlElement[]>();
  private readonly wrapped = new Map<Wrapper, readonly XmlElement[]>();

  constructor(json: JsonObject, version: XmlVersion, writer: JsonToXml, notes: XmlNotes) {
    this.json = json;
    this.version = version;
    this.writer = writer;
    this.notes = notes;
  }

  element(): XmlElement {
    const type = scalarText(this.json['type']);
    const name = STANDARD_TYPES.has(type) ? 'bare' : this.writer.names.read(type, '/type');
    this.readFields();
    const { rest, wrapped } = this.extensions(this.json, '');
    for (const [wrapper, content] of wrapped) this.wrapped.set(wrapper, [...(this.wrapped.get(wrapper) ?? []), ...content]);
    const demanded = this.version === '1.2' ? DEMANDED_BY_1_2[type] : undefined;
    if (demanded !== undefined && !this.fields.has(demanded)) this.fields.set(demanded, [plainElement(demanded)]);
    const parts: EventParts = {
      fields: this.fields,
      wrapped: this.wrapped,
      rest,
    };
    const children = placeFields(eventLayout(type, this.version), parts);
    return {
      ...(name === 'bare' ? this.writer.names.plain(type, '/type') : name),
      attributes: [],
      declares: this.writer.names.declares(),
      children,
    };
  }

  private readFields(): void {
    const { json, writer } = this;
    for (const name of TEXTS) if (isScalar(json[name])) this.set(name, this.textOf(name, json[name], `/${name}`));
    for (const name of EPC_LISTS) this.epcs(name);
    for (const name of QUANTITY_LISTS) this.quantities(name);
    for (const name of ['bizStep', 'disposition'] as const)
      if (isScalar(json[name])) this.set(name, textElement(name, writer.vocabulary(name, json[name])));
    this.location('readPoint');
    this.location('bizLocation');
    this.pairs('bizTransactionList', 'bizTransaction', 'bizTransactionType');
    this.pairs('sourceList', 'source', 'sourceDestType');
    this.pairs('destinationList', 'destination', 'sourceDestType');
    this.sensorElements();
    this.persistentDisposition();
    if (isMembers(json['ilmd'])) this.set('ilmd', plainElement('ilmd', this.extensionsInside(json['ilmd'], '/ilmd')));
    this.errorDeclaration();
    this.certificationInfo();
  }

  /**
   * The extensions of an object: elements of other namespaces, and what stood in a wrapper of 1.2 without a namespace. There it goes back; 2.0 takes
   * it as an element of a namespace of our own.
   */
  private extensions(
    members: JsonObject,
    at: string,
  ): { rest: readonly XmlElement[]; wrapped: ReadonlyMap<Wrapper, readonly XmlElement[]> } {
    const wrapped = new Map<Wrapper, readonly XmlElement[]>();
    const others: Record<string, unknown> = {};
    for (const [member, value] of Object.entries(members)) {
      const wrapper = this.writer.wrapperOf(member);
      if (wrapper === null || !isMembers(value)) {
        others[member] = value;
        continue;
      }
      const content = this.writer.content(value, `${at}/${pointerToken(member)}`).children.filter(isElement);
      if (this.version === '1.2') wrapped.set(wrapper, content);
      else {
        const prefix = this.writer.names.prefixFor(WRAPPED_NAMESPACE, 'lotline');
        wrapped.set(wrapper, [qualifiedElement(prefix, WRAPPED_NAMESPACE, wrapper, content)]);
      }
    }
    return { rest: this.writer.extensions(others, at), wrapped };
  }

  /** The same where 2.0 has no wrappers. */
  private extensionsInside(members: JsonObject, at: string): readonly XmlElement[] {
    const { rest, wrapped } = this.extensions(members, at);
    const first = [...wrapped].flatMap(([wrapper, content]) => (this.version === '1.2' ? [plainElement(wrapper, content)] : content));
    return [...first, ...rest];
  }

  private set(name: string, ...elements: readonly XmlElement[]): void {
    this.fields.set(name, elements);
  }

  /** A typed value: white space around it means nothing. */
  private textOf(name: string, value: unknown, at: string): XmlElement {
    return textElement(name, this.writer.text(value, at).trim());
  }

  private epcs(name: string): void {
    const value = this.json[name];
    if (!Array.isArray(value)) return;
    this.set(
      name,
      plainElement(
        name,
        value.filter(isScalar).map((epc, i) => this.textOf('epc', epc, `/${name}/${i}`)),
      ),
    );
  }

  private quantities(name: string): void {
    const value = this.json[name];
    if (!Array.isArray(value)) return;
    const elements = value.filter(isMembers).map((one, i) => {
      const at = `/${name}/${i}`;
      const children = [this.textOf('epcClass', one['epcClass'], `${at}/epcClass`)];
      // An XSD decimal takes no exponent.
      if (isScalar(one['quantity'])) children.push(textElement('quantity', withoutExponent(scalarText(one['quantity']))));
      if (isScalar(one['uom'])) children.push(this.textOf('uom', one['uom'], `${at}/uom`));
      return plainElement('quantityElement', children);
    });
    this.set(name, plainElement(name, elements));
  }

  private location(name: 'readPoint' | 'bizLocation'): void {
    const value = this.json[name];
    if (!isMembers(value)) return;
    this.set(name, plainElement(name, [this.textOf('id', value['id'], `/${name}/id`), ...this.extensionsInside(value, `/${name}`)]));
  }

  /** A list of pairs; the schemas take no empty one, which means the same as none. */
  private pairs(name: string, member: string, kind: VocabularyKind): void {
    const value = this.json[name];
    if (!Array.isArray(value) || value.length === 0) return;
    const elements = value.filter(isMembers).map((one, i) => {
      const type = isScalar(one['type']) ? [plainAttribute('type', this.writer.vocabulary(kind, one['type']))] : [];
      return { ...this.textOf(member, one[member], `/${name}/${i}/${member}`), attributes: type };
    });
    this.set(name, plainElement(name, elements));
  }

  private sensorElements(): void {
    const name = 'sensorElementList';
    const value = this.json[name];
    if (!Array.isArray(value) || value.length === 0) return;
    const elements = value.filter(isMembers).map((one, i) => {
      const at = `/${name}/${i}`;
      const metadata = one['sensorMetadata'];
      const reports = Array.isArray(one['sensorReport']) ? one['sensorReport'] : [];
      return plainElement('sensorElement', [
        ...(isMembers(metadata) ? [this.sensorObject('sensorMetadata', metadata, `${at}/sensorMetadata`)] : []),
        ...reports.filter(isMembers).map((report, j) => this.sensorObject('sensorReport', report, `${at}/sensorReport/${j}`)),
        ...this.extensionsInside(one, at),
      ]);
    });
    this.set(name, plainElement(name, elements));
  }

  private sensorObject(name: 'sensorMetadata' | 'sensorReport', members: JsonObject, at: string): XmlElement {
    const standard = Object.entries(members).flatMap(([member, value]) => {
      if (member.includes(':') || member.startsWith('@') || !isScalar(value)) return [];
      const kind = name === 'sensorReport' ? SENSOR_VOCABULARIES.get(member) : undefined;
      return [
        plainAttribute(member, kind === undefined ? this.writer.text(value, `${at}/${member}`) : this.writer.vocabulary(kind, value)),
      ];
    });
    return plainElement(name, [], [...standard, ...this.writer.attributes(members, at)]);
  }

  /** All `unset` before all `set` (DM-14). */
  private persistentDisposition(): void {
    const value = this.json['persistentDisposition'];
    if (!isMembers(value)) return;
    const children = ['unset', 'set'].flatMap((name) => {
      const words = value[name];
      return Array.isArray(words)
        ? words.filter(isScalar).map((word) => textElement(name, this.writer.vocabulary('disposition', word)))
        : [];
    });
    this.set('persistentDisposition', plainElement('persistentDisposition', children));
  }

  private errorDeclaration(): void {
    const value = this.json['errorDeclaration'];
    if (!isMembers(value)) return;
    const at = '/errorDeclaration';
    const corrective = value['correctiveEventIDs'];
    const children: XmlElement[] = [this.textOf('declarationTime', value['declarationTime'], `${at}/declarationTime`)];
    if (isScalar(value['reason'])) children.push(textElement('reason', this.writer.vocabulary('errorReason', value['reason'])));
    if (Array.isArray(corrective)) {
      const ids = corrective.filter(isScalar).map((id, i) => this.textOf('correctiveEventID', id, `${at}/correctiveEventIDs/${i}`));
      children.push(plainElement('correctiveEventIDs', ids));
    }
    this.set('errorDeclaration', plainElement('errorDeclaration', [...children, ...this.extensionsInside(value, at)]));
  }

  /** The schema of 2.0 takes one; the others stand beside it as the term they are in the EPCIS vocabulary. 1.2 takes them all where it takes any. */
  private certificationInfo(): void {
    const name = 'certificationInfo';
    const value = this.json[name];
    const elements = (Array.isArray(value) ? value : [value]).filter(isScalar).map((uri) => this.textOf(name, uri, `/${name}`));
    if (elements.length === 0) return;
    if (this.version === '1.2') {
      this.notes.add(`/${name}`, 'EPCIS 1.2 has no certificationInfo; it is wrapped in baseExtension/extension');
      this.set(name, ...elements);
      return;
    }
    const [first, ...others] = elements;
    this.set(name, first!);
    if (others.length === 0) return;
    const prefix = this.writer.names.prefixFor(EPCIS_TERMS, 'epcisterm');
    this.wrapped.set(
      'baseExtension',
      others.map((one) => ({ ...one, name: `${prefix}:${name}`, uri: EPCIS_TERMS })),
    );
    this.notes.add(`/${name}/1`, 'EPCIS 2.0 XML takes one certificationInfo; the others are wrapped in baseExtension');
  }
}

function withoutExponent(text: string): string {
  return /[eE]/.test(text) ? (plainDecimal(text) ?? text) : text;
}

function isScalar(value: unknown): value is string | number | boolean | ExactNumber {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof ExactNumber;
}

function scalarText(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function isMembers(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
