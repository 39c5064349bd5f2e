import type { FindingCode } from './findings.ts';

/** An unknown child's finding falls due after this long: its commissioning may be on the way (domain.md §5.3, choice). */
const GRACE_MICROSECONDS = 15 * 60 * 1_000_000;
/** From the determination that a product is illegitimate to the notification of regulator and partners (domain.md §9). */
export const NOTIFICATION_MICROSECONDS = 24 * 3_600 * 1_000_000;

const DAY = 86_400_000;

/**
 * Working days until an exception has to be explained (choices; the three of EX-PND-1 are the trade's, domain.md §7.3). What may be a falsified or
 * a missing pack, and what is recalled, waits a day; what only the paper has wrong, three; what is damaged or out of date, five.
 */
const WORKING_DAYS: Readonly<Partial<Record<FindingCode, number>>> = {
  'EX-PND-1': 3,
  'EX-PND-2': 3,
  'EX-PND-3': 1,
  'EX-PND-4': 3,
  'EX-PND-5': 3,
  'EX-PND-6': 3,
  'EX-DNP-1': 3,
  'EX-DNP-2': 3,
  'EX-DNP-3': 1,
  'EX-DNP-4': 1,
  'EX-DAT-1': 3,
  'EX-DAT-2': 3,
  'EX-DAT-3': 3,
  'EX-DAT-4': 1,
  'EX-DAT-5': 1,
  'EX-DAT-6': 3,
  'EX-DAT-7': 3,
  'EX-PKG-1': 3,
  'EX-PKG-2': 1,
  'EX-PKG-3': 3,
  'EX-DMG-1': 5,
  'EX-DMG-2': 5,
  'EX-HLD-1': 1,
  'EX-HLD-2': 1,
  'EX-HLD-3': 5,
  'EX-HLD-4': 3,
};

/** When a finding of this code falls due that is opened now; both in microseconds. Null: no clock runs. */
export function dueOf(code: FindingCode, opened: number): number | null {
  if (code === 'AGG-UNKNOWN-CHILD') return opened + GRACE_MICROSECONDS;
  const days = WORKING_DAYS[code];
  return days === undefined ? null : opened + workingDays(opened / 1000, days) * 1000;
}

/** Milliseconds until the same time of day so many working days later: Monday to Friday, UTC; holidays are not known here. */
function workingDays(from: number, days: number): number {
  let at = from;
  for (let left = days; left > 0; ) {
    at += DAY;
    const weekday = new Date(at).getUTCDay();
    if (weekday !== 0 && weekday !== 6) left--;
  }
  return at - from;
}
