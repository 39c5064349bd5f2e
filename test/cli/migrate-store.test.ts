import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TABLES } from '../../src/store/compare.ts';
import { lockFolder } from '../../src/store/sqlite/lock.ts';
import { putPendingDocuments } from '../../src/store/sqlite/new-store.ts';
import { lotline } from '../support/commands.ts';
import { caseOf, commission, declareError, documentOf, type Json, observe, pack, packOf, packs, START, withID } from '../support/events.ts';
import { differences, LOG_KEY, makeFolder, OTHER_KEY, withDb } from '../support/moved-stores.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { removeFolder, start, temporaryFolder } from '../support/program.ts';
import { TestServer } from '../support/server.ts';
import { openTestStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 kills more often. */
const KILLS = process.env['LOTLINE_LONG'] === '1' ? 40 : 4;
const DOCUMENTS = 160;

const root = temporaryFolder();
const folder = join(root, 'old');
let database: TestDatabase;

beforeAll(async () => {
  mkdirSync(folder);
  await makeLongFolder();
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  removeFolder(root);
});

/** Documents of a line that packs, with some that come late, twice, or are taken back; recorded in groups of many sizes. One more waits. */
async function makeLongFolder(): Promise<void> {
  let now = START + 86_400_000;
  const store = await openTestStore({ folder, clock: () => now });
  const group: Json[] = [];
  for (let n = 1; n <= DOCUMENTS; n++) {
    const made = packs(n * 10, n * 10 + 9);
    const packing = withID(pack(n, caseOf(n), made), n);
    const events = [commission(n, made, { lot: `L${n % 5}` }), packing];
    if (n % 7 === 0) events.push(declareError(packing));
    if (n % 5 === 0) events.push(observe(n - 3, packOf((n - 4) * 10)));
    if (n % 11 === 0) events.push(commission(n, packs((n - 1) * 10, (n - 1) * 10 + 9), { lot: `L${(n - 1) % 5}` }));
    group.push(documentOf(events));
    if (n % 3 !== 0 && group.length < 5) continue;
    await store.captureGroup(group.splice(0));
    now += 1_000;
  }
  await store.captureGroup(group);
  await store.close();
  const body = Buffer.from(JSON.stringify(documentOf([commission(999, packs(9_000, 9_004))])));
  putPendingDocuments(
    join(folder, 'intake.db'),
    [{ id: DOCUMENTS + 1, captureID: 'w-1', actor: 'tester', behaviour: 'rollback', created: START, body }],
    DOCUMENTS,
  );
  writeFileSync(join(folder, 'log.key'), LOG_KEY);
}

/** Rows of a table in the schema that is being filled; null where there is none. */
async function filled(client: pg.Client, table = 'entry'): Promise<number | null> {
  const { rows } = await client.query<{ there: string | null }>('SELECT to_regclass($1)::text AS there', [`lotline_moving.${table}`]);
  if (rows[0]?.there == null) return null;
  return Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM lotline_moving.${table}`)).rows[0]?.n);
}

/** Runs the move and kills it as soon as a table has so many rows. Answers what it has said, or null when it came to its end. */
async function killedAt(client: pg.Client, rows: number, table = 'entry'): Promise<string | null> {
  const running = start(['migrate-store', '--data', folder, '--to', database.url, '--compare']);
  let ended = false;
  void running.ended.then(() => {
    ended = true;
  });
  while (!ended && ((await filled(client, table).catch(() => null)) ?? -1) < rows) await new Promise((later) => setTimeout(later, 3));
  running.process.kill('SIGKILL');
  const { code, err } = await running.ended;
  return code === null ? err : null;
}

describe('lotline migrate-store', () => {
  it('comes to the same store however often it is killed on its way', { timeout: 300_000 }, async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const total = await withDb(folder, async (db) => (await db.all<{ n: number }>(sql`SELECT count(*) AS n FROM entry`))[0]?.n as number);
    const said: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const at = kill === 0 ? 0 : Math.floor(Math.random() * ((total * (kill + 1)) / (KILLS + 1))) + 1;
      // The last time when all is there, and is only being compared.
      const words = await (kill === KILLS - 1 ? killedAt(client, 1, 'capture_job') : killedAt(client, at));
      if (words === null) break;
      said.push(words);
      expect((await client.query("SELECT to_regclass('lotline.entry') AS there")).rows).toEqual([{ there: null }]);
    }
    await client.end();
    expect(said.length).toBeGreaterThanOrEqual(3);
    const { out, err } = await lotline('migrate-store', '--data', folder, '--to', database.url, '--compare');
    expect(err).toMatch(/^Going on after the [\d,]+ entries/m);
    expect(err).toContain(`rows of ${TABLES.length} tables are equal`);
    expect(out).toMatch(/To be folded when it is served: 1 document\.$/m);
    expect(out).toContain(`LOTLINE_LOG_KEY_FILE, with ${join(folder, 'log.key')}`);
    expect(await differences(folder, database.url)).toEqual([]);
    const keyFile = ['--log-key-file', join(folder, 'log.key')];
    expect((await lotline('verify-log', '--database-url', database.url, ...keyFile)).out).toMatch(/^Good/);
    expect((await lotline('rebuild', '--database-url', database.url)).out).toMatch(/^Equal: all derived tables follow from/m);
  });

  it('leaves a store from which a service goes on: what waited is folded, new jobs have new numbers', async () => {
    const server = await TestServer.start({ databaseUrl: database.url, logKeyFile: join(folder, 'log.key') });
    await server.service.deps.capture.settled();
    expect((await server.get('/epcis/capture/w-1')).json()).toMatchObject({ running: false, success: true });
    expect(await server.capture(documentOf([commission(1_000, packs(9_100, 9_101))]))).toMatchObject({ success: true });
    await server.close();
  });
});

describe('lotline migrate-store refuses', () => {
  const to = ['--to'];
  it('a folder that is served', async () => {
    const unlock = lockFolder(folder);
    const refused = lotline('migrate-store', '--data', folder, ...to, database.url);
    await expect(refused).rejects.toMatchObject({ code: 'CFG-VALUE', at: 'LOTLINE_DATA' }).finally(unlock);
  });

  it('a database that holds a store', async () => {
    await expect(lotline('migrate-store', '--data', folder, ...to, database.url)).rejects.toMatchObject({ code: 'MOVE-TARGET' });
  });

  it('a database that another one is filling', async () => {
    const other = await freshDatabase();
    const client = new pg.Client({ connectionString: other.url });
    await client.connect();
    const running = start(['migrate-store', '--data', folder, '--to', other.url]);
    while (((await filled(client)) ?? 0) === 0) await new Promise((later) => setTimeout(later, 5));
    const second = join(root, 'second');
    mkdirSync(second);
    await makeFolder(second);
    await expect(lotline('migrate-store', '--data', second, ...to, other.url)).rejects.toMatchObject({
      code: 'MOVE-TARGET',
      message: expect.stringContaining('Another lotline') as string,
    });
    running.process.kill('SIGKILL');
    await running.ended;
    // What it has left is of another log than this folder's.
    await expect(lotline('migrate-store', '--data', second, ...to, other.url)).rejects.toMatchObject({
      code: 'MOVE-TARGET',
      message: expect.stringContaining('not the beginning of this log') as string,
    });
    await client.end();
    await other.drop();
  });

  it('to go anywhere when no database is named', async () => {
    await expect(lotline('migrate-store', '--data', folder)).rejects.toMatchObject({ code: 'CFG-VALUE', at: '--to' });
  });

  it('a log that was signed by another key', async () => {
    const wrongFile = join(root, 'other.key');
    writeFileSync(wrongFile, OTHER_KEY);
    const wrong = ['--log-key-file', wrongFile];
    await expect(lotline('migrate-store', '--data', folder, ...to, database.url, ...wrong)).rejects.toMatchObject({
      code: 'LOG-SIGNATURE',
    });
  });
});
