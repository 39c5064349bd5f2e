import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSignerKey, formatVerifierKey, signerKeyFromSeed, verifierKeyOf } from '../../src/ledger/index.ts';
import { checkStoredLog, type StoredLogReport } from '../../src/ledger/stored-log.ts';
import { openForReading, openForWriting, type SqliteConnection, SqliteDb } from '../../src/store/sqlite/open.ts';
import { e01 } from '../../src/worlds/index.ts';
import { run } from '../support/program.ts';
import { openTestStore, type TestStore } from '../support/test-store.ts';
import { takenDocuments } from '../support/worlds.ts';

// openTestStore signs with this key.
const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
let store: TestStore;
let kept: string;

beforeAll(async () => {
  store = await openTestStore();
  const documents = takenDocuments(e01());
  for (const document of documents.slice(0, 10)) await store.capturer.capture([document]);
  kept = newestCheckpoint(store.db);
  for (const document of documents.slice(10)) await store.capturer.capture([document]);
  await store.capturer.record({ kind: 'access', actor: 'system', body: { kind: 'end-key', id: 'k_none' } }, async () => {});
  writeFileSync(join(store.folder, 'log.key'), `${formatSignerKey(key)}\n`);
});
afterAll(async () => await store.close());

const newestCheckpoint = (db: SqliteConnection) =>
  db.prepare('SELECT text FROM checkpoint ORDER BY size DESC LIMIT 1').pluck().get() as string;

async function check(db: SqliteConnection, more: { kept?: string } = {}): Promise<StoredLogReport> {
  return await checkStoredLog(new SqliteDb(db), { verifiers: [verifierKeyOf(key)], ...more });
}

/** A copy of the store to be tampered with. */
async function copy(): Promise<{ db: SqliteConnection; folder: string; file: string }> {
  const folder = join(store.folder, `copy-${Math.random().toString(36).slice(2)}`);
  const file = join(folder, 'journal.db');
  const { mkdirSync, copyFileSync } = await import('node:fs');
  mkdirSync(folder);
  await store.db.backup(file);
  copyFileSync(join(store.folder, 'log.key'), join(folder, 'log.key'));
  return { db: openForWriting(file, { cacheMegabytes: 4 }), folder, file };
}

