import type { Problem } from '../errors.ts';
import { type PostgresStore, SCHEMA } from '../store/postgres/open.ts';
import type { Expectation, Outcome } from './outcome.ts';

export type PostgresThreadData = {
  readonly store: PostgresStore;
  readonly rules: 'flag' | 'enforce';
  readonly origin: string;
  readonly signerKey: string;
  readonly maxEvents: number;
  /** This process among those on the store. */
  readonly member: string;
  readonly times: WriterTimes;
};
export type PostgresThreadRequest = { close: true };
export type PostgresThreadReply = { ready: true } | { healthy: boolean; message?: string };

/** What bounds the writer, so that one that hangs or has stopped holds up the others for seconds; ms. */
export type WriterTimes = {
  /** Longer than any single statement of a capture takes, those of the largest documents included. */
  readonly statement: number;
  /** Nobody else locks what the writer writes, unless an operator does: then captures are refused until that is over. */
  readonly lock: number;
  /**
   * A writer's process beats every two seconds, whatever it folds. One that is silent for so long while the server waits for it was stopped or cut off:
   * who waits for the lock ends its session.
   */
  readonly silent: number;
};
export const WRITER_TIMES: WriterTimes = { statement: 600_000, lock: 10_000, silent: 10_000 };

/**
 * The server itself ends a session that is silent for so long, should there be nobody else who may; ms. Between two statements of a transaction the
 * writer reads and folds, minutes for the largest documents on a busy machine; between transactions it looks for work every second.
 */
export const WRITER_IDLE = { idle_in_transaction_session_timeout: 600_000, idle_session_timeout: 60_000 } as const;

/**
 * A single event, dry run or command that was not begun within this time is dropped: its sender has been told to come back. Reckoned by the server's
 * clock, which all processes share.
 */
export const REQUEST_KEPT_MS = 60_000;

/** What came of a request that somebody waits for. */
export type IntakeAnswer = { outcome: Outcome } | { verdicts: string } | { done: boolean } | { problem: Problem };

/** Channels on which takers and the writer wake each other. */
export const INTAKE_CHANNEL = 'lotline_intake';
export const ANSWER_CHANNEL = 'lotline_answer';
/** On which the writer says to every process what has changed. */
export const CHANGE_CHANNEL = 'lotline_change';

export const channelOf = (name: string, store: PostgresStore): string => `${name}_${store.schema ?? SCHEMA}`;

/** A single event with what it rests on, as one body of the intake (its kind is `guarded`). */
export const formatGuarded = (body: Uint8Array, expect: Expectation): Uint8Array =>
  Buffer.from(JSON.stringify({ expect, event: Buffer.from(body).toString('utf8') }));
export function readGuarded(body: Uint8Array): { body: Uint8Array; expect: Expectation } {
  const { expect, event } = JSON.parse(Buffer.from(body).toString('utf8')) as { expect: Expectation; event: string };
  return { body: Buffer.from(event), expect };
}
