import { LotlineError } from '../errors.ts';
import { gs1Date, hasValidCheckDigit } from '../identifiers/index.ts';
import { type Numbering, spaceOf, UNMISTAKABLE } from './space.ts';

/** AI 21 takes so many characters, of GS1's set 82 (codes.md §2). */
export const SERIAL_MAX = 20;
const SET_82 = /^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+$/;
/** Digits of an SSCC without its check digit. */
const SSCC_DATA = 17;

export type Asked = { gtin?: string | undefined; sscc?: string | undefined; length?: number | undefined; alphabet?: string | undefined };

/** What a pool is for and how its numbers look, as it was asked for. ID-… and REQ-FORM say what is wrong. */
export function numberingOf(asked: Asked): { of: { gtin: string } | { sscc: string }; numbering: Numbering } {
  const { gtin, sscc } = asked;
  if ((gtin === undefined) === (sscc === undefined))
    throw new LotlineError('REQ-FORM', 'a pool is either for a gtin or for an sscc', { fix: 'Name one of the two.' });
  return sscc === undefined ? serialsOf(gtin as string, asked) : ssccsOf(sscc, asked);
}

/** A GTIN with all of its 14 digits. */
export function gtinIn(text: string): string {
  if (!/^(\d{8}|\d{12,14})$/.test(text))
    throw new LotlineError('ID-FORM', `${text.slice(0, 40)} is no GTIN`, { at: '/gtin', fix: 'Write its 14 digits.' });
  if (!hasValidCheckDigit(text))
    throw new LotlineError('ID-CHECK', `GTIN ${text}: the check digit is wrong`, { at: '/gtin', fix: 'Correct the GTIN.' });
  return text.padStart(14, '0');
}

/** A lot as AI 10 takes it: trailing spaces and the like are faults that lines make (domain.md §5.3). */
export function lotIn(text: string): string {
  if (text.length >= 1 && text.length <= SERIAL_MAX && SET_82.test(text)) return text;
  throw new LotlineError('ID-CHARSET', `${JSON.stringify(text.slice(0, 40))} is no lot number`, {
    at: '/lot',
    fix: 'Write 1 to 20 characters of GS1 character set 82, without spaces.',
  });
}

/** An expiry as it may be given: a date, a month, or six digits, whose day may be 00. */
export function expiryIn(text: string): string {
  const six = /^\d{6}$/.test(text) ? text : `${text.replaceAll('-', '').slice(2)}00`.slice(0, 6);
  try {
    gs1Date(six, /^\d{6}$/.test(text) ? new Date().getUTCFullYear() : Number(text.slice(0, 4)));
    return text;
  } catch (cause) {
    throw new LotlineError('ID-FORM', `${text.slice(0, 40)} is no date`, {
      at: '/expiry',
      fix: 'Write YYYY-MM-DD, YYYY-MM or YYMMDD.',
      cause,
    });
  }
}

function serialsOf(gtin: string, { length, alphabet = UNMISTAKABLE }: Asked): ReturnType<typeof numberingOf> {
  const of = { gtin: gtinIn(gtin) };
  if (length === undefined || length < 1 || length > SERIAL_MAX)
    throw new LotlineError('ID-LENGTH', 'a serial number has 1 to 20 characters', { at: '/length', fix: 'Give the length.' });
  if (alphabet.length < 2 || new Set(alphabet).size !== alphabet.length)
    throw new LotlineError('REQ-FORM', 'an alphabet is two characters or more, each once', {
      at: '/alphabet',
      fix: `Write the characters themselves, such as ${UNMISTAKABLE}.`,
    });
  if (!SET_82.test(alphabet))
    throw new LotlineError('ID-CHARSET', 'the alphabet holds what is not in GS1 character set 82', {
      at: '/alphabet',
      fix: 'Leave out spaces and the like.',
    });
  return { of, numbering: { alphabet, length, head: '' } };
}

function ssccsOf(sscc: string, { length, alphabet }: Asked): ReturnType<typeof numberingOf> {
  if (!/^\d{5,13}$/.test(sscc))
    throw new LotlineError('ID-FORM', `${sscc.slice(0, 40)} is no extension digit with a GS1 company prefix`, {
      at: '/sscc',
      fix: 'Write the extension digit and the 4 to 12 digits of the company prefix.',
    });
  const own = SSCC_DATA - sscc.length;
  if (length !== undefined && length !== own)
    throw new LotlineError('ID-LENGTH', `an SSCC that begins with ${sscc} has ${own} digits left to count with`, {
      at: '/length',
      fix: `Leave length out, or write ${own}.`,
    });
  if (alphabet !== undefined && alphabet !== '0123456789')
    throw new LotlineError('ID-CHARSET', 'an SSCC is made of digits', { at: '/alphabet', fix: 'Leave alphabet out.' });
  return { of: { sscc }, numbering: { alphabet: '0123456789', length: own, head: sscc } };
}

/** Refuses numbers from outside that a pool could not have made: its space and its guess chance would not be theirs. Names every one. */
export function checkImported(numbering: Numbering, serials: readonly string[]): void {
  const allowed = new Set(numbering.alphabet);
  const size = numbering.head === '' ? numbering.length : SSCC_DATA + 1;
  const fits = (serial: string) =>
    serial.length === size &&
    serial.startsWith(numbering.head) &&
    serial.split('').every((c) => allowed.has(c)) &&
    (numbering.head === '' || hasValidCheckDigit(serial));
  const odd = serials.filter((serial) => !fits(serial));
  if (odd.length > 0)
    throw new LotlineError(
      'ID-FORM',
      `${odd.length} numbers are not of this pool's length and alphabet: ${odd.slice(0, 5).join(', ').slice(0, 200)}`,
      {
        at: '/numbers',
        fix: `Open a pool that fits them: this one's numbers have ${size} characters of ${spaceOf({ alphabet: numbering.alphabet, length: 1 })}.`,
      },
    );
  refuseTwice(serials, '/numbers');
}

/** A list names each number once. */
export function refuseTwice(serials: readonly string[], at: string): void {
  const seen = new Set<string>();
  for (const serial of serials) {
    if (seen.has(serial))
      throw new LotlineError('REQ-FORM', `${serial.slice(0, 40)} stands twice in the list`, { at, fix: 'Name each number once.' });
    seen.add(serial);
  }
}
