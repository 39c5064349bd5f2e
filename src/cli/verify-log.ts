import { join } from 'node:path';
import type { Command } from 'commander';
import { formatVerifierKey } from '../ledger/index.ts';
import { readLogHead } from '../ledger/log-head.ts';
import { latestCheckpoint } from '../ledger/questions.ts';
import { checkStoredLog, type StoredLogCheck, type StoredLogReport } from '../ledger/stored-log.ts';
import type { Db } from '../store/db.ts';
import { findDamage } from '../store/sqlite/integrity.ts';
import { JOURNAL_FILE, openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { getVerifier, LOG_KEY_FLAGS, type LogKeyFlags, readKept } from './log-key.ts';
import { DATA_FLAG, DATABASE_FLAG, dataFolder, nameOf, placeOf, type StoreFlags, withStore } from './store.ts';
import { count, startProgress } from './terminal.ts';

type Flags = StoreFlags & LogKeyFlags & { against?: string };

/** `lotline verify-log`: everything that the log vouches for, derived again from the entries (domain.md §18.3). */
export function verifyLogCommand(program: Command): void {
  program
    .command('verify-log')
    .description(
      'Check the file of a store, and every body, event hash, leaf, tile, root, checkpoint and document in it against each other.',
    )
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option('--against <file>', 'A checkpoint that you kept: shows whether the log was rolled back or rewritten since.')
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (flags: Flags) => {
      const report = await verify(flags);
      tell(report);
      if (!report.ok) process.exitCode = 1;
    });
}

async function verify(flags: Flags): Promise<StoredLogReport> {
  const place = placeOf(flags);
  const verifier = getVerifier(flags, dataFolder(flags));
  console.error(`Checking ${nameOf(place)} with the key ${formatVerifierKey(verifier)}`);
  const progress = startProgress('Checking', 'entries', 0);
  try {
    const check: StoreCheck = {
      verifiers: [verifier],
      ...(flags.against !== undefined && { kept: readKept(flags.against) }),
      onProgress: (done, total) => progress.to(done, total),
    };
    return await ('folder' in place ? verifyStore(place.folder, check) : withStore(place, (db) => verifyIn(db, check)));
  } finally {
    progress.end();
  }
}

type StoreCheck = Pick<StoredLogCheck, 'verifiers' | 'kept' | 'head'> & { onProgress?: (done: number, total: number) => void };

/** Checks the store in a folder: its file first, then everything that the log vouches for. */
export async function verifyStore(folder: string, check: StoreCheck): Promise<StoredLogReport> {
  const head = readLogHead(folder); // before the store, which may go on meanwhile
  const connection = openForReading(join(folder, JOURNAL_FILE));
  try {
    connection.exec('BEGIN'); // one state of it; what ends it is the closing, which no damage can fail
    const db = new SqliteDb(connection);
    return await verifyIn(db, head === null ? check : { ...check, head }, findDamage(connection));
  } finally {
    connection.close();
  }
}

async function verifyIn(db: Db, { onProgress, ...check }: StoreCheck, damage: readonly string[] = []): Promise<StoredLogReport> {
  const total = damage.length > 0 ? 0 : ((await latestCheckpoint(db))?.size ?? 0);
  return await checkStoredLog(db, {
    ...check,
    damage,
    onProgress: ({ entries }) => onProgress?.(entries, Math.max(total, entries)),
  });
}

function tell(report: StoredLogReport): void {
  for (const problem of report.problems) console.log(`${problem.code}: ${problem.message}.`);
  if (report.ok) {
    console.log(
      `Good: ${count(report.size)} entries, ${count(report.documents)} documents and ${count(report.checkpoints)} checkpoints agree. Root ${report.root}.`,
    );
    return;
  }
  const first = report.firstBadSeq === null ? '' : ` The first bad entry is ${report.firstBadSeq}.`;
  const more = report.complete ? '' : ' The check stopped there; more may be wrong.';
  console.log(`Not good: ${count(report.problems.length)} ${report.problems.length === 1 ? 'fault' : 'faults'}.${first}${more}`);
}
