import type { VerifierKey } from '../../src/ledger/index.ts';
import type { StoredLogReport } from '../../src/ledger/stored-log.ts';
import type { RebuildReport } from '../../src/moving/rebuild.ts';
import type { Db } from '../../src/store/db.ts';

/**
 * What the fault tests need of a service: a process that they may kill, and a way to its store behind its back. A process starts anew on the
 * store that the one before it left; all of them take `adminKey`.
 */
export interface ServerUnderTest {
  /** What it is and where its store lies, for whoever has to look at what failed. */
  readonly name: string;
  readonly adminKey: string;
  /** For so long after it was ended, a key may still open at another process than the one that ended it, ms. */
  readonly keyMemoryMs?: number;
  /** Where it answers; null until it is ready, and from the moment it is killed. */
  readonly url: string | null;
  /** Starts a process and does not wait for it. */
  launch(): void;
  /** Resolves when it is ready; throws what it said when it ended before, unless it was killed. */
  ready(): Promise<void>;
  /** Resolves when the process is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Asks the store, in one state of it, with no process running. */
  look<T>(ask: (db: Db) => Promise<T>): Promise<T>;
  /** Captures that were taken and not folded, with no process running. */
  queued(): Promise<string[]>;
  /** What verify-log says of the files, where the store lies in files of ours, with no process running; everywhere the log is checked through `look`. */
  verifyFiles?(verifiers: readonly VerifierKey[]): Promise<StoredLogReport>;
  /** Makes everything derived anew from the entries and compares, with no process running. */
  rebuild(): Promise<RebuildReport>;
  /** Ends what runs and removes the store. */
  dispose(): Promise<void>;
}
