import { LotlineError } from '../../errors.ts';
import { FAULTS_MAX } from '../json/faults.ts';
import { pointerToken } from '../json/split.ts';
import { TEXT_MEMBER, WRAPPED_NAMESPACE } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import type { Wrapper } from './layout.ts';
import type { Names } from './names.ts';
import type { XmlAttribute, XmlElement } from './tree.ts';
import { unspelled } from './written-names.ts';

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const XSD = 'http://www.w3.org/2001/XMLSchema';
export const EPCIS_NAMESPACE = /^urn:epcglobal:epcis(?:-query|-masterdata)?:xsd:\d+$/;
const EVENT_NAMESPACE = /^urn:epcglobal:epcis:xsd:\d+$/;
const NUMBER_TYPES = new Set(['int', 'integer', 'long', 'short', 'decimal', 'double', 'float']);
const NUMBER = /^([+-]?)0*(?:(\d+)(?:\.(\d*))?|\.(\d+))((?:[eE][+-]?\d+)?)$/;

const LOST_MAX = 100;

/** A number as it will stand in JSON: its written digits. */
export class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An event that stands by itself may bear the namespace of EPCIS on its own element, as a document does (X-1): without it, as events are in documents. */
export function unqualifiedEvent(element: XmlElement): XmlElement {
  if (!EVENT_NAMESPACE.test(element.uri)) return element;
  const declares = Object.fromEntries(Object.entries(element.declares).filter(([, uri]) => uri !== element.uri));
  return { ...element, name: element.local, uri: '', declares };
}

/** What JSON text is made of; a Map is an object, since member names come from outside. */
export type Json = string | boolean | WrittenNumber | readonly Json[] | Members;
export type Members = Map<string, Json>;

/** An element seen from the event: its XPath only while places are told, and the outermost wrapper that it was found in. */
export type Placed = { readonly element: XmlElement; readonly at: string; readonly wrapper?: Wrapper | undefined };

/**
 * Turns elements into JSON members: what events and headers have in common, and extensions (V-13 to V-16). Faults are counted at once but get their
 * places only when places are told, since nearly all events are sound: then `places` says for a JSON pointer which element it came from.
 */
export class MemberReader {
  readonly names: Names;
  readonly places: Map<string, string> | null;
  readonly faults: LotlineError[] = [];
  /** Attributes of users on elements that take none in JSON: `element/@name`, of the first of them. */
  readonly lost: string[] = [];
  /** Whether a number was written that a double does not give back. */
  inexact = false;

  constructor(names: Names, tellPlaces: boolean) {
    this.names = names;
    this.places = tellPlaces ? new Map() : null;
  }

