import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LotlineError } from '../errors.ts';
import {
  consistencyNodes,
  consistencyProof,
  emptyRoot,
  Frontier,
  fetchConsistencyProof,
  fetchInclusionProof,
  type HashReader,
  hashesFrom,
  inclusionNodes,
  inclusionProof,
  leafHash,
  rootAtSize,
  rootFromInclusion,
  rootNodes,
  tilesOfNodes,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { sha256Node } from './node-crypto.ts';
import { sha256 } from './sha256.ts';
import { partialTilesOfSize, type Tile, type TileId, tilesOfSize } from './tile.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

// The vectors of domain.md §18.2, which certificate transparency implementations share.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(bytes);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const INCLUSION_5_IN_8 = [
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
];
const CONSISTENCY_6_TO_8 = [
  '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
];
const CONSISTENCY_3_TO_7 = [
  '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
  '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  '837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e',
];

/** Sizes at which something changes: tiles, levels, and the largest that domain.md §18.2 lays out. */
const SIZES = [0, 1, 255, 256, 257, 65_536, 65_537, 70_000];
const SIZE_MAX = 70_000;

/** Leaf hashes of a long log, each its own. */
const hashes = Array.from({ length: SIZE_MAX }, (_, i) => leafHash(Buffer.from(`entry ${i}`), sha256Node));

/** The definition of RFC 6962 §2.1, word for word, as the oracle for everything above it. */
function treeHash(from: number, to: number): Uint8Array {
  if (to - from === 0) return sha256Node(new Uint8Array(0));
  if (to - from === 1) return hashes[from]!;
  let split = 1;
  while (split * 2 < to - from) split *= 2;
  return sha256Node(Buffer.concat([[1], treeHash(from, from + split), treeHash(from + split, to)].map((part) => Buffer.from(part))));
}

/** What a store keeps: the latest hashes of each tile. */
class Tiles {
  readonly kept = new Map<string, Tile>();
  keep(tiles: Tile[]): void {
    for (const tile of tiles) this.kept.set(`${tile.level}/${tile.index}`, tile);
  }
  readonly read = ({ level, index }: TileId): Uint8Array | undefined => this.kept.get(`${level}/${index}`)?.hashes;
  reader(): HashReader {
    return hashesFrom(this.kept.values());
  }
}

/** The whole log, appended in commits of uneven size. */
const tiles = new Tiles();
const whole = new Frontier(sha256Node);
for (let from = 0, commit = 1; from < SIZE_MAX; from += commit, commit = (commit * 7 + 3) % 1031)
  tiles.keep(whole.append(hashes.slice(from, from + commit)));
const read = tiles.reader();

