import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { lotKey } from '../worlds/keys.ts';
import {
  durationOf,
  LINE_FAULT_NAMES,
  LINE_FAULTS,
  LINE_PACK,
  type LineFault,
  type LineRun,
  lineRun,
  ownSerials,
  PER_BUNDLE,
  PLANNED_MIN,
  type PlantedFault,
  startOverMidnight,
} from '../worlds/line.ts';
import { Client, problemOf, type Reply, SERVER_FLAGS, serverOf } from './client.ts';
import { count, drawTable, startProgress } from './terminal.ts';

/** Numbers asked for beyond what is planned (domain.md §5.1). */
const OVERAGE = 1.05;
const SETTLE_MS_MAX = 600_000;
const POLL_MS = 250;
/** A gateway that was killed or that is being restarted is waited for. */
const RETRY_MS = 500;
const RETRY_MS_MAX = 120_000;
/** Things of a fault that are asked for, and how long for what is found of them. */
const KEYS_ASKED = 20;
const FOUND_MS_MAX = 20_000;

type Flags = {
  url?: string;
  key?: string;
  through?: string;
  throughKey?: string;
  rate: string;
  planned: string;
  seed: string;
  lot?: string;
  faults: string;
  speed: string;
  report?: string;
};
type Numbers = { batch: string | null; pool: string | null; serials: string[] };
type Check = {
  name: string;
  of: string;
  expected: number | null;
  actual: number | null;
  difference: number | null;
  ok: boolean;
  things?: string[];
};
type Closing = {
  issued: number;
  returned: number;
  invalid: number;
  commissioned: number;
  sampled: number;
  destroyed: number;
  good: number;
  unaccounted: number;
  state: string;
  checks: Check[];
};
type Found = PlantedFault & { says: string; expected: readonly string[]; found: string[]; ok: boolean };
type Scope = { packs: { total: number; byStatus: { status: string; count: number }[] } };

/** `lotline simulate-line`: a packaging run as a line sends it, with everything that lines do wrong. */
export function simulateLineCommand(program: Command): void {
  program
    .command('simulate-line')
    .description(
      'Simulate a packaging run against a service, directly or through a gateway: numbers, packs, cases, pallets, faults, reconciliation.',
    )
    .option(...SERVER_FLAGS.url)
    .option('--key <key>', 'Its admin key, for numbers, batch and answers. Also LOTLINE_KEY.')
    .option('--through <url>', 'The gateway that takes what the line sends. Default: the service itself.')
    .option('--through-key <key>', 'Its local key. Also LOTLINE_GATEWAY_KEY.')
    .option('--rate <packs>', 'Packs a minute.', '400')
    .option('--planned <packs>', `Good packs, at least ${PLANNED_MIN}.`, '4000')
    .option('--seed <number>', 'What goes wrong where, and all names.', '1')
    .option('--lot <lot>', 'Default: a new one.')
    .option('--faults <names>', `all, none, or names with commas between them: ${LINE_FAULT_NAMES.join(', ')}.`, 'none')
    .option('--speed <factor>', 'How many times faster than a line: 1 is real time, 0 as fast as it is taken.', '0')
    .option('--report <file>', 'Write what was planted and what was found as JSON.')
    .action(simulate);
}

