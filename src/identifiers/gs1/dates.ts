import { refusal } from '../refusal.ts';
import { isDigits } from './check-digit.ts';

/**
 * What a GS1 date of six digits means, seen from the year `now` (codes.md §3): the century is the nearest, 51 years on being too far
 * and 49 back still near; day 00 is the last day of the month. The written form is the caller's to keep.
 *
 *     gs1Date('270200', 2026) → '2027-02-28'
 *     gs1Date('771231', 2026) → '1977-12-31'
 */
export function gs1Date(yymmdd: string, now: number): string {
  const yy = Number(yymmdd.slice(0, 2));
  const difference = yy - (now % 100);
  const century = Math.floor(now / 100) - (difference >= 51 ? 1 : difference <= -50 ? -1 : 0);
  const year = century * 100 + yy;
  const month = Number(yymmdd.slice(2, 4));
  const last = daysIn(year, month);
  const day = Number(yymmdd.slice(4, 6)) || last;
  if (yymmdd.length !== 6 || !isDigits(yymmdd) || day > last)
    throw refusal('ID-FORM', `${yymmdd}: no date`, 'Write the date as YYMMDD, with day 00 for the whole month.');
  return `${String(year).padStart(4, '0')}-${yymmdd.slice(2, 4)}-${String(day).padStart(2, '0')}`;
}

/** The six digits of a date `YYYY-MM-DD`. */
export function formatGs1Date(date: string): string {
  return date.slice(2, 4) + date.slice(5, 7) + date.slice(8, 10);
}

/** Days of a month, 0 for a month that does not exist. */
export function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month < 1 || month > 12 ? 0 : [4, 6, 9, 11].includes(month) ? 30 : 31;
}
