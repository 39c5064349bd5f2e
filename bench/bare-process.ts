import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { Client } from './client.ts';
import { answers, freePort } from './server.ts';

/** The bare server as a process of its own. */
export class BareProcess {
  private readonly process: ChildProcess;
  private readonly client: Client;

  private constructor(process: ChildProcess, port: number) {
    this.process = process;
    this.client = new Client(port);
  }

  /** Starts it; answers with it how long it took until it answered, in ms. */
  static async start(engine: string, target: string): Promise<[BareProcess, number]> {
    const program = build();
    const port = await freePort();
    const from = performance.now();
    const child = spawn(process.execPath, [program, engine, target, String(port)], { stdio: ['ignore', 'ignore', 'inherit'] });
    await answers(port, '/ready', () => child.exitCode === null);
    return [new BareProcess(child, port), performance.now() - from];
  }

  async get(path: string): Promise<void> {
    const answer = await this.client.send('GET', path);
    if (answer.status !== 200) throw new Error(`the bare server answered ${answer.status} to ${path}: ${answer.body.toString()}`);
  }

  async stop(): Promise<void> {
    this.client.close();
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await ended;
  }
}

/** JavaScript that node starts without a compiler; what a floor does not use of the other engine is not loaded. */
function build(): string {
  const outdir = join(import.meta.dirname, 'results/bare');
  buildSync({
    entryPoints: [join(import.meta.dirname, 'bare-server.ts')],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  });
  return join(outdir, 'bare-server.js');
}
