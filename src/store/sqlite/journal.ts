import type Database from 'better-sqlite3';
import type { Journal } from '../journal.ts';
import type {
  EntryRow,
  EventRow,
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
  ThingRow,
} from '../rows.ts';
import type { SqliteConnection } from './open.ts';

const STATE =
  'parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner, custody_seq, place, place_seq, last_seq, claim_seq, flags, persistent';
const ITEM = `id AS node, class, -lot AS lot, expiry, ${STATE}, NULL AS balance`;
const LOT = `-id AS node, class, NULL AS lot, expiry, ${STATE}, balance`;
const STAY = 'child, from_seq, parent, kind, uom, quantity, from_time, to_time, to_seq, inferred, known_seq';
/** The role under which an event that brings things into being states their lot. */
const CLAIM = 5;
/** One event may state a lot several times: quantities of one unit add up, of several none is kept rather than a wrong one. */
const ADD_UP = 'ON CONFLICT DO UPDATE SET quantity = CASE WHEN uom IS excluded.uom THEN quantity + excluded.quantity END';
const EFFECTIVE = 'e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0';

const stateOf = (t: ThingRow) => [
  t.parent,
  t.entered_seq,
  t.status,
  t.status_seq,
  t.before,
  t.before_seq,
  t.disposition,
  t.disposition_seq,
  t.holder,
  t.owner,
  t.custody_seq,
  t.place,
  t.place_seq,
  t.last_seq,
  t.claim_seq,
  t.flags,
  t.persistent,
];
/** The next free ids. */
type Counters = { term: number; class: number; item: number; lot: number; capture: number };

const marks = (n: number) => Array(n).fill('?').join(', ');
const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The embedded journal: one connection, prepared statements, arrays through json_each. */
export class SqliteJournal implements Journal {
  private readonly statements = new Map<string, Database.Statement>();
  private readonly termIds = new Map<string, number>();
  private readonly termTextOf = new Map<number, string>();
  private readonly classIds = new Map<string, number>();
  private readonly classKeyOf = new Map<number, string>();
  private next: Counters = { term: 1, class: 1, item: 1, lot: 1, capture: 1 };
  /** The counters as they stood at each savepoint: not all that has been counted since then is in a table. */
  private readonly marks = new Map<string, Counters>();
  private readonly db: SqliteConnection;

  constructor(db: SqliteConnection) {
    this.db = db;
    this.readCounters();
  }

