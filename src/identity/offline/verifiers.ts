import { pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * By what a device compares a value that identifies the patient without holding it: PBKDF2-HMAC-SHA-256 of the canonical value under a salt of its own.
 * Slow, since a birth date is soon guessed; and only ever inside of a sealed capsule.
 */
export type Verifier = { readonly salt: string; readonly iterations: number; readonly hash: string };

export const ITERATIONS = 120_000;

export function makeVerifier(canonical: string, iterations = ITERATIONS): Verifier {
  const salt = randomBytes(16);
  return { salt: salt.toString('base64'), iterations, hash: derive(canonical, salt, iterations).toString('base64') };
}

export function matches({ salt, iterations, hash }: Verifier, canonical: string): boolean {
  return timingSafeEqual(derive(canonical, Buffer.from(salt, 'base64'), iterations), Buffer.from(hash, 'base64'));
}

const derive = (value: string, salt: Uint8Array, iterations: number): Buffer => pbkdf2Sync(value, salt, iterations, 32, 'sha256');
