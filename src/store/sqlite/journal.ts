import type { JournalDb } from '../db.ts';
import type { Journal, Savepoint } from '../journal.ts';
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
} from '../rows.ts';
import { type SqliteConnection, SqliteDb } from './open.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** The next free ids, and how many names are in the small part. */
type Counters = { term: number; class: number; item: number; lot: number; capture: number; recent: number };
const SAVEPOINTS = {
  document: { set: 'setDocument', release: 'releaseDocument' },
  trial: { set: 'setTrial', release: 'releaseTrial' },
  event: { set: 'setEvent', release: 'releaseEvent' },
} as const;
type Name = readonly [classId: number, serial: string];

type Participation = { readonly node: number; readonly seq: number; readonly role: number };

const itemsIn = (nodes: readonly number[]) => nodes.filter((node) => node > 0);
const lotsIn = (nodes: readonly number[]) => nodes.filter((node) => node < 0).map((node) => -node);
const lotOf = (t: ThingRow) => (t.lot === null ? null : -t.lot);

/** The columns of a state in their order, but for flags and persistent, which come after them. */
const stateOf = (t: ThingRow) => [
  t.parent, t.entered_seq, t.status, t.status_seq, t.before, t.before_seq, t.disposition, t.disposition_seq, t.holder, t.owner, t.custody_seq, t.place,
  t.place_seq, t.last_seq, t.claim_seq,
]; // biome-ignore format: in column order

const sameState = (a: ThingRow, b: ThingRow): boolean =>
  a.lot === b.lot && a.expiry === b.expiry && a.parent === b.parent && a.entered_seq === b.entered_seq && a.status === b.status &&
  a.status_seq === b.status_seq && a.before === b.before && a.before_seq === b.before_seq && a.disposition === b.disposition &&
  a.disposition_seq === b.disposition_seq && a.holder === b.holder && a.owner === b.owner && a.custody_seq === b.custody_seq && a.place === b.place &&
  a.place_seq === b.place_seq && a.last_seq === b.last_seq && a.claim_seq === b.claim_seq && a.flags === b.flags && a.persistent === b.persistent; // biome-ignore format: in column order

type Tuple<Names extends readonly (keyof NewThing)[]> = { [Index in keyof Names]: NewThing[Names[Index]] };
/** A thing as the statements give it. */
type Columns = Tuple<[
  'node', 'class', 'lot', 'expiry', 'parent', 'entered_seq', 'status', 'status_seq', 'before', 'before_seq', 'disposition', 'disposition_seq', 'holder',
  'owner', 'custody_seq', 'place', 'place_seq', 'last_seq', 'claim_seq', 'flags', 'persistent', 'balance', 'name',
]>; // biome-ignore format: in column order

const thingOf = (c: Columns): ThingRow => ({
  node: c[0], class: c[1], lot: c[2], expiry: c[3], parent: c[4], entered_seq: c[5], status: c[6], status_seq: c[7], before: c[8], before_seq: c[9],
  disposition: c[10], disposition_seq: c[11], holder: c[12], owner: c[13], custody_seq: c[14], place: c[15], place_seq: c[16], last_seq: c[17],
  claim_seq: c[18], flags: c[19], persistent: c[20], balance: c[21],
}); // biome-ignore format: in column order
const namedOf = (c: Columns): NewThing => Object.assign(thingOf(c), { name: c[22] });

const stayOf = (r: IntervalRow) => [
  r.child, r.from_seq, r.parent, r.kind, r.uom, r.quantity, r.to_time, r.to_seq, r.inferred, r.known_seq,
]; // biome-ignore format: in column order

/** All but the child; the times are those of the events. */
const sameStay = (a: IntervalRow, b: IntervalRow): boolean =>
  a.from_seq === b.from_seq && a.parent === b.parent && a.kind === b.kind && a.uom === b.uom && a.quantity === b.quantity && a.to_seq === b.to_seq &&
  a.inferred === b.inferred && a.known_seq === b.known_seq; // biome-ignore format: in column order

