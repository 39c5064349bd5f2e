import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { LotlineError, type Problem } from '../errors.ts';
import {
  type CorrectionDocument,
  correctionDocuments,
  readOffset,
  type SourceOffset,
  StretchOfEvents,
} from '../integrations/correction.ts';
import { Client, problemOf } from './client.ts';
import { counted, startProgress } from './terminal.ts';

const PAGE = 1_000;
const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 1_000;
/** A correction that was refused before, and whose cause was mended since, goes under another id; so often at most. */
const ATTEMPTS_MAX = 20;

type Flags = {
  upstream: string;
  key?: string;
  readPoint: string;
  from: string;
  to: string;
  offset: string;
  recordedFrom?: string;
  recordedTo?: string;
  zone?: string;
  dryRun?: boolean;
};
type Job = { running: boolean; success: boolean; errors: Problem[] };

/** `lotline correct-clock`: puts right what a source told while its clock was wrong. */
export function correctClockCommand(program: Command): void {
  program
    .command('correct-clock')
    .description('Correct the events of a source whose clock was wrong: each is declared erroneous, and told again with the right time.')
    .requiredOption('--upstream <url>', 'The lotline service that has the events.')
    .option('--key <key>', 'An API key that may read and capture. Also LOTLINE_KEY.')
    .requiredOption('--read-point <id>', 'The readPoint of the source, as its events tell it.')
    .requiredOption('--from <time>', 'The first eventTime that is wrong, as the source told it, with its zone.')
    .requiredOption('--to <time>', 'The first eventTime that is right again, as the source told it.')
    .requiredOption('--offset <time>', 'How far the clock was ahead, like +61m, or behind, like -5m.')
    .option('--recorded-from <time>', 'Only what was recorded from this time on: where right and wrong times overlap.')
    .option('--recorded-to <time>', 'Only what was recorded before this time.')
    .option('--zone <offset>', 'The eventTimeZoneOffset that the events should have told, like +01:00. Default: as they did.')
    .option('--dry-run', 'Only tell what would be done.')
    .action(async (flags: Flags) => {
      const offset = offsetOf(flags);
      const client = new Client({ url: flags.upstream, key: flags.key ?? process.env['LOTLINE_KEY'] });
      const stretch = await fetchStretch(client, flags);
      const { open } = stretch;
      console.log(
        `${counted(stretch.corrected, 'event')} of ${flags.readPoint} corrected before, ${counted(open.length, 'event')} to correct.`,
      );
      if (flags.dryRun) return;
      const progress = startProgress('Correcting', 'events', open.length);
      let done = 0;
      try {
        for (const document of correctionDocuments(open, offset, { now: new Date().toISOString(), attempt: 0 })) {
          await captureCorrection(client, document, offset);
          done += document.originals.length;
          progress.to(done, open.length);
        }
      } finally {
        progress.end();
      }
      console.log(`${counted(done, 'event')} corrected.`);
    });
}

function offsetOf({ from, to, recordedFrom, recordedTo, offset, zone }: Flags): SourceOffset {
  for (const [flag, text] of [
    ['--from', from],
    ['--to', to],
    ['--recorded-from', recordedFrom],
    ['--recorded-to', recordedTo],
  ] as const) {
    if (text === undefined) continue;
    if (!/T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(Date.parse(text)))
      throw new LotlineError('CFG-VALUE', `${JSON.stringify(text)} is no time`, {
        at: flag,
        fix: 'Write it like 2026-03-02T01:00:00+01:00.',
      });
  }
  if (zone !== undefined && !/^[+-]\d\d:\d\d$/.test(zone))
    throw new LotlineError('CFG-VALUE', `${JSON.stringify(zone)} is no zone`, { at: '--zone', fix: 'Write it like +01:00.' });
  return { offsetMs: readOffset(offset), zone };
}

/** Everything of the source in the stretch, as it was captured. */
async function fetchStretch(client: Client, { readPoint, from, to, recordedFrom, recordedTo }: Flags): Promise<StretchOfEvents> {
  const stretch = new StretchOfEvents();
  const query = new URLSearchParams({
    EQ_readPoint: readPoint,
    GE_eventTime: from,
    LT_eventTime: to,
    ...(recordedFrom !== undefined && { GE_recordTime: recordedFrom }),
    ...(recordedTo !== undefined && { LT_recordTime: recordedTo }),
    perPage: String(PAGE),
  });
  let path: string | undefined = `/epcis/events?${query.toString()}`;
  while (path !== undefined) {
    const reply = await client.send('GET', path, { headers: { 'gs1-epc-format': 'Never_Translates', accept: 'application/ld+json' } });
    if (reply.status !== 200) throw problemOf(reply);
    stretch.add(Buffer.from(reply.text));
    path = /<([^>]+)>; *rel="next"/.exec(reply.headers.get('link') ?? '')?.[1];
  }
  return stretch;
}

/** Captures one document and waits for its end. One that was refused under its id goes under the next. */
async function captureCorrection(client: Client, document: CorrectionDocument, offset: SourceOffset): Promise<void> {
  let errors: readonly Problem[] = [];
  const others = retried(document.originals, offset);
  for (
    let next: CorrectionDocument | undefined = document;
    next !== undefined;
    next = others.next().value as CorrectionDocument | undefined
  ) {
    const { captureID, text } = next;
    const reply = await client.send('POST', '/epcis/capture', { body: Buffer.from(text), headers: { 'lotline-capture-id': captureID } });
    if (reply.status !== 202) throw problemOf(reply);
    const job = await ended(client, captureID);
    if (job.success) return;
    const before = errors;
    errors = job.errors;
    if (before.length > 0 && before[0]?.title === errors[0]?.title) break;
  }
  const [first] = errors;
  throw new LotlineError(first?.code ?? 'INTERNAL', first?.title ?? 'the correction was refused', {
    at: first?.at ?? '',
    fix: `${first?.fix ?? 'Look into the log of the service.'} Then run this again: what is corrected stays so`,
  });
}

function* retried(events: CorrectionDocument['originals'], offset: SourceOffset): Generator<CorrectionDocument> {
  for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++)
    yield* correctionDocuments(events, offset, { now: new Date().toISOString(), attempt });
}

async function ended(client: Client, captureID: string): Promise<Job> {
  for (let pause = POLL_FIRST_MS; ; pause = Math.min(pause * 1.5, POLL_MAX_MS)) {
    const reply = await client.send('GET', `/epcis/capture/${captureID}`);
    if (reply.status !== 200) throw problemOf(reply);
    const job = reply.body as Job;
    if (!job.running) return job;
    await wait(pause);
  }
}
