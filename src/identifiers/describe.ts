import type { CompanyPrefixes } from './company-prefixes.ts';
import { parseEpc, parseEpcClass } from './epc.ts';
import { schemeOf, writeEpcUrn } from './epc-urn.ts';
import { readEventLink } from './event-links.ts';
import { findAi } from './gs1/ai-table.ts';
import { writeDigitalLink } from './gs1/digital-link.ts';
import { readBracketed, writeBracketed } from './gs1/element-string.ts';
import { type Element, qualifiersOf, ruleFor } from './gs1/elements.ts';
import { finest, type Gs1Key, isKeyAi, isSequence, isWritable, keyText, lotOf, readKeyText, thingOf } from './gs1/keys.ts';
import { isbt128Key, isIsbt128Key } from './isbt128/keys.ts';
import { readIsbt128 } from './isbt128/structures.ts';
import { formatKey, parseKey } from './key.ts';
import { refusal } from './refusal.ts';
import { readScan } from './scan/read-scan.ts';
import type { Thing, ThingLot } from './thing.ts';

/**
 * The thing, lot or class that text names, however a person or a program wrote it: EPC URN, Digital Link, bracketed element string, a scan
 * with its symbology identifier, ISBT 128 data, canonical key, or another absolute URI. Refuses what breaks a rule, and says which.
 */
export function parseThing(text: string): Thing | ThingLot {
  const given = text.trim();
  if (given.startsWith('(')) return thingOfElements(readBracketed(given));
  if (given.startsWith(']')) return thingOfScan(given);
  if (/^urn:epc:(?:class|idpat):/i.test(given)) return parseEpcClass(given);
  if (/^https?:/i.test(given)) {
    const key = readEventLink(given);
    if (key !== null) return thingOrLot(key);
  }
  if (/^[=&]/.test(given)) return thingOfIsbt128(readIsbt128(given));
  if (readKeyText(given) !== null) return parseKey(given);
  return parseEpc(given);
}

function thingOrLot(key: Gs1Key): Thing | ThingLot {
  const lot = lotOf(key);
  return lot.class === 'uri' ? thingOf(key) : lot;
}

/** The finest thing that GS1 elements name: the first key among them with its qualifiers. A key that EPCIS has no form for stays a link. */
export function thingOfElements(elements: readonly Element[]): Thing | ThingLot {
  const first = elements.find((e) => findAi(e.ai)?.qualifiers != null);
  if (first === undefined) throw refusal('ID-AI', 'the elements hold no key', 'Add the key, such as (01) or (00).');
  const qualifiers = qualifiersOf(ruleFor(first.ai), elements).map((e): [string, string] => [e.ai, e.value]);
  if (isKeyAi(first.ai) && isSequence(first.ai, qualifiers)) return thingOrLot(finest(first.ai, first.value, qualifiers));
  return { class: 'uri', serial: writeDigitalLink([first, ...qualifiers.map(([ai, value]) => ({ ai, value }))]) };
}

function thingOfScan(text: string): Thing | ThingLot {
  const scan = readScan(text);
  if (scan.isbt128 !== null) return thingOfIsbt128(scan.isbt128);
  const gtin = scan.gtin ?? scan.items.find((item) => item.di === '8P')?.value;
  const serial = scan.items.find((item) => item.di === 'S')?.value;
  const lot = scan.items.find((item) => item.di === '1T')?.value;
  return thingOfElements([
    ...(gtin === undefined ? [] : [{ ai: '01', value: gtin }]),
    ...(lot === undefined ? [] : [{ ai: '10', value: lot }]),
    ...(serial === undefined ? [] : [{ ai: '21', value: serial }]),
    ...scan.elements,
  ]);
}

function thingOfIsbt128(reading: ReturnType<typeof readIsbt128>): Thing {
  const key = isbt128Key(reading);
  if (key === null)
    throw refusal('ID-FORM', 'the ISBT 128 data name no thing', 'Scan the donation number, with the product code for a bag.');
  return { class: 'uri', serial: key };
}

/** The Digital Link of a canonical key; null for a key that is a URI of its own. */
export function toDigitalLink(key: string, options: { domain?: string } = {}): string | null {
  const gs1 = readKeyText(key);
  return gs1 === null || !isWritable(gs1) ? null : `https://${options.domain ?? 'id.gs1.org'}/${keyText(gs1)}`;
}

/** The bracketed element string of a canonical key, `(` inside a value escaped; null for a key that is a URI of its own. */
export function toElementString(key: string): string | null {
  const gs1 = readKeyText(key);
  if (gs1 === null || !isWritable(gs1)) return null;
  const elements = [{ ai: gs1.ai, value: gs1.value }, ...(gs1.qualifier === '' ? [] : [{ ai: gs1.qualifier, value: gs1.part }])];
  return writeBracketed(elements);
}

/**
 * The EPC URN of a canonical key, whose company prefix has `companyPrefixLength` digits. Null where there is no such URN; a key that is
 * an EPC URN itself (gid, bic, …) needs no length and comes back as it is.
 */
export function toEpcUrn(key: string, companyPrefixLength: number): string | null {
  const gs1 = readKeyText(key);
  if (gs1 === null) return key.startsWith('urn:epc:') ? key : null;
  return isWritable(gs1) ? writeEpcUrn(gs1, companyPrefixLength) : null;
}

/** A plain word for what a canonical key names: its EPC scheme, `gtin` for a whole product, `isbt128`, or `uri`. */
export function kindOfKey(key: string): string {
  const gs1 = readKeyText(key);
  if (gs1 === null) {
    if (isIsbt128Key(key)) return 'isbt128';
    return /^urn:epc:id:(gid|bic|imovn|usdod|adi):/.exec(key)?.[1] ?? 'uri';
  }
  if (gs1.ai === '01' && gs1.qualifier === '') return 'gtin';
  return schemeOf(gs1) ?? 'itip';
}

export type IdentifierDescription = {
  readonly key: string;
  readonly kind: string;
  /** Null when the length of the company prefix is not known: it is never guessed (codes.md §5). */
  readonly epcUrn: string | null;
  readonly digitalLink: string | null;
  readonly elementString: string | null;
};

/**
 * Every form of one identifier (design.md §7, `GET /api/v1/identifiers`). The length of the company prefix is what the text itself says
 * when it is a URN, else the one given, else what `prefixes` knows.
 */
export function describeIdentifier(
  text: string,
  options: { companyPrefixLength?: number; prefixes?: CompanyPrefixes } = {},
): IdentifierDescription {
  const key = formatKey(parseThing(text));
  const length = prefixLengthIn(text) ?? options.companyPrefixLength ?? options.prefixes?.lengthOf(key) ?? 0;
  return { key, kind: kindOfKey(key), epcUrn: toEpcUrn(key, length), digitalLink: toDigitalLink(key), elementString: toElementString(key) };
}

/** How many digits of company prefix an EPC URN marks; null for any other text. */
function prefixLengthIn(text: string): number | null {
  const [, prefix] = /^\s*urn:epc:[a-z]+:[a-z]+:([0-9]{6,12})\./.exec(text) ?? [];
  return prefix === undefined ? null : prefix.length;
}
