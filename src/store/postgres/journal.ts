import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
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
import { arrayOf } from './binary.ts';
import { type Batch, batch, columnsOf, insertBatches, namesOf, type Statement, statement, table, unnestOf } from './bulk.ts';
import { PostgresDb } from './open.ts';
import { Words } from './words.ts';

/**
 * What the session of a writer is set to, besides what every session of ours is. Its statements look rows up by key, whatever the statistics say of
 * a store that was empty a minute ago; so each is planned once, and for that.
 */
export const WRITER_SESSION = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_bitmapscan: 'off',
  enable_material: 'off',
  enable_memoize: 'off',
  // A statement that carries fifty thousand rows keeps them in memory.
  work_mem: '64MB',
} as const;

const STATE =
  'parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner, custody_seq, place, place_seq, last_seq, claim_seq, flags, persistent';
const ITEM = `id AS node, class, -lot AS lot, expiry, ${STATE}, NULL AS balance`;
const LOT = `-id AS node, class, NULL::bigint AS lot, expiry, ${STATE}, balance`;
const STAY = 'child, from_seq, parent, kind, uom, quantity, to_time, to_seq, inferred, known_seq';
/** The role under which an event that brings things into being states their lot. */
const CLAIM = 5;
/** Items packed, apart from lots and associated parts. The sums keep the primary key out of it: where there are no statistics it looks good for this. */
const PACKED = 'kind + 0 = 0 AND child + 0 > 0';
/** How long an erasure waits for those who still see what it erased. The writer waits with it. */
const CLEARING_WAIT_MS = 2_000;
const CLEARING_STEP_MS = 50;
/** Tables are to be rewritten: they held what only transactions before this one may still see; null: not yet tried. */
type Clearing = { before: string | null };
const EFFECTIVE = 'e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0';

// ── where rows go ─────────────────────────────────────────────────────────────────────────────────────────────

const state = {
  expiry: 'bigint',
  parent: 'bigint',
  entered_seq: 'bigint',
  status: 'integer',
  status_seq: 'bigint',
  before: 'integer',
  before_seq: 'bigint',
  disposition: 'integer',
  disposition_seq: 'bigint',
  holder: 'integer',
  owner: 'integer',
  custody_seq: 'bigint',
  place: 'integer',
  place_seq: 'bigint',
  last_seq: 'bigint',
  claim_seq: 'bigint',
  flags: 'integer',
  persistent: 'text',
} as const;

const itemState = {
  id: ['bigint', (t: ThingRow) => t.node],
  lot: ['bigint', (t: ThingRow) => (t.lot === null ? null : -t.lot)],
  ...state,
} as const;
const lotState = { id: ['bigint', (t: ThingRow) => -t.node], ...state, balance: 'text' } as const;
const STATE_OF_ITEM = table<ThingRow>('item', itemState);
const STATE_OF_LOT = table<ThingRow>('lot', lotState);
const ITEMS = table<NewThing>('item', { ...itemState, class: 'integer', serial: ['text', (t) => t.name] });
const ITEM_NAMES = table<NewThing>('item_name', { id: ['bigint', (t) => t.node], class: 'integer', serial: ['text', (t) => t.name] });
const LOTS = table<NewThing>('lot', { ...lotState, class: 'integer', lot: ['text', (t) => t.name] });

const EVENTS = table<EventRow>('event', {
  seq: 'bigint',
  time: 'bigint',
  parent: 'bigint',
  transformation: 'bigint',
  void_seq: 'bigint',
  twin_of: 'bigint',
  biz_step: 'integer',
  disposition: 'integer',
  read_point: 'integer',
  biz_location: 'integer',
  type: 'integer',
  action: 'smallint',
  rank: 'smallint',
  declares: 'smallint',
  rules: 'smallint',
  below: 'text',
  utc_offset: 'text',
  event_id: 'text',
  hash: 'bytea',
  digest: 'bytea',
  facts: 'text',
});
type EventItem = readonly [item: number, seq: number, role: number];
const EVENT_ITEMS = table<EventItem>('event_item', {
  item: ['bigint', (row) => row[0]],
  seq: ['bigint', (row) => row[1]],
  role: ['smallint', (row) => row[2]],
});
const EVENT_LOTS = table<PartRow>('event_lot', {
  lot: 'bigint',
  seq: 'bigint',
  quantity: 'double precision',
  role: 'smallint',
  uom: 'text',
});
const LINEAGE = table<LineageRow>('lineage', {
  transformation: 'bigint',
  node: 'bigint',
  seq: 'bigint',
  quantity: 'double precision',
  side: 'smallint',
  uom: 'text',
});
const EVENT_FIELDS = table<FieldRow>('event_field', { seq: 'bigint', field: 'integer', part: 'integer', key: 'text' });

const stay = {
  child: 'bigint',
  from_seq: 'bigint',
  parent: 'bigint',
  quantity: 'double precision',
  to_time: 'bigint',
  to_seq: 'bigint',
  known_seq: 'bigint',
  kind: 'smallint',
  inferred: 'smallint',
  uom: 'text',
} as const;
const STAYS = table<IntervalRow>(
  'containment',
  stay,
  `(child, from_seq, parent, kind, uom) DO UPDATE SET quantity = excluded.quantity, to_time = excluded.to_time, to_seq = excluded.to_seq, inferred = excluded.inferred`,
);
const STAY_KEYS = table<IntervalRow>('containment', {
  child: 'bigint',
  from_seq: 'bigint',
  parent: 'bigint',
  kind: 'smallint',
  uom: 'text',
});
type PastStay = IntervalRow & { readonly id: number; readonly until_seq: number };
const PAST_STAYS = table<PastStay>('containment_past', { id: 'bigint', ...stay, until_seq: 'bigint' });

const FINDINGS = table<FindingRow>('finding', { seq: 'bigint', opened: 'bigint', due: 'bigint', code: 'text', severity: 'text' });
const FINDING_KEYS = table<FindingThing>('finding_thing', { code: 'text', seq: 'bigint', node: 'bigint', other: 'bigint' });
type ThingOfFinding = { readonly finding: number; readonly node: number; readonly other: number };
const FINDING_THINGS = table<ThingOfFinding>('finding_thing', { finding: 'bigint', node: 'bigint', other: 'bigint' }, 'DO NOTHING');

