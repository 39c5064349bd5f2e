import type { Signature } from '../access/signature.ts';
import type { Action, EventType } from '../epcis/model.ts';
import type { Act, ActKind } from './acts.ts';
import type { SensorPart } from './cold/sensor-parts.ts';
import type { HoldView } from './view.ts';

export type { Signature };

/** Canonical key of a thing: a container, sample, shipper, reagent lot … */
export type Key = string;

export type Amount = { readonly value: number; readonly uom: string };

/** What an event says in the fields of the identity namespace (identity-wire.md §2). Null or empty: nothing. */
export type CoiFields = {
  /** Chains that the material is stated to belong to, as chainKey. */
  readonly chain: readonly string[];
  readonly donor: string | null;
  readonly order: string | null;
  readonly attempt: number | null;
  readonly step: string | null;
  readonly check: readonly string[];
  /** Canonical key of the container that a sample was taken from. */
  readonly from: Key | null;
  /** Canonical key, or the URI itself. */
  readonly space: string | null;
  readonly recipient: string | null;
  readonly volume: Amount | null;
  readonly bag: { readonly number: number; readonly of: number } | null;
  readonly oos: string | null;
  readonly offline: { readonly device: string; readonly counter: number; readonly signature: string } | null;
  /** Canonical keys. */
  readonly alias: readonly Key[];
};

export type Part = { readonly key: Key; readonly quantity: number | null; readonly uom: string | null };

/** One effective event as identity sees it: things by canonical key, aliases put right. Follows from the event's bytes alone. */
export type WorldEvent = {
  readonly seq: number;
  /** As eventIDs go by: as sent, else the hash. */
  readonly eventID: string;
  readonly type: EventType;
  readonly action: Action | null;
  /** ms since 1970: when it happened, and when it came to be known. */
  readonly time: number;
  readonly recorded: number;
  readonly offset: string;
  readonly bizStep: string | null;
  readonly disposition: string | null;
  readonly readPoint: string | null;
  readonly bizLocation: string | null;
  /** Location and party keys of sourceList and destinationList. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly parent: Key | null;
  readonly epcs: readonly Key[];
  readonly children: readonly Key[];
  readonly inputs: readonly Key[];
  readonly outputs: readonly Key[];
  /** Lots with quantities, on the side where they stand. */
  readonly quantities: readonly (Part & { readonly side: 'epc' | 'child' | 'input' | 'output' })[];
  /** `YYYY-MM-DD`, or an instant, of the things brought into being. */
  readonly expiry: string | null;
  readonly transformationID: string | null;
  readonly coi: CoiFields;
  /** Readings; absent of most events. */
  readonly sensor?: readonly SensorPart[];
};

/** Whose material a thing is, by its genealogy: never by time, so that a wrong clock hides no mix. Sets, since a mix has several. */
export type Binding = { readonly chains: readonly string[]; readonly donors: readonly string[] };
export const UNBOUND: Binding = { chains: [], donors: [] };

/** An act as it stands in the journal. */
export type WorldAct<K extends ActKind = ActKind> = {
  readonly seq: number;
  readonly id: string;
  readonly kind: K;
  /** When it was done, and when it came to be known; ms. */
  readonly time: number;
  readonly recorded: number;
  readonly actor: string;
  readonly body: Act<K>;
  readonly signatures: readonly Signature[];
};
export type AnyAct = { [K in ActKind]: WorldAct<K> }[ActKind];

/**
 * Everything that a judgement about one chain rests on. Events are effective ones, in the order of effects (lifecycle/order.ts); acts in the order of
 * their entries. `others` are events of other chains in the spaces and shippers that this one used.
 */
export type ChainWorld = {
  readonly chain: string;
  readonly events: readonly WorldEvent[];
  readonly acts: readonly AnyAct[];
  readonly others: readonly WorldEvent[];
  /** Of everything that these events and acts name; what is missing is unbound. */
  readonly bindings: ReadonlyMap<Key, Binding>;
  /** Alias → the one canonical key. */
  readonly aliases: ReadonlyMap<Key, Key>;
  /** Holds that were placed on the chain or its things, lifted ones too. */
  readonly holds: readonly HoldView[];
  /** Of whole-store matters: product profiles by name. */
  readonly products: ReadonlyMap<string, Act<'product'>>;
  /** ms since 1970: clocks that run are read against it. Of the entry that caused the fold, never of the machine. */
  readonly now: number;
};

/** What a rule found: facts of the world, so they close by themselves when they no longer hold. `seq` is the event or act that offends. */
export type Found = { readonly code: string; readonly seq: number; readonly things: readonly Key[] };

/** Two people have signed it: a clearance of one clears nothing (INV-15). */
export const isWitnessed = ({ signatures }: Pick<WorldAct, 'signatures'>): boolean =>
  new Set(signatures.map(({ person }) => person)).size >= 2;
