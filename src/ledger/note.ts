/**
 * Signed notes (c2sp.org/signed-note): a text, an empty line, and signature lines by Ed25519 keys.
 *
 *     lotline.example/plant1
 *     8
 *     XcncedqHBlma2XRaQ5Z5+y4D/jcJ5QDOkvh4WQUDHSA=
 *
 *     — lotline.example/plant1 <base64(4 bytes key id ‖ signature)>
 *
 * Two kinds of signature are read: 0x01, over the text (the log's own), and 0x04, a witness's cosignature/v1 (c2sp.org/tlog-cosignature)
 * over a header with its time and the text. Whatever is wrong is a LOG-SIGNATURE.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { LotlineError } from '../errors.ts';
import { decodeBase64, formatBase64, utf8 } from './bytes.ts';
import { sha256 } from './sha256.ts';

/** More signature lines than this are refused unread; the standard asks for at least 16. */
export const NOTE_SIGNATURES_MAX = 100;
/** A longer note is refused unread. */
export const NOTE_SIZE_MAX = 1_048_576;

/** Signature types of signed-note: what an Ed25519 key signs with. */
export const SIGNATURE_TYPE = { note: 0x01, cosignature: 0x04 } as const;
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

const KEY_SIZE = 32;
const KEY_ID_SIZE = 4;
const SIGNATURE_SIZE = 64;
const TIME_SIZE = 8;
const SIGNER_PREFIX = 'PRIVATE+KEY+';

/** The public half of a key: its name and id are what a signature line says, the rest checks it. */
export type VerifierKey = { name: string /** 8 hex digits */; keyId: string; type: SignatureType; publicKey: Uint8Array };
/** The secret half, as it stands in a key file. */
export type SignerKey = VerifierKey & { seed: Uint8Array };

/** Ed25519 signature (64 bytes) of a message. */
export type SignFunction = (message: Uint8Array) => Uint8Array;
/** Whether an Ed25519 signature (RFC 8032) over the message is good. Does not throw. */
export type VerifySignature = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** Who signs: the name and id to write, and how to sign. */
export type NoteSigner = { name: string; keyId: string; type: SignatureType; sign: SignFunction };

/** A signature line, unverified. */
export type NoteSignature = { name: string; keyId: string; signature: Uint8Array };
/** A note taken apart, unverified: `text` is what the signatures are over, its last newline included. */
export type Note = { text: string; signatures: NoteSignature[] };
/** A key whose signature was good; `time` (seconds since 1970) is what a cosignature says of itself. */
export type GoodSignature = { key: VerifierKey; time?: number };

// ---------------------------------------------------------------------------------------------------------------- keys

/** Ed25519 verification with @noble/curves, by the rules of RFC 8032 (no other point encodings). */
export const verifySignature: VerifySignature = (signature, message, publicKey) => {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // not a point of the curve
  }
};

/** Key id: the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), as hex (signed-note, “Signatures”). */
export function keyIdOf(name: string, type: SignatureType, publicKey: Uint8Array): string {
  const start = utf8(`${name}\n`);
  const input = new Uint8Array(start.length + 1 + publicKey.length);
  input.set(start);
  input[start.length] = type;
  input.set(publicKey, start.length + 1);
  return hexOf(sha256(input).subarray(0, KEY_ID_SIZE));
}

/** The key pair that grows from a seed of 32 random bytes; `name` is the log's origin or the witness's name. */
export function signerKeyFromSeed(name: string, seed: Uint8Array, type: SignatureType = SIGNATURE_TYPE.note): SignerKey {
  checkKeyName(name);
  if (seed.length !== KEY_SIZE) throw bad(`a seed has 32 bytes, this one ${seed.length}`, 'Make a new key.');
  const publicKey = ed25519.getPublicKey(seed);
  return { name, keyId: keyIdOf(name, type, publicKey), type, publicKey, seed: new Uint8Array(seed) };
}

/** The public half alone. */
export function verifierKeyOf({ name, keyId, type, publicKey }: VerifierKey): VerifierKey {
  return { name, keyId, type, publicKey };
}

/** `<name>+<key id>+<base64(type ‖ public key)>`, the form in which a public key is handed on. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${key.keyId}+${formatBase64(typed(key.type, key.publicKey))}`;
}

/** Inverse of formatVerifierKey; refuses a key whose id does not follow from its name and bytes. */
export function parseVerifierKey(vkey: string): VerifierKey {
  const { name, keyId, type, bytes } = parseKeyText(vkey, 'verifier key');
  if (keyIdOf(name, type, bytes) !== keyId) throw bad(`the id ${keyId} of the verifier key of ${name} does not follow from it`, COPY_KEY);
  return { name, keyId, type, publicKey: bytes };
}

