import { encodeUrn, isWithin, percentDecode, SET_39, SET_82 } from './gs1/characters.ts';
import { checkDigit, isDigits } from './gs1/check-digit.ts';
import { baseLength, checkKeyValue, checkPart, type Gs1Key, type KeyAi, type Qualifier } from './gs1/keys.ts';
import { refusal, shown } from './refusal.ts';

/**
 * EPC URNs (epcis-2.0.md §14.1): what each scheme is made of, read and written.
 *
 *     urn:epc:id:sgtin:9520123.000011.ABC
 *                └scheme └prefix └reference └serial
 */

type Gs1Scheme = {
  readonly ai: KeyAi;
  /** Digits of company prefix and reference together; 0 = the reference is text. */
  readonly total: number;
  /** The reference's first digit stands in front of the company prefix in the key (I-2). */
  readonly moves: boolean;
  /** Where the part behind the reference goes: a qualifier, '' = right behind the key's digits, null = there is none. */
  readonly serial: Qualifier | null;
};

const scheme = (ai: KeyAi, total: number, moves: boolean, serial: Qualifier | null): Gs1Scheme => ({ ai, total, moves, serial });

const GS1_SCHEMES: ReadonlyMap<string, Gs1Scheme> = new Map([
  ['sgtin', scheme('01', 13, true, '21')],
  ['upui', scheme('01', 13, true, '235')],
  ['itip', scheme('8006', 13, true, '21')],
  ['sscc', scheme('00', 17, true, null)],
  ['sgln', scheme('414', 12, false, '254')],
  ['pgln', scheme('417', 12, false, null)],
  ['grai', scheme('8003', 12, false, '')],
  ['gdti', scheme('253', 12, false, '')],
  ['sgcn', scheme('255', 12, false, '')],
  ['gsrn', scheme('8018', 17, false, null)],
  ['gsrnp', scheme('8017', 17, false, null)],
  ['gsin', scheme('402', 16, false, null)],
  ['giai', scheme('8004', 0, false, null)],
  ['ginc', scheme('401', 0, false, null)],
  ['cpi', scheme('8010', 0, false, '8011')],
]);
const LGTIN = scheme('01', 13, true, '10');

/** Schemes with a class level of their own, written `urn:epc:idpat:<scheme>:….*` (§14.1). */
const CLASS_PATTERN = new Set(['sgtin', 'upui', 'itip', 'grai', 'gdti', 'sgcn', 'cpi']);

type EpcUrn = {
  readonly scheme: string;
  /** 'id' one instance, 'class' a class or lot, 'pattern' any wider pattern. */
  readonly level: 'id' | 'class' | 'pattern';
  /** Null for the schemes without a Digital Link (gid, bic, imovn, usdod, adi) and for wider patterns. */
  readonly key: Gs1Key | null;
  /** The URN with its escapes normalised (I-4). */
  readonly text: string;
  /** The company prefix; '' where the scheme has none. */
  readonly prefix: string;
};

/** Reads `urn:epc:id:`, `urn:epc:class:` and `urn:epc:idpat:`; refuses every other EPC URN (I-6) and every broken one (I-3). */
export function readEpcUrn(uri: string): EpcUrn {
  const kindEnd = uri.indexOf(':', 8);
  const schemeEnd = uri.indexOf(':', kindEnd + 1);
  const kind = kindEnd < 0 ? '' : uri.slice(8, kindEnd);
  if (!uri.startsWith('urn:epc:'))
    throw refusal('ID-FORM', `${shown(uri)}: not an EPC URN written in lower case`, 'Write urn:epc: and the scheme in lower case.');
  if (kind !== 'id' && kind !== 'class' && kind !== 'idpat')
    throw refusal(
      'ID-FORM',
      `${shown(uri)}: urn:epc:${kind}: has no place in an event`,
      'Give the pure identity, urn:epc:id:…, or for a class urn:epc:class:… or urn:epc:idpat:….',
    );
  if (schemeEnd < 0)
    throw refusal('ID-FORM', `${shown(uri)}: the scheme or what follows it is missing`, 'Write urn:epc:id:<scheme>:<parts>.');
  const name = uri.slice(kindEnd + 1, schemeEnd);
  const body = uri.slice(schemeEnd + 1);
  const gs1 = kind === 'class' ? (name === 'lgtin' ? LGTIN : undefined) : GS1_SCHEMES.get(name);
  if (gs1 === undefined) {
    if (kind === 'id' && OTHER_SCHEMES[name] !== undefined) return readOther(name, body, uri);
    throw refusal('ID-FORM', `${shown(uri)}: ${name} is no scheme of urn:epc:${kind}:`, 'Correct the scheme name.');
  }
  return readGs1(kind, name, gs1, body, uri);
}

