import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
/** The program of this run, as Node starts it. */
export const MAIN = inject('program');
/** The key by which tests administer the services that they start. */
export const ADMIN_KEY = `lk_${'t'.repeat(43)}`;

export type Ended = { code: number | null; signal: NodeJS.Signals | null; out: string; err: string };
export type Running = { process: ChildProcess; ended: Promise<Ended>; out(): string };

/** Starts `lotline …` as a process of its own. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: root,
    env: { ...withoutOurs(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<Ended>((done) => child.once('close', (code, signal) => done({ code, signal, out, err })));
  return { process: child, ended, out: () => out };
}

/** Runs it to its end. */
export async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return await start(args, env).ended;
}

/** Waits until a running program has printed what the pattern finds; fails when it ends without. */
export async function printed(program: Running, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(program.out());
    if (found) return found;
    const { exitCode } = program.process;
    if (exitCode !== null) throw new Error(`it ended with ${exitCode}: ${(await program.ended).err}${program.out()}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

export type Service = { url: string; folder: string; key: string; stop(): Promise<Ended>; kill(): Promise<Ended> };

/** A service on a free port, in a folder that the caller removes (or in one that is there). */
export async function startService(folder: string = temporaryFolder(), env: Record<string, string> = {}): Promise<Service> {
  const program = start(['serve', '--port', '0', '--data', folder], { LOTLINE_ADMIN_KEY: ADMIN_KEY, ...env });
  const [, url] = await printed(program, /^Ready: (http:\S+)$/m);
  const end = (signal: NodeJS.Signals) => async () => {
    program.process.kill(signal);
    return await program.ended;
  };
  return { url: url as string, folder, key: ADMIN_KEY, stop: end('SIGTERM'), kill: end('SIGKILL') };
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'lotline-cli-'));
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** A test must not depend on the settings of whoever runs it. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LOTLINE_')));
}
