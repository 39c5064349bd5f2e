/** Prefix → namespace, exactly as declared: a trailing `/`, `#` or `:` is part of the namespace (V-14). */
export type Prefixes = ReadonlyMap<string, string>;

/** What the EPCIS context itself declares, so that documents need not. */
export const EPCIS_PREFIXES: Prefixes = new Map([
  ['epcis', 'https://ref.gs1.org/epcis/'],
  ['cbv', 'https://ref.gs1.org/cbv/'],
  ['cbvmda', 'urn:epcglobal:cbv:mda:'],
  ['gs1', 'https://gs1.org/voc/'],
  ['rdfs', 'http://www.w3.org/2000/01/rdf-schema#'],
  ['owl', 'http://www.w3.org/2002/07/owl#'],
  ['xsd', 'http://www.w3.org/2001/XMLSchema#'],
  ['dcterms', 'http://purl.org/dc/terms/'],
]);

/** The URI that a CURIE with a declared prefix stands for; any other text comes back as it is. */
export function expandCurie(text: string, prefixes: Prefixes): string {
  const colon = text.indexOf(':');
  if (colon < 0 || text.startsWith('//', colon + 1)) return text;
  const namespace = prefixes.get(text.slice(0, colon));
  return namespace === undefined ? text : namespace + text.slice(colon + 1);
}

/** The namespace of CBV master data, as the EPCIS context spells it (V-15). */
export const MASTER_DATA_NAMESPACE = 'urn:epcglobal:cbv:mda:';

/** V-15: XML writes the namespace of CBV master data without the colon, the JSON-LD context with it, and attribute ids with `#`. */
export function isMasterDataNamespace(namespace: string): boolean {
  return namespace === MASTER_DATA_NAMESPACE || namespace === 'urn:epcglobal:cbv:mda' || namespace === 'urn:epcglobal:cbv:mda#';
}

/**
 * JSON made from XML spells what only XML has with names that no JSON document can have for members of its own: an attribute of an extension
 * `@:name`, in a namespace `@prefix:name`, and the text beside attributes or elements `#:text`. `@type` and `#text` are members like any other.
 */
export const TEXT_MEMBER = '#:text';

/** The name of an attribute, `name` or `prefix:name`, where a member stands for one; null for every other member. */
export function attributeOf(member: string): string | null {
  const [, prefix, local] = /^@([^:]*):([^:/][^:]*)$/.exec(member) ?? [];
  if (local === undefined) return null;
  return prefix === '' ? local : `${prefix}:${local}`;
}

/**
 * Holds what EPCIS 1.2 takes in its wrappers and nothing else does, elements without a namespace: `lotline:extension` and `lotline:baseExtension`
 * stand for the wrapper, in JSON and in XML of 2.0.
 */
export const WRAPPED_NAMESPACE = 'urn:lotline:epcis-1.2';

/** A member name that is no standard field: where it lives and what it is called there (V-14). */
export type QualifiedName = { readonly namespace: string; readonly local: string };

// A colon also ends the scheme of a full URI; these are the schemes that names are made of besides those that go on with `//`.
const NAME_SCHEMES = new Set(['urn', 'tag', 'ni', 'did', 'info', 'oid']);

/**
 * Reads the name of an extension member (V-13): a CURIE with a declared prefix, or a full URI, which is split after its last `/`, `#` or `:`.
 * Answers 'bare' for a name without a colon, 'undeclared' for a CURIE whose prefix nobody declared (V-18).
 */
export function readName(name: string, prefixes: Prefixes): QualifiedName | 'bare' | 'undeclared' {
  const colon = name.indexOf(':');
  if (colon <= 0) return 'bare';
  if (!name.startsWith('//', colon + 1)) {
    const prefix = name.slice(0, colon);
    const namespace = prefixes.get(prefix);
    if (namespace !== undefined) return { namespace, local: name.slice(colon + 1) };
    if (!NAME_SCHEMES.has(prefix)) return 'undeclared';
  }
  const end = Math.max(name.lastIndexOf('/'), name.lastIndexOf('#'), name.lastIndexOf(':')) + 1;
  return { namespace: name.slice(0, end), local: name.slice(end) };
}
