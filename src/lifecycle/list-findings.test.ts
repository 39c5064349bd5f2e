import { expect, it } from 'vitest';
import { commission, packOf } from '../../test/support/events.ts';
import { memoryStore } from '../../test/support/test-store.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { findings } from './list-findings.ts';

it('ends a page before it names too many things, and never without a finding', async () => {
  const store = await memoryStore();
  for (let i = 0; i < 4; i++) await store.capture([commission(i, packOf(1))]);
  const ids = store.rows('SELECT id FROM finding ORDER BY id DESC').map(({ id }) => id as number);
  expect(ids).toHaveLength(3);
  const many = store.db.prepare(
    `INSERT INTO finding_thing (finding, node, other)
     WITH RECURSIVE n(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 1000 + ?) SELECT ?, n, -1 FROM n`,
  );
  many.run(10, ids[0]);
  many.run(99_000, ids[1]);
  many.run(120_000, ids[2]);
  const pages: { ids: number[]; more: boolean }[] = [];
  for (let before: number | undefined; ; ) {
    const { list, more } = await findings(new SqliteDb(store.db), { limit: 10, ...(before !== undefined && { before }) });
    pages.push({ ids: list.map(({ id }) => id), more });
    before = list.at(-1)?.id;
    if (!more) break;
  }
  expect(pages).toEqual([
    { ids: ids.slice(0, 2), more: true },
    { ids: ids.slice(2), more: false },
  ]);
  store.db.exec('DELETE FROM finding_thing WHERE node >= 1000');
  expect(await findings(new SqliteDb(store.db), { limit: 2 })).toMatchObject({ list: [{}, {}], more: true });
  expect(await findings(new SqliteDb(store.db), { limit: 3 })).toMatchObject({ list: [{}, {}, {}], more: false });
  await store.close();
});
