import { LotlineError } from '../../errors.ts';
import { formatKey, parseEpc, parseEpcClass } from '../../identifiers/index.ts';
import type { Thing, ThingLot } from '../../identifiers/thing.ts';
import { quoted } from '../uri.ts';

/**
 * What the MATCH_ parameters take (epcis-2.0.md §9.3): one thing, or a pattern `urn:epc:idpat:…`. Patterns become beginnings of stored keys, so
 * that a thing captured as Digital Link is found like one captured as URN (Q-19).
 *
 *     urn:epc:idpat:sgtin:9520123.000011.*   → class 01/09520123000110, any serial
 *     urn:epc:idpat:sgtin:9520123.*.*        → class 01/<any digit>9520123…, any serial
 *     urn:epc:idpat:sscc:9520123.*           → class 00, serial <any digit>9520123…
 */
export type ThingPattern = { readonly classes: Beginning; readonly serials: Beginning };

/** Lots of the classes; with `lots` of length 0, the classes as a whole. */
export type LotPattern = { readonly classes: Beginning; readonly lots: Beginning };

/** Texts of the length (`some` is any but 0) that begin with one of the heads, followed by the company prefix where there is one. */
export type Beginning = {
  readonly heads: readonly string[];
  readonly length: number | 'some' | 'any';
  /**
   * Set where the pattern leaves the reference open. A pattern says how long the company prefix is (Q-19), so a key known to have a longer
   * or shorter one, from URNs of these schemes, does not match; where nothing is known the digits decide.
   */
  readonly company: { readonly prefix: string; readonly schemes: readonly string[] } | null;
};

type Scheme = {
  readonly parts: number;
  /** What stands before the digits of the key, and whether those are in the class or in the serial. */
  readonly head: string;
  readonly in: 'class' | 'serial';
  /** The key's first digit stands before the company prefix (I-2). */
  readonly moves?: true;
  readonly classLength?: number;
  /** Schemes of the same keys. */
  readonly kin?: readonly string[];
};

const GTIN_KIN = ['sgtin', 'lgtin', 'upui'];
const GLN_KIN = ['sgln', 'pgln'];
const GS1: Readonly<Record<string, Scheme>> = {
  sgtin: { parts: 3, head: '01/', in: 'class', moves: true, classLength: 17, kin: GTIN_KIN },
  upui: { parts: 3, head: '01/', in: 'class', moves: true, classLength: 21, kin: GTIN_KIN },
  itip: { parts: 5, head: '8006/', in: 'class', moves: true, classLength: 23 },
  grai: { parts: 3, head: '8003/0', in: 'class', classLength: 19 },
  gdti: { parts: 3, head: '253/', in: 'class', classLength: 17 },
  sgcn: { parts: 3, head: '255/', in: 'class', classLength: 17 },
  cpi: { parts: 3, head: '8010/', in: 'class' },
  sscc: { parts: 2, head: '00', in: 'serial', moves: true },
  sgln: { parts: 3, head: '414', in: 'serial', kin: GLN_KIN },
  pgln: { parts: 2, head: '417', in: 'serial', kin: GLN_KIN },
  giai: { parts: 2, head: '8004', in: 'serial' },
  gsrn: { parts: 2, head: '8018', in: 'serial' },
  gsrnp: { parts: 2, head: '8017', in: 'serial' },
  ginc: { parts: 2, head: '401', in: 'serial' },
  gsin: { parts: 2, head: '402', in: 'serial' },
};
/** Schemes without a GS1 key: their things are kept as URNs. */
const OTHER: Readonly<Record<string, number>> = { gid: 3, bic: 1, imovn: 1, usdod: 2, adi: 3 };

const PATTERN = 'urn:epc:idpat:';
const LGTIN = 'urn:epc:class:lgtin:';
const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const ANYTHING: Beginning = { heads: [''], length: 'any', company: null };
const WHOLE_CLASS: Beginning = { heads: [''], length: 0, company: null };

const exactly = (text: string): Beginning => ({ heads: [text], length: text.length, company: null });
const beginsWith = (text: string): Beginning => ({ heads: [text], length: 'any', company: null });

/** One element of an EPC parameter (Q-15): a pattern, or the thing that any other URI names. */
export function parseEpcPattern(uri: string): Thing | ThingPattern {
  if (uri.startsWith(PATTERN)) {
    const pattern = readPattern(uri);
    return pattern === null ? parseEpc(asInstance(uri)) : thingPattern(pattern);
  }
  // A class among EPCs is kept under its key, in whatever form it was written (I-10).
  if (uri.startsWith('urn:epc:class:')) return { class: 'uri', serial: formatKey(parseEpcClass(uri)) };
  return ifKeptAsUri(uri, () => parseEpc(uri), { class: 'uri', serial: uri });
}

