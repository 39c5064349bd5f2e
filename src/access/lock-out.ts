/** How guessing of secrets is bounded (domain.md §17.3): by account, in the store; by network address, in the memory of each process. */

/** After so many failures in a row an account is locked. */
const FAILURES = 5;
const LOCK_MS = 15 * 60_000;
const LOCK_MAX_MS = 24 * 60 * 60_000;

/** Until when an account is locked after so many failures in a row, ms; null: it is not. 15 minutes, and twice as long each time. */
export function lockedUntil(failures: number, now: number): number | null {
  if (failures === 0 || failures % FAILURES !== 0) return null;
  return now + Math.min(LOCK_MS * 2 ** (failures / FAILURES - 1), LOCK_MAX_MS);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Failures from one address. A hospital has one address for hundreds of people, so that only failures count. */
const ADDRESS_MINUTE = 20;
const ADDRESS_HOUR = 100;
/** Addresses and unknown logins remembered. */
const NAMES_MAX = 10_000;

/** Failures by network address. */
export class AddressFailures {
  private readonly times = new Map<string, number[]>();

  /** Seconds until this address may try again, 0 for now. */
  wait(address: string, now: number): number {
    const recent = (this.times.get(address) ?? []).filter((time) => time > now - HOUR);
    const wait = (count: number, span: number) => Math.max(0, (recent.at(-count) ?? Number.NEGATIVE_INFINITY) + span - now);
    return Math.ceil(Math.max(wait(ADDRESS_MINUTE, MINUTE), wait(ADDRESS_HOUR, HOUR)) / 1000);
  }

  note(address: string, now: number): void {
    const recent = [...(this.times.get(address) ?? []), now].filter((time) => time > now - HOUR).slice(-ADDRESS_HOUR);
    remember(this.times, address, recent);
  }
}

/** Logins that nobody has are locked like those that somebody has, so that a lock tells nothing. */
export class UnknownLogins {
  private readonly logins = new Map<string, { failures: number; until: number }>();

  lockedUntil(login: string): number {
    return this.logins.get(login)?.until ?? 0;
  }

  note(login: string, now: number): void {
    const failures = (this.logins.get(login)?.failures ?? 0) + 1;
    remember(this.logins, login, { failures, until: lockedUntil(failures, now) ?? 0 });
  }
}

/** The newest stays longest. */
function remember<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  if (map.size >= NAMES_MAX) map.delete(map.keys().next().value as string);
  map.set(name, value);
}
