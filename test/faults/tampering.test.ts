import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyStore } from '../../src/cli/verify-log.ts';
import { LotlineError } from '../../src/errors.ts';
import { formatSignerKey, signerKeyFromSeed, verifierKeyOf } from '../../src/ledger/index.ts';
import { checkStoredLog, type StoredLogReport, type StoreProblem } from '../../src/ledger/stored-log.ts';
import { unpackBytes } from '../../src/store/payload.ts';
import { openForReading, type SqliteConnection, SqliteDb } from '../../src/store/sqlite/open.ts';
import { world } from '../../src/worlds/index.ts';
import { openRandom } from '../../src/worlds/random.ts';
import { bare, caseOf, commission, MAKER, observe, pack, packOf, packs, receive, SHOP, unpackAll } from '../support/events.ts';
import { run } from '../support/program.ts';
import { openTestStore, type TestStore } from '../support/test-store.ts';
import { takenDocuments } from '../support/worlds.ts';
import { LONG, SEED } from './form.ts';

// openTestStore signs with this key.
const key = signerKeyFromSeed('lotline.example/test', new Uint8Array(32).fill(7));
const verifiers = [verifierKeyOf(key)];
let store: TestStore;
/** The file of a store with little in it, whole, with nothing in a write-ahead log. */
let sound: Buffer;

beforeAll(async () => {
  store = await openTestStore();
  for (const document of takenDocuments(world({ seed: 3, size: 'S' }).documents).slice(0, 30)) await store.capturer.capture([document]);
  await store.capture(bare(observe(1, packOf(1))), { kind: 'event' });
  await store.capturer.record({ kind: 'access', actor: 'system', body: { kind: 'end-key', id: 'k_none' } }, async () => {});
  sound = await smallFile();
  console.log(`LOTLINE_FAULTS_SEED=${SEED}`);
});
afterAll(async () => await store.close());

async function smallFile(): Promise<Buffer> {
  const small = await openTestStore();
  for (let i = 0; i < 12; i++) {
    const children = packs(i * 10, i * 10 + 5);
    await small.capture([commission(i, children, { lot: 'L1', site: MAKER }), pack(i + 20, caseOf(i), children)]);
  }
  await small.capture([receive(60, [caseOf(1), caseOf(2)], { from: MAKER, to: SHOP, site: SHOP }), unpackAll(70, caseOf(2))]);
  small.db.pragma('wal_checkpoint(TRUNCATE)');
  const bytes = readFileSync(join(small.folder, 'journal.db'));
  await small.close();
  return bytes;
}

type Value = string | number | Buffer | null;
type Row = Record<string, Value>;

// ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What somebody can change who may write to the tables, and where a problem must then be told. */
const TABLES = {
  entry: { key: ['seq'], at: (row: Row, told: StoreProblem) => told.seq === row['seq'] || told.seq === (row['seq'] as number) + 1 },
  payload: {
    key: ['capture'],
    at: (row: Row, told: StoreProblem) => told.capture === row['capture_id'] || seqsOf(row).includes(told.seq ?? -1),
  },
  tile: {
    key: ['level', 'idx'],
    at: (row: Row, told: StoreProblem) =>
      told.code === 'LOG-TILE' &&
      ((told.tile?.level === row['level'] && told.tile?.index === row['idx']) || (told.seq !== undefined && told.seq >> 8 === row['idx'])),
  },
  checkpoint: { key: ['size'], at: (row: Row, told: StoreProblem) => told.checkpoint === row['size'] },
} as const;
type Table = keyof typeof TABLES;
const TABLE_NAMES = Object.keys(TABLES) as Table[];

const seqsOf = (row: Row): number[] => store.db.prepare('SELECT seq FROM entry WHERE capture = ?').pluck().all(row['capture']) as number[];
const where = (table: Table, row: Row) => TABLES[table].key.map((column) => `${column} = ${String(row[column])}`).join(' AND ');
const rowsOf = (table: Table) => store.rows<Row>(`SELECT * FROM ${table} ORDER BY ${TABLES[table].key.join(', ')}`);
const columnsOf = (table: Table) => (store.db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);

/** Changes rows, checks, and takes the change back. Null when the table does not let itself be changed so. */
async function afterChange(change: () => void): Promise<StoredLogReport | null> {
  store.db.exec('SAVEPOINT tampering');
  try {
    change();
    return await checkStoredLog(new SqliteDb(store.db), { verifiers });
  } catch (error) {
    if (String((error as { code?: unknown }).code).match(/^SQLITE_(CONSTRAINT|MISMATCH)/)) return null;
    throw error;
  } finally {
    store.db.exec('ROLLBACK TO tampering; RELEASE tampering');
  }
}

const contentOf = (row: Row, column: string): Value => {
  const value = row[column] as Value;
  return column === 'body' || column === 'gaps' ? Buffer.from(unpackBytes(row['encoding'] as number, value as Buffer)) : value;
};

