/** What a world knows about itself, from its own bookkeeping and never from a question to a store. JSON-serialisable. */

/** What lines and partners really do wrong: domain.md §5.3, then the plants that concern the graph, the containers and corrections. */
export const DEFECT_KINDS = [
  'repost',
  'out-of-order',
  'clock-hour',
  'clock-minutes',
  'no-offset',
  'sscc-twice',
  'child-in-two-cases',
  'case-one-short',
  'reject-put-back',
  'over-midnight',
  'lot-trailing-space',
  'lower-case-serials',
  'test-serials',
  'expiry-day-00',
  'rework-same-lot',
  'rework-other-lot',
  'interleaved-lots',
  'power-loss',
  'container-cycle',
  'not-a-child',
  'unknown-child',
  'output-before-input',
  'overuse',
  'rework-loop',
  'declared-error',
  'late-event',
] as const;
export type DefectKind = (typeof DEFECT_KINDS)[number];

/**
 * What lotline is to make of a defect:
 * `finding` – stored, and a finding with `code` names `things`;
 * `refused` – the document is turned away with `code`, nothing of it is stored;
 * `stored-once` – success, nothing stored the second time (`code` EV-DUP);
 * `voided` – stored without effect;
 * `batch-check` – nothing at capture; the check `code` of the batch's reconciliation names it;
 * `unremarked` – stored, and neither design.md nor domain.md promises a finding; the note says what to expect.
 */
export type Verdict = 'finding' | 'refused' | 'stored-once' | 'voided' | 'batch-check' | 'unremarked';

export type Defect = {
  kind: DefectKind;
  verdict: Verdict;
  /** A code of domain.md §21 or src/errors.ts; null where none is promised. */
  code: string | null;
  /** Further codes that tell of the same. */
  also?: readonly string[];
  /** Canonical keys of everything that takes part; a finding names one of them at least. */
  things: string[];
  /** eventIDs of the events that show it, in order of capture; of a refused document, those that it spoils and the one sent after it brings. */
  events: string[];
  /** Names of the documents that carry it; the refused one first. */
  documents: string[];
  note: string;
};

export const STATUSES = [
  'Commissioned',
  'Sampled',
  'Destroyed',
  'Inactive',
  'InTransit',
  'Received',
  'Returned',
  'Stocked',
  'Quarantined',
  'Dispensed',
] as const;
export type PackStatus = (typeof STATUSES)[number];

export type StatusCount = { status: PackStatus; count: number };
/** `holder` is `414/<gln>`; observed and inferred by the definitions of design.md §7. */
export type HolderCount = { holder: string; name: string; count: number; observed: number; inferred: number };

/** A finished lot: `packs` counts every pack that was ever commissioned for it, the sampled and destroyed too. */
export type LotAnswer = {
  key: string;
  epcClass: string;
  lot: string;
  expiry: string;
  packs: number;
  byStatus: StatusCount[];
  byHolder: HolderCount[];
};

/** A raw lot and what descends from it, by full mixing: every finished lot that the graph reaches. */
export type RawLotAnswer = { key: string; name: string; lots: string[]; packs: number };

export type AnswerKey = {
  seed: number;
  /** Documents handed out, the re-posted and the broken ones too. */
  documents: number;
  /** Events that a store holds afterwards: neither those posted twice nor those of a refused document. */
  events: number;
  bytes: number;
  /** Packs commissioned; cases and logistic units come on top. */
  packs: number;
  cases: number;
  logisticUnits: number;
  parties: { key: string; name: string; kind: string }[];
  rawLots: RawLotAnswer[];
  lots: LotAnswer[];
  defects: Defect[];
};

/** The scenario of domain.md §20, with the counts that design.md §7 fixes. */
export type E01Key = {
  /** Canonical keys of the lots by their names in the scenario. */
  lots: { R1: string; R2: string; R3: string; B1: string; C1: string; C2: string; K1: string; L1: string };
  expiry: string;
  /** The pool's side of the reconciliation (domain.md §5.2): no event tells of it. */
  numbers: { issued: number; returned: number; scrappedLabels: number; commissioned: number; good: number };
  packs: { total: number; observed: number; inferred: number; byStatus: StatusCount[]; byHolder: HolderCount[] };
  sampled: string[];
  destroyed: string[];
  cases: string[];
  /** The three cases that W broke. */
  brokenCases: string[];
  pallets: string[];
  /** The hundred at the pharmacy, and the hundred and forty loose at W. */
  atPharmacy: string[];
  looseAtWholesaler: string[];
  /** One pack that P holds, and one that never left its case on pallet 1. */
  onePackAtPharmacy: string;
  oneSealedPack: string;
  /** eventIDs by step. */
  events: Record<string, string[]>;
};
