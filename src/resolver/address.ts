import { LotlineError } from '../errors.ts';
import { type Element, formatKey, isKeyAi, type KeyAi, listAis, readDigitalLink, thingOfElements } from '../identifiers/index.ts';

/** The keys under whose AI the resolver answers. */
export const RESOLVED_KEYS: readonly KeyAi[] = listAis().flatMap(({ ai, qualifiers }) => (qualifiers !== null && isKeyAi(ai) ? [ai] : []));

/** What a Digital Link asks for. */
export type Address = {
  /** Canonical keys, finest first: the pack, its lot, its product. Only those that the link itself names. */
  readonly levels: readonly string[];
  readonly elements: readonly Element[];
  /** As it was asked for; null: not. */
  readonly linkType: string | null;
  /** Parameters that are no attributes of GS1, linkType among them, as they stand. */
  readonly parameters: readonly string[];
};

/** Reads path and query of a Digital Link on this resolver, by the rules of codes.md §4. Refuses what breaks one, and says which. */
export function readAddress(url: string): Address {
  const question = url.indexOf('?');
  const [path, query] = question < 0 ? [url, ''] : [url.slice(0, question), url.slice(question)];
  // The host does not matter: a Digital Link names the same thing everywhere.
  const { elements, ignored } = readDigitalLink(`https://id.gs1.org${path.replace(/\/+$/, '')}${query}`);
  const [key] = elements as readonly [Element];
  if (!isKeyAi(key.ai))
    throw new LotlineError('NOT-FOUND', `(${key.ai}) is not resolved here`, { fix: 'See /.well-known/gs1resolver for the keys that are.' });
  const types = ignored.filter((parameter) => parameter.startsWith('linkType='));
  if (types.length > 1)
    throw new LotlineError('REQ-FORM', 'linkType stands twice', { at: '?linkType', fix: 'Ask for one link type, or for linkset.' });
  const linkType = types[0] === undefined ? null : decoded(types[0].slice('linkType='.length));
  return { levels: levelsOf(elements, key), elements, linkType, parameters: ignored };
}

function levelsOf(elements: readonly Element[], key: Element): string[] {
  const without = (...ais: string[]) => elements.filter(({ ai }) => !ais.includes(ai));
  const keys = [elements, without('21', '235', '8011', '254'), without('21', '235', '10', '8011', '254')].map((some) =>
    formatKey(thingOfElements(some)),
  );
  // Of an asset or a document with a serial in its value, the type comes after it.
  const base = VALUE_LENGTH[key.ai];
  if (base !== undefined && key.value.length > base)
    keys.push(formatKey(thingOfElements([{ ai: key.ai, value: key.value.slice(0, base) }])));
  return [...new Set(keys)];
}
const VALUE_LENGTH: Readonly<Record<string, number>> = { '253': 13, '255': 13, '8003': 14 };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new LotlineError('REQ-FORM', 'linkType is not percent-encoded UTF-8', { at: '?linkType', fix: 'Percent-encode it in UTF-8.' });
  }
}

/**
 * Where the question whether a pack is genuine is asked (domain.md §8.1), for a link that names GTIN, lot and serial; null for any other. What else the
 * asker gave goes along.
 */
export function verificationPath({ elements, parameters }: Address): string | null {
  const value = (ai: string) => elements.find((e) => e.ai === ai)?.value;
  const [gtin, lot, serial, expiry] = [value('01'), value('10'), value('21'), value('17')];
  if (gtin === undefined || lot === undefined || serial === undefined) return null;
  const query = [...(expiry === undefined ? [] : [`exp=${expiry}`]), ...parameters];
  const path = `/verify/gtin/${gtin}/lot/${encodeURIComponent(lot)}/ser/${encodeURIComponent(serial)}`;
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}
