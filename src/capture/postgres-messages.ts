import type { Problem } from '../errors.ts';
import { type PostgresStore, SCHEMA } from '../store/postgres/open.ts';
import type { Outcome } from './outcome.ts';

export type PostgresThreadData = {
  readonly store: PostgresStore;
  readonly rules: 'flag' | 'enforce';
  readonly origin: string;
  readonly signerKey: string;
  readonly maxEvents: number;
};
export type PostgresThreadRequest = { close: true };
export type PostgresThreadReply = { ready: true } | { healthy: boolean; message?: string } | { writer: boolean } | { closed: true };

/** What came of a request that somebody waits for. */
export type IntakeAnswer = { outcome: Outcome } | { verdicts: string } | { done: boolean } | { problem: Problem };

/** Channels on which takers and the writer wake each other. */
export const INTAKE_CHANNEL = 'lotline_intake';
export const ANSWER_CHANNEL = 'lotline_answer';

export const channelOf = (name: string, store: PostgresStore): string => `${name}_${store.schema ?? SCHEMA}`;