describe.each(TABLE_NAMES)('a change of a row of %s', (table) => {
  const random = openRandom(SEED, `rows of ${table}`);
  const rounds = LONG ? 40 : 2;

  /** One bit of a blob, one letter of a text, a number by one, or nothing in its place. */
  const changed = (value: Value): Value => {
    if (value === null) return null;
    if (random.perMille(100)) return null;
    if (typeof value === 'number') return value + random.pick([-1, 1, 2, 65_536]);
    if (typeof value === 'string') {
      const at = random.below(value.length);
      return random.perMille(200) ? value.slice(0, at) : value.slice(0, at) + random.pick(['x', ' ', '0', '\n']) + value.slice(at + 1);
    }
    if (random.perMille(200)) return value.subarray(0, random.below(value.length));
    const bytes = Buffer.from(value);
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    return bytes;
  };

  it('is told with its place, whatever the column', async () => {
    const rows = rowsOf(table);
    for (const column of columnsOf(table)) {
      for (let round = 0; round < rounds; round++) {
        const row = random.pick(rows);
        const value = changed(row[column] as Value);
        if (value === row[column]) continue;
        const set = () => store.db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where(table, row)}`).run(value);
        const report = await afterChange(set);
        if (report === null) continue;
        const what = `${column} of ${where(table, row)} from ${String(row[column]).slice(0, 80)} to ${String(value).slice(0, 80)}`;
        if (report.ok && (column === 'body' || column === 'gaps')) {
          expect(contentOf({ ...row, [column]: value }, column), what).toEqual(contentOf(row, column)); // in how it was compressed
          continue;
        }
        expect(report.ok, what).toBe(false);
        const places = [row, { ...row, [column]: value }]; // what is filed under another key is told where it is, or where it was
        expect(report.problems, what).toSatisfy((all: StoreProblem[]) =>
          all.some((told) => places.some((at) => TABLES[table].at(at, told))),
        );
      }
    }
  });

  it('for what another row has is told', async () => {
    const rows = rowsOf(table);
    for (const column of columnsOf(table).filter((name) => !(TABLES[table].key as readonly string[]).includes(name))) {
      const [a, b] = [random.pick(rows), random.pick(rows)];
      const same = (x: Value, y: Value) => x === y || (x instanceof Buffer && y instanceof Buffer && x.equals(y));
      if (same(a[column] as Value, b[column] as Value)) continue;
      const report = await afterChange(() => {
        const put = (row: Row, value: Value) => store.db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where(table, row)}`).run(value);
        if (column === 'capture_id') put(a, 'between');
        put(b, a[column] as Value);
        put(a, b[column] as Value);
      });
      if (report === null) continue;
      expect(report.ok, `${column} of ${where(table, a)} and ${where(table, b)}`).toBe(false);
      expect(report.problems.some((told) => TABLES[table].at(a, told) || TABLES[table].at(b, told))).toBe(true);
    }
  });

  it('is told when the row is taken out', async () => {
    // A checkpoint that is not the newest may be missing: the log needs it no more.
    const rows = table === 'checkpoint' ? rowsOf(table).slice(-1) : rowsOf(table);
    for (let round = 0; round < rounds; round++) {
      const row = random.pick(rows);
      const report = await afterChange(() => store.db.exec(`DELETE FROM ${table} WHERE ${where(table, row)}`));
      expect(report?.ok, where(table, row)).toBe(false);
    }
  });

  it('is told when a row is put in', async () => {
    const row = random.pick(rowsOf(table));
    const columns = columnsOf(table);
    const sizes = new Set(rowsOf('checkpoint').map(({ size }) => size));
    const between = Array.from(sizes.keys(), Number).find((size) => !sizes.has(size + 1) && !sizes.has(size + 2)) as number;
    const extra = { ...row, seq: 1e6, capture: 1e6, capture_id: 'another', size: between + 1, idx: 1e6 };
    const put = `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    const report = await afterChange(() => store.db.prepare(put).run(...columns.map((name) => (extra as Row)[name])));
    expect(report?.ok).toBe(false);
  });
});

// ── bytes of the file ───────────────────────────────────────────────────────────────────────────────────────

/** A copy of the store with other bytes in its file. */
function tampered(bytes: Uint8Array): string {
  const folder = join(store.folder, 'tampered');
  mkdirSync(folder, { recursive: true });
  for (const more of ['', '-wal', '-shm']) rmSync(join(folder, `journal.db${more}`), { force: true });
  writeFileSync(join(folder, 'journal.db'), bytes);
  writeFileSync(join(folder, 'log.key'), `${formatSignerKey(key)}\n`);
  return folder;
}

/** Everything in the tables that the log vouches for, bodies as they are unpacked; null when not all of it can be read. */
function truthIn(db: SqliteConnection): string | null {
  try {
    const unpacked = (row: Row) => ({
      ...row,
      ...('body' in row && { body: contentOf(row, 'body') }),
      ...('gaps' in row && { gaps: contentOf(row, 'gaps') }),
    });
    return JSON.stringify(
      TABLE_NAMES.map((table) =>
        db
          .prepare(`SELECT * FROM ${table}`)
          .all()
          .map((row) => unpacked(row as Row)),
      ),
    );
  } catch {
    return null;
  }
}

/** What SQLite, asked without us, has to say. */
function soundness(folder: string): { intact: boolean; truth: string | null } {
  let db: SqliteConnection;
  try {
    db = openForReading(join(folder, 'journal.db'));
  } catch {
    return { intact: false, truth: null };
  }
  try {
    const schema = JSON.stringify(db.prepare(`SELECT * FROM sqlite_master WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\'`).all());
    const migrations = JSON.stringify(db.prepare('SELECT created_at FROM __drizzle_migrations').all());
    // Names lead to items as an index does, so they are held to each other as an index is to its table.
    const names = JSON.stringify(['item', 'name'].map((table) => db.prepare(`SELECT class, serial, id FROM ${table} ORDER BY id`).all()));
    return { intact: db.pragma('integrity_check', { simple: true }) === 'ok', truth: schema + migrations + names + truthIn(db) };
  } catch {
    return { intact: false, truth: null };
  } finally {
    db.close();
  }
}

