import { type SQL, sql } from 'drizzle-orm';
import { parseHashId } from '../epcis/index.ts';
import type { ExactTime } from '../epcis/model.ts';
import type { Beginning, EventOrder, EventQuery, GrammarName, Parameter, Taken, ValueOf } from '../epcis/query/index.ts';
import type { Thing, ThingLot } from '../identifiers/thing.ts';
import { actionCode } from '../lifecycle/rows.ts';
import { ROLE, type Role } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachAmount, eachBytes, eachFact, eachNumber, eachRun, eachText, merged } from '../store/sql.ts';

/**
 * What each parameter of the grammar means in SQL, and how the events that meet all of them are found in order, page by page.
 *
 * A plan is one of three. When an index names few events for one of the conditions, those are looked up and sorted. Else, in order of
 * recordTime, a column with an index is read value by value, each in order of seq. Else events are read in the order asked for until the
 * page is full. The unary + keeps a column's index out of the way where another road was chosen.
 */
export type Filter =
  | ColumnFilter
  /** Rows of another table that lead to the events (`seq`, may repeat), and the same said of one event `e`. */
  | { readonly find: SQL; readonly test: SQL }
  | { readonly test: SQL }
  /** Sequence numbers from `from` on, or below `below`. */
  | { readonly from: number }
  | { readonly below: number }
  | typeof NOTHING;
/** A column of `event` that has an index. `values`: it equals one of these. */
type ColumnFilter = { readonly column: IndexedColumn; readonly holds: (column: SQL) => SQL; readonly values?: readonly number[] };
type IndexedColumn = 'time' | 'biz_step' | 'disposition' | 'read_point' | 'biz_location' | 'transformation';

/** No event of this store meets it. */
const NOTHING = 'nothing';

const { epc, parent, child, input, output } = ROLE;
const EVERY_ROLE: readonly Role[] = [epc, parent, child, input, output];
const EVERY_LIST: readonly Role[] = [epc, child, input, output];

/** epcis-2.0.md §9.2, row by row. */
export const conditions = {
  eventType: async (value, look) => isOneOf(await look.terms(value), (ids) => ({ test: sql`+e.type IN ${inList(ids)}` })),
  GE_eventTime: (value) => ({ column: 'time', holds: (time) => sql`(${time}, e.below) >= (${value.ms}, ${value.below})` }),
  LT_eventTime: (value) => ({ column: 'time', holds: (time) => sql`(${time}, e.below) < (${value.ms}, ${value.below})` }),
  GE_recordTime: async (value, look) => ({ from: await look.firstRecordedFrom(value) }),
  LT_recordTime: async (value, look) => ({ below: await look.firstRecordedFrom(value) }),
  EQ_action: (value) => ({ test: sql`+e.action IN ${inList(value.map((action) => actionCode(action) as number))}` }),
  EQ_bizStep: async (value, look) => equals('biz_step', await look.terms(value)),
  EQ_disposition: async (value, look) => equals('disposition', await look.terms(value)),
  EQ_readPoint: async (value, look) => equals('read_point', await look.terms(value)),
  EQ_bizLocation: async (value, look) => equals('biz_location', await look.terms(value)),
  EQ_transformationID: async (value, look) => equals('transformation', await look.terms(value)),
  MATCH_epc: (value, look) => things(value, [epc, child], look),
  MATCH_parentID: (value, look) => things(value, [parent], look),
  MATCH_inputEPC: (value, look) => things(value, [input], look),
  MATCH_outputEPC: (value, look) => things(value, [output], look),
  MATCH_anyEPC: (value, look) => things(value, EVERY_ROLE, look),
  MATCH_epcClass: (value, look) => lots(value, [epc, child], look),
  MATCH_inputEPCClass: (value, look) => lots(value, [input], look),
  MATCH_outputEPCClass: (value, look) => lots(value, [output], look),
  MATCH_anyEPCClass: (value, look) => lots(value, EVERY_LIST, look),
  EQ_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} IN ${eachAmount(value)}`),
  GT_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} > ${value}`),
  GE_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} >= ${value}`),
  LT_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} < ${value}`),
  LE_quantity: (value, _, uom) => quantity(uom, (amount) => sql`${amount} <= ${value}`),
  EQ_eventID: (value) => namedBy(value),
  EXISTS_errorDeclaration: () => ({ test: sql`e.declares = 1` }),
} satisfies { [N in GrammarName]: (value: ValueOf<N>, look: LookUp, tail: string | null) => Filter | Promise<Filter> };