const ENTRIES = table<EntryRow>('entry', {
  seq: 'bigint',
  record_time: 'bigint',
  capture: 'bigint',
  encoding: 'smallint',
  kind: 'text',
  actor: 'text',
  event_hash: 'bytea',
  body_digest: 'bytea',
  payload_digest: 'bytea',
  leaf_hash: 'bytea',
  body: 'bytea',
});
const PAYLOADS = table<PayloadRow>('payload', {
  capture: 'bigint',
  encoding: 'smallint',
  capture_id: 'text',
  digest: 'bytea',
  context: 'text',
  parts: 'text',
  gaps: 'bytea',
});
type TileRow = { readonly level: number; readonly index: number; readonly hashes: Uint8Array };
const TILES = table<TileRow>(
  'tile',
  { level: 'smallint', idx: ['bigint', (t) => t.index], hashes: 'bytea' },
  '(level, idx) DO UPDATE SET hashes = excluded.hashes',
);
type CheckpointRow = { readonly size: number; readonly signed_at: number; readonly text: string };
const CHECKPOINTS = table<CheckpointRow>(
  'checkpoint',
  { size: 'bigint', signed_at: 'bigint', text: 'text' },
  '(size) DO UPDATE SET signed_at = excluded.signed_at, text = excluded.text',
);
const JOBS = table<JobRow>('capture_job', {
  id: 'bigint',
  created: 'bigint',
  finished: 'bigint',
  success: 'smallint',
  events: 'bigint',
  stored: 'bigint',
  capture_id: 'text',
  actor: 'text',
  behaviour: 'text',
  errors: 'text',
});
const MASTERDATA = table<MasterdataRow>(
  'masterdata',
  { seq: 'bigint', type: 'text', id: 'text', attributes: 'text', children: 'text', sent: 'text' },
  '(type, id, seq) DO UPDATE SET attributes = excluded.attributes, children = excluded.children, sent = excluded.sent',
);
const KEYS = table<KeyRow>('api_key', {
  id: 'text',
  name: 'text',
  roles: 'text',
  hash: 'bytea',
  created: 'bigint',
  ended: 'bigint',
  sites: 'text',
});
type Prefix = readonly [scheme: string, company: string];
const PREFIXES = table<Prefix>('prefix', { scheme: ['text', (p) => p[0]], company: ['text', (p) => p[1]] }, 'DO NOTHING');

// ── what is asked ─────────────────────────────────────────────────────────────────────────────────────────────
// A LATERAL subselect with OFFSET 0 is looked into once for each row before it, through the index its condition names. No plan can turn that round.

const COUNTERS = statement(
  `SELECT (SELECT coalesce(max(id), 0) + 1 FROM term) AS term, (SELECT coalesce(max(id), 0) + 1 FROM class) AS class,
     (SELECT coalesce(max(id), 0) + 1 FROM item) AS item, (SELECT coalesce(max(id), 0) + 1 FROM lot) AS lot,
     (SELECT coalesce(max(capture), 0) + 1 FROM payload) AS capture, (SELECT coalesce(max(id), 0) + 1 FROM finding) AS finding,
     (SELECT coalesce(max(id), 0) + 1 FROM containment_past) AS past, (SELECT coalesce(max(seq), -1) + 1 FROM entry) AS seq,
     (SELECT coalesce((SELECT record_time FROM entry ORDER BY seq DESC LIMIT 1), 0)) AS "recordTime"`,
);
const each = (param: string, type = 'bigint') => `unnest(${param}::${type}[]) AS j(value)`;
const ITEMS_BY_NAME = statement(
  `SELECT n.serial AS name, i.* FROM unnest($1::integer[], $2::text[]) AS j(class, name)
   CROSS JOIN LATERAL (SELECT id, serial FROM item_name WHERE class = j.class AND serial = j.name OFFSET 0) n
   CROSS JOIN LATERAL (SELECT ${ITEM} FROM item WHERE item.id = n.id OFFSET 0) i`,
);
const LOTS_BY_NAME = statement(
  `SELECT j.name, l.* FROM unnest($1::integer[], $2::text[]) AS j(class, name)
   CROSS JOIN LATERAL (SELECT ${LOT} FROM lot WHERE class = j.class AND lot.lot = j.name OFFSET 0) l`,
);
const THINGS = statement(
  `SELECT i.* FROM ${each('$1')} CROSS JOIN LATERAL (SELECT ${ITEM} FROM item WHERE id = j.value OFFSET 0) i
   UNION ALL SELECT l.* FROM ${each('$2')} CROSS JOIN LATERAL (SELECT ${LOT} FROM lot WHERE id = j.value OFFSET 0) l`,
);
const CONTAINERS = statement(
  `WITH RECURSIVE above(id) AS (
     SELECT i.parent FROM ${each('$1')} CROSS JOIN LATERAL (SELECT parent FROM item WHERE id = j.value AND parent IS NOT NULL OFFSET 0) i
     UNION SELECT i.parent FROM above a CROSS JOIN LATERAL (SELECT parent FROM item WHERE id = a.id AND parent IS NOT NULL OFFSET 0) i)
   SELECT i.* FROM above a CROSS JOIN LATERAL (SELECT ${ITEM} FROM item WHERE item.id = a.id OFFSET 0) i`,
);
const CONTENT = statement(
  `SELECT i.* FROM ${each('$1')}
   CROSS JOIN LATERAL (SELECT child FROM containment WHERE parent = j.value AND to_time IS NULL AND ${PACKED} OFFSET 0) c
   CROSS JOIN LATERAL (SELECT ${ITEM} FROM item WHERE id = c.child OFFSET 0) i`,
);
const LOOSE_CONTENT = statement(
  `SELECT c.* FROM ${each('$1')}
   CROSS JOIN LATERAL (SELECT ${STAY} FROM containment WHERE parent = j.value AND to_time IS NULL AND NOT (${PACKED}) OFFSET 0) c`,
);
const UPDATE = (of: typeof STATE_OF_ITEM) =>
  statement(
    `MERGE INTO ${of.name} t USING ${unnestOf(of)} AS u(${namesOf(of)}) ON t.id = u.id
     WHEN MATCHED THEN UPDATE SET ${of.columns
       .slice(1)
       .map(({ name }) => `${name} = u.${name}`)
       .join(', ')}
     WHEN NOT MATCHED THEN DO NOTHING`,
  );
