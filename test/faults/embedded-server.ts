import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyStore } from '../../src/cli/verify-log.ts';
import type { VerifierKey } from '../../src/ledger/index.ts';
import type { StoredLogReport } from '../../src/ledger/stored-log.ts';
import type { RebuildReport } from '../../src/moving/rebuild.ts';
import type { Db } from '../../src/store/db.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, SqliteDb } from '../../src/store/sqlite/open.ts';
import { rebuilt } from '../support/rebuilt.ts';
import { ServedProcess } from './served-process.ts';
import type { ServerUnderTest } from './server-under-test.ts';

/** `lotline serve` on the embedded store in its folder. */
export class EmbeddedServer extends ServedProcess implements ServerUnderTest {
  get name(): string {
    return `embedded store in ${this.folder}`;
  }

  async look<T>(ask: (db: Db) => Promise<T>): Promise<T> {
    const connection = openForReading(join(this.folder, JOURNAL_FILE));
    try {
      const db = new SqliteDb(connection);
      return await db.snapshot(() => ask(db));
    } finally {
      connection.close();
    }
  }

  async queued(): Promise<string[]> {
    const file = join(this.folder, INTAKE_FILE);
    if (!existsSync(file)) return [];
    const connection = openForReading(file);
    try {
      return connection.prepare('SELECT capture_id FROM document').pluck().all() as string[];
    } finally {
      connection.close();
    }
  }

  async verifyFiles(verifiers: readonly VerifierKey[]): Promise<StoredLogReport> {
    return await verifyStore(this.folder, { verifiers });
  }

  async rebuild(): Promise<RebuildReport> {
    const old = openForReading(join(this.folder, JOURNAL_FILE));
    try {
      return await rebuilt(old);
    } finally {
      old.close();
    }
  }
}