const flipped = (original: Uint8Array, bit: number): Uint8Array => {
  const copy = new Uint8Array(original); // slice() of a Buffer would be a view
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

describe.each([
  ['@noble/hashes', sha256],
  ['node:crypto', sha256Node],
] as const)('the vectors of RFC 6962 trees, hashed by %s', (_, hash) => {
  const leaves = LEAVES.map((leaf) => leafHash(leaf, hash));
  const vectorReader: HashReader = (_level, index) => leaves[index]!;

  it('give the root at each size from 0 to 8', () => {
    const frontier = new Frontier(hash);
    const roots = [hex(frontier.root())];
    for (const leaf of leaves) {
      frontier.append([leaf]);
      roots.push(hex(frontier.root()));
    }
    expect(roots).toEqual(ROOTS);
    expect(hex(emptyRoot(hash))).toBe(ROOTS[0]);
    expect(ROOTS.map((_root, size) => hex(rootAtSize(size, vectorReader, hash)))).toEqual(ROOTS);
  });

  it('give the inclusion proof of leaf 5 in size 8, which verifies', () => {
    const proof = inclusionProof(5, 8, vectorReader, hash);
    expect(proof.map(hex)).toEqual(INCLUSION_5_IN_8);
    expect(verifyInclusion(leaves[5]!, 5, 8, proof, bytes(ROOTS[8]!), hash)).toBe(true);
  });

  it.each([
    [6, 8, CONSISTENCY_6_TO_8],
    [3, 7, CONSISTENCY_3_TO_7],
  ])('give the consistency proof from %i to %i, which verifies', (from, to, expected) => {
    const proof = consistencyProof(from, to, vectorReader, hash);
    expect(proof.map(hex)).toEqual(expected);
    expect(verifyConsistency(from, to, bytes(ROOTS[from]!), bytes(ROOTS[to]!), proof, hash)).toBe(true);
  });
});

describe('the growing tree', () => {
  it.each(SIZES)('has the root that RFC 6962 defines at size %i, and exactly the tiles that C2SP names', (size) => {
    const frontier = new Frontier(sha256Node);
    const emitted = new Tiles();
    emitted.keep(frontier.append(hashes.slice(0, size)));
    expect(hex(frontier.root())).toBe(hex(treeHash(0, size)));
    expect(frontier.size).toBe(size);

    const named = [...tilesOfSize(size)];
    expect(emitted.kept.size).toBe(named.length);
    for (const { level, index, width } of named) {
      const tile = emitted.kept.get(`${level}/${index}`)!;
      expect([tile.width, tile.hashes.length]).toEqual([width, width * 32]);
      const span = 256 ** level;
      const start = index * 256 * span;
      const expected = Array.from({ length: width }, (_, i) => treeHash(start + i * span, start + (i + 1) * span));
      expect(Buffer.concat(expected).equals(tile.hashes)).toBe(true);
    }
  });

  it('lays 70,000 leaves out in 273 full tiles and one of 112, then one full and one of 17, then one of 1', () => {
    const widths = new Map<number, number[]>();
    for (const { level, width } of tiles.kept.values()) widths.set(level, [...(widths.get(level) ?? []), width]);
    expect(widths.get(0)).toEqual([...Array(273).fill(256), 112]);
    expect(widths.get(1)).toEqual([256, 17]);
    expect(widths.get(2)).toEqual([1]);
    expect(hex(whole.root())).toBe(hex(treeHash(0, SIZE_MAX)));
  });

  it('answers from an append only what changed in it', () => {
    const frontier = new Frontier(sha256Node);
    const idsOf = (changed: Tile[]): string[] => changed.map(({ level, index, width }) => `${level}/${index}:${width}`);
    expect(idsOf(frontier.append(hashes.slice(0, 255)))).toEqual(['0/0:255']);
    expect(idsOf(frontier.append(hashes.slice(255, 256)))).toEqual(['0/0:256', '1/0:1']);
    expect(idsOf(frontier.append(hashes.slice(256, 257)))).toEqual(['0/1:1']);
    expect(idsOf(frontier.append([]))).toEqual([]);
    expect(idsOf(frontier.append(hashes.slice(257, 770)))).toEqual(['0/1:256', '0/2:256', '0/3:2', '1/0:3']);
  });

  it('goes on from any stored size as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat({ max: SIZE_MAX }), fc.nat({ max: 1500 }), (size, more) => {
        const restored = Frontier.restore(size, tiles.read, sha256Node);
        const end = Math.min(SIZE_MAX, size + more);
        const unbroken = new Frontier(sha256Node);
        unbroken.appendFull(hashes.slice(0, size));
        expect(hex(restored.root())).toBe(hex(unbroken.root()));
        expect(restored.append(hashes.slice(size, end))).toEqual(unbroken.append(hashes.slice(size, end)));
        expect(restored.root()).toEqual(unbroken.root());
      }),
      { numRuns: 25 },
    );
  });

  it.each(SIZES)('is restored at size %i', (size) => {
    const restored = Frontier.restore(size, tiles.read, sha256Node);
    expect(hex(restored.root())).toBe(hex(treeHash(0, size)));
    restored.append(hashes.slice(size));
    expect(hex(restored.root())).toBe(hex(whole.root()));
  });

  it('is not restored from a missing or a shortened tile', () => {
    const refused = expect.objectContaining({ code: 'LOG-INCLUSION' });
    expect(() => Frontier.restore(300, () => undefined)).toThrow(refused);
    expect(() => Frontier.restore(300, (tile) => tiles.read(tile)!.slice(0, tile.width * 32 - 1))).toThrow(refused);
    expect(() => Frontier.restore(-1, tiles.read)).toThrow(refused);
  });

  it('leaves the original as it was when a clone grows, and the clone when the original grows', () => {
    const original = new Frontier(sha256Node);
    original.append(hashes.slice(0, 300));
    const clone = original.clone();
    clone.append(hashes.slice(1000, 1700));
    expect(hex(original.root())).toBe(hex(treeHash(0, 300)));
    const again = original.clone();
    original.append(hashes.slice(2000, 2600));
    again.append(hashes.slice(300, 900));
    expect(hex(again.root())).toBe(hex(treeHash(0, 900)));
  });

  it('keeps nothing of an append with a leaf that is no hash', () => {
    const frontier = new Frontier();
    expect(() => frontier.append([hashes[0]!, new Uint8Array(31)])).toThrow(expect.objectContaining({ code: 'LOG-INCLUSION' }));
    expect(hex(frontier.root())).toBe(ROOTS[0]);
  });

  it('does not depend on what becomes of the arrays it was given', () => {
    const frontier = new Frontier(sha256Node);
    const reused = Buffer.alloc(32);
    for (const leaf of hashes.slice(0, 5)) {
      reused.set(leaf);
      frontier.append([reused]);
    }
    expect(hex(frontier.root())).toBe(hex(treeHash(0, 5)));
    const stored = new Uint8Array(tiles.read({ level: 0, index: 0, width: 5 })!);
    const restored = Frontier.restore(5, () => stored, sha256Node);
    stored.fill(0);
    restored.append(hashes.slice(5, 9));
    expect(hex(restored.root())).toBe(hex(treeHash(0, 9)));
  });
});