function readGs1(kind: 'id' | 'class' | 'idpat', name: string, gs1: Gs1Scheme, body: string, uri: string): EpcUrn {
  const [prefix, reference, pieces, serial] = cut(name, gs1, body, uri);
  if (kind === 'idpat') {
    const wider = prefix === '*' || reference === '*' || pieces.includes('*') || !CLASS_PATTERN.has(name);
    if (wider && body.includes('*')) return { scheme: name, level: 'pattern', key: null, text: uri, prefix: '' };
    if (serial !== '*')
      throw refusal(
        'ID-FORM',
        `${shown(uri)}: a class pattern ends with .*`,
        'End the pattern with .*, or name the instance with urn:epc:id:.',
      );
  }
  checkPrefix(prefix, uri);
  const base = gs1.total === 0 ? textBase(name, prefix, reference, uri) : digitBase(gs1, prefix, reference, uri) + pieces;
  const decoded = kind === 'idpat' || serial === null ? null : decodePart(serial, uri);
  if (decoded === '') throw refusal('ID-FORM', `${shown(uri)}: the serial number is empty`, 'Give the part behind the last dot.');
  const key = assemble(gs1, base, decoded);
  checkKeyValue(gs1.ai, key.value);
  if (key.qualifier !== '') checkPart(key.qualifier, key.part);
  const head = uri.slice(0, uri.length - body.length);
  const parts = [prefix, gs1.total === 0 ? encodeUrn(percentDecode(reference)) : reference];
  if (pieces !== '') parts.push(pieces.slice(0, 2), pieces.slice(2));
  if (serial !== null) parts.push(decoded === null ? '*' : encodeUrn(decoded));
  return { scheme: name, level: kind === 'id' ? 'id' : 'class', key, text: head + parts.join('.'), prefix };
}

/** Cuts at the dots that the scheme means: a serial and a GIAI may hold dots of their own. */
function cut(
  name: string,
  gs1: Gs1Scheme,
  body: string,
  uri: string,
): [prefix: string, reference: string, pieces: string, serial: string | null] {
  const dots = (name === 'itip' ? 3 : 1) + (gs1.serial === null ? 0 : 1);
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < dots; i++) {
    const dot = body.indexOf('.', from);
    if (dot < 0)
      throw refusal(
        'ID-FORM',
        `${shown(uri)}: ${name} has ${dots + 1} parts with dots between them, found ${parts.length + 1}`,
        'Give every part of the identifier.',
      );
    parts.push(body.slice(from, dot));
    from = dot + 1;
  }
  parts.push(body.slice(from));
  const pieces = name === 'itip' ? `${parts[2]}${parts[3]}` : '';
  if (name === 'itip' && !pieces.includes('*') && !(parts[2]?.length === 2 && isDigits(pieces) && pieces.length === 4))
    throw refusal('ID-LENGTH', `${shown(uri)}: piece and total have two digits each`, 'Write piece and total with two digits each.');
  return [parts[0] as string, parts[1] as string, pieces, gs1.serial === null ? null : (parts[dots] as string)];
}

function checkPrefix(prefix: string, uri: string): void {
  if (!isDigits(prefix) && prefix !== '')
    throw refusal('ID-CHARSET', `${shown(uri)}: company prefix ${prefix} must be digits`, 'Correct the company prefix.');
  if (prefix.length < 6 || prefix.length > 12)
    throw refusal(
      'ID-LENGTH',
      `${shown(uri)}: company prefix of ${prefix.length} digits, 6 to 12 are allowed`,
      'Put the dot behind the GS1 company prefix.',
    );
}

