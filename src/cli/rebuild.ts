import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type RebuildReport, rebuild } from '../moving/rebuild.ts';
import type { NewStore } from '../store/new-store.ts';
import { PostgresNewStore } from '../store/postgres/new-store.ts';
import { type PostgresStore, SCHEMA } from '../store/postgres/open.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { finishFile, removeStore, SqliteNewStore } from '../store/sqlite/new-store.ts';
import { JOURNAL_FILE, openForWriting } from '../store/sqlite/open.ts';
import { DATA_FLAG, DATABASE_FLAG, type Place, placeOf, type StoreFlags, withStore } from './store.ts';
import { count, drawTable, startProgress } from './terminal.ts';

/** The store made anew, beside the old one while they are compared; and the old one once it was replaced. */
const FRESH_FILE = 'journal.rebuilt.db';
const OLD_FILE = `${JOURNAL_FILE}.bak`;
const FRESH_SCHEMA = `${SCHEMA}_rebuilt`;
const OLD_SCHEMA = `${SCHEMA}_before_rebuild`;

type Flags = StoreFlags & { keep?: boolean; replace?: boolean; force?: boolean };

/** `lotline rebuild`: every derived table anew from the entries, compared with what is there (design.md §4). */
export function rebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .description('Make all derived tables anew from the entries and compare them with those in use. Changes nothing unless told to.')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option('--keep', `Leave the new store beside the old one, as ${FRESH_FILE}; in a database as the schema ${FRESH_SCHEMA}.`)
    .option(
      '--replace',
      `Put the new store in the place of the old one if they are equal; the old one stays as ${OLD_FILE} or ${OLD_SCHEMA}. The service must be stopped.`,
    )
    .option('--force', 'With --replace: also when they differ.')
    .action(async (flags: Flags) => {
      const place = placeOf(flags);
      const unlock = flags.replace && 'folder' in place ? lockFolder(place.folder) : () => {};
      try {
        await withStore(place, async () => {}); // there is one, and it is of this version
        const fresh = 'folder' in place ? freshFile(place.folder) : await freshSchema(place.database, flags.replace === true);
        const report = await rebuildBeside(place, fresh);
        tell(report);
        await settle(fresh, flags, report.equal);
        if (!report.equal) process.exitCode = 1;
      } finally {
        unlock();
      }
    });
}

/** A new store beside the one that it is compared with, and what may become of it. */
type Fresh = {
  readonly store: NewStore;
  /** Where it is, and where the old one is once it was replaced. */
  readonly name: string;
  readonly oldName: string;
  replace(): Promise<void>;
  drop(): Promise<void>;
};

function freshFile(folder: string): Fresh {
  const file = join(folder, FRESH_FILE);
  removeStore(file);
  const store = new SqliteNewStore(folder, FRESH_FILE);
  return {
    store,
    name: file,
    oldName: join(folder, OLD_FILE),
    replace: async () => {
      const old = openForWriting(join(folder, JOURNAL_FILE));
      finishFile(old);
      old.close();
      removeStore(join(folder, OLD_FILE));
      renameSync(join(folder, JOURNAL_FILE), join(folder, OLD_FILE));
      await store.putInPlace();
    },
    drop: async () => {
      await store.close();
      removeStore(file);
    },
  };
}

async function freshSchema(database: PostgresStore, alone: boolean): Promise<Fresh> {
  const store = await PostgresNewStore.open(database, FRESH_SCHEMA, { anew: true, alone });
  return {
    store,
    name: `the schema ${FRESH_SCHEMA}`,
    oldName: `the schema ${OLD_SCHEMA}`,
    replace: async () => await store.replace(OLD_SCHEMA),
    drop: async () => await store.discard(),
  };
}

async function rebuildBeside(place: Place, fresh: Fresh): Promise<RebuildReport> {
  const progress = startProgress('Rebuilding', 'entries', 0);
  try {
    return await withStore(place, (old) => rebuild(old, fresh.store, (done, total) => progress.to(done, total)));
  } catch (error) {
    await fresh.drop();
    throw error;
  } finally {
    progress.end();
  }
}

async function settle(fresh: Fresh, flags: Flags, equal: boolean): Promise<void> {
  if (flags.replace && (equal || flags.force)) {
    await fresh.replace();
    console.log(`The new store is in place; the old one is ${fresh.oldName}.`);
  } else if (flags.keep) {
    await fresh.store.close();
    console.log(`The new store is ${fresh.name}.`);
  } else await fresh.drop();
  if (flags.replace && !equal && !flags.force) console.log('Nothing was replaced, because they differ; --force replaces all the same.');
}

function tell({ entries, tables, equal, unreadable }: RebuildReport): void {
  const rows = tables.map(({ table, rows, differing }) => [table, count(rows), count(differing)]);
  console.log(drawTable('lrr', rows, { head: ['Table', 'Rows', 'Differing'] }));
  for (const difference of tables.flatMap(({ differences }) => differences)) {
    const columns = difference.columns.map(({ name, first, second }) => `${name} is ${first} and should be ${second}`).join('; ');
    const kind =
      difference.kind === 'only in the first' ? 'should not be there' : difference.kind === 'only in the second' ? 'is missing' : columns;
    console.log(`${difference.table} ${difference.row}: ${kind}`);
  }
  for (const what of unreadable) console.log(`Cannot be read in the old store, and is made anew as far as entries tell it: ${what}.`);
  const loose = tables.reduce((sum, table) => sum + table.loose, 0);
  if (loose > 0) console.log(`${count(loose)} rows have a looser or tighter last_seq; no answer depends on it.`);
  console.log(equal ? `Equal: all derived tables follow from ${count(entries)} entries.` : 'Not equal: see above.');
}
