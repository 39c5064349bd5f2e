import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PostgresJournal, WRITER_SESSION } from '../../src/store/postgres/journal.ts';
import { connect, isPostgresFault } from '../../src/store/postgres/open.ts';
import { asAdmin, freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { about, event, finding, range, stay, thing } from './journal-contract.ts';

let database: TestDatabase;
let client: pg.Client;
let journal: PostgresJournal;
const open = () => connect({ url: database.url }, { application: 'journal', statementTimeoutMs: 60_000, more: WRITER_SESSION });
beforeEach(async () => {
  database = await freshDatabase({ migrated: true });
  client = await open();
  journal = await PostgresJournal.open(client);
});
afterEach(async () => {
  await journal.close().catch(() => {});
  await database.drop();
});

/** Everything that is asked by key, once. */
async function askEverything(): Promise<void> {
  await journal.begin();
  await journal.terms(['a']);
  await journal.termTexts([2]);
  await journal.classes(['a']);
  await journal.classKeys([1]);
  await journal.itemsByName(new Map([[1, ['n1']]]));
  await journal.lotsByName(new Map([[1, ['n1']]]));
  await journal.things([1, -1]);
  await journal.containers([1]);
  await journal.content([1]);
  await journal.looseContent([1]);
  await journal.updateThings([thing(1), thing(-1)]);
  await journal.knownEvents({ digests: [Buffer.from('a')] });
  await journal.events([1]);
  await journal.setVoid([-1], 2);
  await journal.setTwin(-1, 2);
  await journal.histories([1, -1]);
  await journal.staysSince([1], 5);
  await journal.lateFor(1, [1]);
  await journal.holding(1, [1]);
  await journal.stays({ children: [1], looseParents: [1] });
  await journal.retireStays([stay(-1, 1)], 2);
  await journal.findingThings(['A'], [1]);
  await journal.findingsAt(['A'], [1]);
  await journal.addFindings([finding('A', 1)], [about('A', 1, 1), about('A', 1, 1)]);
  await journal.removeFindingThings([about('A', 1, 1)], 1);
  await journal.resolveFinding('A', 1, 'open', null, 1);
  await journal.lineage({ nodes: [1] });
  await journal.lineage({ transformations: [1] });
  await journal.tile(1, 1);
  await journal.endedJobs(['x']);
  await journal.endKey('x', 1);
  await journal.rollback();
}

/** Of the statements that were asked, those whose plan goes through more than what the leading column of an index leads to. */
async function plansThatScan(): Promise<string[]> {
  const { rows: indexes } = await client.query<{ name: string; leading: string }>(
    `SELECT c.relname AS name, pg_get_indexdef(c.oid, 1, true) AS leading FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'lotline'::regnamespace`,
  );
  const leading = new Map(indexes.map((index) => [index.name, index.leading]));
  const { rows: asked } = await client.query<{ name: string; statement: string; given: number }>(
    'SELECT name, statement, coalesce(array_length(parameter_types, 1), 0) AS given FROM pg_prepared_statements',
  );
  expect(asked.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  for (const { name, statement, given } of asked) {
    if (/max\(|SELECT scheme/.test(statement)) continue; // ends of indexes and whole tables
    const { rows } = await client.query(`EXPLAIN EXECUTE ${name}${given === 0 ? '' : `(${Array(given).fill('NULL').join(', ')})`}`);
    const plan = rows.map((row) => (row as Record<string, string>)['QUERY PLAN']).join('\n');
    const scans = [...plan.matchAll(/Index (?:Only )?Scan using (\w+) on .*\n(.*)/g)];
    const byKey = scans.every(
      ([, index, next]) => next?.includes('Index Cond: (') && new RegExp(`\\(${leading.get(index as string) as string} [=<]`).test(next),
    );
    if (!byKey || /Seq Scan|Bitmap|Hash Join|Merge (Left |Right )?Join/.test(plan)) wrong.push(`${statement}\n${plan}`);
  }
  return wrong;
}

describe('the journal on PostgreSQL', () => {
  it('asks by the index of what it asks for, though it was planned when the store was empty', async () => {
    await askEverything();
    await journal.begin();
    const many = 5_000;
    await journal.insertThings(range(many, (n) => [thing(n, { lot: -n, flags: n % 2 }), thing(-n)]).flat());
    await journal.insertEvents(
      range(many, (n) => event(n)),
      range(many, (n) => [n, n, 0] as const),
      range(many, (n) => ({ lot: n, seq: n, role: 0, quantity: null, uom: null })),
      range(many, (n) => ({ transformation: n, side: 1, node: n, seq: n, quantity: null, uom: null })),
    );
    await journal.putStays(range(many, (n) => stay(n, n + 1, { from_seq: n })));
    await journal.addFindings(
      range(many, (n) => finding('A', n)),
      range(many, (n) => about('A', n, n)),
    );
    await journal.commit();
    await askEverything();
    expect(await plansThatScan()).toEqual([]);
    // The same when the planner comes to know how much there is.
    await client.query('ANALYZE');
    await askEverything();
    expect(await plansThatScan()).toEqual([]);
  });

  it('does not call a transaction committed in which a statement has failed', async () => {
    await journal.begin();
    await journal.insertThings([thing(1)]);
    await expect(journal.insertThings([thing(1)])).rejects.toMatchObject({ code: '23505' });
    await expect(journal.commit()).rejects.toThrow();
    await journal.rollback();
    expect((await client.query('SELECT * FROM item')).rows).toEqual([]);
  });

  it('passes on what the server says of a statement that takes too long', async () => {
    await client.query('SET statement_timeout = 20');
    await journal.begin();
    const other = await open();
    await other.query('BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE');
    const failed = await journal.things([1]).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: '57014' });
    expect(isPostgresFault(failed)).toBe(true);
    await other.end();
    await journal.rollback();
    await journal.begin();
    expect(await journal.things([1])).toEqual([]);
    await journal.rollback();
  });

  it.each([
    ['between statements', 0],
    ['in the middle of a COPY', 100_000],
  ])('passes on that the connection was cut %s', async (_, rows) => {
    await journal.begin();
    await journal.insertThings([thing(1)]);
    const cut = asAdmin(`SELECT pg_terminate_backend(${(client as unknown as { processID: number }).processID})`);
    if (rows === 0) await cut;
    const failed = await journal.insertThings(range(rows, (n) => thing(n + 1))).then(
      () => journal.commit().catch((error: unknown) => error),
      (error: unknown) => error,
    );
    await cut;
    expect(failed).toBeInstanceOf(Error);
    expect(isPostgresFault(failed)).toBe(true);
    await expect(journal.rollback()).rejects.toThrow();
    const reader = await open();
    expect((await reader.query('SELECT * FROM item')).rows).toEqual([]);
    await reader.end();
  });
});
