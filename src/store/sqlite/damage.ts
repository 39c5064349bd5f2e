import { LotlineError } from '../../errors.ts';

/** What SQLite throws of a file that is not as it wrote it. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB)|^SQLITE_IOERR_(SHORT_READ|CORRUPTFS|DATA)$/;

/** Does something with a store; when SQLite finds its file damaged, that is told in our words: STORE-DAMAGED. */
export function noticeDamage<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asDamage(file, error);
  }
}

/** An error of a damaged file in our words; any other as it is. */
export function asDamage(file: string, error: unknown): unknown {
  if (!DAMAGE.test(String((error as { code?: unknown }).code))) return error;
  return new LotlineError('STORE-DAMAGED', `The store ${file} is damaged: ${(error as Error).message}`, {
    fix: 'Stop the service, run verify-log to see what is damaged, and restore the folder from a backup.',
    cause: error,
  });
}
