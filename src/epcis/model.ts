import type { Thing, ThingLot } from '../identifiers/thing.ts';

/** The five standard event types; an extension type is its full URI, whatever prefix it was written with (epcis-2.0.md §2.1, V-14). */
export type EventType =
  | 'ObjectEvent'
  | 'AggregationEvent'
  | 'TransactionEvent'
  | 'TransformationEvent'
  | 'AssociationEvent'
  | (string & {});
export type Action = 'ADD' | 'OBSERVE' | 'DELETE';

/**
 * An instant, exactly: whole milliseconds since 1970 UTC and the digits below them as written, without trailing zeros (V-11).
 * `(ms, below)` compares in time order: below is '' for 20:33:31.116 and '0004' for 20:33:31.1160004.
 */
export type ExactTime = { readonly ms: number; readonly below: string };

/** `quantity` and `uom` are null where the event has none. A count has a quantity and no uom (DM-10). */
export type Quantity = { readonly of: ThingLot; readonly quantity: number | null; readonly uom: string | null };

/**
 * An event as everything behind epcis/ sees it: identifiers read, vocabulary values canonical. What the sender wrote stays in the event's bytes.
 * Vocabulary values: the bare CBV word for a standard value in any of its spellings, else the absolute URI (V-1).
 * Locations and parties are canonical keys (`414/…`, `417/…`) or the URI itself.
 */
export type EpcisEvent = {
  readonly type: EventType;
  readonly action: Action | null;
  readonly eventTime: ExactTime;
  /** eventTimeZoneOffset as written. */
  readonly offset: string;
  readonly eventID: string | null;
  readonly bizStep: string | null;
  readonly disposition: string | null;
  readonly persistentSet: readonly string[];
  readonly persistentUnset: readonly string[];
  readonly readPoint: string | null;
  readonly bizLocation: string | null;
  readonly parentID: Thing | null;
  readonly epcList: readonly Thing[];
  readonly childEPCs: readonly Thing[];
  readonly inputEPCList: readonly Thing[];
  readonly outputEPCList: readonly Thing[];
  readonly quantityList: readonly Quantity[];
  readonly childQuantityList: readonly Quantity[];
  readonly inputQuantityList: readonly Quantity[];
  readonly outputQuantityList: readonly Quantity[];
  readonly transformationID: string | null;
  readonly bizTransactionList: readonly { readonly type: string | null; readonly id: string }[];
  readonly sourceList: readonly { readonly type: string; readonly id: string }[];
  readonly destinationList: readonly { readonly type: string; readonly id: string }[];
  /** From ilmd, whatever prefix it was written with: cbvmda lotNumber and itemExpirationDate (`YYYY-MM-DD` where it is one), V-15. */
  readonly ilmdLot: string | null;
  readonly ilmdExpiry: string | null;
  readonly errorDeclaration: {
    readonly declarationTime: ExactTime;
    readonly reason: string | null;
    readonly correctiveEventIDs: readonly string[];
  } | null;
};

/**
 * One value that query parameters ask for and that has no place of its own in EpcisEvent: an extension, a business transaction, what a sensor told.
 * `field` is how parameters call it without their comparison (`ILMD_urn:epcglobal:cbv:mda#lotNumber`, `bizTransaction_po`, `value_KEL`); `key` its value
 * as query/field-key.ts writes it; `part` the number of the sensor report that says it, 0 for the event itself.
 */
export type EventField = { readonly field: string; readonly key: string; readonly part: number };

/** What the official schemas take but DM-5 (in XML) or DM-17 refuse: stored and flagged (design.md §3). */
export type RuleBreach = { readonly code: 'EV-RULE'; readonly at: string; readonly message: string };

/** One event of a document, read: where its bytes lie, what it says, and its two fingerprints. */
export type ReadEvent = {
  readonly index: number;
  /** JSON Pointer of the event in its document: `/epcisBody/eventList/3`, or '' for a bare event. */
  readonly at: string;
  /** Byte offsets of the event's own text in the document, end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly event: EpcisEvent;
  readonly fields: readonly EventField[];
  /** SHA-256 of the profile-P pre-hash string (codes.md §1); written `ni:///sha-256;<hex>?ver=CBV2.0`. */
  readonly hash: Uint8Array;
  /** SHA-256 by which two events are one (design.md §3, sameness). */
  readonly identityDigest: Uint8Array;
  readonly breaches: readonly RuleBreach[];
  /** What the event says in lotline's namespace of identity; null of most events. */
  readonly identity: IdentityMembers | null;
  /** `sensorElementList` as parsed; undefined of most events. */
  readonly sensors?: readonly unknown[] | undefined;
};

/** Members of the namespace `urn:lotline:identity:` by their local names, at the event and in its ilmd, as parsed. */
export type IdentityMembers = { readonly event: Readonly<Record<string, unknown>>; readonly ilmd: Readonly<Record<string, unknown>> };
