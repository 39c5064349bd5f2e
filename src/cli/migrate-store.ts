import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { expectLogHead } from '../ledger/log-head.ts';
import { holdToNewest } from '../moving/kept.ts';
import { StoredTruth } from '../moving/stored-truth.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { JOURNAL_FILE, openForReading, openForWriting, SqliteDb } from '../store/sqlite/open.ts';
import { pendingDocuments } from '../store/sqlite/pending.ts';
import { erasuresOf, fillPlace, withEmptyPlace } from './fill-place.ts';
import { getVerifier, LOG_KEY_FLAGS, type LogKeyFlags, logKeyFileOf } from './log-key.ts';
import { DATA_FLAG, dataFolder, nameOf } from './store.ts';
import { count, counted } from './terminal.ts';

type Flags = LogKeyFlags & { data?: string; to?: string; compare?: boolean };

/** `lotline migrate-store`: a data folder into a PostgreSQL database, entry by entry, with the same log. */
export function migrateStoreCommand(program: Command): void {
  program
    .command('migrate-store')
    .description(
      'Move a store from a data folder to PostgreSQL: the same log, entry by entry. Run it again to go on after a stop. The service must be stopped.',
    )
    .option(...DATA_FLAG)
    .option('--to <url>', 'The PostgreSQL database, such as postgres://user:password@host:5432/lotline. Default: LOTLINE_DATABASE_URL.')
    .option('--compare', 'Compare every row of both stores before the new one is put in its place.')
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (flags: Flags) => await migrate(flags));
}

async function migrate(flags: Flags): Promise<void> {
  const folder = dataFolder(flags);
  const place = { database: { url: targetOf(flags) } };
  const verifier = getVerifier(flags, folder);
  const unlock = lockFolder(folder);
  if (flags.compare) openForWriting(join(folder, JOURNAL_FILE)).close(); // tables are compared with those of this version
  const connection = openForReading(join(folder, JOURNAL_FILE));
  try {
    const db = new SqliteDb(connection);
    const truth = await StoredTruth.open(db);
    await holdToNewest(truth, verifier);
    await expectLogHead(folder, db, verifier);
    const pending = pendingDocuments(folder);
    const filling = { truth, pending, label: 'Moving', erasures: erasuresOf(flags), compareWith: flags.compare ? db : undefined };
    const waiting = await withEmptyPlace(place, async () => await fillPlace(place, filling));
    console.log(`${count(truth.size)} entries are in ${nameOf(place)}. To be folded when it is served: ${counted(waiting, 'document')}.`);
    console.log(
      `Give every process LOTLINE_DATABASE_URL and LOTLINE_LOG_KEY_FILE, with ${resolve(logKeyFileOf(flags, folder))} or a copy of it: the log goes on under its key.`,
    );
    console.log(
      `Serve ${resolve(folder)} no more: a log that goes on in two places is a forked one. Keep it until you have a backup of the new store.`,
    );
  } finally {
    connection.close();
    unlock();
  }
}

/** From the environment a password is not told to everybody who lists the processes. */
function targetOf({ to = process.env['LOTLINE_DATABASE_URL'] }: Flags): string {
  if (to) return to;
  throw new LotlineError('CFG-VALUE', 'No database is named', { at: '--to', fix: 'Give --to, or set LOTLINE_DATABASE_URL.' });
}