const UPDATE_ITEMS = UPDATE(STATE_OF_ITEM);
const UPDATE_LOTS = UPDATE(STATE_OF_LOT);
const KNOWN = 'SELECT seq, event_id, hash, digest, declares, void_seq, twin_of FROM event WHERE';
const KNOWN_EVENTS = statement(
  `SELECT e.* FROM ${each('$1', 'bytea')} CROSS JOIN LATERAL (${KNOWN} digest = j.value OFFSET 0) e
   UNION ALL SELECT e.* FROM ${each('$2', 'text')} CROSS JOIN LATERAL (${KNOWN} event_id = j.value OFFSET 0) e
   UNION ALL SELECT e.* FROM ${each('$3', 'bytea')} CROSS JOIN LATERAL (${KNOWN} hash = j.value OFFSET 0) e
   UNION ALL SELECT e.* FROM ${each('$4')} CROSS JOIN LATERAL (${KNOWN} twin_of = j.value OFFSET 0) e`,
);
const EVENTS_AT = statement(`SELECT e.* FROM ${each('$1')} CROSS JOIN LATERAL (SELECT * FROM event WHERE seq = j.value OFFSET 0) e`);
const SET_VOID = statement('UPDATE event SET void_seq = $2 WHERE seq = ANY($1::bigint[])');
const SET_TWIN = statement('UPDATE event SET twin_of = $2 WHERE seq = $1');
const IS_EFFECTIVE = `CROSS JOIN LATERAL (SELECT 1 FROM event e WHERE e.seq = p.seq AND ${EFFECTIVE} OFFSET 0) e`;
const HISTORIES = statement(
  `SELECT j.value AS node, p.seq, p.role FROM ${each('$1')}
   CROSS JOIN LATERAL (SELECT seq, role FROM event_item WHERE item = j.value OFFSET 0) p ${IS_EFFECTIVE}
   UNION ALL
   SELECT -j.value, p.seq, p.role FROM ${each('$2')}
   CROSS JOIN LATERAL (SELECT seq, role FROM event_lot WHERE lot = j.value AND role <> ${CLAIM} OFFSET 0) p ${IS_EFFECTIVE}
   UNION ALL
   SELECT -j.value, p.seq, ${CLAIM} FROM ${each('$2')} CROSS JOIN LATERAL (
     SELECT e.seq FROM event_lot el
     CROSS JOIN LATERAL (SELECT e.seq, e.time, e.below, e.rank, e.digest, e.facts FROM event e WHERE e.seq = el.seq AND ${EFFECTIVE} OFFSET 0) e
     WHERE el.lot = j.value AND el.role = ${CLAIM}
     ORDER BY e.facts::json ->> 'x' IS NULL, e.time, e.below, e.rank, e.digest LIMIT 1) p`,
);
const STAYS_SINCE = statement(
  `SELECT c.child, c.to_time IS NOT NULL OR coalesce((SELECT i.flags & 4 FROM item i WHERE i.id = c.child), 0) <> 0 AS told FROM ${each('$1')}
   CROSS JOIN LATERAL (SELECT child, to_time FROM containment WHERE parent = j.value AND ${PACKED} OFFSET 0) c
   WHERE c.to_time >= $2 OR (c.to_time IS NULL AND ($3 OR (SELECT i.flags & 5 FROM item i WHERE i.id = c.child) <> 0))`,
);
const LATE_FOR = statement(
  `SELECT DISTINCT j.value AS id FROM event mine CROSS JOIN ${each('$2')} CROSS JOIN LATERAL (
     SELECT 1 FROM event_item ei CROSS JOIN LATERAL (
       SELECT 1 FROM event e WHERE e.seq = ei.seq AND ${EFFECTIVE}
       AND (e.time, e.below, e.rank, e.digest) > (mine.time, mine.below, mine.rank, mine.digest) OFFSET 0) e
     WHERE ei.item = j.value AND ei.seq < mine.seq LIMIT 1) found
   WHERE mine.seq = $1`,
);
const HOLDING = statement(
  `SELECT DISTINCT j.value AS parent FROM event mine CROSS JOIN ${each('$2')} CROSS JOIN LATERAL (
     SELECT 1 FROM (SELECT from_seq, to_seq FROM containment WHERE parent = j.value AND kind + 0 = 0 OFFSET 0) c
     CROSS JOIN LATERAL (
       SELECT 1 FROM event f WHERE f.seq = c.from_seq
       AND (f.time, f.below, f.rank, f.digest) < (mine.time, mine.below, mine.rank, mine.digest) OFFSET 0) f
     WHERE c.to_seq IS NULL OR EXISTS (
       SELECT 1 FROM event t WHERE t.seq = c.to_seq AND (t.time, t.below, t.rank, t.digest) > (mine.time, mine.below, mine.rank, mine.digest))
     LIMIT 1) found
   WHERE mine.seq = $1`,
);
const STAYS_OF = statement(
  `SELECT c.* FROM ${each('$1')} CROSS JOIN LATERAL (SELECT ${STAY} FROM containment WHERE child = j.value AND kind = 0 OFFSET 0) c
   UNION ALL
   SELECT c.* FROM ${each('$2')} CROSS JOIN LATERAL (SELECT ${STAY} FROM containment WHERE parent = j.value AND NOT (${PACKED}) OFFSET 0) c`,
);
// By its key and not by its ctid, which says nothing without the partition (docs/partitions.sql).
const DROP_STAYS = statement(
  `MERGE INTO containment c USING ${unnestOf(STAY_KEYS)} AS g(${namesOf(STAY_KEYS)})
   ON c.child = g.child AND c.from_seq = g.from_seq AND c.parent = g.parent AND c.kind = g.kind AND c.uom = g.uom WHEN MATCHED THEN DELETE`,
);
const FINDINGS_OF_NODES = statement(
  `SELECT f.code, f.seq, t.node, t.other FROM ${each('$1')}
   CROSS JOIN LATERAL (SELECT finding, node, other FROM finding_thing WHERE node = j.value OFFSET 0) t
   CROSS JOIN LATERAL (SELECT code, seq FROM finding WHERE id = t.finding AND code = ANY($2::text[]) OFFSET 0) f`,
);
const FINDINGS_AT = statement(
  `SELECT f.code, f.seq, t.node, t.other FROM unnest($1::text[]) AS c(value) CROSS JOIN unnest($2::bigint[]) AS s(value)
   CROSS JOIN LATERAL (SELECT id, code, seq FROM finding WHERE code = c.value AND seq = s.value OFFSET 0) f
   CROSS JOIN LATERAL (SELECT node, other FROM finding_thing WHERE finding = f.id OFFSET 0) t`,
);
/** The first number is the id of the first that is new: ids go to the new ones alone, in the order given. */
const ADD_FINDINGS = statement(
  `WITH given AS (
     SELECT g.*, (SELECT f.id FROM finding f WHERE f.code = g.code AND f.seq = g.seq) AS known
     FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY AS g(seq, opened, due, code, severity, place))
   INSERT INTO finding (id, seq, opened, due, code, severity, state)
   SELECT coalesce(known, $1::bigint - 1 + row_number() OVER (PARTITION BY known IS NULL ORDER BY place)), seq, opened, due, code, severity, 'open'
   FROM given
   ON CONFLICT (code, seq) DO UPDATE SET
     state = CASE WHEN finding.resolution IS NULL THEN 'open' ELSE finding.state END,
     closed_seq = CASE WHEN finding.resolution IS NULL THEN NULL ELSE finding.closed_seq END
   RETURNING id, code, seq`,
);
const FINDING_ID = statement(
  `SELECT f.id, f.code, f.seq FROM ${unnestOf(FINDING_KEYS)} AS g(code, seq, node, other)
   CROSS JOIN LATERAL (SELECT id, code, seq FROM finding f WHERE f.code = g.code AND f.seq = g.seq OFFSET 0) f`,
);
const DROP_FINDING_THINGS = statement(
  `WITH given AS MATERIALIZED (
     SELECT f.id, g.node, g.other FROM ${unnestOf(FINDING_KEYS)} AS g(code, seq, node, other)
     CROSS JOIN LATERAL (SELECT id FROM finding f WHERE f.code = g.code AND f.seq = g.seq OFFSET 0) f),
   dropped AS (
     DELETE FROM finding_thing WHERE ctid = ANY(ARRAY(
       SELECT t.ctid FROM given g CROSS JOIN LATERAL (
         SELECT ctid FROM finding_thing t WHERE t.finding = g.id AND t.node = g.node AND t.other = g.other OFFSET 0) t)))
   SELECT DISTINCT id FROM given`,
);
const EMPTY = 'NOT EXISTS (SELECT 1 FROM finding_thing t WHERE t.finding = f.id)';
const END_FINDINGS = statement(
  `WITH dropped AS (
     DELETE FROM finding f WHERE f.id = ANY($1::bigint[]) AND f.seq >= $2 AND f.resolution IS NULL AND ${EMPTY} RETURNING f.id),
   closed AS (
     UPDATE finding f SET state = 'closed', closed_seq = $2
     WHERE f.id = ANY($1::bigint[]) AND NOT (f.seq >= $2 AND f.resolution IS NULL) AND f.state = 'open' AND ${EMPTY})
   SELECT id FROM dropped`,
);
const LAST_FINDING = statement('SELECT coalesce(max(id), 0) + 1 AS next FROM finding');
const LINEAGE_OF = (column: 'node' | 'transformation') =>
  statement(
    `SELECT l.*, e.time, e.below, e.digest FROM ${each('$1')}
     CROSS JOIN LATERAL (SELECT transformation, side, node, seq, quantity, uom FROM lineage WHERE ${column} = j.value AND side = ANY($2::smallint[]) OFFSET 0) l
     CROSS JOIN LATERAL (SELECT time, below, digest FROM event e WHERE e.seq = l.seq AND ${EFFECTIVE} OFFSET 0) e
     ORDER BY l.transformation, l.side, l.node, l.seq`,
  );
