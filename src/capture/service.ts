import type { CredentialChange, PersonCommand, ReadCommand, Signed, VaultChange } from '../access/index.ts';
import type { Vocabulary } from '../epcis/index.ts';
import type { IdentityAct } from '../identity/index.ts';
import type { EditFinding, RaiseFinding } from '../lifecycle/commands.ts';
import type { ClearLine, CloseBatch, GrantNumbers, ImportNumbers, OpenBatch, PoolCommand, ReturnNumbers } from '../numbers/index.ts';
import type { PutLinks, RemoveLinks } from '../resolver/commands.ts';
import type { VerificationRow } from '../store/rows.ts';
import type { Outcome } from './capturer.ts';
import type { Expectation, ShipmentTerms } from './outcome.ts';

/** A capture that is taken but not folded yet. */
export type PendingJob = { id: number; captureID: string; actor: string; behaviour: 'rollback' | 'proceed'; created: number };

/** What lotline itself is asked to put on record besides events; each becomes an entry of the journal. */
export type Command =
  | {
      kind: 'grant-key';
      id: string;
      name: string;
      roles: readonly string[];
      /** Canonical keys; everywhere, where not given. */
      sites?: readonly string[];
      /** SHA-256 of the secret, hex. */
      hash: string;
    }
  | { kind: 'end-key'; id: string }
  | { kind: 'resolve-finding'; code: string; seq: number; state: 'open' | 'closed'; note: string }
  | { kind: 'put-masterdata'; vocabularyList: readonly Vocabulary[] }
  | RaiseFinding
  | EditFinding
  | PoolCommand
  | GrantNumbers
  | ReturnNumbers
  | ImportNumbers
  | OpenBatch
  | (CloseBatch & Signed)
  | ClearLine
  | IdentityAct
  /** An act that was blocked: its kind, the code, and SHA-256 of what was asked for. It changes nothing. */
  | { kind: 'note-refusal'; act: string; code: string; digest: string; things: readonly string[] }
  | PutLinks
  | RemoveLinks
  | PersonCommand
  | (ReadCommand & Signed);

/**
 * What goes with a command when it is carried out, in the same transaction, and is no part of its entry: when the journal is replayed it is not there
 * any more. With it the command is decided on first, and refused where the rules are against it; a replay trusts the journal.
 */
export type Live = {
  /** Digests (hex) of the signing tokens that the command uses up. */
  readonly tokens?: readonly string[];
  readonly kept?: readonly KeptChange[];
  /** A bare event, JSON: what the command tells partners in the ordinary stream. Its entry follows the command's. */
  readonly event?: string;
};
/** A command as it is asked for. */
export type Asked = Command & { readonly live?: Live };

/**
 * What is kept for clients beside the journal, and is no entry: named queries and subscriptions (design.md §4). It goes the same way, because a store
 * has one writer. Not done: the name is taken, or there is nothing of that name.
 */
export type KeptChange =
  | { kind: 'put-query'; name: string /** JSON */; query: string }
  | { kind: 'remove-query'; name: string }
  /** From entry `from` on; from the next one that is made, where null. */
  | { kind: 'subscribe'; id: string; query: string; from: number | null; terms: string; progress: string }
  | { kind: 'unsubscribe'; id: string }
  | { kind: 'note-progress'; id: string; version: number; next: number; progress: string }
  | { kind: 'put-verifications'; rows: readonly VerificationRow[] }
  | { kind: 'note-verification'; id: string; info: string }
  | CredentialChange
  | VaultChange;

/** Whether who delivers has to look what there is to deliver now; it notes progress itself. */
export const changesWhatIsKept = ({ kind }: Command | KeptChange): boolean => WHAT_IS_KEPT.has(kind);
const WHAT_IS_KEPT: ReadonlySet<string> = new Set<KeptChange['kind']>(['put-query', 'remove-query', 'subscribe', 'unsubscribe']);

export type Change = 'captured' | 'kept';

/** A document to take. With the `captureID` of one that was taken before, it is that one, sent again: nothing is taken twice. */
export type Acceptance = { body: Uint8Array; actor: string; behaviour: 'rollback' | 'proceed'; captureID?: string };

/**
 * The one road in. `accept` answers when the document is kept durably (202 means this much); its job ends later. `captureEvent`, `check`
 * and `record` answer when the fold has spoken. All throw LotlineError; REQ-BUSY when the queue is full or the store cannot write.
 */
export interface CaptureService {
  accept(request: Acceptance): Promise<{ captureID: string }>;
  /**
   * One bare event, synchronously (POST /events). With `expect`, only while those things are as they were when the event was decided on: else nothing is
   * stored, and the outcome's error is EV-STALE.
   */
  captureEvent(request: { body: Uint8Array; actor: string; expect?: Expectation }): Promise<Outcome>;
  /** What each event would come to: a list of EventVerdict, as JSON text, for it may be long. */
  check(request: { body: Uint8Array; actor: string; shipment?: ShipmentTerms }): Promise<string>;
  record(command: Asked | KeptChange, actor: string): Promise<{ done: boolean }>;
  /** Jobs that are not in the journal's `capture_job` yet, newest first: all, or the one that is named. */
  pending(captureID?: string): Promise<PendingJob[]>;
  /** What waits for the fold, as far as this process knows: documents, their bytes, requests for a direct answer; and how many had to be refused. */
  readonly waitingNow: { documents: number; bytes: number; direct: number; refused: number };
  /** Calls back after what was committed: something was captured, or a query or subscription was made or removed. It may call once too often. */
  onChange(listener: (what: Change) => void): void;
  /** Waits until everything accepted before this call has ended. */
  settled(): Promise<void>;
  /** False while the store refuses to write. */
  readonly healthy: boolean;
  /** Finishes what is in hand, signs, and closes. What is still queued stays in the intake for the next start. */
  close(): Promise<void>;
}
