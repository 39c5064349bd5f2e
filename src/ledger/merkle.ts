/**
 * The Merkle tree of RFC 6962 §2.1 over the journal: append, root, proofs, and their verification.
 *
 *     leaf = H(0x00 ‖ entry)      node = H(0x01 ‖ left ‖ right)      the empty tree = H("")
 *
 * The tree is kept as tiles (tile.ts). What a proof needs is said first, as coordinates, by a pure function; the caller fetches the
 * tiles in one go and the proof is then put together without waiting. Sizes are numbers: a log of 2^53 entries will not be written.
 */
import { LotlineError } from '../errors.ts';
import { sameBytes } from './bytes.ts';
import { HASH_SIZE, type Sha256, sha256 } from './sha256.ts';
import { hashesAtLevel, hashOfTile, partialTilesOfSize, TILE_HEIGHT, TILE_WIDTH, type Tile, type TileId, tileWidth } from './tile.ts';

/** Hash of an entry: H(0x00 ‖ entry), RFC 6962 §2.1. */
export function leafHash(entry: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return hash(input);
}

const nodeInput = new Uint8Array(1 + 2 * HASH_SIZE); // used again for every node: a hash function does not keep its input
nodeInput[0] = 1;

/** Hash of an inner node: H(0x01 ‖ left ‖ right), RFC 6962 §2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_SIZE);
  return hash(nodeInput);
}

/** Root of the tree without leaves: H(""), RFC 6962 §2.1. */
export function emptyRoot(hash: Sha256 = sha256): Uint8Array {
  return hash(new Uint8Array(0));
}

// ---------------------------------------------------------------------------------------------------------------- growing the tree

/**
 * The growing edge of the tree. It holds the hashes of the partial tiles and the root of each perfect subtree left of the edge,
 * some 10 kB in all, so a leaf costs one or two hashes on average and a root costs one hash a level, whatever the size.
 *
 * One owner at a time. An append that may still be undone (its transaction can fail) goes to a `clone()`, which takes the
 * original's place once the tiles are durable.
 */
export class Frontier {
  #size = 0;
  /** `peaks[h]` is the root of the perfect subtree of 2^h leaves at the edge; it counts only when bit h of the size is set. */
  readonly #peaks: Uint8Array[] = [];
  /** `edge[level]` holds the hashes of the partial tile of that level, of which `widths[level]` count. */
  readonly #edge: Uint8Array[] = [];
  readonly #widths: number[] = [];
  readonly #hash: Sha256;

  constructor(hash: Sha256 = sha256) {
    this.#hash = hash;
  }

  /**
   * The edge of a stored tree of `size` leaves, from the tiles that partialTilesOfSize(size) names. `readTile` may answer a wider tile
   * (the store has gone on); a missing or a shorter one is LOG-INCLUSION.
   */
  static restore(size: number, readTile: (tile: TileId) => Uint8Array | null | undefined, hash: Sha256 = sha256): Frontier {
    const frontier = new Frontier(hash);
    for (const tile of partialTilesOfSize(checkedSize(size))) {
      const hashes = readTile(tile);
      if (!hashes || hashes.length < tile.width * HASH_SIZE) throw missingTile(tile, hashes?.length);
      frontier.#restoreLevel(tile, hashes);
    }
    frontier.#size = size;
    return frontier;
  }

