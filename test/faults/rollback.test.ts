import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyStore } from '../../src/cli/verify-log.ts';
import {
  parseSignerKey,
  parseVerifierKey,
  type VerifierKey,
  verifierKeyOf,
  verifyCheckpoint,
  verifyConsistency,
} from '../../src/ledger/index.ts';
import { HEAD_FILE } from '../../src/ledger/log-head.ts';
import { openRandom } from '../../src/worlds/random.ts';
import { documentOf, observe, packOf } from '../support/events.ts';
import { TestServer } from '../support/server.ts';
import { LONG, SEED } from './form.ts';

const root = mkdtempSync(join(tmpdir(), 'lotline-rollback-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A copy of a folder as it lies there: what a backup tool makes that knows nothing of the service. */
function copyOf(folder: string, without: readonly string[] = []): string {
  const copy = join(root, `copy-${++folders}`);
  cpSync(folder, copy, { recursive: true, filter: (path) => !without.some((name) => path.endsWith(name)) });
  return copy;
}

const keyIn = (folder: string): VerifierKey => verifierKeyOf(parseSignerKey(readFileSync(join(folder, 'log.key'), 'utf8').trim()));
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

async function told(folder: string, kept?: string): Promise<string[]> {
  const { problems } = await verifyStore(folder, { verifiers: [keyIn(folder)], ...(kept !== undefined && { kept }) });
  return problems.map(({ code }) => code);
}

async function serving<T>(folder: string, work: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await TestServer.start({ data: folder });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const captured = async (server: TestServer, name: string, count = 5): Promise<string> => {
  for (let i = 0; i < count; i++)
    expect(await server.capture(documentOf([observe(i, packOf(`${name}-${i}`))]))).toMatchObject({ success: true });
  return (await server.get('/ledger/checkpoint')).body;
};

/** Whether a service can show the holder of a checkpoint that its log continues it. */
async function shows(server: TestServer, kept: string): Promise<boolean> {
  const verifier = parseVerifierKey((await server.get('/ledger/key')).body.trim());
  const seen = verifyCheckpoint(kept, [verifier]);
  const answer = await server.get(`/api/v1/ledger/consistency?from=${seen.size}`);
  if (answer.statusCode !== 200) return false;
  const { from, to, toRootHash, hashes } = answer.json() as { from: number; to: number; toRootHash: string; hashes: string[] };
  return verifyConsistency(from, to, seen.rootHash, bytes(toRootHash), hashes.map(bytes));
}

describe('a log of which there was more', () => {
  const folder = join(root, 'original');
  let backup: string;
  /** What somebody keeps who asked before the backup, and after it. */
  let earlier: string;
  let later: string;

  beforeAll(async () => {
    earlier = await serving(folder, async (server) => await captured(server, 'first'));
    backup = copyOf(folder);
    later = await serving(folder, async (server) => await captured(server, 'then'));
  });

  it('is good by itself, and continues what was seen of it', async () => {
    expect(await told(folder, later)).toEqual([]);
    await serving(copyOf(folder), async (server) => {
      expect(await shows(server, earlier)).toBe(true);
      expect(await shows(server, later)).toBe(true);
    });
  });

  it('is told by everybody who holds a later checkpoint when an old backup is in its place, and by nobody else', async () => {
    const restored = copyOf(backup);
    expect(await told(restored)).toEqual([]);
    expect(await told(restored, earlier)).toEqual([]);
    expect(await told(restored, later)).toEqual(['LOG-ROLLBACK']);
    await serving(restored, async (server) => {
      expect(await shows(server, earlier)).toBe(true);
      expect(await shows(server, later)).toBe(false);
    });
  });

  it('is told as a fork once it has gone on from the backup, by who saw the one end or the other', async () => {
    const restored = copyOf(backup);
    const other = await serving(restored, async (server) => {
      const end = await captured(server, 'otherwise', 9);
      expect(await shows(server, end)).toBe(true);
      expect(await shows(server, earlier)).toBe(true);
      expect(await shows(server, later)).toBe(false);
      return end;
    });
    expect(await told(restored)).toEqual([]);
    expect(await told(restored, later)).toEqual(['LOG-FORK']);
    expect(await told(folder, other)).toEqual(['LOG-ROLLBACK']); // the other end is longer
    await serving(copyOf(folder), async (server) => {
      await captured(server, 'more', 9);
      expect(await shows(server, later)).toBe(true);
      expect(await shows(server, other)).toBe(false);
    });
  });

  it.each([
    {
      what: 'only the journal is put back',
      replace: (to: string) => cpSync(join(backup, 'journal.db'), join(to, 'journal.db')),
      code: 'LOG-ROLLBACK',
    },
    { what: 'there is no journal any more', replace: (to: string) => rmSync(join(to, 'journal.db')), code: 'LOG-ROLLBACK' },
  ])('does not go on where $what, until somebody takes away what tells of it', async ({ replace, code }) => {
    const copy = copyOf(folder);
    replace(copy);
    await expect(serving(copy, async () => {})).rejects.toMatchObject({ code });
    if (existsSync(join(copy, 'journal.db'))) expect(await told(copy)).toEqual([code]);
    rmSync(join(copy, HEAD_FILE));
    if (existsSync(join(copy, 'journal.db'))) await serving(copy, async (server) => expect(await shows(server, earlier)).toBe(true));
  });

  it('does not go on with another history of the same length', async () => {
    const copy = copyOf(backup);
    await serving(copy, async (server) => await captured(server, 'otherwise', 9));
    cpSync(join(folder, HEAD_FILE), join(copy, HEAD_FILE));
    await expect(serving(copy, async () => {})).rejects.toMatchObject({ code: 'LOG-FORK' });
    expect(await told(copy)).toEqual(['LOG-FORK']);
  });

  it('minds no file that is older than the store, is empty or is missing; one that was changed is told', async () => {
    const copy = copyOf(folder);
    for (const content of [readFileSync(join(backup, HEAD_FILE)), '']) {
      writeFileSync(join(copy, HEAD_FILE), content);
      expect(await told(copy)).toEqual([]);
    }
    const changed = readFileSync(join(folder, HEAD_FILE));
    changed[changed.length - 8] = (changed[changed.length - 8] as number) ^ 1;
    writeFileSync(join(copy, HEAD_FILE), changed);
    expect(await told(copy)).toEqual(['LOG-SIGNATURE']);
    await serving(copy, async (server) => await captured(server, 'on', 1)); // and is written anew
    expect(await told(copy)).toEqual([]);
  });
});

describe('what SQLite keeps beside the journal', () => {
  const random = openRandom(SEED, 'write-ahead log');
  let left: string;
  let wal: Buffer;

  beforeAll(async () => {
    const folder = join(root, 'running');
    await serving(folder, async (server) => {
      await captured(server, 'then', 12);
      left = copyOf(folder, ['lock.db']); // as a kill leaves it
    });
    wal = readFileSync(join(left, 'journal.db-wal'));
  });

  const changed = (content: Buffer | null): string => {
    const copy = copyOf(left, ['-shm']);
    if (content === null) rmSync(join(copy, 'journal.db-wal'));
    else writeFileSync(join(copy, 'journal.db-wal'), content);
    return copy;
  };

  it('is part of the store, as it was left', async () => {
    expect(wal.length).toBeGreaterThan(100_000);
    expect(await told(changed(wal))).toEqual([]);
  });

  it('is missed when it is gone, and when its end is cut off', { timeout: 300_000 }, async () => {
    expect(await told(changed(null))).not.toEqual([]);
    for (let i = 0; i < (LONG ? 100 : 8); i++) {
      const at = random.below(wal.length);
      expect(await told(changed(wal.subarray(0, at))), `seed ${SEED}, cut at ${at}`).not.toEqual([]);
    }
  });

  it('is told when any bit of it is turned over', { timeout: 900_000 }, async () => {
    for (let i = 0; i < (LONG ? 1_000 : 25); i++) {
      const copy = Buffer.from(wal);
      const at = random.below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      expect(await told(changed(copy)), `seed ${SEED}, bit of byte ${at}`).not.toEqual([]);
    }
  });
});
