import { LotlineError } from '../../errors.ts';
import { EPCIS_CONTEXT_URLS, isFreePrefix } from '../json/context.ts';
import { EPCIS_PREFIXES, isMasterDataNamespace } from '../prefixes.ts';
import { isAbsoluteUri } from '../uri.ts';

const MASTER_DATA = 'urn:epcglobal:cbv:mda';
const MASTER_DATA_PREFIX = 'cbvmda';
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
/** Begins the JSON form of a prefix that JSON-LD could not have as it is; XML keeps prefixes that begin with xml for itself. */
const ESCAPED = 'xml.';

/** As a prefix, the name of a scheme would turn URIs of that scheme into CURIEs. */
const URI_SCHEMES = new Set(['http', 'https', 'urn', 'tag', 'ni', 'did', 'info', 'oid', 'geo', 'mailto', 'ftp', 'file', 'data']);

/** Whether a text before a colon is the scheme of a URI, whatever prefixes are declared. */
export function isUriScheme(prefix: string): boolean {
  return URI_SCHEMES.has(prefix);
}

/** Namespaces that one event or header may declare for itself. */
export const NAMESPACES_MAX = 256;

/**
 * The prefixes of an XML document as a JSON-LD context: every prefix in scope at its event list, under a name that JSON can use. A prefix that
 * the EPCIS context has for itself (`epcis`, `type`) or that no CURIE may begin with (`my_ns`) gets a name from which it can be told again, so that
 * an event's own XML, which says only the prefix, can be read with this context alone.
 */
export class DocumentNames {
  private readonly prefixes = new Map<string, string>();

  /** What of the scope is no absolute URI is left out: no JSON-LD context could say it. */
  static inScope(namespaces: Readonly<Record<string, string>>): DocumentNames {
    const names = new DocumentNames();
    for (const [prefix, namespace] of Object.entries(namespaces)) names.declare(prefix, namespace);
    return names;
  }

  /** The inverse of contextText. */
  static ofContext(contextText: string): DocumentNames {
    const names = new DocumentNames();
    const context: unknown = JSON.parse(contextText);
    for (const part of Array.isArray(context) ? context : [context]) {
      if (typeof part !== 'object' || part === null) continue;
      for (const [prefix, namespace] of Object.entries(part)) if (typeof namespace === 'string') names.prefixes.set(prefix, namespace);
    }
    return names;
  }

  declare(prefix: string, namespace: string): void {
    if (!isAbsoluteUri(namespace) || prefix === 'xml') return;
    this.prefixes.set(jsonPrefix(prefix, namespace), namespace);
    if (namespace === MASTER_DATA) this.prefixes.set(MASTER_DATA_PREFIX, namespace);
  }

  /** Takes over what a header needed beside the prefixes in scope. */
  take(own: ReadonlyMap<string, string>): void {
    for (const [prefix, namespace] of own) this.prefixes.set(prefix, namespace);
  }

  get(prefix: string): string | undefined {
    return this.prefixes.get(prefix) ?? EPCIS_PREFIXES.get(prefix);
  }

  renamed(written: string): string | undefined {
    return this.prefixes.get(escapedPrefix(written));
  }

  entries(): Iterable<[string, string]> {
    return this.prefixes.entries();
  }

  /** What XML has in scope around an event, by the prefixes as written. */
  namespaces(): Record<string, string> {
    const declared = [...EPCIS_PREFIXES, ...this.prefixes].filter(([, uri]) => uri !== XML_NAMESPACE);
    return Object.fromEntries(declared.map(([prefix, uri]) => [writtenPrefix(prefix), uri]));
  }

  /** JSON text of `@context`: the EPCIS context, and an object of prefixes. */
  contextText(): string {
    const [epcisContext] = EPCIS_CONTEXT_URLS;
    const own = [...this.prefixes].filter(([prefix, namespace]) => EPCIS_PREFIXES.get(prefix) !== namespace);
    return JSON.stringify(own.length === 0 ? [epcisContext] : [epcisContext, Object.fromEntries(own)]);
  }
}

/** The names that one event, or one header, gives its extension members: prefixes of the document, and its own for what differs. */
export class Names {
  /** Becomes the event's own `@context`. */
  readonly own = new Map<string, string>();
  private readonly document: DocumentNames;
  private readonly known = new Map<string, string>();

  constructor(document: DocumentNames) {
    this.document = document;
  }

  /** `prefix:local` for a name in a namespace (V-14), null when the namespace is no absolute URI. The prefix is the one written wherever it can be. */
  member(uri: string, written: string, local: string): string | null {
    const prefix = this.prefix(uri, written);
    return prefix === null ? null : `${prefix}:${/^[\w.-]*$/.test(local) ? local : encodeURIComponent(local)}`;
  }

  /** The namespace of a prefix of the document that has another name in JSON. */
  renamed(written: string): string | undefined {
    return this.document.renamed(written);
  }

  private prefix(uri: string, written: string): string | null {
    const key = `${written} ${uri}`;
    let prefix = this.known.get(key);
    if (prefix === undefined) {
      if (!isAbsoluteUri(uri)) return null;
      prefix = this.choose(uri, written);
      this.known.set(key, prefix);
    }
    return prefix;
  }

  private choose(uri: string, written: string): string {
    if (isMasterDataNamespace(uri)) {
      if (uri !== `${MASTER_DATA}#` && this.document.get(MASTER_DATA_PREFIX) !== uri && !this.own.has(MASTER_DATA_PREFIX)) {
        this.own.set(MASTER_DATA_PREFIX, uri);
      }
      return MASTER_DATA_PREFIX;
    }
    if (this.own.size >= NAMESPACES_MAX) {
      throw new LotlineError('REQ-LIMIT', `one event or header uses more than ${NAMESPACES_MAX} namespaces of its own`, {
        fix: 'Use fewer namespaces, or declare them on the document.',
      });
    }
    const wanted = written === '' ? '' : jsonPrefix(written, uri);
    if (wanted !== '') {
      const there = this.own.get(wanted) ?? this.document.get(wanted);
      if (there === uri) return wanted;
      if (there === undefined) {
        this.own.set(wanted, uri);
        return wanted;
      }
    }
    for (const [prefix, namespace] of [...this.document.entries(), ...EPCIS_PREFIXES]) {
      if (namespace === uri && !this.own.has(prefix)) return prefix;
    }
    for (const [prefix, namespace] of this.own) if (namespace === uri) return prefix;
    for (let i = 1; ; i++) {
      const made = `ns${i}`;
      if (this.own.has(made) || this.document.get(made) !== undefined) continue;
      this.own.set(made, uri);
      return made;
    }
  }
}

function jsonPrefix(written: string, namespace: string): string {
  const plain =
    /^[A-Za-z][A-Za-z0-9.-]*$/.test(written) && !written.startsWith(ESCAPED) && !isUriScheme(written) && isFreePrefix(written, namespace);
  return plain ? written : escapedPrefix(written);
}

function escapedPrefix(written: string): string {
  return ESCAPED + written.replace(/[^A-Za-z0-9-]/gu, (c) => `.${c.codePointAt(0)!.toString(16)}.`);
}

function writtenPrefix(prefix: string): string {
  if (!prefix.startsWith(ESCAPED)) return prefix;
  return prefix.slice(ESCAPED.length).replace(/\.([0-9a-f]+)\./g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}
