import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { VAULT_KEY_FILE } from '../access/index.ts';
import { ERASURES_FILE } from '../access/vault/erasure-list.ts';
import { LotlineError } from '../errors.ts';
import { HEAD_FILE } from '../ledger/log-head.ts';
import { readSettings } from '../settings.ts';
import { lockFolder } from '../store/sqlite/lock.ts';
import { INTAKE_FILE, JOURNAL_FILE } from '../store/sqlite/open.ts';
import {
  type AnswerKey, COI_SIZES, type CoiAnswerKey, coiWorld, type E01Key, e01, e01Key, WORLD_SIZES, type WorldDocument, world,
} from '../worlds/index.ts'; // biome-ignore format: a list
import { playCoiWorld } from './play-coi-world.ts';
import { type RunningServer, startServer, stopInTime, untilStopped } from './serve.ts';
import { count, startProgress } from './terminal.ts';

const ANSWER_KEY_FILE = 'answer-key.json';
/** What a demo makes in its folder, and removes when it is made anew. */
const FILES = [JOURNAL_FILE, INTAKE_FILE]
  .flatMap((file) => [file, `${file}-wal`, `${file}-shm`])
  .concat(['log.key', HEAD_FILE, VAULT_KEY_FILE, ERASURES_FILE, ANSWER_KEY_FILE]);
/** Documents handed in before waiting for them to be folded: keeps the bar honest, and the intake small. */
const AHEAD = 32;
/** Who acts when the program itself does. */
const SYSTEM = 'system';

type Flags = { data: string; size: string; therapies?: string; seed: string; port?: string; host?: string; keep?: boolean };
type WorldSizeName = keyof typeof WORLD_SIZES;
type TherapiesName = keyof typeof COI_SIZES;

/** `lotline demo`: a service with something in it to explore (domain.md §19, §20 E-01). */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'Serve a made-up world: the scenario E-01 from powder to pharmacy, then seeded worlds of packs and of cell therapies with planted defects.',
    )
    .option('--data <folder>', 'Where to keep it. Made anew at each start.', './demo-data')
    .option('--size <size>', 'The seeded world: S (some 85,000 packs), M (more than a million), or none.', 'S')
    .option('--therapies <size>', 'Cell therapies from vein to vein: S (125 orders), M (400), or none. Default: S; with --size none, none.')
    .option('--seed <number>', 'One seed is one world.', '1')
    .option('--host <address>', 'The address to listen on. Also LOTLINE_HOST.')
    .option('--port <number>', 'The port to listen on; 0 takes any free one. Also LOTLINE_PORT.')
    .option('--keep', 'Serve what is in the folder since the last time.')
    .action(demo);
}

async function demo(flags: Flags): Promise<void> {
  const size = sizeOf(flags.size);
  const therapies = therapiesOf(flags.therapies ?? (size === null ? 'none' : 'S'));
  const seed = seedOf(flags.seed);
  const { data, host, port } = flags;
  const settings = readSettings({ data, ...(host !== undefined && { host }), ...(port !== undefined && { port }) }, process.env);
  if (!flags.keep) clear(data);
  const isNew = !existsSync(join(data, JOURNAL_FILE));
  const server = await startServer(settings, { print: () => {} });
  const stopped = untilStopped();
  const stopping = new AbortController();
  void stopped.then(() => stopping.abort());
  const loading = load(server, {
    data,
    size: isNew ? size : null,
    therapies: isNew ? therapies : null,
    isNew,
    seed,
    signal: stopping.signal,
  });
  await Promise.race([loading, stopped]);
  await stopped;
  await stopInTime(async () => {
    await loading;
    await server.close();
  });
}

async function load(
  server: RunningServer,
  plan: {
    data: string;
    size: WorldSizeName | null;
    therapies: TherapiesName | null;
    isNew: boolean;
    seed: number;
    signal: AbortSignal;
  },
): Promise<void> {
  const { keys } = server.deps;
  const line = await keys.grant({ name: 'demo line', roles: ['line'] }, SYSTEM);
  const admin = server.firstKey ?? (await keys.grant({ name: 'demo admin', roles: ['admin'] }, SYSTEM)).key;
  const reader = await keys.grant({ name: 'demo reader', roles: ['reader'] }, SYSTEM);
  const scenario = e01Key();
  if (plan.isNew) {
    const documents = [...e01()];
    await capture(server, line.id, documents, documents.length, 'Scenario E-01', plan.signal);
    writeAnswerKeys(plan.data, { e01: scenario, world: null, therapies: null });
  }
  console.log(whatToTry(server.url, { admin, reader: reader.key }, scenario));
  const seeded = plan.size === null || plan.signal.aborted ? null : await loadPacks(server, line.id, { ...plan, size: plan.size });
  if (seeded !== null) writeAnswerKeys(plan.data, { e01: scenario, world: seeded, therapies: null });
  if (plan.therapies === null || plan.signal.aborted) return;
  const therapies = await loadTherapies(server, { admin, reader: reader.key }, { ...plan, therapies: plan.therapies });
  if (therapies !== null) writeAnswerKeys(plan.data, { e01: scenario, world: seeded, therapies });
  console.log(`What must be answered stands in ${join(plan.data, ANSWER_KEY_FILE)}. Stop with Ctrl-C.`);
}

