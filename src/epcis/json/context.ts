import { LotlineError } from '../../errors.ts';
import { EPCIS_PREFIXES, expandCurie, type Prefixes, type QualifiedName, readName } from '../prefixes.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import { pointerToken } from './split.ts';

/** The addresses under which GS1 has served the EPCIS 2.0 context (J-1); none of them is ever fetched. */
export const EPCIS_CONTEXT_URLS: ReadonlySet<string> = new Set([
  'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld',
  'https://ref.gs1.org/standards/epcis/epcis-context.jsonld',
  'https://ref.gs1.org/standards/epcis/2.0/epcis-context.jsonld',
  'https://gs1.github.io/EPCIS/epcis-context.jsonld',
]);

// The terms of the EPCIS context besides its prefixes; it protects them all (J-3).
const EPCIS_TERMS = new Set(
  `id type baseURL ObjectEvent AggregationEvent TransformationEvent AssociationEvent TransactionEvent Collection member eventTime recordTime
  eventTimeZoneOffset action certificationInfo bizStep disposition bizLocation readPoint transformationID epcList sourceList destinationList
  persistentDisposition quantity epcClass uom quantityList bizTransactionList parentID childEPCs childQuantityList inputEPCList outputEPCList
  inputQuantityList outputQuantityList sensorElementList errorDeclaration eventID creationDate sender receiver instanceIdentifier schemaVersion ilmd
  EPCISDocument EPCISQueryDocument epcisHeader masterData vocabularyList epcisBody queryResults subscriptionID queryName resultsBody eventList
  children`.split(/\s+/),
);
const SAME_AS_EPCIS = new Map([
  ['id', '@id'],
  ['type', '@type'],
  ['eventID', '@id'],
]);
const HARMLESS_KEYWORDS = new Set(['@version', '@vocab', '@base', '@language', '@direction', '@protected', '@propagate']);
// Whoever declares these as prefixes would change the meaning of every URI in the document.
const SCHEMES = new Set(['http', 'https', 'urn']);

/** Whether a document may declare the prefix with this namespace, as far as the EPCIS context is concerned (J-3). */
export function isFreePrefix(prefix: string, namespace: string): boolean {
  if (SCHEMES.has(prefix) || EPCIS_TERMS.has(prefix)) return false;
  return isEpcisPrefix(prefix, namespace) || !EPCIS_PREFIXES.has(prefix);
}

/** V-15: the namespace of CBV master data has two spellings. */
function isEpcisPrefix(prefix: string, namespace: string | undefined): boolean {
  const own = EPCIS_PREFIXES.get(prefix);
  return own !== undefined && (namespace === own || (prefix === 'cbvmda' && `${namespace}:` === own));
}

const REMEMBERED_NAMES_MAX = 10_000;

/** Contexts that an operator has loaded beside the EPCIS one: address → the value of its `@context`. */
export type KnownContexts = ReadonlyMap<string, unknown>;

/** What a document is written in. XML reaches the same checks as JSON, which part where the two syntaxes differ (V-2, V-4, DM-5). */
export type Syntax = 'json' | 'xml 1.x' | 'xml 2.0';

/** The prefixes that hold at one place of a document, with the names already looked up there. */
export class Scope {
  readonly prefixes: Prefixes;
  readonly syntax: Syntax;
  private readonly names = new Map<string, QualifiedName | 'bare' | 'undeclared'>();

  constructor(prefixes: Prefixes, syntax: Syntax = 'json') {
    this.prefixes = prefixes;
    this.syntax = syntax;
  }

  readName(name: string): QualifiedName | 'bare' | 'undeclared' {
    let known = this.names.get(name);
    if (known === undefined) {
      known = readName(name, this.prefixes);
      if (this.names.size >= REMEMBERED_NAMES_MAX) this.names.clear();
      this.names.set(name, known);
    }
    return known;
  }
}

/**
 * Reads the `@context` of a document or of an event (J-1 to J-3, V-18) on top of what holds outside it. A document and a bare event (no `outer`)
 * must name the EPCIS context; unknown remote contexts and new meanings for EPCIS terms are refused (`EV-CONTEXT`).
 */
export function readContext(
  context: unknown,
  at: string,
  options: { outer?: Scope; known?: KnownContexts | undefined; syntax?: Syntax } = {},
): Scope {
  const reader = new ContextReader(options.outer?.prefixes ?? EPCIS_PREFIXES, options.known);
  reader.read(context, at);
  if (options.outer === undefined && !reader.namesEpcis) {
    throw contextError('@context does not name the EPCIS context', at, `Add "${[...EPCIS_CONTEXT_URLS][0]}" to @context.`);
  }
  return new Scope(reader.prefixes, options.outer?.syntax ?? options.syntax);
}

