import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { formatVerifierKey, type VerifierKey } from '../ledger/index.ts';
import { type BackupManifest, writeBackupManifest } from '../moving/backup.ts';
import { holdToNewest } from '../moving/kept.ts';
import { StoredTruth } from '../moving/stored-truth.ts';
import { writeWaiting } from '../moving/waiting.ts';
import { VERSION } from '../settings.ts';
import { pendingDocuments } from '../store/postgres/pending.ts';
import { copyDatabase } from '../store/sqlite/copy.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, SqliteDb } from '../store/sqlite/open.ts';
import { exportToFile } from './export.ts';
import { getVerifier, LOG_KEY_FILE, LOG_KEY_FLAGS, type LogKeyFlags, logKeyFileOf } from './log-key.ts';
import { DATA_FLAG, DATABASE_FLAG, dataFolder, nameOf, openStore, type Place, placeOf, type StoreFlags } from './store.ts';
import { count, counted, startProgress } from './terminal.ts';

/** The files of a backup of a database; of a folder they are named as there. */
export const EXPORT_FILE = 'journal.ndjson.gz';
export const WAITING_FILE = 'intake.ndjson.gz';

type Flags = StoreFlags & LogKeyFlags & { out: string; withKey?: boolean };
type Copied = { readonly names: string[]; readonly size: number; readonly checkpoint: string | null; readonly waiting: number };

/** `lotline backup`: a whole and proved copy of a store, while the service runs. */
export function backupCommand(program: Command): void {
  program
    .command('backup')
    .description('Copy a store, whole and held to its log, into a new folder; the service may run meanwhile.')
    .requiredOption('--out <folder>', 'A folder that is not there yet, or is empty.')
    .option('--with-key', 'Also copy the log key. Whoever has it can sign in the name of this log: keep such a backup as you keep the key.')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (flags: Flags) => {
      const place = placeOf(flags);
      const keyFile = logKeyFileOf(flags, dataFolder(flags));
      const manifest = await backup(place, flags, getVerifier(flags, dataFolder(flags)), keyFile);
      console.log(
        `Backed up ${count(manifest.size)} entries of ${nameOf(place)}, and ${counted(manifest.waiting, 'document')} that ${manifest.waiting === 1 ? 'waits' : 'wait'} to be folded, to ${resolve(flags.out)}.`,
      );
      console.log(
        flags.withKey
          ? 'The log key is in it: whoever has this folder can sign in the name of this log.'
          : `The log key is not in it. Keep a copy of ${keyFile} elsewhere: without it the log cannot go on.`,
      );
    });
}

async function backup(place: Place, { out, withKey }: Flags, verifier: VerifierKey, keyFile: string): Promise<BackupManifest> {
  if (withKey && !existsSync(keyFile))
    throw new LotlineError('CFG-VALUE', `The log key ${keyFile} is not there`, { at: '--log-key-file', fix: 'Name the key file.' });
  takeEmptyFolder(out);
  const made = new Date().toISOString();
  const { names, ...rest } = 'folder' in place ? await copyFolder(place.folder, out, verifier) : await exportDatabase(place, out, verifier);
  if (withKey) {
    copyFileSync(keyFile, join(out, LOG_KEY_FILE));
    names.push(LOG_KEY_FILE);
  }
  const about = { program: VERSION, made, origin: verifier.name, vkey: formatVerifierKey(verifier), ...rest };
  return await writeBackupManifest(out, names, about);
}

function takeEmptyFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0)
    throw new LotlineError('MOVE-TARGET', `The folder ${resolve(folder)} is not empty`, {
      at: '--out',
      fix: 'Name a new folder for every backup: nothing is written over.',
    });
}

/** The intake first: a document that is folded meanwhile is then in both copies, never in none, and its job tells. */
async function copyFolder(folder: string, out: string, verifier: VerifierKey): Promise<Copied> {
  const names = [INTAKE_FILE, JOURNAL_FILE].filter((name) => name === JOURNAL_FILE || existsSync(join(folder, name)));
  for (const name of names) {
    const progress = startProgress(`Copying ${name}`, 'pages', 0);
    try {
      await copyDatabase(join(folder, name), join(out, name), (done, total) => progress.to(done, total));
    } finally {
      progress.end();
    }
  }
  const truth = await inFile(join(out, JOURNAL_FILE), async (db) => {
    const copied = await StoredTruth.open(db);
    await holdToNewest(copied, verifier);
    return copied;
  });
  const waiting = names.includes(INTAKE_FILE) ? await inFile(join(out, INTAKE_FILE), async (db) => countDocuments(db)) : 0;
  return { names, size: truth.size, checkpoint: truth.checkpoint, waiting };
}

async function inFile<T>(file: string, ask: (db: SqliteDb) => Promise<T>): Promise<T> {
  const connection = openForReading(file);
  try {
    return await ask(new SqliteDb(connection));
  } finally {
    connection.close();
  }
}

const countDocuments = (db: SqliteDb): number => db.connection.prepare('SELECT count(*) FROM document').pluck().get() as number;

async function exportDatabase(place: Place, out: string, verifier: VerifierKey): Promise<Copied> {
  const store = await openStore(place);
  try {
    const waiting = await writeWaiting(pendingDocuments(store.db), join(out, WAITING_FILE));
    const { entries, checkpoint } = await exportToFile(store.db, verifier, join(out, EXPORT_FILE));
    return { names: [WAITING_FILE, EXPORT_FILE], size: entries, checkpoint, waiting };
  } finally {
    await store.close();
  }
}
