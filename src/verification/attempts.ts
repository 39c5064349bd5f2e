/**
 * Who fails to verify too often (domain.md §8.6). A failure is an answer that says that what was asked does not match: what somebody gets who tries
 * numbers. Kept in memory, by each process for itself, and bounded; a restart forgets.
 */
export type AttemptLimits = {
  /** Failures in a minute and in an hour after which nothing more is answered. */
  readonly failedMinute: number;
  readonly failedHour: number;
  /** Requests of one caller in a minute, whatever becomes of them. */
  readonly minute: number;
};
export const ATTEMPT_LIMITS: AttemptLimits = { failedMinute: 20, failedHour: 200, minute: 60_000 };

export type Attempt = {
  readonly caller: string;
  readonly product: string;
  /** The network address that it came from. */
  readonly source: string;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Alerts: this share of so many requests, so many different serial numbers of one product in this time, so many in a row that rise by little. */
const SHARE = 0.05;
const REQUESTS = 200;
const DISTINCT = 50;
const DISTINCT_MS = 10 * MINUTE;
const SEQUENCE = 10;
const STEP_MAX = 10n;
/** Who is remembered at most. */
const NAMES_MAX = 20_000;

/** Why somebody looks like one who guesses. */
export type Guessing = { readonly rule: 'share' | 'distinct' | 'sequence'; readonly note: string };

export class Attempts {
  private readonly limits: AttemptLimits;
  /** Times of failures of the last hour by caller, by product and by source, and by caller and product or source. */
  private readonly failures = new Bounded<number[]>(NAMES_MAX);
  private readonly requests = new Bounded<{ minute: number; count: number }>(NAMES_MAX);
  /** The last requests of a caller: whether each failed. */
  private readonly share = new Bounded<boolean[]>(NAMES_MAX);
  /** Unknown serial numbers of a product, by hash, and when each was asked for last. */
  private readonly unknown = new Bounded<Map<string, number>>(NAMES_MAX);
  private readonly row = new Bounded<{ last: string; count: number }>(NAMES_MAX);
  private readonly told = new Bounded<number>(NAMES_MAX);

  constructor(limits: AttemptLimits = ATTEMPT_LIMITS) {
    this.limits = limits;
  }

  /**
   * Seconds until the next request may come, 0 for now. A caller's own failures stop it in any case. Once as many have failed with one product, or from one
   * place, by whomever, each caller has a quarter of the limit left there for itself: nobody keeps out those who seldom fail.
   */
  wait({ caller, product, source }: Attempt, now: number): number {
    const { failedMinute, failedHour } = this.limits;
    const own = this.untilRoom(`c ${caller}`, now, failedMinute, failedHour);
    const shared = [`p ${product}`, `s ${source}`].map((name) =>
      Math.min(
        this.untilRoom(name, now, failedMinute, failedHour),
        this.untilRoom(`${caller} ${name}`, now, Math.ceil(failedMinute / 4), Math.ceil(failedHour / 4)),
      ),
    );
    const rate = this.requests.get(caller);
    const minute = Math.floor(now / MINUTE);
    const full = rate?.minute === minute && rate.count >= this.limits.minute ? (minute + 1) * MINUTE - now : 0;
    return Math.ceil(Math.max(own, full, ...shared) / 1000);
  }

  /** Counts a request that was answered, or that was refused for the limit. `serial` in clear, `hash` of it. */
  note(
    { caller, product, source }: Attempt,
    result: { failed: boolean; refused?: boolean; unknown: boolean; serial: string; hash: string },
    now: number,
  ): Guessing | null {
    const minute = Math.floor(now / MINUTE);
    const rate = this.requests.get(caller);
    this.requests.set(caller, { minute, count: rate?.minute === minute ? rate.count + 1 : 1 });
    const share = [...(this.share.get(caller) ?? []), result.failed].slice(-REQUESTS);
    this.share.set(caller, share);
    if (!result.failed) return null;
    // What was refused tells of a guesser, but nobody is kept out for longer by asking while out.
    for (const name of result.refused
      ? []
      : [`c ${caller}`, `p ${product}`, `s ${source}`, `${caller} p ${product}`, `${caller} s ${source}`]) {
      this.failures.set(name, [...this.recent(name, now), now].slice(-this.limits.failedHour));
    }
    const guessing = this.guessing(caller, product, share, result, now);
    const name = `${caller} ${product} ${guessing?.rule}`;
    if (guessing === null || now - (this.told.get(name) ?? Number.NEGATIVE_INFINITY) < HOUR) return null;
    this.told.set(name, now);
    return guessing;
  }

  private guessing(
    caller: string,
    product: string,
    share: readonly boolean[],
    { unknown, serial, hash }: { unknown: boolean; serial: string; hash: string },
    now: number,
  ): Guessing | null {
    const failed = share.filter((one) => one).length;
    const inRow = this.inRow(`${caller} ${product}`, serial);
    const seen = this.unknown.get(product) ?? new Map<string, number>();
    if (unknown) {
      seen.delete(hash);
      seen.set(hash, now);
      for (const [old, at] of seen)
        if (at < now - DISTINCT_MS || seen.size > DISTINCT * 4) seen.delete(old);
        else break;
      this.unknown.set(product, seen);
    }
    if (inRow >= SEQUENCE)
      return { rule: 'sequence', note: `caller ${caller}: ${inRow} serial numbers of ${product} in a row, each a little above the last` };
    if (seen.size > DISTINCT)
      return { rule: 'distinct', note: `${seen.size} unknown serial numbers of ${product} in 10 minutes, the last by caller ${caller}` };
    if (share.length >= REQUESTS && failed > share.length * SHARE)
      return { rule: 'share', note: `caller ${caller}: ${failed} of the last ${share.length} verifications failed` };
    return null;
  }

  /** How many failed numbers, this one included, each lie a little above the one before. */
  private inRow(name: string, serial: string): number {
    const before = this.row.get(name);
    const count = before !== undefined && isNext(before.last, serial) ? before.count + 1 : 1;
    this.row.set(name, { last: serial, count });
    return count;
  }

  private recent(name: string, now: number): number[] {
    return recent(this.failures.get(name) ?? [], now - HOUR);
  }

  /** Milliseconds until one failure fewer counts than is allowed in a minute and in an hour. */
  private untilRoom(name: string, now: number, inMinute: number, inHour: number): number {
    const hour = this.recent(name, now);
    const minute = recent(hour, now - MINUTE);
    const wait = (times: readonly number[], max: number, span: number) =>
      times.length < max ? 0 : (times[times.length - max] as number) + span - now;
    return Math.max(wait(minute, inMinute, MINUTE), wait(hour, inHour, HOUR));
  }
}

/** The second is the first with its last digits counted up by at most STEP_MAX. */
function isNext(first: string, second: string): boolean {
  const [, head = '', digits] = /^(.*?)(\d{1,18})$/.exec(first) ?? [];
  const [, other = '', more] = /^(.*?)(\d{1,18})$/.exec(second) ?? [];
  if (digits === undefined || more === undefined || head !== other) return false;
  const step = BigInt(more) - BigInt(digits);
  return step > 0n && step <= STEP_MAX;
}

const recent = (times: readonly number[], from: number): number[] => times.filter((time) => time > from);

/** So many names and no more: the one that was set longest ago goes. */
class Bounded<Value> {
  private readonly values = new Map<string, Value>();
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  get(name: string): Value | undefined {
    return this.values.get(name);
  }

  set(name: string, value: Value): void {
    this.values.delete(name);
    this.values.set(name, value);
    if (this.values.size > this.max) this.values.delete(this.values.keys().next().value as string);
  }
}
