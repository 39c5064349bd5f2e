import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openForReading } from '../../src/store/sqlite/open.ts';
import { lotline } from '../support/commands.ts';
import { commission, documentOf, packs } from '../support/events.ts';
import { differences, goOn, LOG_KEY, makeFolder, OTHER_KEY, withDb } from '../support/moved-stores.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { ADMIN_KEY, removeFolder, start, startService, temporaryFolder } from '../support/program.ts';
import { rebuilt } from '../support/rebuilt.ts';
import { TestServer } from '../support/server.ts';

const root = temporaryFolder();
const folder = join(root, 'old');
const keyFile = join(root, 'log.key');
const key = ['--log-key-file', keyFile];
/** A backup of the folder, and one of a database with the same in it. */
const copies = { folder: join(root, 'backup-of-folder'), database: join(root, 'backup-of-database') };
let database: TestDatabase;
let checkpoints: string[];
let next = 0;
const fresh = (name: string) => join(root, `${name}-${next++}`);

beforeAll(async () => {
  mkdirSync(folder);
  checkpoints = await makeFolder(folder);
  writeFileSync(keyFile, LOG_KEY);
  database = await freshDatabase();
  await lotline('backup', '--data', folder, '--out', copies.folder);
  await lotline('restore', copies.folder, '--database-url', database.url, ...key);
  await lotline('backup', '--database-url', database.url, ...key, '--out', copies.database);
});
afterAll(async () => {
  await database.drop();
  removeFolder(root);
});

const waitingIn = async (place: string): Promise<string[]> => {
  if (place.startsWith('postgres:'))
    return await withDb(place, async (db) =>
      (await db.all<{ id: string }>(sql`SELECT capture_id AS id FROM intake ORDER BY id`)).map((row) => row.id),
    );
  const intake = openForReading(join(place, 'intake.db'));
  const rows = intake.prepare('SELECT capture_id FROM document ORDER BY id').pluck().all() as string[];
  intake.close();
  return rows;
};