/** One element of an EPCClass parameter (Q-16, Q-18): what it matches are lots, classes as a whole, and class patterns wider than any class. */
export function parseClassPattern(uri: string): (ThingLot | LotPattern)[] {
  if (uri.startsWith(LGTIN) && uri.endsWith('.*')) {
    const { fixed } = readPattern(`${PATTERN}sgtin:${uri.slice(LGTIN.length)}`) as Pattern;
    return [{ classes: classesOf('sgtin', GS1['sgtin'] as Scheme, fixed), lots: { heads: [''], length: 'some', company: null } }];
  }
  if (uri.startsWith(PATTERN)) {
    const pattern = readPattern(uri);
    if (pattern === null) return [parseEpcClass(asInstance(uri))];
    const text = `${PATTERN}${pattern.scheme}:${pattern.fixed.map((part) => `${part}.`).join('')}`;
    const wider: LotPattern = { classes: exactly('uri'), lots: beginsWith(text) };
    const gs1 = GS1[pattern.scheme];
    if (gs1 === undefined || gs1.in === 'serial') return [wider];
    // The class level of a third-party number is that of its GTIN (§14.1).
    const { classes } = thingPattern(pattern.scheme === 'upui' ? { ...pattern, scheme: 'sgtin' } : pattern);
    const found: LotPattern = { classes, lots: WHOLE_CLASS };
    return pattern.fixed.length === gs1.parts - 1 ? [found] : [found, wider];
  }
  return [ifKeptAsUri(uri, () => parseEpcClass(uri), { class: 'uri', lot: uri })];
}

/**
 * What `read` answers. A path on another domain that looks like a Digital Link but has a wrong check digit is kept as the URI it is (I-9), so
 * it is looked for as that.
 */
export function ifKeptAsUri<T>(uri: string, read: () => T, asUri: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof LotlineError && error.code === 'ID-CHECK' && /^https?:\/\//i.test(uri) && !uri.startsWith('https://id.gs1.org/'))
      return asUri;
    throw error;
  }
}

type Pattern = { readonly scheme: string /** The components before the first `*`. */; readonly fixed: readonly string[] };

const asInstance = (uri: string): string => `urn:epc:id:${uri.slice(PATTERN.length)}`;

/** Reads a pattern by the rules of Q-17; null when it has no `*` and so names one thing. */
function readPattern(uri: string): Pattern | null {
  const colon = uri.indexOf(':', PATTERN.length);
  const scheme = uri.slice(PATTERN.length, colon < 0 ? undefined : colon);
  const parts = colon < 0 ? [] : uri.slice(colon + 1).split('.');
  const wanted = GS1[scheme]?.parts ?? OTHER[scheme];
  if (wanted === undefined) throw broken(uri, `${quoted(scheme)} is no EPC scheme`, 'Correct the scheme name.');
  if (!uri.includes('*')) return null;
  if (parts.length !== wanted)
    throw broken(uri, `${scheme} has ${wanted} components, found ${parts.length}`, 'Give every component of the scheme.');
  const star = parts.indexOf('*');
  if (star < 0 || parts.some((part, i) => (i < star ? part.includes('*') : part !== '*')))
    throw broken(
      uri,
      '* stands for whole components, and all to the right of the first are *',
      'Write * for a component and for all behind it.',
    );
  const fixed = parts.slice(0, star);
  if (fixed.includes('')) throw broken(uri, 'a component is empty', 'Give the component, or write * for it and for all behind it.');
  if (GS1[scheme] !== undefined && star > 0 && !/^\d{6,12}$/.test(fixed[0] as string))
    throw broken(uri, `company prefix ${quoted(fixed[0])} is not 6 to 12 digits`, 'Put the dot behind the GS1 company prefix.');
  return { scheme, fixed };
}

function thingPattern({ scheme, fixed }: Pattern): ThingPattern {
  const gs1 = GS1[scheme];
  if (gs1 === undefined) {
    const text = `urn:epc:id:${scheme}:${fixed.map((part) => `${part}.`).join('')}`;
    return { classes: exactly('uri'), serials: beginsWith(text) };
  }
  if (gs1.in === 'serial') return { classes: exactly(gs1.head), serials: serialsOf(scheme, gs1, fixed) };
  return { classes: classesOf(scheme, gs1, fixed), serials: ANYTHING };
}

function classesOf(scheme: string, gs1: Scheme, fixed: readonly string[]): Beginning {
  const length = gs1.classLength ?? 'any';
  const [company, reference, ...pieces] = fixed;
  if (company === undefined) return { heads: [gs1.head], length, company: null };
  if (reference === undefined) return openReference(scheme, gs1, company, gs1.head, length);
  if (gs1.head === '01/' || gs1.head === '8006/') {
    const gtin = parseEpcClass(`${PATTERN}sgtin:${company}.${reference}.*`).class.slice(3);
    if (pieces.some((piece) => !/^\d\d$/.test(piece)))
      throw broken(
        `${PATTERN}${scheme}:${fixed.join('.')}`,
        'piece and total have two digits each',
        'Write piece and total with two digits each.',
      );
    return { heads: [gs1.head + gtin + pieces.join('') + (scheme === 'upui' ? '/235' : '')], length, company: null };
  }
  return exactly(parseEpcClass(`${PATTERN}${scheme}:${company}.${reference}.*`).class);
}

function serialsOf(scheme: string, gs1: Scheme, fixed: readonly string[]): Beginning {
  const [company, reference] = fixed;
  if (company === undefined) return ANYTHING;
  if (reference === undefined) return openReference(scheme, gs1, company, '', 'any');
  // Only a location has a component behind its reference; a GLN of 13 digits begins no other one.
  return beginsWith(parseEpc(`urn:epc:id:${scheme}:${company}.${reference}.0`).serial);
}

function openReference(scheme: string, gs1: Scheme, prefix: string, head: string, length: Beginning['length']): Beginning {
  return {
    heads: gs1.moves ? DIGITS.map((digit) => head + digit) : [head],
    length,
    company: { prefix, schemes: gs1.kin ?? [scheme] },
  };
}

function broken(uri: string, what: string, fix: string): LotlineError {
  return new LotlineError('QRY-PARAM', `the pattern ${quoted(uri)}: ${what}`, { fix });
}
