import { hash as digestOf } from 'node:crypto';
import { LotlineError } from '../../errors.ts';
import type { Prefixes } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import { fingerprintTexts, type JsonMembers, prehash } from './prehash.ts';

export type Sha256 = (text: string) => Uint8Array;

const sha256: Sha256 = (text) => digestOf('sha256', text, 'buffer');

/** SHA-256 of the profile-P pre-hash string (codes.md §1). A browser hands in a digest of its own. */
export function eventHash(event: JsonMembers, prefixes: Prefixes, digest: Sha256 = sha256): Uint8Array {
  return digest(prehash(event, prefixes));
}

/** The event hash and the digest by which two events are one (design.md §3, sameness). */
export function fingerprints(
  event: JsonMembers,
  prefixes: Prefixes,
  digest: Sha256 = sha256,
): { readonly hash: Uint8Array; readonly identityDigest: Uint8Array } {
  const texts = fingerprintTexts(event, prefixes);
  return { hash: digest(texts.prehash), identityDigest: digest(texts.identity) };
}

/** `ni:///sha-256;<64 lower-case hex digits>?ver=CBV2.0` */
export function formatHashId(hash: Uint8Array): string {
  return `ni:///sha-256;${Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex')}?ver=CBV2.0`;
}

const HASH_ID = /^ni:\/\/\/sha-256;([0-9a-f]{64})\?ver=CBV2\.0$/;

/** The inverse of formatHashId; refuses other digests, versions and spellings (codes.md §1). */
export function parseHashId(text: string): Uint8Array {
  const match = HASH_ID.exec(text);
  if (match === null) {
    throw new LotlineError('REQ-FORM', `${quoted(text)} is not an event hash ID`, {
      fix: 'Write ni:///sha-256;<64 lower-case hex digits>?ver=CBV2.0.',
    });
  }
  return Buffer.from(match[1] as string, 'hex');
}
