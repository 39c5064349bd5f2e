import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type RebuildReport, rebuild } from '../moving/rebuild.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { JOURNAL_FILE, openForReading, openForWriting, SqliteDb } from '../store/sqlite/open.ts';
import { DATA_FLAG, dataFolder } from './store.ts';
import { count, drawTable, startProgress } from './terminal.ts';

/** The store made anew, beside the old one while they are compared. */
const FRESH_FILE = 'journal.rebuilt.db';

type Flags = { data?: string; keep?: boolean; replace?: boolean; force?: boolean };

/** `lotline rebuild`: every derived table anew from the entries, compared with what is there (design.md §4). */
export function rebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .description('Make all derived tables anew from the entries and compare them with those in use. Changes nothing unless told to.')
    .option(...DATA_FLAG)
    .option('--keep', `Leave the new store beside the old one, as ${FRESH_FILE}.`)
    .option(
      '--replace',
      `Put the new store in the place of the old one if they are equal; the old one stays as ${JOURNAL_FILE}.bak. The service must be stopped.`,
    )
    .option('--force', 'With --replace: also when they differ.')
    .action(async (flags: Flags) => {
      const folder = dataFolder(flags);
      const unlock = flags.replace ? lockFolder(folder) : () => {};
      try {
        const report = await rebuildIn(folder);
        tell(report);
        settle(folder, flags, report.equal);
        if (!report.equal) process.exitCode = 1;
      } finally {
        unlock();
      }
    });
}

async function rebuildIn(folder: string): Promise<RebuildReport> {
  const old = openForReading(join(folder, JOURNAL_FILE));
  removeStore(join(folder, FRESH_FILE));
  const fresh = openForWriting(join(folder, FRESH_FILE));
  // Should the machine stop meanwhile, the old store is there and this one is begun again; only when it is done must it be on the disk.
  fresh.pragma('synchronous = OFF');
  const progress = startProgress('Rebuilding', 'entries', 0);
  try {
    const db = new SqliteDb(old);
    const store = { journal: new SqliteJournal(fresh), db: new SqliteDb(fresh) };
    const report = await db.snapshot(() => rebuild(db, store, (done, total) => progress.to(done, total)));
    fresh.pragma('synchronous = FULL');
    fresh.pragma('wal_checkpoint(TRUNCATE)');
    return report;
  } finally {
    progress.end();
    fresh.close();
    old.close();
  }
}

function settle(folder: string, flags: Flags, equal: boolean): void {
  const fresh = join(folder, FRESH_FILE);
  if (flags.replace && (equal || flags.force)) {
    replace(join(folder, JOURNAL_FILE), fresh);
    console.log(`The new store is in place; the old one is ${join(folder, `${JOURNAL_FILE}.bak`)}.`);
  } else if (flags.keep) console.log(`The new store is ${fresh}.`);
  else removeStore(fresh);
  if (flags.replace && !equal && !flags.force) console.log('Nothing was replaced, because they differ; --force replaces all the same.');
}

function replace(file: string, fresh: string): void {
  // What is only in the write-ahead log goes into the file, so that the file alone is the whole store.
  const old = openForWriting(file);
  old.pragma('journal_mode = DELETE');
  old.close();
  removeStore(`${file}.bak`);
  renameSync(file, `${file}.bak`);
  renameSync(fresh, file);
}

function removeStore(file: string): void {
  for (const name of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(name)) rmSync(name);
}

function tell({ entries, tables, equal }: RebuildReport): void {
  const rows = tables.map(({ table, rows, differing }) => [table, count(rows), count(differing)]);
  console.log(drawTable('lrr', rows, { head: ['Table', 'Rows', 'Differing'] }));
  for (const difference of tables.flatMap(({ differences }) => differences)) {
    const columns = difference.columns.map(({ name, first, second }) => `${name} is ${first} and should be ${second}`).join('; ');
    const kind =
      difference.kind === 'only in the first' ? 'should not be there' : difference.kind === 'only in the second' ? 'is missing' : columns;
    console.log(`${difference.table} ${difference.row}: ${kind}`);
  }
  const loose = tables.reduce((sum, table) => sum + table.loose, 0);
  if (loose > 0) console.log(`${count(loose)} rows have a looser or tighter last_seq; no answer depends on it.`);
  console.log(equal ? `Equal: all derived tables follow from ${count(entries)} entries.` : 'Not equal: see above.');
}