/** Cuts a list where a row does not go with the one before it. What goes together is written by one statement: rows that come in thousands do. */
function* runsOf<Row>(rows: readonly Row[], goOn: (before: Row, row: Row) => boolean): Iterable<readonly Row[]> {
  let from = 0;
  for (let i = 1; i <= rows.length; i++) {
    if (i < rows.length && goOn(rows[i - 1] as Row, rows[i] as Row)) continue;
    yield rows.slice(from, i);
    from = i;
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The embedded journal: one connection, prepared statements, arrays through json_each. */
export class SqliteJournal implements Journal {
  private readonly termIds = new Map<string, number>();
  private readonly termTextOf = new Map<number, string>();
  private readonly classIds = new Map<string, number>();
  private readonly classKeyOf = new Map<number, string>();
  private next: Counters = { term: 1, class: 1, item: 1, lot: 1, capture: 1, recent: 0 };
  /** The counters as they stood at each savepoint: not all that has been counted since then is in a table. */
  private readonly marks = new Map<string, Counters>();
  /** Something was deleted that is to leave no trace. */
  private clearing = false;
  /** Where the names stand that go on to the large part next. */
  private settled: Name = FIRST_NAME;
  private readonly connection: SqliteConnection;
  readonly db: JournalDb;
  private readonly sql: Statements;

  constructor(connection: SqliteConnection) {
    this.connection = connection;
    this.db = new SqliteDb(connection);
    this.sql = prepareStatements(connection);
    this.readCounters();
  }

  /** The rows to a list; none to an empty one. */
  private each<Row>(statement: keyof Statements, list: readonly unknown[], ...params: unknown[]): Row[] {
    return list.length === 0 ? [] : (this.sql[statement].all(JSON.stringify(list), ...params) as Row[]);
  }

  /** The things to a list. */
  private eachThing(statement: keyof Statements, list: readonly unknown[], ...params: unknown[]): Columns[] {
    return list.length === 0 ? [] : JSON.parse(this.sql[statement].pluck().get(JSON.stringify(list), ...params) as string);
  }

  private readCounters(): void {
    const next = (table: string, column = 'id') =>
      (this.connection.prepare(`SELECT coalesce(max(${column}), 0) + 1 AS n FROM ${table}`).get() as { n: number }).n;
    this.next = {
      term: next('term'),
      class: next('class'),
      item: next('item'),
      lot: next('lot'),
      capture: next('payload', 'capture'),
      recent: (this.sql.countRecent.get() as { n: number }).n,
    };
  }

  private forgetWords(): void {
    for (const map of [this.termIds, this.termTextOf, this.classIds, this.classKeyOf]) map.clear();
  }

  begin(): void {
    this.sql.begin.run();
  }
  commit(): void {
    this.sql.commit.run();
    if (this.clearing) this.clearAway();
  }
  rollback(): void {
    if (this.connection.inTransaction) this.connection.exec('ROLLBACK');
    this.forgetWords();
    this.readCounters();
  }
  /** What is deleted is overwritten with zeros. The old pages are in the write-ahead log until that has gone into the file and is cut off. */
  leaveNoTrace(): void {
    this.connection.pragma('secure_delete = ON');
    this.clearing = true;
  }

  private clearAway(): void {
    const [state] = this.connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    this.clearing = state?.busy === 1;
    if (!this.clearing) this.connection.pragma('secure_delete = OFF');
  }

  savepoint(name: Savepoint): void {
    this.sql[SAVEPOINTS[name].set].run();
    this.marks.set(name, { ...this.next });
  }
  release(name: Savepoint): void {
    this.sql[SAVEPOINTS[name].release].run();
  }
  undo(name: Savepoint): void {
    this.connection.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
    this.forgetWords();
    const mark = this.marks.get(name);
    if (mark === undefined) throw new Error(`there is no savepoint ${name}`);
    this.next = { ...mark };
  }

  size(): number {
    return (this.sql.size.get() as { n: number }).n;
  }
  lastRecordTime(): number {
    return (this.sql.lastRecordTime.get() as { t: number } | undefined)?.t ?? 0;
  }

  terms(texts: readonly string[]): number[] {
    return texts.map((text) => {
      let id = this.termIds.get(text);
      if (id !== undefined) return id;
      id = (this.sql.termId.get(text) as { id: number } | undefined)?.id;
      if (id === undefined) {
        id = this.next.term++;
        this.sql.addTerm.run(id, text);
      }
      if (this.termIds.size > WORDS_MAX) {
        this.termIds.clear();
        this.termTextOf.clear();
      }
      this.termIds.set(text, id);
      this.termTextOf.set(id, text);
      return id;
    });
  }

  termTexts(ids: readonly number[]): (string | null)[] {
    return ids.map((id) => {
      let text = this.termTextOf.get(id);
      if (text === undefined) {
        text = (this.sql.termText.get(id) as { text: string } | undefined)?.text;
        if (text !== undefined) this.termTextOf.set(id, text);
      }
      return text ?? null;
    });
  }

  classes(keys: readonly string[]): number[] {
    return keys.map((key) => {
      let id = this.knownClass(key);
      if (id === null) {
        id = this.next.class++;
        this.sql.addClass.run(id, key);
        this.classIds.set(key, id);
        this.classKeyOf.set(id, key);
      }
      return id;
    });
  }

  knownClasses(keys: readonly string[]): (number | null)[] {
    return keys.map((key) => this.knownClass(key));
  }

  private knownClass(key: string): number | null {
    let id = this.classIds.get(key);
    if (id !== undefined) return id;
    id = (this.sql.classId.get(key) as { id: number } | undefined)?.id;
    if (id === undefined) return null;
    if (this.classIds.size > WORDS_MAX) {
      this.classIds.clear();
      this.classKeyOf.clear();
    }
    this.classIds.set(key, id);
    this.classKeyOf.set(id, key);
    return id;
  }

  classKeys(ids: readonly number[]): string[] {
    return ids.map((id) => {
      let key = this.classKeyOf.get(id);
      if (key === undefined) {
        key = (this.sql.classKey.get(id) as { key: string }).key;
        this.classKeyOf.set(id, key);
      }
      return key;
    });
  }

  nextItem(): number {
    return this.next.item++;
  }
  nextLot(): number {
    return -this.next.lot++;
  }
  nextCapture(): number {
    return this.next.capture++;
  }

  itemsByName(serials: ReadonlyMap<number, readonly string[]>): NewThing[] {
    return [...serials].flatMap(([classId, names]) => this.eachThing('itemsByName', names, classId).map(namedOf));
  }
  lotsByName(lots: ReadonlyMap<number, readonly string[]>): NewThing[] {
    return [...lots].flatMap(([classId, names]) => this.eachThing('lotsByName', names, classId).map(namedOf));
  }
  things(nodes: readonly number[]): ThingRow[] {
    return [...this.eachThing('items', itemsIn(nodes)), ...this.eachThing('lots', lotsIn(nodes))].map(thingOf);
  }
  containers(items: readonly number[]): ThingRow[] {
    return this.eachThing('containers', items).map(thingOf);
  }
  content(parents: readonly number[]): ThingRow[] {
    return this.eachThing('content', parents).map(thingOf);
  }
  looseContent(parents: readonly number[]): IntervalRow[] {
    return this.each('looseContent', parents);
  }

  insertThings(things: readonly NewThing[]): void {
    const { addItems, addNames, addLot } = this.sql;
    for (const run of runsOf(things, (a, b) => b.node === a.node + 1 && b.node > 0 && a.class === b.class && sameState(a, b))) {
      const t = run[0] as NewThing;
      if (t.node < 0) {
        addLot.run(-t.node, t.class, t.name, t.expiry, ...stateOf(t), t.flags, t.persistent, t.balance);
        continue;
      }
      const serials = JSON.stringify(run.map((one) => one.name));
      addItems.run(t.node, t.class, lotOf(t), t.expiry, ...stateOf(t), t.flags, t.persistent, serials);
      addNames.run(t.class, t.node, serials);
      this.next.recent += run.length;
    }
    this.settleNames();
  }

  /** Moves names on while there are too many in the small part: those that follow the last moved, wherever these ended up. */
  private settleNames(): void {
    const excess = this.next.recent - Math.max(RECENT_MIN, Math.round(Math.sqrt(NAMES_A_GROUP * this.next.item)));
    if (excess < SETTLE_MIN) return;
    const { nameAfter, settleNames, dropSettled } = this.sql;
    const from = this.settled;
    const end = nameAfter.get(...from, excess - 1) as { class: number; serial: string } | undefined;
    const to: Name = end === undefined ? LAST_NAME : [end.class, end.serial];
    settleNames.run(...from, ...to);
    this.next.recent -= dropSettled.run(...from, ...to).changes;
    this.settled = end === undefined ? FIRST_NAME : to;
  }
  updateThings(things: readonly ThingRow[]): void {
    const { changeItems, changeIndexed, changeLot } = this.sql;
    for (const run of runsOf(things, (a, b) => b.node === a.node + 1 && b.node > 0 && sameState(a, b))) {
      const t = run[0] as ThingRow;
      if (t.node < 0) {
        changeLot.run(t.expiry, ...stateOf(t), t.flags, t.persistent, t.balance, -t.node);
        continue;
      }
      const last = t.node + run.length - 1;
      changeItems.run(t.expiry, ...stateOf(t), t.persistent, t.node, last);
      changeIndexed.run(lotOf(t), t.flags, t.node, last, lotOf(t), t.flags);
    }
  }

  knownEvents(by: {
    digests?: readonly Uint8Array[];
    eventIDs?: readonly string[];
    hashes?: readonly Uint8Array[];
    twinsOf?: readonly number[];
  }): KnownEvent[] {
    const found = new Map<number, KnownEvent>();
    const take = (rows: readonly KnownEvent[]) => {
      for (const row of rows) found.set(row.seq, row);
    };
    take(this.each('eventsByDigest', (by.digests ?? []).map(hex)));
    take(this.each('eventsByID', by.eventIDs ?? []));
    take(this.each('eventsByHash', (by.hashes ?? []).map(hex)));
    take(this.each('eventsByOriginal', by.twinsOf ?? []));
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }
  events(seqs: readonly number[]): EventRow[] {
    return this.each('events', seqs);
  }
  insertEvents(
    rows: readonly EventRow[],
    items: readonly (readonly [number, number, number])[],
    parts: readonly PartRow[],
    lineage: readonly LineageRow[],
    fields: readonly FieldRow[] = [],
  ): void {
    const { addEvent, addEventItems, addEventLot, addLine, addEventField } = this.sql;
    for (const e of rows) {
      addEvent.run(
        e.seq, e.type, e.action, e.time, e.below, e.rank, e.utc_offset, e.event_id, e.hash, e.digest, e.biz_step, e.disposition, e.read_point,
        e.biz_location, e.parent, e.transformation, e.declares, e.void_seq, e.twin_of, e.facts, e.rules,
      ); // biome-ignore format: one row, in column order
    }
    for (const run of runsOf(items, (a, b) => a[1] === b[1] && a[2] === b[2])) {
      const [, seq, role] = run[0] as (typeof items)[number];
      addEventItems.run(seq, role, JSON.stringify(run.map(([item]) => item)));
    }
    for (const p of parts) addEventLot.run(p.lot, p.seq, p.role, p.quantity, p.uom);
    for (const l of lineage) addLine.run(l.transformation, l.side, l.node, l.seq, l.quantity, l.uom);
    for (const f of fields) addEventField.run(f.field, f.key, f.seq, f.part);
  }
  setVoid(seqs: readonly number[], voidSeq: number): void {
    for (const seq of seqs) this.sql.setVoid.run(voidSeq, seq);
  }
  setTwin(seq: number, of: number | null): void {
    this.sql.setTwin.run(of, seq);
  }

  histories(nodes: readonly number[]): Participation[] {
    const lots = lotsIn(nodes);
    return [
      ...this.each<Participation>('itemHistories', itemsIn(nodes)),
      ...this.each<Participation>('lotHistories', lots),
      ...this.each<Participation>('firstClaims', lots),
    ];
  }
  staysSince(parents: readonly number[], ms: number, all = false): { child: number; told: number }[] {
    return this.each('staysSince', parents, ms, all ? 1 : 0);
  }
  lateFor(seq: number, items: readonly number[]): number[] {
    return this.each<{ id: number }>('lateFor', items, seq).map((row) => row.id);
  }
  holding(seq: number, parents: readonly number[]): number[] {
    return this.each<{ parent: number }>('holding', parents, seq).map((row) => row.parent);
  }
  stays(where: { children?: readonly number[]; looseParents?: readonly number[] }): IntervalRow[] {
    return [
      ...this.each<IntervalRow>('staysOf', where.children ?? []),
      ...this.each<IntervalRow>('looseStaysIn', where.looseParents ?? []),
    ];
  }
  putStays(rows: readonly IntervalRow[]): void {
    for (const run of runsOf(rows, sameStay)) {
      const [, ...shared] = stayOf(run[0] as IntervalRow);
      this.sql.putStays.run(...shared, JSON.stringify(run.map((row) => row.child)));
    }
  }
  retireStays(rows: readonly IntervalRow[], untilSeq: number): void {
    for (const r of rows) {
      // What came and went within one document was never known.
      if (r.known_seq < untilSeq) this.sql.keepStay.run(...stayOf(r), untilSeq);
      this.sql.dropStay.run(r.child, r.from_seq, r.parent, r.kind, r.uom);
    }
  }

  findingThings(codes: readonly string[], nodes: readonly number[]): FindingThing[] {
    return this.each('findingThings', nodes, JSON.stringify(codes));
  }
  findingsAt(codes: readonly string[], seqs: readonly number[]): FindingThing[] {
    return this.each('findingsAt', codes, JSON.stringify(seqs));
  }
  addFindings(findings: readonly FindingRow[], things: readonly FindingThing[]): void {
    const { addFinding, findingId, addFindingThing } = this.sql;
    for (const f of findings) addFinding.run(f.code, f.seq, f.severity, f.opened, f.due);
    const ids = new Map<string, number>();
    for (const t of things) {
      const key = `${t.code}/${t.seq}`;
      let id = ids.get(key);
      if (id === undefined) {
        id = (findingId.get(t.code, t.seq) as { id: number }).id;
        ids.set(key, id);
      }
      addFindingThing.run(id, t.node, t.other);
    }
  }
  removeFindingThings(things: readonly FindingThing[], seq: number): void {
    const { findingId, dropFindingThing, dropFinding, closeFinding } = this.sql;
    const touched = new Set<number>();
    for (const t of things) {
      const id = (findingId.get(t.code, t.seq) as { id: number }).id;
      dropFindingThing.run(id, t.node, t.other);
      touched.add(id);
    }
    for (const id of touched) if (dropFinding.run(id, seq).changes === 0) closeFinding.run(seq, id);
  }

  lineage(by: { nodes?: readonly number[]; side?: 0 | 1; transformations?: readonly number[] }): LineageStep[] {
    const { nodes, side, transformations = [] } = by;
    const sides = [side ?? 0, side ?? 1];
    return nodes ? this.each('linesOfNodes', nodes, ...sides) : this.each('linesOfTransformations', transformations, ...sides);
  }

  appendEntries(entries: readonly EntryRow[]): void {
    for (const e of entries) {
      this.sql.addEntry.run(
        e.seq, e.kind, e.record_time, e.actor, e.capture, e.event_hash, e.body_digest, e.payload_digest, e.leaf_hash, e.encoding, e.body,
      ); // biome-ignore format: one row, in column order
    }
  }
  putPayloads(rows: readonly PayloadRow[]): void {
    for (const p of rows) this.sql.addPayload.run(p.capture, p.capture_id, p.digest, p.context, p.parts, p.encoding, p.gaps);
  }
  putTiles(tiles: readonly { level: number; index: number; hashes: Uint8Array }[]): void {
    for (const t of tiles) this.sql.putTile.run(t.level, t.index, t.hashes);
  }
  tile(level: number, index: number): Uint8Array | null {
    return (this.sql.tile.get(level, index) as { hashes: Uint8Array } | undefined)?.hashes ?? null;
  }
  putCheckpoint(size: number, signedAt: number, text: string): void {
    this.sql.putCheckpoint.run(size, signedAt, text);
  }
  putJobs(jobs: readonly JobRow[]): void {
    const put = this.sql.addJob;
    for (const j of jobs) put.run(j.id, j.capture_id, j.actor, j.behaviour, j.created, j.finished, j.success, j.events, j.stored, j.errors);
  }
  endedJobs(captureIDs: readonly string[]): string[] {
    return this.each<{ id: string }>('endedJobs', captureIDs).map((row) => row.id);
  }
  putMasterdata(rows: readonly MasterdataRow[]): void {
    for (const r of rows) this.sql.putMasterdata.run(r.type, r.id, r.seq, r.attributes, r.children, r.sent);
  }
  putKey(k: KeyRow): void {
    this.sql.addKey.run(k.id, k.name, k.roles, k.hash, k.created, k.ended, k.sites);
  }
  endKey(id: string, ended: number): boolean {
    return this.sql.endKey.run(ended, id).changes > 0;
  }
  putPrefixes(rows: readonly (readonly [string, string])[]): void {
    for (const [scheme, company] of rows) this.sql.addPrefix.run(scheme, company);
  }
  prefixes(): [string, string][] {
    return (this.sql.prefixes.all() as { scheme: string; company: string }[]).map((r) => [r.scheme, r.company]);
  }
  resolveFinding(code: string, seq: number, state: 'open' | 'closed', resolution: string | null, at: number): boolean {
    return this.sql.resolveFinding.run(state, resolution, state === 'closed' ? at : null, code, seq).changes > 0;
  }
  putQuery(q: QueryRow): boolean {
    return this.sql.addQuery.run(q.name, q.query, q.actor, q.created).changes > 0;
  }
  removeQuery(name: string): boolean {
    this.sql.dropSubscriptions.run(name);
    return this.sql.dropQuery.run(name).changes > 0;
  }
  putSubscription(s: SubscriptionRow): boolean {
    return this.sql.addSubscription.run(s.id, s.actor, s.created, s.terms, s.next_seq, s.version, s.progress, s.query).changes > 0;
  }
  removeSubscription(id: string): boolean {
    return this.sql.dropSubscription.run(id).changes > 0;
  }
  noteProgress(s: Pick<SubscriptionRow, 'id' | 'version' | 'next_seq' | 'progress'>): boolean {
    return this.sql.noteProgress.run(s.next_seq, s.progress, s.id, s.version).changes > 0;
  }
  close(): void {
    this.connection.close();
  }
}

/**
 * How large the small part of the names may be. A larger one gathers more names for each page of the large one, but is itself more pages to write in a
 * group: what is written is least at the root of names a group times all names.
 */
const NAMES_A_GROUP = 4_000;
const RECENT_MIN = 20_000;
/** Fewer are not moved on: each time costs three statements. */
const SETTLE_MIN = 1_000;
/** Before and after every name. */
const FIRST_NAME: Name = [0, ''];
const LAST_NAME: Name = [Number.MAX_SAFE_INTEGER, ''];

/** Words and classes kept in memory; a store with more distinct ones (locations, parties, products) looks the rest up. */
const WORDS_MAX = 500_000;
