import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openForWriting } from '../../src/store/sqlite/open.ts';
import { lotline } from '../support/commands.ts';
import { commission, documentOf, packs } from '../support/events.ts';
import { differences, goOn, LOG_KEY, makeFolder } from '../support/moved-stores.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { removeFolder, run, temporaryFolder } from '../support/program.ts';
import { TestServer } from '../support/server.ts';
import { openTestStore } from '../support/test-store.ts';

const root = temporaryFolder();
const folder = join(root, 'old');
const keyFile = join(root, 'log.key');
const file = join(root, 'export.ndjson.gz');
let database: TestDatabase;
let checkpoints: string[];
let next = 0;
const newFolder = () => join(root, `new-${next++}`);

beforeAll(async () => {
  mkdirSync(folder);
  checkpoints = await makeFolder(folder);
  writeFileSync(keyFile, LOG_KEY);
  database = await freshDatabase();
  await lotline('export', '--data', folder, '--out', file);
  await lotline('import', file, '--database-url', database.url, '--log-key-file', keyFile);
});
afterAll(async () => {
  await database.drop();
  removeFolder(root);
});

describe('lotline export and import', () => {
  it('makes an equal store in a folder and in a database, which both verify', async () => {
    const copy = newFolder();
    const { out, err } = await lotline('import', file, '--data', copy, '--log-key-file', keyFile);
    expect(out).toMatch(/^Imported 23 entries of lotline\.example\/test into /);
    expect(err).toMatch(/every leaf and the root are those of the log/);
    expect(await differences(folder, copy)).toEqual([]);
    expect(await differences(folder, database.url)).toEqual([]);
    for (const place of [
      ['--data', copy],
      ['--database-url', database.url],
    ])
      expect((await lotline('verify-log', ...place, '--log-key-file', keyFile)).out).toMatch(/^Good: 23 entries, 12 documents and /);
  });

  it('fills the tables of an empty database as somebody has laid them out', async () => {
    const laidOut = await freshDatabase({ migrated: true });
    const client = new pg.Client({ connectionString: laidOut.url });
    await client.connect();
    await client.query(readFileSync(join(import.meta.dirname, '../../docs/partitions.sql'), 'utf8'));
    await lotline('import', file, '--database-url', laidOut.url, '--log-key-file', keyFile);
    expect(await differences(folder, laidOut.url)).toEqual([]);
    const { rows } = await client.query(
      "SELECT count(*) AS tables FROM pg_partitioned_table WHERE partrelid IN ('lotline.entry'::regclass, 'lotline.item'::regclass)",
    );
    expect(rows).toEqual([{ tables: '2' }]);
    await client.end();
    await laidOut.drop();
  });

  it('comes out of the copy as it went in', async () => {
    const again = join(root, 'again.ndjson');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await lotline('export', '--database-url', database.url, '--log-key-file', keyFile, '--out', again);
    const journalOf = (text: string) => text.split('\n').slice(1, -2);
    expect(journalOf(readFileSync(again, 'utf8'))).toEqual(journalOf(gunzipSync(readFileSync(file)).toString('utf8')));
  });

  it('goes to standard output, line by line', async () => {
    const { out, code } = await run(['export', '--data', folder, '--out', '-']);
    expect([code, out.split('\n').length]).toEqual([0, gunzipSync(readFileSync(file)).toString('utf8').split('\n').length]);
    expect(out).toMatch(/\{"end":\{"lines":\d+,"sha256":"[0-9a-f]{64}"\}\}\n$/);
  });

  it('is of one moment while documents are captured, and holds no capture up', { timeout: 120_000 }, async () => {
    const server = await TestServer.start({ origin: null });
    let captured = 0;
    let stop = false;
    const capturing = (async () => {
      for (; !stop; captured++) {
        const document = documentOf([commission(captured, packs(captured * 10 + 1, captured * 10 + 10))]);
        expect((await server.call('POST', '/epcis/capture', { body: document })).statusCode).toBe(202);
      }
    })();
    const sizes: number[] = [];
    for (const name of ['one.ndjson', 'two.ndjson']) {
      // When its job has ended, it is in the journal, and whatever came before it.
      await server.capture(documentOf([commission(500 + sizes.length, packs(90_000 + sizes.length, 90_000 + sizes.length))]));
      const out = join(server.folder, name);
      await lotline('export', '--data', server.folder, '--out', out);
      const { manifest } = JSON.parse(readFileSync(out, 'utf8').split('\n')[0] as string) as { manifest: { size: number } };
      sizes.push(manifest.size);
      const copy = newFolder();
      await lotline('import', out, '--data', copy, '--log-key-file', join(server.folder, 'log.key'));
      expect((await lotline('verify-log', '--data', copy, '--log-key-file', join(server.folder, 'log.key'))).out).toMatch(/^Good/);
    }
    stop = true;
    await capturing;
    await server.close();
    expect(sizes[1]).toBeGreaterThan(sizes[0] as number);
    expect(captured).toBeGreaterThan(0);
  });

  it('lets a service go on from the imported store: its log grows, its jobs have new numbers', async () => {
    const copy = newFolder();
    await lotline('import', file, '--data', copy, '--log-key-file', keyFile);
    const server = await TestServer.start({ data: copy, logKeyFile: keyFile });
    const job = await server.capture(documentOf([commission(300, packs(80, 81))]));
    expect(job.success).toBe(true);
    await server.stop();
    expect(
      (await lotline('verify-log', '--data', copy, '--log-key-file', keyFile, '--against', keep(checkpoints.at(-1) as string))).out,
    ).toMatch(/^Good/);
  });
});

