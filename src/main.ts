#!/usr/bin/env node
import { Command } from 'commander';
import { backupCommand } from './cli/backup.ts';
import { captureCommand } from './cli/capture.ts';
import { demoCommand } from './cli/demo.ts';
import { exportCommand } from './cli/export.ts';
import { importCommand } from './cli/import.ts';
import { migrateStoreCommand } from './cli/migrate-store.ts';
import { rebuildCommand } from './cli/rebuild.ts';
import { restoreCommand } from './cli/restore.ts';
import { serveCommand } from './cli/serve.ts';
import { traceCommand } from './cli/trace.ts';
import { verifyLogCommand } from './cli/verify-log.ts';
import { LotlineError } from './errors.ts';
import { VERSION } from './settings.ts';
import { isPostgresFault } from './store/postgres/open.ts';

/** Every command adds itself; a new one is one more name here. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  serveCommand,
  demoCommand,
  captureCommand,
  traceCommand,
  verifyLogCommand,
  rebuildCommand,
  exportCommand,
  importCommand,
  migrateStoreCommand,
  backupCommand,
  restoreCommand,
];

const program = new Command('lotline').description('The open event ledger for serialized medicines and cell therapies.').version(VERSION);
for (const add of COMMANDS) add(program);

try {
  await program.parseAsync();
} catch (error) {
  const told = storeFault(error) ?? error;
  if (told instanceof LotlineError) console.error(`${told.code}${told.at ? ` (${told.at})` : ''}: ${told.message}. ${told.fix}`);
  else console.error(error);
  process.exitCode = 1;
}

/** The world's fault and not the program's: a full disk, a file that cannot be written, a database that went away. */
function storeFault(error: unknown): LotlineError | null {
  const { code, message } = error as { code?: unknown; message?: string };
  const isSqlite =
    typeof code === 'string' && /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|NOMEM|PROTOCOL)|^(ENOSPC|EDQUOT|EROFS|EACCES)$/.test(code);
  if (!isSqlite && !isPostgresFault(error)) return null;
  return new LotlineError('REQ-BUSY', `the store does not do what it is asked to (${message})`, {
    fix: 'Mend that, and run the command again: one that fills a store goes on where it stopped.',
  });
}
