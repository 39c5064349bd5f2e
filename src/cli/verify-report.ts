import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import type { ChainReport } from '../query/chain-report.ts';
import { verifyReport } from '../query/verify-report.ts';
import { count } from './terminal.ts';

/** `lotline verify-report`: a COI/COC report checked offline, with nothing but the log's key. */
export function verifyReportCommand(program: Command): void {
  program
    .command('verify-report')
    .description(
      'Check a report of a chain of identity: its proofs, the signature of the log, and that what it says follows from its entries.',
    )
    .argument('<file>', 'The report as JSON.')
    .option(
      '--key <vkey>',
      "The log's public key, as you know it from elsewhere. Default: the one that the report names, which proves less.",
    )
    .action((file: string, flags: { key?: string }) => {
      const report = read(file);
      const key = flags.key ?? report.log?.key ?? '';
      const check = verifyReport(report, key);
      for (const problem of check.problems) console.log(`${problem}.`);
      if (!check.ok) {
        console.log(`Not good: ${count(check.problems.length)} ${check.problems.length === 1 ? 'fault' : 'faults'}.`);
        process.exitCode = 1;
        return;
      }
      console.log(
        `Good: ${count(check.facts)} events and acts of ${report.sections.subject.coiId} follow from ${count(check.entries)} entries of ${check.origin}, of ${count(check.size)}.`,
      );
      if (flags.key === undefined)
        console.log('The key was taken from the report itself: compare it with the one that you know, or give it with --key.');
    });
}

function read(file: string): ChainReport {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Partial<ChainReport>;
    if (report.sections !== undefined && report.world !== undefined && Array.isArray(report.entries)) return report as ChainReport;
  } catch (cause) {
    throw new LotlineError('MOVE-FILE', `${file} cannot be read as a report`, {
      at: '<file>',
      fix: 'Name a report that was fetched with format=json.',
      cause,
    });
  }
  throw new LotlineError('MOVE-FILE', `${file} is no report of a chain`, {
    at: '<file>',
    fix: 'Name a report that was fetched with format=json.',
  });
}
