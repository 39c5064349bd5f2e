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
  if (error instanceof LotlineError) console.error(`${error.code}${error.at ? ` (${error.at})` : ''}: ${error.message}. ${error.fix}`);
  else console.error(error);
  process.exitCode = 1;
}