const LINEAGE_OF_NODES = LINEAGE_OF('node');
const LINEAGE_OF_TRANSFORMATIONS = LINEAGE_OF('transformation');
const TILE = statement('SELECT hashes FROM tile WHERE level = $1 AND idx = $2');
const ENDED_JOBS = statement(
  `SELECT j.value AS id FROM ${each('$1', 'text')} CROSS JOIN LATERAL (SELECT 1 FROM capture_job WHERE capture_id = j.value OFFSET 0) found`,
);
const END_KEY = statement('UPDATE api_key SET ended = $2 WHERE id = $1 AND ended IS NULL RETURNING id');
const ADD_QUERY = statement(
  'INSERT INTO named_query (name, query, actor, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING name',
);
const DROP_QUERY = statement(
  'WITH ended AS (DELETE FROM subscription WHERE query = $1) DELETE FROM named_query WHERE name = $1 RETURNING name',
);
const ADD_SUBSCRIPTION = statement(
  `INSERT INTO subscription (id, query, actor, created, terms, next_seq, version, progress)
   SELECT $1, name, $2, $3, $4, $5, $6, $7 FROM named_query WHERE name = $8 RETURNING id`,
);
const DROP_SUBSCRIPTION = statement('DELETE FROM subscription WHERE id = $1 RETURNING id');
const NOTE_PROGRESS = statement(
  'UPDATE subscription SET next_seq = $1, progress = $2, version = version + 1 WHERE id = $3 AND version = $4 RETURNING id',
);
const ALL_PREFIXES = statement('SELECT scheme, company FROM prefix ORDER BY scheme, company');
const RESOLVE = statement(
  `UPDATE finding SET state = $3, resolution = $4, closed_seq = CASE WHEN $3 = 'closed' THEN $5::bigint END WHERE code = $1 AND seq = $2 RETURNING id`,
);