// ── Pages ────────────────────────────────────────────────────────────────────────────────────

/** Where an event stands in either order. */
export type EventPosition = { readonly seq: number; readonly time: number; readonly below: string };

/** `limit` events behind `after`, among those up to the seq `through`. */
export type PageOfEvents = { readonly after: EventPosition | null; readonly through: number; readonly limit: number };

/** Q-11: what comes first when no order is asked for is what was recorded first. */
const BY_RECORD_TIME: EventOrder = { by: 'recordTime', direction: 'ASC' };
/** So many events are looked up one by one and sorted for a page; more are read in order until the page is full. */
const FEW = 10_000;
/** Values of one column that are read side by side. */
const ARMS_MAX = 16;

/** The seq of the last event, -1 when there is none: a sequence of pages reads no further (R-24). */
export async function lastEvent(db: Db): Promise<number> {
  const [row] = await db.all<{ seq: number | null }>(sql`SELECT max(seq) AS seq FROM event`);
  return row?.seq ?? -1;
}

/** A page of the events that meet the query, in the order it asks for, then that of seq. */
export async function findEvents(db: Db, query: EventQuery, page: PageOfEvents): Promise<EventPosition[]> {
  const select = await planEvents(db, query, page);
  return select === null ? [] : await db.all<EventPosition>(select);
}

/** How many events meet the query, counted up to `limit`. */
export async function countEvents(db: Db, query: EventQuery, page: { through: number; limit: number }): Promise<number> {
  const select = await planEvents(db, { ...query, order: null }, { ...page, after: null });
  if (select === null) return 0;
  const [row] = await db.all<{ n: number }>(sql`SELECT count(*) AS n FROM (${select}) c`);
  return row?.n ?? 0;
}

