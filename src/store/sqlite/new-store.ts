import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sync } from '../durable.ts';
import type { NewStore, PendingDocument } from '../new-store.ts';
import { SqliteJournal } from './journal.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForWriting, type SqliteConnection, SqliteDb } from './open.ts';

/** An embedded store that is filled under another name in the folder where it is to be used. Its caller holds the folder's lock. */
export class SqliteNewStore implements NewStore {
  readonly journal: SqliteJournal;
  readonly db: SqliteDb;
  private readonly folder: string;
  private readonly name: string;
  private readonly connection: SqliteConnection;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
    this.connection = openForWriting(join(folder, name));
    // What is committed is whole after a loss of power, though the last of it may be gone: then it is filled in again.
    this.connection.pragma('synchronous = NORMAL');
    this.journal = new SqliteJournal(this.connection);
    this.db = new SqliteDb(this.connection);
  }

  /** The intake is a file of its own, and in its place at once: nobody reads it before the journal is there. */
  async putPending(documents: Iterable<PendingDocument>, lastJob: number): Promise<number> {
    return putPendingDocuments(join(this.folder, INTAKE_FILE), documents, lastJob);
  }

  async putInPlace(): Promise<void> {
    finishFile(this.connection);
    this.journal.close();
    renameSync(join(this.folder, this.name), join(this.folder, JOURNAL_FILE));
    sync(this.folder);
  }

  async close(): Promise<void> {
    this.journal.close();
  }
}

/** Puts documents into an intake, beside what is there. The numbers of jobs go on above `lastJob`: the journal has its jobs by those numbers. */
export function putPendingDocuments(file: string, documents: Iterable<PendingDocument>, lastJob: number): number {
  const intake = openForWriting(file, { migrations: 'intake-migrations', cacheMegabytes: 8 });
  try {
    const put = intake.prepare(
      `INSERT INTO document (id, capture_id, actor, behaviour, kind, created, body) VALUES (?, ?, ?, ?, 'document', ?, ?) ON CONFLICT (capture_id) DO NOTHING`,
    );
    return intake.transaction(() => {
      let count = 0;
      for (const d of documents) {
        put.run(d.id, d.captureID, d.actor, d.behaviour, d.created, d.body);
        count++;
      }
      intake.exec(
        `INSERT INTO sqlite_sequence (name, seq) SELECT 'document', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'document')`,
      );
      intake.prepare(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'document'`).run(lastJob);
      return count;
    })();
  } finally {
    intake.close();
  }
}

/** What is only in the write-ahead log goes into the file, so that the file alone is the whole store, and that to the disk. */
export function finishFile(connection: SqliteConnection): void {
  connection.pragma('synchronous = FULL');
  connection.pragma('journal_mode = DELETE');
}

/** A store and what SQLite keeps beside it. */
export function removeStore(file: string): void {
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) if (existsSync(name)) rmSync(name);
}
