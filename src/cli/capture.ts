import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { readDocument } from '../epcis/syntax.ts';
import { LotlineError, type Problem } from '../errors.ts';
import { Client, problemOf, SERVER_FLAGS, serverOf } from './client.ts';
import { findDocuments } from './documents.ts';
import { count, drawTable, startProgress } from './terminal.ts';

/** Beside the documents: what of them was captured. */
const STATE_FILE = '.lotline-capture.json';
/** Documents whose jobs are still running while the next ones are sent. */
const WINDOW = 16;
const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 1_000;
/** Errors shown; the others are counted. */
const ERRORS_SHOWN = 50;

type Flags = { url?: string; key?: string; proceed?: boolean; state?: string };
type Job = { running: boolean; success: boolean; errors: (Problem & { index?: number })[] };
/** What is known of a document, by the SHA-256 of its bytes. */
type Known = { file: string; captureID?: string; ended?: boolean; success?: boolean };
type Fault = { file: string; at: string; message: string; fix: string };
type Totals = { documents: number; already: number; events: number; stored: number; failed: number; faults: Fault[]; more: number };

/** `lotline capture`: posts documents to a running server, in the order of their names, and follows each to its end. */
export function captureCommand(program: Command): void {
  program
    .command('capture')
    .description(
      'Capture EPCIS documents (.json, .jsonld, .xml) over HTTP. Run it again after an interruption: it goes on where it stopped.',
    )
    .argument('<files...>', 'files, folders with everything in them, and patterns such as "in/**/*.xml"')
    .option(...SERVER_FLAGS.url)
    .option(...SERVER_FLAGS.key)
    .option('--proceed', 'Store the good events of a document that has bad ones (GS1-Capture-Error-Behaviour: proceed).')
    .option('--state <file>', `Where to remember what was captured. Default: ${STATE_FILE} in the first folder named, else here.`)
    .action(async (paths: string[], flags: Flags) => {
      const totals = await captureAll(paths, flags);
      report(totals);
      if (totals.failed > 0) process.exitCode = 1;
    });
}

async function captureAll(paths: readonly string[], flags: Flags): Promise<Totals> {
  const files = findDocuments(paths).map(({ file }) => file);
  const server = serverOf(flags);
  const memory = new Memory(stateFile(paths, flags.state), server.url);
  const client = new Client(server);
  const totals: Totals = { documents: 0, already: 0, events: 0, stored: 0, failed: 0, faults: [], more: 0 };
  const progress = startProgress('Capturing', 'documents', files.length);
  const running: Sent[] = [];
  let done = 0;
  const finish = async (sent: Sent) => {
    await follow(client, sent, memory, totals);
    progress.to(++done, files.length);
  };
  try {
    for (const file of files) {
      const sent = await sendFile(client, file, memory, totals, flags.proceed === true);
      if (sent === null) progress.to(++done, files.length);
      else running.push(sent);
      if (running.length >= WINDOW) await finish(running.shift() as Sent);
    }
    for (const sent of running) await finish(sent);
  } finally {
    progress.end();
  }
  return totals;
}

function stateFile(paths: readonly string[], given: string | undefined): string {
  return given ?? join(paths.find((path) => existsSync(path) && statSync(path).isDirectory()) ?? '.', STATE_FILE);
}

type Sent = { file: string; digest: string; captureID: string; events: number; proceed: boolean };

/** Posts one document. Null when there is nothing to follow: it was captured before, or it was refused. */
async function sendFile(client: Client, file: string, memory: Memory, totals: Totals, proceed: boolean): Promise<Sent | null> {
  const body = readFileSync(file);
  const digest = createHash('sha256').update(body).digest('hex');
  const known = memory.of(digest);
  const events = countEvents(body);
  totals.documents++;
  totals.events += events;
  if (known?.ended && known.success) {
    totals.already++;
    totals.stored += events;
    return null;
  }
  // Sent before an interruption, and its end not seen: its job knows.
  if (known?.captureID !== undefined && !known.ended) return { file, digest, captureID: known.captureID, events, proceed };
  const reply = await client.send('POST', '/epcis/capture', {
    body,
    headers: { 'gs1-capture-error-behaviour': proceed ? 'proceed' : 'rollback' },
  });
  if (reply.status !== 202) {
    refuse(file, reply.body as { errors?: Problem[] }, problemOf(reply), totals);
    return null;
  }
  const captureID = (reply.headers.get('location') ?? '').split('/').at(-1) as string;
  memory.put(digest, { file: relative(memory.folder, file), captureID });
  return { file, digest, captureID, events, proceed };
}

