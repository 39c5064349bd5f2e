import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type Command, Option } from 'commander';
import { type EventHash, hashDocument } from '../capture/reading.ts';
import { checkForeignHashId, HASH_PROFILES, type HashProfile, type RefusedEvent } from '../epcis/index.ts';
import { Faults, faultOf, findDocuments } from './documents.ts';

type Flags = { profile: HashProfile; verify?: string; prehash?: boolean; json?: boolean };
type Totals = { failed: number; matched: number; changed: number; readonly faults: Faults };

/** `lotline hash`: the event hash of each event of documents, and whether it is the name that an event bears. */
export function hashCommand(program: Command): void {
  program
    .command('hash')
    .description('Print the event hash ID of each event, without a server. A name that is a hash is held to every profile in use.')
    .argument('<files...>', 'files, folders with everything in them, and patterns such as "in/**/*.xml"')
    .addOption(new Option('--profile <profile>', 'How an event is written before it is hashed.').choices([...HASH_PROFILES]).default('P'))
    .option('--verify <id>', 'Look for the event with this hash ID, in any profile. Exits with 1 when there is none.')
    .option('--prehash', 'Print also the text that is hashed.')
    .option('--json', 'Print one JSON object an event.')
    .action((paths: string[], flags: Flags) => {
      if (flags.verify !== undefined) checkForeignHashId(flags.verify, '--verify');
      const totals = hashAll(paths, flags);
      if (flags.json !== true) totals.faults.print();
      const sought = flags.verify !== undefined;
      if (sought && totals.matched === 0) console.error('No event has this hash, in any profile.');
      if (!sought && totals.changed > 0)
        console.error('An event that is named by a hash is not as it was when it got that name, or was hashed otherwise.');
      if (totals.failed > 0 || (sought ? totals.matched === 0 : totals.changed > 0)) process.exitCode = 1;
    });
}

function hashAll(paths: readonly string[], flags: Flags): Totals {
  const totals: Totals = { failed: 0, matched: 0, changed: 0, faults: new Faults() };
  for (const { file } of findDocuments(paths)) {
    try {
      for (const item of hashDocument(readFileSync(file), flags)) {
        if ('errors' in item) {
          refuse(file, item, totals, flags);
          continue;
        }
        const { index, event } = item;
        const { matched } = event.verified ?? {};
        if (matched === null) totals.changed++;
        else if (matched !== undefined) totals.matched++;
        console.log(flags.json === true ? JSON.stringify({ file, index, ...event }) : lineOf(file, index, event, flags));
      }
    } catch (error) {
      totals.failed++;
      const fault = faultOf(error);
      totals.faults.add(file, [fault]);
      if (flags.json === true) console.log(JSON.stringify({ file, errors: [fault] }));
    }
  }
  return totals;
}

function refuse(file: string, { index, errors }: RefusedEvent, totals: Totals, flags: Flags): void {
  totals.failed++;
  const faults = errors.map((error) => faultOf(error, index));
  totals.faults.add(file, faults);
  if (flags.json === true) console.log(JSON.stringify({ file, index, errors: faults }));
}

/** As checksum programs print it: the hash, then what it is of. */
function lineOf(file: string, index: number, { hash, verified, prehash }: EventHash, flags: Flags): string {
  const told =
    verified === undefined ? '' : verified.matched === null ? '  other than its name' : `  its name in profile ${verified.matched}`;
  const sought = flags.verify === undefined ? told : verified?.matched == null ? '' : `  as sought, in profile ${verified.matched}`;
  return `${hash}  ${relative(process.cwd(), file)}#${index}${sought}${flags.prehash === true ? `\n  ${prehash}` : ''}`;
}
