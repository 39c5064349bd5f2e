import { gs1Date } from '../identifiers/index.ts';

/**
 * The last day on which a pack may be used, `YYYY-MM-DD`, of an expiry as packs and events tell it: a day, a month (day 00 or none) for its last day, or
 * six digits (codes.md §3). Null where it is none of these.
 *
 *     expiryDay('2026-05-00', 2026) → '2026-05-31'        expiryDay('260500', 2026) → '2026-05-31'
 */
export function expiryDay(text: string, year: number): string | null {
  const [, y, month, day = '00'] = /^(\d{4})-(\d\d)(?:-(\d\d))?$/.exec(text) ?? [];
  try {
    if (y === undefined) return gs1Date(text, year);
    // Seen from its own year, two digits of a year mean that year.
    return gs1Date(`${y.slice(2)}${month}${day}`, Number(y));
  } catch {
    return null;
  }
}

/** The day at `ms` in a time zone by its IANA name, `YYYY-MM-DD`. */
export function dayIn(zone: string, ms: number): string {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(zone, format);
  }
  return format.format(ms);
}
const formats = new Map<string, Intl.DateTimeFormat>();
