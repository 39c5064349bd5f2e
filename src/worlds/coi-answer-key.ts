/** What the COI world knows about itself, from its own bookkeeping and never from a question to a store. JSON-serialisable. */

/** What is planted: domain.md §19, COI world, and the rates of §13. */
export const COI_PLANTS = [
  'swap',
  'merge-attempt',
  'look-alike',
  'rebinding',
  'out-of-specification',
  'death',
  'second-attempt',
  'excursion',
  'look-back',
  'cancelled',
  'withdrawn',
  'failed',
] as const;
export type CoiPlantKind = (typeof COI_PLANTS)[number];

export type CoiPlant = {
  readonly kind: CoiPlantKind;
  /** coiIds of the chains that have part in it. */
  readonly chains: readonly string[];
  /** Ids of the acts that tell of it, in order. */
  readonly acts: readonly string[];
  /** eventIDs of the events that tell of it. */
  readonly events: readonly string[];
  readonly note: string;
};

/**
 * A finding of a chain's rules: `at` is the id of the act or the eventID of the event that offends, `things` are canonical keys, sorted. `state` is how it
 * stands when all of the world is told.
 */
export type CoiFinding = {
  readonly code: string;
  readonly at: string;
  readonly things: readonly string[];
  readonly state: 'open' | 'closed';
};

/** What is asked for and has to be refused. */
export type CoiRefusal = { readonly id: string; readonly code: string };

export type CoiOrderAnswer = {
  readonly orderId: string;
  readonly coiId: string;
  /** As the world names people: a store has references of its own, by the vault. */
  readonly patientRef: string;
  readonly product: string;
  readonly template: string;
  readonly treatmentSite: string;
  /** State of domain.md §12.4 when all is told. */
  readonly state: string;
  readonly attempts: number;
  /** Canonical keys of everything that is bound to the chain, shippers aside. */
  readonly containers: readonly string[];
  readonly infused: readonly string[];
};

/** Everything that comes from one donor, and what is found out about it later (C-16). */
export type CoiLookBack = {
  readonly donorRef: string;
  readonly din: string;
  /** Canonical keys of the drug product lots. */
  readonly lots: readonly string[];
  /** Canonical keys of dose bags. */
  readonly doses: readonly string[];
  /** coiIds of the recipients' chains. */
  readonly chains: readonly string[];
  /** Dose bags that nobody has been given, and nobody is to be given. */
  readonly stock: readonly string[];
};

export type CoiAnswerKey = {
  readonly seed: number;
  readonly orders: readonly CoiOrderAnswer[];
  readonly plants: readonly CoiPlant[];
  readonly findings: readonly CoiFinding[];
  readonly refusals: readonly CoiRefusal[];
  /** coiIds of chains of which something is held when all is told. */
  readonly onHold: readonly string[];
  /** Lots that went into therapies of several people: reagents, never a mix (C-04). */
  readonly reagents: readonly { readonly lot: string; readonly chains: readonly string[] }[];
  readonly lookBack: CoiLookBack;
  readonly counts: { readonly documents: number; readonly events: number; readonly acts: number; readonly signatures: number };
};
