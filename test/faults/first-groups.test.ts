import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, expect, it } from 'vitest';
import { putPendingDocuments } from '../../src/store/sqlite/new-store.ts';
import { documentOf, observe, packOf, START } from '../support/events.ts';
import { TestServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'lotline-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('commits little at first and more each time, so that a service which is killed soon after every start gets through what waits', async () => {
  const documents = Array.from({ length: 200 }, (_, i) => ({
    id: i + 1,
    captureID: `w-${i}`,
    actor: 'tester',
    behaviour: 'rollback',
    created: START,
    body: Buffer.from(JSON.stringify(documentOf([observe(i, packOf(i))]))),
  }));
  putPendingDocuments(join(folder, 'intake.db'), documents, 0);
  const server = await TestServer.start({ data: folder });
  const journal = new Database(join(folder, 'journal.db'), { readonly: true });
  const count = journal.prepare('SELECT count(*) FROM event').pluck();
  while (count.get() !== documents.length) await sleep(10);
  // Events of each transaction: those between one checkpoint and the next. Keys are entries as well, and no events.
  const groups = journal
    .prepare(
      `SELECT (SELECT count(*) FROM event e WHERE e.seq < c.size) - (SELECT count(*) FROM event e WHERE e.seq < c.before)
       FROM (SELECT size, lag(size, 1, 0) OVER (ORDER BY size) AS before FROM checkpoint) c ORDER BY size`,
    )
    .pluck()
    .all() as number[];
  expect(groups.filter((events) => events > 0)).toEqual([8, 16, 32, 64, 80]);
  journal.close();
  await server.close();
});
