import { type SQL, sql } from 'drizzle-orm';
import type { EventOrder, EventQuery, Parameter } from '../epcis/query/index.ts';
import type { Db } from '../store/db.ts';
import { exists, merged } from '../store/sql.ts';
import {
  type ColumnFilter,
  conditions,
  type Filter,
  type IndexedColumn,
  type KeyedField,
  NOTHING,
  oneReport,
  type Reading,
} from './event-conditions.ts';
import { ARMS_MAX, LookUp } from './look-up.ts';

export { HASH_ID } from './event-conditions.ts';

/**
 * How the events that meet a query are found in order, page by page; what each parameter means is said in event-conditions.ts.
 *
 * A plan is one of three. When an index names few events for one of the conditions, those are looked up and sorted. Else, in order of
 * recordTime, a column with an index, or the keys of a field, are read value by value, each in order of seq. Else events are read in the order asked for until the
 * page is full. The unary + keeps a column's index out of the way where another road was chosen.
 */

/** Where an event stands in any order. In that of an extension field, `key` is its value (field-key.ts), null where the event has none. */
export type EventPosition = { readonly seq: number; readonly time: number; readonly below: string; readonly key?: string | null };

/** `limit` events behind `after`, among those up to the seq `through`. More than `few` of them are not sorted for a page. */
export type PageOfEvents = {
  readonly after: EventPosition | null;
  readonly through: number;
  readonly limit: number;
  readonly few?: number;
};

/** Q-11: what comes first when no order is asked for is what was recorded first. */
const BY_RECORD_TIME: EventOrder = { by: 'recordTime', direction: 'ASC' };
/** So many events are looked up one by one and sorted for a page; more are read in order until the page is full. */
const FEW = 10_000;

/** The seq of the last event, -1 when there is none: a sequence of pages reads no further (R-24). */
export async function lastEvent(db: Db): Promise<number> {
  const [row] = await db.all<{ seq: number | null }>(sql`SELECT max(seq) AS seq FROM event`);
  return row?.seq ?? -1;
}