function keep(checkpoint: string): string {
  const kept = join(root, `kept-${next++}`);
  writeFileSync(kept, checkpoint);
  return kept;
}

describe('lotline export refuses', () => {
  it('to write over a file', async () => {
    await expect(lotline('export', '--data', folder, '--out', file)).rejects.toMatchObject({ code: 'CFG-VALUE', at: '--out' });
  });

  it('a store that is not as it was logged, and leaves no file behind', async () => {
    const copy = newFolder();
    await lotline('import', file, '--data', copy, '--log-key-file', keyFile);
    const db = openForWriting(join(copy, 'journal.db'));
    db.exec("UPDATE entry SET actor = 'nobody' WHERE seq = 9");
    db.close();
    const out = join(copy, 'out.ndjson');
    await expect(lotline('export', '--data', copy, '--log-key-file', keyFile, '--out', out)).rejects.toMatchObject({
      code: 'LOG-INCLUSION',
    });
    expect(readdirSync(copy).filter((name) => name.startsWith('out'))).toEqual([]);
  });

  it('a log whose key nobody names, a folder and a database without a store', async () => {
    const copy = newFolder();
    await lotline('import', file, '--data', copy, '--log-key-file', keyFile);
    await expect(lotline('export', '--data', copy, '--out', join(root, 'x'))).rejects.toMatchObject({
      code: 'CFG-VALUE',
      at: '--log-key-file',
    });
    await expect(lotline('export', '--data', newFolder(), '--log-key-file', keyFile, '--out', join(root, 'x'))).rejects.toMatchObject({
      code: 'CFG-VALUE',
    });
    const empty = await freshDatabase();
    await expect(lotline('export', '--database-url', empty.url, '--log-key-file', keyFile, '--out', join(root, 'x'))).rejects.toMatchObject(
      { code: 'CFG-VALUE' },
    );
    await empty.drop();
  });
});

describe('lotline import refuses', () => {
  it('a place that holds a store, also one that only waits for its first document to be folded', async () => {
    await expect(lotline('import', file, '--data', folder)).rejects.toMatchObject({ code: 'MOVE-TARGET', at: '--data' });
    await expect(lotline('import', file, '--database-url', database.url)).rejects.toMatchObject({ code: 'MOVE-TARGET' });
    const waiting = newFolder();
    mkdirSync(waiting);
    writeFileSync(join(waiting, 'intake.db'), '');
    await expect(lotline('import', file, '--data', waiting)).rejects.toMatchObject({ code: 'MOVE-TARGET' });
  });

  it('a file that is not whole, before it has made anything', async () => {
    const half = join(root, 'half.ndjson.gz');
    writeFileSync(half, readFileSync(file).subarray(0, 5_000));
    const target = newFolder();
    await expect(lotline('import', half, '--data', target)).rejects.toMatchObject({
      code: 'MOVE-FILE',
      at: expect.stringMatching(/^line \d+$/) as string,
    });
    expect(readdirSync(target)).toEqual(['lock.db']);
  });

  it('an export that is older than a checkpoint that somebody kept, and one of another log', async () => {
    const old = newFolder();
    await lotline('import', file, '--data', old, '--log-key-file', keyFile);
    const later = await goOn(old);
    await expect(lotline('import', file, '--data', newFolder(), '--log-key-file', keyFile, '--against', keep(later))).rejects.toMatchObject(
      {
        code: 'LOG-ROLLBACK',
        message: expect.stringMatching(/the last \d+ are not in it/) as string,
      },
    );
    const stranger = await openTestStore();
    await stranger.capture([commission(7, packs(1, 2))]);
    const other = stranger.rows<{ text: string }>('SELECT text FROM checkpoint')[0]?.text as string;
    await stranger.close();
    const against = ['--log-key-file', keyFile, '--against', keep(other)];
    await expect(lotline('import', file, '--data', newFolder(), ...against)).rejects.toMatchObject({ code: 'LOG-FORK' });
  });
});
