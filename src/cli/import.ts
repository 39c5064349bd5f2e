import type { Command } from 'commander';
import { formatVerifierKey, type VerifierKey } from '../ledger/index.ts';
import { ExportedTruth } from '../moving/exported-truth.ts';
import { holdToKept } from '../moving/kept.ts';
import { erasuresOf, fillPlace, withEmptyPlace } from './fill-place.ts';
import { findVerifier, LOG_KEY_FLAGS, type LogKeyFlags, readKept } from './log-key.ts';
import { DATA_FLAG, DATABASE_FLAG, dataFolder, nameOf, placeOf, type StoreFlags } from './store.ts';
import { count, startProgress } from './terminal.ts';

type Flags = StoreFlags & LogKeyFlags & { against?: string; erasures?: string };

/** `lotline import`: an export into an empty store, with the same log and the same answers. */
export function importCommand(program: Command): void {
  program
    .command('import')
    .description('Make a store from an export: the same log, the same root, the same answers. Only where there is none yet.')
    .argument('<file>', 'What `lotline export` has written')
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option('--erasures <file>', 'The list of erasures of a store, besides the one in the data folder: what it tells is erased again.')
    .option('--against <file>', 'A checkpoint that you kept: refuses an export that is older, or of another log.')
    .option(...LOG_KEY_FLAGS.key)
    .option(...LOG_KEY_FLAGS.file)
    .action(async (file: string, flags: Flags) => {
      const place = placeOf(flags);
      await withEmptyPlace(place, async () => {
        const truth = await checkExport(file, findVerifier(flags, dataFolder(flags)), flags.against);
        await fillPlace(place, { truth, pending: [], label: 'Importing', erasures: erasuresOf(flags) });
        console.log(`Imported ${count(truth.size)} entries of ${truth.manifest.origin} into ${nameOf(place)}.`);
      });
    });
}

/** Reads an export whole before anything is made of it. */
export async function checkExport(file: string, verifier: VerifierKey | null, against: string | undefined): Promise<ExportedTruth> {
  const progress = startProgress('Checking', 'entries', 0);
  try {
    const truth = await ExportedTruth.open(file, {
      ...(verifier !== null && { verifier }),
      onProgress: (done, total) => progress.to(done, total),
    });
    const key = verifier ?? truth.verifier;
    if (against !== undefined) await holdToKept(truth, readKept(against), key);
    console.error(
      `Signed by ${formatVerifierKey(key)}${verifier === null ? ', as the file itself says: compare it with the key that you know' : ''}.`,
    );
    return truth;
  } finally {
    progress.end();
  }
}