class ContextReader {
  readonly prefixes: Map<string, string>;
  namesEpcis = false;
  private readonly known: KnownContexts | undefined;
  private depth = 0;

  constructor(outer: Prefixes, known: KnownContexts | undefined) {
    this.prefixes = new Map(outer);
    this.known = known;
  }

  read(context: unknown, at: string): void {
    if (typeof context === 'string') this.readRemote(context, at);
    else if (Array.isArray(context)) {
      const seen = new Set<string>();
      for (const [i, item] of context.entries()) {
        const text = JSON.stringify(item);
        if (seen.has(text)) throw contextError('@context holds the same entry twice', `${at}/${i}`, 'Keep one of the two.');
        seen.add(text);
        if (Array.isArray(item))
          throw contextError('@context holds a list inside a list', `${at}/${i}`, 'Put its entries into the outer list.');
        this.read(item, `${at}/${i}`);
      }
    } else if (typeof context === 'object' && context !== null) this.readTerms(context as Record<string, unknown>, at);
    else
      throw contextError(
        '@context must be a URL, an object of prefixes, or a list of those',
        at,
        'Give the EPCIS context URL, and prefixes in an object.',
      );
  }

  private readRemote(url: string, at: string): void {
    if (EPCIS_CONTEXT_URLS.has(url)) {
      this.namesEpcis = true;
      return;
    }
    const loaded = this.known?.get(url);
    if (loaded === undefined) {
      throw contextError(
        `the context ${quoted(url)} is not known here, and contexts are never fetched`,
        at,
        'Declare its prefixes in an object in @context instead.',
      );
    }
    if (++this.depth > 8) throw contextError('contexts refer to one another without end', at, 'Mend the loaded contexts.');
    this.read(loaded, at);
    this.depth--;
  }

  private readTerms(terms: Record<string, unknown>, at: string): void {
    // Prefixes may stand on one another in any order: those that are URIs by themselves come first.
    const later: [string, string, string][] = [];
    for (const [term, definition] of Object.entries(terms)) {
      const here = `${at}/${pointerToken(term)}`;
      if (term.startsWith('@')) {
        if (!HARMLESS_KEYWORDS.has(term))
          throw contextError(`${term} in @context is not supported`, here, 'Remove it and declare prefixes only.');
        continue;
      }
      const iri = definitionIri(definition, here);
      this.refuseRedefinition(term, iri, definition, here);
      if (iri === undefined || iri.startsWith('@') || term.includes(':')) continue;
      if (isAbsoluteUri(iri) && !this.prefixes.has(iri.slice(0, iri.indexOf(':')))) this.prefixes.set(term, iri);
      else later.push([term, iri, here]);
    }
    for (const [term, iri, here] of later) {
      const expanded = expandCurie(iri, this.prefixes);
      if (!isAbsoluteUri(expanded))
        throw contextError(
          `${quoted(term)} stands for ${quoted(iri)}, which is no absolute URI`,
          here,
          'Give the namespace as an absolute URI.',
        );
      this.prefixes.set(term, expanded);
    }
  }

  private refuseRedefinition(term: string, iri: string | undefined, definition: unknown, at: string): void {
    if (SCHEMES.has(term)) throw contextError(`${quoted(term)} is a URI scheme and cannot be a prefix`, at, 'Choose another prefix.');
    if (EPCIS_PREFIXES.has(term)) {
      if (isEpcisPrefix(term, iri)) return;
    } else if (!EPCIS_TERMS.has(term) || (typeof definition === 'string' && SAME_AS_EPCIS.get(term) === definition)) return;
    throw contextError(`@context gives ${quoted(term)} another meaning, but the EPCIS context protects it`, at, 'Choose another name.');
  }
}

/** The IRI a term definition gives, undefined when it gives none (null, or only a type for a CURIE). */
function definitionIri(definition: unknown, at: string): string | undefined {
  if (typeof definition === 'string') return definition;
  if (definition === null) return undefined;
  if (typeof definition !== 'object' || Array.isArray(definition))
    throw contextError('a prefix must stand for a URI', at, 'Give the namespace as a string.');
  const members = definition as Record<string, unknown>;
  if ('@context' in members || '@import' in members)
    throw contextError('a context inside a term definition is not supported', at, 'Declare prefixes only.');
  const id = members['@id'];
  if (id === undefined || id === null) return undefined;
  if (typeof id !== 'string') throw contextError('@id in a term definition must be a URI', `${at}/@id`, 'Give the namespace as a string.');
  return id;
}

function contextError(what: string, at: string, fix: string): LotlineError {
  return new LotlineError('EV-CONTEXT', what, { at, fix });
}
