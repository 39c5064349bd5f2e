import { afterAll, describe, expect, it } from 'vitest';
import { compareTable, PASSING, PLANS, TABLES, type TableName } from './compare.ts';
import { tables } from './schema.ts';
import { openForWriting, SqliteDb } from './sqlite/open.ts';

const one = openForWriting(':memory:', { cacheMegabytes: 4 });
const other = openForWriting(':memory:', { cacheMegabytes: 4 });
afterAll(() => {
  one.close();
  other.close();
});

describe('comparing stores', () => {
  it('walks every table by its primary key, but for the one whose rows are numbered on the way', () => {
    const passing: readonly string[] = PASSING;
    for (const name of Object.keys(tables).filter((table) => !passing.includes(table)) as Exclude<TableName, 'item_name'>[]) {
      const columns = one.pragma(`table_info(${name})`) as { name: string; pk: number }[];
      const key = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk);
      expect([name, name === 'containment_past' ? ['id'] : PLANS[name].key]).toEqual([name, key.map((column) => column.name)]);
    }
    expect(TABLES).toHaveLength(Object.keys(tables).length - PASSING.length + 1);
  });

  it('finds every difference in tables of many pages, and shows the first of them', async () => {
    const fill = (db: typeof one, skip: (n: number) => boolean, text: (n: number) => string) => {
      const put = db.prepare('INSERT INTO term (id, text) VALUES (?, ?)');
      db.transaction(() => {
        for (let n = 1; n <= 5_000; n++) if (!skip(n)) put.run(n, text(n));
      })();
    };
    fill(
      one,
      (n) => n === 2_000 || n === 5_000,
      (n) => `word ${n}`,
    );
    fill(
      other,
      (n) => n === 1 || n === 4_001,
      (n) => `word ${n % 100 === 7 ? 'of another' : ''} ${n}`.replace('  ', ' '),
    );
    const { rows, differing, differences } = await compareTable(new SqliteDb(one), new SqliteDb(other), 'term');
    expect([rows, differing, differences.length]).toEqual([5_000, 54, 20]);
    expect(differences[0]).toEqual({ table: 'term', row: 'id=1', kind: 'only in the first', columns: [] });
    expect(differences[1]).toEqual({
      table: 'term',
      row: 'id=7',
      kind: 'differs',
      columns: [{ name: 'text', first: 'word 7', second: 'word of another 7' }],
    });
  });

  it('holds rows without a key of their own side by side by what they say, many of one thing at a page’s end too', async () => {
    const columns = 'child, from_seq, parent, kind, uom, quantity, to_time, to_seq, inferred, known_seq, until_seq';
    for (const db of [one, other]) {
      const put = db.prepare(`INSERT INTO containment_past (${columns}) VALUES (?, ?, 1, 0, '', NULL, ?, ?, 0, 0, 1)`);
      const rows = Array.from({ length: 3_000 }, (_, n) => [1_900 + (n % 400), n, n % 3 === 0 ? null : n, n % 3 === 0 ? null : n]);
      for (const row of db === one ? rows : rows.reverse()) put.run(...row);
    }
    const { rows, differing } = await compareTable(new SqliteDb(one), new SqliteDb(other), 'containment_past');
    expect([rows, differing]).toEqual([3_000, 0]);
    other.exec('UPDATE containment_past SET to_seq = 1 WHERE from_seq = 1500');
    expect((await compareTable(new SqliteDb(one), new SqliteDb(other), 'containment_past')).differing).toBe(1);
  });
});
