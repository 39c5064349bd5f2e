import { constrainedDigitalLink } from '../../identifiers/index.ts';
import { CBV_SPELLINGS, type VocabularyKind } from '../cbv/lists.ts';
import {
  attributeOf,
  expandCurie,
  isMasterDataNamespace,
  MASTER_DATA_NAMESPACE,
  type Prefixes,
  readName,
  TEXT_MEMBER,
  WRAPPED_NAMESPACE,
} from '../prefixes.ts';
import { formatExactTime, formatMilliseconds, parseExactTime } from '../time.ts';
import { ExactNumber, plainDecimal, plainDouble } from './exact-number.ts';

/**
 * The ways in which programs write one event before they hash it (codes.md §1.2, 1.3, 1.6). The published vectors follow P, and so do the hashes
 * that lotline gives; the published description follows T, and the two generations of OpenEPCIS are O2.0 and O2.1.
 */
export const HASH_PROFILES = ['P', 'T', 'O2.0', 'O2.1'] as const;
export type HashProfile = (typeof HASH_PROFILES)[number];

/**
 * The pre-hash string of an event (codes.md §1.4, 1.5 and 1.7), in profile P unless another one is asked for. `prefixes` are those that hold for
 * the event, its own `@context` included.
 */
export function prehash(event: JsonMembers, prefixes: Prefixes, profile: HashProfile = 'P'): string {
  return new Writer(prefixes, false, new Map(), profile).event(event);
}

/**
 * The two strings that are hashed of one event, sharing the work on its identifiers: profile P, and the identity form by which two events are one
 * (design.md §3). The identity form has times at full precision, extension values, `stringValue` and `hexBinaryValue` as written, numbers by their
 * digits and not as doubles, the namespace of CBV master data in one spelling (V-15), and the errorDeclaration at its end. It fences every item, so
 * that no value can imitate the items of another event.
 */
export function fingerprintTexts(event: JsonMembers, prefixes: Prefixes): { prehash: string; identity: string } {
  const links = new Map<string, string[]>();
  return {
    prehash: new Writer(prefixes, false, links).event(event),
    identity: new Writer(prefixes, true, links).event(event),
  };
}

export type JsonMembers = { readonly [member: string]: unknown };
type Write = (members: JsonMembers) => string;

const THING_LISTS = new Set(['epcList', 'inputEPCList', 'childEPCs', 'outputEPCList']);
const QUANTITY_LISTS = new Set(['quantityList', 'childQuantityList', 'inputQuantityList', 'outputQuantityList']);
const WHEN = words('eventTime eventTimeZoneOffset');
const CERTIFICATION = ['certificationInfo'];
const WHAT_TO_WHERE = words(`inputEPCList childEPCs quantityList childQuantityList inputQuantityList outputEPCList outputQuantityList action
  transformationID bizStep disposition persistentDisposition readPoint bizLocation`);
const PARTIES = words('bizTransactionList sourceList destinationList');
const ORDER_T = [...words('epcList parentID'), ...WHAT_TO_WHERE, ...PARTIES, ...words('sensorElementList ilmd')];
/** The fields at event level in their order, and those that stand among the extensions behind them, all sorted as strings. */
const ORDERS: Readonly<Record<HashProfile, { readonly inOrder: readonly string[]; readonly sorted: readonly string[] }>> = {
  P: {
    inOrder: [...WHEN, ...CERTIFICATION, ...words('parentID epcList'), ...WHAT_TO_WHERE, 'sensorElementList'],
    sorted: [...PARTIES, 'ilmd'],
  },
  T: { inOrder: [...WHEN, ...CERTIFICATION, ...ORDER_T], sorted: [] },
  'O2.0': { inOrder: [...WHEN, ...ORDER_T], sorted: [] },
  'O2.1': { inOrder: [...WHEN, ...ORDER_T], sorted: [] },
};
const METADATA_ORDER = words('time startTime endTime deviceID deviceMetadata rawData dataProcessingMethod bizRules');
const REPORT_ORDER =
  words(`type exception deviceID deviceMetadata rawData dataProcessingMethod time microorganism chemicalSubstance value component
  stringValue booleanValue hexBinaryValue uriValue minValue maxValue meanValue sDev percRank percValue uom coordinateReferenceSystem`);
const TIMES = new Set(['eventTime', 'time', 'startTime', 'endTime', 'declarationTime']);
const VERBATIM_IN_IDENTITY = new Set(['stringValue', 'hexBinaryValue']);
const REPORT_VOCABULARIES = new Map<string, VocabularyKind>([
  ['type', 'measurementType'],
  ['exception', 'sensorAlert'],
  ['component', 'component'],
]);
const CBV_URNS = Object.values(CBV_SPELLINGS).flatMap(({ urn, web }) => (urn === null ? [] : [[urn, web] as const]));
const GS1_NAMESPACES = ['https://ref.gs1.org/', 'https://gs1.org/'];
const COMMENT = 'http://www.w3.org/2000/01/rdf-schema#';