/** What verify-log says; an error only in our words. */
async function verified(folder: string): Promise<{ ok: boolean; told: string }> {
  try {
    const { ok, problems } = await verifyStore(folder, { verifiers });
    return { ok, told: problems.map(({ code, message }) => `${code}: ${message}`).join('\n') };
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    return { ok: false, told: `${error.code}: ${error.message}` };
  }
}

describe('a change of the bytes of the file', () => {
  const random = openRandom(SEED, 'bytes');
  const pageSize = () => sound.readUInt16BE(16);
  const rounds = LONG ? 3_000 : 60;
  const CHANGES: Record<string, () => Buffer> = {
    'a bit turned over': () => {
      const bytes = Buffer.from(sound);
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    },
    'a bit of the first page turned over': () => {
      const bytes = Buffer.from(sound);
      const at = random.below(100);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    },
    'two neighbouring bytes swapped': () => {
      const bytes = Buffer.from(sound);
      const at = random.below(bytes.length - 1);
      [bytes[at], bytes[at + 1]] = [bytes[at + 1] as number, bytes[at] as number];
      return bytes;
    },
    'the end cut off': () => sound.subarray(0, random.below(sound.length)),
    'the end cut off at a page': () => sound.subarray(0, pageSize() * random.below(sound.length / pageSize())),
    'a page of zeros': () => {
      const at = pageSize() * random.below(sound.length / pageSize());
      return Buffer.from(sound).fill(0, at, at + pageSize());
    },
    'two pages swapped': () => {
      const bytes = Buffer.from(sound);
      const [a, b] = [pageSize() * random.below(sound.length / pageSize()), pageSize() * random.below(sound.length / pageSize())];
      sound.copy(bytes, a, b, b + pageSize());
      sound.copy(bytes, b, a, a + pageSize());
      return bytes;
    },
  };

  it.each(Object.keys(CHANGES))('is told, or changes nothing that is read: %s', { timeout: 60_000 + rounds * 2_000 }, async (name) => {
    const before = soundness(tampered(sound));
    expect(before.intact).toBe(true);
    const part = name === 'a bit turned over' || name === 'two neighbouring bytes swapped' ? rounds : Math.ceil(rounds / 6);
    let told = 0;
    for (let round = 0; round < part; round++) {
      const folder = tampered((CHANGES[name] as () => Buffer)());
      const { intact, truth } = soundness(folder);
      const report = await verified(folder);
      const good = intact && truth === before.truth;
      expect(report.ok, `seed ${SEED}, round ${round}: ${report.told}`).toBe(good);
      if (!report.ok) expect(report.told).toMatch(/^[A-Z]+-[A-Z-]+: \S/);
      if (!report.ok) told++;
    }
    expect(told).toBeGreaterThan(0);
  });

  it('is told of every bit of the head of the file, or changes nothing that is read', { timeout: 120_000 }, async () => {
    const before = soundness(tampered(sound));
    for (let bit = 0; bit < 800; bit += LONG ? 1 : 7) await mustBeTold(bit);
    for (let bit = 47 * 8; bit < 48 * 8; bit++) await mustBeTold(bit); // the form of the file, of which SQLite tells without a code of its own

    async function mustBeTold(bit: number): Promise<void> {
      const bytes = Buffer.from(sound);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const folder = tampered(bytes);
      const { intact, truth } = soundness(folder);
      const report = await verified(folder);
      expect(report.ok, `byte ${bit >> 3}, bit ${bit & 7}: ${report.told}`).toBe(intact && truth === before.truth);
    }
  });

  it('ends with 1 and a line in our words, without a stack, when the file is none of SQLite', async () => {
    const bytes = Buffer.from(sound);
    bytes[3] = 0;
    const { code, out, err } = await run(['verify-log', '--data', tampered(bytes)]);
    expect(code).toBe(1);
    expect(err).toMatch(/^STORE-DAMAGED: The store \S+journal\.db is damaged: file is not a database\. Stop the service/m);
    expect(out + err).not.toContain('    at ');
  });
});