describe('lotline backup and restore', () => {
  it.each(['folder', 'database'] as const)(
    'make the store of a %s anew on either engine, with the documents that still wait',
    async (kind) => {
      const copy = fresh('restored');
      const { out } = await lotline('restore', copies[kind], '--data', copy, ...key);
      expect(out).toMatch(/^Restored 23 entries of lotline\.example\/test, as they were at \d{4}-/);
      expect(out).toMatch(/: 2 documents\.$/m);
      // Whoever asks it is told that others may have seen more.
      const mark = [{ table: 'meta', row: 'name=restored', kind: 'only in the second', columns: [] }];
      expect(await differences(folder, copy)).toEqual(mark);
      expect(await waitingIn(copy)).toEqual(['w-1', 'w-2']);
      const other = await freshDatabase();
      await lotline('restore', copies[kind], '--database-url', other.url, ...key);
      expect(await differences(folder, other.url)).toEqual(mark);
      expect(await waitingIn(other.url)).toEqual(['w-1', 'w-2']);
      await other.drop();
    },
  );

  it('a restored store folds what waited when it is served, and numbers new jobs above all old ones', async () => {
    const copy = fresh('served');
    await lotline('restore', copies.folder, '--data', copy, ...key);
    const server = await TestServer.start({ data: copy, logKeyFile: keyFile });
    await server.service.deps.capture.settled();
    for (const waited of ['w-1', 'w-2'])
      expect((await server.get(`/epcis/capture/${waited}`)).json()).toMatchObject({ running: false, success: true });
    expect(await server.capture(documentOf([commission(300, packs(80, 81))]))).toMatchObject({ success: true });
    // Row 24 of domain.md §8.5: what was commissioned after the backup is unknown here.
    const verified = await server.get('/verify/gtin/09520123000110/lot/L1/ser/LATER?exp=280131');
    expect(verified.json()).toMatchObject({ data: { verified: false, verificationFailureReason: 'No_match_GTIN_Serial' } });
    expect(verified.headers['lotline-data-behind']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const known = await server.get(`/verify/gtin/09520123000110/lot/L9/ser/${packs(80, 80)[0]?.split('.').at(-1)}?exp=280131`);
    expect(known.json().data.verificationFailureReason).toMatch(/^No_match_GTIN_Serial_Lot/);
    expect(known.headers['lotline-data-behind']).toBeUndefined();
    await server.stop();
    const db = openForReading(join(copy, 'journal.db'));
    const { differing } = (await rebuilt(db)).tables.reduce((sum, table) => ({ differing: sum.differing + table.differing }), {
      differing: 0,
    });
    db.close();
    expect(differing).toBe(0);
  });

  it('leave the log key out unless told otherwise, and say so', async () => {
    expect(readdirSync(copies.folder).sort()).toEqual(['intake.db', 'journal.db', 'manifest.json']);
    const bare = await lotline('restore', copies.folder, '--data', fresh('bare'));
    expect(bare.out).toMatch(/Put the log key to \S+log\.key/);
    expect(bare.out).toMatch(/as the backup itself says: compare it/);
    const whole = fresh('with-key');
    expect((await lotline('backup', '--data', folder, '--out', whole, '--with-key')).out).toMatch(/The log key is in it/);
    const copy = fresh('restored');
    await lotline('restore', whole, '--data', copy);
    expect(readFileSync(join(copy, 'log.key'), 'utf8')).toBe(LOG_KEY);
    expect((await lotline('verify-log', '--data', copy)).out).toMatch(/^Good/);
  });

  it('finish under load, with every document that was acknowledged before', { timeout: 240_000 }, async () => {
    const service = await startService(temporaryFolder());
    const accepted: string[] = [];
    let stop = false;
    const load = Array.from({ length: 2 }, async (_, client) => {
      for (let n = 0; !stop; n++) {
        const first = client * 1_000_000 + n * 20 + 1;
        const body = JSON.stringify(documentOf([commission(n, packs(first, first + 19))]));
        const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
        const answer = await fetch(`${service.url}/epcis/capture`, { method: 'POST', headers, body });
        if (answer.status === 202) accepted.push(`${answer.headers.get('location')}`.split('/').at(-1) as string);
        await new Promise((later) => setTimeout(later, 5));
      }
    });
    const many = async (count: number) => {
      while (accepted.length < count) await new Promise((later) => setTimeout(later, 10));
    };
    await many(20);
    const before = [...accepted];
    const out = fresh('under-load');
    const ended = await start(['backup', '--data', service.folder, '--out', out]).ended;
    expect([ended.code, ended.err]).toEqual([0, '']);
    await many(before.length + 10); // it went on all the while
    stop = true;
    await Promise.all(load);
    await service.kill();
    const copy = fresh('after-load');
    const logKey = ['--log-key-file', join(service.folder, 'log.key')];
    await lotline('restore', out, '--data', copy, ...logKey);
    const server = await TestServer.start({ data: copy, logKeyFile: join(service.folder, 'log.key'), origin: null, adminKey: ADMIN_KEY });
    await server.service.deps.capture.settled();
    await server.stop();
    const db = openForReading(join(copy, 'journal.db'));
    const jobs = new Set(db.prepare('SELECT capture_id FROM capture_job').pluck().all() as string[]);
    expect(before.filter((id) => !jobs.has(id))).toEqual([]);
    const entries = db.prepare("SELECT capture, count(*) AS n FROM entry WHERE kind = 'event' GROUP BY capture").all() as { n: number }[];
    expect([entries.length, new Set(entries.map(({ n }) => n))]).toEqual([jobs.size, new Set([1])]);
    db.close();
    expect((await lotline('verify-log', '--data', copy, ...logKey)).out).toMatch(/^Good/);
    removeFolder(service.folder);
  });
});

describe('lotline backup refuses', () => {
  it('to write into a folder where there is something', async () => {
    await expect(lotline('backup', '--data', folder, '--out', copies.folder)).rejects.toMatchObject({ code: 'MOVE-TARGET', at: '--out' });
  });

  it('a log that was signed by another key than the one in use', async () => {
    const other = fresh('other-key');
    cpSync(folder, other, { recursive: true });
    const wrongFile = join(root, 'other.key');
    writeFileSync(wrongFile, OTHER_KEY);
    const out = fresh('out');
    const wrong = ['--log-key-file', wrongFile];
    await expect(lotline('backup', '--data', other, '--out', out, ...wrong)).rejects.toMatchObject({ code: 'LOG-SIGNATURE' });
    expect(existsSync(join(out, 'manifest.json'))).toBe(false);
  });
});

describe('lotline restore refuses', () => {
  const damaged = (kind: 'folder' | 'database', damage: (copy: string) => void): string => {
    const copy = fresh(`damaged-${kind}`);
    cpSync(copies[kind], copy, { recursive: true });
    damage(copy);
    return copy;
  };

  it.each(['folder', 'database'] as const)(
    'a backup of a %s in which one byte of any file was turned over, and names the file',
    async (kind) => {
      for (const name of readdirSync(copies[kind])) {
        const { size } = statSync(join(copies[kind], name));
        for (const part of [0.1, 0.5, 0.9]) {
          const copy = damaged(kind, (at) => {
            const bytes = readFileSync(join(at, name));
            const place = Math.floor(size * part);
            bytes[place] = (bytes[place] as number) ^ 1;
            writeFileSync(join(at, name), bytes);
          });
          const target = fresh('target');
          const refused = await lotline('restore', copy, '--data', target, ...key).catch(
            (error: unknown) => error as { code: string; message: string },
          );
          expect([name, part, refused]).toEqual([
            name,
            part,
            expect.objectContaining({
              code: expect.stringMatching(/^(MOVE-FILE|LOG-SIGNATURE)$/) as string,
              message: expect.stringContaining(name === 'manifest.json' ? '' : name) as string,
            }),
          ]);
          expect(readdirSync(target)).toEqual(['lock.db']);
        }
      }
    },
  );

  it('a backup that was not finished, is cut off, or lacks a file', async () => {
    const cases: [(copy: string) => void, RegExp][] = [
      [(copy) => removeFolder(join(copy, 'manifest.json')), /not finished/],
      [(copy) => writeFileSync(join(copy, 'journal.db'), readFileSync(join(copy, 'journal.db')).subarray(0, 8_192)), /has 8192 bytes/],
      [(copy) => removeFolder(join(copy, 'intake.db')), /intake\.db: it is missing/],
    ];
    for (const [damage, why] of cases)
      await expect(lotline('restore', damaged('folder', damage), '--data', fresh('target'), ...key)).rejects.toMatchObject({
        code: 'MOVE-FILE',
        message: expect.stringMatching(why) as string,
      });
  });

  it('a place that holds a store', async () => {
    await expect(lotline('restore', copies.folder, '--data', folder)).rejects.toMatchObject({ code: 'MOVE-TARGET' });
    await expect(lotline('restore', copies.folder, '--database-url', database.url, ...key)).rejects.toMatchObject({ code: 'MOVE-TARGET' });
  });

  it('a backup older than a checkpoint that somebody kept, and says how many entries are not in it', async () => {
    const server = fresh('went-on');
    await lotline('restore', copies.folder, '--data', server, ...key);
    const later = join(root, 'later');
    writeFileSync(later, await goOn(server));
    for (const kind of ['folder', 'database'] as const) {
      const target = fresh('target');
      await expect(lotline('restore', copies[kind], '--data', target, ...key, '--against', later)).rejects.toMatchObject({
        code: 'LOG-ROLLBACK',
        message: expect.stringMatching(/holds 23: the last \d+ are not in it/) as string,
      });
      const kept = join(root, 'kept');
      writeFileSync(kept, checkpoints[4] as string);
      await lotline('restore', copies[kind], '--data', target, ...key, '--against', kept);
    }
  });
});
