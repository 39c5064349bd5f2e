import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { CONVERSION_TARGETS, type Conversion, type ConversionTarget, convertDocument } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { besideName, type DocumentFault, type DocumentFile, Faults, faultOf, findDocuments } from './documents.ts';
import { count, drawTable, startProgress } from './terminal.ts';

const ENDINGS: Readonly<Record<ConversionTarget, string>> = { json: '.json', xml: '.xml', 'xml-1.2': '.xml' };
const INDENT = 2;
/** Faults that are told of one document: the others are counted. */
const TOLD_MAX = 1_000;
const CHUNK_CHARACTERS = 256 * 1024;
/** Notes shown; the others are counted. */
const NOTES_SHOWN = 50;

type Flags = { to: ConversionTarget; out?: string; overwrite?: boolean; compact?: boolean; json?: boolean };

/** What became of one document. `out` is null when it was not written. */
type Outcome = {
  readonly file: string;
  readonly out: string | null;
  readonly kind: string | null;
  readonly events: number;
  readonly refused: number;
  readonly errors: readonly DocumentFault[];
  readonly notes: ReturnType<Conversion['notes']>;
};
type Totals = { documents: number; failed: number; events: number; readonly notes: string[][]; moreNotes: number; readonly faults: Faults };

/** `lotline convert`: documents in another form, without a server. */
export function convertCommand(program: Command): void {
  program
    .command('convert')
    .description(
      'Convert EPCIS documents between JSON 2.0, XML 2.0 and XML 1.2, without a server. Exits with 1 when one cannot be converted.',
    )
    .argument('<files...>', 'files, folders with everything in them, and patterns such as "in/**/*.xml"')
    .addOption(new Option('--to <form>', 'The form to convert to.').choices([...CONVERSION_TARGETS]).makeOptionMandatory())
    .option('--out <folder>', 'Where to write, under the names that the documents have. Without it one document goes to standard output.')
    .option('--overwrite', 'Replace what is there already.')
    .option('--compact', 'Write XML in one line.')
    .option('--json', 'Print one JSON object a document instead of tables.')
    .action(async (paths: string[], flags: Flags) => {
      const documents = findDocuments(paths);
      const totals = flags.out === undefined ? await convertOne(documents, flags) : await convertAll(documents, flags, flags.out);
      if (totals.failed > 0) process.exitCode = 1;
    });
}

/** To standard output; what there is to say goes to standard error. */
async function convertOne(documents: readonly DocumentFile[], flags: Flags): Promise<Totals> {
  const [document] = documents;
  if (document === undefined || documents.length > 1 || flags.json === true) {
    throw new LotlineError('CFG-VALUE', 'Several documents, or --json, need a folder to write to', {
      at: '--out',
      fix: 'Name one with --out.',
    });
  }
  const outcome = await convert(document, flags, null, () => {});
  const totals = newTotals();
  add(totals, outcome);
  for (const [, at, what, times] of totals.notes) console.error(`${at}: ${what}${times === '1' ? '' : ` (${times} times)`}`);
  for (const { at, message, fix, code } of outcome.errors) console.error(`${code} (${at}): ${message}. ${fix}`);
  return totals;
}

async function convertAll(documents: readonly DocumentFile[], flags: Flags, folder: string): Promise<Totals> {
  const targets = documents.map((document) => ({ document, out: besideName(folder, document, ENDINGS[flags.to]) }));
  checkTargets(targets, flags.overwrite === true);
  const totals = newTotals();
  const bytes = documents.reduce((sum, document) => sum + document.bytes, 0);
  const progress = startProgress('Converting', 'kB', kilobytes(bytes));
  let done = 0;
  try {
    for (const { document, out } of targets) {
      const outcome = await convert(document, flags, out, (offset) => progress.to(kilobytes(done + offset), kilobytes(bytes)));
      done += document.bytes;
      progress.to(kilobytes(done), kilobytes(bytes));
      if (flags.json === true) console.log(JSON.stringify(outcome));
      add(totals, outcome);
    }
  } finally {
    progress.end();
  }
  if (flags.json !== true) report(totals);
  return totals;
}