const indexAndSize = fc.integer({ min: 1, max: SIZE_MAX }).chain((size) => fc.tuple(fc.nat({ max: size - 1 }), fc.constant(size)));
const twoSizes = fc.tuple(fc.nat({ max: SIZE_MAX }), fc.nat({ max: SIZE_MAX })).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe('inclusion', () => {
  it('is proven for every leaf of every size up to 40', () => {
    for (let size = 1; size <= 40; size++) {
      const root = treeHash(0, size);
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, read, sha256Node);
        expect(verifyInclusion(hashes[index]!, index, size, proof, root, sha256Node)).toBe(true);
        expect(verifyInclusion(hashes[index]!, index, size, [...proof, root], root, sha256Node)).toBe(false);
        expect(verifyInclusion(hashes[index + 1]!, index, size, proof, root, sha256Node)).toBe(false);
      }
    }
  });

  it('is proven for random leaves of random sizes, and for no other index, size, leaf or root', () => {
    fc.assert(
      fc.property(indexAndSize, fc.nat({ max: 255 }), fc.nat(), ([index, size], bit, which) => {
        const root = rootAtSize(size, read, sha256Node);
        const proof = inclusionProof(index, size, read, sha256Node);
        const leaf = hashes[index]!;
        expect(verifyInclusion(leaf, index, size, proof, root, sha256Node)).toBe(true);
        expect(verifyInclusion(flipped(leaf, bit), index, size, proof, root, sha256Node)).toBe(false);
        expect(verifyInclusion(leaf, index, size, proof, flipped(root, bit), sha256Node)).toBe(false);
        expect(verifyInclusion(leaf, index ^ 1, size, proof, root, sha256Node)).toBe(false);
        if (proof.length > 0) {
          const changed = proof.map((hash, i) => (i === which % proof.length ? flipped(hash, bit) : hash));
          expect(verifyInclusion(leaf, index, size, changed, root, sha256Node)).toBe(false);
          expect(verifyInclusion(leaf, index, size, proof.slice(1), root, sha256Node)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('fails for every single-bit change of leaf, proof or root (leaf 5 of 8)', () => {
    const proof = INCLUSION_5_IN_8.map(bytes);
    const leaf = leafHash(LEAVES[5]!);
    const root = bytes(ROOTS[8]!);
    let refused = 0;
    for (let bit = 0; bit < 256; bit++) {
      expect(verifyInclusion(flipped(leaf, bit), 5, 8, proof, root)).toBe(false);
      expect(verifyInclusion(leaf, 5, 8, proof, flipped(root, bit))).toBe(false);
      for (const which of proof.keys()) {
        const changed = proof.map((hash, i) => (i === which ? flipped(hash, bit) : hash));
        expect(verifyInclusion(leaf, 5, 8, changed, root)).toBe(false);
      }
      refused += 5;
    }
    expect(refused).toBe(5 * 256);
    for (let index = 0; index < 8; index++) expect(verifyInclusion(leaf, index, 8, proof, root)).toBe(index === 5);
  });

  it('is not even computed for what cannot be a proof', () => {
    const leaf = hashes[0]!;
    expect(rootFromInclusion(leaf, 1, 1, [])).toBeUndefined();
    expect(rootFromInclusion(leaf, -1, 1, [])).toBeUndefined();
    expect(rootFromInclusion(leaf, 0.5, 1, [])).toBeUndefined();
    expect(rootFromInclusion(leaf, 0, Number.NaN, [])).toBeUndefined();
    expect(rootFromInclusion(leaf.slice(1), 0, 1, [])).toBeUndefined();
    expect(rootFromInclusion(leaf, 0, 2, [leaf.slice(1)])).toBeUndefined();
    expect(rootFromInclusion(leaf, 0, 1, [])).toEqual(leaf);
    expect(() => inclusionNodes(8, 8)).toThrow(expect.objectContaining({ code: 'LOG-INCLUSION' }));
  });

  it('works at sizes beyond 32 bits', () => {
    const size = 2 ** 40 + 2 ** 33 + 5;
    const node: HashReader = (level, index) => sha256Node(Buffer.from(`${level}/${index}`));
    const nodes = inclusionNodes(size - 1, size);
    expect(nodes.flat().every(({ height, index }) => (index + 1) * 2 ** height <= size)).toBe(true);
    const proof = inclusionProof(size - 1, size, node, sha256Node);
    expect(verifyInclusion(node(0, size - 1), size - 1, size, proof, rootAtSize(size, node, sha256Node), sha256Node)).toBe(true);
  });
});

describe('consistency', () => {
  it('is proven between any two sizes up to 40', () => {
    for (let to = 0; to <= 40; to++)
      for (let from = 0; from <= to; from++) {
        const proof = consistencyProof(from, to, read, sha256Node);
        expect(verifyConsistency(from, to, treeHash(0, from), treeHash(0, to), proof, sha256Node)).toBe(true);
        expect(verifyConsistency(from, to, treeHash(0, from), treeHash(0, to), [...proof, hashes[0]!], sha256Node)).toBe(false);
      }
  });

  it('is proven between random sizes, and not after any change', () => {
    fc.assert(
      fc.property(twoSizes, fc.nat({ max: 255 }), fc.nat(), ([from, to], bit, which) => {
        const oldRoot = rootAtSize(from, read, sha256Node);
        const root = rootAtSize(to, read, sha256Node);
        const proof = consistencyProof(from, to, read, sha256Node);
        expect(verifyConsistency(from, to, oldRoot, root, proof, sha256Node)).toBe(true);
        expect(verifyConsistency(from, to, flipped(oldRoot, bit), root, proof, sha256Node)).toBe(false);
        if (from > 0) expect(verifyConsistency(from, to, oldRoot, flipped(root, bit), proof, sha256Node)).toBe(false);
        if (proof.length > 0) {
          const changed = proof.map((hash, i) => (i === which % proof.length ? flipped(hash, bit) : hash));
          expect(verifyConsistency(from, to, oldRoot, root, changed, sha256Node)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [6, 8, CONSISTENCY_6_TO_8],
    [3, 7, CONSISTENCY_3_TO_7],
  ])('fails for every single-bit change of proof or roots (%i to %i)', (from, to, expected) => {
    const proof = expected.map(bytes);
    const [oldRoot, root] = [bytes(ROOTS[from]!), bytes(ROOTS[to]!)];
    for (let bit = 0; bit < 256; bit++) {
      expect(verifyConsistency(from, to, flipped(oldRoot, bit), root, proof)).toBe(false);
      expect(verifyConsistency(from, to, oldRoot, flipped(root, bit), proof)).toBe(false);
      for (const which of proof.keys()) {
        const changed = proof.map((hash, i) => (i === which ? flipped(hash, bit) : hash));
        expect(verifyConsistency(from, to, oldRoot, root, changed)).toBe(false);
      }
    }
  });

  it('refuses a fork: two tails that grew from one size', () => {
    const fork = new Frontier(sha256Node);
    fork.append(hashes.slice(0, 600));
    const common = fork.root();
    const forkTiles = new Tiles();
    forkTiles.keep(Frontier.restore(0, tiles.read, sha256Node).append([...hashes.slice(0, 600), ...hashes.slice(700, 800)]));
    const proof = consistencyProof(600, 700, forkTiles.reader(), sha256Node);
    expect(verifyConsistency(600, 700, common, rootAtSize(700, forkTiles.reader(), sha256Node), proof, sha256Node)).toBe(true);
    expect(verifyConsistency(600, 700, common, rootAtSize(700, read, sha256Node), proof, sha256Node)).toBe(false);
    const later = consistencyProof(650, 700, forkTiles.reader(), sha256Node);
    const [mine, theirs] = [rootAtSize(650, read, sha256Node), rootAtSize(700, forkTiles.reader(), sha256Node)];
    expect(verifyConsistency(650, 700, mine, theirs, later, sha256Node)).toBe(false);
  });

  it('knows no tree that shrinks, and from the empty tree only its own root', () => {
    const root = treeHash(0, 7);
    expect(verifyConsistency(7, 3, root, treeHash(0, 3), [])).toBe(false);
    expect(verifyConsistency(0, 7, emptyRoot(), root, [])).toBe(true);
    expect(verifyConsistency(0, 7, root, root, [])).toBe(false);
    expect(verifyConsistency(7, 7, root, treeHash(0, 6), [])).toBe(false);
    expect(verifyConsistency(0.5, 7, root, root, [])).toBe(false);
    expect(() => consistencyNodes(8, 7)).toThrow(expect.objectContaining({ code: 'LOG-CONSISTENCY' }));
    expect(() => consistencyNodes(-1, 7)).toThrow(expect.objectContaining({ code: 'LOG-CONSISTENCY' }));
  });
});

describe('the tiles that a proof needs', () => {
  it('are named before any is read, each once, and are enough', async () => {
    await fc.assert(
      fc.asyncProperty(indexAndSize, async ([index, size]) => {
        const asked: TileId[][] = [];
        const fetchTiles = async (wanted: TileId[]) => {
          asked.push(wanted);
          return wanted.map((tile) => ({ ...tile, hashes: tiles.read(tile)!.slice(0, tile.width * 32) }));
        };
        expect(await fetchInclusionProof(index, size, fetchTiles, sha256Node)).toEqual(inclusionProof(index, size, read, sha256Node));
        expect(await fetchConsistencyProof(index, size, fetchTiles, sha256Node)).toEqual(consistencyProof(index, size, read, sha256Node));
        expect(asked).toHaveLength(2);
        const levels = partialTilesOfSize(SIZE_MAX).length;
        for (const wanted of asked) {
          expect(new Set(wanted.map(({ level, index: i }) => `${level}/${i}`)).size).toBe(wanted.length);
          expect(wanted.length).toBeLessThanOrEqual(2 * levels);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are missed by name when the store does not have them', () => {
    const without = hashesFrom([...tiles.kept.values()].filter(({ level, index }) => level !== 0 || index !== 2));
    expect(() => inclusionProof(600, 70_000, without)).toThrow(/Tile 2 of level 0/);
    expect(() => hashesFrom([])(0, 0)).toThrow(LotlineError);
    expect(tilesOfNodes(rootNodes(70_000), 70_000)).toEqual([
      { level: 2, index: 0, width: 1 },
      { level: 1, index: 1, width: 17 },
      { level: 0, index: 273, width: 112 },
    ]);
  });
});
