import { hash } from 'node:crypto';
import { formatKey, locationKey, parseEpcClass } from '../../identifiers/index.ts';
import type { ExactTime } from '../model.ts';
import { parseExactTime } from '../time.ts';

/**
 * A value of a field as one text, the *key*, so that one index finds it and sorts it: a letter for its kind, then what sorts by code point as the
 * values do.
 *
 *     nc024000000000000    the number 10; with `-` behind it, a text that reads as that number
 *     sL1                  a text
 *     t162167200123        an instant: milliseconds, then the digits below them
 *     u414/9520123000011   besides its text: the thing, place or class that an identifier names
 *     (empty)              a field that holds others: it exists, and equals nothing
 *
 * XML tells numbers and times as text (V-16), so a text that reads as one is compared as one too. A text is equal to another by its characters alone:
 * the lot 007 is not the lot 7.
 */
export const EXISTS_KEY = '';

/** Longer texts go by their digest: an ordered index of PostgreSQL takes entries of about 2,600 bytes. */
const TEXT_MAX = 256;
const HEAD = 128;
export const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const DATE_TIME = /^\d{4}-\d\d-\d\dT/;
const AS_TEXT = '-';
/** Behind every key of one number, before those of the next; and so for instants. */
const BEHIND = '.';

export type Comparison = 'GT' | 'GE' | 'LT' | 'LE';
/** Keys from the first on, below the second. */
export type KeyRange = readonly [from: string, below: string];

/** The text as every store keeps it: of what is too long, or holds U+0000, the beginning and a digest. */
export function keptText(text: string): string {
  if (text.length <= TEXT_MAX && !text.includes('\0')) return text;
  return `${text.slice(0, HEAD).replace(/\0|\p{Surrogate}/gu, '\uFFFD')}…${hash('sha256', JSON.stringify(text))}`;
}

export const textKey = (text: string): string => `s${keptText(text)}`;

/** IEEE 754 with the bits turned so that numbers sort as their texts. */
export function numberKey(number: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number + 0); // -0 is 0
  const bits = view.getBigUint64(0);
  const turned = bits >> 63n === 0n ? bits | (1n << 63n) : ~bits & ((1n << 64n) - 1n);
  return `n${turned.toString(16).padStart(16, '0')}`;
}

/** Makes every year from 0000 to 9999 a positive number of fifteen digits. */
const BEFORE_YEAR_0_MS = 100_000_000_000_000;

/** Two instants that differ later than in this many digits below the millisecond are one. */
const DIGITS_MAX = 100;

export const timeKey = ({ ms, below }: ExactTime): string =>
  `t${String(ms + BEFORE_YEAR_0_MS).padStart(15, '0')}${below.slice(0, DIGITS_MAX)}`;

/** The keys under which a value is kept. Text without a character is no value (§9.2, EXISTS: non-empty). */
export function keysOf(value: string | number | boolean): string[] {
  if (typeof value === 'number') return [numberKey(value)];
  if (typeof value === 'boolean') return [textKey(String(value))];
  if (value === '') return [];
  const time = readTime(value);
  if (time !== null) return [timeKey(time)];
  const number = readNumber(value);
  const thing = identifierKey(value);
  return [textKey(value), ...(number === null ? [] : [numberKey(number) + AS_TEXT]), ...(thing === null ? [] : [`u${thing}`])];
}

/** The keys of what equals a value that is asked for. Asked for as a number, it is found as a text too that reads as that number. */
export function equalKeys(value: string | number | boolean): string[] {
  if (typeof value === 'number') return [numberKey(value), numberKey(value) + AS_TEXT];
  if (typeof value === 'boolean') return [textKey(String(value))];
  const time = readTime(value);
  if (time !== null) return [timeKey(time)];
  const number = readNumber(value);
  const thing = identifierKey(value);
  return [textKey(value), ...(number === null ? [] : [numberKey(number)]), ...(thing === null ? [] : [`u${thing}`])];
}

/** The keys of the vocabulary elements with these ids: canonical keys, or the text itself. */
export const elementKeys = (ids: readonly string[]): string[] => ids.flatMap((id) => [textKey(id), `u${id}`]);

/** The key of a number or time to compare with; null for what is neither: nothing else is greater or less (§9.2). */
export function comparableKey(value: unknown): string | null {
  if (typeof value === 'number') return numberKey(value);
  if (typeof value !== 'string') return null;
  const number = readNumber(value);
  if (number !== null) return numberKey(number);
  const time = readTime(value);
  return time === null ? null : timeKey(time);
}

/** The keys of the same kind that lie so to a key. */
export function keyRange(comparison: Comparison, key: string): KeyRange {
  const kind = key.charAt(0);
  const end = String.fromCharCode(kind.charCodeAt(0) + 1);
  switch (comparison) {
    case 'GE':
      return [key, end];
    case 'GT':
      return [key + BEHIND, end];
    case 'LT':
      return [kind, key];
    case 'LE':
      return [kind, key + BEHIND];
  }
}

function readNumber(text: string): number | null {
  const number = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

function readTime(text: string): ExactTime | null {
  if (!DATE_TIME.test(text)) return null;
  try {
    return parseExactTime(text);
  } catch {
    return null; // such as one without a zone: a text like any other
  }
}

/** The canonical key of what a URI names, where that is another text than the URI: so that either form finds it (V-8). */
function identifierKey(text: string): string | null {
  if (!/^(?:urn:epc:|https?:)/i.test(text)) return null;
  for (const read of [locationKey, (uri: string) => formatKey(parseEpcClass(uri))]) {
    try {
      const key = read(text);
      return key === text ? null : keptText(key);
    } catch {
      // no identifier of that sort
    }
  }
  return null;
}