async function simulate(flags: Flags): Promise<void> {
  const faults = faultsOf(flags.faults);
  const planned = numberOf('--planned', flags.planned, PLANNED_MIN, 200_000);
  const rate = numberOf('--rate', flags.rate, 1, 100_000);
  const seed = numberOf('--seed', flags.seed, 0, 999_999_999);
  const speed = numberOf('--speed', flags.speed, 0, 1_000_000);
  const lot = flags.lot ?? `S${seed}${Date.now().toString(36).toUpperCase()}`;
  const expiry = `${new Date().getUTCFullYear() + 2}-02-28`;
  const server = serverOf(flags);
  const client = new Client(server);
  const line =
    flags.through === undefined ? client : new Client({ url: flags.through, key: flags.throughKey ?? process.env['LOTLINE_GATEWAY_KEY'] });

  const numbers = await openBatch(client, { lot, expiry, planned, seed });
  const duration = durationOf({ planned, rate });
  const now = Date.now();
  const endsAt = now + (speed === 0 ? 0 : duration / speed);
  const startsAt = faults.has('over-midnight') ? startOverMidnight(now, duration) : endsAt - duration;
  const run = lineRun({ seed, planned, lot, expiry, rate, startsAt, now: endsAt, serials: numbers.serials, faults });

  const surprises = await send(line, run, { startsAt, speed });
  await untilForwarded(line, flags.through !== undefined);
  await untilFolded(client, lot, run);
  const closing = await closeBatch(client, numbers, run);
  const found = await lookFor(client, run.planted, closing);
  const scope = await client.ask<Scope>('/api/v1/genealogy/scope', { of: lotKey(LINE_PACK, lot) });
  report({ lot, run, closing, found, scope, surprises, file: flags.report, withFaults: faults.size > 0 });
}

/** A batch and its numbers; numbers of our own where the service grants none. */
async function openBatch(client: Client, of: { lot: string; expiry: string; planned: number; seed: number }): Promise<Numbers> {
  const quantity = Math.ceil(of.planned * OVERAGE);
  const { lot, expiry, planned } = of;
  const opened = await client.send(
    'POST',
    '/api/v1/batches',
    json({ gtin: LINE_PACK.gtin, lot, expiry, line: 'simulated line', planned, perParent: PER_BUNDLE }),
  );
  if (opened.status === 404) return { batch: null, pool: null, serials: ownSerials(of.seed, lot, quantity) };
  if (opened.status !== 201) throw problemOf(opened);
  const batch = (opened.body as { id: string }).id;
  const made = await client.send('POST', '/api/v1/pools', json({ gtin: LINE_PACK.gtin, length: 12 }));
  if (made.status !== 201) throw problemOf(made);
  const pool = (made.body as { id: string }).id;
  const granted = await client.send(
    'POST',
    `/api/v1/pools/${pool}/grants`,
    json({ quantity, requester: 'simulated line', run: batch }, { 'idempotency-key': batch }),
  );
  if (granted.status !== 201) throw problemOf(granted);
  return { batch, pool, serials: (granted.body as { serials: string[] }).serials };
}

/** Sends what the line sends, when it sends it. Answers what was not answered as it should have been. */
async function send(line: Client, run: LineRun, at: { startsAt: number; speed: number }): Promise<string[]> {
  const progress = startProgress('Sending', 'documents', run.steps.length);
  const begun = Date.now();
  const surprises: string[] = [];
  try {
    for (const [i, step] of run.steps.entries()) {
      if (at.speed > 0) await wait(Math.max(0, begun + (step.at - at.startsAt) / at.speed - Date.now()));
      const reply = await post(line, step.text);
      const { code } = (reply.body ?? {}) as { code?: string };
      const answer = reply.status === 202 ? null : (code ?? String(reply.status));
      if (answer !== step.refused) surprises.push(`document ${i + 1}: ${answer ?? 'taken'} instead of ${step.refused ?? 'taken'}`);
      progress.to(i + 1, run.steps.length);
    }
  } finally {
    progress.end();
  }
  return surprises;
}

/** A line keeps what it was not told is kept, and sends it again. */
async function post(line: Client, text: string): Promise<Reply> {
  const headers = { 'lotline-capture-id': randomUUID() };
  for (const until = Date.now() + RETRY_MS_MAX; ; ) {
    try {
      return await line.send('POST', '/epcis/capture', { body: Buffer.from(text), headers });
    } catch (error) {
      if (!(error instanceof LotlineError) || error.code !== 'CFG-VALUE' || Date.now() > until) throw error;
      await wait(RETRY_MS);
    }
  }
}

