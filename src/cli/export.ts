import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import type { VerifierKey } from '../ledger/index.ts';
import { type ExportReport, exportStore } from '../moving/export.ts';
import { VERSION } from '../settings.ts';
import type { Db } from '../store/db.ts';
import { sync } from '../store/durable.ts';
import { getVerifier, LOG_KEY_FLAGS, type LogKeyFlags } from './log-key.ts';
import { DATA_FLAG, DATABASE_FLAG, dataFolder, nameOf, openStore, placeOf, type StoreFlags } from './store.ts';
import { count, startProgress } from './terminal.ts';

type Flags = StoreFlags & LogKeyFlags & { out: string };

/** `lotline export`: the whole journal as NDJSON (docs/export-format.md), while the service runs. */
export function exportCommand(program: Command): void {
  program
    .command('export')
    .description('Write the whole journal as NDJSON, held to the log on its way; the service may run meanwhile.')
    .requiredOption('--out <file>', 'Where to; compressed when the name ends with .gz. - is standard output.')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (flags: Flags) => {
      const place = placeOf(flags);
      const verifier = getVerifier(flags, dataFolder(flags));
      const store = await openStore(place);
      try {
        const report = await (flags.out === '-'
          ? exportTo(store.db, verifier, process.stdout)
          : exportToFile(store.db, verifier, flags.out));
        console.error(`Exported ${count(report.entries)} entries of ${nameOf(place)}${flags.out === '-' ? '' : ` to ${flags.out}`}.`);
      } catch (error) {
        // Whoever reads our output may stop when it has seen enough; then there is nobody to be told.
        if (flags.out !== '-' || (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
        process.exitCode = 1;
      } finally {
        await store.close();
      }
    });
}

/** Writes an export that is there whole or not at all. */
export async function exportToFile(db: Db, verifier: VerifierKey, file: string): Promise<ExportReport> {
  if (existsSync(file))
    throw new LotlineError('CFG-VALUE', `${file} is there already`, {
      at: '--out',
      fix: 'Name a file that is not there, or move this one away.',
    });
  const part = `${file}.part`;
  // On the disk before it is closed; and all that was captured is nobody else's to read.
  const end = createWriteStream(part, { flush: true, mode: 0o600 });
  const out = file.endsWith('.gz') ? createGzip({ level: GZIP_LEVEL }) : new PassThrough();
  try {
    const [report] = await Promise.all([exportTo(db, verifier, out), pipeline(out, end)]);
    renameSync(part, file);
    sync(dirname(file));
    return report;
  } catch (error) {
    out.destroy();
    rmSync(part, { force: true });
    throw error;
  }
}

/** Three times as fast as the default, and hardly larger. */
const GZIP_LEVEL = 2;

async function exportTo(db: Db, verifier: VerifierKey, out: Writable): Promise<ExportReport> {
  const progress = startProgress('Exporting', 'entries', 0);
  try {
    const report = await exportStore(db, out, { verifier, program: VERSION, onProgress: (done, total) => progress.to(done, total) });
    if (out !== process.stdout) out.end();
    return report;
  } finally {
    progress.end();
  }
}