/** Before anything is written: no document may take the place of another, nor of one that is there. */
function checkTargets(targets: readonly { readonly document: DocumentFile; readonly out: string }[], overwrite: boolean): void {
  const taken = new Map<string, string>();
  for (const { document, out } of targets) {
    const before = taken.get(out);
    if (before !== undefined) {
      throw new LotlineError('CFG-VALUE', `${before} and ${document.file} would both become ${out}`, {
        at: '--out',
        fix: 'Convert them into different folders.',
      });
    }
    taken.set(out, document.file);
    if (resolve(out) === resolve(document.file)) {
      throw new LotlineError('CFG-VALUE', `${out} would be written over while it is read`, { at: '--out', fix: 'Name another folder.' });
    }
    if (!overwrite && existsSync(out)) {
      throw new LotlineError('CFG-VALUE', `${out} is there already`, {
        at: '--out',
        fix: 'Name another folder, or allow it with --overwrite.',
      });
    }
  }
}

/** Writes the document whole or not at all. */
async function convert(document: DocumentFile, flags: Flags, out: string | null, watch: (offset: number) => void): Promise<Outcome> {
  const { file } = document;
  const nothing = { file, out: null, kind: null, events: 0, refused: 0, notes: [] };
  let conversion: Conversion;
  try {
    const indent = flags.compact === true ? undefined : INDENT;
    conversion = convertDocument(readFileSync(file), flags.to, { now: new Date().toISOString(), indent, watch });
    if (out === null) await toStandardOutput(conversion);
    else await toFile(conversion, out);
  } catch (error) {
    return { ...nothing, errors: [faultOf(error)] };
  }
  const { refused } = conversion;
  const errors = refused.flatMap(({ index, errors }) => errors.map((error) => faultOf(error, index))).slice(0, TOLD_MAX);
  const { kind, eventCount } = conversion.document;
  return {
    file,
    out: refused.length > 0 ? null : out,
    kind,
    events: eventCount,
    refused: refused.length,
    errors,
    notes: conversion.notes(),
  };
}

async function toFile({ pieces, refused }: Conversion, out: string): Promise<void> {
  const part = `${out}.part`;
  mkdirSync(dirname(out), { recursive: true });
  try {
    await pipeline(Readable.from(inChunks(pieces)), createWriteStream(part));
    if (refused.length === 0) renameSync(part, out);
  } finally {
    rmSync(part, { force: true });
  }
}

/** Nothing is printed of a document that cannot be converted. */
async function toStandardOutput({ pieces, refused }: Conversion): Promise<void> {
  const text = [...pieces];
  if (refused.length === 0) await pipeline(Readable.from(text), process.stdout, { end: false });
}

/** A piece is an event or less: many are written at once. */
function* inChunks(pieces: Iterable<string>): Generator<string, void, undefined> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1_000);
}

function newTotals(): Totals {
  return { documents: 0, failed: 0, events: 0, notes: [], moreNotes: 0, faults: new Faults() };
}

function add(totals: Totals, { file, events, errors, notes }: Outcome): void {
  totals.documents++;
  if (errors.length > 0) totals.failed++;
  else totals.events += events;
  totals.faults.add(file, errors);
  for (const { at, what, index, count: times } of notes) {
    const place = index === null ? at : `event ${index}${at === '' ? '' : ` ${at}`}`;
    if (totals.notes.length < NOTES_SHOWN) totals.notes.push([relative(process.cwd(), file), place, what, count(times)]);
    else totals.moreNotes++;
  }
}

function report({ documents, failed, events, notes, moreNotes, faults }: Totals): void {
  const rows = [
    ['Documents', count(documents)],
    ['  converted', count(documents - failed)],
    ['  failed', count(failed)],
    ['Events', count(events)],
  ];
  console.log(drawTable('lr', rows));
  if (notes.length > 0) {
    console.log(
      drawTable('lllr', notes, {
        head: ['File', 'First at', 'What the form cannot hold as it stood', 'Times'],
        widths: [null, null, 60, null],
      }),
    );
    if (moreNotes > 0) console.log(`${count(moreNotes)} more notes are not shown.`);
  }
  faults.print();
}
