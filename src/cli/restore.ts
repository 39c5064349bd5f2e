import { chmodSync, copyFileSync, existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ERASURES_FILE, type Erased } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { parseVerifierKey, type VerifierKey } from '../ledger/index.ts';
import { type BackupManifest, checkBackup, MANIFEST_FILE } from '../moving/backup.ts';
import { holdToKept, holdToNewest } from '../moving/kept.ts';
import { markRestored } from '../moving/restored.ts';
import { StoredTruth } from '../moving/stored-truth.ts';
import type { Truth } from '../moving/truth.ts';
import { readWaiting } from '../moving/waiting.ts';
import type { JournalDb } from '../store/db.ts';
import { sync } from '../store/durable.ts';
import { SqliteJournal } from '../store/sqlite/journal.ts';
import { finishFile, putPendingDocuments, removeStore } from '../store/sqlite/new-store.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, openForWriting, SqliteDb } from '../store/sqlite/open.ts';
import { pendingDocuments } from '../store/sqlite/pending.ts';
import { EXPORT_FILE, WAITING_FILE } from './backup.ts';
import { eraseIn, erasuresOf, fillPlace, MOVING_FILE, withEmptyPlace } from './fill-place.ts';
import { checkExport } from './import.ts';
import { findVerifier, LOG_KEY_FILE, LOG_KEY_FLAGS, type LogKeyFlags, logKeyFileOf, readKept } from './log-key.ts';
import { DATA_FLAG, DATABASE_FLAG, dataFolder, nameOf, type Place, placeOf, type StoreFlags } from './store.ts';
import { count, counted, startProgress } from './terminal.ts';
import { verifyStore } from './verify-log.ts';

type Flags = StoreFlags & LogKeyFlags & { against?: string; erasures?: string };

/** `lotline restore`: a store from a backup, after every byte of it was checked. */
export function restoreCommand(program: Command): void {
  program
    .command('restore')
    .description('Make a store from a backup, on either engine. Only where there is none yet.')
    .argument('<folder>', 'What `lotline backup` has written')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option('--erasures <file>', ERASURES_ABOUT)
    .option('--against <file>', 'A checkpoint that you kept: refuses a backup that is older, or of another log.')
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (folder: string, flags: Flags) => {
      const place = placeOf(flags);
      await withEmptyPlace(place, async () => {
        const manifest = await readBackup(folder);
        const known = findVerifier(flags, dataFolder(flags));
        const backup = {
          folder,
          manifest,
          verifier: known ?? parseVerifierKey(manifest.vkey),
          against: flags.against,
          erasures: erasuresOf(flags),
        };
        const waiting = await restoreTo(place, backup);
        console.log(
          `Restored ${count(manifest.size)} entries of ${manifest.origin}, as they were at ${manifest.made}, into ${nameOf(place)}.`,
        );
        console.log(`To be folded when the service starts: ${counted(waiting, 'document')}.`);
        if (backup.erasures.length === 0) console.log(NO_ERASURES);
        if (known === null)
          console.log(`The checkpoint is signed by ${manifest.vkey}, as the backup itself says: compare it with the key that you know.`);
        if (flags.against === undefined && manifest.checkpoint !== null)
          console.log(
            'Nothing here can tell whether there was a later backup: compare with a checkpoint that you kept (verify-log --against).',
          );
        console.log(restoreKey(place, flags, folder, manifest));
      });
    });
}

type Backup = {
  readonly folder: string;
  readonly manifest: BackupManifest;
  readonly verifier: VerifierKey;
  readonly against: string | undefined;
  /** What was erased, perhaps after the backup was made. */
  readonly erasures: readonly Erased[];
};

const ERASURES_ABOUT = `The ${ERASURES_FILE} of the store, besides the one in the data folder: what it tells is erased again.`;
const NO_ERASURES = `No list of erasures was there: if anybody was erased after this backup was made, restore again with --erasures and the ${ERASURES_FILE} of the store.`;

async function readBackup(folder: string): Promise<BackupManifest> {
  const progress = startProgress('Reading', 'bytes', 0);
  try {
    return await checkBackup(folder, (done, total) => progress.to(done, total));
  } finally {
    progress.end();
  }
}