/** A page of the events that meet the query, in the order it asks for, then that of seq. */
export async function findEvents(db: Db, query: EventQuery, page: PageOfEvents): Promise<EventPosition[]> {
  const { order } = query;
  if (order?.by === 'extension') return await findByExtension(db, query, order, page);
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

/** The statement that finds a page, in order of time or of recording; null when nothing in the store can meet the query. */
export async function planEvents(db: Db, query: EventQuery, page: PageOfEvents, also: readonly MetFilter[] = []): Promise<SQL | null> {
  const { after, through, limit, few = FEW } = page;
  const order = query.order ?? BY_RECORD_TIME;
  const byTime = order.by === 'eventTime';
  const descending = order.direction === 'DESC';
  const span = {
    from: after !== null && !byTime && !descending ? after.seq + 1 : 0,
    below: after !== null && !byTime && descending ? Math.min(after.seq, through + 1) : through + 1,
  };
  const search = await narrowed(db, query.parameters, span, { few, sorts: byTime, also });
  if (search === null) return null;
  const { filters, from, below, roads, road } = search;

  const columns = sql`SELECT e.seq, e.time, e.below`;
  const direction = descending ? sql`DESC` : sql`ASC`;
  const sorted = byTime
    ? sql`ORDER BY e.time ${direction}, e.below ${direction}, e.seq ${direction} LIMIT ${limit}`
    : sql`ORDER BY e.seq ${direction} LIMIT ${limit}`;
  const within = withinSpan(search);
  const behind =
    after === null || !byTime
      ? []
      : [sql`(e.time, e.below, e.seq) ${descending ? sql`<` : sql`>`} (${after.time}, ${after.below}, ${after.seq})`];
  if (road !== null) {
    const tests = [within, ...behind, ...testsOf(filters.filter((filter) => !road.of.includes(filter)))];
    return sql`${columns} FROM ${eventsAt(road)} WHERE ${where(tests)} ${sorted}`;
  }
  if (byTime) {
    const rest = filters.filter((filter) => !isTime(filter));
    const inOrder = filters.filter(isTime).map((filter) => filter.holds(sql`e.time`));
    return sql`${columns} FROM event e WHERE ${where([sql`+e.seq >= ${from} AND +e.seq < ${below}`, ...behind, ...inOrder, ...testsOf(rest)])} ${sorted}`;
  }
  const keyed = filters.findLast((filter) => 'keyed' in filter && filter.keyed.keys.length <= ARMS_MAX);
  if (keyed !== undefined && 'keyed' in keyed) {
    const rest = testsOf(filters.filter((filter) => filter !== keyed));
    return merged(armsOf(keyed.keyed, search, rest), sql`seq ${direction}`, limit);
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
  const first = after === null && !descending ? await firstInTime(db, roads, filters, search) : null;
  const start = sql`e.seq >= ${Math.max(from, first ?? 0)} AND e.seq < ${below}`;
  return sql`${columns} FROM event e WHERE ${where([start, ...testsOf(filters)])} ${sorted}`;
}

/** The events of each key of a field, in the order of seq; one that has several of the keys among those of the first. */
function armsOf({ field, keys }: KeyedField, { from, below }: Span, rest: readonly SQL[]): SQL[] {
  return keys.map((key, i) => {
    const before = keys.slice(0, i).map((other) => sql`${other}`);
    const had = exists(
      sql`SELECT 1 FROM event_field o WHERE o.seq = v.seq AND o.field = v.field AND o.key IN (${sql.join(before, sql`, `)})`,
    );
    const tests = [
      sql`v.field = ${field} AND v.key = ${key} AND v.seq >= ${from} AND v.seq < ${below}`,
      ...rest,
      ...(i === 0 ? [] : [sql`NOT ${had}`]),
    ];
    return sql`SELECT v.seq AS seq, e.time, e.below FROM event_field v CROSS JOIN event e ON e.seq = v.seq WHERE ${where(tests)}`;
  });
}

/** Q-10: those that have the field, the least of its values deciding where there are several; then those without it, as they were recorded. */
async function findByExtension(
  db: Db,
  query: EventQuery,
  order: Extract<EventOrder, { by: 'extension' }>,
  page: PageOfEvents,
): Promise<EventPosition[]> {
  const { direction } = order;
  const field = await new LookUp(db).field(order.field);
  const begun = page.after?.key === null ? page.after : null;
  const found: EventPosition[] = [];
  if (field !== null && begun === null) {
    const select = await planByField(db, query.parameters, { field, direction }, page);
    if (select !== null) found.push(...(await db.all<EventPosition>(select)));
  }
  if (found.length === page.limit) return found;
  const without =
    field === null ? [] : [{ test: sql`NOT ${exists(sql`SELECT 1 FROM event_field k WHERE k.seq = e.seq AND ${valueIn(field)}`)}` }];
  const rest = { ...page, after: begun, limit: page.limit - found.length };
  const select = await planEvents(db, { ...query, order: { by: 'recordTime', direction } }, rest, without);
  if (select !== null) for (const event of await db.all<EventPosition>(select)) found.push({ ...event, key: null });
  return found;
}

/** A row `k` that holds a value of the field, and not only that there is one. */
const valueIn = (field: number): SQL => sql`k.field = ${field} AND k.key > ''`;

/** The statement that finds those that have the field: few events sorted, else along the index of its values. */
async function planByField(
  db: Db,
  parameters: readonly Parameter[],
  { field, direction }: { field: number; direction: 'ASC' | 'DESC' },
  { after, through, limit, few = FEW }: PageOfEvents,
): Promise<SQL | null> {
  const search = await narrowed(db, parameters, { from: 0, below: through + 1 }, { few, sorts: true, also: [] });
  if (search === null) return null;
  const { filters, road } = search;
  const to = direction === 'DESC' ? sql`DESC` : sql`ASC`;
  const least = sql`k.key = (SELECT min(l.key) FROM event_field l WHERE l.seq = k.seq AND l.field = k.field AND l.key > '')`;
  const behind =
    typeof after?.key === 'string' ? [sql`(k.key, k.seq) ${direction === 'DESC' ? sql`<` : sql`>`} (${after.key}, ${after.seq})`] : [];
  const from =
    road === null
      ? sql`event_field k CROSS JOIN event e ON e.seq = k.seq`
      : sql`${eventsAt(road)} CROSS JOIN event_field k ON k.seq = e.seq AND k.field = ${field}`;
  const tests = [valueIn(field), ...behind, withinSpan(search), ...testsOf(filters.filter((filter) => !road?.of.includes(filter))), least];
  return sql`SELECT e.seq, e.time, e.below, k.key FROM ${from} WHERE ${where(tests)} ORDER BY k.key ${to}, k.seq ${to} LIMIT ${limit}`;
}

type MetFilter = Exclude<Filter, typeof NOTHING>;
type Span = { readonly from: number; readonly below: number };
/** What has to hold, the entries among which it may, and the best way there: null is to read them in order. */
type Search = Span & { readonly filters: readonly MetFilter[]; readonly roads: readonly Road[]; readonly road: Road | null };

const withinSpan = ({ from, below }: Span): SQL => sql`e.seq >= ${from} AND e.seq < ${below}`;
const where = (tests: readonly SQL[]): SQL => sql.join([...tests], sql` AND `);
const eventsAt = (road: Road): SQL => sql`(SELECT DISTINCT f.seq FROM (${road.find}) f) d CROSS JOIN event e ON e.seq = d.seq`;

/** Null when nothing can meet the parameters. `sorts`: the order is not that of entries, so that few entries are worth to be sorted. */
async function narrowed(
  db: Db,
  parameters: readonly Parameter[],
  span: Span,
  { few, sorts, also }: { few: number; sorts: boolean; also: readonly MetFilter[] },
): Promise<Search | null> {
  const met = await filtersOf(db, parameters);
  if (met === NOTHING) return null;
  const filters = [...met, ...also];
  const from = Math.max(span.from, ...filters.map((filter) => ('from' in filter ? filter.from : 0)));
  const below = Math.min(span.below, ...filters.map((filter) => ('below' in filter ? filter.below : span.below)));
  if (from >= below) return null;
  const roads = roadsOf(filters);
  if (sorts && below - from <= few)
    roads.push({ find: sql`SELECT e.seq FROM event e WHERE e.seq >= ${from} AND e.seq < ${below}`, of: [] });
  const road = await shortest(db, roads, few);
  return road === NOTHING ? null : { filters, from, below, roads, road };
}

async function filtersOf(db: Db, parameters: readonly Parameter[]): Promise<MetFilter[] | typeof NOTHING> {
  const look = new LookUp(db);
  const filters: MetFilter[] = [];
  const readings: Reading[] = [];
  for (const { name, value, tail } of parameters) {
    const condition = conditions[name] as (value: unknown, look: LookUp, tail: string | null) => Filter | Promise<Filter>;
    const filter = await condition(value, look, tail);
    if (filter === NOTHING) return NOTHING;
    if ('reading' in filter) readings.push(filter.reading);
    else filters.push(filter);
  }
  if (readings.length > 0) filters.push(oneReport(readings));
  return filters;
}

/** An index that leads to every event that meets the filters it is `of`. */
type Road = { readonly find: SQL; readonly of: readonly Filter[] };

function roadsOf(filters: readonly MetFilter[]): Road[] {
  const roads: Road[] = [];
  const columns = new Map<IndexedColumn, ColumnFilter[]>();
  for (const filter of filters) {
    if ('find' in filter) roads.push({ find: filter.find, of: [filter] });
    else if ('leads' in filter) for (const find of filter.leads) roads.push({ find, of: [] });
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

/**
 * The first event by seq of a span of eventTime, so that a first page in order of recordTime does not read everything before it. It is mostly near: only
 * where it is not, all of the span is asked.
 */
async function firstInTime(db: Db, roads: readonly Road[], filters: readonly Filter[], { from, below }: Span): Promise<number | null> {
  const times = filters.filter(isTime);
  const road = times.length > 0 ? roads.find(({ of }) => of.some(isTime)) : undefined;
  if (road === undefined) return null;
  const near = [sql`e.seq >= ${from} AND e.seq < ${Math.min(below, from + FEW)}`, ...testsOf(times)];
  const [found] = await db.all<{ seq: number }>(sql`SELECT e.seq FROM event e WHERE ${where(near)} ORDER BY e.seq LIMIT 1`);
  if (found !== undefined) return found.seq;
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