/** The statement that finds a page; null when nothing in the store can meet the query. */
export async function planEvents(
  db: Db,
  query: EventQuery,
  { after, through, limit, few = FEW }: PageOfEvents & { /** More than this many are not sorted for a page. */ few?: number },
): Promise<SQL | null> {
  const order = query.order ?? BY_RECORD_TIME;
  const byTime = order.by === 'eventTime';
  const descending = order.direction === 'DESC';
  const filters = await filtersOf(db, query.parameters);
  if (filters === NOTHING) return null;

  let from = Math.max(0, ...filters.map((filter) => ('from' in filter ? filter.from : 0)));
  let below = Math.min(through + 1, ...filters.map((filter) => ('below' in filter ? filter.below : through + 1)));
  if (after !== null && !byTime && descending) below = Math.min(below, after.seq);
  if (after !== null && !byTime && !descending) from = Math.max(from, after.seq + 1);
  if (from >= below) return null;

  const roads = roadsOf(filters);
  if (byTime && below - from <= few)
    roads.push({ find: sql`SELECT e.seq FROM event e WHERE e.seq >= ${from} AND e.seq < ${below}`, of: [] });
  const road = await shortest(db, roads, few);
  if (road === NOTHING) return null;

  const columns = sql`SELECT e.seq, e.time, e.below`;
  const direction = descending ? sql`DESC` : sql`ASC`;
  const sorted = byTime
    ? sql`ORDER BY e.time ${direction}, e.below ${direction}, e.seq ${direction} LIMIT ${limit}`
    : sql`ORDER BY e.seq ${direction} LIMIT ${limit}`;
  const within = sql`e.seq >= ${from} AND e.seq < ${below}`;
  const behind =
    after === null || !byTime
      ? []
      : [sql`(e.time, e.below, e.seq) ${descending ? sql`<` : sql`>`} (${after.time}, ${after.below}, ${after.seq})`];
  const where = (tests: readonly SQL[]) => sql.join([...tests], sql` AND `);

  if (road !== null) {
    const tests = [within, ...behind, ...testsOf(filters.filter((filter) => !road.of.includes(filter)))];
    return sql`${columns} FROM (SELECT DISTINCT f.seq FROM (${road.find}) f) d CROSS JOIN event e ON e.seq = d.seq WHERE ${where(tests)} ${sorted}`;
  }
  if (byTime) {
    const rest = filters.filter((filter) => !isTime(filter));
    const inOrder = filters.filter(isTime).map((filter) => filter.holds(sql`e.time`));
    return sql`${columns} FROM event e WHERE ${where([sql`+e.seq >= ${from} AND +e.seq < ${below}`, ...behind, ...inOrder, ...testsOf(rest)])} ${sorted}`;
  }
  // Places come last in the grammar, and are told of fewer events than business steps.
  const column = filters.findLast((filter) => 'values' in filter && filter.values.length <= ARMS_MAX);
  if (column !== undefined && 'values' in column) {
    const rest = testsOf(filters.filter((filter) => filter !== column));
    const arms = column.values.map(
      (value) => sql`${columns} FROM event e WHERE ${where([sql`${columnOf(column.column)} = ${value}`, within, ...rest])}`,
    );
    return merged(arms, sql`seq ${direction}`, limit);
  }
  const first = after === null && !descending ? await firstInTime(db, roads, filters) : null;
  const start = sql`e.seq >= ${Math.max(from, first ?? 0)} AND e.seq < ${below}`;
  return sql`${columns} FROM event e WHERE ${where([start, ...testsOf(filters)])} ${sorted}`;
}

async function filtersOf(db: Db, parameters: readonly Parameter[]): Promise<Exclude<Filter, 'nothing'>[] | typeof NOTHING> {
  const look = new LookUp(db);
  const filters: Exclude<Filter, 'nothing'>[] = [];
  for (const { name, value, tail } of parameters) {
    const condition = conditions[name] as (value: unknown, look: LookUp, tail: string | null) => Filter | Promise<Filter>;
    const filter = await condition(value, look, tail);
    if (filter === NOTHING) return NOTHING;
    filters.push(filter);
  }
  return filters;
}

/** An index that leads to every event that meets the filters it is `of`. */
type Road = { readonly find: SQL; readonly of: readonly Filter[] };

function roadsOf(filters: readonly Exclude<Filter, 'nothing'>[]): Road[] {
  const roads: Road[] = [];
  const columns = new Map<IndexedColumn, ColumnFilter[]>();
  for (const filter of filters) {
    if ('find' in filter) roads.push({ find: filter.find, of: [filter] });
    else if ('column' in filter) columns.set(filter.column, [...(columns.get(filter.column) ?? []), filter]);
  }
  for (const [column, of] of columns) {
    const holds = of.map((filter) => filter.holds(columnOf(column)));
    roads.push({ find: sql`SELECT e.seq FROM event e WHERE ${sql.join(holds, sql` AND `)}`, of });
  }
  return roads;
}

/** The road to the fewest events, null when all of them lead to more than a few. Reads no more than that many rows of an index for each. */
async function shortest(db: Db, roads: readonly Road[], few: number): Promise<Road | null | typeof NOTHING> {
  let best: Road | null = null;
  let fewest = few + 1;
  for (const road of roads) {
    const [row] = await db.all<{ n: number }>(sql`SELECT count(*) AS n FROM (SELECT 1 FROM (${road.find}) f LIMIT ${fewest}) c`);
    const n = row?.n ?? 0;
    if (n === 0) return NOTHING;
    if (n < fewest) {
      best = road;
      fewest = n;
    }
  }
  return best;
}