/** `PRIVATE+KEY+<name>+<key id>+<base64(type ‖ seed)>`, the content of a key file. Secret. */
export function formatSignerKey(key: SignerKey): string {
  return `${SIGNER_PREFIX}${key.name}+${key.keyId}+${formatBase64(typed(key.type, key.seed))}`;
}

/** Inverse of formatSignerKey. No part of the secret stands in the error. */
export function parseSignerKey(skey: string): SignerKey {
  if (!skey.startsWith(SIGNER_PREFIX)) throw bad('a signer key begins with PRIVATE+KEY+', COPY_KEY);
  const { name, keyId, type, bytes } = parseKeyText(skey.slice(SIGNER_PREFIX.length), 'signer key');
  const key = signerKeyFromSeed(name, bytes, type);
  if (key.keyId !== keyId) throw bad(`the id ${keyId} of the signer key of ${name} does not follow from it`, COPY_KEY);
  return key;
}

/** A signer over a key; the server gives a faster `sign` (node-crypto.ts). */
export function noteSigner(key: SignerKey, sign: SignFunction = (message) => ed25519.sign(message, key.seed)): NoteSigner {
  return { name: key.name, keyId: key.keyId, type: key.type, sign };
}

const COPY_KEY = 'Copy the key again, whole and without spaces.';

function parseKeyText(text: string, what: string): { name: string; keyId: string; type: SignatureType; bytes: Uint8Array } {
  const nameEnd = text.indexOf('+'); // a name has no plus; the base64 at the end may
  const idEnd = text.indexOf('+', nameEnd + 1);
  if (nameEnd < 0 || idEnd < 0) throw bad(`a ${what} is <name>+<key id>+<base64>`, COPY_KEY);
  const name = text.slice(0, nameEnd);
  const keyId = text.slice(nameEnd + 1, idEnd);
  const key = decodeBase64(text.slice(idEnd + 1));
  checkKeyName(name);
  if (!isKeyId(keyId)) throw bad(`the id of the ${what} of ${name} is not 8 lower-case hex digits`, COPY_KEY);
  if (key === undefined || key.length !== 1 + KEY_SIZE) throw bad(`the ${what} of ${name} is not 33 bytes in base64`, COPY_KEY);
  const type = key[0];
  if (type !== SIGNATURE_TYPE.note && type !== SIGNATURE_TYPE.cosignature)
    throw bad(
      `the ${what} of ${name} is of type ${type}, which lotline does not read`,
      'Use an Ed25519 key of type 1 or a witness key of type 4.',
    );
  return { name, keyId, type, bytes: key.slice(1) };
}

function typed(type: SignatureType, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(1 + bytes.length);
  all[0] = type;
  all.set(bytes, 1);
  return all;
}

// ---------------------------------------------------------------------------------------------------------------- notes

/** Takes a note apart, verifying nothing (signed-note, “Format”). Refuses every text that signing could not have produced. */
export function parseNote(note: string): Note {
  if (note.length > NOTE_SIZE_MAX) throw bad(`the note has more than ${NOTE_SIZE_MAX} characters`, REFETCH);
  checkText(note);
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0) throw bad('the note has no empty line before its signatures', REFETCH);
  const lines = note.slice(blank + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0) throw bad('the note does not end with signature lines', REFETCH);
  if (lines.length > NOTE_SIGNATURES_MAX) throw bad(`the note has more than ${NOTE_SIGNATURES_MAX} signatures`, REFETCH);
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const nameEnd = line.indexOf(' ', 2);
  if (!line.startsWith('— ') || nameEnd < 0) throw bad('a signature line is not — <key name> <base64>', REFETCH);
  const name = line.slice(2, nameEnd);
  checkKeyName(name);
  const bytes = decodeBase64(line.slice(nameEnd + 1));
  if (bytes === undefined || bytes.length <= KEY_ID_SIZE)
    throw bad(`the signature of ${name} is no base64 of a key id and a signature`, REFETCH);
  return { name, keyId: hexOf(bytes.subarray(0, KEY_ID_SIZE)), signature: bytes.subarray(KEY_ID_SIZE) };
}

/** A signature line, its newline included. */
export function formatSignatureLine(line: NoteSignature): string {
  checkKeyName(line.name);
  const bytes = new Uint8Array(KEY_ID_SIZE + line.signature.length);
  for (let i = 0; i < KEY_ID_SIZE; i++) bytes[i] = Number.parseInt(line.keyId.slice(2 * i, 2 * i + 2), 16);
  bytes.set(line.signature, KEY_ID_SIZE);
  return `— ${line.name} ${formatBase64(bytes)}\n`;
}

