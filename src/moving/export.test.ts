import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureHardHistory } from '../../test/support/hard-history.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { signerKeyFromSeed, verifierKeyOf } from '../ledger/index.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import { openForWriting, SqliteDb } from '../store/sqlite/open.ts';
import { carryOver } from './carry-over.ts';
import { exportStore } from './export.ts';
import { formatRecord, readLine } from './export-lines.ts';
import { ExportedTruth } from './exported-truth.ts';
import { compareStores } from './rebuild.ts';
import { replay } from './replay.ts';

// Test stores sign with this key.
const verifier = verifierKeyOf(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7)));
const folder = mkdtempSync(join(tmpdir(), 'lotline-export-'));
let store: TestStore;
let text: string;

beforeAll(async () => {
  store = await memoryStore();
  await captureHardHistory(store);
  text = await exported(new SqliteDb(store.db));
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function exported(db: SqliteDb): Promise<string> {
  const chunks: Buffer[] = [];
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  await exportStore(db, out, { verifier, program: 'test' });
  return Buffer.concat(chunks).toString('utf8');
}

const fileOf = (content: string | Uint8Array): string => {
  const file = join(folder, `${createHash('sha256').update(content).digest('hex').slice(0, 16)}.ndjson`);
  writeFileSync(file, content);
  return file;
};
const linesOf = (of: string): string[] => of.split('\n').slice(0, -1);
const numberOf = (pattern: RegExp): number => linesOf(text).findIndex((line) => pattern.test(line)) + 1;

/** With an end that fits again, as somebody would write it who knows the form. */
function sealed(lines: readonly string[]): string {
  const before = `${lines.slice(0, -1).join('\n')}\n`;
  const sha256 = createHash('sha256').update(before).digest('hex');
  return `${before}${JSON.stringify({ end: { lines: lines.length - 1, sha256 } })}\n`;
}
const changed = (pattern: RegExp, from: string | RegExp, to: string): string =>
  sealed(linesOf(text).map((line, i) => (i + 1 === numberOf(pattern) ? line.replace(from, to) : line)));

describe('an export', () => {
  it.each(['plain', 'compressed'])(
    'makes a store that has every row of the old one, jobs, findings and checkpoints included: %s',
    async (form) => {
      const truth = await ExportedTruth.open(fileOf(form === 'plain' ? text : gzipSync(text)));
      const fresh = openForWriting(':memory:', { cacheMegabytes: 4 });
      const db = new SqliteDb(fresh);
      await replay(truth, { journal: new SqliteJournal(fresh), db }, { together: true });
      await carryOver(truth.carried(), { journal: new SqliteJournal(fresh), db });
      const report = await compareStores(new SqliteDb(store.db), db);
      expect(report.tables.flatMap((table) => table.differences)).toEqual([]);
      expect(report.tables.find(({ table }) => table === 'capture_job')?.rows).toBe(13);
      const [, ...again] = linesOf(await exported(db));
      expect(again.slice(0, -1)).toEqual(linesOf(text).slice(1, -1));
      fresh.close();
    },
  );

  it('has the manifest first, the journal in its order, and tells what was logged in the form in which it was hashed', async () => {
    const [first, ...others] = linesOf(text).map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
    expect(first?.['manifest']).toMatchObject({ format: 'lotline-export', version: 1, origin: 'lotline.example/test', size: 23 });
    expect(others.flatMap((line) => line['entry']?.['seq'] ?? [])).toEqual(Array.from({ length: 23 }, (_, i) => i));
    const entry = others.find((line) => line['entry'] !== undefined)?.['entry'] as { leaf: object };
    const leaf = store.rows<{ leaf_hash: Buffer }>('SELECT leaf_hash FROM entry WHERE seq = 0')[0]?.leaf_hash;
    expect(createHash('sha256').update('\0').update(JSON.stringify(entry.leaf)).digest()).toEqual(leaf);
  });

  it('keeps bytes that are no text, and texts that begin with a mark or hold the end of a line', () => {
    for (const gaps of [Buffer.from([0xff, 0xfe, 0, 10]), Buffer.from('\ufeff{"a":"\n\u2028ä"}')]) {
      const document = { captureID: 'c', parts: `[${gaps.length},[7]]`, gaps };
      const line = formatRecord({ document });
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(readLine(Buffer.from(line.trimEnd()))).toEqual({ document });
    }
  });

  it('of a store without entries makes another such', async () => {
    const empty = await memoryStore();
    const truth = await ExportedTruth.open(fileOf(await exported(new SqliteDb(empty.db))));
    expect([truth.size, truth.checkpoint]).toEqual([0, null]);
    await empty.close();
  });

  it('stops without an end at an entry that is not as it was logged', async () => {
    const other = await memoryStore();
    await captureHardHistory(other);
    other.db.exec("UPDATE entry SET body = x'7b7d', encoding = 0 WHERE seq = 7");
    await expect(exported(new SqliteDb(other.db))).rejects.toMatchObject({
      code: 'LOG-INCLUSION',
      message: expect.stringContaining('7') as string,
    });
    await other.close();
  });
});

describe('an export that is not as it was written is refused with the line', () => {
  const DOCUMENT = /^\{"document":\{"captureID":"c-3"/;
  const ENTRY = /^\{"entry":\{"seq":7,/;
  const CHECKPOINT = /^\{"checkpoint":\{"size":7,/;
  it.each<[string, () => string, () => number, RegExp]>([
    ['it is cut off in a line', () => text.slice(0, text.indexOf('{"entry":{"seq":7,') + 100), () => numberOf(ENTRY), /JSON/],
    ['it is cut off between lines', () => text.slice(0, text.indexOf('{"entry":{"seq":7,')), () => numberOf(ENTRY), /stops before its end/],
    ['it is empty', () => '', () => 1, /stops before its end/],
    [
      'a byte was turned over',
      () => text.replace('"document":{"captureID":"c-3"', '"document":{"captureID":"c-2"'),
      () => numberOf(DOCUMENT) + 1,
      /c-2 is not the one that was logged/,
    ],
    ['a job was changed', () => text.replace('"c-refused"', '"c-refusee"'), () => linesOf(text).length, /another digest/],
    [
      'the body of an entry was changed, and the end with it',
      () => changed(ENTRY, 'packing', 'picking'),
      () => numberOf(ENTRY),
      /body of entry 7/,
    ],
    ['a leaf was changed', () => changed(ENTRY, '"actor":"tester"', '"actor":"nobody"'), () => numberOf(ENTRY) + 1, /do not have the root/],
    [
      'what lies between events was changed',
      () => changed(DOCUMENT, 'schemaVersion', 'schemaVersioN'),
      () => numberOf(DOCUMENT) + 3,
      /not the one that was logged/,
    ],
    [
      'a checkpoint was signed by somebody else',
      () => changed(CHECKPOINT, /test L/, 'test A'),
      () => numberOf(CHECKPOINT),
      /Checkpoint|Note|sign/,
    ],
    ['an entry is missing', () => sealed(linesOf(text).filter((line) => !ENTRY.test(line))), () => numberOf(ENTRY), /behind entry 6/],
    [
      'its end is missing what came last',
      () => sealed(linesOf(text).filter((_, i, all) => i < all.length - 3 || i === all.length - 1)),
      () => linesOf(text).length - 2,
      /There are 22 entries, not 23/,
    ],
    [
      'a line is of a later version',
      () => sealed([...linesOf(text).slice(0, 3), '{"wish":{}}', ...linesOf(text).slice(3)]),
      () => 4,
      /no kind that this version knows/,
    ],
    ['the form is of a later version', () => changed(/manifest/, '"version":1', '"version":2'), () => 1, /version/],
    ['something follows its end', () => `${text}\n`, () => linesOf(text).length + 1, /./],
  ])('%s', async (_what, damaged, line, why) => {
    const file = fileOf(damaged());
    await expect(ExportedTruth.open(file)).rejects.toMatchObject({
      code: 'MOVE-FILE',
      at: `line ${line()}`,
      message: expect.stringMatching(why) as string,
    });
  });

  it('it is compressed and cut off, or broken within', async () => {
    const packed = gzipSync(text);
    await expect(ExportedTruth.open(fileOf(packed.subarray(0, 3_000)))).rejects.toMatchObject({
      code: 'MOVE-FILE',
      message: expect.stringMatching(/cannot be read/) as string,
    });
    packed[2_000] = (packed[2_000] as number) ^ 0x10;
    await expect(ExportedTruth.open(fileOf(packed))).rejects.toMatchObject({ code: 'MOVE-FILE' });
  });

  it('it was signed by another key than the one that is known from elsewhere', async () => {
    const stranger = verifierKeyOf(signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(9)));
    await expect(ExportedTruth.open(fileOf(text), { verifier: stranger })).rejects.toMatchObject({ code: 'MOVE-FILE' });
    await expect(ExportedTruth.open(fileOf(text), { verifier })).resolves.toMatchObject({ size: 23 });
  });

  it('it is not there', async () => {
    await expect(ExportedTruth.open(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'CFG-VALUE' });
  });
});
