/**
 * The first moment, ms UTC, at which something of this expiry has expired: what expires on a day is good through it, and day 00 is the last of its
 * month (codes.md §3). Null for a text that is no date.
 */
export function expiredFrom(expiry: string): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(expiry);
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12) return null;
  return day === 0 ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1);
}
