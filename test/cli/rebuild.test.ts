import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryWriterLock } from '../../src/store/postgres/lock.ts';
import { connect } from '../../src/store/postgres/open.ts';
import { lotline } from '../support/commands.ts';
import { commission, documentOf, packs } from '../support/events.ts';
import { differences, makeFolder } from '../support/moved-stores.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { removeFolder, temporaryFolder } from '../support/program.ts';
import { TestServer } from '../support/server.ts';

const root = temporaryFolder();
const folder = join(root, 'old');
let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  mkdirSync(folder);
  await makeFolder(folder);
  database = await freshDatabase();
  await lotline('migrate-store', '--data', folder, '--to', database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
  removeFolder(root);
});

const schemas = async (): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'lotline%' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
};

describe('lotline rebuild, in a database', () => {
  it('compares, and leaves nothing behind unless it is told to', async () => {
    expect((await lotline('rebuild', '--database-url', database.url)).out).toMatch(/^Equal: all derived tables follow from 23 entries\.$/m);
    expect(await schemas()).toEqual(['lotline']);
    expect((await lotline('rebuild', '--database-url', database.url, '--keep')).out).toContain(
      'The new store is the schema lotline_rebuilt.',
    );
    expect(await schemas()).toEqual(['lotline', 'lotline_rebuilt']);
  });

  it('tells a row that was altered, and replaces the store with what waits in its intake when the operator insists', async () => {
    await client.query("UPDATE lotline.item SET status = 6 WHERE serial = 'P6'");
    const refused = await lotline('rebuild', '--database-url', database.url, '--replace');
    expect(refused.out).toMatch(/^item id=\d+: status is 6 and should be /m);
    expect(refused.out).toContain('Nothing was replaced');
    const forced = await lotline('rebuild', '--database-url', database.url, '--replace', '--force');
    expect(forced.out).toContain('The new store is in place; the old one is the schema lotline_before_rebuild.');
    expect(await schemas()).toEqual(['lotline', 'lotline_before_rebuild']);
    expect(await differences(folder, database.url)).toEqual([]);
    const server = await TestServer.start({ databaseUrl: database.url, logKeyFile: join(folder, 'log.key') });
    await server.service.deps.capture.settled();
    for (const waited of ['w-1', 'w-2'])
      expect((await server.get(`/epcis/capture/${waited}`)).json()).toMatchObject({ running: false, success: true });
    expect(await server.capture(documentOf([commission(400, packs(90, 91))]))).toMatchObject({ success: true });
    await server.close();
  });

  it('does not replace a store that is served, and compares it all the same', async () => {
    const server = await connect({ url: database.url }, { application: 'test', statementTimeoutMs: 0 });
    expect(await tryWriterLock(server)).toBe(true);
    await expect(lotline('rebuild', '--database-url', database.url, '--replace')).rejects.toMatchObject({ code: 'MOVE-TARGET' });
    expect((await lotline('rebuild', '--database-url', database.url)).out).toMatch(/^Equal/m);
    await server.end();
  });
});
