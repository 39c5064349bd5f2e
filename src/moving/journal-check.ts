import { LotlineError } from '../errors.ts';
import { encodeLeaf, Frontier, leafHash, type VerifierKey, verifyCheckpoint } from '../ledger/index.ts';
import { sha256Node, verifySignatureNode } from '../ledger/node-crypto.ts';
import { joinPayload } from '../store/payload.ts';
import type { Document, Entry, SignedCheckpoint, TruthRecord } from './truth.ts';

/**
 * Holds a journal to its log while it passes: bodies and documents to the digests that were logged, leaves to the tree, the tree to every signed
 * checkpoint. What does not agree throws LOG-INCLUSION, or LOG-SIGNATURE.
 */
export class JournalCheck {
  private readonly verifiers: readonly VerifierKey[];
  private readonly tree = new Frontier(sha256Node);
  private document: Document | null = null;
  /** Of the document in hand, from the first on. */
  private bodies: Entry[] = [];

  constructor(verifiers: readonly VerifierKey[]) {
    this.verifiers = verifiers;
  }

  /** Entries that have passed. */
  get size(): number {
    return this.tree.size;
  }

  see(record: TruthRecord): void {
    if ('document' in record) {
      this.endDocument();
      this.document = record.document;
    } else if ('entry' in record) this.seeEntry(record.entry);
    else this.seeCheckpoint(record.checkpoint);
  }

  /** Everything has passed that the newest checkpoint commits to. */
  end(size: number, newest: string | null): void {
    this.endDocument();
    if (this.size !== size) throw fault(`There are ${this.size} entries, not ${size}`);
    if (newest === null ? size > 0 : this.commitment(newest).size !== size)
      throw fault(`The newest checkpoint does not commit to ${size} entries`);
  }

  private seeEntry(entry: Entry): void {
    const { seq, leaf, body } = entry;
    if (seq !== this.size) throw fault(`Entry ${this.size} is missing: ${seq} comes next`);
    if (hexDigest(body) !== leaf.bodyDigest) throw fault(`The body of entry ${seq} is not the one that was logged`);
    const hash = leafHash(encodeLeaf(leaf), sha256Node);
    if (Buffer.compare(hash, entry.leafHash) !== 0) throw fault(`Entry ${seq} does not hash to the leaf that is stored beside it`);
    if (leaf.capture !== this.document?.captureID) this.endDocument();
    if (leaf.capture !== '' && this.document === null) throw fault(`Entry ${seq} has lost the document that it came with`);
    if (this.document !== null) this.bodies.push(entry);
    this.tree.appendFull([hash]);
  }

  private endDocument(): void {
    const { document, bodies } = this;
    this.document = null;
    this.bodies = [];
    const [first] = bodies;
    if (document === null) return;
    const body = first && joinPayload({ parts: document.parts, encoding: 0, gaps: document.gaps }, (seq) => bodies[seq - first.seq]?.body);
    if (!body || hexDigest(body) !== first.leaf.payloadDigest)
      throw fault(`The document ${document.captureID} is not the one that was logged`);
  }

  private seeCheckpoint({ size, text }: SignedCheckpoint): void {
    if (this.commitment(text).size !== size || size !== this.size)
      throw fault(`A checkpoint stands behind entry ${this.size - 1} that commits to others`);
  }

  /** What a checkpoint says; it has to be signed, and to say the truth about the entries that have passed. */
  private commitment(text: string): { size: number } {
    const { size, rootHash } = verifyCheckpoint(text, this.verifiers, verifySignatureNode);
    if (size === this.size && Buffer.compare(rootHash, this.tree.root()) !== 0)
      throw fault(`The first ${size} entries do not have the root of the checkpoint that was signed`);
    return { size };
  }
}

const hexDigest = (of: Uint8Array): string => Buffer.from(sha256Node(of)).toString('hex');

function fault(what: string): LotlineError {
  return new LotlineError('LOG-INCLUSION', what, { fix: 'Run verify-log on the store: it names everything that is wrong.' });
}
