import { randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LotlineError } from '../../errors.ts';
import { sync } from '../../store/durable.ts';
import { wrongVaultKey } from './changes.ts';
import { deriveKey } from './cipher.ts';

export const VAULT_KEY_FILE = 'vault.key';
const FORM = /^lotline-vault-key-1 ([A-Za-z0-9_-]{43})$/;

/** The keys that a vault works with, all from the one of its file: what wraps data keys, what hashes words, and what tells whether it is the right one. */
export type MasterKey = { readonly wrap: Uint8Array; readonly index: Uint8Array; readonly check: string };

/**
 * The vault's key (LOTLINE_VAULT_KEY_FILE). The file is made when somebody is first put into the vault, readable by its owner alone; `check` is what the
 * store says of the key that it was sealed under, null while it holds nobody. CFG-VALUE where the file is missing, damaged or another one.
 */
export function openVaultKey(file: string, check: string | null): () => MasterKey {
  let known: MasterKey | null = existsSync(file) ? read(file) : null;
  if (check !== null && known === null)
    throw new LotlineError('CFG-VALUE', `The vault key ${file} is not there, but the store holds identities that were sealed under it`, {
      at: 'LOTLINE_VAULT_KEY_FILE',
      fix: 'Restore the key file from its backup, or name the file that holds it.',
    });
  if (check !== null && known !== null && !timingSafeEqual(Buffer.from(check.padEnd(64)), Buffer.from(known.check.padEnd(64))))
    throw wrongVaultKey();
  return () => {
    known ??= existsSync(file) ? read(file) : make(file);
    return known;
  };
}

function make(file: string): MasterKey {
  mkdirSync(dirname(file), { recursive: true });
  const making = `${file}.new`;
  writeFileSync(making, `lotline-vault-key-1 ${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true });
  renameSync(making, file);
  sync(dirname(file));
  return read(file);
}

function read(file: string): MasterKey {
  let text = '';
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw noGood(file, cause);
  }
  const [, key] = FORM.exec(text) ?? [];
  if (key === undefined) throw noGood(file);
  return masterKey(Buffer.from(key, 'base64url'));
}

/** From its 256 bits. */
export const masterKey = (bytes: Uint8Array): MasterKey => ({
  wrap: deriveKey(bytes, 'wrap'),
  index: deriveKey(bytes, 'index'),
  check: deriveKey(bytes, 'check').subarray(0, 16).toString('hex'),
});

function noGood(file: string, cause?: unknown): LotlineError {
  return new LotlineError('CFG-VALUE', `The vault key ${file} cannot be read, or is none`, {
    at: 'LOTLINE_VAULT_KEY_FILE',
    fix: 'Restore the key file from its backup.',
    cause,
  });
}