/** The first event by seq of a span of eventTime, so that a first page in order of recordTime does not read everything before it. */
async function firstInTime(db: Db, roads: readonly Road[], filters: readonly Filter[]): Promise<number | null> {
  const road = filters.some(isTime) ? roads.find(({ of }) => of.some(isTime)) : undefined;
  if (road === undefined) return null;
  const [row] = await db.all<{ seq: number | null }>(sql`SELECT min(seq) AS seq FROM (${road.find}) f`);
  return row?.seq ?? null;
}

function isTime(filter: Filter): filter is ColumnFilter {
  return filter !== NOTHING && 'column' in filter && filter.column === 'time';
}

function testsOf(filters: readonly Filter[]): SQL[] {
  const tests: SQL[] = [];
  for (const filter of filters) {
    if (filter === NOTHING) continue;
    if ('column' in filter) tests.push(filter.holds(sql`+${columnOf(filter.column)}`));
    else if ('test' in filter) tests.push(filter.test);
  }
  return tests;
}

const columnOf = (column: IndexedColumn): SQL => sql.raw(`e.${column}`);

// ── Conditions ───────────────────────────────────────────────────────────────────────────────

function inList(values: readonly number[]): SQL {
  if (values.length > ARMS_MAX) return eachNumber(values);
  return sql`(${sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )})`;
}

function isOneOf(ids: readonly number[], filter: (ids: readonly number[]) => Filter): Filter {
  return ids.length === 0 ? NOTHING : filter(ids);
}

function equals(column: IndexedColumn, ids: readonly number[]): Filter {
  return isOneOf(ids, (values) => ({ column, values, holds: (name) => sql`${name} IN ${inList(values)}` }));
}

/** Events by their ids; one without an id of its own goes by its hash (C-3). */
function namedBy(ids: readonly string[]): Filter {
  const hashes = ids.filter((id) => HASH_ID.test(id)).map((id) => Buffer.from(parseHashId(id)).toString('hex'));
  return {
    find: sql`SELECT e.seq FROM event e WHERE e.event_id IN ${eachText(ids)}
      UNION ALL SELECT e.seq FROM event e WHERE e.hash IN ${eachBytes(hashes)} AND e.event_id IS NULL`,
    test: sql`(e.event_id IN ${eachText(ids)} OR (e.event_id IS NULL AND e.hash IN ${eachBytes(hashes)}))`,
  };
}

export const HASH_ID = /^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0$/;

/** Q-15: one of the things, or one that a pattern fits, took part in one of the roles. */
async function things(value: Taken['epcs'], roles: readonly Role[], look: LookUp): Promise<Filter> {
  const finds: SQL[] = [];
  const tests: SQL[] = [];
  const items = await look.items(value.things);
  const inRole = sql`ei.role IN ${inList(roles)}`;
  if (items.length > 0) {
    finds.push(sql`SELECT ei.seq FROM ${eachNumber(items)} j CROSS JOIN event_item ei ON ei.item = j.value AND ${inRole}`);
    tests.push(sql`EXISTS (SELECT 1 FROM event_item ei WHERE ei.item IN ${inList(items)} AND ei.seq = e.seq AND ${inRole})`);
  }
  for (const pattern of value.patterns) {
    const classes = await look.classes(pattern.classes);
    const serials = classes.length === 0 ? null : await look.ranges(pattern.serials);
    if (serials === null) continue;
    const ofClass = inList(classes);
    // A range at a time, so that each is read from the index of class and serial.
    for (const range of serials.ranges(sql`i.serial`)) {
      finds.push(
        sql`SELECT ei.seq FROM item_name i CROSS JOIN event_item ei ON ei.item = i.id AND ${inRole} WHERE i.class IN ${ofClass} AND ${range} AND ${serials.rest(sql`i.serial`)}`,
      );
    }
    const fits = sql`+i.class IN ${ofClass} AND ${serials.test(sql`i.serial`)}`;
    for (const role of roles) {
      tests.push(
        sql`EXISTS (SELECT 1 FROM ${eachRun(sql`e.facts`, role)} r CROSS JOIN item i ON i.id >= r.first AND i.id < r.first + r.count WHERE ${fits})`,
      );
    }
  }
  return anyOf(finds, tests);
}

