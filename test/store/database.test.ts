import { sql } from 'drizzle-orm';
import { afterAll, expect, it } from 'vitest';
import { migratePostgres, PostgresPool } from '../../src/store/postgres/open.ts';
import { eachFact, eachNumber, eachRun, eachText } from '../../src/store/sql.ts';
import { freshDatabase } from '../support/postgres.ts';

const database = await freshDatabase();
afterAll(() => database.drop());

it('makes its schema once when several processes start at the same time', async () => {
  const store = { url: database.url };
  await Promise.all([migratePostgres(store), migratePostgres(store), migratePostgres(store)]);
  const pool = new PostgresPool(store, { application: 'test', connections: 1, statementTimeoutMs: 10_000 });
  expect(await pool.ask((db) => db.all(sql`SELECT count(*) AS n FROM entry`))).toEqual([{ n: 0 }]);
  await pool.close();
});

it('tells who asks for a text with U+0000 that there can be none', async () => {
  const pool = new PostgresPool({ url: database.url }, { application: 'test', connections: 1, statementTimeoutMs: 10_000 });
  for (const query of [sql`SELECT id FROM term WHERE text = ${'a\0'}`, sql`SELECT id FROM term WHERE text IN ${eachText(['b', 'a\0'])}`])
    await expect(pool.ask((db) => db.all(query))).rejects.toMatchObject({ code: 'ID-CHARSET' });
  await pool.close();
});

it('goes on after its tables have been changed under what it had prepared', async () => {
  const pool = new PostgresPool({ url: database.url }, { application: 'test', connections: 1, statementTimeoutMs: 10_000 });
  const ask = () => pool.ask((db) => db.all(sql`SELECT m.* FROM meta m`));
  for (let times = 0; times < 6; times++) await ask();
  await pool.lend((client) => client.query('ALTER TABLE meta ADD COLUMN more TEXT'));
  await expect(ask()).rejects.toThrow('cached plan');
  expect(await ask()).toEqual([]);
  await pool.lend((client) => client.query('ALTER TABLE meta DROP COLUMN more'));
  await pool.close();
});

it('reads lists and facts as the embedded store does', async () => {
  const pool = new PostgresPool({ url: database.url }, { application: 'test', connections: 1, statementTimeoutMs: 10_000 });
  const facts = sql`CAST(${'{"t":{"1":[5,2,9,1]},"q":[[1,2,null]]}'} AS TEXT)`;
  const answers = await pool.ask(async (db) => [
    await db.all(sql`SELECT j.value, k.value AS k FROM ${eachNumber([1, 2 ** 40])} j CROSS JOIN ${eachText(['"a,b"'])} k ON true`),
    await db.all(sql`SELECT * FROM ${eachRun(facts, 1)} r`),
    await db.all(sql`SELECT q.value ->> 1 AS v, q.value ->> 2 IS NULL AS n FROM ${eachFact(facts, 'q')} q`),
  ]);
  expect(answers).toEqual([
    [
      { value: 1, k: '"a,b"' },
      { value: 2 ** 40, k: '"a,b"' },
    ],
    [
      { first: 5, count: 2 },
      { first: 9, count: 1 },
    ],
    [{ v: '2', n: 1 }],
  ]);
  await pool.close();
});