/** Turns over the lowest bit of one byte of a blob. */
function flip(db: SqliteConnection, table: string, column: string, where: string, at: number): void {
  const bytes = db.prepare(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get() as Buffer;
  expect(bytes.length).toBeGreaterThan(at);
  bytes[at] = (bytes[at] as number) ^ 1;
  expect(db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(bytes).changes).toBe(1);
}

describe('verify-log', () => {
  it('finds nothing wrong with a store as it was written, and reads while it is open elsewhere', async () => {
    const db = openForReading(join(store.folder, 'journal.db'));
    const report = await check(db, { kept });
    db.close();
    expect(report).toMatchObject({ ok: true, complete: true, problems: [], firstBadSeq: null });
    expect(report.size).toBe((store.rows('SELECT 1 FROM entry') as unknown[]).length);
    expect(report.documents).toBe((store.rows('SELECT 1 FROM payload') as unknown[]).length);
    const { code, out } = await run(['verify-log', '--data', store.folder]);
    expect(out).toMatch(/^Good: \d+ entries, \d+ documents and \d+ checkpoints agree\. Root [0-9a-f]{64}\.$/m);
    expect(code).toBe(0);
  });

  it.each([
    {
      what: 'a byte of a stored body',
      tamper: (db: SqliteConnection) => flip(db, 'entry', 'body', 'seq = 40', 60),
      codes: ['LOG-BODY'],
      seq: 40,
    },
    {
      what: 'the last byte of a body',
      tamper: (db: SqliteConnection) => flip(db, 'entry', 'body', "kind = 'access'", 3),
      codes: ['LOG-BODY'],
    },
    {
      what: 'a body digest',
      tamper: (db: SqliteConnection) => flip(db, 'entry', 'body_digest', 'seq = 7', 0),
      codes: ['LOG-BODY', 'LOG-LEAF'],
      seq: 7,
    },
    {
      what: 'an event hash',
      tamper: (db: SqliteConnection) => flip(db, 'entry', 'event_hash', 'seq = 7', 31),
      codes: ['LOG-EVENT-HASH'],
      seq: 7,
    },
    { what: 'a leaf hash', tamper: (db: SqliteConnection) => flip(db, 'entry', 'leaf_hash', 'seq = 12', 5), codes: ['LOG-LEAF'], seq: 12 },
    {
      what: 'a tile',
      tamper: (db: SqliteConnection) => flip(db, 'tile', 'hashes', 'level = 0 AND idx = 0', 32 * 3 + 1),
      codes: ['LOG-TILE'],
      seq: 3,
    },
    {
      what: 'a record time',
      tamper: (db: SqliteConnection) => db.exec('UPDATE entry SET record_time = record_time + 1 WHERE seq = 9'),
      codes: ['LOG-LEAF'],
      seq: 9,
    },
    {
      what: 'an actor',
      tamper: (db: SqliteConnection) => db.exec("UPDATE entry SET actor = 'somebody' WHERE seq = 9"),
      codes: ['LOG-LEAF'],
      seq: 9,
    },
    {
      what: 'what lies between events',
      tamper: (db: SqliteConnection) => flip(db, 'payload', 'gaps', 'capture = 3', 20),
      codes: ['LOG-DOCUMENT'],
    },
    {
      what: 'the order of the parts of a document',
      tamper: (db: SqliteConnection) => db.exec(`UPDATE payload SET parts = '[1]' WHERE capture = 3`),
      codes: ['LOG-DOCUMENT'],
    },
    {
      what: 'a lost document',
      tamper: (db: SqliteConnection) => db.exec('DELETE FROM payload WHERE capture = 5'),
      codes: ['LOG-DOCUMENT'],
    },
    {
      what: 'the text of a checkpoint',
      tamper: (db: SqliteConnection) =>
        db.exec(
          'UPDATE checkpoint SET text = replace(text, char(10) || size || char(10), char(10) || (size + 1) || char(10)) WHERE size = (SELECT max(size) FROM checkpoint)',
        ),
      codes: ['LOG-SIGNATURE'],
    },
    { what: 'a missing entry', tamper: (db: SqliteConnection) => db.exec('DELETE FROM entry WHERE seq = 20'), codes: ['LOG-SEQ'], seq: 21 },
  ])('finds $what', async ({ tamper, codes, seq }) => {
    const { db } = await copy();
    tamper(db);
    const report = await check(db);
    db.close();
    expect(report.ok).toBe(false);
    const found = report.problems.map((problem) => problem.code);
    for (const code of codes) expect(found).toContain(code);
    if (seq !== undefined) expect(report.firstBadSeq).toBe(seq);
  });

  it('ends with 1 and names the first bad entry in words', async () => {
    const { db, folder } = await copy();
    flip(db, 'entry', 'body', 'seq = 40', 60);
    flip(db, 'entry', 'body', 'seq = 50', 60);
    db.close();
    const { code, out } = await run(['verify-log', '--data', folder]);
    expect(code).toBe(1);
    expect(out).toContain('LOG-BODY: The body of entry 40 is not the one whose digest was logged.');
    expect(out).toMatch(/Not good: \d+ faults\. The first bad entry is 40\./);
  });

  it('tells by a kept checkpoint that the log was rolled back, though what is left agrees with itself', async () => {
    const { db, folder } = await copy();
    const newest = newestCheckpoint(db);
    const backup = await openTestStore();
    for (const document of takenDocuments(e01()).slice(0, 10)) await backup.capturer.capture([document]);
    expect((await check(backup.db)).ok).toBe(true);
    const report = await check(backup.db, { kept: newest });
    expect(report.problems).toMatchObject([{ code: 'LOG-ROLLBACK' }]);
    db.close();

    writeFileSync(join(folder, 'kept.txt'), newest);
    const vkey = formatVerifierKey(verifierKeyOf(key));
    const { code, out } = await run(['verify-log', '--data', backup.folder, '--log-key', vkey, '--against', join(folder, 'kept.txt')]);
    await backup.close();
    expect(code).toBe(1);
    expect(out).toContain('LOG-ROLLBACK: The checkpoint that you kept commits to');
  });

  it('tells by a kept checkpoint that the log was rewritten and signed again', async () => {
    const forged = await openTestStore();
    for (const document of takenDocuments(e01())) await forged.capturer.capture([{ ...document, actor: 'k_other' }]);
    const report = await check(forged.db, { kept });
    await forged.close();
    expect(report.problems).toMatchObject([{ code: 'LOG-FORK' }]);
  });

  it('refuses a kept checkpoint that another log has signed', async () => {
    await expect(check(store.db, { kept: kept.replaceAll('lotline.example/test', 'lotline.example/else') })).rejects.toMatchObject({
      code: 'LOG-SIGNATURE',
    });
  });
});