function digitBase(gs1: Gs1Scheme, prefix: string, reference: string, uri: string): string {
  if (reference !== '' && !isDigits(reference))
    throw refusal('ID-CHARSET', `${shown(uri)}: ${reference} must be digits`, 'Correct the reference behind the company prefix.');
  if (prefix.length + reference.length !== gs1.total)
    throw refusal(
      'ID-LENGTH',
      `${shown(uri)}: company prefix and reference have ${prefix.length + reference.length} digits, ${gs1.total} are needed`,
      'Pad the reference with zeros, or put the dot behind the company prefix.',
    );
  const digits = gs1.moves ? `${reference[0]}${prefix}${reference.slice(1)}` : prefix + reference;
  return `${gs1.ai === '8003' ? '0' : ''}${digits}${checkDigit(digits)}`;
}

function textBase(name: string, prefix: string, reference: string, uri: string): string {
  const decoded = decodePart(reference, uri, name === 'cpi');
  if (decoded === '' && name === 'giai')
    throw refusal('ID-FORM', `${shown(uri)}: the asset reference is empty`, 'Give the part behind the company prefix.');
  return prefix + decoded;
}

function assemble(gs1: Gs1Scheme, base: string, serial: string | null): Gs1Key {
  const { ai } = gs1;
  if (serial === null || gs1.serial === null) return { ai, value: base, qualifier: '', part: '' };
  if (gs1.serial === '') return { ai, value: base + serial, qualifier: '', part: '' };
  if (gs1.serial === '254' && serial === '0') return { ai, value: base, qualifier: '', part: '' };
  return { ai, value: base, qualifier: gs1.serial, part: serial };
}

/** A part of a URN, decoded; refuses what a URN may not hold bare (`" % & / < > ?`, `#`) and what no GS1 identifier holds at all. */
function decodePart(part: string, uri: string, cpi = false): string {
  const decoded = percentDecode(part);
  const set = cpi ? SET_39 : SET_82;
  for (let i = 0; i < part.length; i++) {
    const c = part[i] as string;
    if (c === '%' ? !/^[0-9A-Fa-f]{2}$/.test(part.slice(i + 1, i + 3)) : '"&/<>?#'.includes(c))
      throw refusal(
        'ID-CHARSET',
        `${shown(uri)}: ${c} stands bare`,
        `Write it percent-encoded: %${c.charCodeAt(0).toString(16).toUpperCase()}.`,
      );
  }
  if (!isWithin(set, decoded))
    throw refusal('ID-CHARSET', `${shown(uri)}: a character outside GS1 set ${cpi ? 39 : 82}`, 'Use allowed characters only.');
  return decoded;
}

// ── Schemes without a GS1 key ────────────────────────────────────────────────────────────────

const OTHER_SCHEMES: Readonly<Record<string, { readonly form: RegExp; readonly says: string }>> = {
  gid: {
    form: /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,7})\.(0|[1-9]\d{0,10})$/,
    says: 'manager, class and serial as decimals without leading zeros',
  },
  bic: { form: /^[A-Z]{3}[UJZ]\d{7}$/, says: 'three letters, U, J or Z, six digits and a check digit' },
  imovn: { form: /^\d{7}$/, says: 'seven digits' },
  usdod: { form: /^[A-HJ-NP-Z0-9]{5,6}\.(0|[1-9]\d{0,10})$/, says: 'a CAGE code or DoDAAC and a decimal serial without leading zeros' },
  adi: {
    form: /^[A-HJ-NP-Z0-9]{5,6}\.(?:[A-Z0-9-]|%2F){0,32}\.(?:%23)?(?:[A-Z0-9-]|%2F){1,30}$/,
    says: 'a CAGE code or DoDAAC, a part number and a serial number',
  },
};

