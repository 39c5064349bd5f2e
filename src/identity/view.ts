import type { OrderState, StepId } from './vocabulary.ts';
import type { Amount, Found, Key } from './world.ts';

/** What a chain comes to: folded anew from all its events and acts whenever one is added (fold-chain.ts), and kept as JSON. Times are ms since 1970. */
export type ChainView = {
  readonly chain: string;
  /** Null: events state the chain, but no order has it. */
  readonly order: OrderView | null;
  readonly containers: readonly ContainerView[];
  readonly checkpoints: readonly CheckpointView[];
  readonly labels: readonly LabelJobView[];
  readonly custody: CustodyView;
  readonly findings: readonly Found[];
  readonly holds: readonly HoldView[];
};

export type OrderView = {
  readonly orderId: string;
  readonly patientRef: string;
  readonly product: string;
  readonly template: { readonly id: string; readonly version: number };
  readonly treatmentSite: string;
  readonly collectionSite: string;
  readonly manufacturer: string;
  readonly state: OrderState;
  /** While on hold, where it goes back to. */
  readonly returnState: OrderState | null;
  /** Since when it is in this state. */
  readonly since: number;
  readonly attempt: number;
  /** Steps that have happened, in the present attempt. */
  readonly steps: readonly StepId[];
  readonly nextCheckpoint: StepId | null;
  /** What people have to do, with the time by which. */
  readonly tasks: readonly Task[];
  /** Vein to vein: start of the collection, start of the infusion (null: not yet). */
  readonly veinToVein: { readonly from: number | null; readonly to: number | null };
  readonly stages: readonly { readonly state: OrderState; readonly at: number; readonly seq: number }[];
  /** An out-of-specification path that is signed and complete, if there is one. */
  readonly oos: string | null;
  readonly released: { readonly releaseId: string; readonly seq: number; readonly containers: readonly Key[] } | null;
};
export type Task = {
  readonly task: string;
  readonly due: number | null;
  readonly things: readonly Key[];
  readonly for: string;
  readonly code?: string;
};

export type ContainerView = {
  readonly key: Key;
  readonly kind: 'container' | 'sample' | 'dose';
  readonly aliases: readonly Key[];
  readonly attempt: number | null;
  readonly from: readonly Key[];
  readonly made: { readonly seq: number; readonly time: number; readonly step: StepId | null } | null;
  readonly volume: Amount | null;
  readonly bag: { readonly number: number; readonly of: number } | null;
  readonly expiry: string | null;
  readonly thawed: number | null;
  /** Null: it is still somewhere. `used`: it went wholly into something else. */
  readonly end: {
    readonly kind: 'infused' | 'destroyed' | 'used' | 'retained' | 'returned';
    readonly seq: number;
    readonly time: number;
  } | null;
  /** Given, where part of it is left. */
  readonly given: Amount | null;
  readonly rebound: boolean;
  readonly place: string | null;
};

export type CheckpointView = {
  readonly step: StepId;
  readonly attempt: number | null;
  /** Whether a passed check covers it: in time, or too late for the step that followed. */
  readonly state: 'open' | 'passed' | 'failed' | 'missing' | 'late';
  readonly checks: readonly string[];
};

export type LabelJobView = {
  readonly jobId: string;
  readonly container: Key | null;
  readonly copies: number;
  readonly reprintOf: string | null;
  readonly counts: { readonly applied: number; readonly spoiled: number; readonly returned: number; readonly inRecord: number } | null;
  readonly state: 'open' | 'reconciled' | 'differs' | 'frozen' | 'void';
  readonly seq: number;
};

export type CustodyView = {
  readonly handovers: readonly {
    readonly handoverId: string;
    readonly seq: number;
    readonly time: number;
    readonly giver: string;
    readonly receiver: string;
    readonly place: string;
    readonly seals: readonly string[];
    readonly things: readonly Key[];
    /** Why the custody before it is not continuous. */
    readonly gap: string | null;
  }[];
  readonly gaps: number;
};

export type HoldView = {
  readonly id: string;
  /** What is held: all of the chain, or these things and all that was made from them. */
  readonly scope: 'chain' | 'things';
  readonly things: readonly Key[];
  readonly codes: readonly string[];
  readonly reason: string;
  /** Entry that placed it, and the one that lifted it. */
  readonly seq: number;
  readonly lifted: number | null;
};

/** What happens when a code is found (domain.md §12.3): what a plan is told, and whether what happened is held. */
export type Mode = { readonly planned: 'block' | 'flag'; readonly hold: 'chain' | 'things' | null };
export const MODES: Readonly<Record<string, Mode>> = {
  'COI-ORDER': { planned: 'block', hold: 'chain' },
  'COI-MIX': { planned: 'block', hold: 'chain' },
  'COI-DISAGREE': { planned: 'block', hold: 'things' },
  'COI-UNBOUND': { planned: 'block', hold: 'things' },
  'COI-ALLOC': { planned: 'block', hold: 'things' },
  'COI-NOCHECK': { planned: 'block', hold: null },
  'COI-MISMATCH': { planned: 'block', hold: 'things' },
  'COI-MANUAL': { planned: 'flag', hold: null },
  'COI-LABEL': { planned: 'block', hold: 'things' },
  'COI-CLEARANCE': { planned: 'block', hold: null },
  'COI-SHARED': { planned: 'block', hold: null },
  'COI-WRONGSITE': { planned: 'block', hold: 'things' },
  'COI-WRONGPATIENT': { planned: 'block', hold: 'chain' },
  'COI-INFUSED-UNCHECKED': { planned: 'block', hold: null },
  'COI-EXPIRED': { planned: 'block', hold: null },
  'COI-TIME': { planned: 'flag', hold: null },
  'COI-VOLUME': { planned: 'flag', hold: null },
  'ORD-CANCELLED': { planned: 'block', hold: null },
  'OOS-PATH': { planned: 'block', hold: null },
  'REL-MISSING': { planned: 'block', hold: null },
  'HOLD-ACTIVE': { planned: 'block', hold: null },
  'COC-GAP': { planned: 'flag', hold: null },
  'COC-SEAL': { planned: 'flag', hold: null },
  'OFFLINE-CONFLICT': { planned: 'flag', hold: null },
  'OFFLINE-COUNTER': { planned: 'flag', hold: null },
  'OFFLINE-SIGNATURE': { planned: 'block', hold: null },
  'SENS-EXC': { planned: 'flag', hold: null },
  'SENS-CRIT': { planned: 'flag', hold: 'things' },
  'SENS-GAP': { planned: 'flag', hold: null },
  'SENS-UNCAL': { planned: 'flag', hold: null },
  'SENS-HOLD': { planned: 'block', hold: null },
  'SENS-TILT': { planned: 'flag', hold: null },
  'QC-OOS': { planned: 'flag', hold: 'things' },
};

/** Whether a plan that this would be found of is refused, and under LOTLINE_RULES=enforce the event itself (design.md §3). */
export const blocksPlan = (code: string): boolean => MODES[code]?.planned === 'block';

/** Codes that identity finds as facts of a chain: they open and close as it is folded. */
export const CHAIN_CODES: readonly string[] = Object.keys(MODES);
