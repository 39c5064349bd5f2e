import { Command } from 'commander';
import { vi } from 'vitest';
import { backupCommand } from '../../src/cli/backup.ts';
import { convertCommand } from '../../src/cli/convert.ts';
import { correctClockCommand } from '../../src/cli/correct-clock.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { hashCommand } from '../../src/cli/hash.ts';
import { importCommand } from '../../src/cli/import.ts';
import { migrateStoreCommand } from '../../src/cli/migrate-store.ts';
import { rebuildCommand } from '../../src/cli/rebuild.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { validateCommand } from '../../src/cli/validate.ts';
import { verifyLogCommand } from '../../src/cli/verify-log.ts';

const COMMANDS = [
  backupCommand,
  convertCommand,
  correctClockCommand,
  exportCommand,
  hashCommand,
  importCommand,
  migrateStoreCommand,
  rebuildCommand,
  restoreCommand,
  validateCommand,
  verifyLogCommand,
];

/** Runs a command that needs no running service in this process, and answers what it prints. What it throws passes through. */
export async function lotline(...args: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const program = new Command('lotline').exitOverride();
  for (const add of COMMANDS) add(program);
  const said = { out: '', err: '' };
  const spies = (['log', 'error'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((line) => {
      said[method === 'log' ? 'out' : 'err'] += `${String(line)}\n`;
    }),
  );
  try {
    await program.parseAsync(['node', 'lotline', ...args]);
    return { ...said, code: Number(process.exitCode ?? 0) };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}
