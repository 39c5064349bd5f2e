import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { HEAD_FILE } from '../ledger/log-head.ts';
import { readSettings } from '../settings.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { INTAKE_FILE, JOURNAL_FILE } from '../store/sqlite/open.ts';
import { type AnswerKey, type E01Key, e01, e01Key, WORLD_SIZES, type WorldDocument, world } from '../worlds/index.ts';
import { type RunningServer, startServer, stopInTime, untilStopped } from './serve.ts';
import { count, startProgress } from './terminal.ts';

const ANSWER_KEY_FILE = 'answer-key.json';
/** What a demo makes in its folder, and removes when it is made anew. */
const FILES = [JOURNAL_FILE, INTAKE_FILE]
  .flatMap((file) => [file, `${file}-wal`, `${file}-shm`])
  .concat(['log.key', HEAD_FILE, ANSWER_KEY_FILE]);
/** Documents handed in before waiting for them to be folded: keeps the bar honest, and the intake small. */
const AHEAD = 32;
/** Who acts when the program itself does. */
const SYSTEM = 'system';

type Flags = { data: string; size: string; seed: string; port?: string; host?: string; keep?: boolean };
type WorldSizeName = keyof typeof WORLD_SIZES;

/** `lotline demo`: a service with something in it to explore (domain.md §19, §20 E-01). */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('Serve a made-up world: the scenario E-01 from powder to pharmacy, then a seeded world with planted defects.')
    .option('--data <folder>', 'Where to keep it. Made anew at each start.', './demo-data')
    .option('--size <size>', 'The seeded world: S (some 85,000 packs), M (more than a million), or none.', 'S')
    .option('--seed <number>', 'One seed is one world.', '1')
    .option('--host <address>', 'The address to listen on. Also LOTLINE_HOST.')
    .option('--port <number>', 'The port to listen on; 0 takes any free one. Also LOTLINE_PORT.')
    .option('--keep', 'Serve what is in the folder since the last time.')
    .action(demo);
}

async function demo(flags: Flags): Promise<void> {
  const size = sizeOf(flags.size);
  const seed = seedOf(flags.seed);
  const { data, host, port } = flags;
  const settings = readSettings({ data, ...(host !== undefined && { host }), ...(port !== undefined && { port }) }, process.env);
  if (!flags.keep) clear(data);
  const isNew = !existsSync(join(data, JOURNAL_FILE));
  const server = await startServer(settings, { print: () => {} });
  const stopped = untilStopped();
  const stopping = new AbortController();
  void stopped.then(() => stopping.abort());
  const loading = load(server, { data, size: isNew ? size : null, isNew, seed, signal: stopping.signal });
  await Promise.race([loading, stopped]);
  await stopped;
  await stopInTime(async () => {
    await loading;
    await server.close();
  });
}

async function load(
  server: RunningServer,
  plan: { data: string; size: WorldSizeName | null; isNew: boolean; seed: number; signal: AbortSignal },
): Promise<void> {
  const { keys } = server.deps;
  const line = await keys.grant({ name: 'demo line', roles: ['line'] }, SYSTEM);
  const admin = server.firstKey ?? (await keys.grant({ name: 'demo admin', roles: ['admin'] }, SYSTEM)).key;
  const reader = await keys.grant({ name: 'demo reader', roles: ['reader'] }, SYSTEM);
  const scenario = e01Key();
  if (plan.isNew) {
    const documents = [...e01()];
    await capture(server, line.id, documents, documents.length, 'Scenario E-01', plan.signal);
    writeAnswerKey(plan.data, scenario, null);
  }
  console.log(whatToTry(server.url, { admin, reader: reader.key }, scenario));
  if (plan.size === null || plan.signal.aborted) return;
  const started = Date.now();
  const total = countOf(world({ seed: plan.seed, size: plan.size }).documents);
  const made = world({ seed: plan.seed, size: plan.size });
  await capture(server, line.id, made.documents, total, `World ${plan.size}`, plan.signal);
  if (plan.signal.aborted) return;
  const key = made.key();
  writeAnswerKey(plan.data, scenario, key);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `World ${plan.size}, seed ${plan.seed}, is in as well after ${seconds} s: ${count(key.events)} events, ${count(key.packs)} packs, ${count(key.defects.length)} defects planted.`,
  );
  console.log(`What must be answered stands in ${join(plan.data, ANSWER_KEY_FILE)}. Stop with Ctrl-C.`);
}

/** The real road in, without the wire: kept by the intake, folded by the capture thread. */
async function capture(
  server: RunningServer,
  actor: string,
  documents: Iterable<WorldDocument>,
  total: number,
  label: string,
  signal: AbortSignal,
): Promise<void> {
  const { capture: service } = server.deps;
  const progress = startProgress(label, 'documents', total);
  let done = 0;
  for (const { text } of documents) {
    if (signal.aborted) break;
    await service.accept({ body: Buffer.from(text), actor, behaviour: 'rollback' });
    if (++done % AHEAD !== 0) continue;
    await service.settled();
    progress.to(done, total);
  }
  await service.settled();
  progress.to(done, total);
  progress.end();
}

function countOf(documents: Iterable<WorldDocument>): number {
  let n = 0;
  for (const _ of documents) n++;
  return n;
}

/** Every planted fact with its ids, so that answers can be compared as sets. */
function writeAnswerKey(folder: string, scenario: E01Key, seeded: AnswerKey | null): void {
  writeFileSync(join(folder, ANSWER_KEY_FILE), `${JSON.stringify({ e01: scenario, world: seeded }, null, 1)}\n`);
}

/** Takes away what an earlier demo made, and nothing else. */
function clear(folder: string): void {
  const unlock = lockFolder(folder);
  try {
    for (const file of FILES) rmSync(join(folder, file), { force: true });
  } finally {
    unlock();
  }
}

function sizeOf(text: string): WorldSizeName | null {
  if (text === 'none') return null;
  if (text in WORLD_SIZES) return text as WorldSizeName;
  throw new LotlineError('CFG-VALUE', `There is no world of size ${JSON.stringify(text)}`, {
    at: '--size',
    fix: `Write ${Object.keys(WORLD_SIZES).join(', ')} or none.`,
  });
}

function seedOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new LotlineError('CFG-VALUE', `${JSON.stringify(text)} is no seed`, { at: '--seed', fix: 'Give a whole number from 0.' });
}

function whatToTry(url: string, keys: { admin: string; reader: string }, scenario: E01Key): string {
  const ask = (path: string) => `  curl -s -H 'Authorization: Bearer ${keys.reader}' '${url}${path}'`;
  const of = encodeURIComponent;
  const proven = Object.values(scenario.events).flat().at(-1) as string;
  return `
Scenario E-01 is in: three raw lots, one finished lot, ${count(scenario.packs.total)} packs, from powder to pharmacy.

  Page        ${url}/
  Interface   ${url}/docs
  Admin key   ${keys.admin}
  Reader key  ${keys.reader}

What became of raw lot R1, and where every pack is now:
${ask(`/api/v1/genealogy/scope?of=${of(scenario.lots.R1)}`)}

The steps from R1 to the packs:
${ask(`/api/v1/genealogy/where-used?of=${of(scenario.lots.R1)}`)}

Everything that happened to one pack at the pharmacy:
${ask(`/api/v1/things/${of(scenario.onePackAtPharmacy)}/history?lineage=true`)}

Proof that an event stands in the signed log:
${ask(`/api/v1/ledger/proof?event=${of(proven)}`)}

The same in a terminal:
  npx lotline trace '${scenario.lots.R1}' --used --url ${url} --key ${keys.reader}
`;
}