  private prepare(sql: string): Database.Statement {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private all<Row>(sql: string, ...params: unknown[]): Row[] {
    return this.prepare(sql).all(...params) as Row[];
  }

  private readCounters(): void {
    const next = (table: string, column = 'id') =>
      (this.db.prepare(`SELECT coalesce(max(${column}), 0) + 1 AS n FROM ${table}`).get() as { n: number }).n;
    this.next = { term: next('term'), class: next('class'), item: next('item'), lot: next('lot'), capture: next('payload', 'capture') };
  }

  private forgetWords(): void {
    for (const map of [this.termIds, this.termTextOf, this.classIds, this.classKeyOf]) map.clear();
  }

  begin(): void {
    this.db.exec('BEGIN IMMEDIATE');
  }
  commit(): void {
    this.db.exec('COMMIT');
  }
  rollback(): void {
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
    this.forgetWords();
    this.readCounters();
  }
  savepoint(name: 'document' | 'event'): void {
    this.prepare(`SAVEPOINT ${name}`).run();
    this.marks.set(name, { ...this.next });
  }
  release(name: 'document' | 'event'): void {
    this.prepare(`RELEASE ${name}`).run();
  }
  undo(name: 'document' | 'event'): void {
    this.db.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
    this.forgetWords();
    const mark = this.marks.get(name);
    if (mark === undefined) throw new Error(`there is no savepoint ${name}`);
    this.next = { ...mark };
  }

  size(): number {
    return (this.prepare('SELECT coalesce(max(seq), -1) + 1 AS n FROM entry').get() as { n: number }).n;
  }
  lastRecordTime(): number {
    return (this.prepare('SELECT record_time AS t FROM entry ORDER BY seq DESC LIMIT 1').get() as { t: number } | undefined)?.t ?? 0;
  }

  terms(texts: readonly string[]): number[] {
    return texts.map((text) => {
      let id = this.termIds.get(text);
      if (id !== undefined) return id;
      id = (this.prepare('SELECT id FROM term WHERE text = ?').get(text) as { id: number } | undefined)?.id;
      if (id === undefined) {
        id = this.next.term++;
        this.prepare('INSERT INTO term (id, text) VALUES (?, ?)').run(id, text);
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
        text = (this.prepare('SELECT text FROM term WHERE id = ?').get(id) as { text: string } | undefined)?.text;
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
        this.prepare('INSERT INTO class (id, key) VALUES (?, ?)').run(id, key);
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
    id = (this.prepare('SELECT id FROM class WHERE key = ?').get(key) as { id: number } | undefined)?.id;
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
        key = (this.prepare('SELECT key FROM class WHERE id = ?').get(id) as { key: string }).key;
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

  itemsByName(classId: number, serials: readonly string[]): (ThingRow & { name: string })[] {
    return this.all(
      `SELECT serial AS name, ${ITEM} FROM (SELECT value FROM json_each(?)) j CROSS JOIN item ON class = ? AND serial = j.value`,
      JSON.stringify(serials),
      classId,
    );
  }
  lotsByName(classId: number, lots: readonly string[]): (ThingRow & { name: string })[] {
    return this.all(
      `SELECT lot AS name, ${LOT} FROM (SELECT value FROM json_each(?)) j CROSS JOIN lot ON class = ? AND lot = j.value`,
      JSON.stringify(lots),
      classId,
    );
  }
  things(nodes: readonly number[]): ThingRow[] {
    const items = nodes.filter((n) => n > 0);
    const lots = nodes.filter((n) => n < 0).map((n) => -n);
    return [
      ...(items.length > 0
        ? this.all<ThingRow>(
            `SELECT ${ITEM} FROM (SELECT value FROM json_each(?)) j CROSS JOIN item ON id = j.value`,
            JSON.stringify(items),
          )
        : []),
      ...(lots.length > 0
        ? this.all<ThingRow>(`SELECT ${LOT} FROM (SELECT value FROM json_each(?)) j CROSS JOIN lot ON id = j.value`, JSON.stringify(lots))
        : []),
    ];
  }
  containers(items: readonly number[]): ThingRow[] {
    if (items.length === 0) return [];
    return this.all(
      `WITH RECURSIVE above(id) AS (
         SELECT i.parent FROM (SELECT value FROM json_each(?)) j CROSS JOIN item i ON i.id = j.value WHERE i.parent IS NOT NULL
         UNION SELECT i.parent FROM above a CROSS JOIN item i ON i.id = a.id WHERE i.parent IS NOT NULL)
       SELECT ${ITEM} FROM above a CROSS JOIN item USING (id)`,
      JSON.stringify(items),
    );
  }
  content(parents: readonly number[]): ThingRow[] {
    if (parents.length === 0) return [];
    const columns = ITEM.replace('id AS node', 'i.id AS node').replace(/\b(parent|entered_seq)\b/g, 'i.$1');
    return this.all(
      `SELECT ${columns} FROM (SELECT value FROM json_each(?)) j CROSS JOIN containment c ON c.parent = j.value AND c.to_time IS NULL AND c.kind = 0 AND c.child > 0
       CROSS JOIN item i ON i.id = c.child`,
      JSON.stringify(parents),
    );
  }
  looseContent(parents: readonly number[]): IntervalRow[] {
    if (parents.length === 0) return [];
    return this.all(
      `SELECT ${STAY} FROM (SELECT value FROM json_each(?)) j CROSS JOIN containment ON parent = j.value AND to_time IS NULL WHERE kind = 1 OR child < 0`,
      JSON.stringify(parents),
    );
  }

  insertThings(things: readonly NewThing[]): void {
    const item = this.prepare(`INSERT INTO item (id, class, serial, lot, expiry, ${STATE}) VALUES (${marks(5 + 17)})`);
    const lot = this.prepare(`INSERT INTO lot (id, class, lot, expiry, ${STATE}, balance) VALUES (${marks(4 + 17 + 1)})`);
    for (const t of things) {
      if (t.node > 0) item.run(t.node, t.class, t.name, t.lot === null ? null : -t.lot, t.expiry, ...stateOf(t));
      else lot.run(-t.node, t.class, t.name, t.expiry, ...stateOf(t), t.balance);
    }
  }
  updateThings(things: readonly ThingRow[]): void {
    const set = STATE.split(', ')
      .map((column) => `${column} = ?`)
      .join(', ');
    const item = this.prepare(`UPDATE item SET lot = ?, expiry = ?, ${set} WHERE id = ?`);
    const lot = this.prepare(`UPDATE lot SET expiry = ?, ${set}, balance = ? WHERE id = ?`);
    for (const t of things) {
      if (t.node > 0) item.run(t.lot === null ? null : -t.lot, t.expiry, ...stateOf(t), t.node);
      else lot.run(t.expiry, ...stateOf(t), t.balance, -t.node);
    }
  }

  knownEvents(by: {
    digests?: readonly Uint8Array[];
    eventIDs?: readonly string[];
    hashes?: readonly Uint8Array[];
    twinsOf?: readonly number[];
  }): KnownEvent[] {
    const found = new Map<number, KnownEvent>();
    const look = (condition: string, values: readonly unknown[]) => {
      if (values.length === 0) return;
      const sql = `SELECT seq, event_id, hash, digest, declares, void_seq, twin_of FROM (SELECT value FROM json_each(?)) j CROSS JOIN event ON ${condition} ORDER BY seq`;
      for (const row of this.all<KnownEvent>(sql, JSON.stringify(values))) found.set(row.seq, row);
    };
    look('digest = unhex(j.value)', (by.digests ?? []).map(hex));
    look('event_id = j.value', by.eventIDs ?? []);
    look('hash = unhex(j.value)', (by.hashes ?? []).map(hex));
    look('twin_of = j.value', by.twinsOf ?? []);
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }
  events(seqs: readonly number[]): EventRow[] {
    return seqs.length === 0
      ? []
      : this.all('SELECT event.* FROM (SELECT value FROM json_each(?)) j CROSS JOIN event ON seq = j.value', JSON.stringify(seqs));
  }
  insertEvents(
    rows: readonly EventRow[],
    items: readonly (readonly [number, number, number])[],
    parts: readonly PartRow[],
    lineage: readonly LineageRow[],
  ): void {
    const event = this.prepare(
      `INSERT INTO event (seq, type, action, time, below, rank, utc_offset, event_id, hash, digest, biz_step, disposition, read_point, biz_location, parent,
         transformation, declares, void_seq, twin_of, facts) VALUES (${marks(20)})`,
    );
    for (const e of rows) {
      event.run(
        e.seq, e.type, e.action, e.time, e.below, e.rank, e.utc_offset, e.event_id, e.hash, e.digest, e.biz_step, e.disposition, e.read_point,
        e.biz_location, e.parent, e.transformation, e.declares, e.void_seq, e.twin_of, e.facts,
      ); // biome-ignore format: one row, in column order
    }
    const item = this.prepare('INSERT OR IGNORE INTO event_item (item, seq, role) VALUES (?, ?, ?)');
    for (const [id, seq, role] of items) item.run(id, seq, role);
    const part = this.prepare(`INSERT INTO event_lot (lot, seq, role, quantity, uom) VALUES (?, ?, ?, ?, ?) ${ADD_UP}`);
    for (const p of parts) part.run(p.lot, p.seq, p.role, p.quantity, p.uom);
    const line = this.prepare(`INSERT INTO lineage (transformation, side, node, seq, quantity, uom) VALUES (?, ?, ?, ?, ?, ?) ${ADD_UP}`);
    for (const l of lineage) line.run(l.transformation, l.side, l.node, l.seq, l.quantity, l.uom);
  }
  setVoid(seqs: readonly number[], voidSeq: number): void {
    const statement = this.prepare('UPDATE event SET void_seq = ? WHERE seq = ?');
    for (const seq of seqs) statement.run(voidSeq, seq);
  }
  setTwin(seq: number, of: number | null): void {
    this.prepare('UPDATE event SET twin_of = ? WHERE seq = ?').run(of, seq);
  }

  histories(nodes: readonly number[]): { node: number; seq: number; role: number }[] {
    const items = nodes.filter((n) => n > 0);
    const lots = nodes.filter((n) => n < 0).map((n) => -n);
    return [
      ...this.all<{ node: number; seq: number; role: number }>(
        `SELECT ei.item AS node, ei.seq, ei.role FROM (SELECT value FROM json_each(?)) j CROSS JOIN event_item ei ON ei.item = j.value CROSS JOIN event e ON e.seq = ei.seq AND ${EFFECTIVE}`,
        JSON.stringify(items),
      ),
      ...this.all<{ node: number; seq: number; role: number }>(
        `SELECT -el.lot AS node, el.seq, el.role FROM (SELECT value FROM json_each(?)) j CROSS JOIN event_lot el ON el.lot = j.value AND el.role <> ${CLAIM}
         CROSS JOIN event e ON e.seq = el.seq AND ${EFFECTIVE}`,
        JSON.stringify(lots),
      ),
      ...this.all<{ node: number; seq: number; role: number }>(
        `SELECT -lot AS node, seq, ${CLAIM} AS role FROM (
           SELECT j.value AS lot, (
             SELECT e.seq FROM event_lot el CROSS JOIN event e ON e.seq = el.seq AND ${EFFECTIVE} WHERE el.lot = j.value AND el.role = ${CLAIM}
             ORDER BY json_extract(e.facts, '$.x') IS NULL, e.time, e.below, e.rank, e.digest LIMIT 1) AS seq
           FROM (SELECT value FROM json_each(?)) j) WHERE seq IS NOT NULL`,
        JSON.stringify(lots),
      ),
    ];
  }
  staysSince(parents: readonly number[], ms: number, all = false): { child: number; told: number }[] {
    return this.all(
      `SELECT c.child, c.to_time IS NOT NULL OR (SELECT i.flags & 4 FROM item i WHERE i.id = c.child) <> 0 AS told
       FROM (SELECT value FROM json_each(?)) j CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0 AND c.child > 0
       WHERE c.to_time >= ? OR (c.to_time IS NULL AND (? OR (SELECT i.flags & 5 FROM item i WHERE i.id = c.child)))`,
      JSON.stringify(parents),
      ms,
      all ? 1 : 0,
    );
  }
  lateFor(seq: number, items: readonly number[]): number[] {
    return this.all<{ id: number }>(
      `SELECT DISTINCT ei.item AS id FROM event mine CROSS JOIN (SELECT value FROM json_each(?)) j CROSS JOIN event_item ei ON ei.item = j.value AND ei.seq < mine.seq
       CROSS JOIN event e ON e.seq = ei.seq AND ${EFFECTIVE} AND (e.time, e.below, e.rank, e.digest) > (mine.time, mine.below, mine.rank, mine.digest)
       WHERE mine.seq = ?`,
      JSON.stringify(items),
      seq,
    ).map((row) => row.id);
  }
  holding(seq: number, parents: readonly number[]): number[] {
    return this.all<{ parent: number }>(
      `SELECT DISTINCT c.parent FROM event mine CROSS JOIN (SELECT value FROM json_each(?)) j
       CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0 AND c.from_time <= mine.time
       CROSS JOIN event f ON f.seq = c.from_seq AND (f.time, f.below, f.rank, f.digest) < (mine.time, mine.below, mine.rank, mine.digest)
       LEFT JOIN event t ON t.seq = c.to_seq
       WHERE mine.seq = ? AND (c.to_seq IS NULL OR (t.time, t.below, t.rank, t.digest) > (mine.time, mine.below, mine.rank, mine.digest))`,
      JSON.stringify(parents),
      seq,
    ).map((row) => row.parent);
  }
  stays(where: { children?: readonly number[]; looseParents?: readonly number[] }): IntervalRow[] {
    return [
      ...this.all<IntervalRow>(
        `SELECT ${STAY} FROM (SELECT value FROM json_each(?)) j CROSS JOIN containment ON child = j.value AND kind = 0`,
        JSON.stringify(where.children ?? []),
      ),
      ...this.all<IntervalRow>(
        `SELECT ${STAY} FROM (SELECT value FROM json_each(?)) j CROSS JOIN containment ON parent = j.value WHERE kind = 1 OR child < 0`,
        JSON.stringify(where.looseParents ?? []),
      ),
    ];
  }
  putStays(rows: readonly IntervalRow[]): void {
    const put = this.prepare(
      `INSERT INTO containment (${STAY}) VALUES (${marks(11)})
       ON CONFLICT DO UPDATE SET quantity = excluded.quantity, to_time = excluded.to_time, to_seq = excluded.to_seq, inferred = excluded.inferred`,
    );
    for (const r of rows) {
      put.run(r.child, r.from_seq, r.parent, r.kind, r.uom, r.quantity, r.from_time, r.to_time, r.to_seq, r.inferred, r.known_seq);
    }
  }
  retireStays(rows: readonly IntervalRow[], untilSeq: number): void {
    const keep = this.prepare(`INSERT INTO containment_past (${STAY}, until_seq) VALUES (${marks(12)})`);
    const drop = this.prepare('DELETE FROM containment WHERE child = ? AND from_seq = ? AND parent = ? AND kind = ? AND uom = ?');
    for (const r of rows) {
      // What came and went within one document was never known.
      if (r.known_seq < untilSeq)
        keep.run(
          r.child,
          r.from_seq,
          r.parent,
          r.kind,
          r.uom,
          r.quantity,
          r.from_time,
          r.to_time,
          r.to_seq,
          r.inferred,
          r.known_seq,
          untilSeq,
        );
      drop.run(r.child, r.from_seq, r.parent, r.kind, r.uom);
    }
  }

  findingThings(codes: readonly string[], nodes: readonly number[]): FindingThing[] {
    return this.all(
      `SELECT f.code, f.seq, t.node, t.other FROM (SELECT value FROM json_each(?)) j CROSS JOIN finding_thing t ON t.node = j.value CROSS JOIN finding f ON f.id = t.finding
       WHERE f.code IN (SELECT value FROM json_each(?))`,
      JSON.stringify(nodes),
      JSON.stringify(codes),
    );
  }
  findingsAt(codes: readonly string[], seqs: readonly number[]): FindingThing[] {
    return this.all(
      `SELECT f.code, f.seq, t.node, t.other FROM (SELECT value FROM json_each(?)) c CROSS JOIN (SELECT value FROM json_each(?)) s CROSS JOIN finding f ON f.code = c.value AND f.seq = s.value
       CROSS JOIN finding_thing t ON t.finding = f.id`,
      JSON.stringify(codes),
      JSON.stringify(seqs),
    );
  }
  addFindings(findings: readonly FindingRow[], things: readonly FindingThing[]): void {
    const add = this.prepare(
      `INSERT INTO finding (code, seq, severity, state, opened, due) VALUES (?, ?, ?, 'open', ?, ?)
       ON CONFLICT DO UPDATE SET state = CASE WHEN resolution IS NULL THEN 'open' ELSE state END, closed_seq = CASE WHEN resolution IS NULL THEN NULL ELSE closed_seq END`,
    );
    for (const f of findings) add.run(f.code, f.seq, f.severity, f.opened, f.due);
    const idOf = this.prepare('SELECT id FROM finding WHERE code = ? AND seq = ?');
    const put = this.prepare('INSERT OR IGNORE INTO finding_thing (finding, node, other) VALUES (?, ?, ?)');
    const ids = new Map<string, number>();
    for (const t of things) {
      const key = `${t.code}/${t.seq}`;
      let id = ids.get(key);
      if (id === undefined) {
        id = (idOf.get(t.code, t.seq) as { id: number }).id;
        ids.set(key, id);
      }
      put.run(id, t.node, t.other);
    }
  }
  removeFindingThings(things: readonly FindingThing[], seq: number): void {
    const idOf = this.prepare('SELECT id FROM finding WHERE code = ? AND seq = ?');
    const take = this.prepare('DELETE FROM finding_thing WHERE finding = ? AND node = ? AND other = ?');
    const touched = new Set<number>();
    for (const t of things) {
      const id = (idOf.get(t.code, t.seq) as { id: number }).id;
      take.run(id, t.node, t.other);
      touched.add(id);
    }
    const empty = 'AND NOT EXISTS (SELECT 1 FROM finding_thing WHERE finding = id)';
    const drop = this.prepare(`DELETE FROM finding WHERE id = ? AND seq >= ? AND resolution IS NULL ${empty}`);
    const close = this.prepare(`UPDATE finding SET state = 'closed', closed_seq = ? WHERE id = ? AND state = 'open' ${empty}`);
    for (const id of touched) if (drop.run(id, seq).changes === 0) close.run(seq, id);
  }

  lineage(by: { nodes?: readonly number[]; side?: 0 | 1; transformations?: readonly number[] }): LineageStep[] {
    const columns = 'l.transformation, l.side, l.node, l.seq, l.quantity, l.uom, e.time, e.below, e.digest';
    const sides = by.side === undefined ? '(0, 1)' : `(${by.side})`;
    const of = by.nodes ? 'node' : 'transformation';
    return this.all(
      `SELECT ${columns} FROM (SELECT value FROM json_each(?)) j CROSS JOIN lineage l ON l.${of} = j.value AND l.side IN ${sides}
       CROSS JOIN event e ON e.seq = l.seq AND ${EFFECTIVE} ORDER BY l.transformation, l.side, l.node, l.seq`,
      JSON.stringify(by.nodes ?? by.transformations ?? []),
    );
  }

  appendEntries(entries: readonly EntryRow[]): void {
    const put = this.prepare(
      `INSERT INTO entry (seq, kind, record_time, actor, capture, event_hash, body_digest, payload_digest, leaf_hash, encoding, body) VALUES (${marks(11)})`,
    );
    for (const e of entries) {
      put.run(
        e.seq,
        e.kind,
        e.record_time,
        e.actor,
        e.capture,
        e.event_hash,
        e.body_digest,
        e.payload_digest,
        e.leaf_hash,
        e.encoding,
        e.body,
      );
    }
  }
  putPayloads(rows: readonly PayloadRow[]): void {
    const put = this.prepare(`INSERT INTO payload (capture, capture_id, digest, context, parts, encoding, gaps) VALUES (${marks(7)})`);
    for (const p of rows) put.run(p.capture, p.capture_id, p.digest, p.context, p.parts, p.encoding, p.gaps);
  }
  putTiles(tiles: readonly { level: number; index: number; hashes: Uint8Array }[]): void {
    const put = this.prepare('INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes');
    for (const t of tiles) put.run(t.level, t.index, t.hashes);
  }
  tile(level: number, index: number): Uint8Array | null {
    return (
      (this.prepare('SELECT hashes FROM tile WHERE level = ? AND idx = ?').get(level, index) as { hashes: Uint8Array } | undefined)
        ?.hashes ?? null
    );
  }
  putCheckpoint(size: number, signedAt: number, text: string): void {
    this.prepare('INSERT OR REPLACE INTO checkpoint (size, signed_at, text) VALUES (?, ?, ?)').run(size, signedAt, text);
  }
  putJobs(jobs: readonly JobRow[]): void {
    const put = this.prepare(
      `INSERT INTO capture_job (id, capture_id, actor, behaviour, created, finished, success, events, stored, errors) VALUES (${marks(10)})`,
    );
    for (const j of jobs) put.run(j.id, j.capture_id, j.actor, j.behaviour, j.created, j.finished, j.success, j.events, j.stored, j.errors);
  }
  endedJobs(captureIDs: readonly string[]): string[] {
    return this.all<{ id: string }>(
      'SELECT capture_id AS id FROM (SELECT value FROM json_each(?)) j CROSS JOIN capture_job ON capture_id = j.value',
      JSON.stringify(captureIDs),
    ).map((row) => row.id);
  }
  putMasterdata(rows: readonly MasterdataRow[]): void {
    const put = this.prepare('INSERT OR REPLACE INTO masterdata (type, id, seq, attributes, children) VALUES (?, ?, ?, ?, ?)');
    for (const r of rows) put.run(r.type, r.id, r.seq, r.attributes, r.children);
  }
  putKey(k: KeyRow): void {
    this.prepare('INSERT INTO api_key (id, name, roles, hash, created, ended) VALUES (?, ?, ?, ?, ?, ?)').run(
      k.id,
      k.name,
      k.roles,
      k.hash,
      k.created,
      k.ended,
    );
  }
  endKey(id: string, ended: number): boolean {
    return this.prepare('UPDATE api_key SET ended = ? WHERE id = ? AND ended IS NULL').run(ended, id).changes > 0;
  }
  putPrefixes(rows: readonly (readonly [string, string])[]): void {
    const put = this.prepare('INSERT OR IGNORE INTO prefix (scheme, company) VALUES (?, ?)');
    for (const [scheme, company] of rows) put.run(scheme, company);
  }
  prefixes(): [string, string][] {
    return this.all<{ scheme: string; company: string }>('SELECT scheme, company FROM prefix').map((r) => [r.scheme, r.company]);
  }
  resolveFinding(code: string, seq: number, state: 'open' | 'closed', resolution: string | null, at: number): boolean {
    return (
      this.prepare('UPDATE finding SET state = ?, resolution = ?, closed_seq = ? WHERE code = ? AND seq = ?').run(
        state,
        resolution,
        state === 'closed' ? at : null,
        code,
        seq,
      ).changes > 0
    );
  }
  close(): void {
    this.db.close();
  }
}

/** Words and classes kept in memory; a store with more distinct ones (locations, parties, products) looks the rest up. */
const WORDS_MAX = 500_000;
