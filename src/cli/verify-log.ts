import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { formatVerifierKey, parseSignerKey, parseVerifierKey, type VerifierKey, verifierKeyOf } from '../ledger/index.ts';
import { latestCheckpoint } from '../ledger/questions.ts';
import { checkStoredLog, type StoredLogCheck, type StoredLogReport } from '../ledger/stored-log.ts';
import { findDamage } from '../store/sqlite/integrity.ts';
import { JOURNAL_FILE, openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { DATA_FLAG, dataFolder } from './store.ts';
import { count, startProgress } from './terminal.ts';

type Flags = { data?: string; against?: string; logKey?: string; logKeyFile?: string };

/** `lotline verify-log`: everything that the log vouches for, derived again from the entries (domain.md §18.3). */
export function verifyLogCommand(program: Command): void {
  program
    .command('verify-log')
    .description(
      'Check the file of a store, and every body, event hash, leaf, tile, root, checkpoint and document in it against each other.',
    )
    .option(...DATA_FLAG)
    .option('--against <file>', 'A checkpoint that you kept: shows whether the log was rolled back or rewritten since.')
    .option('--log-key <vkey>', "The log's public key, as GET /ledger/key answers it. Default: from the key file.")
    .option('--log-key-file <file>', 'Also LOTLINE_LOG_KEY_FILE. Default: log.key in the data folder.')
    .action(async (flags: Flags) => {
      const report = await verify(flags);
      tell(report);
      if (!report.ok) process.exitCode = 1;
    });
}

async function verify(flags: Flags): Promise<StoredLogReport> {
  const folder = dataFolder(flags);
  const verifier = verifierOf(flags, folder);
  const kept = flags.against === undefined ? [] : [{ note: readKept(flags.against), whose: 'you kept' }];
  console.error(`Checking ${resolve(folder)} with the key ${formatVerifierKey(verifier)}`);
  const progress = startProgress('Checking', 'entries', 0);
  try {
    return await verifyStore(folder, { verifiers: [verifier], kept, onProgress: (done, total) => progress.to(done, total) });
  } finally {
    progress.end();
  }
}

type StoreCheck = Pick<StoredLogCheck, 'verifiers' | 'kept'> & { onProgress?: (done: number, total: number) => void };

/** Checks the store in a folder: its file first, then everything that the log vouches for. */
export async function verifyStore(folder: string, { verifiers, kept = [], onProgress }: StoreCheck): Promise<StoredLogReport> {
  const connection = openForReading(join(folder, JOURNAL_FILE));
  try {
    connection.exec('BEGIN'); // one state of it; what ends it is the closing, which no damage can fail
    const db = new SqliteDb(connection);
    const damage = findDamage(connection);
    const total = damage.length > 0 ? 0 : ((await latestCheckpoint(db))?.size ?? 0);
    return await checkStoredLog(db, {
      verifiers,
      kept,
      damage,
      onProgress: ({ entries }) => onProgress?.(entries, Math.max(total, entries)),
    });
  } finally {
    connection.close();
  }
}

function verifierOf(flags: Flags, folder: string): VerifierKey {
  if (flags.logKey !== undefined) return parseVerifierKey(flags.logKey.trim());
  const file = flags.logKeyFile ?? process.env['LOTLINE_LOG_KEY_FILE'] ?? join(folder, 'log.key');
  if (existsSync(file)) return verifierKeyOf(parseSignerKey(readFileSync(file, 'utf8').trim()));
  throw new LotlineError('CFG-VALUE', `The log key ${file} is not there`, {
    at: '--log-key-file',
    fix: 'Name the key file, or give the public key with --log-key.',
  });
}

function readKept(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  throw new LotlineError('CFG-VALUE', `${file} is not there`, { at: '--against', fix: 'Name a file with a signed checkpoint.' });
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
