import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, Client, headerOf } from './client.ts';
import type { Store } from './engine.ts';

const KEY = `lk_${'b'.repeat(43)}`;
const AUTHORIZATION = { authorization: `Bearer ${KEY}` };
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;
/** Between two tries whether something is ready. */
const POLL_MS = 2;
/** Between two questions whether a job has ended: the longer it has been waited for, the longer, because asking costs the service time. */
const pollMs = (waitedMs: number): number => Math.min(20, 1 + waitedMs / 20);

/** The built service as a process of its own, on loopback. */
export class BenchServer {
  readonly store: Store;
  /** Where the threads of a service that is started from now on leave their CPU profiles when it stops. */
  profileFolder: string | null = null;
  private process: ChildProcess | null = null;
  private client: Client | null = null;

  constructor(store: Store) {
    this.store = store;
  }

  /** Starts it and answers how long it took until it was ready, in ms. */
  async start(): Promise<number> {
    const port = await freePort();
    const profile = this.profileFolder === null ? [] : ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', this.profileFolder];
    const from = performance.now();
    const child = spawn(process.execPath, [...profile, 'dist/main.js', 'serve', '--port', String(port), '--data', this.store.folder], {
      env: { ...process.env, LOTLINE_ADMIN_KEY: KEY, ...this.store.env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.process = child;
    await answers(port, '/health/ready', () => child.exitCode === null);
    this.client = new Client(port, AUTHORIZATION);
    return performance.now() - from;
  }

  /** Stops it and starts it again. */
  async restart(): Promise<number> {
    await this.stop();
    return await this.start();
  }

  async get(path: string): Promise<Answer> {
    return await this.ask('GET', path, 200);
  }

  async firstBytes(path: string): Promise<number> {
    return await this.connected().firstBytes(path, AUTHORIZATION);
  }

  /** Posts a document and answers its captureID. */
  async capture(body: Buffer): Promise<string> {
    const answer = await this.ask('POST', '/epcis/capture', 202, body);
    return headerOf(answer.head, 'location')?.split('/').at(-1) as string;
  }

  /** Waits until these jobs have ended, and fails if one did not succeed. */
  async ended(captureIDs: Iterable<string>): Promise<void> {
    const from = performance.now();
    for (const captureID of captureIDs) {
      for (;;) {
        const job = JSON.parse((await this.get(`/epcis/capture/${captureID}`)).body.toString()) as Job;
        if (!job.running && !job.success) throw new Error(`capture ${captureID} failed: ${JSON.stringify(job.errors?.[0])}`);
        if (!job.running) break;
        await pause(pollMs(performance.now() - from));
      }
    }
  }

  /** Entries in the log: what a figure claims to have captured has to be there. */
  async logSize(): Promise<number> {
    return Number((await this.get('/ledger/checkpoint')).body.toString().split('\n')[1]);
  }

  /** Resident memory now and at its highest since `forgetPeak`, in bytes; null where the system does not tell. */
  memory(): { now: number; peak: number } | null {
    try {
      const status = readFileSync(`/proc/${this.process?.pid}/status`, 'utf8');
      const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
      return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
    } catch {
      return null;
    }
  }

  /** Processor time of all its threads since it was started, in ms; null where the system does not tell. */
  processorMs(): number | null {
    try {
      const [user, system] = readFileSync(`/proc/${this.process?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
      return (Number(user) + Number(system)) * TICK_MS;
    } catch {
      return null;
    }
  }

  forgetPeak(): void {
    if (this.memory() !== null) writeFileSync(`/proc/${this.process?.pid}/clear_refs`, '5');
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.client?.close();
    this.client = null;
    this.process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  /** Where the service has no room, the request is sent again when it says: that counts for the time it takes. */
  private async ask(method: 'GET' | 'POST', path: string, expected: number, body?: Buffer): Promise<Answer> {
    for (;;) {
      const answer = await this.connected().send(method, path, body, body ? { 'content-type': 'application/ld+json' } : {});
      if (answer.status === expected) return answer;
      const again = headerOf(answer.head, 'retry-after');
      if (again === null) throw new Error(`${path} answered ${answer.status}: ${answer.body.toString()}`);
      await pause(Number(again) * 1000);
    }
  }

  private connected(): Client {
    if (this.client === null) throw new Error('the service does not run');
    return this.client;
  }
}

type Job = { running: boolean; success: boolean; errors?: unknown[] };

/** Waits until something answers 200 at a path, as long as it is alive. */
export async function answers(port: number, path: string, alive: () => boolean): Promise<void> {
  for (;;) {
    const client = new Client(port);
    try {
      if ((await client.send('GET', path)).status === 200) return;
    } catch {
      if (!alive()) throw new Error('a process that was to be measured did not start');
    } finally {
      client.close();
    }
    await pause(POLL_MS);
  }
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
