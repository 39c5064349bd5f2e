/** A run of a schedule (S-4): begun, and not told to its end. */
export type Run = {
  /** When it began, ms. */
  readonly at: number;
  /** The last entry that belongs to it. */
  readonly through: number;
  /** Events of it that were taken. */
  readonly sent: number;
  /** It ends before what there was when it began, for that was too much at once (`reach`). */
  readonly cut: boolean;
};

/** What became of a subscription so far, kept as JSON. Times in ms. */
export type Progress = {
  /** When the client last took something. */
  readonly lastNotified: number | null;
  /** recordTime of the last entry looked at, in µs: no event that is still to come has an earlier one (S-4). */
  readonly minRecordTime: number | null;
  /** When the last run of the schedule began. */
  readonly lastRun: number | null;
  readonly run: Run | null;
  /** The last entry of a delivery of a stream that failed: it is sent again with the same events, whatever has come since. */
  readonly attempt: number | null;
  /** So many entries are looked at once, since more took too long; null where nothing did, or all that is behind has been looked at since. */
  readonly reach: number | null;
  /** Events that the client takes at once. */
  readonly batch: number;
  /** Failures in a row. */
  readonly failures: number;
  readonly failingSince: number | null;
  readonly lastError: string | null;
  readonly nextTry: number | null;
  /** Why nothing is delivered any more. */
  readonly ended: string | null;
};

/** Events of one delivery at most; fewer after a 413, and then one more with each full delivery that is taken. */
export const BATCH_MAX = 500;
/** The first delivery that fails is tried again after about a second, the next ones each after twice as long, up to this. */
const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 15 * 60_000;
/** A client that has taken nothing for so long, in so many tries, is given up: its subscription ends. A service that is off does not try. */
export const GIVE_UP_MS = 7 * 24 * 3_600_000;
const GIVE_UP_TRIES = 100;

/** Nothing has failed since. */
export const WELL = { attempt: null, failures: 0, failingSince: null, lastError: null, nextTry: null } as const;

export const NOTHING_YET: Progress = {
  lastNotified: null,
  minRecordTime: null,
  lastRun: null,
  run: null,
  reach: null,
  batch: BATCH_MAX,
  ...WELL,
  ended: null,
};

/** What a delivery comes to when it is taken. */
export type Step = Pick<Progress, 'run' | 'lastRun' | 'reach' | 'minRecordTime'>;

/** `count` events were taken. */
export function taken(progress: Progress, step: Step, count: number, now: number): Progress {
  return {
    ...progress,
    ...step,
    batch: count === progress.batch ? Math.min(BATCH_MAX, progress.batch + 1) : progress.batch,
    lastNotified: now,
    ...WELL,
  };
}

/** The client asks for less than `count` events at once (S-8). */
export function halved(progress: Progress, count: number): Progress {
  return { ...progress, batch: Math.max(1, Math.floor(count / 2)), attempt: null };
}

/** It was not taken: when it is tried again, or that it never is. `random` is from 0 to 1: clients that failed together do not come back together. */
export function failed(progress: Progress, why: string, now: number, random: number): Progress {
  const failingSince = progress.failingSince ?? now;
  const failures = progress.failures + 1;
  const wait = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 30)) * (0.5 + random / 2);
  const told = { ...progress, failures, failingSince, lastError: why };
  return now - failingSince >= GIVE_UP_MS && failures >= GIVE_UP_TRIES
    ? { ...told, nextTry: null, ended: `nothing was taken for ${GIVE_UP_MS / 86_400_000} days` }
    : { ...told, nextTry: Math.round(now + wait) };
}