/** The next free ids, and the time of the last entry. */
type Counters = {
  term: number;
  class: number;
  item: number;
  lot: number;
  capture: number;
  finding: number;
  past: number;
  seq: number;
  recordTime: number;
};

/** Rows that nothing asks for until their transaction is over: they go out together, before it commits. */
type Outbox = {
  entries: EntryRow[];
  payloads: PayloadRow[];
  jobs: JobRow[];
  tiles: TileRow[];
  checkpoints: CheckpointRow[];
  masterdata: MasterdataRow[];
  prefixes: Prefix[];
};
const emptyOutbox = (): Outbox => ({ entries: [], payloads: [], jobs: [], tiles: [], checkpoints: [], masterdata: [], prefixes: [] });

/** How things stood at a savepoint. */
type Mark = { readonly next: Counters; readonly kept: Readonly<Record<keyof Outbox, number>> };

const bigints = (list: readonly number[]) => arrayOf('bigint', list);
const texts = (list: readonly string[]) => arrayOf('text', list);
const byteas = (list: readonly Uint8Array[]) => arrayOf('bytea', list);

/**
 * The journal on PostgreSQL: one connection, which is the writer's as long as it lasts, prepared statements, arrays and COPY. Gives the ids that the
 * embedded journal gives. Whoever has lost the connection opens another journal: what is kept in memory here holds for this one alone.
 */
export class PostgresJournal implements Journal {
  readonly db: JournalDb;
  private readonly client: pg.Client;
  private next: Counters;
  private readonly terms_: Words;
  private readonly classes_: Words;
  private outbox = emptyOutbox();
  /** Savepoints that are set as soon as there is something to go back from, and those set that nobody goes back to: released with the next one set. */
  private unset: Savepoint[] = [];
  private released: Savepoint[] = [];
  private readonly marks = new Map<Savepoint | 'transaction', Mark>();
  /** Something was deleted that is to leave no trace. */
  private clearing: Clearing | null = null;

  private constructor(client: pg.Client, next: Counters) {
    this.client = client;
    const own = new PostgresDb(client);
    this.db = {
      all: async (query) => {
        await this.setSavepoints();
        return await own.all(query);
      },
      run: async (change) => {
        await this.setSavepoints();
        await own.run(change);
      },
      snapshot: (work) => own.snapshot(work),
    };
    this.next = next;
    const store = {
      ask: async <Row>(asked: Statement, values: readonly unknown[]) => await this.ask<Row>(asked, ...values),
      insert: async (batches: readonly Batch[]) => await this.insert(...batches),
    };
    this.terms_ = new Words({ ...store, take: () => this.next.term++ }, 'term', 'text');
    this.classes_ = new Words({ ...store, take: () => this.next.class++ }, 'class', 'key');
  }

  /** Takes a connection that nobody else uses, in a session of WRITER_SESSION; `close` ends it. */
  static async open(client: pg.Client): Promise<PostgresJournal> {
    const { rows } = await client.query<Counters>({ ...COUNTERS });
    return new PostgresJournal(client, rows[0] as Counters);
  }

  // ── one transaction ───────────────────────────────────────────────────────────────────────────────────────

  async begin(): Promise<void> {
    await this.client.query('BEGIN');
    this.released = [];
    this.mark('transaction');
  }
  async commit(): Promise<void> {
    await this.send();
    const { command } = await this.client.query('COMMIT');
    // Of a transaction in which a statement has failed, it takes back everything and calls that no error.
    if (command !== 'COMMIT') throw new Error('the transaction had failed before it was to be committed');
    if (this.clearing !== null) await this.clearAway(this.clearing);
  }
  leaveNoTrace(): void {
    this.clearing = { before: null };
  }

