import type { Action, EventType } from '../epcis/model.ts';
import type { Position } from './order.ts';

/** A node is a serialised thing (its item id, positive) or a lot or class (its lot id, negative). */
export type Node = number;

/** No event: sequence numbers start at 0. */
export const NONE = -1;

/** The status words of design.md §7, in the order of their stored codes. New words go to the end. */
export const STATUSES = [
  'Commissioned',
  'Sampled',
  'Destroyed',
  'Inactive',
  'Stolen',
  'Dispensed',
  'InTransit',
  'Received',
  'Returned',
  'Stocked',
  'Quarantined',
  'AtLarge',
  'Encoded',
  'LabelSampled',
  'LabelScrapped',
] as const;
export type Status = (typeof STATUSES)[number];

/** Bits of `State.flags`. */
export const FLAG = {
  /** Was the parent of an aggregation: no pack, whatever its GTIN says. */
  parent: 1,
  /** Commissioned, produced, or built by packing: not unknown. */
  known: 2,
  /** Was an input of a transformation. */
  consumed: 4,
  /** Its own number stood in the event that last told its place. */
  observed: 8,
  /** `holder` comes from a receiving, so no commissioning replaces it. */
  received: 16,
  /** A finding about it waits for its commissioning. */
  waiting: 32,
  /** Was an output of a transformation. */
  produced: 64,
  /** Received or commissioned: where a trace may honestly end. */
  introduced: 128,
} as const;

/**
 * What one thing is now, by its own events and by what it took over from containers it has left. What it is through the container
 * it is still inside is resolved when asked (resolve.ts). Each aspect keeps the event it comes from, because the later one wins.
 */
export type State = {
  readonly node: Node;
  readonly class: number;
  /** The lot's node, 0 where unknown. */
  lot: Node;
  expiry: string | null;
  /** The container's item id, 0 outside of any. */
  parent: number;
  enteredSeq: number;
  status: Status | null;
  statusSeq: number;
  /** What `status` was before; void_shipping brings it back, and reactivating after an end. */
  before: Status | null;
  beforeSeq: number;
  disposition: string | null;
  dispositionSeq: number;
  holder: string | null;
  owner: string | null;
  custodySeq: number;
  place: string | null;
  placeSeq: number;
  /** The latest event, by order, that read or changed this row. */
  lastSeq: number;
  /** The commissioning that stands. */
  claimSeq: number;
  flags: number;
  /** Persistent dispositions in force and the events that set them. */
  persistent: readonly (readonly [string, number])[] | null;
  /** Of lots only: what came in and what was used, in canonical units by kind of quantity. */
  balance: Balance | null;
};
export type Balance = Readonly<Record<string, { readonly in: number; readonly out: number }>>;

export function newState(node: Node, classId: number): State {
  return {
    node,
    class: classId,
    lot: 0,
    expiry: null,
    parent: 0,
    enteredSeq: NONE,
    status: null,
    statusSeq: NONE,
    before: null,
    beforeSeq: NONE,
    disposition: null,
    dispositionSeq: NONE,
    holder: null,
    owner: null,
    custodySeq: NONE,
    place: null,
    placeSeq: NONE,
    lastSeq: NONE,
    claimSeq: NONE,
    flags: 0,
    persistent: null,
    balance: null,
  };
}

/** How a node takes part in an event; the numbers are stored. */
export const ROLE = { epc: 0, parent: 1, child: 2, input: 3, output: 4, claim: 5 } as const;
export type Role = (typeof ROLE)[keyof typeof ROLE];

/** A quantity of a lot in an event: `epc` for quantityList, `child` for childQuantityList, … */
export type LotPart = { readonly role: Role; readonly node: Node; readonly quantity: number | null; readonly uom: string | null };

/**
 * What an event means for folding: everything but the names of the things, which event_item holds for the things and
 * `things` holds for the event. Kept beside the event, so that no history parses a document again.
 */
export type Facts = {
  readonly seq: number;
  readonly position: Position;
  readonly type: EventType;
  readonly action: Action | null;
  readonly bizStep: string | null;
  readonly disposition: string | null;
  readonly persistentSet: readonly string[];
  readonly persistentUnset: readonly string[];
  /** bizLocation, else readPoint. */
  readonly place: string | null;
  readonly party: string | null;
  readonly owner: string | null;
  readonly parent: number;
  /** DELETE that names no child: everything leaves. */
  readonly unpacksAll: boolean;
  /** The lot that ilmd states, by class of the things it is stated of. */
  readonly lotOf: ReadonlyMap<number, Node>;
  readonly expiry: string | null;
  readonly lots: readonly LotPart[];
  /** Item ids by role. */
  readonly things: Readonly<Partial<Record<Role, readonly number[]>>>;
};
