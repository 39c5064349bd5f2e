/**
 * Checks a whole log against itself, offline (domain.md §18.3): every body digest, event hash, leaf, tile and root is derived again from
 * the entries, and every checkpoint's root and signature is checked at its size. It streams: one entry, the edge of the tree and one
 * batch of leaf hashes are held, whatever the size of the log.
 *
 * What it finds is answered, not thrown; what the callbacks throw passes through.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { LotlineError } from '../errors.ts';
import { sameBytes } from './bytes.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import { digestOfEventHash, encodeLeaf, formatRecordTime, type LeafInput } from './leaf.ts';
import { Frontier, leafHash } from './merkle.ts';
import type { VerifierKey, VerifySignature } from './note.ts';
import { HASH_SIZE, type Sha256, sha256 } from './sha256.ts';
import { hashOfTile, TILE_WIDTH, type Tile, type TileId } from './tile.ts';

/** Problems after which the check stops reading. */
export const PROBLEMS_MAX = 100;
/** Entries between two reports of progress. */
export const PROGRESS_STEP = 4096;

/** What can be wrong. Where one fault shows in several places, only the nearest to its cause is certain to be named. */
export type LogProblemCode =
  | 'LOG-SEQ' // a position is missing or taken twice; the tree is not checked beyond it
  | 'LOG-TIME' // recordTime goes backwards
  | 'LOG-BODY' // the body is not the one that was logged
  | 'LOG-EVENT-HASH' // the event hash does not follow from the body
  | 'LOG-LEAF' // the stored leaf hash does not follow from the entry
  | 'LOG-TILE' // a stored tile is missing or differs from the entries
  | 'LOG-ROOT' // a checkpoint's root differs from the entries
  | 'LOG-SIZE' // a checkpoint commits to entries that are not there, or stands out of order
  | 'LOG-SIGNATURE'; // a checkpoint is malformed, not signed by the log, or wrongly signed

export type LogProblem = { code: LogProblemCode; message: string; seq?: number; tile?: TileId; checkpoint?: number };

/** A journal entry as stored: what its leaf says (`leaf.bodyDigest` among it), its body, and the leaf hash beside it. */
export type StoredEntry = { seq: number; leaf: LeafInput; body: Uint8Array; leafHash: Uint8Array };
/** A checkpoint as stored: the size it is filed under, and the signed note. */
export type StoredCheckpoint = { size: number; text: string };

export type LogToVerify = {
  /** In the order of `seq`. */
  entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>;
  /** In the order of `size`. */
  checkpoints: AsyncIterable<StoredCheckpoint> | Iterable<StoredCheckpoint>;
  /** A stored tile's hashes: each full one, and at the end the partial ones of the edge, exactly as wide as asked for. */
  readTile: (tile: TileId) => Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>;
  /** The event hash (64 hex digits) of a body; null when it is not the body of an event. Asked for entries that state one. */
  recomputeEventHash: (body: Uint8Array, entry: StoredEntry) => string | null | Promise<string | null>;
  /** The log's key, and those of witnesses that are known. */
  verifiers: readonly VerifierKey[];
  hash?: Sha256;
  verify?: VerifySignature;
  onProgress?: (done: { entries: number; problems: number }) => void;
};

export type LogReport = {
  ok: boolean;
  /** Entries read. */
  size: number;
  /** Root over them, hex; null when positions are missing (then there is no tree) or the check stopped early. */
  root: string | null;
  checkpoints: number;
  /** The first entry that is wrong in itself or differs from what a tile has for it. */
  firstBadSeq: number | null;
  /** In the order found, at most PROBLEMS_MAX. */
  problems: LogProblem[];
  /** False when the check stopped at PROBLEMS_MAX. */
  complete: boolean;
};

/** Checks a log from its first entry to its last (domain.md §18.3, “fsck”) and names what is wrong, the first bad entry first. */
export async function verifyLog(log: LogToVerify): Promise<LogReport> {
  return await new LogCheck(log).run();
}

/** Not an error of anybody's: the list of problems is full, and reading on would add nothing. */
class Enough extends Error {}