/** Inverse of parseNote. */
export function formatNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(formatSignatureLine).join('')}`;
}

/** Signs a text, which ends with a newline, with keys of type 0x01 (signed-note, “Ed25519 signatures”). */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n')) throw bad('the text of a note ends with a newline', 'Add the newline.');
  if (signers.length === 0) throw bad('a note has at least one signature', 'Name a key to sign with.');
  checkText(text);
  for (const signer of signers) checkType(signer, SIGNATURE_TYPE.note);
  const message = utf8(text);
  const signatures = signers.map(({ name, keyId, sign }) => ({ name, keyId, signature: sign(message) }));
  return formatNote({ text, signatures });
}

/** What a witness signs: two lines of its own before the text (tlog-cosignature, “Ed25519 signed message”). */
export function cosignatureMessage(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

/** The line by which a witness cosigns a checkpoint's text at `time` (whole seconds since 1970), to be put at the end of the note. */
export function cosign(text: string, signer: NoteSigner, time: number): string {
  if (!Number.isSafeInteger(time) || time < 0) throw bad(`${time} is no time in whole seconds`, 'Give whole seconds since 1970.');
  checkType(signer, SIGNATURE_TYPE.cosignature);
  const signature = new Uint8Array(TIME_SIZE + SIGNATURE_SIZE);
  new DataView(signature.buffer).setBigUint64(0, BigInt(time));
  signature.set(signer.sign(cosignatureMessage(text, time)), TIME_SIZE);
  return formatSignatureLine({ name: signer.name, keyId: signer.keyId, signature });
}

/**
 * Verifies a note against the keys one trusts (signed-note, “Signatures”): lines of unknown keys are ignored, a bad signature by a known
 * key refuses the whole note, and so does the absence of any good one. Answers each key once, with the latest time it gave.
 */
export function verifyNote(
  note: string,
  keys: readonly VerifierKey[],
  verify: VerifySignature = verifySignature,
): { text: string; signatures: GoodSignature[] } {
  const { text, signatures } = parseNote(note);
  const message = utf8(text);
  const good = new Map<VerifierKey, GoodSignature>();
  for (const line of signatures) {
    for (const key of keys) {
      if (key.name !== line.name || key.keyId !== line.keyId) continue;
      const found = key.type === SIGNATURE_TYPE.note ? checkPlain(line, message, key, verify) : checkCosignature(line, text, key, verify);
      if (found === undefined)
        throw bad(`the signature of ${key.name} (key ${key.keyId}) is wrong`, 'Trust nothing in it; fetch it from elsewhere.');
      if ((good.get(key)?.time ?? -1) <= (found.time ?? 0)) good.set(key, found);
    }
  }
  if (good.size === 0) throw bad('no key that you trust has signed it', 'Check which log this comes from, and its key.');
  return { text, signatures: [...good.values()] };
}

function checkPlain(line: NoteSignature, message: Uint8Array, key: VerifierKey, verify: VerifySignature): GoodSignature | undefined {
  if (line.signature.length !== SIGNATURE_SIZE) return undefined;
  return verify(line.signature, message, key.publicKey) ? { key } : undefined;
}

function checkCosignature(line: NoteSignature, text: string, key: VerifierKey, verify: VerifySignature): GoodSignature | undefined {
  if (line.signature.length !== TIME_SIZE + SIGNATURE_SIZE) return undefined;
  const time = Number(new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(time)) return undefined; // some 285 million years from now
  return verify(line.signature.subarray(TIME_SIZE), cosignatureMessage(text, time), key.publicKey) ? { key, time } : undefined;
}

// ---------------------------------------------------------------------------------------------------------------- characters

/** Refuses control characters other than newline, and halves of a surrogate pair, which have no UTF-8 form (signed-note, “Format”). */
function checkText(text: string): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) throw bad(`the note has a control character at ${i}`, REFETCH);
  }
  if (/\p{Surrogate}/u.test(text)) throw bad('the note is not valid Unicode', REFETCH);
}

function checkKeyName(name: string): void {
  if (name === '' || /[\p{White_Space}\p{Surrogate}\p{Cc}+]/u.test(name))
    throw bad(
      `${JSON.stringify(name.slice(0, 100))} is no key name`,
      'Use a name without spaces and without plus, such as lotline.example/plant1.',
    );
}

const REFETCH = 'Fetch the note again, byte for byte.';

function bad(why: string, fix: string): LotlineError {
  return new LotlineError('LOG-SIGNATURE', `Signed note: ${why}`, { fix });
}

/** One key signs one kind of message, or a signature could be passed off as the other kind. */
function checkType(signer: NoteSigner, type: SignatureType): void {
  if (signer.type !== type)
    throw bad(`the key of ${signer.name} is of type ${signer.type}, not ${type}`, 'Sign with the log key, cosign with a witness key.');
}

function isKeyId(text: string): boolean {
  return /^[0-9a-f]{8}$/.test(text);
}

function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
