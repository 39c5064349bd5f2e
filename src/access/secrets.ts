import { createHash, randomBytes } from 'node:crypto';
import type { Options } from '@node-rs/argon2';
import { LotlineError } from '../errors.ts';

/** Characters of a person's secret. */
export const SECRET_MIN = 12;
export const SECRET_MAX = 256;
/** argon2id as OWASP's password storage cheat sheet has it (2024): 19 MiB, two passes, one lane. Some 50 ms of one core. */
const COST: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Hashes worked on or waited for; each holds 19 MiB while it runs. */
const WAITING_MAX = 64;

/** Loaded with the first secret: threads and commands that know nobody do without. */
const argon2 = () => import('@node-rs/argon2');

let waiting = 0;
/** Nobody's secret, with the same cost: an unknown login takes as long as a known one. */
let nobody: Promise<string> | null = null;

/** A random token that nobody can guess: 256 bits behind what it is. */
export const newToken = (prefix: 'ls' | 'st'): string => `${prefix}_${randomBytes(32).toString('base64url')}`;
/** What the store keeps of a token or a setup code: they are random, so a plain SHA-256 (hex) is enough. */
export const digestOf = (token: string): string => createHash('sha256').update(token, 'utf8').digest('hex');
/** An id that says nothing. */
export const newId = (prefix: 'pe' | 'se' | 'sg' | 'rd'): string => `${prefix}_${randomBytes(12).toString('base64url')}`;
/** Typed once by a person: 120 bits. */
export const newSetupCode = (): string => randomBytes(15).toString('base64url');

/** The argon2id hash of a secret, in PHC form. Takes a fair part of a core, in a thread of its own. */
export async function hashSecret(secret: string): Promise<string> {
  return await bounded(async () => await (await argon2()).hash(same(secret), COST));
}

/** Whether this is the secret. With no hash to compare with it takes as long, and is not. */
export async function isSecret(hash: string | null, secret: string): Promise<boolean> {
  return await bounded(async () => {
    const { hash: make, verify } = await argon2();
    nobody ??= make(randomBytes(32), COST);
    return (await verify(hash ?? (await nobody), same(secret))) && hash !== null;
  });
}

/** Refuses a secret that is short, or that whoever knows the login would try first. Its words never stand in the message. */
export function checkSecret(secret: string, login: string, at = '/secret'): void {
  const refuse = (why: string) => {
    throw new LotlineError('REQ-FORM', `the secret ${why}`, {
      at,
      fix: `Choose ${SECRET_MIN} characters or more that are used nowhere else; some words in a row do well.`,
    });
  };
  const characters = Array.from(same(secret));
  if (characters.length < SECRET_MIN) refuse(`has fewer than ${SECRET_MIN} characters`);
  if (new Set(characters).size < 5) refuse('repeats a few characters');
  if (secret.toLowerCase().includes(login.toLowerCase())) refuse('holds the login');
}

/** One secret, however a keyboard composes its letters. */
const same = (secret: string): string => secret.normalize('NFC');

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  if (waiting >= WAITING_MAX)
    throw new LotlineError('REQ-BUSY', 'too many are logging in at this moment', { fix: 'Send it again in a little while.' });
  waiting++;
  try {
    return await work();
  } finally {
    waiting--;
  }
}
