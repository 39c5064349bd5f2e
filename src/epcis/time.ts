import { LotlineError } from '../errors.ts';
import type { ExactTime } from './model.ts';
import { quoted } from './uri.ts';

const DAY_MS = 86_400_000;
const DIGIT_0 = 48;

/**
 * Reads an XSD dateTimeStamp exactly (V-11, V-12, X-8): zone mandatory (`EV-TIMEZONE` when it is missing), years 0000 to 9999, hours 00 to 23, no
 * leap second, any number of fraction digits. Date and zone are checked, so `2026-02-30` and `+14:01` are refused.
 */
export function parseExactTime(text: string): ExactTime {
  if (text.length < 19 || !hasDateTimeShape(text)) throw badTime(text, 'is not a date-time such as 2026-03-01T08:15:00.000+01:00');
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw badTime(text, 'names a day that does not exist');
  if (second === 60) throw badTime(text, 'has a leap second, which the standard does not take');
  if (hour > 23 || minute > 59 || second > 59) throw badTime(text, 'names an hour, minute or second that does not exist');

  let end = 19;
  if (text.charCodeAt(19) === 46) {
    end = 20;
    while (isDigit(text.charCodeAt(end))) end++;
    if (end === 20) throw badTime(text, 'has a point without fraction digits');
  }
  const offsetMs = parseZone(text, end);
  const fraction = withoutTrailingZeros(text.slice(20, end));
  const seconds = (hour * 60 + minute) * 60 + second;
  const ms = daysSince1970(year, month, day) * DAY_MS + seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')) - offsetMs;
  return { ms, below: fraction.slice(3) };
}

/** The one way to write an instant: UTC, all fraction digits that count, `Z`. Equal instants give equal texts (V-12). */
export function formatExactTime(time: ExactTime): string {
  const fraction = withoutTrailingZeros(String(modulo(time.ms, 1000)).padStart(3, '0') + time.below);
  return `${formatSeconds(time.ms)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** Three decimals, rounded half up on the fourth digit, carrying (codes.md §1.5): the form in the event hash. */
export function formatMilliseconds(time: ExactTime): string {
  const ms = time.below !== '' && time.below >= '5' ? time.ms + 1 : time.ms;
  return `${formatSeconds(ms)}.${String(modulo(ms, 1000)).padStart(3, '0')}Z`;
}

/** Negative when `a` is before `b`, positive when after, 0 when they are one instant (V-11). */
export function compareExactTime(a: ExactTime, b: ExactTime): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  if (a.below === b.below) return 0;
  return a.below < b.below ? -1 : 1;
}

function hasDateTimeShape(text: string): boolean {
  for (let i = 0; i < 19; i++) {
    const c = text.charCodeAt(i);
    if (i === 4 || i === 7) {
      if (c !== 45) return false;
    } else if (i === 10) {
      if (c !== 84) return false;
    } else if (i === 13 || i === 16) {
      if (c !== 58) return false;
    } else if (!isDigit(c)) return false;
  }
  return true;
}

function parseZone(text: string, at: number): number {
  if (at === text.length) {
    throw new LotlineError('EV-TIMEZONE', `the time ${quoted(text)} has no time zone`, {
      fix: 'End the time with Z or an offset such as +01:00.',
    });
  }
  if (text.charCodeAt(at) === 90 && text.length === at + 1) return 0;
  const sign = text.charAt(at);
  const wellFormed =
    (sign === '+' || sign === '-') &&
    text.length === at + 6 &&
    text.charAt(at + 3) === ':' &&
    [1, 2, 4, 5].every((i) => isDigit(text.charCodeAt(at + i)));
  if (!wellFormed) throw badTime(text, 'ends in something that is no time zone');
  const minutes = digits(text, at + 1, at + 3) * 60 + digits(text, at + 4, at + 6);
  if (digits(text, at + 4, at + 6) > 59 || minutes > 840) throw badTime(text, 'has an offset beyond 14:00');
  return (sign === '-' ? -minutes : minutes) * 60_000;
}

function badTime(text: string, why: string): LotlineError {
  return new LotlineError('EV-SCHEMA', `the time ${quoted(text)} ${why}`, {
    fix: 'Write the time as YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00.',
  });
}

function formatSeconds(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const { year, month, day } = dateOf(days);
  const seconds = Math.floor((ms - days * DAY_MS) / 1000);
  const two = (n: number) => (n < 10 ? `0${n}` : String(n));
  // An offset may carry an instant of year 0000 or 9999 into the year beside it; XSD writes those with a sign or a fifth digit.
  const written = year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0');
  return `${written}-${two(month)}-${two(day)}T${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

// Days and dates of the proleptic Gregorian calendar by arithmetic: Date.UTC reads the years 0 to 99 as 1900 to 1999.
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function dateOf(daysFrom1970: number): { year: number; month: number; day: number } {
  const z = daysFrom1970 + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + text.charCodeAt(i) - DIGIT_0;
  return value;
}

function isDigit(c: number): boolean {
  return c >= DIGIT_0 && c <= 57;
}

function withoutTrailingZeros(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === DIGIT_0) end--;
  return text.slice(0, end);
}

function modulo(n: number, by: number): number {
  return ((n % by) + by) % by;
}