/** Upper bounds of a general identifier's three numbers: 28, 24 and 36 bits. */
const GID_MAX = [2 ** 28 - 1, 2 ** 24 - 1, 2 ** 36 - 1];

function readOther(name: string, body: string, uri: string): EpcUrn {
  const text = body.replace(/%[0-9A-Fa-f]{2}/g, (hex) => encodeUrn(percentDecode(hex)));
  const { form, says } = OTHER_SCHEMES[name] as { form: RegExp; says: string };
  if (!form.test(text)) throw refusal('ID-FORM', `${shown(uri)}: ${name} is ${says}`, 'Correct the parts behind the scheme.');
  if (name === 'gid' && text.split('.').some((n, i) => Number(n) > (GID_MAX[i] as number)))
    throw refusal('ID-LENGTH', `${shown(uri)}: a number is larger than its 28, 24 or 36 bits allow`, 'Correct the number.');
  if (name === 'bic' && containerCheckDigit(text) !== text[10])
    throw refusal('ID-CHECK', `${shown(uri)}: check digit should be ${containerCheckDigit(text)}`, 'Correct the container code.');
  return { scheme: name, level: 'id', key: null, text: `urn:epc:id:${name}:${text}`, prefix: '' };
}

/** ISO 6346: letters are worth 10 to 38 without the multiples of 11, each place twice the one before, mod 11, ten counts as 0. */
function containerCheckDigit(code: string): string {
  let sum = 0;
  for (let i = 0; i < 10; i++) {
    const c = code.charCodeAt(i);
    const value = c < 65 ? c - 48 : c - 55 + Math.floor((c - 56) / 10);
    sum += value * 2 ** i;
  }
  return String((sum % 11) % 10);
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────

/** The URN of a key, cut behind `prefixLength` digits of company prefix; null where no such URN exists. The length is never guessed (codes.md §5). */
export function writeEpcUrn(key: Gs1Key, prefixLength: number): string | null {
  if (!Number.isInteger(prefixLength) || prefixLength < 6 || prefixLength > 12) return null;
  const name = schemeOf(key);
  if (name === null) return null;
  const gs1 = name === 'lgtin' ? LGTIN : (GS1_SCHEMES.get(name) as Gs1Scheme);
  const base = baseLength(key.ai);
  const whole = key.value.slice(0, base);
  const tail = key.value.slice(base);
  const parts: string[] = [];
  if (gs1.total === 0) {
    if (whole.length < prefixLength || (name === 'giai' && whole.length === prefixLength)) return null;
    parts.push(whole.slice(0, prefixLength), encodeUrn(whole.slice(prefixLength)));
  } else {
    const from = key.ai === '8003' ? 1 : 0;
    const digits = whole.slice(from, from + gs1.total);
    const front = gs1.moves ? 1 : 0;
    if (gs1.total - front < prefixLength) return null;
    parts.push(digits.slice(front, front + prefixLength), digits.slice(0, front) + digits.slice(front + prefixLength));
  }
  if (key.ai === '8006') parts.push(whole.slice(14, 16), whole.slice(16, 18));
  if (gs1.serial === null) return `urn:epc:id:${name}:${parts.join('.')}`;
  const serial = gs1.serial === '' ? tail : key.part;
  if (name === 'sgln') return `urn:epc:id:sgln:${parts.join('.')}.${serial === '' ? '0' : encodeUrn(serial)}`;
  if (serial === '') return `urn:epc:idpat:${name}:${parts.join('.')}.*`;
  return `urn:epc:${name === 'lgtin' ? 'class' : 'id'}:${name}:${parts.join('.')}.${encodeUrn(serial)}`;
}

/** The EPC scheme of a key, `lgtin` for a lot; a whole class has the scheme of its instances. Null: the lot of an ITIP has none. */
export function schemeOf(key: Gs1Key): string | null {
  if (key.qualifier === '10') return key.ai === '01' ? 'lgtin' : null;
  if (key.qualifier === '235') return 'upui';
  for (const [name, gs1] of GS1_SCHEMES) if (gs1.ai === key.ai) return name;
  return null;
}
