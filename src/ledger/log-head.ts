import { closeSync, constants, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { type VerifierKey, verifyCheckpoint } from './index.ts';
import { verifySignatureNode } from './node-crypto.ts';
import { latestCheckpoint, storedRoot } from './questions.ts';

/**
 * The newest checkpoint in a file of its own, beside an embedded store. It is written after each commit, so it never names what is not
 * stored. A store that has less lost something: its write-ahead log was cut, damaged or left behind, or an old copy was put in its place.
 * SQLite takes all of these for an earlier state and says nothing.
 */
export const HEAD_FILE = 'log.head';

/** Keeps the file up to date. Not synced: after a loss of power it may be older than the store, which means nothing. */
export class LogHead {
  private readonly file: string;
  private handle: number | null = null;
  private length = 0;

  constructor(folder: string) {
    this.file = join(folder, HEAD_FILE);
  }

  /** Writes over what is there in one go. Where that fails, what the file knows stays older. */
  keep(newest: () => string | undefined): void {
    try {
      const note = newest();
      if (note === undefined) return;
      this.handle ??= openSync(this.file, constants.O_RDWR | constants.O_CREAT, 0o644);
      const bytes = Buffer.from(note);
      writeSync(this.handle, bytes, 0, bytes.length, 0);
      if (this.length !== bytes.length) ftruncateSync(this.handle, bytes.length);
      this.length = bytes.length;
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.handle !== null) closeSync(this.handle);
    this.handle = null;
  }
}

/** What the file holds; null where there is none, or an empty one. */
export function readLogHead(folder: string): string | null {
  const file = join(folder, HEAD_FILE);
  return (existsSync(file) && readFileSync(file, 'utf8')) || null;
}

/**
 * Refuses a store that has less than was stored in its folder before, or something else: to go on with it would sign a second history under
 * the same name. `db` is null where there is no store at all. A file that is no checkpoint of this log tells nothing.
 */
export async function expectLogHead(folder: string, db: Db | null, verifier: VerifierKey): Promise<void> {
  const head = headIn(folder, verifier);
  if (head === null || head.size === 0) return;
  const size = db === null ? 0 : ((await latestCheckpoint(db))?.size ?? 0);
  const fix = `Put the right journal.db and journal.db-wal in place, or restore a backup. If what is lost has to be lost, remove ${HEAD_FILE}: whoever kept a later checkpoint will find out.`;
  if (db === null || size < head.size)
    throw new LotlineError('LOG-ROLLBACK', `The store in ${folder} has ${size} entries, and ${head.size} were stored there before`, {
      fix,
    });
  if (Buffer.compare(head.rootHash, await storedRoot(db, head.size, size)) !== 0)
    throw new LotlineError('LOG-FORK', `The store in ${folder} has other entries than were stored there before`, { fix });
}

function headIn(folder: string, verifier: VerifierKey): ReturnType<typeof verifyCheckpoint> | null {
  try {
    return verifyCheckpoint(readLogHead(folder) ?? '', [verifier], verifySignatureNode);
  } catch {
    return null;
  }
}
