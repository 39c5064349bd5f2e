import { LotlineError } from '../errors.ts';
import type { LeafInput } from '../ledger/index.ts';
import type {
  JobRow,
  PersonSecretRow,
  QueryRow,
  SubscriptionRow,
  VaultErasureRow,
  VaultLinkRow,
  VaultRow,
  VaultSaltRow,
  VaultTokenRow,
  VerificationRow,
} from '../store/rows.ts';

/** An entry of the journal, with what was logged of it. */
export type Entry = { readonly seq: number; readonly leaf: Leaf; readonly leafHash: Uint8Array; readonly body: Uint8Array };
export type Leaf = LeafInput & { readonly recordTime: bigint };

/** What lies between the events of a captured document; `parts` is read by `joinPayload` (store/payload.ts). */
export type Document = { readonly captureID: string; readonly parts: string; readonly gaps: Uint8Array };

export type SignedCheckpoint = { readonly size: number; readonly signedAt: number; readonly text: string };

/** A piece of the journal. A document comes before its first entry, a checkpoint behind the last entry that it vouches for. */
export type TruthRecord = { readonly document: Document } | { readonly entry: Entry } | { readonly checkpoint: SignedCheckpoint };

/** A finding's number, by which people cite it; and the whole of it where no entry tells it (EV-DUP). */
export type Finding = { readonly id: number; readonly code: string; readonly seq: number; readonly told: ToldFinding | null };
export type ToldFinding = {
  readonly severity: string;
  readonly state: string;
  readonly opened: number;
  readonly due: number | null;
  readonly closedSeq: number | null;
  readonly resolution: string | null;
  readonly stage: string;
  readonly owner: string | null;
  readonly record: string | null;
};

/** What no entry tells, and may change. */
export type Carried =
  | { readonly job: JobRow }
  | { readonly finding: Finding }
  | { readonly query: QueryRow }
  | { readonly subscription: SubscriptionRow }
  | { readonly verification: VerificationRow }
  /** Sealed: nothing of it says who anybody is to whom the vault's key is not known. What was erased comes with its state and no key. */
  | { readonly identity: VaultRow }
  | { readonly salt: VaultSaltRow }
  | { readonly word: VaultTokenRow }
  | { readonly link: VaultLinkRow }
  | { readonly erasure: VaultErasureRow }
  | { readonly secret: PersonSecretRow }
  | { readonly meta: { readonly name: string; readonly value: string } };

/**
 * The truth of a store at one moment: what is lost when it is lost, and what another store is made from that answers the same. Everything else is
 * derived (ARCHITECTURE.md, “What is trusted”).
 */
export interface Truth {
  /** Entries. */
  readonly size: number;
  /** The newest checkpoint, as signed. Null before the first entry. */
  readonly checkpoint: string | null;
  /** The journal from entry `from` on, where a document or a record of lotline's own begins. */
  records(from: number): AsyncIterable<TruthRecord>;
  carried(): AsyncIterable<Carried>;
  /** Root hash over the first `size` entries. */
  rootAt(size: number): Promise<Uint8Array>;
}

/** An entry that cannot be replayed. */
export function replayFault(seq: number, what: string): LotlineError {
  return new LotlineError('LOG-REPLAY', `Entry ${seq} ${what}`, {
    at: `/entry/${seq}`,
    fix: 'Run verify-log: if it finds nothing wrong, this version reads documents otherwise than the one that captured them.',
  });
}