  /**
   * Rewrites the tables into new files: VACUUM alone would leave the bytes of old rows in their pages. What is asked of the writer passes through the
   * intake. Whoever still looks at the store as it was before, a question or the server's own analysis, keeps the old rows even so: they are waited for a
   * little, and where they take longer, it is done once more with the first commit after they have ended.
   */
  private async clearAway(clearing: Clearing): Promise<void> {
    try {
      const again = clearing.before !== null;
      const before = clearing.before ?? (await this.nextTransaction());
      clearing.before = before;
      let isKept = await this.isLookedAt(before);
      if (isKept && again) return;
      for (let waited = 0; isKept && waited < CLEARING_WAIT_MS; waited += CLEARING_STEP_MS) {
        await setTimeout(CLEARING_STEP_MS);
        isKept = await this.isLookedAt(before);
      }
      for (const table of ['vault', 'vault_salt', 'vault_token', 'vault_link', 'intake', 'intake_answer'])
        await this.client.query(`VACUUM (FULL) ${table}`);
      if (!isKept) this.clearing = null;
    } catch {
      // What was committed is committed; the next commit tries again.
    }
  }
  private async nextTransaction(): Promise<string> {
    const { rows } = await this.client.query<{ id: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text AS id');
    return rows[0]?.id as string;
  }
  /**
   * Whether somebody sees the database as it was before this transaction, or would from now on: who writes anywhere in the same server, also in another
   * database, keeps every new look that old, that of VACUUM itself too.
   */
  private async isLookedAt(before: string): Promise<boolean> {
    const { rows } = await this.client.query(
      `SELECT 1 WHERE age(pg_snapshot_xmin(pg_current_snapshot())::xid) > age($1::xid)
         OR EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND (age(backend_xmin) > age($1::xid) OR age(backend_xid) > age($1::xid)))`,
      [before],
    );
    return rows.length > 0;
  }
  async rollback(): Promise<void> {
    this.unset = [];
    this.released = [];
    if (this.marks.has('transaction')) this.goBack('transaction');
    this.marks.clear();
    await this.client.query('ROLLBACK');
  }
  savepoint(name: Savepoint): void {
    this.mark(name);
    this.unset.push(name);
  }
  release(name: Savepoint): void {
    const at = this.unset.indexOf(name);
    if (at >= 0) this.unset.splice(at);
    else this.released.push(name);
  }
  async undo(name: Savepoint): Promise<void> {
    this.goBack(name);
    const at = this.unset.indexOf(name);
    if (at >= 0) this.unset.splice(at);
    else {
      this.unset = [];
      this.released = [];
      await this.client.query(`ROLLBACK TO ${name}; RELEASE ${name}`);
    }
  }

  private mark(name: Savepoint | 'transaction'): void {
    const kept = Object.fromEntries(Object.entries(this.outbox).map(([key, rows]) => [key, rows.length])) as Record<keyof Outbox, number>;
    this.marks.set(name, { next: { ...this.next }, kept });
  }
  private goBack(name: Savepoint | 'transaction'): void {
    const mark = this.marks.get(name);
    if (mark === undefined) throw new Error(`there is no savepoint ${name}`);
    if (mark.next.term !== this.next.term) this.terms_.forget();
    if (mark.next.class !== this.next.class) this.classes_.forget();
    this.next = { ...mark.next };
    for (const [key, length] of Object.entries(mark.kept)) this.outbox[key as keyof Outbox].length = length;
  }

  private async ask<Row>(asked: Statement, ...values: readonly unknown[]): Promise<Row[]> {
    await this.setSavepoints();
    return (await this.client.query({ ...asked, values: [...values] })).rows as Row[];
  }
  private async insert(...batches: Batch[]): Promise<void> {
    if (batches.every(({ rows }) => rows.length === 0)) return;
    await this.setSavepoints();
    await insertBatches(this.client, batches);
  }
  private async setSavepoints(): Promise<void> {
    if (this.unset.length === 0) return;
    const commands = [...this.released.map((name) => `RELEASE ${name}`), ...this.unset.map((name) => `SAVEPOINT ${name}`)];
    await this.client.query(commands.join('; '));
    this.released = [];
    this.unset = [];
  }
  /** Sends what is kept back, so that a question on the same connection sees it. */
  async send(): Promise<void> {
    const { entries, payloads, jobs, tiles, checkpoints, masterdata, prefixes } = this.outbox;
    this.outbox = emptyOutbox();
    await this.insert(
      batch(ENTRIES, entries),
      batch(PAYLOADS, payloads),
      batch(JOBS, jobs),
      batch(
        TILES,
        lastOf(tiles, (t) => `${t.level}/${t.index}`),
      ),
      batch(
        CHECKPOINTS,
        lastOf(checkpoints, (c) => c.size),
      ),
      batch(
        MASTERDATA,
        lastOf(masterdata, (m) => JSON.stringify([m.type, m.id, m.seq])),
      ),
      batch(PREFIXES, prefixes),
    );
  }

  size(): number {
    return this.next.seq;
  }
  lastRecordTime(): number {
    return this.next.recordTime;
  }

  // ── words and ids ─────────────────────────────────────────────────────────────────────────────────────────

  async terms(list: readonly string[]): Promise<number[]> {
    return await this.terms_.ids(list);
  }
  async termTexts(ids: readonly number[]): Promise<(string | null)[]> {
    return await this.terms_.texts(ids);
  }
  async classes(keys: readonly string[]): Promise<number[]> {
    return await this.classes_.ids(keys);
  }
  async knownClasses(keys: readonly string[]): Promise<(number | null)[]> {
    return await this.classes_.known(keys);
  }
  async classKeys(ids: readonly number[]): Promise<string[]> {
    const keys = await this.classes_.texts(ids);
    const missing = keys.indexOf(null);
    if (missing >= 0) throw new Error(`there is no class ${ids[missing] as number}`);
    return keys as string[];
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

  // ── things ────────────────────────────────────────────────────────────────────────────────────────────────

  async itemsByName(serials: ReadonlyMap<number, readonly string[]>): Promise<(ThingRow & { name: string })[]> {
    return await this.byName(ITEMS_BY_NAME, serials);
  }
  async lotsByName(lots: ReadonlyMap<number, readonly string[]>): Promise<(ThingRow & { name: string })[]> {
    return await this.byName(LOTS_BY_NAME, lots);
  }
  private async byName(asked: Statement, names: ReadonlyMap<number, readonly string[]>): Promise<(ThingRow & { name: string })[]> {
    const list = [...names.values()].flat();
    if (list.length === 0) return [];
    const classes = [...names].flatMap(([classId, of]) => Array<number>(of.length).fill(classId));
    return await this.ask(asked, arrayOf('integer', classes), texts(list));
  }
  async things(nodes: readonly number[]): Promise<ThingRow[]> {
    const { items, lots } = sorted(nodes);
    return nodes.length === 0 ? [] : await this.ask(THINGS, bigints(items), bigints(lots));
  }
  async containers(items: readonly number[]): Promise<ThingRow[]> {
    return items.length === 0 ? [] : await this.ask(CONTAINERS, bigints(items));
  }
  async content(parents: readonly number[]): Promise<ThingRow[]> {
    return parents.length === 0 ? [] : await this.ask(CONTENT, bigints(parents));
  }
  async looseContent(parents: readonly number[]): Promise<IntervalRow[]> {
    return parents.length === 0 ? [] : await this.ask(LOOSE_CONTENT, bigints(parents));
  }
  async insertThings(things: readonly NewThing[]): Promise<void> {
    const items = things.filter((t) => t.node > 0);
    const lots = things.filter((t) => t.node < 0);
    await this.insert(batch(ITEMS, items), batch(ITEM_NAMES, items), batch(LOTS, lots));
  }
  async updateThings(things: readonly ThingRow[]): Promise<void> {
    const items = things.filter((t) => t.node > 0);
    const lots = things.filter((t) => t.node < 0);
    if (items.length > 0)
      await this.ask(
        UPDATE_ITEMS,
        ...columnsOf(
          STATE_OF_ITEM,
          lastOf(items, (t) => t.node),
        ),
      );
    if (lots.length > 0)
      await this.ask(
        UPDATE_LOTS,
        ...columnsOf(
          STATE_OF_LOT,
          lastOf(lots, (t) => t.node),
        ),
      );
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────

  async knownEvents(by: {
    digests?: readonly Uint8Array[];
    eventIDs?: readonly string[];
    hashes?: readonly Uint8Array[];
    twinsOf?: readonly number[];
  }): Promise<KnownEvent[]> {
    const { digests = [], eventIDs = [], hashes = [], twinsOf = [] } = by;
    if (digests.length + eventIDs.length + hashes.length + twinsOf.length === 0) return [];
    const rows = await this.ask<KnownEvent>(KNOWN_EVENTS, byteas(digests), texts(eventIDs), byteas(hashes), bigints(twinsOf));
    return lastOf(rows, (row) => row.seq).sort((a, b) => a.seq - b.seq);
  }
  async events(seqs: readonly number[]): Promise<EventRow[]> {
    return seqs.length === 0 ? [] : await this.ask(EVENTS_AT, bigints(seqs));
  }
  async insertEvents(
    rows: readonly EventRow[],
    items: readonly EventItem[],
    parts: readonly PartRow[],
    lineage: readonly LineageRow[],
    fields: readonly FieldRow[] = [],
  ): Promise<void> {
    await this.insert(
      batch(EVENTS, rows),
      batch(EVENT_ITEMS, withoutRepetition(items)),
      batch(
        EVENT_LOTS,
        addedUp(parts, (p) => `${p.lot}/${p.seq}/${p.role}`),
      ),
      batch(
        LINEAGE,
        addedUp(lineage, (l) => `${l.transformation}/${l.side}/${l.node}/${l.seq}`),
      ),
      batch(EVENT_FIELDS, fields),
    );
  }
  async setVoid(seqs: readonly number[], voidSeq: number): Promise<void> {
    if (seqs.length > 0) await this.ask(SET_VOID, bigints(seqs), voidSeq);
  }
  async setTwin(seq: number, of: number | null): Promise<void> {
    await this.ask(SET_TWIN, seq, of);
  }
  async histories(nodes: readonly number[]): Promise<{ node: number; seq: number; role: number }[]> {
    const { items, lots } = sorted(nodes);
    return nodes.length === 0 ? [] : await this.ask(HISTORIES, bigints(items), bigints(lots));
  }
  async staysSince(parents: readonly number[], ms: number, all = false): Promise<{ child: number; told: number }[]> {
    return parents.length === 0 ? [] : await this.ask(STAYS_SINCE, bigints(parents), ms, all);
  }
  async lateFor(seq: number, items: readonly number[]): Promise<number[]> {
    if (items.length === 0) return [];
    return (await this.ask<{ id: number }>(LATE_FOR, seq, bigints(items))).map((row) => row.id);
  }
  async holding(seq: number, parents: readonly number[]): Promise<number[]> {
    if (parents.length === 0) return [];
    return (await this.ask<{ parent: number }>(HOLDING, seq, bigints(parents))).map((row) => row.parent);
  }

  // ── stays ─────────────────────────────────────────────────────────────────────────────────────────────────

  async stays(where: { children?: readonly number[]; looseParents?: readonly number[] }): Promise<IntervalRow[]> {
    const { children = [], looseParents = [] } = where;
    return children.length + looseParents.length === 0 ? [] : await this.ask(STAYS_OF, bigints(children), bigints(looseParents));
  }
  async putStays(rows: readonly IntervalRow[]): Promise<void> {
    const last = new Map<string, IntervalRow>();
    for (const row of rows) {
      const key = `${row.child}/${row.from_seq}/${row.parent}/${row.kind}/${row.uom}`;
      const first = last.get(key);
      const { quantity, to_time, to_seq, inferred } = row;
      last.set(key, first === undefined ? row : { ...first, quantity, to_time, to_seq, inferred });
    }
    await this.insert(batch(STAYS, [...last.values()]));
  }
  async retireStays(rows: readonly IntervalRow[], untilSeq: number): Promise<void> {
    if (rows.length === 0) return;
    // What came and went within one document was never known.
    const kept = rows.filter((row) => row.known_seq < untilSeq);
    await this.insert(
      batch(
        PAST_STAYS,
        kept.map((row) => ({ ...row, id: this.next.past++, until_seq: untilSeq })),
      ),
    );
    await this.ask(DROP_STAYS, ...columnsOf(STAY_KEYS, rows));
  }

  // ── findings ──────────────────────────────────────────────────────────────────────────────────────────────

  async findingThings(codes: readonly string[], nodes: readonly number[]): Promise<FindingThing[]> {
    return codes.length === 0 || nodes.length === 0 ? [] : await this.ask(FINDINGS_OF_NODES, bigints(nodes), texts(codes));
  }
  async findingsAt(codes: readonly string[], seqs: readonly number[]): Promise<FindingThing[]> {
    return codes.length === 0 || seqs.length === 0 ? [] : await this.ask(FINDINGS_AT, texts(codes), bigints(seqs));
  }
  async addFindings(findings: readonly FindingRow[], things: readonly FindingThing[]): Promise<void> {
    const ids = new Map<string, number>();
    if (findings.length > 0) {
      const first = this.next.finding;
      const rows = await this.ask<{ id: number; code: string; seq: number }>(
        ADD_FINDINGS,
        first,
        ...columnsOf(FINDINGS, firstOf(findings, findingKey)),
      );
      for (const row of rows) {
        ids.set(findingKey(row), row.id);
        this.next.finding = Math.max(this.next.finding, row.id + 1);
      }
    }
    const others = things.filter((t) => !ids.has(findingKey(t)));
    if (others.length > 0)
      for (const row of await this.ask<{ id: number; code: string; seq: number }>(FINDING_ID, ...columnsOf(FINDING_KEYS, others)))
        ids.set(findingKey(row), row.id);
    await this.insert(
      batch(
        FINDING_THINGS,
        things.map(({ code, seq, node, other }) => ({ finding: ids.get(findingKey({ code, seq })) as number, node, other })),
      ),
    );
  }
  async removeFindingThings(things: readonly FindingThing[], seq: number): Promise<void> {
    if (things.length === 0) return;
    const touched = await this.ask<{ id: number }>(DROP_FINDING_THINGS, ...columnsOf(FINDING_KEYS, things));
    const gone = await this.ask<{ id: number }>(END_FINDINGS, bigints(touched.map(({ id }) => id)), seq);
    // The last id is free again if its finding has gone.
    if (gone.some(({ id }) => id === this.next.finding - 1))
      this.next.finding = ((await this.ask<{ next: number }>(LAST_FINDING))[0] as { next: number }).next;
  }
  async resolveFinding(code: string, seq: number, to: 'open' | 'closed', resolution: string | null, at: number): Promise<boolean> {
    return (await this.ask(RESOLVE, code, seq, to, resolution, at)).length > 0;
  }

  async lineage(by: { nodes?: readonly number[]; side?: 0 | 1; transformations?: readonly number[] }): Promise<LineageStep[]> {
    const list = by.nodes ?? by.transformations ?? [];
    if (list.length === 0) return [];
    const sides = arrayOf('smallint', by.side === undefined ? [0, 1] : [by.side]);
    return await this.ask(by.nodes ? LINEAGE_OF_NODES : LINEAGE_OF_TRANSFORMATIONS, bigints(list), sides);
  }

  // ── the log, and what is kept beside it ───────────────────────────────────────────────────────────────────

  appendEntries(entries: readonly EntryRow[]): void {
    for (const entry of entries) this.outbox.entries.push(entry);
    const last = entries.at(-1);
    if (last !== undefined) Object.assign(this.next, { seq: last.seq + 1, recordTime: last.record_time });
  }
  putPayloads(rows: readonly PayloadRow[]): void {
    this.outbox.payloads.push(...rows);
  }
  putTiles(tiles: readonly TileRow[]): void {
    this.outbox.tiles.push(...tiles);
  }
  async tile(level: number, index: number): Promise<Uint8Array | null> {
    const waiting = this.outbox.tiles.findLast((t) => t.level === level && t.index === index);
    return waiting?.hashes ?? (await this.ask<{ hashes: Uint8Array }>(TILE, level, index))[0]?.hashes ?? null;
  }
  putCheckpoint(size: number, signedAt: number, text: string): void {
    this.outbox.checkpoints.push({ size, signed_at: signedAt, text });
  }
  putJobs(jobs: readonly JobRow[]): void {
    this.outbox.jobs.push(...jobs);
  }
  async endedJobs(captureIDs: readonly string[]): Promise<string[]> {
    if (captureIDs.length === 0) return [];
    const asked = new Set(captureIDs);
    const waiting = this.outbox.jobs.map((job) => job.capture_id).filter((id) => asked.has(id));
    return [...waiting, ...(await this.ask<{ id: string }>(ENDED_JOBS, texts(captureIDs))).map((row) => row.id)];
  }
  putMasterdata(rows: readonly MasterdataRow[]): void {
    this.outbox.masterdata.push(...rows);
  }
  async putKey(row: KeyRow): Promise<void> {
    await this.insert(batch(KEYS, [row]));
  }
  async endKey(id: string, ended: number): Promise<boolean> {
    return (await this.ask(END_KEY, id, ended)).length > 0;
  }
  putPrefixes(rows: readonly Prefix[]): void {
    this.outbox.prefixes.push(...rows);
  }
  async prefixes(): Promise<[string, string][]> {
    const rows = await this.ask<{ scheme: string; company: string }>(ALL_PREFIXES);
    return [...rows.map((r): [string, string] => [r.scheme, r.company]), ...this.outbox.prefixes.map(([s, c]): [string, string] => [s, c])];
  }
  async putQuery(q: QueryRow): Promise<boolean> {
    return (await this.ask(ADD_QUERY, q.name, q.query, q.actor, q.created)).length > 0;
  }
  async removeQuery(name: string): Promise<boolean> {
    return (await this.ask(DROP_QUERY, name)).length > 0;
  }
  async putSubscription(s: SubscriptionRow): Promise<boolean> {
    return (await this.ask(ADD_SUBSCRIPTION, s.id, s.actor, s.created, s.terms, s.next_seq, s.version, s.progress, s.query)).length > 0;
  }
  async removeSubscription(id: string): Promise<boolean> {
    return (await this.ask(DROP_SUBSCRIPTION, id)).length > 0;
  }
  async noteProgress(s: Pick<SubscriptionRow, 'id' | 'version' | 'next_seq' | 'progress'>): Promise<boolean> {
    return (await this.ask(NOTE_PROGRESS, s.next_seq, s.progress, s.id, s.version)).length > 0;
  }
  async close(): Promise<void> {
    await this.client.end();
  }
}

const findingKey = ({ code, seq }: { code: string; seq: number }) => `${code}/${seq}`;

/** Nodes as ids of items and of lots. */
function sorted(nodes: readonly number[]): { items: number[]; lots: number[] } {
  return { items: nodes.filter((node) => node > 0), lots: nodes.filter((node) => node < 0).map((node) => -node) };
}

/** One row a key: one statement changes a row once. */
function lastOf<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Row[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()];
}
function firstOf<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Row[] {
  const map = new Map<Key, Row>();
  for (const row of rows) if (!map.has(keyOf(row))) map.set(keyOf(row), row);
  return [...map.values()];
}

/** One event may state a lot several times: quantities of one unit add up, of several none is kept rather than a wrong one. */
function addedUp<Row extends { quantity: number | null; uom: string | null }>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  const sums = new Map<string, Row>();
  for (const row of rows) {
    const sum = sums.get(keyOf(row));
    if (sum === undefined) sums.set(keyOf(row), row);
    else {
      const quantity = sum.uom !== row.uom || sum.quantity === null || row.quantity === null ? null : sum.quantity + row.quantity;
      sums.set(keyOf(row), { ...sum, quantity });
    }
  }
  return [...sums.values()];
}

/** Each item once in a role of an event; those of one role of one event come one after the other. */
function withoutRepetition(items: readonly EventItem[]): readonly EventItem[] {
  const seen = new Map<number, Set<number>>();
  return items.filter(([item, seq, role]) => {
    const at = seq * ROLES + role;
    let things = seen.get(at);
    if (things === undefined) {
      things = new Set();
      seen.set(at, things);
    }
    return things.size !== things.add(item).size;
  });
}
/** More than there are roles. */
const ROLES = 16;
