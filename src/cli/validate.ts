import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isCbvCompliant, isRefused, readEitherSyntax } from '../epcis/index.ts';
import { type DocumentFault, type DocumentFile, Faults, faultOf, findDocuments } from './documents.ts';
import { count, drawTable, startProgress } from './terminal.ts';

/** Faults and warnings that are told of one document: the others are counted. */
const TOLD_MAX = 1_000;

type Flags = { json?: boolean };

/** What reading one document came to. */
type Verdict = {
  readonly file: string;
  readonly good: boolean;
  readonly syntax: 'json' | 'xml' | null;
  readonly kind: string | null;
  readonly schemaVersion: string | null;
  readonly events: number;
  readonly refused: number;
  /** Whether every event has standard values of the CBV alone (V-7); null of a document that has no events, or is refused. */
  readonly cbv: 'compliant' | 'compatible' | null;
  readonly errors: readonly DocumentFault[];
  /** What is let pass and told. */
  readonly warnings: readonly { readonly index: number; readonly at: string; readonly message: string }[];
};
type Totals = {
  documents: number;
  bad: number;
  compliant: number;
  events: number;
  refused: number;
  warnings: number;
  readonly faults: Faults;
};

/** `lotline validate`: reads documents as capture would, without a server. */
export function validateCommand(program: Command): void {
  program
    .command('validate')
    .description(
      'Check EPCIS documents (JSON 2.0; XML 2.0, 1.2 and 1.1) as capture would, without a server. Exits with 1 when one is refused.',
    )
    .argument('<files...>', 'files, folders with everything in them, and patterns such as "in/**/*.xml"')
    .option('--json', 'Print one JSON object a document instead of tables.')
    .action((paths: string[], flags: Flags) => {
      const totals = validateAll(findDocuments(paths), flags.json === true);
      if (flags.json !== true) report(totals);
      if (totals.bad > 0) process.exitCode = 1;
    });
}

function validateAll(documents: readonly DocumentFile[], asJson: boolean): Totals {
  const totals: Totals = { documents: 0, bad: 0, compliant: 0, events: 0, refused: 0, warnings: 0, faults: new Faults() };
  const progress = startProgress('Validating', 'documents', documents.length);
  try {
    for (const { file } of documents) {
      const verdict = validate(file);
      if (asJson) console.log(JSON.stringify(verdict));
      totals.documents++;
      totals.events += verdict.events;
      totals.refused += verdict.refused;
      totals.warnings += verdict.warnings.length;
      if (!verdict.good) totals.bad++;
      if (verdict.cbv === 'compliant') totals.compliant++;
      totals.faults.add(file, verdict.errors);
      progress.to(totals.documents, documents.length);
    }
  } finally {
    progress.end();
  }
  return totals;
}

function validate(file: string): Verdict {
  const errors: DocumentFault[] = [];
  const warnings: { index: number; at: string; message: string }[] = [];
  try {
    const { syntax, document } = readEitherSyntax(readFileSync(file), { bare: true, wantHashes: false });
    const { kind, header, eventCount: events } = document;
    let refused = 0;
    let compliant = 0;
    for (const item of document.events()) {
      const { index } = item;
      if (isRefused(item)) {
        refused++;
        for (const error of item.errors) if (errors.length < TOLD_MAX) errors.push(faultOf(error, index));
        continue;
      }
      if (isCbvCompliant(item.event)) compliant++;
      for (const { at, message } of item.breaches) if (warnings.length < TOLD_MAX) warnings.push({ index, at, message });
    }
    const good = refused === 0;
    const cbv = !good || events === 0 ? null : compliant === events ? 'compliant' : 'compatible';
    return { file, good, syntax, kind, schemaVersion: header.schemaVersion, events, refused, cbv, errors, warnings };
  } catch (error) {
    const errors = [faultOf(error)];
    return { file, good: false, syntax: null, kind: null, schemaVersion: null, events: 0, refused: 0, cbv: null, errors, warnings };
  }
}

function report({ documents, bad, compliant, events, refused, warnings, faults }: Totals): void {
  const rows = [
    ['Documents', count(documents)],
    ['  good', count(documents - bad)],
    ['  of those, with standard values of the CBV alone', count(compliant)],
    ['  refused whole or in part', count(bad)],
    ['Events', count(events)],
    ['  refused', count(refused)],
    ['  warnings', count(warnings)],
  ];
  console.log(drawTable('lr', rows));
  faults.print();
}