/** The gateway has passed on everything that it took. */
async function untilForwarded(line: Client, isGateway: boolean): Promise<void> {
  if (!isGateway) return;
  for (const until = Date.now() + SETTLE_MS_MAX; ; await wait(POLL_MS)) {
    const { waiting } = await line.ask<{ waiting: { documents: number } }>('/status', {});
    if (waiting.documents === 0) return;
    if (Date.now() > until) throw late(`${waiting.documents} documents still wait in the gateway`);
  }
}

/** The service has folded what it took: no job of ours runs any more, as the number of packs tells. */
async function untilFolded(client: Client, lot: string, { counts }: LineRun): Promise<void> {
  for (const until = Date.now() + SETTLE_MS_MAX; ; await wait(POLL_MS)) {
    const reply = await client.send('GET', '/epcis/capture?perPage=20');
    const running = Array.isArray(reply.body) && (reply.body as { running: boolean }[]).some((job) => job.running);
    if (!running) return;
    if (Date.now() > until) throw late(`lot ${lot} with ${counts.commissioned} packs is not folded yet`);
  }
}

const late = (what: string) =>
  new LotlineError('REQ-BUSY', what, { fix: 'Look into the log of the service, and into /status of the gateway.' });

/** Gives back what no label bears, purged, and has the batch reconciled. */
async function closeBatch(client: Client, { batch, pool }: Numbers, run: LineRun): Promise<Closing | null> {
  if (batch === null || pool === null) return null;
  if (run.unused.length > 0) {
    const returned = await client.send('POST', `/api/v1/pools/${pool}/returns`, json({ serials: run.unused, purged: true }));
    if (returned.status !== 200) throw problemOf(returned);
  }
  const { commissioned, good } = run.counts;
  const counters = {
    goodPrints: commissioned,
    finishedPacks: good,
    loose: [],
    partial: run.partial,
    rejected: run.rejected,
    theoretical: commissioned,
  };
  const closed = await client.send('POST', `/api/v1/batches/${batch}/close`, json({ counters }));
  if (closed.status !== 200) throw problemOf(closed);
  return closed.body as Closing;
}

/**
 * What lotline says of each fault: findings that name its things, checks of the batch that do, or the refusal, which the sending has seen. Some are found
 * behind the capture, a wrong clock for one, so that what should be found is waited for.
 */
async function lookFor(client: Client, planted: readonly PlantedFault[], closing: Closing | null): Promise<Found[]> {
  const until = Date.now() + FOUND_MS_MAX;
  const all: Found[] = [];
  for (const fault of planted) {
    const { says, codes, refused } = LINE_FAULTS[fault.fault];
    const expected: readonly string[] = refused === null ? codes : [refused];
    for (;;) {
      const found = refused === null ? await codesOf(client, fault, codes, closing) : new Set([refused]);
      const ok = expected.length === 0 || expected.some((code) => found.has(code));
      if (ok || Date.now() > until) {
        all.push({ ...fault, says, expected, found: [...found].sort(), ok });
        break;
      }
      await wait(POLL_MS);
    }
  }
  return all;
}

async function codesOf(
  client: Client,
  { things, events }: PlantedFault,
  codes: readonly string[],
  closing: Closing | null,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const thing of things.slice(0, KEYS_ASKED)) {
    const { findings } = await client.ask<{ findings: { code: string }[] }>('/api/v1/findings', { thing, perPage: '100' });
    for (const { code } of findings) found.add(code);
    for (const { name, things: named } of closing?.checks ?? []) if (named?.includes(thing)) found.add(name);
  }
  for (const code of codes) if (things.length === 0 && (await nameEvents(client, code, events))) found.add(code);
  return found;
}

async function nameEvents(client: Client, code: string, events: readonly string[]): Promise<boolean> {
  const { findings } = await client.ask<{ findings: { events: string[] }[] }>('/api/v1/findings', { code, perPage: '100' });
  return findings.some((finding) => finding.events.some((id) => events.includes(id)));
}

