import { createWriteStream, readFileSync, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Argument, type Command, Option } from 'commander';
import { LotlineError } from '../errors.ts';
import {
  checkLabels,
  FORMATS,
  type Format,
  LABEL_SIZES,
  LAYOUTS,
  type LabelSize,
  type Layout,
  type PrintJob,
  printLabels,
  RESOLUTIONS,
  readLabels,
} from '../labels/index.ts';
import { count, startProgress } from './terminal.ts';

type Flags = {
  data?: string;
  text?: Record<string, string>;
  from?: string;
  format: Format;
  dpi?: PrintJob['dpi'];
  size?: LabelSize;
  out?: string;
};

/** `lotline label`: labels without a server. */
export function labelCommand(program: Command): void {
  program
    .command('label')
    .description(
      'Make labels of packs, cases, logistic units or bags, without a server: one of --data, or many of a file. See docs/labels.md.',
    )
    .addArgument(new Argument('<layout>', 'what the labels are for').choices([...LAYOUTS]))
    .option('--data <elements>', 'What the symbols say: a bracketed element string.')
    .option('--text <name=text>', 'What else stands on it, such as product=…; may be given again.', addText)
    .option('--from <file>', 'A file of labels, one JSON object {"data", "text"} a line; - is standard input.')
    .addOption(new Option('--format <format>', 'svg and png take one label.').choices([...FORMATS]).default('pdf'))
    .addOption(
      new Option('--dpi <dpi>', 'Modules are a whole number of its dots.').choices(RESOLUTIONS.map(String)).argParser(resolutionOf),
    )
    .addOption(new Option('--size <size>', 'Of case and sscc labels; when not given, what they fit on.').choices(Object.keys(LABEL_SIZES)))
    .option('--out <file>', 'Where to write; standard output when not given.')
    .action(async (layout: Layout, flags: Flags) => {
      const { format, dpi, size } = flags;
      const job: PrintJob = { layout, format, dpi, size, year: new Date().getUTCFullYear() };
      const labels = readLabels(Buffer.from(JSON.stringify({ labels: givenLabels(flags) })), format);
      const problems = checkLabels(job, labels);
      for (const { code, at, title, fix } of problems.slice(1)) console.error(`${code} (${at}): ${title}. ${fix}`);
      const [first] = problems;
      if (first !== undefined) throw new LotlineError(first.code, first.title, { at: first.at, fix: first.fix });
      const progress = startProgress('Labels', 'labels', labels.length);
      await write(
        printLabels(job, labels, (made) => progress.to(made, labels.length)),
        flags.out,
      );
      progress.end();
      if (flags.out !== undefined) console.error(`${flags.out}: ${count(labels.length)} labels`);
    });
}

function addText(given: string, before: Record<string, string> = {}): Record<string, string> {
  const at = given.indexOf('=');
  if (at < 1) throw wrongFlag('--text', 'Write --text name=text.', `${given.slice(0, 20)} names no text`);
  return { ...before, [given.slice(0, at)]: given.slice(at + 1) };
}

function resolutionOf(given: string): PrintJob['dpi'] {
  const resolution = RESOLUTIONS.find((one) => String(one) === given);
  if (resolution === undefined) throw wrongFlag('--dpi', `Use ${RESOLUTIONS.join(', ')}.`, `${given} dpi are not known`);
  return resolution;
}

/** The labels as they were given; their shape is checked with those of a request. */
function givenLabels({ data, text, from }: Flags): unknown[] {
  if ((data === undefined) === (from === undefined))
    throw wrongFlag('--data', 'Give --data or --from.', 'One label, or a file of labels, is needed');
  if (data !== undefined) return [{ data, ...(text && { text }) }];
  const lines = readFileSync(from === '-' ? 0 : (from as string), 'utf8').split('\n');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      throw new LotlineError('EV-SYNTAX', `line ${i + 1} is not well-formed JSON`, { at: '--from', fix: 'Write one JSON object a line.' });
    }
  });
}

const wrongFlag = (at: string, fix: string, what: string) => new LotlineError('CFG-VALUE', what, { at, fix });

/** A file is there whole or not at all. */
async function write(chunks: Iterable<Buffer>, out: string | undefined): Promise<void> {
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 1 });
  if (out === undefined) {
    // Standard output stays open for whoever else writes to it.
    await pipeline(source, process.stdout, { end: false });
    return;
  }
  const making = `${out}.part`;
  try {
    await pipeline(source, createWriteStream(making));
    renameSync(making, out);
  } catch (error) {
    rmSync(making, { force: true });
    throw error;
  }
}
