import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { Db } from './db.ts';
import { tables } from './schema.ts';
import { ITEM_NAMES } from './sql.ts';

/** Where two stores differ: a row that only one has, or one whose columns differ. */
export type RowDifference = {
  readonly table: string;
  /** The row's key, as `column=value`. */
  readonly row: string;
  readonly kind: 'only in the first' | 'only in the second' | 'differs';
  /** Of a row that differs: column, and what each has. */
  readonly columns: readonly { readonly name: string; readonly first: string; readonly second: string }[];
};

export type TableComparison = {
  readonly table: string;
  readonly rows: number;
  /** All differing rows; `differences` holds the first few of them. */
  readonly differing: number;
  /** Rows that differ in nothing but a bound that no answer tells (LOOSE). */
  readonly loose: number;
  readonly differences: readonly RowDifference[];
};

/** Good for hours at most, and never taken along: a store made anew has people log in again. */
export const PASSING = ['session', 'signing_token'] as const satisfies readonly (keyof typeof tables)[];

export type TableName = Exclude<keyof typeof tables, (typeof PASSING)[number]> | 'item_name';

const DIFFERENCES_MAX = 20;
/** Rows read at a time, of each store. */
const PAGE = 2_000;

type Plan = {
  /** The columns by which rows are told apart, in the order in which they are walked. */
  readonly key: readonly string[];
  /** Columns that say nothing of their own. */
  readonly without?: readonly string[];
  /** Rows without a key are read in runs of one value of this column, and put in order by all that they say. */
  readonly runs?: string;
};

/** How each table is walked. How well bytes were compressed says nothing of them; the digests do. A row id that was given out on the way is no key. */
export const PLANS: Readonly<Record<TableName, Plan>> = {
  entry: { key: ['seq'], without: ['encoding', 'body'] },
  payload: { key: ['capture'], without: ['encoding', 'gaps'] },
  tile: { key: ['level', 'idx'] },
  checkpoint: { key: ['size'] },
  term: { key: ['id'] },
  class: { key: ['id'] },
  prefix: { key: ['scheme', 'company'] },
  lot: { key: ['id'] },
  item: { key: ['id'] },
  item_name: { key: ['class', 'serial'] },
  // What is replayed is judged by the rules of the program that replays it.
  event: { key: ['seq'], without: ['rules'] },
  event_item: { key: ['item', 'seq', 'role'] },
  event_lot: { key: ['lot', 'seq', 'role'] },
  event_field: { key: ['field', 'key', 'seq', 'part'] },
  containment: { key: ['child', 'from_seq', 'parent', 'kind', 'uom'] },
  containment_past: { key: ['child', 'from_seq', 'parent', 'kind', 'uom', 'known_seq', 'until_seq'], without: ['id'], runs: 'child' },
  lineage: { key: ['transformation', 'side', 'node', 'seq'] },
  finding: { key: ['id'] },
  finding_thing: { key: ['finding', 'node', 'other'] },
  masterdata: { key: ['type', 'id', 'seq'] },
  link: { key: ['thing'] },
  api_key: { key: ['id'] },
  person: { key: ['seq'] },
  person_secret: { key: ['person'] },
  signature: { key: ['id'] },
  read_log: { key: ['seq'] },
  read_subject: { key: ['kind', 'ref', 'seq'] },
  capture_job: { key: ['id'] },
  named_query: { key: ['name'] },
  subscription: { key: ['id'] },
  verification: { key: ['id'] },
  pool: { key: ['seq'] },
  number_grant: { key: ['seq'] },
  number: { key: ['class', 'serial'] },
  batch: { key: ['seq'] },
  vault: { key: ['ref'] },
  vault_salt: { key: ['commitment'] },
  vault_token: { key: ['token', 'ref'] },
  vault_link: { key: ['ref', 'id'] },
  vault_erasure: { key: ['id'] },
  coi_event: { key: ['seq'] },
  coi_act: { key: ['seq'] },
  coi_part: { key: ['kind', 'key', 'seq'] },
  coi_binding: { key: ['node', 'kind', 'ref'] },
  coi_alias: { key: ['alias'] },
  coi_chain: { key: ['chain'] },
  coi_hold: { key: ['id', 'chain'] },
  meta: { key: ['name'] },
};

/** Every table that both engines have, those that pass left out, and the look-up of items by name, which one of them keeps as a table. */
export const TABLES = Object.keys(PLANS) as TableName[];

/**
 * Bounds that may lie apart without any answer being another. `last_seq` says from where on an arrival may count as late; how tight it is depends on
 * how many events were folded in one go.
 */
const LOOSE: Readonly<Partial<Record<TableName, readonly string[]>>> = { item: ['last_seq'], lot: ['last_seq'] };

type Value = number | string | null | Uint8Array;
type Row = Readonly<Record<string, Value>>;

