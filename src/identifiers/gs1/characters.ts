/**
 * The GS1 character sets and the three ways in which identifiers percent-encode them. They differ on purpose (codes.md §1.7):
 *
 *     value     general (keys, Digital Links)   EPC URN     constrained (event hash)
 *     A/B       A%2FB                           A%2FB       A%2FB
 *     A(1)*     A%281%29%2A                     A(1)*       A%281%29%2A
 *     A;B='     A%3BB%3D%27                     A;B='       A;B='
 */

const LETTERS_AND_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

type CharacterSet = Uint8Array;

function setOf(characters: string): CharacterSet {
  const set = new Uint8Array(128);
  for (const c of characters) set[c.charCodeAt(0)] = 1;
  return set;
}

/** GS1 character set 82: serials, lots and most text. */
export const SET_82 = setOf(`${LETTERS_AND_DIGITS}!"%&'()*+,-./:;<=>?_`);
/** GS1 character set 39: component and part numbers (8010). */
export const SET_39 = setOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ#-/');
/** base64url: digital signatures (8030). */
export const SET_64 = setOf(`${LETTERS_AND_DIGITS}-_=`);

/** What the general form leaves bare (codes.md §4). */
const BARE_IN_GENERAL = setOf(`${LETTERS_AND_DIGITS}-._~`);
/** What an EPC URN leaves bare: set 82 without `" % & / < > ?` (epcis-2.0.md §14.1). */
export const BARE_IN_URN = setOf(`${LETTERS_AND_DIGITS}!'()*+,-.:;=_`);
/** What the event hash leaves bare (codes.md §1.7). */
export const BARE_IN_CONSTRAINED = setOf(`${LETTERS_AND_DIGITS};='_-.`);

/** Whether every character from `from` on is in the set; true for nothing. */
export function isWithin(set: CharacterSet, text: string, from = 0): boolean {
  for (let i = from; i < text.length; i++) {
    if (set[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

function encode(bare: CharacterSet, text: string): string {
  if (isWithin(bare, text)) return text;
  let out = '';
  for (const c of text) {
    const code = c.charCodeAt(0);
    if (bare[code] === 1) out += c;
    else if (code < 128) out += `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
    else out += encodeURIComponent(c);
  }
  return out;
}

/** Percent-encoding of canonical keys and Digital Links: everything but `A-Za-z0-9-._~`, upper-case hex (codes.md §4). */
export const encodeGeneral = (text: string): string => encode(BARE_IN_GENERAL, text);

/** Percent-encoding of EPC URNs (epcis-2.0.md §14.1). */
export const encodeUrn = (text: string): string => encode(BARE_IN_URN, text);

/** Percent-encoding of the event hash (codes.md §1.7). */
export const encodeConstrained = (text: string): string => encode(BARE_IN_CONSTRAINED, text);

/** Undoes percent escapes one byte each; a `%` that begins no escape stays, as the GS1 engine reads it. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
