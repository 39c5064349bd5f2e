import type { SqliteConnection } from './open.ts';

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

const DIFFERENCES_MAX = 20;

/** Rows whose key is a number given out on the way are compared by what they say; the query names the columns of the key first. */
const BY_CONTENT: Record<string, { columns: string; key: number; order: string }> = {
  // How well bytes were compressed says nothing of them; the digests do.
  entry: {
    columns: 'seq, kind, record_time, actor, capture, event_hash, body_digest, payload_digest, leaf_hash FROM entry',
    key: 1,
    order: 'seq',
  },
  payload: { columns: 'capture, capture_id, digest, context, parts FROM payload', key: 1, order: 'capture' },
  containment_past: {
    columns:
      'child, from_seq, parent, kind, uom, known_seq, until_seq, quantity, from_time, to_time, to_seq, inferred FROM containment_past',
    key: 7,
    order: 'child, from_seq, parent, kind, uom, known_seq, until_seq, to_seq, inferred, quantity',
  },
  finding_thing: {
    columns: 'f.code, f.seq, t.node, t.other FROM finding_thing t CROSS JOIN finding f ON f.id = t.finding',
    key: 4,
    order: '1, 2, 3, 4',
  },
};

/**
 * Bounds that may lie apart without any answer being another. `last_seq` says from where on an arrival may count as late; how tight it is depends on
 * how many events were folded in one go.
 */
const LOOSE: Readonly<Record<string, readonly string[]>> = { item: ['last_seq'], lot: ['last_seq'] };

/** The tables of a store, its bookkeeping of migrations and SQLite's own left out. */
export function tablesOf(db: SqliteConnection): string[] {
  return db
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_drizzle%' ESCAPE '\\' ORDER BY name`,
    )
    .pluck()
    .all() as string[];
}

/** Walks one table of two stores side by side, in the order of its key. Both must have the same schema; memory holds a row of each. */
export function compareTable(first: SqliteConnection, second: SqliteConnection, table: string): TableComparison {
  const plan = planOf(first, table);
  const a = rowsOf(first, plan);
  const b = rowsOf(second, plan);
  const differences: RowDifference[] = [];
  let rows = 0;
  let differing = 0;
  let loose = 0;
  const bounds = LOOSE[table] ?? [];
  const tell = (kind: RowDifference['kind'], row: Row, columns: RowDifference['columns']) => {
    differing++;
    const key = plan.names.slice(0, plan.key).map((name, i) => `${name}=${shown(row[i])}`);
    if (differences.length < DIFFERENCES_MAX) differences.push({ table, row: key.join(' '), kind, columns });
  };
  let x = a.next();
  let y = b.next();
  while (!x.done || !y.done) {
    rows++;
    const order = x.done ? 1 : y.done ? -1 : compareKeys(x.value, y.value, plan.key);
    if (order < 0) tell('only in the first', x.value as Row, []);
    else if (order > 0) tell('only in the second', y.value as Row, []);
    else {
      const [mine, other] = [x.value as Row, y.value as Row];
      const columns = plan.names
        .map((name, i) => ({ name, first: mine[i], second: other[i] }))
        .filter((c) => !sameValue(c.first, c.second))
        .map((c) => ({ name: c.name, first: shown(c.first), second: shown(c.second) }));
      if (columns.some((column) => !bounds.includes(column.name))) tell('differs', mine, columns);
      else if (columns.length > 0) loose++;
    }
    if (order <= 0) x = a.next();
    if (order >= 0) y = b.next();
  }
  return { table, rows, differing, loose, differences };
}

type Value = number | string | null | Uint8Array;
type Row = readonly Value[];
type Plan = { sql: string; names: readonly string[]; key: number };

function planOf(db: SqliteConnection, table: string): Plan {
  const special = BY_CONTENT[table];
  if (special !== undefined) {
    const sql = `SELECT ${special.columns} ORDER BY ${special.order}`;
    return {
      sql,
      names: db
        .prepare(sql)
        .columns()
        .map((column) => column.name),
      key: special.key,
    };
  }
  const info = db.pragma(`table_info(${table})`) as { name: string; pk: number }[];
  const key = info.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk);
  if (key.length === 0) throw new Error(`the table ${table} has no key to compare by`);
  const names = [...key, ...info.filter((column) => column.pk === 0)].map((column) => column.name);
  const quoted = (list: readonly string[]) => list.map((name) => `"${name}"`).join(', ');
  return { sql: `SELECT ${quoted(names)} FROM ${table} ORDER BY ${quoted(key.map((column) => column.name))}`, names, key: key.length };
}

function rowsOf(db: SqliteConnection, plan: Plan): Iterator<Row, undefined> {
  return db.prepare(plan.sql).raw().iterate() as Iterator<Row, undefined>;
}

/** The order in which SQLite gave the rows: NULL, numbers, texts by bytes, blobs. */
function compareKeys(a: Row, b: Row, length: number): number {
  for (let i = 0; i < length; i++) {
    const order = compareValues(a[i] as Value, b[i] as Value);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: Value, b: Value): number {
  const kind = kindOf(a) - kindOf(b);
  if (kind !== 0) return kind;
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return a === null ? 0 : Buffer.compare(a, b as Uint8Array);
}

const kindOf = (value: Value): number => (value === null ? 0 : typeof value === 'number' ? 1 : typeof value === 'string' ? 2 : 3);
const sameValue = (a: Value | undefined, b: Value | undefined): boolean => a === b || compareValues(a as Value, b as Value) === 0;

function shown(value: Value | undefined): string {
  if (value === null || value === undefined) return '(nothing)';
  const text = typeof value === 'object' ? Buffer.from(value).toString('hex') : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