/** Walks one table of two stores side by side, in the order of its key. Memory holds a page of each; both should be asked within a snapshot. */
export async function compareTable(first: Db, second: Db, table: TableName): Promise<TableComparison> {
  const { key } = PLANS[table];
  const names = columnsOf(table);
  const a = rowsOf(first, table);
  const b = rowsOf(second, table);
  const bounds = LOOSE[table] ?? [];
  const differences: RowDifference[] = [];
  let rows = 0;
  let differing = 0;
  let loose = 0;
  const tell = (kind: RowDifference['kind'], row: Row, columns: RowDifference['columns']) => {
    differing++;
    if (differences.length === DIFFERENCES_MAX) return;
    differences.push({ table, row: key.map((name) => `${name}=${shown(row[name])}`).join(' '), kind, columns });
  };
  let x = await a.next();
  let y = await b.next();
  while (!x.done || !y.done) {
    rows++;
    const order = x.done ? 1 : y.done ? -1 : compareKeys(x.value, y.value, key);
    if (order < 0) tell('only in the first', x.value as Row, []);
    else if (order > 0) tell('only in the second', y.value as Row, []);
    else {
      const [mine, other] = [x.value as Row, y.value as Row];
      const columns = names.filter((name) => compareValues(mine[name], other[name]) !== 0);
      if (columns.some((name) => !bounds.includes(name)))
        tell(
          'differs',
          mine,
          columns.map((name) => ({ name, first: shown(mine[name]), second: shown(other[name]) })),
        );
      else if (columns.length > 0) loose++;
    }
    if (order <= 0) x = await a.next();
    if (order >= 0) y = await b.next();
  }
  return { table, rows, differing, loose, differences };
}

function columnsOf(table: TableName): string[] {
  const without = PLANS[table].without ?? [];
  const all = table === 'item_name' ? ['class', 'serial', 'id'] : Object.keys(getTableColumns(tables[table]));
  return all.filter((name) => !without.includes(name));
}

async function* rowsOf(db: Db, table: TableName): AsyncGenerator<Row, undefined> {
  const plan = PLANS[table];
  const select = sql`SELECT ${list(columnsOf(table))} FROM ${table === 'item_name' ? ITEM_NAMES : sql.identifier(table)}`;
  for await (const rows of plan.runs === undefined ? pages(db, select, plan) : runs(db, table, select, plan.runs)) yield* rows;
}

async function* pages(db: Db, select: SQL, { key }: Plan): AsyncGenerator<Row[]> {
  let after: Row | undefined;
  do {
    const where = after === undefined ? sql`` : sql`WHERE (${list(key)}) > (${values(key.map((name) => (after as Row)[name]))})`;
    const rows: Row[] = await db.all<Row>(sql`${select} ${where} ORDER BY ${list(key)} LIMIT ${PAGE}`);
    yield rows;
    after = rows.length < PAGE ? undefined : rows.at(-1);
  } while (after !== undefined);
}

async function* runs(db: Db, table: TableName, select: SQL, column: string): AsyncGenerator<Row[]> {
  const name = sql.identifier(column);
  const order = columnsOf(table);
  for (let from = Number.MIN_SAFE_INTEGER; ; ) {
    const [end] = await db.all<{ last: number }>(
      sql`SELECT ${name} AS last FROM ${sql.identifier(table)} WHERE ${name} > ${from} ORDER BY ${name} LIMIT 1 OFFSET ${PAGE - 1}`,
    );
    const to = end?.last ?? Number.MAX_SAFE_INTEGER;
    const rows = await db.all<Row>(sql`${select} WHERE ${name} > ${from} AND ${name} <= ${to}`);
    yield rows.sort((a, b) => compareKeys(a, b, PLANS[table].key) || compareKeys(a, b, order));
    if (end === undefined) return;
    from = end.last;
  }
}

const list = (names: readonly string[]): SQL =>
  sql.join(
    names.map((name) => sql.identifier(name)),
    sql`, `,
  );
const values = (of: readonly unknown[]): SQL =>
  sql.join(
    of.map((value) => sql`${value}`),
    sql`, `,
  );

/** The order in which both engines give rows: numbers, texts by bytes, byte strings; what is nothing comes first. */
function compareKeys(a: Row, b: Row, names: readonly string[]): number {
  for (const name of names) {
    const order = compareValues(a[name], b[name]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0;
  const kind = kindOf(a) - kindOf(b);
  if (kind !== 0) return kind;
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return Buffer.compare(a as Uint8Array, b as Uint8Array);
}

const kindOf = (value: Value | undefined): number =>
  value === null || value === undefined ? 0 : typeof value === 'number' ? 1 : typeof value === 'string' ? 2 : 3;

function shown(value: Value | undefined): string {
  if (value === null || value === undefined) return '(nothing)';
  const text = typeof value === 'object' ? Buffer.from(value).toString('hex') : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