class LogCheck {
  readonly #log: LogToVerify;
  readonly #hash: Sha256;
  readonly #frontier: Frontier;
  readonly #problems: LogProblem[] = [];
  #firstBadSeq: number | null = null;
  #entries = 0;
  #checkpoints = 0;
  #lastTime = '';
  /** Leaf hashes that are not in the tree yet: up to the next full tile or checkpoint. */
  #pending: Uint8Array[] = [];
  /** Positions are missing, so the tree cannot be built. */
  #broken = false;
  /** An entry was found to differ from its leaf hash: roots differ from here on, and only the first is worth telling. */
  #leafWrong = false;
  #rootTold = false;

  constructor(log: LogToVerify) {
    this.#log = log;
    this.#hash = log.hash ?? sha256;
    this.#frontier = new Frontier(this.#hash);
  }

  async run(): Promise<LogReport> {
    let complete = true;
    try {
      await this.#checkAll();
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      complete = false;
    }
    this.#log.onProgress?.({ entries: this.#entries, problems: this.#problems.length });
    const root = this.#broken || !complete ? null : bytesToHex(this.#frontier.root());
    const report = { size: this.#entries, root, checkpoints: this.#checkpoints, firstBadSeq: this.#firstBadSeq };
    return { ok: this.#problems.length === 0, ...report, problems: this.#problems, complete };
  }

  async #checkAll(): Promise<void> {
    const checkpoints = walk(this.#log.checkpoints);
    try {
      let next = await checkpoints.next();
      const checkDue = async (): Promise<void> => {
        for (; !next.done && next.value.size <= this.#entries; next = await checkpoints.next()) await this.#checkCheckpoint(next.value);
      };
      await checkDue();
      for await (const entry of this.#log.entries) {
        await this.#checkEntry(entry);
        if (this.#entries % TILE_WIDTH === 0) await this.#grow();
        await checkDue();
        if (this.#entries % PROGRESS_STEP === 0) this.#log.onProgress?.({ entries: this.#entries, problems: this.#problems.length });
      }
      await this.#grow();
      if (!this.#broken) for (const tile of this.#frontier.edgeTiles()) await this.#checkTile(tile);
      for (; !next.done; next = await checkpoints.next()) await this.#checkCheckpoint(next.value);
    } finally {
      await checkpoints.return(undefined);
    }
  }

  // -------------------------------------------------------------------------------------------------------------- entries

  async #checkEntry(entry: StoredEntry): Promise<void> {
    const { seq, leaf, body } = entry;
    if (seq !== this.#entries && !this.#broken) {
      this.#broken = true;
      this.#pending = [];
      this.#report({ code: 'LOG-SEQ', seq, message: `Entry ${this.#entries} is missing: the next one has position ${seq}` });
    }
    this.#entries++;
    const leafBytes = this.#encode(entry);
    if (leafBytes !== undefined) this.#checkTime(seq, leaf);
    if (bytesToHex(this.#hash(body)) !== leaf.bodyDigest)
      this.#report({ code: 'LOG-BODY', seq, message: `The body of entry ${seq} is not the one whose digest was logged` });
    else if (leafBytes !== undefined && leaf.eventHash !== undefined) await this.#checkEventHash(entry, leaf.eventHash);

    const derived = leafBytes === undefined ? undefined : leafHash(leafBytes, this.#hash);
    if (derived !== undefined && !sameBytes(derived, entry.leafHash)) {
      this.#leafWrong = true;
      this.#report({ code: 'LOG-LEAF', seq, message: `Entry ${seq} does not hash to the leaf that is stored beside it` });
    }
    const usable = derived ?? (entry.leafHash.length === HASH_SIZE ? entry.leafHash : new Uint8Array(HASH_SIZE));
    if (!this.#broken) this.#pending.push(usable);
  }

  /** The leaf of an entry; undefined, and told, when what is stored of it cannot stand in any leaf. */
  #encode({ seq, leaf }: StoredEntry): Uint8Array | undefined {
    try {
      return encodeLeaf(leaf);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      this.#leafWrong = true;
      this.#report({ code: 'LOG-LEAF', seq, message: `Entry ${seq} has no leaf: ${error.message}` });
      return undefined;
    }
  }

  #checkTime(seq: number, leaf: LeafInput): void {
    const time = typeof leaf.recordTime === 'bigint' ? formatRecordTime(leaf.recordTime) : leaf.recordTime;
    if (time < this.#lastTime)
      this.#report({ code: 'LOG-TIME', seq, message: `Entry ${seq} was recorded at ${time}, before the one it follows` });
    else this.#lastTime = time; // the form is fixed, so the order of texts is the order of times
  }

  async #checkEventHash(entry: StoredEntry, eventHash: string): Promise<void> {
    const found = await this.#log.recomputeEventHash(entry.body, entry);
    if (found === digestOfEventHash(eventHash)) return;
    const message =
      found === null
        ? `Entry ${entry.seq} states an event hash, but its body is no event`
        : `The event of entry ${entry.seq} hashes to ${found}, not to ${eventHash}`;
    this.#report({ code: 'LOG-EVENT-HASH', seq: entry.seq, message });
  }

  // -------------------------------------------------------------------------------------------------------------- tiles

  /** Puts the pending leaves into the tree and checks the tiles that they filled. */
  async #grow(): Promise<void> {
    const full = this.#frontier.appendFull(this.#pending);
    this.#pending = [];
    for (const tile of full) await this.#checkTile(tile);
  }

  async #checkTile({ hashes, ...tile }: Tile): Promise<void> {
    const stored = await this.#log.readTile(tile);
    const name = `Tile ${tile.index} of level ${tile.level}`;
    if (!stored) return this.#report({ code: 'LOG-TILE', tile, message: `${name} is missing` });
    if (stored.length !== hashes.length)
      return this.#report({ code: 'LOG-TILE', tile, message: `${name} has ${stored.length} bytes and should have ${hashes.length}` });
    for (let i = 0; i < tile.width; i++) {
      if (sameBytes(hashOfTile(stored, i), hashOfTile(hashes, i))) continue;
      const place = tile.index * TILE_WIDTH + i;
      if (tile.level > 0) return this.#report({ code: 'LOG-TILE', tile, message: `${name} differs from the entries at its hash ${i}` });
      return this.#report({ code: 'LOG-TILE', tile, seq: place, message: `${name} has another leaf hash for entry ${place}` });
    }
  }

  // -------------------------------------------------------------------------------------------------------------- checkpoints

  async #checkCheckpoint(stored: StoredCheckpoint): Promise<void> {
    this.#checkpoints++;
    const { size, text } = stored;
    const problem = (code: LogProblemCode, message: string): void => this.#report({ code, checkpoint: size, message });
    const checkpoint = this.#readCheckpoint(stored);
    if (checkpoint === undefined) return;
    if (checkpoint.size !== size) return problem('LOG-SIZE', `The checkpoint filed under ${size} commits to ${checkpoint.size} entries`);
    if (size > this.#entries) return problem('LOG-SIZE', `A checkpoint commits to ${size} entries, and there are ${this.#entries}`);
    if (this.#broken) return;
    await this.#grow();
    if (size < this.#frontier.size)
      return problem('LOG-SIZE', `The checkpoint of size ${size} stands after one of ${this.#frontier.size} or more`);
    if (sameBytes(checkpoint.rootHash, this.#frontier.root()) || (this.#leafWrong && this.#rootTold)) return;
    this.#rootTold = true;
    problem(
      'LOG-ROOT',
      `The entries before ${size} do not have the root of the checkpoint ${JSON.stringify(text.slice(0, text.indexOf('\n')))}`,
    );
  }

  #readCheckpoint({ size, text }: StoredCheckpoint): ReturnType<typeof verifyCheckpoint> | undefined {
    try {
      return verifyCheckpoint(text, this.#log.verifiers, this.#log.verify);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      this.#report({ code: 'LOG-SIGNATURE', checkpoint: size, message: error.message });
      return undefined;
    }
  }

  #report(problem: LogProblem): void {
    if (problem.seq !== undefined && (this.#firstBadSeq === null || problem.seq < this.#firstBadSeq)) this.#firstBadSeq = problem.seq;
    this.#problems.push(problem);
    if (this.#problems.length === PROBLEMS_MAX) throw new Enough();
  }
}

async function* walk<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, undefined> {
  yield* source;
}
