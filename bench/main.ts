import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Engine, PostgresEngine, SqliteEngine } from './engine.ts';
import { captureLarge, commission, distribute, lateEvent, noteCommission, smallCaptures, voidLarge } from './measure-captures.ts';
import { eventQueries, lookUps, scope, verifyUnderLoad } from './measure-questions.ts';
import { bytesPerSerial, startToReady } from './measure-store.ts';
import { printProfiles, profileClock } from './profile.ts';
import { commitText, machineText, printTable, type Report, sizeText, writePage, writeReport } from './report.ts';
import { Run } from './run.ts';
import { BenchServer } from './server.ts';

/**
 * `npm run bench`: the measures of design.md §9 over HTTP against the built service; a table to the screen, JSON to bench/results. Not a test: figures
 * are told with the machine they come from, and only ratios to the floor (the bare statements, in the same run) travel. See docs/performance.md.
 */
type Step = { names: readonly string[]; measure: (run: Run) => Promise<void> };

/** In this order, because each leaves something behind. The lots are always commissioned; a distribution is made where a later step asks about it. */
const STEPS: readonly Step[] = [
  { names: ['commission', 'commission-first-tenth', 'commission-last-tenth'], measure: noteCommission },
  { names: ['small-captures', 'small-captures-p99'], measure: smallCaptures },
  { names: ['packing', 'scope-1m', 'scope-first-row', 'history', 'contents-10k', 'look-up', 'verify-under-load-p99'], measure: distribute },
  { names: ['scope-1m', 'scope-first-row'], measure: scope },
  { names: ['history', 'contents-10k', 'look-up'], measure: lookUps },
  { names: ['verify-under-load-p99'], measure: verifyUnderLoad },
  { names: ['capture-100k', 'capture-100k-memory'], measure: captureLarge },
  { names: ['late-event-3840', 'late-event-3840-unpacked'], measure: lateEvent },
  { names: ['void-100k'], measure: voidLarge },
  { names: ['start-to-ready'], measure: startToReady },
  { names: ['bytes-per-serial'], measure: bytesPerSerial },
  { names: ['query-events-stored', 'query-page-1', 'query-page-200', 'query-match-any-epc', 'query-ilmd-lot'], measure: eventQueries },
];
/** One-minute load above which a machine is not quiet. */
const QUIET_LOAD = 0.3;

type Options = {
  size: string;
  events?: string;
  engine: string;
  databaseUrl: string;
  only?: string;
  profile?: boolean;
  quietCheck?: boolean;
  table?: boolean;
};

const options = new Command('bench')
  .option('--size <serials>', 'serials to fill the store with, like 200k or 10m', '1m')
  .option('--events <events>', 'events of single packs to query among, like 200k or 10m; a tenth of the serials when not given')
  .option('--engine <engine>', 'sqlite or postgres', 'sqlite')
  .option(
    '--database-url <url>',
    'the PostgreSQL server to make databases on, which are dropped at the end',
    'postgres://postgres@127.0.0.1:5432/',
  )
  .option('--only <names>', 'measures to take, separated by commas')
  .option('--profile', 'print where the threads of the service spend their time; no figures are written')
  .option('--quiet-check', `stop at once when the load is above ${QUIET_LOAD}`)
  .option('--table', 'measure nothing: write the table of docs/performance.md from the results that are there')
  .parse()
  .opts<Options>();

if (options.table) writePage();
else await bench(options);

async function bench({
  size: sizeGiven,
  events,
  engine: engineName,
  databaseUrl,
  only,
  profile = false,
  quietCheck = false,
}: Options): Promise<void> {
  const size = sizeOf(sizeGiven);
  const steps = stepsOf(only);
  const engine = engineOf(engineName, databaseUrl);
  const machine = machineText(await engine.describe());
  console.log(machine);
  if (quietCheck && (loadavg()[0] as number) > QUIET_LOAD)
    throw new Error(`the load is above ${QUIET_LOAD}: wait until the machine is quiet`);
  try {
    const server = new BenchServer(await engine.openStore());
    const run = new Run(engine, size, server, events === undefined ? size / 10 : numberOf(events));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void cutShort(run));
    try {
      await server.start();
      await profiled(run, profile, 'commission', commission);
      for (const { names, measure } of steps) await profiled(run, profile, names[0] as string, measure);
    } finally {
      await run.end();
    }
    printTable(run.measures);
    const report: Report = { machine, commit: commitText(), engine: engine.name, size, measures: run.measures };
    if (!profile)
      console.log(
        `${engine.name}, ${sizeText(size)} serials, commit ${report.commit}; written to ${writeReport(report, only === undefined)}`,
      );
  } finally {
    await engine.close();
  }
}

/** Leaves nothing behind when it is told to stop. */
async function cutShort(run: Run): Promise<void> {
  await run.server.stop();
  await run.engine.close();
  process.exit(1);
}

/** Takes a measure; with `profile` from a service of its own that leaves profiles, which are printed. */
async function profiled(run: Run, profile: boolean, name: string, measure: (run: Run) => Promise<void>): Promise<void> {
  if (!profile) {
    const [before, from] = [run.server.processorMs() ?? 0, performance.now()];
    await measure(run);
    const [used, ms] = [(run.server.processorMs() ?? 0) - before, performance.now() - from];
    // On a machine that others keep busy, this says more than the figures.
    if (used > 0)
      console.log(`${' '.repeat(29)}${(used / 1000).toFixed(1)} s of the service's processor time in ${(ms / 1000).toFixed(1)} s`);
    return;
  }
  const folder = join(import.meta.dirname, 'results/profiles', name);
  rmSync(folder, { recursive: true, force: true });
  run.server.profileFolder = folder;
  await run.server.restart();
  const from = profileClock();
  await measure(run);
  const to = profileClock();
  run.server.profileFolder = null;
  await run.server.restart();
  printProfiles(folder, name, from, to);
}

function stepsOf(only: string | undefined): readonly Step[] {
  if (only === undefined) return STEPS;
  const wanted = only.split(',');
  const unknown = wanted.filter((name) => !STEPS.some((step) => step.names.includes(name)));
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: there is no such measure`);
  return STEPS.filter((step) => step.names.some((name) => wanted.includes(name)));
}

function engineOf(name: string, databaseUrl: string): Engine {
  if (name === 'sqlite') return new SqliteEngine();
  if (name === 'postgres') return new PostgresEngine(databaseUrl);
  throw new Error(`--engine ${name}: write sqlite or postgres`);
}

/** Lots are whole: at least 50,000 serials, in ten thousands, above a million in hundred thousands. */
function sizeOf(text: string): number {
  const size = numberOf(text);
  if (!(size >= 50_000) || size % (size > 1_000_000 ? 100_000 : 10_000) !== 0)
    throw new Error(`--size ${text}: write it like 200k or 10m, at least 50k, in steps of 10k (100k above 1m)`);
  return size;
}

/** Written like 200, 200k or 10m. */
function numberOf(text: string): number {
  const match = /^(\d+)([km]?)$/i.exec(text);
  return Number(match?.[1]) * ({ k: 1000, m: 1_000_000 }[(match?.[2] ?? '').toLowerCase()] ?? 1);
}
