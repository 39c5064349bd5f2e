#!/usr/bin/env node
import { Command } from 'commander';
import { LotlineError } from './errors.ts';
import { VERSION } from './settings.ts';
import { isPostgresFault } from './store/postgres/open.ts';

type AddCommand = (program: Command) => void;

/** Every command adds itself; a new one is one more line here. Only the one that is asked for is loaded: what they need takes time. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./cli/serve.ts')).serveCommand,
  demo: async () => (await import('./cli/demo.ts')).demoCommand,
  capture: async () => (await import('./cli/capture.ts')).captureCommand,
  convert: async () => (await import('./cli/convert.ts')).convertCommand,
  validate: async () => (await import('./cli/validate.ts')).validateCommand,
  hash: async () => (await import('./cli/hash.ts')).hashCommand,
  trace: async () => (await import('./cli/trace.ts')).traceCommand,
  'verify-log': async () => (await import('./cli/verify-log.ts')).verifyLogCommand,
  'verify-report': async () => (await import('./cli/verify-report.ts')).verifyReportCommand,
  label: async () => (await import('./cli/label.ts')).labelCommand,
  rebuild: async () => (await import('./cli/rebuild.ts')).rebuildCommand,
  export: async () => (await import('./cli/export.ts')).exportCommand,
  import: async () => (await import('./cli/import.ts')).importCommand,
  'migrate-store': async () => (await import('./cli/migrate-store.ts')).migrateStoreCommand,
  backup: async () => (await import('./cli/backup.ts')).backupCommand,
  restore: async () => (await import('./cli/restore.ts')).restoreCommand,
  'correct-clock': async () => (await import('./cli/correct-clock.ts')).correctClockCommand,
  gateway: async () => (await import('./cli/gateway.ts')).gatewayCommand,
  'simulate-line': async () => (await import('./cli/simulate-line.ts')).simulateLineCommand,
};

const program = new Command('lotline').description('The open event ledger for serialized medicines and cell therapies.').version(VERSION);
const [, , asked = ''] = process.argv;
const names = Object.hasOwn(COMMANDS, asked) ? [asked] : Object.keys(COMMANDS);
for (const name of names) (await COMMANDS[name]?.())?.(program);

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
