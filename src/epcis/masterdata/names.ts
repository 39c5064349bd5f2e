import { checkName, formatKey, locationKey, parseEpcClass } from '../../identifiers/index.ts';
import { EPCIS_PREFIXES, expandCurie } from '../prefixes.ts';

const VOCABULARY_NAMESPACE = 'urn:epcglobal:epcis:vtype:';
/** The vocabularies of the standard by their short names (MD-1); `Party` is in use without being in it. */
export const VOCABULARY_NAMES = [
  'ReadPoint',
  'BusinessLocation',
  'BusinessStep',
  'Disposition',
  'BusinessTransaction',
  'BusinessTransactionType',
  'EPCClass',
  'SourceDestType',
  'SourceDest',
  'Location',
  'Party',
  'ErrorReason',
] as const;
const SHORT: ReadonlySet<string> = new Set(VOCABULARY_NAMES);

/** The URI of a vocabulary: `ReadPoint` is `urn:epcglobal:epcis:vtype:ReadPoint`. Other text comes back as it is. */
export function vocabularyType(name: string): string {
  return SHORT.has(name) ? VOCABULARY_NAMESPACE + name : name;
}

const ATTRIBUTES = 'urn:epcglobal:cbv:mda';

/** The one form of an attribute's name that questions go by (MD-3): `name`, `cbvmda:name`, `urn:epcglobal:cbv:mda:name` and `…mda#name` are one. */
export function attributeName(name: string): string {
  const full = expandCurie(name, EPCIS_PREFIXES);
  if (full.startsWith(`${ATTRIBUTES}:`)) return `${ATTRIBUTES}#${full.slice(ATTRIBUTES.length + 1)}`;
  return full.includes(':') ? full : `${ATTRIBUTES}#${full}`;
}

/**
 * The canonical key of an element of a vocabulary. A broken identifier is kept as the text it is, since master data is a claim of its sender and names
 * many kinds of ids.
 */
export function elementKey(type: string, id: string): string {
  try {
    return type.endsWith('EPCClass') ? formatKey(parseEpcClass(id)) : locationKey(id);
  } catch {
    return id;
  }
}

/** The key that a question means. Refuses a name that no element can have. */
export function askedKey(type: string, id: string): string {
  checkName(id);
  return elementKey(type, id);
}

/** The keys that a question means where it does not say of which vocabulary the element is. */
export function askedKeys(id: string): string[] {
  return [...new Set([askedKey('EPCClass', id), askedKey('Location', id)])];
}
