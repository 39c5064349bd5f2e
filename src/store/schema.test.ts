import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { tables } from './schema.ts';
import { dumpSchema } from './sqlite/dump.ts';
import { openForWriting, type SqliteConnection } from './sqlite/open.ts';

const db = openForWriting(':memory:', { cacheMegabytes: 1 });
afterAll(() => db.close());

/** The tables of a store, its bookkeeping of migrations and SQLite's own left out. */
const tablesOf = (store: SqliteConnection) =>
  store
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_drizzle%' ESCAPE '\\' ORDER BY name`,
    )
    .pluck()
    .all();

describe('the schema', () => {
  it('reads in schema.sql as the migrations leave it (npm run schema writes it anew)', () => {
    expect(readFileSync(join(import.meta.dirname, 'sqlite/schema.sql'), 'utf8')).toBe(dumpSchema(db));
  });

  it('has every table declared for ordinary queries, and no other but the one that the view item_name reads', () => {
    const declared = [...Object.values(tables).map((table) => getTableName(table)), 'name'];
    expect(declared.sort()).toEqual(tablesOf(db));
  });

  it.each(Object.values(tables).map((table) => [getTableName(table), table] as const))(
    'declares the columns of %s as they are: names, kinds, and which may be null',
    (name, table) => {
      const declared = Object.values(getTableColumns(table)).map((column) => [
        column.name,
        column.getSQLType().toUpperCase(),
        column.notNull || column.primary,
      ]);
      const there = db.pragma(`table_info(${name})`) as { name: string; type: string; notnull: number; pk: number }[];
      // SQLite lets an INTEGER PRIMARY KEY be told as nullable, though it never is.
      expect(declared).toEqual(there.map((column) => [column.name, column.type, column.notnull === 1 || column.pk > 0]));
    },
  );
});
