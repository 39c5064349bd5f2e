import Database from 'better-sqlite3';
import { finishFile } from './new-store.ts';
import { openForReading } from './open.ts';

/** Pages copied between two breaths of the program. */
const PAGES = 1_024;

/**
 * Copies a database file as it is at one moment, while others write to it. The read transaction is what makes that moment: a copy without one begins anew
 * whenever somebody has written, and so would never end under load. What is written meanwhile stays in the write-ahead log until the copy is done.
 */
export async function copyDatabase(from: string, to: string, onProgress: (done: number, total: number) => void = () => {}): Promise<void> {
  const source = openForReading(from, { cacheMegabytes: 8 });
  try {
    source.exec('BEGIN');
    source.prepare('SELECT 1 FROM sqlite_master').get();
    await source.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES;
      },
    });
  } finally {
    source.close();
  }
  const copy = new Database(to);
  try {
    finishFile(copy);
  } finally {
    copy.close();
  }
}
