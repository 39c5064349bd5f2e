import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Capturer } from '../../src/capture/capturer.ts';
import {
  encodeLeaf,
  Frontier,
  leafHash,
  noteSigner,
  parseEntryBundle,
  signCheckpoint,
  signerKeyFromSeed,
  TILE_WIDTH,
  verifierKeyOf,
  verifyCheckpoint,
  verifyConsistency,
  verifyProof,
} from '../../src/ledger/index.ts';
import { sha256Node, signFunctionNode } from '../../src/ledger/node-crypto.ts';
import { formatVerifierKey } from '../../src/ledger/note.ts';
import { consistency, entryBundle, inclusion, latestCheckpoint, tile } from '../../src/ledger/questions.ts';
import { checkStoredLog } from '../../src/ledger/stored-log.ts';
import type { EntryRow } from '../../src/store/rows.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { openForWriting, SqliteDb } from '../../src/store/sqlite/open.ts';
import { START } from '../support/events.ts';
import { LONG } from './form.ts';

const origin = 'lotline.example/test';
const key = signerKeyFromSeed(origin, new Uint8Array(32).fill(7));
const signer = noteSigner(key, signFunctionNode(key));
const vkey = formatVerifierKey(verifierKeyOf(key));
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** Where tiles and levels begin and end. */
const SIZES = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537];

describe('a log that was stopped and goes on at exactly', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-sizes-'));
  /** The leaves, and the root at each size, kept apart from the store. */
  const leaves: Uint8Array[] = [];
  const roots = new Map<number, Uint8Array>([[0, new Frontier(sha256Node).root()]]);
  const reference = new Frontier(sha256Node);

  /** Everything that was open is closed and opened again. */
  async function opened<T>(work: (store: { journal: SqliteJournal; capturer: Capturer; db: SqliteDb }) => Promise<T>): Promise<T> {
    const connection = openForWriting(join(folder, 'journal.db'), { cacheMegabytes: 16 });
    connection.pragma('synchronous = OFF');
    const journal = new SqliteJournal(connection);
    const capturer = await Capturer.open(journal, { rules: 'flag', origin, signer, maxEvents: 1000, clock: () => START });
    try {
      return await work({ journal, capturer, db: new SqliteDb(connection) });
    } finally {
      connection.close();
    }
  }

  const grown = (hashes: readonly Uint8Array[]) => {
    leaves.push(...hashes);
    const tiles = reference.append(hashes);
    roots.set(reference.size, reference.root());
    return tiles;
  };

  /** Entries as a capturer appends them, many in one transaction, which nothing else does with entries so small. */
  async function fillTo(size: number): Promise<void> {
    if (reference.size >= size) return;
    await opened(async ({ journal }) => {
      const entries: EntryRow[] = [];
      const body = Buffer.from('{"kind":"end-key","id":"k_none"}');
      const digest = sha256Node(body);
      const leaf = {
        kind: 'access',
        recordTime: BigInt(START) * 1000n,
        actor: 'system',
        capture: '',
        bodyDigest: Buffer.from(digest).toString('hex'),
      };
      const hash = leafHash(encodeLeaf(leaf), sha256Node);
      for (let seq = reference.size; seq < size; seq++)
        entries.push({
          seq,
          kind: leaf.kind,
          record_time: START * 1000,
          actor: leaf.actor,
          capture: null,
          event_hash: null,
          body_digest: digest,
          payload_digest: null,
          leaf_hash: hash,
          encoding: 0,
          body,
        });
      journal.begin();
      journal.appendEntries(entries);
      journal.putTiles(grown(entries.map((entry) => entry.leaf_hash)));
      journal.putCheckpoint(size, START * 1000, signCheckpoint({ origin, size, rootHash: reference.root() }, [signer]));
      journal.commit();
    });
  }

  /** One more entry, by the capturer. */
  async function goOn(): Promise<void> {
    await opened(async ({ capturer, db }) => {
      await capturer.record({ kind: 'access', actor: 'system', body: { kind: 'end-key', id: `k_${leaves.length}` } }, async () => {});
      grown([db.connection.prepare('SELECT leaf_hash FROM entry ORDER BY seq DESC LIMIT 1').pluck().get() as Uint8Array]);
    });
  }

  beforeAll(async () => {
    await opened(async () => {});
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(SIZES)('%i entries has its root, its tiles and its proofs', { timeout: 300_000 }, async (size) => {
    if (size > 0) {
      await fillTo(size - 1);
      await goOn();
    }
    await opened(async ({ db }) => {
      const head = await latestCheckpoint(db);
      expect(head?.size ?? 0).toBe(size);
      const root = roots.get(size) as Uint8Array;
      if (head !== null) expect(new Uint8Array(verifyCheckpoint(head.text, [verifierKeyOf(key)]).rootHash)).toEqual(new Uint8Array(root));

      for (const from of SIZES.filter((earlier) => earlier <= size)) {
        const proof = await consistency(db, { from });
        expect(verifyConsistency(from, size, roots.get(from) as Uint8Array, root, proof.hashes.map(bytes))).toBe(true);
        expect(bytes(proof.toRootHash)).toEqual(new Uint8Array(root));
      }
      for (const seq of new Set([0, size >> 1, size - 2, size - 1].filter((at) => at >= 0 && at < size))) {
        const proof = await inclusion(db, { event: String(seq) });
        expect(verifyProof({ text: proof?.text ?? '', leaf: Buffer.from(proof?.leaf ?? ''), vkey })).toMatchObject({
          valid: true,
          index: seq,
        });
      }
      const index = Math.floor(size / TILE_WIDTH);
      const width = size % TILE_WIDTH;
      const edge = width === 0 ? null : await tile(db, { level: 0, index, width });
      expect(edge).toEqual(width === 0 ? null : new Uint8Array(Buffer.concat(leaves.slice(index * TILE_WIDTH))));
      expect(await tile(db, { level: 0, index, width: width + 1 })).toBeNull();
      const bundle = width === 0 ? null : await entryBundle(db, { index, width });
      expect(bundle === null ? 0 : parseEntryBundle(bundle).length).toBe(width);
      if (size < 1_000 || size === SIZES.at(-1) || LONG) {
        const { ok, problems } = await checkStoredLog(db, { verifiers: [verifierKeyOf(key)] });
        expect(problems).toEqual([]);
        expect(ok).toBe(true);
      }
    });
  });
});
