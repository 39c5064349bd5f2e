import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { LotlineError } from '../../errors.ts';

const LOCK_FILE = 'lock.db';

/**
 * Takes a data folder for this process alone: two writers would each grow a log of their own. The operating system gives the lock back
 * when the process ends, however it ends. Answers how to give it back before.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const db = new Database(join(folder, LOCK_FILE), { timeout: 0 });
  try {
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    throw new LotlineError('CFG-VALUE', `Another lotline works on ${resolve(folder)}`, {
      at: 'LOTLINE_DATA',
      fix: 'Stop it first, or name another folder.',
      cause,
    });
  }
  return () => db.close();
}
