/**
 * Checkpoints (c2sp.org/tlog-checkpoint): what the log vouches for at one moment.
 *
 *     lotline.example/plant1                            origin
 *     8                                                 entries
 *     XcncedqHBlma2XRaQ5Z5+y4D/jcJ5QDOkvh4WQUDHSA=      root hash
 *
 * parseCheckpoint refuses every text formatCheckpoint could not have written: leading zeros, CRLF, a short hash, a missing newline,
 * and also extension lines, which no monitor can audit and the standard advises against.
 */
import { LotlineError } from '../errors.ts';
import { decodeBase64, formatBase64, readDecimal } from './bytes.ts';
import {
  type GoodSignature,
  type NoteSigner,
  SIGNATURE_TYPE,
  signNote,
  type VerifierKey,
  type VerifySignature,
  verifyNote,
  verifySignature,
} from './note.ts';
import { HASH_SIZE } from './sha256.ts';

/** A log's promise: the tree of `size` entries has this root. Sizes above 2^53 − 1 are not written and not read. */
export type Checkpoint = { origin: string; size: number; rootHash: Uint8Array };

/** The text of a checkpoint, to be signed (tlog-checkpoint, “Note text”). */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, rootHash } = checkpoint;
  if (!isOrigin(origin))
    throw bad(`${JSON.stringify(origin.slice(0, 100))} is no origin`, 'Name the log by one line, such as lotline.example/plant1.');
  if (!Number.isSafeInteger(size) || size < 0) throw bad(`${size} is no size`, 'Give a whole number from 0.');
  if (rootHash.length !== HASH_SIZE) throw bad(`a root hash has 32 bytes, this one ${rootHash.length}`, 'Give a SHA-256 hash.');
  return `${origin}\n${size}\n${formatBase64(rootHash)}\n`;
}

/** Inverse of formatCheckpoint, over the text without signatures. It verifies nothing: use verifyCheckpoint for what came from outside. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.length !== 4 || lines[3] !== '') throw bad(`it has ${lines.length - 1} whole lines in place of three`, REFETCH);
  const [origin, sizeText, rootText] = lines as [string, string, string, string];
  if (!isOrigin(origin)) throw bad('line 1 is no origin', REFETCH);
  const size = readDecimal(sizeText);
  if (size === undefined) throw bad('line 2 is no size in plain decimal', REFETCH);
  const rootHash = decodeBase64(rootText);
  if (rootHash?.length !== HASH_SIZE) throw bad('line 3 is not 32 bytes in base64', REFETCH);
  return { origin, size, rootHash };
}

/** A checkpoint as a signed note. The log's key bears the name of the origin (tlog-checkpoint, “Signatures”). */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/** What a checkpoint says once it is verified, and who stands for it. */
export type VerifiedCheckpoint = Checkpoint & { text: string; signatures: GoodSignature[]; cosignatures: GoodSignature[] };

/**
 * Verifies a signed checkpoint against the keys one trusts: the log's (type 0x01) and those of witnesses (0x04). A known key's bad
 * signature refuses it, unknown keys are ignored, and the log itself must have signed: a witness alone does not make a checkpoint, nor
 * does a trusted log's key under another log's origin. How many cosignatures are enough is for the caller to say.
 */
export function verifyCheckpoint(
  note: string,
  keys: readonly VerifierKey[],
  verify: VerifySignature = verifySignature,
): VerifiedCheckpoint {
  const { text, signatures } = verifyNote(note, keys, verify);
  const checkpoint = parseCheckpoint(text);
  const own = signatures.filter(({ key }) => key.type === SIGNATURE_TYPE.note && key.name === checkpoint.origin);
  if (own.length === 0)
    throw bad(`no key of ${checkpoint.origin} that you trust has signed it`, 'Give the verifier key of the log it comes from.');
  const cosignatures = signatures.filter(({ key }) => key.type === SIGNATURE_TYPE.cosignature);
  return { ...checkpoint, text, signatures: own, cosignatures };
}

/** One line without control characters and with a form in UTF-8; the standard asks no more of an origin. */
function isOrigin(origin: string): boolean {
  return origin !== '' && !/[\p{Cc}\p{Surrogate}]/u.test(origin);
}

const REFETCH = 'Fetch the checkpoint again, byte for byte.';

function bad(why: string, fix: string): LotlineError {
  return new LotlineError('LOG-SIGNATURE', `Checkpoint: ${why}`, { fix });
}
