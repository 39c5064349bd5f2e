import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LotlineError } from '../errors.ts';
import { parseSignerKey, parseVerifierKey, type VerifierKey, verifierKeyOf } from '../ledger/index.ts';

/** The options by which a command finds the log's key: what a store says is believed only as far as this key has signed it. */
export const LOG_KEY_FLAGS = {
  key: ['--log-key <vkey>', "The log's public key, as GET /ledger/key answers it. Default: from the key file."],
  file: ['--log-key-file <file>', 'Also LOTLINE_LOG_KEY_FILE. Default: log.key in the data folder.'],
} as const;
export type LogKeyFlags = { logKey?: string; logKeyFile?: string };

export const LOG_KEY_FILE = 'log.key';

/** Where the key file of a log is, whether it is there or not. */
export const logKeyFileOf = (flags: LogKeyFlags, folder: string): string =>
  flags.logKeyFile ?? process.env['LOTLINE_LOG_KEY_FILE'] ?? join(folder, LOG_KEY_FILE);

/** The key that is known to whoever asks; null when none is. */
export function findVerifier(flags: LogKeyFlags, folder: string): VerifierKey | null {
  if (flags.logKey !== undefined) return parseVerifierKey(flags.logKey.trim());
  const file = logKeyFileOf(flags, folder);
  return existsSync(file) ? verifierKeyOf(parseSignerKey(readFileSync(file, 'utf8').trim())) : null;
}

export function getVerifier(flags: LogKeyFlags, folder: string): VerifierKey {
  const verifier = findVerifier(flags, folder);
  if (verifier !== null) return verifier;
  throw new LotlineError('CFG-VALUE', `The log key ${logKeyFileOf(flags, folder)} is not there`, {
    at: '--log-key-file',
    fix: 'Name the key file, or give the public key with --log-key.',
  });
}

/** A checkpoint that somebody kept, from its file. */
export function readKept(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  throw new LotlineError('CFG-VALUE', `${file} is not there`, { at: '--against', fix: 'Name a file with a signed checkpoint.' });
}