function report(all: {
  lot: string;
  run: LineRun;
  closing: Closing | null;
  found: readonly Found[];
  scope: Scope;
  surprises: readonly string[];
  file: string | undefined;
  withFaults: boolean;
}): void {
  const { lot, run, closing, found, scope, surprises, file } = all;
  const { counts, unused } = run;
  const stored = scope.packs.total;
  const difference = counts.issued - unused.length - counts.scrapped - counts.commissioned;
  console.log(`Lot ${lot}`);
  console.log(
    drawTable(
      'lrr',
      [
        ['Numbers issued', count(counts.issued), closing === null ? '' : count(closing.issued)],
        ['  returned, purged', count(unused.length), closing === null ? '' : count(closing.returned)],
        ['  labels scrapped', count(counts.scrapped), closing === null ? '' : count(closing.invalid)],
        ['Packs commissioned', count(counts.commissioned), count(closing?.commissioned ?? stored)],
        ['  sampled', count(counts.sampled), closing === null ? '' : count(closing.sampled)],
        ['  destroyed', count(counts.destroyed), closing === null ? '' : count(closing.destroyed)],
        ['  good', count(counts.good), closing === null ? '' : count(closing.good)],
        ['Unaccounted', count(difference), closing === null ? '' : count(closing.unaccounted)],
      ],
      { head: ['', 'the line', 'lotline'] },
    ),
  );
  if (closing !== null) {
    console.log(`The batch is ${closing.state}.`);
    const open = closing.checks
      .filter(({ ok }) => !ok)
      .map(({ name, of, expected, actual }) => [name, of, String(expected), String(actual)]);
    if (open.length > 0) console.log(drawTable('llrr', open, { head: ['Check', 'of', 'expected', 'is'], widths: [null, 60, null, null] }));
  }
  if (found.length > 0) {
    const rows = found.map((one) => [
      one.fault,
      one.says,
      one.things[0] ?? one.events[0] ?? '',
      one.found.join(' ') || 'nothing',
      one.expected.length === 0 ? '' : one.ok ? 'yes' : 'NO',
    ]);
    console.log(drawTable('lllll', rows, { head: ['Planted', 'What', 'For example', 'lotline found', 'as it should'] }));
  }
  for (const surprise of surprises) console.log(surprise);
  if (file !== undefined)
    writeFileSync(
      file,
      `${JSON.stringify({ lot, counts, returned: unused.length, stored, byStatus: scope.packs.byStatus, closing, planted: found, surprises }, null, 1)}\n`,
    );
  const reconciled =
    all.withFaults ||
    (stored === counts.commissioned && difference === 0 && (closing === null || (closing.state === 'closed' && closing.unaccounted === 0)));
  if (!reconciled || surprises.length > 0 || found.some(({ ok }) => !ok)) process.exitCode = 1;
}

function json(body: unknown, headers: Record<string, string> = {}): { body: Uint8Array; headers: Record<string, string> } {
  return { body: Buffer.from(JSON.stringify(body)), headers: { 'content-type': 'application/json', ...headers } };
}

function faultsOf(text: string): Set<LineFault> {
  if (text === 'none') return new Set();
  if (text === 'all') return new Set(LINE_FAULT_NAMES);
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(name in LINE_FAULTS));
  if (unknown === undefined) return new Set(names as LineFault[]);
  throw new LotlineError('CFG-VALUE', `there is no fault ${JSON.stringify(unknown)}`, {
    at: '--faults',
    fix: `Write all, none, or some of ${LINE_FAULT_NAMES.join(', ')}.`,
  });
}

function numberOf(flag: string, text: string, least: number, most: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new LotlineError('CFG-VALUE', `${JSON.stringify(text)} is not what it takes`, {
    at: flag,
    fix: `Give a whole number from ${least} to ${most}.`,
  });
}
