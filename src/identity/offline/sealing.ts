import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { canonicalJson } from '../../epcis/index.ts';
import { LotlineError } from '../../errors.ts';

/**
 * A capsule as it is handed to a device: sealed to the device's Ed25519 key, so that nobody else opens it. Bytes are base64.
 *
 *     key        HKDF-SHA-256, 32 bytes: input X25519(ephemeral, device's key as Curve25519), salt epk ‖ device's Curve25519 key, info "lotline capsule v1"
 *     content    AES-256-GCM under that key and `nonce` (12 bytes), the tag of 16 bytes behind it
 *     AAD        RFC 8785 JSON of {capsuleId, device, sealedAt, v, validUntil}
 */
export type SealedCapsule = {
  readonly v: 1;
  readonly capsuleId: string;
  readonly device: string;
  /** ISO 8601, UTC. */
  readonly sealedAt: string;
  readonly validUntil: string;
  /** The ephemeral X25519 public key. */
  readonly epk: string;
  readonly nonce: string;
  readonly content: string;
};
export type CapsuleHead = Pick<SealedCapsule, 'v' | 'capsuleId' | 'device' | 'sealedAt' | 'validUntil'>;

const INFO = 'lotline capsule v1';
const TAG_BYTES = 16;

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
const text = (data: Uint8Array): string => Buffer.from(data).toString('base64');

/** Refuses what is no Ed25519 public key in base64: 32 bytes, a point of the curve and none of small order. */
export function readPublicKey(publicKey: string, at: string): Uint8Array {
  const key = bytes(publicKey);
  try {
    if (key.length !== 32) throw new Error('length');
    const point = ed25519.Point.fromBytes(key);
    if (point.isSmallOrder()) throw new Error('small order');
    return key;
  } catch (cause) {
    throw new LotlineError('REQ-FORM', 'the key is no Ed25519 public key', { at, fix: 'Send its 32 bytes in base64.', cause });
  }
}

export function sealCapsule(content: unknown, { publicKey, ...head }: CapsuleHead & { publicKey: string }): SealedCapsule {
  const theirs = ed25519.utils.toMontgomery(readPublicKey(publicKey, '/publicKey'));
  const ephemeral = x25519.utils.randomSecretKey();
  const epk = x25519.getPublicKey(ephemeral);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(x25519.getSharedSecret(ephemeral, theirs), epk, theirs), nonce);
  cipher.setAAD(aad(head));
  const sealed = Buffer.concat([cipher.update(canonicalJson(content), 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { ...head, epk: text(epk), nonce: text(nonce), content: text(sealed) };
}

/** The reference opener: what a device does with a capsule and its own Ed25519 secret key (32 bytes). Throws where it was not sealed to it, or changed. */
export function openCapsule(capsule: SealedCapsule, secretKey: Uint8Array): unknown {
  const own = ed25519.utils.toMontgomerySecret(secretKey);
  const [epk, sealed] = [bytes(capsule.epk), Buffer.from(capsule.content, 'base64')];
  const key = keyOf(x25519.getSharedSecret(own, epk), epk, x25519.getPublicKey(own));
  const cipher = createDecipheriv('aes-256-gcm', key, bytes(capsule.nonce));
  cipher.setAAD(aad(capsule));
  cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return JSON.parse(Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]).toString('utf8'));
}

function keyOf(shared: Uint8Array, epk: Uint8Array, theirs: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', shared, Buffer.concat([epk, theirs]), INFO, 32));
}

const aad = ({ v, capsuleId, device, sealedAt, validUntil }: CapsuleHead): Buffer =>
  Buffer.from(canonicalJson({ v, capsuleId, device, sealedAt, validUntil }));
