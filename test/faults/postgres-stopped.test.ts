import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { beatName, endStoppedWriter, tryWriterLock, writerName } from '../../src/store/postgres/lock.ts';
import { connect, hangUp } from '../../src/store/postgres/open.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';

/** How long a writer may be silent here, ms. */
const SILENT = 600;

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase({ migrated: true });
});
afterAll(async () => await database.drop());

const open: pg.Client[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await hangUp(client);
});
async function session(application: string): Promise<pg.Client> {
  const client = await connect({ url: database.url }, { application, statementTimeoutMs: 30_000 });
  open.push(client);
  return client;
}

/** What a process that has the lock is found doing when it stops; nothing more comes from it. */
const STOPS: Record<string, (writer: pg.Client) => Promise<unknown>> = {
  'between two transactions': async () => {},
  'between two statements of a transaction': async (writer) => await writer.query('BEGIN'),
  'amid the rows of a COPY': async (writer) => {
    const rows = writer.query(copyFrom('COPY meta (name, value) FROM STDIN'));
    rows.on('error', () => {});
    await new Promise((written) => rows.write('half\ta row', written));
  },
};

/** Whether who waits gets the lock within this time, looking as a process does that waits for it. */
async function isTakenOver(ms: number): Promise<boolean> {
  const next = await session(writerName('next'));
  for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
    if (await tryWriterLock(next)) return true;
    await endStoppedWriter(next, SILENT);
  }
  return false;
}

describe.each(Object.entries(STOPS))('a writer whose process stops %s', (_when, stop) => {
  it('is ended by who waits for the lock, and what it had begun is not kept', async () => {
    const writer = await session(writerName('first'));
    expect(await tryWriterLock(writer)).toBe(true);
    await stop(writer);
    expect(await isTakenOver(10_000)).toBe(true);
    expect((await (await session('test')).query(`SELECT 1 FROM meta`)).rowCount).toBe(0);
    await expect(writer.query('SELECT 1')).rejects.toThrow();
  });
});

it('leaves alone a writer that is silent for long while its process beats', async () => {
  const writer = await session(writerName('first'));
  const beat = await session(beatName('first'));
  expect(await tryWriterLock(writer)).toBe(true);
  await STOPS['amid the rows of a COPY']?.(writer);
  const beating = setInterval(() => void beat.query('SELECT 1'), SILENT / 6);
  expect(await isTakenOver(SILENT * 3)).toBe(false);
  clearInterval(beating);
});

it('leaves alone who holds the lock for another purpose, however silent', async () => {
  const mover = await session('lotline move');
  expect(await tryWriterLock(mover)).toBe(true);
  expect(await isTakenOver(SILENT * 3)).toBe(false);
});

it('waits for its sync at each commit, though the database be set not to', async () => {
  const first = await session('test');
  await first.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET synchronous_commit = off`);
  const { rows } = await (await session('test')).query<{ synchronous_commit: string }>('SHOW synchronous_commit');
  expect(rows[0]?.synchronous_commit).toBe('on');
});

it('takes back what a process had begun when its connection is gone, though the server is amid a statement of it', async () => {
  const writer = await session(writerName('first'));
  expect(await tryWriterLock(writer)).toBe(true);
  const asked = writer.query('SELECT pg_sleep(30)').catch(() => {});
  await sleep(100);
  (writer as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await isTakenOver(10_000)).toBe(true);
  await asked;
});