// The fences of the identity form: control characters that no URI holds and that are escaped in free text.
const BEGIN = '\u001e';
const END = '\u001d';
const ESCAPE = '\u001f';

class Writer {
  private readonly prefixes: Prefixes;
  private readonly identity: boolean;
  private readonly links: Map<string, string[]>;
  private readonly profile: HashProfile;
  private readonly begin: string;
  private readonly end: string;

  constructor(prefixes: Prefixes, identity: boolean, links: Map<string, string[]>, profile: HashProfile = 'P') {
    this.prefixes = prefixes;
    this.identity = identity;
    this.links = links;
    this.profile = profile;
    this.begin = identity ? BEGIN : '';
    this.end = identity ? END : '';
  }

  event(event: JsonMembers): string {
    let text = this.item('eventType', this.typeName(event['type']));
    const order = ORDERS[this.profile];
    for (const name of order.inOrder) text += this.standardMember(name, event[name]);
    if (this.profile === 'O2.0') text += this.extensionsBehind(event);
    const rest = order.sorted.map((name) => this.standardMember(name, event[name]));
    this.collectExtensions(event, rest);
    text += sorted(rest).join('');
    if (this.identity && isMembers(event['errorDeclaration'])) text += this.errorDeclaration(event['errorDeclaration']);
    return text;
  }

  private standardMember(name: string, value: unknown): string {
    if (value === undefined || value === null) return '';
    if (THING_LISTS.has(name)) return this.things(name, value);
    if (QUANTITY_LISTS.has(name)) return this.quantities(name, value);
    switch (name) {
      case 'certificationInfo':
        return sorted(list(value).map((one) => this.plain(name, one))).join('');
      case 'bizStep':
        return this.vocabulary(name, 'bizStep', value);
      case 'disposition':
        return this.vocabulary(name, 'disposition', value);
      case 'persistentDisposition':
        return isMembers(value)
          ? this.group(name, this.dispositions('set', value['set']) + this.dispositions('unset', value['unset']))
          : '';
      case 'readPoint':
      case 'bizLocation':
        return isMembers(value) ? this.group(name, this.plain('id', value['id']) + this.extensionsInPlace(value)) : '';
      case 'bizTransactionList':
        return this.pairs(name, value, 'bizTransaction', 'bizTransactionType');
      case 'sourceList':
        return this.pairs(name, value, 'source', 'sourceDestType');
      case 'destinationList':
        return this.pairs(name, value, 'destination', 'sourceDestType');
      case 'ilmd':
        return isMembers(value) ? this.group(name, this.extensions(value)) : '';
      case 'sensorElementList': {
        const elements = this.sensorElements(value, (element) => this.sensorElement(element));
        return this.profile === 'O2.0' ? elements : this.group(name, elements);
      }
      default:
        return this.plain(name, value);
    }
  }

  /** `epc=` for every entry, sorted. The links are made and sorted once for both forms. */
  private things(name: string, value: unknown): string {
    let links = this.links.get(name);
    if (links === undefined) {
      links = list(value).map((epc) => (typeof epc === 'string' ? constrainedDigitalLink(epc.trim()) : this.scalar('epc', epc)));
      links = sorted(links.filter((link) => link !== ''));
      this.links.set(name, links);
    }
    if (links.length === 0) return '';
    const { begin, end } = this;
    return this.group(name, `${begin}epc=${links.join(`${end}${begin}epc=`)}${end}`);
  }

  private quantities(name: string, value: unknown): string {
    const elements = list(value)
      .filter(isMembers)
      .map((element) =>
        this.group(
          'quantityElement',
          this.plain('epcClass', element['epcClass']) + this.plain('quantity', element['quantity']) + this.plain('uom', element['uom']),
        ),
      );
    return this.group(name, sorted(elements).join(''));
  }

  /** Type and value as one entry, the type first. */
  private pairs(name: string, value: unknown, member: string, kind: VocabularyKind): string {
    const entries = list(value)
      .filter(isMembers)
      .map((entry) => this.fenced(this.vocabulary('type', kind, entry['type']) + this.plain(member, entry[member])));
    return entries.length === 0 ? '' : this.group(name, sorted(entries).join(''));
  }

  private dispositions(name: string, value: unknown): string {
    return sorted(list(value).map((word) => this.vocabulary(name, 'disposition', word))).join('');
  }

  private sensorElements(value: unknown, write: (element: JsonMembers) => string): string {
    return sorted(list(value).filter(isMembers).map(write)).join('');
  }

