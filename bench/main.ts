import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { commissioning, documentOf, lineage, nextTime, observing, PACK, packing, RAW_LOT, serials, sscc } from './documents.ts';
import { commissionFloor } from './floor.ts';
import { BenchServer } from './server.ts';

/**
 * `npm run bench`: the measures of design.md §9 over HTTP against the built service; a table to the screen, JSON to bench/results/latest.json.
 * Not a test: figures are told with the machine they come from, and only ratios to the floor (the bare statements, in the same run) travel.
 *
 *     npm run bench                 1,000,000 serials
 *     npm run bench -- --size 200k  a quick look
 */
type Measure = { name: string; value: number; unit: string; floor: number | null; ratio: number | null };

const measures: Measure[] = [];
const EVENT_SERIALS = 1000;
const IN_FLIGHT = 8;
const CLIENTS = 32;

function note(name: string, value: number, unit: string, floor: number | null = null): void {
  measures.push({ name, value, unit, floor, ratio: floor === null ? null : value / floor });
  console.log(
    `${name.padEnd(28)} ${value.toFixed(value < 100 ? 1 : 0)} ${unit}${floor === null ? '' : ` (floor ${floor.toFixed(0)}, ratio ${(value / floor).toFixed(2)})`}`,
  );
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, T]> {
  const from = performance.now();
  const result = await work();
  return [performance.now() - from, result];
}

/** Runs tasks with a number of workers; answers each task's time in ms, sorted. */
async function crowd(tasks: readonly (() => Promise<void>)[], workers: number): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (next < tasks.length) times.push((await timed(tasks[next++] as () => Promise<void>))[0]);
    }),
  );
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number;

async function capture(server: BenchServer, ...events: object[]): Promise<number> {
  const body = documentOf(...events);
  return (await timed(async () => await server.ended(await server.capture(body))))[0];
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function commission(server: BenchServer, all: readonly string[]): Promise<void> {
  const groups: string[][] = [];
  for (let i = 0; i < all.length; i += EVENT_SERIALS) groups.push(all.slice(i, i + EVENT_SERIALS));
  const bodies = groups.map((group) => documentOf(commissioning(group)));
  const floor = commissionFloor(groups);
  let last = '';
  const [ms] = await timed(async () => {
    await crowd(
      bodies.map((body) => async () => {
        last = await server.capture(body);
      }),
      IN_FLIGHT,
    );
    await server.ended(last);
  });
  note('commission', all.length / (ms / 1000), 'serials/s', floor);
}

async function smallCaptures(server: BenchServer, list: readonly string[]): Promise<void> {
  const bodies = list.map((serial) => documentOf(observing('inspecting', [PACK + serial])));
  let last = '';
  const [ms, times] = await timed(async () => {
    const sorted = await crowd(
      bodies.map((body) => async () => {
        last = await server.capture(body);
      }),
      CLIENTS,
    );
    await server.ended(last);
    return sorted;
  });
  note('small-captures', list.length / (ms / 1000), 'captures/s');
  note('small-captures-p99', quantile(times, 0.99), 'ms');
}

async function questions(server: BenchServer, packed: string): Promise<void> {
  const path = (thing: string) => encodeURIComponent(thing);
  const median = async (url: string) => {
    const times = await crowd(
      Array.from({ length: 15 }, () => async () => {
        const response = await server.get(url);
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      }),
      1,
    );
    return quantile(times, 0.5);
  };
  note('scope-1m', await median(`/api/v1/genealogy/scope?of=${path(RAW_LOT)}`), 'ms');
  const [first] = await timed(async () => {
    const reader = (await server.get(`/api/v1/genealogy/scope/packs?of=${path(RAW_LOT)}`)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
  });
  note('scope-first-row', first, 'ms');
  note('history', await median(`/api/v1/things/${path(PACK + packed)}/history`), 'ms');
  note('contents-10k', await median(`/api/v1/things/${path(sscc(10_000))}/contents`), 'ms');
}

async function main(): Promise<void> {
  const size = sizeOf(process.argv.indexOf('--size') === -1 ? '1m' : (process.argv[process.argv.indexOf('--size') + 1] ?? ''));
  const server = new BenchServer();
  try {
    await server.start();
    await server.ended(await server.capture(documentOf(...lineage())));
    const all = serials(size);
    await commission(server, all);
    await smallCaptures(server, all.slice(0, 4000));

    const idle = server.memory().now;
    note('capture-100k', await capture(server, commissioning(serials(100_000), 'BULK')), 'ms');
    note('capture-100k-memory', Math.max(0, server.memory().peak - idle) / 1e6, 'MB');

    const ten = all.slice(5000, 15_000);
    await capture(server, packing(sscc(10_000), ten));
    await questions(server, ten[0] as string);

    const lateTime = nextTime();
    const children = all.slice(20_000, 23_840);
    await capture(server, packing(sscc(3840), children));
    await capture(server, observing('shipping', [sscc(3840)]));
    note('late-event-3840', await capture(server, { ...observing('storing', [sscc(3840)]), eventTime: lateTime }), 'ms');

    const wrong = { ...commissioning(serials(100_000), 'VOID'), eventID: 'urn:uuid:00000000-0000-4000-8000-000000000001' };
    await capture(server, wrong);
    const declaration = { errorDeclaration: { declarationTime: nextTime(), reason: 'did_not_occur' } };
    note('void-100k', await capture(server, { ...wrong, ...declaration }), 'ms');

    await server.stop();
    note('start-to-ready', await server.start(), 'ms');
  } finally {
    await server.end();
  }
  await bytesPerSerial();
  report(size);
}

/** Three events a serial: commissioned, packed, and seen once more by its own number. */
async function bytesPerSerial(): Promise<void> {
  const server = new BenchServer();
  try {
    await server.start();
    const all = serials(100_000);
    let last = '';
    for (let i = 0; i < all.length; i += EVENT_SERIALS)
      last = await server.capture(documentOf(commissioning(all.slice(i, i + EVENT_SERIALS))));
    for (let i = 0; i < all.length; i += 80) last = await server.capture(documentOf(packing(sscc(i), all.slice(i, i + 80))));
    for (let i = 0; i < all.length; i += EVENT_SERIALS) {
      const epcs = all.slice(i, i + EVENT_SERIALS).map((serial) => PACK + serial);
      last = await server.capture(documentOf(observing('storing', epcs)));
    }
    await server.ended(last);
    await server.stop();
    note('bytes-per-serial', folderBytes(server.folder) / all.length, 'bytes');
  } finally {
    await server.end();
  }
}

function sizeOf(text: string): number {
  const match = /^(\d+)([km]?)$/i.exec(text);
  if (!match) throw new Error(`--size ${text}: write it like 200k or 1m`);
  return Number(match[1]) * ({ k: 1000, m: 1_000_000 }[(match[2] as string).toLowerCase()] ?? 1);
}

function report(size: number): void {
  const table = new Table({ head: ['measure', 'value', 'unit', 'floor', 'ratio'] });
  for (const m of measures) table.push([m.name, m.value.toFixed(1), m.unit, m.floor?.toFixed(0) ?? '', m.ratio?.toFixed(2) ?? '']);
  console.log(table.toString());
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'cpu'}, ${Math.round(totalmem() / 2 ** 30)} GB, node ${process.version}`;
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/latest.json', `${JSON.stringify({ machine, commit, engine: 'sqlite', size, measures }, null, 2)}\n`);
  console.log(`${machine}; commit ${commit}; written to bench/results/latest.json`);
}

await main();
