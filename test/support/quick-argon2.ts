import { createRequire } from 'node:module';
import type { Options } from '@node-rs/argon2';

/**
 * argon2 for tests, in place of the package (vitest.config.ts): some scenarios have hundreds of signatures, and a hash at its true cost takes 50 ms of a
 * core. What was asked for is noted, so that a test can look at it; the built program, which other tests start, pays the whole price.
 */
const argon2 = createRequire(import.meta.url)('@node-rs/argon2') as typeof import('@node-rs/argon2');

export const asked: Options[] = [];

export async function hash(secret: string | Uint8Array, cost: Options): Promise<string> {
  asked.push(cost);
  return await argon2.hash(secret, { ...cost, memoryCost: 64, timeCost: 1 });
}

export const { verify } = argon2;
