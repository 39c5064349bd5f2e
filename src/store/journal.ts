import type { JournalDb } from './db.ts';
import type {
  EntryRow,
  EventRow,
  FieldRow,
  FindingRow,
  FindingThing,
  IntervalRow,
  JobRow,
  KeyRow,
  KnownEvent,
  LineageRow,
  LineageStep,
  MasterdataRow,
  NewThing,
  PartRow,
  PayloadRow,
  QueryRow,
  SubscriptionRow,
  ThingRow,
} from './rows.ts';

type Awaitable<T> = T | Promise<T>;

/** One document; what the rules have against it; one event. Each within the one before. */
export type Savepoint = 'document' | 'trial' | 'event';

/**
 * The one writer of a store. Everything between `begin` and `commit` is one transaction: durable when `commit` returns, gone after
 * `rollback`, never retried inside. Methods take and give whole arrays; there is no statement a serial. No rules live here.
 * A savepoint holds one document: what is undone takes its ids and words with it, so that a replay of the entries gives equal ids.
 * One call at a time: whoever calls waits for the answer before the next.
 */
export interface Journal {
  /**
   * SQL on the connection that writes, inside the transaction and seeing what it has done, but for what an engine may keep back until the commit:
   * entries, payloads, jobs, tiles, checkpoints, master data, prefixes. For what is rare, such as commands; what comes by the serial has a method of
   * its own, written natively.
   */
  readonly db: JournalDb;
  begin(): Awaitable<void>;
  commit(): Awaitable<void>;
  rollback(): Awaitable<void>;
  savepoint(name: Savepoint): Awaitable<void>;
  release(name: Savepoint): Awaitable<void>;
  undo(name: Savepoint): Awaitable<void>;

  /**
   * Within a transaction: what it deletes or changes from here on leaves no copy in the store. After the commit what the engine itself has kept of it is
   * cleared away too, now or, where somebody still reads, after one of the next commits. Copies elsewhere, such as backups, are not reached.
   */
  leaveNoTrace(): Awaitable<void>;

  /** The number of entries: the seq of the next one. */
  size(): Awaitable<number>;
  lastRecordTime(): Awaitable<number>;

  /** Words ⇄ ids. `terms` makes what is missing, in the order given. */
  terms(texts: readonly string[]): Awaitable<number[]>;
  termTexts(ids: readonly number[]): Awaitable<(string | null)[]>;
  classes(keys: readonly string[]): Awaitable<number[]>;
  knownClasses(keys: readonly string[]): Awaitable<(number | null)[]>;
  classKeys(ids: readonly number[]): Awaitable<string[]>;
  /** New ids in the order asked; nothing is written until `insertThings`. */
  nextItem(): number;
  nextLot(): number;
  nextCapture(): number;

  /** Things by their names, class by class. */
  itemsByName(serials: ReadonlyMap<number, readonly string[]>): Awaitable<(ThingRow & { name: string })[]>;
  lotsByName(lots: ReadonlyMap<number, readonly string[]>): Awaitable<(ThingRow & { name: string })[]>;
  things(nodes: readonly number[]): Awaitable<ThingRow[]>;
  /** The containers of these items and the containers of those, up to the top. */
  containers(items: readonly number[]): Awaitable<ThingRow[]>;
  /** What is inside these items now, one level. */
  content(parents: readonly number[]): Awaitable<ThingRow[]>;
  /** Open stays of lots and of associated parts. */
  looseContent(parents: readonly number[]): Awaitable<IntervalRow[]>;
  insertThings(things: readonly NewThing[]): Awaitable<void>;
  updateThings(things: readonly ThingRow[]): Awaitable<void>;

  knownEvents(by: {
    digests?: readonly Uint8Array[];
    eventIDs?: readonly string[];
    hashes?: readonly Uint8Array[];
    twinsOf?: readonly number[];
  }): Awaitable<KnownEvent[]>;
  events(seqs: readonly number[]): Awaitable<EventRow[]>;
  /** New events with all that belongs to them: nothing is added to one later. */
  insertEvents(
    rows: readonly EventRow[],
    items: readonly (readonly [item: number, seq: number, role: number])[],
    parts: readonly PartRow[],
    lineage: readonly LineageRow[],
    fields?: readonly FieldRow[],
  ): Awaitable<void>;
  setVoid(seqs: readonly number[], voidSeq: number): Awaitable<void>;
  setTwin(seq: number, of: number | null): Awaitable<void>;