/** Q-16, Q-18: one of the lots or classes, or one that a pattern fits, stands in one of the quantity lists. */
async function lots(value: Taken['classes'], roles: readonly Role[], look: LookUp): Promise<Filter> {
  const ids = await look.lots(value.lots);
  for (const pattern of value.patterns) {
    const classes = await look.classes(pattern.classes);
    const ranges = classes.length === 0 ? null : await look.ranges(pattern.lots);
    if (ranges !== null) ids.push(...(await look.lotsIn(classes, ranges)));
  }
  if (ids.length === 0) return NOTHING;
  const nodes = inList(ids.map((id) => -id));
  return {
    find: sql`SELECT el.seq FROM ${eachNumber(ids)} j CROSS JOIN event_lot el ON el.lot = j.value AND el.role IN ${inList(roles)}`,
    test: sql`EXISTS (SELECT 1 FROM ${eachFact(sql`e.facts`, 'q')} q WHERE CAST(q.value ->> 0 AS INTEGER) IN ${inList(roles)} AND CAST(q.value ->> 1 AS BIGINT) IN ${nodes})`,
  };
}

/** A quantity with this unit, or with none, in any of the lists. The facts are asked, because event_lot adds up what an event says of one lot. */
function quantity(uom: string | null, compares: (amount: SQL) => SQL): Filter {
  const unit = uom === null ? sql`q.value ->> 3 IS NULL` : sql`q.value ->> 3 = ${uom}`;
  return {
    test: sql`EXISTS (SELECT 1 FROM ${eachFact(sql`e.facts`, 'q')} q WHERE ${unit} AND ${compares(sql`CAST(q.value ->> 2 AS DOUBLE PRECISION)`)})`,
  };
}

function anyOf(finds: readonly SQL[], tests: readonly SQL[]): Filter {
  if (finds.length === 0) return NOTHING;
  return { find: sql.join([...finds], sql` UNION ALL `), test: sql`(${sql.join([...tests], sql` OR `)})` };
}

// ── Names ────────────────────────────────────────────────────────────────────────────────────

/** What the names of a query are called in the tables. Unknown ones are left out: nothing can match them. */
class LookUp {
  private readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  async terms(texts: readonly string[]): Promise<number[]> {
    return await this.ids(sql`SELECT id FROM term WHERE text IN ${eachText(texts)} ORDER BY id`);
  }

  async items(things: readonly Thing[]): Promise<number[]> {
    const ids: number[] = [];
    for (const [key, serials] of grouped(things.map((thing) => [thing.class, thing.serial]))) {
      ids.push(
        ...(await this.ids(
          sql`SELECT i.id FROM class c CROSS JOIN ${eachText(serials)} j ON true CROSS JOIN item_name i ON i.class = c.id AND i.serial = j.value WHERE c.key = ${key}`,
        )),
      );
    }
    return ids;
  }

  async lots(lots: readonly ThingLot[]): Promise<number[]> {
    const ids: number[] = [];
    for (const [key, texts] of grouped(lots.map((lot) => [lot.class, lot.lot]))) {
      ids.push(
        ...(await this.ids(
          sql`SELECT l.id FROM class c CROSS JOIN ${eachText(texts)} j ON true CROSS JOIN lot l ON l.class = c.id AND l.lot = j.value WHERE c.key = ${key}`,
        )),
      );
    }
    return ids;
  }

