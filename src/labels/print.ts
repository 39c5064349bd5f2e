import { LotlineError, type Problem } from '../errors.ts';
import type { LabelInput, Layout } from './label.ts';
import { drawLabel, type Sizing } from './layout.ts';
import type { LabelSize } from './layout-logistic.ts';
import { pdfOf } from './pdf.ts';
import { pngOf } from './png.ts';
import { svgOf } from './svg.ts';
import { dotOf } from './symbol.ts';
import { zplOf } from './zpl.ts';

export const FORMATS = ['svg', 'png', 'pdf', 'zpl'] as const;
export type Format = (typeof FORMATS)[number];
export const RESOLUTIONS = [203, 300, 600] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** What is to be made. Without `dpi` SVG and PDF have the sizes that the rules aim at, PNG 300 and ZPL 203 dots an inch. */
export type PrintJob = {
  readonly layout: Layout;
  readonly format: Format;
  readonly dpi?: Resolution | undefined;
  readonly size?: LabelSize | undefined;
  /** The centuries of dates are seen from this year. */
  readonly year: number;
};

export const LABELS_MAX = 10_000;
/** Faults told of one job. */
const TOLD_MAX = 100;
const CHUNK_CHARACTERS = 64 * 1024;

/** The labels of `{labels:[{data, text}]}`; refuses another shape, and more than may be printed together. */
export function readLabels(body: Uint8Array, format: Format): LabelInput[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new LotlineError('EV-SYNTAX', 'the body is not well-formed JSON in UTF-8', { fix: 'Send one well-formed JSON object.' });
  }
  const { labels } = membersOf(parsed, ['labels'], '', ['labels']);
  if (!Array.isArray(labels) || labels.length === 0) throw wrongForm('labels is no list with labels', '/labels', 'Give [{"data": …}, …].');
  if (labels.length > LABELS_MAX)
    throw new LotlineError('REQ-LIMIT', `${labels.length} labels are more than ${LABELS_MAX}`, {
      at: '/labels',
      fix: 'Print them in smaller parts.',
    });
  if (labels.length > 1 && (format === 'svg' || format === 'png'))
    throw wrongForm(
      `${labels.length} labels do not go into one ${format.toUpperCase()}`,
      '/labels',
      'Ask for pdf or zpl, or for one label.',
    );
  return labels.map((label, i) => readInput(label, `/labels/${i}`));
}

function readInput(given: unknown, at: string): LabelInput {
  const { data, text = {} } = membersOf(given, ['data', 'text'], at, ['data']);
  if (typeof data !== 'string') throw wrongForm('data is no text', `${at}/data`, 'Give a bracketed element string.');
  for (const [name, value] of Object.entries(membersOf(text, null, `${at}/text`)))
    if (typeof value !== 'string') throw wrongForm('a text is no text', `${at}/text/${name.slice(0, 100)}`, 'Give a JSON string.');
  return { data, text: text as Record<string, string> };
}

function membersOf(value: unknown, known: readonly string[] | null, at: string, needed: readonly string[] = []): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongForm(`${at === '' ? 'the body' : at} is no JSON object`, at, 'Give a JSON object.');
  for (const name of Object.keys(value))
    if (known !== null && !known.includes(name))
      throw wrongForm(
        `${at}/${name.slice(0, 100)} is not known here`,
        `${at}/${name.slice(0, 100)}`,
        `Leave it out: ${known.join(', ')} are known.`,
      );
  const missing = needed.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw wrongForm(`${at}/${missing} is missing`, `${at}/${missing}`, `Give ${missing}.`);
  return value as Record<string, unknown>;
}

const wrongForm = (what: string, at: string, fix: string) => new LotlineError('REQ-FORM', what, { at, fix });

/** What is wrong with labels, the first hundred faults; none is made before all are right. */
export function checkLabels(job: PrintJob, labels: readonly LabelInput[]): Problem[] {
  const problems: Problem[] = [];
  const sizing = sizingOf(job);
  labels.some((label, i) => {
    try {
      drawLabel(job.layout, label, sizing);
    } catch (error) {
      if (!(error instanceof LotlineError)) throw error;
      const at = error.at.startsWith('?') ? error.at : `/labels/${i}${error.at}`;
      problems.push(new LotlineError(error.code, error.message, { at, fix: error.fix }).toProblem());
    }
    return problems.length >= TOLD_MAX;
  });
  return problems;
}

/** Makes labels that have been checked, piece by piece as they are taken; `made` hears how many there are. */
export function* printLabels(job: PrintJob, labels: readonly LabelInput[], made: (labels: number) => void = () => {}): Generator<Buffer> {
  const sizing = sizingOf(job);
  const drawings = function* () {
    for (let i = 0; i < labels.length; i++) {
      yield drawLabel(job.layout, labels[i] as LabelInput, sizing);
      made(i + 1);
    }
  };
  if (job.format === 'pdf') {
    yield* pdfOf(drawings());
    return;
  }
  let text = '';
  for (const drawing of drawings()) {
    if (job.format === 'png') yield pngOf(drawing, sizing.dot as number);
    else if (job.format === 'svg') yield Buffer.from(svgOf(drawing));
    else text += zplOf(drawing, sizing.dot as number);
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** Where there are dots, modules are whole numbers of them; PDF and SVG have none unless they are asked for. */
function sizingOf({ format, dpi, size, year }: PrintJob): Sizing {
  const resolution = dpi ?? (format === 'png' ? 300 : format === 'zpl' ? 203 : null);
  return { dot: resolution === null ? null : dotOf(resolution), year, size: size ?? null };
}
