import type { Problem } from '../errors.ts';

/** A document as it was taken: kept durably, answered 202, waiting to be folded. */
export type TakenDocument = {
  readonly id: number;
  readonly captureID: string;
  readonly actor: string;
  readonly behaviour: 'rollback' | 'proceed';
  /** A single event has no job; `replayed` is whichever of the two it is, and was answered long ago. */
  readonly kind: 'document' | 'event' | 'replayed';
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly body: Uint8Array;
  /** Of a single event only. */
  readonly expect?: Expectation;
};

/** How a thing was when somebody decided what is to happen to it: an event that rests on that is not stored when it is another by then (EV-STALE). */
export type Expectation = {
  /** Canonical key. */
  readonly thing: string;
  /** By `markOf` (thing-rows.ts). */
  readonly mark: string;
};

/** How a capture ended. `first` is the stored event of a bare-event capture, new or met again. */
export type Outcome = {
  readonly captureID: string;
  readonly success: boolean;
  readonly events: number;
  readonly stored: number;
  readonly errors: readonly Problem[];
  readonly first: { readonly seq: number; readonly eventID: string; readonly duplicate: boolean } | null;
};

/** What one event would come to, for the dry run (packs-wire.md, POST /check). */
export type EventVerdict = {
  index: number;
  verdict: 'ok' | 'flag' | 'block';
  findings: { code: string; severity: string; things: string[]; message: string }[];
};
