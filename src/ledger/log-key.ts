import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LotlineError } from '../errors.ts';
import { formatSignerKey, parseSignerKey, type SignerKey, signerKeyFromSeed } from './index.ts';

/**
 * The key that signs the log, from its file (the signer form of signed notes). Made, readable by its owner alone, where there is none and
 * `mayMake` says that no log was signed yet. The key bears the log's origin; another origin than asked for is refused.
 */
export function openLogKey(file: string, options: { origin: string | null; mayMake: boolean }): SignerKey {
  if (!existsSync(file)) {
    if (!options.mayMake) {
      throw new LotlineError('CFG-VALUE', `The log key ${file} is not there, but the log was signed before`, {
        at: 'LOTLINE_LOG_KEY_FILE',
        fix: 'Restore the key file from its backup, or name the file that holds it.',
      });
    }
    const made = signerKeyFromSeed(options.origin ?? `lotline.local/${randomBytes(4).toString('hex')}`, randomBytes(32));
    writeWhole(file, `${formatSignerKey(made)}\n`);
    return made;
  }
  const key = readKey(file);
  if (options.origin !== null && options.origin !== key.name) {
    throw new LotlineError('CFG-VALUE', `LOTLINE_ORIGIN is ${options.origin}, but the log key ${file} is that of ${key.name}`, {
      at: 'LOTLINE_ORIGIN',
      fix: `Set LOTLINE_ORIGIN to ${key.name} or leave it unset: a log cannot change its name.`,
    });
  }
  return key;
}

/** The file is there whole or not at all, and on the disk before anything is signed with it: a log outlives no half of its key. */
function writeWhole(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const making = `${file}.new`;
  writeFileSync(making, text, { mode: 0o600, flush: true });
  renameSync(making, file);
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function readKey(file: string): SignerKey {
  try {
    return parseSignerKey(readFileSync(file, 'utf8').trim());
  } catch (cause) {
    const why = cause instanceof LotlineError ? cause.message : ((cause as NodeJS.ErrnoException).code ?? 'it cannot be read');
    throw new LotlineError('CFG-VALUE', `The log key ${file} is no good: ${why}`, {
      at: 'LOTLINE_LOG_KEY_FILE',
      fix: 'Restore the key file from its backup.',
      cause,
    });
  }
}
