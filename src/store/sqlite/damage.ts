import { LotlineError } from '../../errors.ts';

/** What SQLite throws of a file that is not as it wrote it. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB)|^SQLITE_IOERR_(SHORT_READ|CORRUPTFS|DATA)$/;
/** Of a head that speaks of a form of the file that there is not, it says this without a code of its own. */
const NO_SUCH_FORM = 'unsupported file format';

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
  const { code, message } = error as { code?: unknown; message?: string };
  if (!DAMAGE.test(String(code)) && message !== NO_SUCH_FORM) return error;
  return new LotlineError('STORE-DAMAGED', `The store ${file} is damaged: ${message}`, {
    fix: 'Stop the service, run verify-log to see what is damaged, and restore the folder from a backup.',
    cause: error,
  });
}
