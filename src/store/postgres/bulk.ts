import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { arrayOf, type ColumnType, copyOf, type Value } from './binary.ts';

/** A text that the server parses once for a session, under a name of its own. */
export type Statement = { readonly name: string; readonly text: string };

let statements = 0;
export const statement = (text: string): Statement => ({ name: `lotline_${++statements}`, text });

type Column<Row> = { readonly name: string; readonly type: ColumnType; readonly of: (row: Row) => Value };

/** Where rows of a kind go. */
export type Table<Row> = {
  readonly name: string;
  readonly columns: readonly Column<Row>[];
  /** What happens to a row that is there already, after ON CONFLICT. Without it no such row comes. */
  readonly again?: string;
};

/** Columns by name, in the order in which they are told; a type alone takes the row's member of that name. */
export function table<Row>(
  name: string,
  columns: Readonly<Record<string, ColumnType | readonly [ColumnType, (row: Row) => Value]>>,
  again?: string,
): Table<Row> {
  return {
    name,
    columns: Object.entries(columns).map(
      ([column, as]): Column<Row> =>
        typeof as === 'string'
          ? { name: column, type: as, of: (row) => (row as Record<string, Value>)[column] as Value }
          : { name: column, type: as[0], of: as[1] },
    ),
    ...(again !== undefined && { again }),
  };
}

/** Rows that go into a table. */
export type Batch = { readonly table: Table<unknown>; readonly rows: readonly unknown[] };
export const batch = <Row>(table: Table<Row>, rows: readonly Row[]): Batch => ({ table: table as Table<unknown>, rows });

/** From so many rows on a COPY costs less than arrays: less in the server from fifty on, for two to three times the work in this program. */
const COPY_ROWS = 200;

/** Inserts rows of several tables: what is much by COPY, all the rest in one statement. */
export async function insertBatches(client: pg.ClientBase, batches: readonly Batch[]): Promise<void> {
  const few: Batch[] = [];
  for (const one of batches) {
    if (one.rows.length === 0) continue;
    if (one.rows.length >= COPY_ROWS && one.table.again === undefined) await copy(client, one);
    else few.push(one);
  }
  if (few.length === 0) return;
  const values = few.flatMap(({ table, rows }) => columnsOf(table, rows));
  await client.query({ ...insertInto(few.map((one) => one.table)), values });
}

/** Each column as one parameter. */
export function columnsOf<Row>(table: Table<Row>, rows: readonly Row[]): Buffer[] {
  return table.columns.map(({ type, of }) => arrayOf(type, rows.map(of)));
}

/** `unnest` of a table's columns, the first of them as the parameter of this number. */
export function unnestOf<Row>(table: Table<Row>, first = 1): string {
  return `unnest(${table.columns.map(({ type }, i) => `$${first + i}::${type}[]`).join(', ')})`;
}

export const namesOf = <Row>(table: Table<Row>): string => table.columns.map(({ name }) => name).join(', ');

/** The statements that insert into some tables at once. */
const inserts = new Map<string, Statement>();

function insertInto(tables: readonly Table<unknown>[]): Statement {
  const key = tables.map(({ name }) => name).join(' ');
  let made = inserts.get(key);
  if (made === undefined) {
    let next = 1;
    const parts = tables.map((one) => {
      const from = unnestOf(one, next);
      next += one.columns.length;
      return `INSERT INTO ${one.name} (${namesOf(one)}) SELECT * FROM ${from}${one.again === undefined ? '' : ` ON CONFLICT ${one.again}`}`;
    });
    made = statement(parts.length === 1 ? (parts[0] as string) : `WITH ${parts.map((part, i) => `p${i} AS (${part})`).join(', ')} SELECT`);
    inserts.set(key, made);
  }
  return made;
}

async function copy(client: pg.ClientBase, { table, rows }: Batch): Promise<void> {
  const { columns } = table;
  const stream = client.query(copyFrom(`COPY ${table.name} (${namesOf(table)}) FROM STDIN (FORMAT binary)`));
  const types = columns.map(({ type }) => type);
  await pipeline(Readable.from(copyOf(types, valuesOf(table, rows)), { objectMode: false, highWaterMark: 1 }), stream);
}

function* valuesOf({ columns }: Table<unknown>, rows: readonly unknown[]): Generator<readonly Value[]> {
  for (const row of rows) yield columns.map(({ of }) => of(row));
}
