/**
 * The one place where the portable verifier takes its hash from (@noble/hashes: browser, offline CLI, audited).
 * The server hands `sha256Node` of node-crypto.ts to the same functions; it is several times faster.
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of `bytes` as a new array of 32. It must not keep `bytes`: callers use their buffer again. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const HASH_SIZE = 32;

export const sha256: Sha256 = (bytes) => nobleSha256(bytes);