  #restoreLevel({ level, width }: TileId, hashes: Uint8Array): void {
    while (this.#edge.length <= level) this.#openLevel();
    this.#edge[level]!.set(hashes.subarray(0, width * HASH_SIZE));
    this.#widths[level] = width;
    let start = 0;
    for (let bit = TILE_HEIGHT - 1; bit >= 0; bit--) {
      if (((width >> bit) & 1) === 0) continue;
      const peak = perfectRoot(start, 1 << bit, (i) => hashOfTile(hashes, i), this.#hash);
      this.#peaks[level * TILE_HEIGHT + bit] = new Uint8Array(peak); // not a view into what the store handed out
      start += 1 << bit;
    }
  }

  #openLevel(): void {
    this.#edge.push(new Uint8Array(TILE_WIDTH * HASH_SIZE));
    this.#widths.push(0);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Appends leaf hashes and answers the tiles that changed: every tile that became full, then the partial tile of each level that grew.
   * A leaf that is not 32 bytes long throws LOG-INCLUSION before anything is appended.
   */
  append(leaves: readonly Uint8Array[]): Tile[] {
    for (const leaf of leaves) checkHash(leaf);
    const before = this.#size;
    const changed: Tile[] = [];
    for (const leaf of leaves) this.#add(leaf, changed);
    return changed.concat(this.edgeTiles().filter((tile) => hashesAtLevel(tile.level, before) < hashesAtLevel(tile.level, this.#size)));
  }

  /** The same as append for a reader that has no use for partial tiles: answers only those that became full. */
  appendFull(leaves: readonly Uint8Array[]): Tile[] {
    for (const leaf of leaves) checkHash(leaf);
    const full: Tile[] = [];
    for (const leaf of leaves) this.#add(leaf, full);
    return full;
  }

  #add(leaf: Uint8Array, full: Tile[]): void {
    let node = leaf;
    // Level by level: put the node into its tile; it rises to the next tile level when that tile is full.
    for (let level = 0; ; level++) {
      if (level === this.#edge.length) this.#openLevel();
      const slot = this.#widths[level]!;
      const tile = this.#edge[level]!;
      tile.set(node, slot * HASH_SIZE);
      // Inside the tile it joins the perfect subtrees on its left, as a carry runs through a binary counter.
      let height = level * TILE_HEIGHT;
      for (let carry = slot; (carry & 1) === 1; carry >>= 1) node = nodeHash(this.#peaks[height++]!, node, this.#hash);
      if (slot + 1 < TILE_WIDTH) {
        this.#peaks[height] = node === leaf ? new Uint8Array(leaf) : node; // the array is the caller's
        this.#widths[level] = slot + 1;
        break;
      }
      full.push({ level, index: Math.floor(this.#size / TILE_WIDTH ** (level + 1)), width: TILE_WIDTH, hashes: tile.slice() });
      this.#widths[level] = 0;
    }
    this.#size++;
  }

  /** The partial tiles at the edge, lowest level first, with their own copy of the hashes. */
  edgeTiles(): Tile[] {
    return partialTilesOfSize(this.#size).map((tile) => ({ ...tile, hashes: this.#edge[tile.level]!.slice(0, tile.width * HASH_SIZE) }));
  }

  /** Root hash at the present size (RFC 6962 §2.1). */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (let level = 0; level < this.#widths.length; level++) {
      for (let bit = 0; bit < TILE_HEIGHT; bit++) {
        if (((this.#widths[level]! >> bit) & 1) === 0) continue;
        const peak = this.#peaks[level * TILE_HEIGHT + bit]!;
        root = root === undefined ? peak : nodeHash(peak, root, this.#hash);
      }
    }
    return new Uint8Array(root ?? emptyRoot(this.#hash)); // a Buffer's own slice() would not copy
  }

  /** An independent copy: what is appended to it leaves this one as it is. */
  clone(): Frontier {
    const copy = new Frontier(this.#hash);
    copy.#size = this.#size;
    copy.#peaks.push(...this.#peaks); // hashes are never changed in place
    copy.#edge.push(...this.#edge.map((tile) => tile.slice()));
    copy.#widths.push(...this.#widths);
    return copy;
  }
}

// ---------------------------------------------------------------------------------------------------------------- what a proof needs

/** A perfect subtree: 2^height leaves, the `index`-th of that height. Height 0 are the leaves. */
export type NodeId = { height: number; index: number };

/** Gives hash `index` of tile level `level`; level 0 are the leaf hashes. */
export type HashReader = (level: number, index: number) => Uint8Array;

/** The perfect subtrees that leaves [from, to) fall into, left to right; `from` is a multiple of the largest. */
function subtreesOf(from: number, to: number): NodeId[] {
  const nodes: NodeId[] = [];
  for (let start = from; start < to; ) {
    let height = 0;
    while (2 ** (height + 1) <= to - start) height++;
    nodes.push({ height, index: start / 2 ** height });
    start += 2 ** height;
  }
  return nodes;
}

/** The largest power of two below n (n > 1): where RFC 6962 §2.1 splits a tree of n leaves. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

/** One step from the root downwards: on which side the subtree lies that is left behind, and its leaves. */
type Step = { sibling: 'left' | 'right'; from: number; to: number };

/** The way from the root of [0, size) to leaf `index` (RFC 6962 §2.1.1). */
function stepsToLeaf(index: number, size: number): Step[] {
  const steps: Step[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      steps.push({ sibling: 'right', from: middle, to });
      to = middle;
    } else {
      steps.push({ sibling: 'left', from, to: middle });
      from = middle;
    }
  }
  return steps;
}

/** The way from the root of [0, size) to the subtree that ends with the old tree (RFC 6962 §2.1.2), and that subtree's first leaf. */
function stepsToOldTree(oldSize: number, size: number): { steps: Step[]; from: number } {
  const steps: Step[] = [];
  let from = 0;
  let to = size;
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      steps.push({ sibling: 'right', from: middle, to });
      to = middle;
    } else {
      steps.push({ sibling: 'left', from, to: middle });
      from = middle;
    }
  }
  return { steps, from };
}

/**
 * What the inclusion proof of leaf `index` in a tree of `size` is made of (RFC 6962 §2.1.1): for each hash of the proof, leaf's sibling
 * first, the perfect subtrees that combine to it, left to right. Throws LOG-INCLUSION when the tree has no such leaf.
 */
export function inclusionNodes(index: number, size: number): NodeId[][] {
  checkedSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new LotlineError('LOG-INCLUSION', `A log of ${size} entries has no leaf ${index}`, { fix: 'Ask for an index below the size.' });
  return stepsToLeaf(index, size)
    .map((step) => subtreesOf(step.from, step.to))
    .reverse();
}

/**
 * What the consistency proof from `oldSize` to `size` is made of (RFC 6962 §2.1.2), in the same form as inclusionNodes. It is empty for
 * equal sizes and from the empty tree. Throws LOG-CONSISTENCY when the tree would have to shrink.
 */
export function consistencyNodes(oldSize: number, size: number): NodeId[][] {
  checkedSize(size);
  if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > size)
    throw new LotlineError('LOG-CONSISTENCY', `A log of ${size} entries cannot continue one of ${oldSize}`, {
      fix: 'Name the smaller size first.',
    });
  if (oldSize === 0) return [];
  const { steps, from } = stepsToOldTree(oldSize, size);
  const nodes = steps.map((step) => subtreesOf(step.from, step.to)).reverse();
  // The old tree itself is left out when it is a perfect subtree: whoever checks has its root.
  return from === 0 ? nodes : [subtreesOf(from, oldSize), ...nodes];
}

/** The perfect subtrees that combine to the root at `size`, as one group; no group for the empty tree. */
export function rootNodes(size: number): NodeId[][] {
  return checkedSize(size) === 0 ? [] : [subtreesOf(0, size)];
}

/** The tiles that hold these nodes in a tree of `size`, each once: fetch them in one go and hand them to hashesFrom. */
export function tilesOfNodes(nodes: readonly NodeId[][], size: number): TileId[] {
  const tiles = new Map<string, TileId>();
  for (const node of nodes.flat()) {
    const level = Math.floor(node.height / TILE_HEIGHT);
    const index = Math.floor((node.index * 2 ** (node.height % TILE_HEIGHT)) / TILE_WIDTH);
    tiles.set(`${level}/${index}`, { level, index, width: tileWidth(level, index, size) });
  }
  return [...tiles.values()];
}

/** A reader over fetched tiles. A hash that none of them holds throws LOG-INCLUSION. */
export function hashesFrom(tiles: Iterable<{ level: number; index: number; hashes: Uint8Array }>): HashReader {
  const byPlace = new Map<string, Uint8Array>();
  for (const tile of tiles) byPlace.set(`${tile.level}/${tile.index}`, tile.hashes);
  return (level, index) => {
    const tile = { level, index: Math.floor(index / TILE_WIDTH), width: (index % TILE_WIDTH) + 1 };
    const hashes = byPlace.get(`${tile.level}/${tile.index}`);
    if (hashes === undefined || hashes.length < tile.width * HASH_SIZE) throw missingTile(tile, hashes?.length);
    return hashOfTile(hashes, index % TILE_WIDTH);
  };
}

/** Puts a proof together: one hash for each group of nodes. */
function hashesOfNodes(nodes: readonly NodeId[][], read: HashReader, hash: Sha256): Uint8Array[] {
  return nodes.map((group) => {
    const roots = group.map((node) => {
      const level = Math.floor(node.height / TILE_HEIGHT);
      const width = 2 ** (node.height % TILE_HEIGHT);
      return perfectRoot(node.index * width, width, (index) => read(level, index), hash);
    });
    return new Uint8Array(roots.reduceRight((right, left) => nodeHash(left, right, hash))); // not a view into a tile
  });
}

/** Root of `width` (a power of two) neighbouring hashes. */
function perfectRoot(start: number, width: number, read: (index: number) => Uint8Array, hash: Sha256): Uint8Array {
  if (width === 1) return read(start);
  const left = perfectRoot(start, width / 2, read, hash);
  return nodeHash(left, perfectRoot(start + width / 2, width / 2, read, hash), hash);
}

// ---------------------------------------------------------------------------------------------------------------- proofs from tiles

/** Inclusion proof of leaf `index` in the tree of `size` (RFC 6962 §2.1.1), leaf's sibling first. */
export function inclusionProof(index: number, size: number, read: HashReader, hash: Sha256 = sha256): Uint8Array[] {
  return hashesOfNodes(inclusionNodes(index, size), read, hash);
}

/** Consistency proof from the tree of `oldSize` to that of `size` (RFC 6962 §2.1.2). */
export function consistencyProof(oldSize: number, size: number, read: HashReader, hash: Sha256 = sha256): Uint8Array[] {
  return hashesOfNodes(consistencyNodes(oldSize, size), read, hash);
}

/** Root of the tree at any size that the tiles reach. */
export function rootAtSize(size: number, read: HashReader, hash: Sha256 = sha256): Uint8Array {
  return hashesOfNodes(rootNodes(size), read, hash)[0] ?? emptyRoot(hash);
}

/** Fetches tiles, all that a proof needs in one call; it may answer wider ones than asked for. */
export type FetchTiles = (tiles: TileId[]) => Promise<Iterable<{ level: number; index: number; hashes: Uint8Array }>>;

/** inclusionProof over tiles that have to be fetched. */
export async function fetchInclusionProof(
  index: number,
  size: number,
  fetchTiles: FetchTiles,
  hash: Sha256 = sha256,
): Promise<Uint8Array[]> {
  const nodes = inclusionNodes(index, size);
  return hashesOfNodes(nodes, hashesFrom(await fetchTiles(tilesOfNodes(nodes, size))), hash);
}

/** consistencyProof over tiles that have to be fetched. */
export async function fetchConsistencyProof(
  oldSize: number,
  size: number,
  fetchTiles: FetchTiles,
  hash: Sha256 = sha256,
): Promise<Uint8Array[]> {
  const nodes = consistencyNodes(oldSize, size);
  return hashesOfNodes(nodes, hashesFrom(await fetchTiles(tilesOfNodes(nodes, size))), hash);
}

// ---------------------------------------------------------------------------------------------------------------- verification

/** The root that an inclusion proof leads to, or undefined when it cannot be a proof for this index and size (RFC 9162 §2.1.3.2). */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  hash: Sha256 = sha256,
): Uint8Array | undefined {
  if (!isSize(index) || !isSize(size) || index >= size) return undefined;
  if (!isHash(leaf) || !proof.every(isHash)) return undefined;
  const steps = stepsToLeaf(index, size).reverse();
  if (proof.length !== steps.length) return undefined;
  return proof.reduce(
    (node, sibling, i) => (steps[i]!.sibling === 'left' ? nodeHash(sibling, node, hash) : nodeHash(node, sibling, hash)),
    leaf,
  );
}

/** Whether the proof shows that this leaf hash stands at `index` of the tree with this size and root. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  const found = rootFromInclusion(leaf, index, size, proof, hash);
  return found !== undefined && sameBytes(found, root);
}

/**
 * Whether the proof shows that the tree of `size` continues that of `oldSize` (RFC 9162 §2.1.4.2). From the empty tree every tree
 * continues: the proof is empty and the old root is that of the empty tree.
 */
export function verifyConsistency(
  oldSize: number,
  size: number,
  oldRoot: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[],
  hash: Sha256 = sha256,
): boolean {
  if (!isSize(oldSize) || !isSize(size) || oldSize > size) return false;
  if (!isHash(oldRoot) || !isHash(root) || !proof.every(isHash)) return false;
  if (oldSize === size) return proof.length === 0 && sameBytes(oldRoot, root);
  if (oldSize === 0) return proof.length === 0 && sameBytes(oldRoot, emptyRoot(hash));

  const { steps, from } = stepsToOldTree(oldSize, size);
  const siblings = from === 0 ? proof : proof.slice(1);
  if (proof.length !== steps.length + (from === 0 ? 0 : 1)) return false;
  let old = from === 0 ? oldRoot : proof[0]!;
  let now = old;
  steps.reverse().forEach((step, i) => {
    const sibling = siblings[i]!;
    if (step.sibling === 'left') {
      old = nodeHash(sibling, old, hash);
      now = nodeHash(sibling, now, hash);
    } else {
      now = nodeHash(now, sibling, hash);
    }
  });
  return sameBytes(old, oldRoot) && sameBytes(now, root);
}

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isHash = (value: Uint8Array): boolean => value.length === HASH_SIZE;

function checkedSize(size: number): number {
  if (!isSize(size)) throw new LotlineError('LOG-INCLUSION', `${size} is no size of a log`, { fix: 'Give a whole number from 0.' });
  return size;
}

function checkHash(leaf: Uint8Array): void {
  if (!isHash(leaf))
    throw new LotlineError('LOG-INCLUSION', `A leaf hash has 32 bytes, this one ${leaf.length}`, { fix: 'Append the hash of the entry.' });
}

function missingTile(tile: TileId, bytes: number | undefined): LotlineError {
  const found = bytes === undefined ? 'is missing' : `has ${bytes} bytes`;
  return new LotlineError('LOG-INCLUSION', `Tile ${tile.index} of level ${tile.level} should have ${tile.width} hashes and ${found}`, {
    fix: 'Restore the tile, or rebuild the tiles from the journal.',
  });
}
