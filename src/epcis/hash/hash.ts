import { hash as digestOf } from 'node:crypto';
import { LotlineError } from '../../errors.ts';
import type { Prefixes } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import { fingerprintTexts, HASH_PROFILES, type HashProfile, type JsonMembers, prehash } from './prehash.ts';

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

/** The event hash ID in a profile, and the text that it is the hash of. Only O2.1 marks its hashes with the later version. */
export function hashInProfile(event: JsonMembers, prefixes: Prefixes, profile: HashProfile): { hash: string; prehash: string } {
  const text = prehash(event, prefixes, profile);
  const id = formatHashId(sha256(text));
  return { hash: profile === 'O2.1' ? id.replace(/2\.0$/, '2.1') : id, prehash: text };
}

/** Digests that hash IDs are seen with, and their names here (codes.md §1). */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-384', 'sha384'],
  ['sha-512', 'sha512'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512'],
]);
const FOREIGN_HASH_ID = /^ni:\/\/\/([a-z0-9-]+);([0-9a-fA-F]{64,128})\?ver=CBV(2\.[01])$/;

/** Whether somebody has named an event by its hash, in whatever profile and by whichever digest. */
export function isForeignHashId(text: string): boolean {
  return DIGESTS.has(FOREIGN_HASH_ID.exec(text)?.[1] ?? '');
}

/** Refuses what is no ID of that kind (`REQ-FORM`). */
export function checkForeignHashId(text: string, at: string): void {
  if (isForeignHashId(text)) return;
  throw new LotlineError('REQ-FORM', `${quoted(text)} is not an event hash ID`, {
    at,
    fix: `Write ni:///sha-256;<64 hex digits>?ver=CBV2.0 (the digest may be ${[...DIGESTS.keys()].slice(1).join(', ')}, the version CBV2.1).`,
  });
}

/** What verifying an ID came to: the profile that gives it, null when none of those tried does. */
export type VerifiedHash = { readonly id: string; readonly matched: HashProfile | null; readonly tried: readonly HashProfile[] };

/**
 * Whether the ID is the event's hash. Programs differ in their profiles (codes.md §1.3, 1.6), so every one is tried before an ID counts as another
 * event's. The ID is one by isForeignHashId.
 */
export function verifyHashId(id: string, event: JsonMembers, prefixes: Prefixes): VerifiedHash {
  const [, name = '', digits = '', version] = FOREIGN_HASH_ID.exec(id) ?? [];
  const digest = DIGESTS.get(name) as string;
  const wanted = digits.toLowerCase();
  const tried: HashProfile[] = [];
  for (const profile of version === '2.1' ? HASH_PROFILES.toReversed() : HASH_PROFILES) {
    tried.push(profile);
    if (digestOf(digest, prehash(event, prefixes, profile), 'hex') === wanted) return { id, matched: profile, tried };
  }
  return { id, matched: null, tried };
}