  async lotsIn(classes: readonly number[], lots: Ranges): Promise<number[]> {
    return await this.ids(sql`SELECT l.id FROM lot l WHERE l.class IN ${inList(classes)} AND ${lots.test(sql`l.lot`)}`);
  }

  async classes(beginning: Beginning): Promise<number[]> {
    const ranges = await this.ranges(beginning);
    return ranges === null ? [] : await this.ids(sql`SELECT c.id FROM class c WHERE ${ranges.test(sql`c.key`)}`);
  }

  /** The texts that a pattern fits, null when the company prefix is known to have another length (Q-19). */
  async ranges(beginning: Beginning): Promise<Ranges | null> {
    const { heads, length, company } = beginning;
    if (company === null) return new Ranges(heads, length, []);
    const { prefix, schemes } = company;
    const shorter = [6, 7, 8, 9, 10, 11].filter((n) => n < prefix.length).map((n) => prefix.slice(0, n));
    const longer = startsWith(sql`company`, prefix);
    const rows = await this.db.all<{ company: string }>(
      sql`SELECT DISTINCT company FROM prefix WHERE scheme IN ${eachText(schemes)} AND (${longer} OR company IN ${eachText(shorter)})`,
    );
    const known = rows.map((row) => row.company);
    if (known.some((other) => other.length < prefix.length) && !known.includes(prefix)) return null;
    const others = known.includes(prefix) ? [] : known;
    return new Ranges(
      heads.map((head) => head + prefix),
      length,
      heads.flatMap((head) => others.map((other) => head + other)),
    );
  }

  /** The first entry recorded at that time or later: recordTime never decreases with seq, so it is found by halving. */
  async firstRecordedFrom(time: ExactTime): Promise<number> {
    const microseconds = time.ms * 1000 + Number(time.below.slice(0, 3).padEnd(3, '0')) + (time.below.length > 3 ? 1 : 0);
    const [last] = await this.db.all<{ n: number }>(sql`SELECT coalesce(max(seq), -1) + 1 AS n FROM entry`);
    let low = 0;
    let high = last?.n ?? 0;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await this.db.all<{ at: number }>(sql`SELECT record_time AS at FROM entry WHERE seq = ${middle}`);
      if ((row as { at: number }).at < microseconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private async ids(query: SQL): Promise<number[]> {
    return (await this.db.all<{ id: number }>(query)).map((row) => row.id);
  }
}

/** Texts that begin with one of `starts` and with none of `others`, of a length. */
class Ranges {
  private readonly starts: readonly string[];
  private readonly length: Beginning['length'];
  private readonly others: readonly string[];

  constructor(starts: readonly string[], length: Beginning['length'], others: readonly string[]) {
    this.starts = starts;
    this.length = length;
    this.others = others;
  }

  /** One range of the column for each start. */
  ranges(column: SQL): SQL[] {
    return this.starts.map((start) => startsWith(column, start));
  }

  /** What has to hold besides lying in one of the ranges. */
  rest(column: SQL): SQL {
    const tests = this.others.map((other) => sql`NOT (${startsWith(column, other)})`);
    if (this.length === 'some') tests.push(sql`length(${column}) > 0`);
    else if (this.length !== 'any') tests.push(sql`length(${column}) = ${this.length}`);
    return tests.length === 0 ? sql`1 = 1` : sql.join(tests, sql` AND `);
  }

  test(column: SQL): SQL {
    return sql`(${sql.join(this.ranges(column), sql` OR `)}) AND ${this.rest(column)}`;
  }
}

/** A range that an index can read: columns compare by code point. */
function startsWith(column: SQL, start: string): SQL {
  if (start === '') return sql`1 = 1`;
  const last = start.length - 1;
  const beyond = start.slice(0, last) + String.fromCharCode(start.charCodeAt(last) + 1);
  return sql`(${column} >= ${start} AND ${column} < ${beyond})`;
}

function grouped(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, value] of pairs) {
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}