  /**
   * Effective events of these nodes: neither voided nor a twin nor a declaration. `node` as everywhere, lots negative. Of the events that state a
   * lot of what they bring into being, of which there may be a million, only the first by order that states an expiry, else the first.
   */
  histories(nodes: readonly number[]): Awaitable<{ node: number; seq: number; role: number }[]>;
  /**
   * Children whose stay in one of the parents lasts into or beyond the time: those that have left, and of those still inside the parents and the
   * consumed, or with `all` every one. `told`: what its containers told is part of its history, since it took it along or was used in that condition.
   */
  staysSince(parents: readonly number[], ms: number, all?: boolean): Awaitable<{ child: number; told: number }[]>;
  /** Of these items, those that an earlier entry names in an event that comes later in order: the event at `seq` has arrived late for them. */
  lateFor(seq: number, items: readonly number[]): Awaitable<number[]>;
  /** Of these containers, those with a child inside at the event at `seq` and not taken out by it. */
  holding(seq: number, parents: readonly number[]): Awaitable<number[]>;
  stays(where: { children?: readonly number[]; looseParents?: readonly number[] }): Awaitable<IntervalRow[]>;
  putStays(rows: readonly IntervalRow[]): Awaitable<void>;
  /** Takes rows out of the present and keeps those known before `untilSeq` as what was known until then. */
  retireStays(rows: readonly IntervalRow[], untilSeq: number): Awaitable<void>;

  findingThings(codes: readonly string[], nodes: readonly number[]): Awaitable<FindingThing[]>;
  addFindings(findings: readonly FindingRow[], things: readonly FindingThing[]): Awaitable<void>;
  /** Findings left without any thing close at `seq`; those about an event from then on were never told, and go. */
  removeFindingThings(things: readonly FindingThing[], seq: number): Awaitable<void>;
  findingsAt(codes: readonly string[], seqs: readonly number[]): Awaitable<FindingThing[]>;

  /** Lineage around nodes or transformations, effective events only, in the order of (transformation, side, node, seq). */
  lineage(by: { nodes?: readonly number[]; side?: 0 | 1; transformations?: readonly number[] }): Awaitable<LineageStep[]>;

  appendEntries(entries: readonly EntryRow[]): Awaitable<void>;
  putPayloads(rows: readonly PayloadRow[]): Awaitable<void>;
  putTiles(tiles: readonly { level: number; index: number; hashes: Uint8Array }[]): Awaitable<void>;
  tile(level: number, index: number): Awaitable<Uint8Array | null>;
  putCheckpoint(size: number, signedAt: number, text: string): Awaitable<void>;
  putJobs(jobs: readonly JobRow[]): Awaitable<void>;
  /** Of these captures, those whose job is there: they were folded before. */
  endedJobs(captureIDs: readonly string[]): Awaitable<string[]>;
  putMasterdata(rows: readonly MasterdataRow[]): Awaitable<void>;
  putKey(row: KeyRow): Awaitable<void>;
  endKey(id: string, ended: number): Awaitable<boolean>;
  putPrefixes(rows: readonly (readonly [scheme: string, company: string])[]): Awaitable<void>;
  prefixes(): Awaitable<[string, string][]>;
  resolveFinding(code: string, seq: number, state: 'open' | 'closed', resolution: string | null, at: number): Awaitable<boolean>;

  /** False when the name is taken. */
  putQuery(row: QueryRow): Awaitable<boolean>;
  /** With its subscriptions. */
  removeQuery(name: string): Awaitable<boolean>;
  /** False when there is no such query. */
  putSubscription(row: SubscriptionRow): Awaitable<boolean>;
  removeSubscription(id: string): Awaitable<boolean>;
  /** Only of this version, which is then another: of two who deliver, the one who lost its turn changes nothing. */
  noteProgress(row: Pick<SubscriptionRow, 'id' | 'version' | 'next_seq' | 'progress'>): Awaitable<boolean>;
  close(): Awaitable<void>;
}