  private sensorElement(element: JsonMembers): string {
    return this.sensorParts(
      element,
      (metadata) => this.inOrder(metadata, METADATA_ORDER) + this.extensionsInPlace(metadata),
      (report) => this.inOrder(report, REPORT_ORDER) + this.extensionsInPlace(report, ['bizRules']),
      (own) => this.extensionsInPlace(own),
    );
  }

  private sensorParts(element: JsonMembers, metadataOf: Write, reportOf: Write, ownOf: Write): string {
    const metadata = element['sensorMetadata'];
    const reports = list(element['sensorReport'])
      .filter(isMembers)
      .map((report) => this.group('sensorReport', reportOf(report)));
    const inner = isMembers(metadata) ? this.group('sensorMetadata', metadataOf(metadata)) : '';
    return this.group('sensorElement', inner + sorted(reports).join('') + ownOf(element));
  }

  /** What O2.0 has left out of the standard fields: it stands behind all of them, in the names of its parents. */
  private extensionsBehind(event: JsonMembers): string {
    const extensions: Write = (members) => this.extensions(members);
    const places = ['readPoint', 'bizLocation'].map((name) => (isMembers(event[name]) ? this.group(name, extensions(event[name])) : ''));
    const elements = this.sensorElements(event['sensorElementList'], (element) =>
      this.sensorParts(element, extensions, extensions, extensions),
    );
    return places.join('') + elements;
  }

  /** The extensions of a standard field, at its end. */
  private extensionsInPlace(members: JsonMembers, also: readonly string[] = []): string {
    return this.profile === 'O2.0' ? also.map((name) => this.plain(name, members[name])).join('') : this.extensions(members, also);
  }

  private inOrder(members: JsonMembers, order: readonly string[]): string {
    let text = '';
    for (const name of order) {
      const value = members[name];
      if (value === undefined) continue;
      const kind = REPORT_VOCABULARIES.get(name);
      text += kind === undefined ? this.plain(name, value) : this.vocabulary(name, kind, value);
    }
    return text;
  }

  private errorDeclaration(declaration: JsonMembers): string {
    const corrective = sorted(list(declaration['correctiveEventIDs']).map((id) => this.plain('correctiveEventID', id))).join('');
    return this.group(
      'errorDeclaration',
      this.plain('declarationTime', declaration['declarationTime']) +
        this.vocabulary('reason', 'errorReason', declaration['reason']) +
        (corrective === '' ? '' : this.group('correctiveEventIDs', corrective)) +
        this.extensions(declaration),
    );
  }

  /** The members of other namespaces, as `{namespace}local` items, sorted as strings; `also` names standard members to write among them. */
  private extensions(members: JsonMembers, also: readonly string[] = []): string {
    const items: string[] = [];
    for (const name of also) if (members[name] !== undefined) items.push(this.plain(name, members[name]));
    this.collectExtensions(members, items);
    return sorted(items).join('');
  }

  private collectExtensions(members: JsonMembers, into: string[]): void {
    for (const name of Object.keys(members)) {
      if (!name.includes(':')) continue; // a standard member
      if (name === TEXT_MEMBER && isScalar(members[name])) continue; // told with the element that it is the text of
      const attribute = attributeOf(name);
      const read = readName(attribute ?? name, this.prefixes);
      if (typeof read !== 'string' && read.namespace === COMMENT && read.local === 'comment') continue;
      const value = members[name];
      if (!this.identity && typeof read !== 'string' && read.namespace === WRAPPED_NAMESPACE && isMembers(value)) {
        this.collectMembers(value, into); // the hash sees through wrappers (codes.md §1.1)
        continue;
      }
      const key = typeof read === 'string' ? (attribute ?? name) : `{${this.namespace(read.namespace)}}${read.local}`;
      // The hash calls an attribute by its name (codes.md §1.4), the identity keeps it apart from an element of that name.
      this.extension(attribute !== null && this.identity ? `@:${key}` : key, value, into);
    }
  }

  /** What stands inside an extension: members without a namespace occur only there; XML has them as unqualified elements. */
  private collectMembers(members: JsonMembers, into: string[]): void {
    this.collectExtensions(members, into);
    for (const name of Object.keys(members)) {
      if (!name.includes(':') && name !== 'comment' && name !== '@context') this.extension(name, members[name], into);
    }
  }

  /** The hash wants namespaces exactly as declared; whether two events are one does not depend on the spelling (V-15). */
  private namespace(declared: string): string {
    return this.identity && isMasterDataNamespace(declared) ? MASTER_DATA_NAMESPACE : declared;
  }

