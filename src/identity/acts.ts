/**
 * What people vouch for, by kind: the bodies of acts as the journal keeps them (identity-wire.md §4). No personal data: identity is in the vault,
 * values that were read of a person are commitments.
 */
export interface Acts {
  patient: { patientRef: string };
  donor: { donorRef: string };
  /** The identity in the vault was put right: which version it has now, and no values. */
  rectification: { patientRef: string; version: number };
  /** Two references are the same person. Which ones is known to the vault alone: the entry has a commitment to the pair. */
  link: { linkId: string; pair: string; reason: string };
  product: ProductAct;
  order: OrderAct;
  'order-state': { orderId: string; to: string; reason: string | null };
  /** A signed amendment of an order before shipping, or a re-route after (INV-18). */
  'order-amendment': { orderId: string; treatmentSite: string; reason: string };
  /** What is to become of material after a cancellation (INV-24). */
  'material-decision': {
    orderId: string;
    containers: readonly string[];
    decision: 'destroy' | 'retain' | 'research' | 'return';
    due: string | null;
    reason: string;
  };
  labels: {
    jobId: string;
    orderId: string;
    container: string | null;
    layout: string;
    copies: number;
    reprintOf: string | null;
    reason: string | null;
  };
  'labels-close': { jobId: string; applied: number; spoiled: number; returned: number; inRecord: number };
  check: CheckAct;
  resolution: { resolutionId: string; checkId: string; decision: string; reason: string };
  handover: {
    handoverId: string;
    containers: readonly string[];
    shipment: string | null;
    giver: string;
    receiver: string;
    place: string;
    seals: readonly string[];
    condition: string | null;
  };
  hold: { holdId: string; things: readonly string[]; chain: string | null; reason: string };
  'hold-lift': { holdId: string; reason: string | null };
  result: {
    resultId: string;
    sample: string;
    test: string;
    value: number | string;
    unit: string | null;
    limits: { min?: number; max?: number };
    verdict: 'pass' | 'oos';
    /** By lotline itself, beside the sender's. Null: nothing to compare. */
    computed: 'pass' | 'oos' | null;
  };
  oos: { oosId: string; orderId: string; physicianRequest: string; riskInformation: string; assessment: string; authority: string | null };
  release: { releaseId: string; orderId: string; containers: readonly string[] };
  allocation: { allocationId: string; container: string; orderId: string; match: { criterion: string; pass: boolean; rules: string }[] };
  /** The signed release of an allocation, before another (INV-07). */
  deallocation: { allocationId: string; container: string; orderId: string; reason: string };
  rebinding: {
    rebindingId: string;
    container: string;
    chain: string;
    evidence: readonly { kind: string; text: string; by: string | null }[];
  };
  clearance: { space: string };
  /** A physician's word that bags are to be given although they are past their time (INV-21). */
  override: { overrideId: string; orderId: string; containers: readonly string[]; reason: string };
  /** Ed25519 public key, base64. */
  device: { device: string; name: string; publicKey: string };
  /** The key that a person made on a device while it was online, to sign with where there is no network: Ed25519, base64. */
  'device-person': { device: string; person: string; publicKey: string };
  capsule: { capsuleId: string; device: string; orders: readonly string[]; digest: string };
  /** One offline act as it was synced; what it did is an act of its own, or events. */
  sync: { device: string; counter: number; act: string | null; at: number; conflicts: readonly string[] };
  /** A device's clock was off, in ms: what it told is shown with the corrected time beside it, and stays as it was told (C-21). */
  'clock-offset': { device: string; offset: number; from: number; until: number; reason: string };
  erasure: {
    erasureId: string;
    patientRef: string;
    class: 'contact' | 'identity';
    decision: 'erase' | 'restrict' | 'refuse';
    reason: string;
    /** Years for which records must be kept, as they were in force. */
    term: { afterExpiry: number; afterUse: number };
  };
  /** A notice of a look-back, sent or answered (C-16). */
  notice: {
    noticeId: string;
    donor: string | null;
    chain: string | null;
    lot: string | null;
    to: string;
    state: 'sent' | 'answered';
    note: string;
  };
  excursion: { excursionId: string; shipment: string; verdict: 'accept' | 'reject'; reason: string };
}

export type ActKind = keyof Acts;
export type Act<K extends ActKind = ActKind> = Acts[K];

export type OrderAct = {
  orderId: string;
  /** chainKey. */
  coiId: string;
  patientRef: string;
  product: string;
  template: { id: string; version: number };
  /** Location keys. */
  treatmentSite: string;
  collectionSite: string;
  manufacturer: string;
};

export type ProductAct = {
  product: string;
  /** Days, or null. */
  shelfLife: number | null;
  transport: readonly TransportStage[];
  postThawMinutes: number | null;
  [more: string]: unknown;
};
/** °C; minutes that may add up outside of the limits, over the whole life. */
export type TransportStage = { stage: string; low: number; high: number; minutesOut: number; [more: string]: unknown };

/** Values that identify a person are commitments (`hmac:` and hex), with their salts in the vault; others are as read, canonical. */
export type CheckRead = {
  source: string;
  identifier: string;
  value: string;
  by: string;
  manual: boolean;
  reason: string | null;
};
export type CheckAct = {
  checkId: string;
  checkpoint: string;
  orderId: string | null;
  containers: readonly string[];
  reads: readonly CheckRead[];
  compared: readonly { identifier: string; sources: readonly string[]; match: boolean }[];
  result: 'pass' | 'fail';
  place: string;
  /** Of the check that failed before. */
  resolution: string | null;
  /** Other chains that the reads turned out to belong to: they have the check as well (C-02). */
  met?: readonly string[];
  /** Who performed what is checked, as far as it is told: where the template says so they do not check it. */
  performedBy?: readonly string[];
  /** What it was made with, where that is known here by its id: its clock may be put right later (C-21). */
  device?: string | null;
  offline: { device: string; counter: number; at: number } | null;
};
