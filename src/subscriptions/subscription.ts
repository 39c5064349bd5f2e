import { type EpcFormat, parseExactTime } from '../epcis/index.ts';
import type { ExactTime } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import { formatRecordTime } from '../query/event-answer.ts';
import type { Progress } from './progress.ts';
import { parseSchedule, type ScheduleText } from './schedule.ts';

/** When a subscription reports: as soon as there is something, or at the times of a schedule (S-3, S-5). */
export type Timing = { readonly stream: true } | { readonly schedule: ScheduleText };

/** What was subscribed to (S-1), kept as JSON. */
export type Terms = {
  readonly dest: string;
  /** Signs deliveries (S-9); never told again. */
  readonly token: string | null;
  readonly timing: Timing;
  readonly initialRecordTime: string | null;
  readonly reportIfEmpty: boolean;
  readonly epcFormat: EpcFormat;
};

/** A subscription as it is kept. */
export type Subscription = {
  readonly id: string;
  readonly queryName: string;
  /** JSON, as it was named. */
  readonly query: unknown;
  /** The key that subscribed. */
  readonly actor: string;
  /** ms */
  readonly created: number;
  readonly terms: Terms;
  /** The first entry that has not been looked at for it. */
  readonly next: number;
  readonly version: number;
  readonly progress: Progress;
};

/** Exactly one of `stream` and `schedule` (S-1, S-11); SUB-CONTROLS where it is otherwise. `at` stands before their names. */
export function parseTiming({ stream, schedule }: { stream?: unknown; schedule?: unknown }, at: string): Timing {
  const wrong = (place: string, what: string) =>
    new LotlineError('SUB-CONTROLS', what, { at: place, fix: 'Give either stream with the value true, or a schedule.' });
  if (stream !== undefined && schedule !== undefined) throw wrong(`${at}stream`, 'stream and schedule are given together');
  if (schedule !== undefined) {
    parseSchedule(schedule, `${at}schedule`);
    return { schedule: schedule as ScheduleText };
  }
  if (stream === undefined) throw wrong(`${at}stream`, 'neither stream nor schedule is given');
  if (stream !== true) throw wrong(`${at}stream`, `stream is ${JSON.stringify(stream)}`);
  return { stream };
}

/** The time from which on events are reported (S-4). */
export function parseInitialRecordTime(text: string, at: string): ExactTime {
  try {
    return parseExactTime(text);
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    throw new LotlineError('SUB-CONTROLS', `initialRecordTime: ${error.message}`, { at, fix: error.fix, cause: error });
  }
}

/** No event that is still to be told was recorded before this (S-4). */
export function minRecordTimeOf({ progress: { minRecordTime }, terms: { initialRecordTime }, created }: Subscription): string {
  if (minRecordTime === null) return initialRecordTime ?? new Date(created).toISOString();
  return initialRecordTime !== null && microsecondsOf(initialRecordTime) > minRecordTime
    ? initialRecordTime
    : formatRecordTime(minRecordTime);
}

function microsecondsOf(time: string): number {
  const { ms, below } = parseExactTime(time);
  return ms * 1000 + Number(below.slice(0, 3).padEnd(3, '0'));
}