  fault(what: string, at: string, fix: string, code: 'EV-SCHEMA' | 'EV-CONTEXT' = 'EV-SCHEMA'): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(new LotlineError(code, what, { at, fix }));
  }

  place(pointer: string, at: string): void {
    this.places?.set(pointer, at);
  }

  /**
   * The elements inside a standard element; the wrappers of 1.x are seen through (§5.2). Text between them is a fault, and so is the namespace of
   * EPCIS below the root (X-1), but for the one message that a query document holds: `qualified`.
   */
  elements(parent: XmlElement, at: string, qualified = false): Placed[] {
    const found: Placed[] = [];
    this.collect(parent, at, found, qualified);
    return found;
  }

  private collect(parent: XmlElement, at: string, into: Placed[], qualified: boolean, wrapper?: Wrapper): void {
    const steps = this.places === null ? null : new Steps(parent);
    for (const child of parent.children) {
      if (typeof child === 'string') {
        if (child.trim() !== '') this.fault(`text stands in ${parent.name}, which holds elements only`, at, 'Remove the text.');
        continue;
      }
      const here = steps === null ? '' : at + steps.next(child);
      if (child.uri === '' && (child.local === 'extension' || child.local === 'baseExtension')) {
        this.collect(child, here, into, qualified, wrapper ?? child.local);
      } else if (!qualified && EPCIS_NAMESPACE.test(child.uri)) {
        this.fault(
          `${child.name} has the namespace of EPCIS, which only the document's own element has (X-1)`,
          here,
          'Leave the elements of events without namespace: declare the namespace of EPCIS with a prefix, and use it on the root only.',
        );
      } else into.push({ element: child, at: here, wrapper });
    }
  }

  /** The text of a standard element, without the white space around it (X-5). */
  text({ element, at }: Placed): string {
    let text = '';
    for (const child of element.children) {
      if (typeof child === 'string') text += child;
      else {
        this.fault(`${element.name} holds the element ${child.name} where a value is expected`, at, 'Write the value only.');
        return '';
      }
    }
    return text.trim();
  }

  /** JSON has numbers in one form: a plus sign and leading zeros go, a digit stands on both sides of a point. Null for what is no number. */
  number(text: string): WrittenNumber | null {
    const match = NUMBER.exec(text);
    if (match === null) return null;
    const [, sign, whole = '0', fraction = '', bare, exponent = ''] = match;
    const digits = fraction === '' && bare === undefined ? '' : `.${bare ?? fraction}`;
    const written = `${sign === '-' ? '-' : ''}${whole}${digits}${exponent}`;
    if (String(Number(written)) !== written) this.inexact = true;
    return new WrittenNumber(written);
  }

  boolean(text: string): boolean | null {
    if (text === 'true' || text === '1') return true;
    return text === 'false' || text === '0' ? false : null;
  }

  /** Keeps an element without a namespace in an object that stands for its wrapper (WRAPPED_NAMESPACE). */
  protected wrapped(into: Members, placed: Placed, wrapper: Wrapper, pointer: string): void {
    const name = this.names.member(WRAPPED_NAMESPACE, 'lotline', wrapper) as string;
    const inside = into.get(name);
    const members: Members = inside instanceof Map ? inside : new Map();
    into.set(name, members);
    this.extension(members, placed, `${pointer}/${pointerToken(name)}`);
  }

  /** Adds a foreign-namespace element to an object; one that comes again makes a list (V-16). */
  extension(into: Members, { element, at }: Placed, pointer: string, space: Space = 'default'): void {
    const name = element.uri === '' ? unspelled(element.local) : this.name(element.name, element.uri, element.local, at);
    if (name !== null) this.add(into, name, element, at, pointer, space);
  }

  /** Foreign attributes of a standard element. Where it takes no extensions they stay in the event's own bytes only. */
  foreignAttributes(into: Members | null, { element, at }: Placed, pointer: string): void {
    for (const attribute of element.attributes) {
      if (attribute.uri === '' || attribute.uri === XSI) continue;
      if (into === null && this.lost.length < LOST_MAX) this.lost.push(`${element.name}/@${attribute.name}`);
      const here = `${at}/@${attribute.name}`;
      const name = this.name(attribute.name, attribute.uri, attribute.local, here);
      if (into === null || name === null || attribute.name.startsWith('xml:') || into.has(name)) continue;
      into.set(name, attribute.value);
      this.place(`${pointer}/${pointerToken(name)}`, here);
    }
  }

  private name(written: string, uri: string, local: string, at: string): string | null {
    const colon = written.indexOf(':');
    const name = this.names.member(uri, colon < 0 ? '' : written.slice(0, colon), local);
    if (name === null)
      this.fault(
        `the namespace ${quoted(uri)} of ${written} is not an absolute URI`,
        at,
        'Use an absolute URI as namespace.',
        'EV-CONTEXT',
      );
    return name;
  }

  private add(into: Members, name: string, element: XmlElement, at: string, pointer: string, space: Space): void {
    const here = `${pointer}/${pointerToken(name)}`;
    const before = into.get(name);
    if (before === undefined) {
      this.place(here, at);
      into.set(name, this.value(element, at, here, space));
    } else {
      const list = isList(before) ? (before as Json[]) : [before]; // the first keeps its place without a number
      this.place(`${here}/${list.length}`, at);
      list.push(this.value(element, at, `${here}/${list.length}`, space));
      into.set(name, list);
    }
  }

  /**
   * White space around a text counts only where `xml:space` says so (X-5), for documents are laid out.
   * A text alone is a string, or what `xsi:type` says; child elements and attributes make an object, whose own text is `#:text`.
   */
  value(element: XmlElement, at: string, pointer: string, outerSpace: Space = 'default'): Json {
    const space = spaceOf(element) ?? outerSpace;
    let text = '';
    const members: Members = new Map();
    let xsiType: string | null = null;
    for (const attribute of element.attributes) {
      if (attribute.uri === XSI) {
        if (attribute.local === 'type') xsiType = attribute.value.trim();
        continue;
      }
      if (attribute.name === 'xml:space') continue;
      const name = this.attributeName(attribute, `${at}/@${attribute.name}`);
      if (name === null) continue;
      members.set(name, attribute.value);
      this.place(`${pointer}/${pointerToken(name)}`, `${at}/@${attribute.name}`);
    }
    const steps = this.places === null ? null : new Steps(element);
    for (const child of element.children) {
      if (typeof child === 'string') text += child;
      else this.extension(members, { element: child, at: steps === null ? '' : at + steps.next(child) }, pointer, space);
    }
    const layout = text.trim() === '' && element.children.some((child) => typeof child !== 'string');
    const own = this.typed(space === 'preserve' && !layout ? text : text.trim(), xsiType, element);
    if (members.size === 0) return own;
    if (own !== '') members.set(TEXT_MEMBER, own);
    return members;
  }

  /** The member that stands for an attribute: prefixes.ts, attributeOf. */
  private attributeName(attribute: XmlAttribute, at: string): string | null {
    if (attribute.uri === '') return `@:${attribute.local}`;
    const name = this.name(attribute.name, attribute.uri, attribute.local, at);
    return name === null ? null : `@${name}`;
  }

  private typed(written: string, xsiType: string | null, element: XmlElement): Json {
    if (xsiType === null) return written;
    const text = written.trim();
    const colon = xsiType.indexOf(':');
    const prefix = xsiType.slice(0, Math.max(colon, 0));
    const declared = Object.hasOwn(element.declares, prefix) ? element.declares[prefix] : undefined;
    if (declared !== undefined && declared !== XSD) return written;
    const type = xsiType.slice(colon + 1);
    if (NUMBER_TYPES.has(type)) return this.number(text) ?? text;
    return type === 'boolean' ? (this.boolean(text) ?? text) : written;
  }
}

