/**
 * A proof in a file (c2sp.org/tlog-proof): that an entry stands in the log, for whoever has the entry and the log's key.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64>                optional; vouched for by nobody
 *     index 5
 *     <base64 hash>                 the inclusion proof, leaf's sibling first
 *
 *     lotline.example/plant1        the signed checkpoint, as the log wrote it
 *     …
 */
import { LotlineError } from '../errors.ts';
import { decodeBase64, formatBase64, readDecimal } from './bytes.ts';
import { type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { leafHash, verifyInclusion } from './merkle.ts';
import { parseNote, parseVerifierKey, type VerifierKey, type VerifySignature, verifySignature } from './note.ts';
import { HASH_SIZE, type Sha256, sha256 } from './sha256.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** No tree is higher than this (RFC 6962 with sizes of 64 bits). */
const PROOF_HASHES_MAX = 63;

/** A proof taken apart, unverified: `checkpoint` is the signed note, whole. */
export type Proof = { index: number; hashes: Uint8Array[]; checkpoint: string; extra?: Uint8Array };

/** The text of a proof (tlog-proof, “Format”). Empty extra data is the same as none. */
export function formatProof(proof: Proof): string {
  if (!Number.isSafeInteger(proof.index) || proof.index < 0) throw bad(`${proof.index} is no index`);
  if (proof.hashes.length > PROOF_HASHES_MAX) throw bad(`it has more than ${PROOF_HASHES_MAX} hashes`);
  if (!proof.hashes.every((hash) => hash.length === HASH_SIZE)) throw bad('a hash has not 32 bytes');
  parseNote(proof.checkpoint);
  const extra = proof.extra?.length ? [`extra ${formatBase64(proof.extra)}`] : [];
  return [HEADER, ...extra, `index ${proof.index}`, ...proof.hashes.map(formatBase64), '', proof.checkpoint].join('\n');
}

/** Inverse of formatProof; refuses every text it could not have written: LOG-INCLUSION, or LOG-SIGNATURE when the note at the end is none. */
export function parseProof(text: string): Proof {
  const end = text.indexOf('\n\n');
  if (end < 0) throw bad('it has no empty line before the checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEADER) throw bad(`line 1 is not ${HEADER}`);
  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith('extra ')) {
    extra = decodeBase64(lines.shift()!.slice(6));
    if (!extra?.length) throw bad('the extra data is no base64');
  }
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? readDecimal(indexLine.slice(6)) : undefined;
  if (index === undefined) throw bad('there is no line “index N” in its place');
  if (lines.length > PROOF_HASHES_MAX) throw bad(`it has more than ${PROOF_HASHES_MAX} hashes`);
  const hashes = lines.map((line, i) => {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_SIZE) throw bad(`hash ${i + 1} is not 32 bytes in base64`);
    return hash;
  });
  const checkpoint = text.slice(end + 2);
  parseNote(checkpoint);
  return { index, hashes, checkpoint, ...(extra && { extra }) };
}

/** What a proof is checked with: the entry, and the keys one trusts (the log's alone as text, or with those of witnesses). */
export type ProofCheck = {
  text: string;
  /** The leaf envelope, as encodeLeaf writes it. */
  leaf: Uint8Array;
  hash?: Sha256;
  verify?: VerifySignature;
} & ({ vkey: string } | { verifiers: readonly VerifierKey[] });

export type ProofAnswer = { valid: true; index: number; checkpoint: VerifiedCheckpoint } | { valid: false; reason: string };

/**
 * Verifies a proof offline: that a trusted log signed the checkpoint, and that the entry stands at `index` of it. A proof that fails is an
 * ordinary answer, with its reason; nothing is thrown for it.
 */
export function verifyProof(check: ProofCheck): ProofAnswer {
  try {
    const keys = 'vkey' in check ? [parseVerifierKey(check.vkey)] : check.verifiers;
    const { index, hashes, checkpoint: note } = parseProof(check.text);
    const checkpoint = verifyCheckpoint(note, keys, check.verify ?? verifySignature);
    if (index >= checkpoint.size) return { valid: false, reason: `The log had ${checkpoint.size} entries, none at ${index}` };
    const hash = check.hash ?? sha256;
    if (!verifyInclusion(leafHash(check.leaf, hash), index, checkpoint.size, hashes, checkpoint.rootHash, hash))
      return { valid: false, reason: `The hashes do not lead from this entry at ${index} to the root of the checkpoint` };
    return { valid: true, index, checkpoint };
  } catch (error) {
    if (error instanceof LotlineError) return { valid: false, reason: error.message };
    throw error;
  }
}

function bad(why: string): LotlineError {
  return new LotlineError('LOG-INCLUSION', `Proof: ${why}`, { fix: 'Fetch the proof again, byte for byte.' });
}
