import type Database from 'better-sqlite3';
import type { SqliteConnection } from './open.ts';

const STATE =
  'parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner, custody_seq, place, place_seq, last_seq, claim_seq, flags, persistent';
const STATE_BUT_FLAGS = STATE.replace(' flags,', '');
// All that was found as one text: to make an object of each row costs three times as much as to read it out of JSON.
const ITEMS = `json_group_array(json_array(id, class, -lot, expiry, ${STATE}, NULL, serial))`;
const LOTS = `json_group_array(json_array(-id, class, NULL, expiry, ${STATE}, balance, lot))`;
const STAY = 'child, from_seq, parent, kind, uom, quantity, to_time, to_seq, inferred, known_seq';
/** The role under which an event that brings things into being states their lot. */
const CLAIM = 5;
/** One event may state a lot several times: quantities of one unit add up, of several none is kept rather than a wrong one. */
const ADD_UP = 'ON CONFLICT DO UPDATE SET quantity = CASE WHEN uom IS excluded.uom THEN quantity + excluded.quantity END';
const EFFECTIVE = 'e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0';
const EMPTY = 'NOT EXISTS (SELECT 1 FROM finding_thing WHERE finding = id)';

const marks = (n: number) => Array(n).fill('?').join(', ');
const assign = (columns: string) => columns.replace(/\w+/g, '$& = ?');
/** A list that comes as one parameter. json_each has columns named id, parent, type and key that would hide ours, hence the subselect. */
const each = (alias = 'j') => `(SELECT value FROM json_each(?)) ${alias}`;
const known = (condition: string) =>
  `SELECT seq, event_id, hash, digest, declares, void_seq, twin_of FROM ${each()} CROSS JOIN event ON ${condition} ORDER BY seq`;
const linesOf = (column: 'node' | 'transformation') =>
  `SELECT l.transformation, l.side, l.node, l.seq, l.quantity, l.uom, e.time, e.below, e.digest FROM ${each()}
   CROSS JOIN lineage l ON l.${column} = j.value AND l.side IN (?, ?) CROSS JOIN event e ON e.seq = l.seq AND ${EFFECTIVE}
   ORDER BY l.transformation, l.side, l.node, l.seq`;

