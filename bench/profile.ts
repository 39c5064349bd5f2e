import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type CallFrame = { functionName: string; url: string; lineNumber: number };
type CpuProfile = {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
};
/** `callers`: self time by who called. */
type FunctionTime = { name: string; file: string; selfMs: number; totalMs: number; callers: Map<string, number> };

const FUNCTIONS_SHOWN = 25;
const FILES_SHOWN = 12;
const CALLERS_SHOWN = 4;
const WALL_MIN_MS = 1000;
/** What V8 calls the time in which a thread waits; native code that no function of ours called counts as program. */
const WAITING = '(idle)';

/** Microseconds of the clock that V8 stamps samples with, the same in every process of this machine. */
export const profileClock = (): number => Number(process.hrtime.bigint() / 1000n);

/** Prints, thread by thread, where the time between `from` and `to` went. Reads what `--cpu-prof` left in a folder. */
export function printProfiles(folder: string, title: string, from: number, to: number): void {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.cpuprofile')) : [];
  for (const file of files.sort()) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
    const times = timesOf(profile, from, to);
    const wall = times.reduce((sum, t) => sum + t.selfMs, 0);
    if (wall < WALL_MIN_MS) continue; // of a service that was started anew right away
    const waiting = times.find((t) => t.name === WAITING)?.selfMs ?? 0;
    console.log(`\n${title}, ${threadOf(profile)}: busy or waiting for the disk ${(wall - waiting).toFixed(0)} of ${wall.toFixed(0)} ms`);
    const working = times.filter((t) => t.name !== WAITING && t.selfMs > 0);
    const row = (ms: number, rest: string) =>
      console.log(`${ms.toFixed(0).padStart(7)} ${((ms / (wall - waiting)) * 100).toFixed(1).padStart(6)}  ${rest}`);
    console.log('self ms      %  file');
    for (const [file, ms] of byFile(working).slice(0, FILES_SHOWN)) row(ms, file);
    console.log('self ms      %  with callees  function <- callers');
    for (const t of working.slice(0, FUNCTIONS_SHOWN)) row(t.selfMs, `${t.totalMs.toFixed(0).padStart(12)}  ${t.name} <- ${callersOf(t)}`);
  }
}

/** A thread goes by the module that it runs. */
function threadOf(profile: CpuProfile): string {
  for (const { callFrame } of profile.nodes) {
    const thread = /\/([a-z-]+)-thread\.js$/.exec(callFrame.url)?.[1];
    if (thread) return `${thread} thread`;
  }
  return 'main thread';
}

/** Self time a function, and with what it calls (once where it calls itself), the largest self time first. */
function timesOf(profile: CpuProfile, from: number, to: number): FunctionTime[] {
  const selfOf = new Map<number, number>();
  let clock = profile.startTime;
  profile.samples.forEach((id, i) => {
    clock += profile.timeDeltas[i] as number;
    if (clock < from || clock > to) return;
    selfOf.set(id, (selfOf.get(id) ?? 0) + (profile.timeDeltas[i] as number) / 1000);
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const times = new Map<string, FunctionTime>();
  const walk = (id: number, above: ReadonlySet<string>, caller: string): number => {
    const node = nodes.get(id);
    if (node === undefined) return 0;
    const name = nameOf(node.callFrame);
    const self = selfOf.get(id) ?? 0;
    const inside = new Set(above).add(name);
    let total = self;
    for (const child of node.children ?? []) total += walk(child, inside, name);
    const time = times.get(name) ?? { name, file: fileOf(node.callFrame.url), selfMs: 0, totalMs: 0, callers: new Map() };
    time.selfMs += self;
    time.callers.set(caller, (time.callers.get(caller) ?? 0) + self);
    if (!above.has(name)) time.totalMs += total;
    times.set(name, time);
    return total;
  };
  const [root] = profile.nodes;
  if (root) walk(root.id, new Set(), '');
  return [...times.values()].sort((a, b) => b.selfMs - a.selfMs);
}

function byFile(times: readonly FunctionTime[]): [string, number][] {
  const files = new Map<string, number>();
  for (const { file, selfMs } of times) files.set(file, (files.get(file) ?? 0) + selfMs);
  return largestFirst(files);
}

const callersOf = ({ callers, selfMs }: FunctionTime): string =>
  largestFirst(callers)
    .slice(0, CALLERS_SHOWN)
    .map(([name, ms]) => `${name} ${((ms / selfMs) * 100).toFixed(0)} %`)
    .join(', ');

const largestFirst = (times: ReadonlyMap<string, number>): [string, number][] => [...times].sort((a, b) => b[1] - a[1]);

const nameOf = ({ functionName, url, lineNumber }: CallFrame): string =>
  `${functionName || '(anonymous)'}${url === '' ? '' : ` ${fileOf(url)}:${lineNumber + 1}`}`;

/** A module of ours by its path in dist, another by its package. */
function fileOf(url: string): string {
  if (url === '') return '(native)';
  return url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules)\//, (_, folder) => (folder === 'dist' ? '' : '~'));
}
