import { LotlineError } from '../../errors.ts';
import { EPCIS_PREFIXES, isMasterDataNamespace, type Prefixes, readName, WRAPPED_NAMESPACE } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import { SBDH_NAMESPACE, XML_NAMESPACE, type XmlNotes, XSD_NAMESPACE, XSI_NAMESPACE } from './element.ts';

/** The name of an element or attribute, as the tree holds it. */
export type XmlName = { readonly name: string; readonly uri: string; readonly local: string };

// What an XML name may be made of, without the colon; the characters beyond ASCII as ranges of XML 1.0.
const START =
  'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd';
const PART = `${START}\\-.0-9\\u00b7\\u0300-\\u036f\\u203f\\u2040`;
const NAME = new RegExp(`^[${START}][${PART}]*$`);
const NAME_START = new RegExp(`^[${START}]$`);
const NAME_PART = new RegExp(`^[${PART}]$`);

/** V-15: XML writes the namespace of CBV master data without the separator at its end. */
const MASTER_DATA = 'urn:epcglobal:cbv:mda';

// Prefixes that documents give their own meaning.
const RESERVED = new Set(['epcis', 'epcisq', 'epcismd', 'sbdh', 'xsi', 'xsd', 'xml', 'xmlns', 'lotline']);
const OWN_NAMESPACES: readonly (readonly [string, string])[] = [
  ['xsi', XSI_NAMESPACE],
  ['xsd', XSD_NAMESPACE],
  ['xml', XML_NAMESPACE],
  ['sbdh', SBDH_NAMESPACE],
  ['lotline', WRAPPED_NAMESPACE],
];

/** Finds XML names for member names, and remembers what has to be declared for them. */
export class XmlNames {
  private readonly prefixes: Prefixes;
  private readonly notes: XmlNotes;
  private readonly byNamespace = new Map<string, string>(OWN_NAMESPACES.map(([prefix, uri]) => [uri, prefix]));
  private readonly taken = new Set<string>(RESERVED);
  private readonly used = new Map<string, string>();

  constructor(prefixes: Prefixes, notes: XmlNotes) {
    this.prefixes = prefixes;
    this.notes = notes;
  }

  /** The declarations for every name given out so far. */
  declares(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.used);
  }

  /** The prefix of a namespace, `wanted` if it is free. */
  prefixFor(uri: string, wanted: string): string {
    const prefix = this.byNamespace.get(uri) ?? this.choose(uri, wanted);
    if (prefix !== 'xml') this.used.set(prefix, uri);
    return prefix;
  }

  /**
   * The name of an extension member in XML (V-13, V-14): its namespace exactly, and its prefix where that can stand. `bare` says whether a name
   * without a namespace may stand here. Refuses a prefix that nobody declared (`EV-CONTEXT`, V-18).
   */
  read(member: string, at: string): XmlName | 'bare' {
    const own = OWN_NAMESPACES.find(([prefix]) => member.startsWith(`${prefix}:`) && !this.prefixes.has(prefix));
    if (own !== undefined) return this.name(own[1], member.slice(own[0].length + 1), own[0], at);
    const read = readName(member, this.prefixes);
    if (read === 'bare') return read;
    if (read === 'undeclared') {
      throw new LotlineError('EV-CONTEXT', `the prefix of ${quoted(member)} is not declared`, { at, fix: 'Declare it in @context.' });
    }
    const prefix = member.slice(0, member.indexOf(':'));
    return this.name(inXml(read.namespace), read.local, this.prefixes.has(prefix) ? prefix : '', at);
  }

  /** A name without a namespace, from which `unspelled` gives the member back. */
  plain(member: string, at: string): XmlName {
    const local = this.local(member.replace(LIKE_SPELLED, '_x005F_'), at);
    return { name: local, uri: '', local };
  }

  private name(uri: string, written: string, wanted: string, at: string): XmlName {
    const local = this.local(written, at);
    return { name: `${this.prefixFor(uri, wanted)}:${local}`, uri, local };
  }

  private choose(uri: string, wanted: string): string {
    const declared = [...this.prefixes].filter(([, namespace]) => inXml(namespace) === uri).map(([prefix]) => prefix);
    let prefix = [wanted, ...declared].find((one) => this.isFree(one, uri));
    for (let i = 1; prefix === undefined; i++) if (this.isFree(`ns${i}`, uri)) prefix = `ns${i}`;
    this.byNamespace.set(uri, prefix);
    this.taken.add(prefix);
    return prefix;
  }

  /** A prefix is not taken from another namespace for which the document declares it. */
  private isFree(prefix: string, uri: string): boolean {
    if (this.taken.has(prefix) || /^xml/i.test(prefix) || !NAME.test(prefix)) return false;
    const declared = this.prefixes.get(prefix);
    return declared === undefined || inXml(declared) === uri;
  }

  /**
   * Local names that XML does not take are spelled with `_xHHHH_` for the characters it minds, as databases do, and told. A name that came from XML
   * and has its letters escaped, as a URI must, gets them back.
   */
  private local(written: string, at: string): string {
    if (NAME.test(written)) return written;
    const unescaped = withoutEscapes(written);
    if (NAME.test(unescaped) && encodeURIComponent(unescaped) === written) return unescaped;
    let local = '';
    for (const character of written) {
      const allowed = (local === '' ? NAME_START : NAME_PART).test(character);
      local += allowed ? character : `_x${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}_`;
    }
    if (local === '') local = '_';
    this.notes.add(at, `${quoted(written)} is no name in XML and is written as ${quoted(local)}`);
    return local;
  }
}

/** An underscore that begins what looks like a character spelled `_xHHHH_`. */
const LIKE_SPELLED = /_(?=x[0-9A-F]{4,6}_)/g;

/** The member that an element without a namespace was made of: JSON-LD keywords such as `@type` are no names in XML. */
export function unspelled(local: string): string {
  if (!local.includes('_x')) return local;
  const member = local.replace(/_x([0-9A-F]{4,6})_/g, (spelling, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : spelling;
  });
  return member.includes(':') ? local : member; // a colon would make it a name of a namespace
}

function withoutEscapes(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function inXml(namespace: string): string {
  return isMasterDataNamespace(namespace) ? MASTER_DATA : namespace;
}

/** An attribute id of master data as XML has it: `urn:epcglobal:cbv:mda#name`, whatever prefix JSON gave it (MD-3). */
export function masterDataAttributeId(id: string, prefixes: Prefixes): string {
  const colon = id.indexOf(':');
  const namespace = prefixes.get(id.slice(0, colon)) ?? EPCIS_PREFIXES.get(id.slice(0, colon));
  if (colon < 0 || namespace === undefined || id.startsWith('//', colon + 1)) return id;
  return (inXml(namespace) === MASTER_DATA ? `${MASTER_DATA}#` : namespace) + id.slice(colon + 1);
}