  private extension(name: string, value: unknown, into: string[]): void {
    const key = this.safe(name);
    if (Array.isArray(value)) {
      for (const entry of value) this.extension(name, entry, into);
    } else if (isMembers(value)) {
      const children: string[] = [];
      this.collectMembers(value, children);
      // The text of an XML element that has attributes is its value, the attributes count as children (codes.md §1.4).
      const text = isScalar(value[TEXT_MEMBER]) ? this.extensionText(value[TEXT_MEMBER]) : '';
      const own = text === '' ? key : `${key}=${text}`;
      if (text !== '' || children.length > 0 || this.identity) into.push(`${this.begin}${own}${sorted(children).join('')}${this.end}`);
    } else if (value !== null && value !== undefined) {
      const text = this.extensionText(value);
      if (text !== '' || this.identity) into.push(this.item(key, text));
    }
  }

  private extensionText(value: unknown): string {
    if (this.identity) return value instanceof ExactNumber ? value.text : escaped(String(value));
    return typeof value === 'string' ? this.canonicalText(value.trim()) : this.scalar('', value);
  }

  private plain(name: string, value: unknown): string {
    if (value === undefined || value === null) return '';
    const text = this.scalar(name, value);
    return text === '' ? '' : this.item(name, text);
  }

  /** The canonical text of a standard member's value (codes.md §1.5). */
  private scalar(name: string, value: unknown): string {
    if (typeof value === 'number') return plainDouble(value);
    if (value instanceof ExactNumber) return this.identity ? (plainDecimal(value.text) ?? value.text) : plainDouble(Number(value.text));
    if (typeof value !== 'string') return typeof value === 'boolean' ? String(value) : '';
    if (this.identity && VERBATIM_IN_IDENTITY.has(name)) return escaped(value);
    const text = value.trim();
    if (TIMES.has(name)) return this.time(text);
    if (name === 'eventTimeZoneOffset' || name === 'action') return this.safe(text);
    return this.canonicalText(text);
  }

  private time(text: string): string {
    try {
      const time = parseExactTime(text);
      return this.identity ? formatExactTime(time) : formatMilliseconds(time);
    } catch {
      return this.safe(text);
    }
  }

  private canonicalText(text: string): string {
    const expanded = this.expandGs1Curie(text);
    for (const [urn, web] of CBV_URNS) if (expanded.startsWith(urn)) return web + expanded.slice(urn.length);
    const decimal = plainDecimal(expanded);
    if (decimal !== null) return decimal;
    const link = constrainedDigitalLink(expanded);
    return this.safe(link);
  }

  /** CURIEs of GS1's own vocabularies stand for their URIs anywhere; what looks like a CURIE of a user's prefix may be any text. */
  private expandGs1Curie(text: string): string {
    const uri = expandCurie(text, this.prefixes);
    return uri !== text && GS1_NAMESPACES.some((space) => uri.startsWith(space)) ? uri : text;
  }

  private vocabulary(name: string, kind: VocabularyKind, value: unknown): string {
    if (typeof value !== 'string') return '';
    const text = value.trim();
    if (text === '') return '';
    const { urn, web } = CBV_SPELLINGS[kind];
    if (!text.includes(':')) return this.item(name, this.safe(web + text));
    const uri = expandCurie(text, this.prefixes);
    return this.item(name, this.safe(urn !== null && uri.startsWith(urn) ? web + uri.slice(urn.length) : uri));
  }

  /** A standard type as its bare name, an extension type as `{namespace}local`, as XML would have it. */
  private typeName(type: unknown): string {
    const text = String(type);
    const read = readName(text, this.prefixes);
    return typeof read === 'string' ? this.safe(text) : this.safe(`{${read.namespace}}${read.local}`);
  }

  private safe(text: string): string {
    return this.identity ? escaped(text) : text;
  }

  private item(key: string, text: string): string {
    return `${this.begin}${key}=${text}${this.end}`;
  }

  private group(key: string, children: string): string {
    return children === '' && !this.identity ? '' : `${this.begin}${key}${children}${this.end}`;
  }

  private fenced(children: string): string {
    return `${this.begin}${children}${this.end}`;
  }
}

/** Free text with the fences in it made harmless, the escape character first. */
function escaped(text: string): string {
  let safe = text;
  for (const fence of [ESCAPE, BEGIN, END]) {
    if (safe.includes(fence)) safe = safe.replaceAll(fence, `${ESCAPE}${fence.charCodeAt(0)};`);
  }
  return safe;
}

/** Sorts by UTF-8 bytes: the same as by UTF-16 units as long as no text has a character beyond the basic plane. */
function sorted(texts: string[]): string[] {
  if (texts.length < 2) return texts;
  if (texts.some((text) => BEYOND_BASIC.test(text))) return texts.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return texts.sort();
}

const BEYOND_BASIC = /[\ud800-\udfff]/;

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

function isMembers(value: unknown): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof ExactNumber;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}
