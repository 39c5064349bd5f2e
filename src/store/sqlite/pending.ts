import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PendingDocument } from '../new-store.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading } from './open.ts';

/** The documents in a folder's intake that have no job in its journal yet, oldest first. */
export function* pendingDocuments(folder: string): Generator<PendingDocument> {
  const file = join(folder, INTAKE_FILE);
  if (!existsSync(file)) return;
  const intake = openForReading(file, { cacheMegabytes: 8 });
  const journal = openForReading(join(folder, JOURNAL_FILE), { cacheMegabytes: 8 });
  try {
    const hasJob = journal.prepare('SELECT 1 FROM capture_job WHERE capture_id = ?');
    const documents = intake.prepare('SELECT id, capture_id AS captureID, actor, behaviour, created, body FROM document ORDER BY id');
    for (const document of documents.iterate() as Iterable<PendingDocument>)
      if (hasJob.get(document.captureID) === undefined) yield document;
  } finally {
    intake.close();
    journal.close();
  }
}