function refuse(file: string, body: { errors?: Problem[] }, whole: LotlineError, totals: Totals): void {
  totals.failed++;
  for (const problem of body.errors ?? [whole.toProblem()]) addFault(totals, file, problem);
}

/** Waits for the end of a capture job. */
async function follow(client: Client, sent: Sent, memory: Memory, totals: Totals): Promise<void> {
  for (let pause = POLL_FIRST_MS; ; pause = Math.min(pause * 1.5, POLL_MAX_MS)) {
    const reply = await client.send('GET', `/epcis/capture/${sent.captureID}`);
    if (reply.status !== 200) {
      // A store that was made anew since does not know it: the next run sends the document again.
      memory.put(sent.digest, { file: relative(memory.folder, sent.file), ended: true, success: false });
      return refuse(sent.file, {}, problemOf(reply), totals);
    }
    const job = reply.body as Job;
    if (job.running) {
      await wait(pause);
      continue;
    }
    memory.put(sent.digest, { file: relative(memory.folder, sent.file), captureID: sent.captureID, ended: true, success: job.success });
    if (!job.success) totals.failed++;
    for (const problem of job.errors) addFault(totals, sent.file, problem);
    const bad = new Set(job.errors.map((problem) => problem.index)).size;
    totals.stored += job.success ? sent.events : sent.proceed ? Math.max(0, sent.events - bad) : 0;
    return;
  }
}

function addFault(totals: Totals, file: string, problem: Pick<Problem, 'title' | 'at' | 'fix'>): void {
  if (totals.faults.length >= ERRORS_SHOWN) totals.more++;
  else totals.faults.push({ file, at: problem.at, message: problem.title, fix: problem.fix });
}

/** The events in a document; none when it is not one, which the server will say better. */
function countEvents(body: Uint8Array): number {
  try {
    return readDocument(body).eventCount;
  } catch {
    return 0;
  }
}

function report(totals: Totals): void {
  const rows = [
    ['Documents', count(totals.documents)],
    ['  captured before', count(totals.already)],
    ['  failed', count(totals.failed)],
    ['Events', count(totals.events)],
    ['  in the store now', count(totals.stored)],
  ];
  console.log(drawTable('lr', rows));
  if (totals.faults.length === 0) return;
  const faults = totals.faults.map(({ file, at, message, fix }) => [relative(process.cwd(), file), at, message, fix]);
  console.log(drawTable('llll', faults, { head: ['File', 'Where', 'What', 'How to mend it'], widths: [null, null, 52, 44] }));
  if (totals.more > 0) console.log(`${count(totals.more)} more errors are not shown.`);
}

/** What was captured where, kept in a file that is always whole: written beside and moved over. */
class Memory {
  readonly folder: string;
  private readonly file: string;
  private readonly all: { version: 1; servers: Record<string, Record<string, Known>> };
  private readonly mine: Record<string, Known>;

  constructor(file: string, url: string) {
    this.file = file;
    this.folder = join(file, '..');
    this.all = existsSync(file) ? read(file) : { version: 1, servers: {} };
    this.mine = this.all.servers[url] ??= {};
  }

  of(digest: string): Known | undefined {
    return this.mine[digest];
  }

  put(digest: string, known: Known): void {
    this.mine[digest] = known;
    writeFileSync(`${this.file}.new`, `${JSON.stringify(this.all, null, 1)}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}

function read(file: string): Memory['all'] {
  try {
    const all = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown; servers?: unknown };
    if (all.version === 1 && typeof all.servers === 'object' && all.servers !== null) return all as Memory['all'];
  } catch {
    // told below
  }
  throw new LotlineError('CFG-VALUE', `${file} is not a state file of lotline capture`, {
    at: '--state',
    fix: 'Delete it, or name another one with --state: documents that were captured already are stored once all the same.',
  });
}