const SQL = {
  size: 'SELECT coalesce(max(seq), -1) + 1 AS n FROM entry',
  lastRecordTime: 'SELECT record_time AS t FROM entry ORDER BY seq DESC LIMIT 1',

  termId: 'SELECT id FROM term WHERE text = ?',
  termText: 'SELECT text FROM term WHERE id = ?',
  addTerm: 'INSERT INTO term (id, text) VALUES (?, ?)',
  classId: 'SELECT id FROM class WHERE key = ?',
  classKey: 'SELECT key FROM class WHERE id = ?',
  addClass: 'INSERT INTO class (id, key) VALUES (?, ?)',

  itemsByName: `SELECT ${ITEMS} FROM (
      SELECT n.id AS node FROM ${each()} CROSS JOIN name n ON n.recent IN (0, 1) AND n.class = ? AND n.serial = j.value) CROSS JOIN item ON id = node`,
  lotsByName: `SELECT ${LOTS} FROM ${each()} CROSS JOIN lot ON class = ? AND lot = j.value`,
  items: `SELECT ${ITEMS} FROM ${each()} CROSS JOIN item ON id = j.value`,
  lots: `SELECT ${LOTS} FROM ${each()} CROSS JOIN lot ON id = j.value`,
  containers: `WITH RECURSIVE above(node) AS (
      SELECT i.parent FROM ${each()} CROSS JOIN item i ON i.id = j.value WHERE i.parent IS NOT NULL
      UNION SELECT i.parent FROM above a CROSS JOIN item i ON i.id = a.node WHERE i.parent IS NOT NULL)
    SELECT ${ITEMS} FROM above CROSS JOIN item ON id = node`,
  content: `SELECT ${ITEMS} FROM (
      SELECT child FROM ${each()} CROSS JOIN containment ON parent = j.value AND to_time IS NULL AND kind = 0 AND child > 0) CROSS JOIN item ON id = child`,
  looseContent: `SELECT ${STAY} FROM ${each()} CROSS JOIN containment ON parent = j.value AND to_time IS NULL WHERE kind = 1 OR child < 0`,
  // Things that came together have ids in a row and one state: the first id, what they share, and their serials.
  addItems: `INSERT INTO item (id, class, serial, lot, expiry, ${STATE}) SELECT ? + key, ?, value, ${marks(2 + 17)} FROM json_each(?)`,
  addNames: 'INSERT INTO name (recent, class, serial, id) SELECT 1, ?, value, ? + key FROM json_each(?)',
  countRecent: 'SELECT count(*) AS n FROM name WHERE recent = 1',
  nameAfter: 'SELECT class, serial FROM name WHERE recent = 1 AND (class, serial) > (?, ?) ORDER BY class, serial LIMIT 1 OFFSET ?',
  settleNames: `INSERT INTO name (recent, class, serial, id) SELECT 0, class, serial, id FROM name WHERE recent = 1 AND (class, serial) > (?, ?) AND (class, serial) <= (?, ?)
    ORDER BY class, serial`,
  dropSettled: 'DELETE FROM name WHERE recent = 1 AND (class, serial) > (?, ?) AND (class, serial) <= (?, ?)',
  addLot: `INSERT INTO lot (id, class, lot, expiry, ${STATE}, balance) VALUES (${marks(4 + 17 + 1)})`,
  // Indexes hold lot and flags, and to write those is to write an index, changed or not.
  changeItems: `UPDATE item SET expiry = ?, ${assign(STATE_BUT_FLAGS)} WHERE id BETWEEN ? AND ?`,
  changeIndexed: 'UPDATE item SET lot = ?, flags = ? WHERE id BETWEEN ? AND ? AND (lot IS NOT ? OR flags <> ?)',
  changeLot: `UPDATE lot SET expiry = ?, ${assign(STATE)}, balance = ? WHERE id = ?`,

  eventsByDigest: known('digest = unhex(j.value)'),
  eventsByID: known('event_id = j.value'),
  eventsByHash: known('hash = unhex(j.value)'),
  eventsByOriginal: known('twin_of = j.value'),
  events: `SELECT event.* FROM ${each()} CROSS JOIN event ON seq = j.value`,
  addEvent: `INSERT INTO event (seq, type, action, time, below, rank, utc_offset, event_id, hash, digest, biz_step, disposition, read_point, biz_location, parent,
    transformation, declares, void_seq, twin_of, facts, rules) VALUES (${marks(21)})`,
  addEventItems: 'INSERT OR IGNORE INTO event_item (item, seq, role) SELECT value, ?, ? FROM json_each(?)',
  addEventLot: `INSERT INTO event_lot (lot, seq, role, quantity, uom) VALUES (?, ?, ?, ?, ?) ${ADD_UP}`,
  addLine: `INSERT INTO lineage (transformation, side, node, seq, quantity, uom) VALUES (?, ?, ?, ?, ?, ?) ${ADD_UP}`,
  addEventField: 'INSERT INTO event_field (field, key, seq, part) VALUES (?, ?, ?, ?)',
  setVoid: 'UPDATE event SET void_seq = ? WHERE seq = ?',
  setTwin: 'UPDATE event SET twin_of = ? WHERE seq = ?',

  itemHistories: `SELECT ei.item AS node, ei.seq, ei.role FROM ${each()}
    CROSS JOIN event_item ei ON ei.item = j.value CROSS JOIN event e ON e.seq = ei.seq AND ${EFFECTIVE}`,
  lotHistories: `SELECT -el.lot AS node, el.seq, el.role FROM ${each()}
    CROSS JOIN event_lot el ON el.lot = j.value AND el.role <> ${CLAIM} CROSS JOIN event e ON e.seq = el.seq AND ${EFFECTIVE}`,
  firstClaims: `SELECT -lot AS node, seq, ${CLAIM} AS role FROM (
      SELECT j.value AS lot, (
        SELECT e.seq FROM event_lot el CROSS JOIN event e ON e.seq = el.seq AND ${EFFECTIVE} WHERE el.lot = j.value AND el.role = ${CLAIM}
        ORDER BY json_extract(e.facts, '$.x') IS NULL, e.time, e.below, e.rank, e.digest LIMIT 1) AS seq
      FROM ${each()}) WHERE seq IS NOT NULL`,
  staysSince: `SELECT c.child, c.to_time IS NOT NULL OR (SELECT i.flags & 4 FROM item i WHERE i.id = c.child) <> 0 AS told
    FROM ${each()} CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0 AND c.child > 0
    WHERE c.to_time >= ? OR (c.to_time IS NULL AND (? OR (SELECT i.flags & 5 FROM item i WHERE i.id = c.child)))`,
  lateFor: `SELECT DISTINCT ei.item AS id FROM event mine CROSS JOIN ${each()} CROSS JOIN event_item ei ON ei.item = j.value AND ei.seq < mine.seq
    CROSS JOIN event e ON e.seq = ei.seq AND ${EFFECTIVE} AND (e.time, e.below, e.rank, e.digest) > (mine.time, mine.below, mine.rank, mine.digest)
    WHERE mine.seq = ?`,
  holding: `SELECT DISTINCT c.parent FROM event mine CROSS JOIN ${each()}
    CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0
    CROSS JOIN event f ON f.seq = c.from_seq AND (f.time, f.below, f.rank, f.digest) < (mine.time, mine.below, mine.rank, mine.digest)
    LEFT JOIN event t ON t.seq = c.to_seq
    WHERE mine.seq = ? AND (c.to_seq IS NULL OR (t.time, t.below, t.rank, t.digest) > (mine.time, mine.below, mine.rank, mine.digest))`,
  staysOf: `SELECT ${STAY} FROM ${each()} CROSS JOIN containment ON child = j.value AND kind = 0`,
  looseStaysIn: `SELECT ${STAY} FROM ${each()} CROSS JOIN containment ON parent = j.value WHERE kind = 1 OR child < 0`,
  putStays: `INSERT INTO containment (${STAY}) SELECT value, ${marks(9)} FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET quantity = excluded.quantity, to_time = excluded.to_time, to_seq = excluded.to_seq, inferred = excluded.inferred`,
  keepStay: `INSERT INTO containment_past (${STAY}, until_seq) VALUES (${marks(11)})`,
  dropStay: 'DELETE FROM containment WHERE child = ? AND from_seq = ? AND parent = ? AND kind = ? AND uom = ?',

  findingThings: `SELECT f.code, f.seq, t.node, t.other FROM ${each()} CROSS JOIN finding_thing t ON t.node = j.value
    CROSS JOIN finding f ON f.id = t.finding WHERE f.code IN (SELECT value FROM json_each(?))`,
  findingsAt: `SELECT f.code, f.seq, t.node, t.other FROM ${each('c')} CROSS JOIN ${each('s')} CROSS JOIN finding f ON f.code = c.value AND f.seq = s.value
    CROSS JOIN finding_thing t ON t.finding = f.id`,
  addFinding: `INSERT INTO finding (code, seq, severity, state, opened, due) VALUES (?, ?, ?, 'open', ?, ?)
    ON CONFLICT DO UPDATE SET state = CASE WHEN resolution IS NULL THEN 'open' ELSE state END, closed_seq = CASE WHEN resolution IS NULL THEN NULL ELSE closed_seq END`,
  findingId: 'SELECT id FROM finding WHERE code = ? AND seq = ?',
  addFindingThing: 'INSERT OR IGNORE INTO finding_thing (finding, node, other) VALUES (?, ?, ?)',
  dropFindingThing: 'DELETE FROM finding_thing WHERE finding = ? AND node = ? AND other = ?',
  dropFinding: `DELETE FROM finding WHERE id = ? AND seq >= ? AND resolution IS NULL AND ${EMPTY}`,
  closeFinding: `UPDATE finding SET state = 'closed', closed_seq = ? WHERE id = ? AND state = 'open' AND ${EMPTY}`,
  resolveFinding: 'UPDATE finding SET state = ?, resolution = ?, closed_seq = ? WHERE code = ? AND seq = ?',

  linesOfNodes: linesOf('node'),
  linesOfTransformations: linesOf('transformation'),

  addEntry: `INSERT INTO entry (seq, kind, record_time, actor, capture, event_hash, body_digest, payload_digest, leaf_hash, encoding, body) VALUES (${marks(11)})`,
  addPayload: `INSERT INTO payload (capture, capture_id, digest, context, parts, encoding, gaps) VALUES (${marks(7)})`,
  putTile: 'INSERT INTO tile (level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes',
  tile: 'SELECT hashes FROM tile WHERE level = ? AND idx = ?',
  putCheckpoint: 'INSERT OR REPLACE INTO checkpoint (size, signed_at, text) VALUES (?, ?, ?)',
  addJob: `INSERT INTO capture_job (id, capture_id, actor, behaviour, created, finished, success, events, stored, errors) VALUES (${marks(10)})`,
  endedJobs: `SELECT capture_id AS id FROM ${each()} CROSS JOIN capture_job ON capture_id = j.value`,
  putMasterdata: 'INSERT OR REPLACE INTO masterdata (type, id, seq, attributes, children, sent) VALUES (?, ?, ?, ?, ?, ?)',
  addKey: 'INSERT INTO api_key (id, name, roles, hash, created, ended, sites) VALUES (?, ?, ?, ?, ?, ?, ?)',
  endKey: 'UPDATE api_key SET ended = ? WHERE id = ? AND ended IS NULL',
  addQuery: 'INSERT OR IGNORE INTO named_query (name, query, actor, created) VALUES (?, ?, ?, ?)',
  dropQuery: 'DELETE FROM named_query WHERE name = ?',
  dropSubscriptions: 'DELETE FROM subscription WHERE query = ?',
  addSubscription: `INSERT INTO subscription (id, query, actor, created, terms, next_seq, version, progress)
    SELECT ?, name, ?, ?, ?, ?, ?, ? FROM named_query WHERE name = ?`,
  dropSubscription: 'DELETE FROM subscription WHERE id = ?',
  noteProgress: 'UPDATE subscription SET next_seq = ?, progress = ?, version = version + 1 WHERE id = ? AND version = ?',
  addPrefix: 'INSERT OR IGNORE INTO prefix (scheme, company) VALUES (?, ?)',
  prefixes: 'SELECT scheme, company FROM prefix',

  setDocument: 'SAVEPOINT document',
  setTrial: 'SAVEPOINT trial',
  setEvent: 'SAVEPOINT event',
  releaseDocument: 'RELEASE document',
  releaseTrial: 'RELEASE trial',
  releaseEvent: 'RELEASE event',
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
} as const;

/** Every statement of the journal, ready to run. */
export type Statements = Readonly<Record<keyof typeof SQL, Database.Statement>>;

export function prepareStatements(db: SqliteConnection): Statements {
  return Object.fromEntries(Object.entries(SQL).map(([name, text]) => [name, db.prepare(text)])) as Statements;
}