async function loadPacks(
  server: RunningServer,
  actor: string,
  plan: { size: WorldSizeName; seed: number; signal: AbortSignal },
): Promise<AnswerKey | null> {
  const started = Date.now();
  const total = countOf(world(plan).documents);
  const made = world(plan);
  await capture(server, actor, made.documents, total, `World ${plan.size}`, plan.signal);
  if (plan.signal.aborted) return null;
  const key = made.key();
  console.log(
    `World ${plan.size}, seed ${plan.seed}, is in as well after ${secondsSince(started)} s: ${count(key.events)} events, ${count(key.packs)} packs, ${count(key.defects.length)} defects planted.`,
  );
  return key;
}

/** Cell therapies: signed by people who are on record, and of whom the vault knows the patients. */
async function loadTherapies(
  server: RunningServer,
  keys: { admin: string; reader: string },
  plan: { therapies: TherapiesName; seed: number; signal: AbortSignal },
): Promise<CoiAnswerKey | null> {
  const started = Date.now();
  const { capture: service, vault, readers } = server.deps;
  const made = coiWorld({ seed: plan.seed, size: plan.therapies });
  const progress = startProgress('Therapies', 'steps', made.steps.length);
  const { refs } = await playCoiWorld(
    {
      record: async (command) => await service.record(command, SYSTEM),
      capture: async (text) => {
        await service.accept({ body: Buffer.from(text), actor: SYSTEM, behaviour: 'rollback' });
        await service.settled();
      },
      vault,
      chain: async (chain) => await readers.look('chainView', { chain }),
      call: async (method, path, body) => {
        const answer = await fetch(`${server.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${keys.admin}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return { status: answer.status, code: ((await answer.json()) as { code?: string }).code ?? null };
      },
    },
    made,
    { signal: plan.signal, onStep: (done, of) => (done % AHEAD === 0 || done === of ? progress.to(done, of) : undefined) },
  );
  progress.end();
  if (plan.signal.aborted) return null;
  const key = JSON.parse(JSON.stringify(made.key), (_, value: unknown) =>
    typeof value === 'string' ? (refs.get(value) ?? value) : value,
  ) as CoiAnswerKey;
  console.log(whatToTryOfTherapies(server.url, keys.reader, key, secondsSince(started)));
  return key;
}

const secondsSince = (started: number): string => ((Date.now() - started) / 1000).toFixed(1);

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
function writeAnswerKeys(folder: string, keys: { e01: E01Key; world: AnswerKey | null; therapies: CoiAnswerKey | null }): void {
  writeFileSync(join(folder, ANSWER_KEY_FILE), `${JSON.stringify(keys, null, 1)}\n`);
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

function therapiesOf(text: string): TherapiesName | null {
  if (text === 'none') return null;
  if (text in COI_SIZES) return text as TherapiesName;
  throw new LotlineError('CFG-VALUE', `There are no therapies of size ${JSON.stringify(text)}`, {
    at: '--therapies',
    fix: `Write ${Object.keys(COI_SIZES).join(', ')} or none.`,
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

function whatToTryOfTherapies(url: string, reader: string, key: CoiAnswerKey, seconds: string): string {
  const ask = (path: string) =>
    `  curl -s -H 'X-Purpose: traceability' -H 'Authorization: Bearer ${reader}' '${url}/api/v1/identity${path}'`;
  const [chain] = key.plants.find(({ kind }) => kind === 'look-alike')?.chains ?? [];
  return `
${count(key.orders.length)} cell therapies are in as well after ${seconds} s: ${count(key.counts.events)} events, ${count(key.counts.acts)} acts with ${count(key.counts.signatures)} signatures, ${count(key.plants.length)} things planted.

One therapy, from vein to vein; a failed check is in it, and how it was resolved:
${ask(`/chains/${chain}`)}

A donor of whom something was learned after the donation: lots, dose bags, recipients, and what is left:
${ask(`/lookback?donor=${key.lookBack.donorRef}`)}
`;
}
