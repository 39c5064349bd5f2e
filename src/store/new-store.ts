import type { JournalDb } from './db.ts';
import type { Journal } from './journal.ts';

/** A document that was taken and is not folded yet. */
export type PendingDocument = {
  readonly id: number;
  readonly captureID: string;
  readonly actor: string;
  readonly behaviour: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly body: Uint8Array;
};

/**
 * A store that is being filled, beside the place where it is to be used: it appears there whole, or not at all. What is filled so far survives the end of
 * the program, and waits under its name for the next try.
 */
export interface NewStore {
  readonly journal: Journal;
  readonly db: JournalDb;
  /** Puts down documents that wait to be folded, and lets the numbers of jobs go on above `lastJob`. Answers how many. Done twice, it comes to the same. */
  putPending(documents: Iterable<PendingDocument>, lastJob: number): Promise<number>;
  /** Closes it, durable, and puts it in its place. */
  putInPlace(): Promise<void>;
  /** Closes it; it stays where it is. */
  close(): Promise<void>;
}