/** Answers how many documents wait to be folded. */
async function restoreTo(place: Place, backup: Backup): Promise<number> {
  const { folder, manifest, verifier, against, erasures } = backup;
  if (!manifest.files.some(({ name }) => name === JOURNAL_FILE)) {
    const truth = await checkExport(join(folder, EXPORT_FILE), verifier, against);
    holdToManifest(truth, backup);
    return await fillPlace(place, {
      truth,
      pending: await readWaiting(join(folder, WAITING_FILE), truth),
      label: 'Restoring',
      erasures,
      finish,
    });
  }
  const connection = openForReading(join(folder, JOURNAL_FILE));
  try {
    const truth = await StoredTruth.open(new SqliteDb(connection));
    holdToManifest(truth, backup);
    await holdToNewest(truth, verifier);
    if (against !== undefined) await holdToKept(truth, readKept(against), verifier);
    await checkStore(folder, verifier);
    if ('database' in place)
      return await fillPlace(place, { truth, pending: pendingDocuments(folder), label: 'Restoring', erasures, finish });
    return await copyInPlace(
      folder,
      place.folder,
      connection.prepare('SELECT coalesce(max(id), 0) FROM capture_job').pluck().get() as number,
      erasures,
    );
  } finally {
    connection.close();
  }
}

function holdToManifest(truth: Truth, { folder, manifest }: Backup): void {
  if (truth.size === manifest.size && truth.checkpoint === manifest.checkpoint) return;
  throw new LotlineError(
    'MOVE-FILE',
    `${join(folder, MANIFEST_FILE)}: it tells of ${manifest.size} entries, and there are ${truth.size} under another checkpoint`,
    {
      fix: 'Take another backup: somebody has put this one together from several.',
    },
  );
}

/** Everything that the log vouches for, before anything is made of it. */
async function checkStore(folder: string, verifier: VerifierKey): Promise<void> {
  const progress = startProgress('Checking', 'entries', 0);
  try {
    const { ok, problems } = await verifyStore(folder, { verifiers: [verifier], onProgress: (done, total) => progress.to(done, total) });
    if (ok) return;
    throw new LotlineError('MOVE-FILE', `${join(folder, JOURNAL_FILE)}: ${problems[0]?.code} ${problems[0]?.message}`, {
      fix: 'Take another backup; `lotline verify-log --data` on this one tells everything that is wrong with it.',
    });
  } finally {
    progress.end();
  }
}

/** From then on the store knows that others may have seen more of it than it has. */
const finish = async (db: JournalDb): Promise<void> => await markRestored(db, Date.now());

/** The journal last: as long as it is not there, nothing is. */
async function copyInPlace(from: string, to: string, lastJob: number, erasures: readonly Erased[]): Promise<number> {
  const waiting = putPendingDocuments(join(to, INTAKE_FILE), pendingDocuments(from), lastJob);
  const moving = join(to, MOVING_FILE);
  removeStore(moving);
  copyFileSync(join(from, JOURNAL_FILE), moving);
  const copy = openForWriting(moving);
  try {
    await eraseIn(new SqliteJournal(copy), erasures);
    await finish(new SqliteDb(copy));
    finishFile(copy);
  } finally {
    copy.close();
  }
  sync(moving);
  renameSync(moving, join(to, JOURNAL_FILE));
  sync(to);
  return waiting;
}

/** Puts the log key in its place if the backup has it. Answers what there is to say of it. */
function restoreKey(place: Place, flags: Flags, folder: string, { files }: BackupManifest): string {
  const has = files.some(({ name }) => name === LOG_KEY_FILE);
  if ('database' in place)
    return `Give every process the log key with LOTLINE_LOG_KEY_FILE${has ? `: ${resolve(folder, LOG_KEY_FILE)}, or a copy of it` : ''}.`;
  const file = logKeyFileOf(flags, place.folder);
  if (existsSync(file)) return `The log key is ${resolve(file)}, which was there.`;
  if (!has) return `Put the log key to ${resolve(file)}, or name it with LOTLINE_LOG_KEY_FILE: without it the service does not start.`;
  copyFileSync(join(folder, LOG_KEY_FILE), file);
  chmodSync(file, 0o600);
  return `The log key is ${resolve(file)}, from the backup.`;
}
