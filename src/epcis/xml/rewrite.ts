import type { VocabularyKind } from '../cbv/lists.ts';
import { type TextKind, Translation, type TranslationOptions } from '../json/write.ts';
import { EPCIS_PREFIXES, type Prefixes } from '../prefixes.ts';
import { childElements, isElement, isPlain, textElement, type XmlVersion } from './element.ts';
import type { WrittenXml } from './from-json.ts';
import type { XmlElement } from './tree.ts';
import { changeVersion } from './upgrade.ts';
import { type CbvXmlFormat, vocabularyInXml } from './vocabulary.ts';

export type RewriteXmlOptions = TranslationOptions & {
  readonly version: XmlVersion;
  /** Set, or put in place of the sender's, which the standard has ignored (§2.1). */
  readonly recordTime?: string;
  /** Added where the event has none (C-3). */
  readonly eventID?: string;
  /** GS1-CBV-XML-Format (V-6): `Always_Web_URI` and `Always_URN` respell standard values, the others leave them as captured. */
  readonly cbvXmlFormat?: CbvXmlFormat;
};

/**
 * An event kept as XML in the release, and with the identifiers and words, that somebody asks for; what is not asked for stays as captured: extensions
 * with their order, comments aside. The twin of writeEvent for XML.
 */
export function rewriteXmlEvent(event: XmlElement, options: RewriteXmlOptions): WrittenXml {
  const upgraded = changeVersion(event, '2.0');
  const translated = new Respelling(options, event).element(withMeta(upgraded.element, options), '');
  if (options.version === '2.0') return { ...upgraded, element: translated };
  // What 2.0 had no place for goes back to where it came from, so only what the way back tells is worth telling.
  return changeVersion(translated, '1.2');
}

function withMeta(event: XmlElement, { recordTime, eventID }: RewriteXmlOptions): XmlElement {
  const behind = (children: readonly XmlElement[], names: readonly string[], added: XmlElement): XmlElement[] => {
    const at = children.findLastIndex((child) => child.uri === '' && names.includes(child.local));
    return [...children.slice(0, at + 1), added, ...children.slice(at + 1)];
  };
  let children = [...childElements(event)];
  if (recordTime !== undefined) {
    const others = children.filter((child) => !isPlain(child, 'recordTime'));
    children = behind(others, ['eventTime'], textElement('recordTime', recordTime));
  }
  if (eventID !== undefined && !children.some((child) => isPlain(child, 'eventID')))
    children = behind(children, ['eventTime', 'recordTime', 'eventTimeZoneOffset'], textElement('eventID', eventID));
  return { ...event, children };
}

const QUANTITY_LISTS = ['quantityList', 'childQuantityList', 'inputQuantityList', 'outputQuantityList'];
const EPC_LISTS = ['epcList', 'childEPCs', 'inputEPCList', 'outputEPCList'];
/** Where values stand in an event of 2.0: element names below it, `@` for an attribute. */
const PLACES: ReadonlyMap<string, TextKind> = new Map<string, TextKind>([
  ...EPC_LISTS.map((list): [string, TextKind] => [`/${list}/epc`, 'epc']),
  ...QUANTITY_LISTS.map((list): [string, TextKind] => [`/${list}/quantityElement/epcClass`, 'class']),
  ['/parentID', 'epc'],
  ['/bizStep', 'bizStep'],
  ['/disposition', 'disposition'],
  ['/persistentDisposition/set', 'disposition'],
  ['/persistentDisposition/unset', 'disposition'],
  ['/readPoint/id', 'epc'],
  ['/bizLocation/id', 'epc'],
  ['/bizTransactionList/bizTransaction', 'epc'],
  ['/bizTransactionList/bizTransaction/@type', 'bizTransactionType'],
  ['/sourceList/source', 'epc'],
  ['/sourceList/source/@type', 'sourceDestType'],
  ['/destinationList/destination', 'epc'],
  ['/destinationList/destination/@type', 'sourceDestType'],
  ['/errorDeclaration/reason', 'errorReason'],
  ['/sensorElementList/sensorElement/sensorMetadata/@deviceID', 'epc'],
  ['/sensorElementList/sensorElement/sensorReport/@deviceID', 'epc'],
  ['/sensorElementList/sensorElement/sensorReport/@type', 'measurementType'],
  ['/sensorElementList/sensorElement/sensorReport/@exception', 'sensorAlert'],
  ['/sensorElementList/sensorElement/sensorReport/@component', 'component'],
]);
/** What stands in an order inside of these (X-2, DM-14); readers take any. */
const ORDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ...QUANTITY_LISTS.map((list): [string, string[]] => [`/${list}/quantityElement`, ['epcClass', 'quantity', 'uom']]),
  ['/persistentDisposition', ['unset', 'set']],
  ['/readPoint', ['id']],
  ['/bizLocation', ['id']],
  ['/sensorElementList/sensorElement', ['sensorMetadata', 'sensorReport']],
]);
/** Elements on the way to one of them. */
const ON_THE_WAY: ReadonlySet<string> = new Set(
  ['', ...PLACES.keys()].flatMap((path) => {
    const steps = path.split('/');
    return steps.map((_, i) => steps.slice(0, i + 1).join('/'));
  }),
);

class Respelling {
  private readonly identifiers: Translation | null;
  private readonly words: CbvXmlFormat | null;
  private readonly prefixes: Prefixes;

  constructor({ cbvXmlFormat, ...options }: RewriteXmlOptions, { declares }: XmlElement) {
    this.identifiers = Translation.of(options);
    this.words = cbvXmlFormat === 'Always_Web_URI' || cbvXmlFormat === 'Always_URN' ? cbvXmlFormat : null;
    this.prefixes = new Map([...Object.entries(declares), ...(options.prefixes ?? EPCIS_PREFIXES)]);
  }

  element(element: XmlElement, path: string): XmlElement {
    const kind = PLACES.get(path);
    const attributes = element.attributes.map((attribute) => {
      const of = attribute.uri === '' ? PLACES.get(`${path}/@${attribute.local}`) : undefined;
      return of === undefined ? attribute : { ...attribute, value: this.value(of, attribute.value) };
    });
    if (kind !== undefined) return { ...element, attributes, children: [this.value(kind, textIn(element))] };
    const children = element.children.map((child) => {
      if (typeof child === 'string') return child;
      const below = `${path}/${child.local}`;
      return child.uri === '' && ON_THE_WAY.has(below) ? this.element(child, below) : child;
    });
    const order = ORDERS.get(path);
    return { ...element, attributes, children: order === undefined ? children : inOrder(children, order) };
  }

  private value(kind: TextKind, written: string): string {
    const value = written.trim();
    if (kind === 'epc' || kind === 'class') return this.identifiers?.translate(kind, value) ?? written;
    return this.words === null ? written : vocabularyInXml(kind satisfies VocabularyKind, value, this.prefixes, this.words);
  }
}

function textIn(element: XmlElement): string {
  return element.children.filter((child) => typeof child === 'string').join('');
}

function inOrder(children: readonly (XmlElement | string)[], names: readonly string[]): readonly (XmlElement | string)[] {
  const rank = (child: XmlElement) => (child.uri === '' && names.includes(child.local) ? names.indexOf(child.local) : names.length);
  const elements = children.filter(isElement);
  const sorted = elements.toSorted((a, b) => rank(a) - rank(b));
  return sorted.every((child, i) => child === elements[i]) ? children : sorted;
}
