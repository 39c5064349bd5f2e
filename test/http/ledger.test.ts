import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatTilePath,
  hashesFrom,
  leafHash,
  parseCheckpoint,
  parseEntryBundle,
  parseNote,
  parseVerifierKey,
  rootAtSize,
  TILE_WIDTH,
  tilesOfSize,
  verifyCheckpoint,
  verifyConsistency,
  verifyProof,
} from '../../src/ledger/index.ts';
import { documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  const eventID = 'urn:uuid:9f0f6cd6-2e22-4a5c-8b2b-2f8a5f0a00aa';
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const events = Array.from({ length: 300 }, (_, i) => ({ ...objectEvent(), epcList: [sgtin(`L${i}`)], ...(i === 7 && { eventID }) }));
    await server.capture(documentOf(events));
  });
  afterAll(() => server.close());

  type ProofBody = {
    seq: number;
    eventHash: string | null;
    leaf: string;
    treeSize: number;
    rootHash: string;
    hashes: string[];
    checkpoint: string;
    text: string;
  };
  const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

  describe('GET /api/v1/ledger/proof', () => {
    it('proves every entry, offline, with nothing but the log key', async () => {
      const vkey = (await server.get('/ledger/key')).body.trim();
      const size = Number((await server.get('/ledger/checkpoint')).body.split('\n')[1]);
      expect(size).toBeGreaterThan(300);
      for (const seq of [0, 1, 2, 3, 100, 255, 256, size - 1]) {
        const proof = (await server.get(`/api/v1/ledger/proof?event=${seq}`)).json() as ProofBody;
        expect(verifyProof({ text: proof.text, leaf: Buffer.from(proof.leaf), vkey })).toMatchObject({ valid: true, index: seq });
        expect(proof.treeSize).toBe(size);
        expect(verifyProof({ text: proof.text, leaf: Buffer.from(proof.leaf.replace('"v":1', '"v":2')), vkey }).valid).toBe(false);
      }
    });

    it('finds an event by its eventID and by its hash', async () => {
      const byId = (await server.get(`/api/v1/ledger/proof?event=${encodeURIComponent(eventID)}`)).json() as ProofBody;
      expect(byId.eventHash).toMatch(/^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0$/);
      const byHash = (await server.get(`/api/v1/ledger/proof?event=${encodeURIComponent(byId.eventHash as string)}`)).json() as ProofBody;
      expect(byHash).toEqual(byId);
      expect(JSON.parse(byId.leaf)).toMatchObject({ kind: 'event', eventHash: byId.eventHash, v: 1 });
    });
  });

  describe('GET /api/v1/ledger/consistency', () => {
    it('shows that a later checkpoint continues an earlier one', async () => {
      const key = parseVerifierKey((await server.get('/ledger/key')).body.trim());
      const earlier = verifyCheckpoint((await server.get('/ledger/checkpoint')).body, [key]);
      await server.capture(documentOf([{ ...objectEvent(), epcList: [sgtin('LATER')] }]));
      const later = verifyCheckpoint((await server.get('/ledger/checkpoint')).body, [key]);
      expect(later.size).toBeGreaterThan(earlier.size);
      const { from, to, hashes, fromRootHash, toRootHash } = (await server.get(`/api/v1/ledger/consistency?from=${earlier.size}`)).json();
      expect([from, to]).toEqual([earlier.size, later.size]);
      expect(bytes(fromRootHash)).toEqual(new Uint8Array(earlier.rootHash));
      expect(bytes(toRootHash)).toEqual(new Uint8Array(later.rootHash));
      expect(verifyConsistency(from, to, earlier.rootHash, later.rootHash, hashes.map(bytes))).toBe(true);
      expect(verifyConsistency(from, to, later.rootHash, later.rootHash, hashes.map(bytes))).toBe(false);
    });

    it('holds between any two sizes', async () => {
      for (const [from, to] of [
        [0, 0],
        [0, 5],
        [1, 2],
        [3, 256],
        [256, 257],
        [255, 300],
      ] as const) {
        const answer = (await server.get(`/api/v1/ledger/consistency?from=${from}&to=${to}`)).json();
        expect(
          verifyConsistency(from, to, bytes(answer.fromRootHash), bytes(answer.toRootHash), answer.hashes.map(bytes)),
          `${from} to ${to}`,
        ).toBe(true);
      }
    });
  });

  describe('tiles', () => {
    it('lead to the root of the checkpoint, and bundles to the leaves of the tiles (c2sp.org/tlog-tiles)', async () => {
      const { size, rootHash } = parseCheckpoint(parseNote((await server.get('/ledger/checkpoint')).body).text);
      const tiles = [];
      for (const tile of tilesOfSize(size)) {
        const answer = await server.get(`/ledger${formatTilePath(tile)}`);
        expect(answer.statusCode).toBe(200);
        expect(answer.headers['content-type']).toBe('application/octet-stream');
        expect(answer.headers['cache-control']).toBe('private, max-age=31536000, immutable');
        expect(answer.rawPayload.length).toBe(tile.width * 32);
        tiles.push({ ...tile, hashes: new Uint8Array(answer.rawPayload) });
      }
      expect(rootAtSize(size, hashesFrom(tiles))).toEqual(rootHash);
      for (const tile of tiles.filter(({ level }) => level === 0)) {
        const bundle = await server.get(`/ledger${formatTilePath({ ...tile, level: 'entries' })}`);
        const leaves = parseEntryBundle(new Uint8Array(bundle.rawPayload));
        expect(leaves).toHaveLength(tile.width);
        for (const [i, leaf] of leaves.entries()) expect(leafHash(leaf)).toEqual(tile.hashes.subarray(i * 32, i * 32 + 32));
      }
    });

    it('can be asked for in part when they are whole', async () => {
      const whole = (await server.get('/ledger/tile/0/000')).rawPayload;
      expect(whole.length).toBe(TILE_WIDTH * 32);
      expect((await server.get('/ledger/tile/0/000.p/5')).rawPayload).toEqual(whole.subarray(0, 5 * 32));
    });
  });

  describe('LOTLINE_LEDGER_PUBLIC', () => {
    it('opens checkpoint, key and tiles to everybody, and lets caches keep tiles', async () => {
      const open = await TestServer.on(engine, { ledgerPublic: true });
      try {
        expect((await open.get('/ledger/checkpoint', { key: null })).body).toContain('lotline.example/test');
        expect((await open.get('/ledger/key', { key: null })).statusCode).toBe(200);
        expect((await open.get('/ledger/tile/0/000.p/1', { key: null })).headers['cache-control']).toContain('public');
        expect((await open.get('/api/v1/ledger/proof?event=0', { key: null })).statusCode).toBe(401);
      } finally {
        await open.close();
      }
    });
  });
});
