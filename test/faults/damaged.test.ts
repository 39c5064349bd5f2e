import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSignerKey, verifierKeyOf } from '../../src/ledger/index.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import { rebuild } from '../../src/moving/rebuild.ts';
import { findDamage } from '../../src/store/sqlite/integrity.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForReading, openForWriting, SqliteDb } from '../../src/store/sqlite/open.ts';
import { documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { problemOf, TestServer } from '../support/server.ts';

let server: TestServer;
afterEach(async () => await server.close());

const documentFor = (serial: string) => documentOf([{ ...objectEvent(), epcList: [sgtin(serial)] }]);

/** A folder with something in it, the service stopped, and all of the journal in one file. */
async function stoppedStore(): Promise<string> {
  server = await TestServer.start();
  await server.capture(documentFor('D1'));
  await server.stop();
  const file = join(server.folder, 'journal.db');
  const db = openForWriting(file);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return file;
}

/** Puts other bytes in the place of the first page of a table or index; answers what was there. */
function replacePage(file: string, name: string, content?: Buffer): Buffer {
  const db = openForReading(file);
  const page = db.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').pluck().get(name) as number;
  const size = db.pragma('page_size', { simple: true }) as number;
  db.close();
  const bytes = readFileSync(file);
  const at = (page - 1) * size;
  const before = Buffer.from(bytes.subarray(at, at + size));
  (content ?? Buffer.alloc(size, 0x5a)).copy(bytes, at);
  writeFileSync(file, bytes);
  return before;
}

describe('a store whose file is damaged', () => {
  it('answers STORE-DAMAGED for what cannot be read, holds captures, and folds them when the file is whole again', async () => {
    const file = await stoppedStore();
    const page = replacePage(file, 'event_digest');

    const said: string[] = [];
    server = await TestServer.start({ data: server.folder }, (line) => said.push(line));
    const answer = await server.call('POST', '/epcis/capture', { body: documentFor('D2') });
    expect(answer.statusCode).toBe(202);
    const job = answer.headers.location as string;
    for (let i = 0; i < 100 && server.service.deps.capture.healthy; i++) await sleep(50);
    expect((await server.get(job)).json()).toMatchObject({ running: true, success: true });
    const refused = await server.call('POST', '/epcis/capture', { body: documentFor('D3') });
    expect(problemOf(refused)).toMatchObject({ status: 503, code: 'REQ-BUSY' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await server.stop();

    replacePage(file, 'event_digest', page);
    server = await TestServer.start({ data: server.folder });
    await server.service.deps.capture.settled();
    expect((await server.get(job)).json()).toMatchObject({ running: false, success: true });
  });

  it.each(['entry', 'tile', 'term', 'checkpoint'])('does not start on one in which %s is damaged, and says why', async (name) => {
    const file = await stoppedStore();
    replacePage(file, name);
    await expect(TestServer.start({ data: server.folder })).rejects.toMatchObject({ code: 'STORE-DAMAGED' });
  });

  it('does not start on an intake that is none', async () => {
    const file = await stoppedStore();
    writeFileSync(join(dirname(file), 'intake.db'), 'no database at all, but long enough to be looked at as if it were one'.repeat(99));
    await expect(TestServer.start({ data: server.folder })).rejects.toMatchObject({ code: 'STORE-DAMAGED' });
  });

  it.each(['event', 'item', 'finding', 'containment_parent', 'tile', 'capture_job'])(
    'is made anew from its entries by rebuild where %s is damaged, and what could not be read is told',
    async (name) => {
      const file = await stoppedStore();
      const key = parseSignerKey(readFileSync(join(server.folder, 'log.key'), 'utf8').trim());
      replacePage(file, name);
      const old = openForReading(file);
      const fresh = openForWriting(':memory:');
      const made = new SqliteDb(fresh);
      const damaged = new SqliteDb(old);
      const report = await damaged.snapshot(() => rebuild(damaged, { journal: new SqliteJournal(fresh), db: made }));
      expect(report.equal).toBe(name === 'containment_parent'); // an index alone is nothing that could differ
      expect(report.unreadable.length > 0).toBe(name !== 'containment_parent');
      expect(findDamage(old)).not.toEqual([]);
      old.close();
      expect(findDamage(fresh)).toEqual([]);
      expect(await checkStoredLog(made, { verifiers: [verifierKeyOf(key)] })).toMatchObject({ ok: true, problems: [] });
      fresh.close();
    },
  );

  it('answers a question that meets the damage with STORE-DAMAGED, without a stack, and other questions as ever', async () => {
    const file = await stoppedStore();
    replacePage(file, 'finding');
    server = await TestServer.start({ data: server.folder });
    const answer = await server.get('/api/v1/findings');
    expect(problemOf(answer)).toMatchObject({ status: 500, code: 'STORE-DAMAGED' });
    expect(answer.body).not.toContain('    at ');
    expect((await server.get('/ledger/checkpoint')).statusCode).toBe(200);
    expect((await server.get('/api/v1/findings')).statusCode).toBe(500);
    expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('D1'))}`)).statusCode).toBe(200);
  });
});