/** What `xml:space` says of an element and of what is inside of it. */
type Space = 'default' | 'preserve';

function spaceOf(element: XmlElement): Space | undefined {
  const value = element.attributes.find(({ name }) => name === 'xml:space')?.value;
  return value === 'preserve' || value === 'default' ? value : undefined;
}

/** XPath steps of the children of one element: with a number where several have one name. */
export class Steps {
  private readonly counts = new Map<string, number>();
  private readonly seen = new Map<string, number>();

  constructor(parent: XmlElement) {
    for (const child of parent.children) {
      if (typeof child !== 'string') this.counts.set(child.name, (this.counts.get(child.name) ?? 0) + 1);
    }
  }

  next(child: XmlElement): string {
    const n = (this.seen.get(child.name) ?? 0) + 1;
    this.seen.set(child.name, n);
    return (this.counts.get(child.name) ?? 0) > 1 ? `/${child.name}[${n}]` : `/${child.name}`;
  }
}

/** X-7: an element that says it has no value. */
export function isNil(element: XmlElement): boolean {
  return element.attributes.some(({ uri, local, value }) => uri === XSI && local === 'nil' && /^\s*(?:true|1)\s*$/.test(value));
}

export function formatJson(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return String(value);
  if (value instanceof WrittenNumber) return value.text;
  if (isList(value)) return `[${value.map(formatJson).join(',')}]`;
  return `{${[...value].map(([name, inner]) => `${JSON.stringify(name)}:${formatJson(inner)}`).join(',')}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * The XPath of what a JSON pointer names: of the element it came from, or of where a missing one belongs. Entry 0 of a list that has no place of its
 * own is the element that was there before the list became one.
 */
export function xpathOf(pointer: string, places: ReadonlyMap<string, string>): string {
  let at = places.get('') ?? '';
  let key = '';
  for (const token of pointer.split('/').slice(1)) {
    const next = `${key}/${token}`;
    const told = places.get(next);
    if (told !== undefined) at = told;
    else if (token === '0' && places.has(key)) continue;
    else if (/^\d+$/.test(token)) at += `[${Number(token) + 1}]`;
    else if (token === '@context') return at;
    else at += `/${OF_ATTRIBUTES.test(key) ? '@' : ''}${token.replaceAll('~1', '/').replaceAll('~0', '~')}`;
    key = next;
  }
  return at;
}

/** Objects whose members are attributes in XML, or most of them. */
const OF_ATTRIBUTES = /\/(?:sensorMetadata|sensorReport\/\d+|(?:bizTransaction|source|destination)List\/\d+)$/;
