import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** AES-256-GCM. What it is bound to (whose, and which column) is authenticated beside it, so that no sealed text does for another. Answers base64url. */
export function sealBytes(key: Uint8Array, plain: Uint8Array, boundTo: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** The inverse. Throws when the key is another, a bit was changed, or it was bound to something else. */
export function openBytes(key: Uint8Array, sealed: string, boundTo: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('the sealed text is cut off');
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(bytes.subarray(end));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]);
}

/** A key of its own for one purpose, from the master key (HKDF-SHA-256). */
export const deriveKey = (master: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `lotline vault ${purpose}`, KEY_BYTES));

export const newDataKey = (): Buffer => randomBytes(KEY_BYTES);

export const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const REF_CHARACTERS = 26;

/** `pr_` or `dr_` and 128 random bits in 26 characters of base32 (domain.md §3.3: no meaning, no date, no initials in it). */
export function newRef(kind: 'patient' | 'donor'): string {
  let bits = BigInt(`0x${randomBytes(16).toString('hex')}`) << 2n;
  let text = '';
  for (let i = 0; i < REF_CHARACTERS; i++, bits >>= 5n) text = `${BASE32[Number(bits & 31n)]}${text}`;
  return `${kind === 'patient' ? 'pr' : 'dr'}_${text}`;
}
