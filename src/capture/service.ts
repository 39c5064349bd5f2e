import type { Vocabulary } from '../epcis/index.ts';
import type { Outcome } from './capturer.ts';

/** A capture that is taken but not folded yet. */
export type PendingJob = { id: number; captureID: string; actor: string; behaviour: 'rollback' | 'proceed'; created: number };

/** What lotline itself is asked to put on record besides events; each becomes an entry of the journal. */
export type Command =
  | { kind: 'grant-key'; id: string; name: string; roles: readonly string[] /** SHA-256 of the secret, hex */; hash: string }
  | { kind: 'end-key'; id: string }
  | { kind: 'resolve-finding'; code: string; seq: number; state: 'open' | 'closed'; note: string }
  | { kind: 'put-masterdata'; vocabularyList: readonly Vocabulary[] };

/**
 * The one road in. `accept` answers when the document is kept durably (202 means this much); its job ends later. `captureEvent`, `check`
 * and `record` answer when the fold has spoken. All throw LotlineError; REQ-BUSY when the queue is full or the store cannot write.
 */
export interface CaptureService {
  accept(request: { body: Uint8Array; actor: string; behaviour: 'rollback' | 'proceed' }): Promise<{ captureID: string }>;
  /** One bare event, synchronously (POST /events). */
  captureEvent(request: { body: Uint8Array; actor: string }): Promise<Outcome>;
  /** What each event would come to: a list of EventVerdict, as JSON text, for it may be long. */
  check(request: { body: Uint8Array; actor: string }): Promise<string>;
  record(command: Command, actor: string): Promise<{ done: boolean }>;
  /** Jobs that are not in the journal's `capture_job` yet, newest first: all, or the one that is named. */
  pending(captureID?: string): Promise<PendingJob[]>;
  /** What waits for the fold, as far as this process knows: documents, their bytes, requests for a direct answer; and how many had to be refused. */
  readonly waitingNow: { documents: number; bytes: number; direct: number; refused: number };
  /** Waits until everything accepted before this call has ended. */
  settled(): Promise<void>;
  /** False while the store refuses to write. */
  readonly healthy: boolean;
  /** Finishes what is in hand, signs, and closes. What is still queued stays in the intake for the next start. */
  close(): Promise<void>;
}
