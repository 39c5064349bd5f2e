import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEY = `lk_${'b'.repeat(43)}`;

/** The service as a process of its own, on loopback, in a folder that goes when it stops for good. */
export class BenchServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'lotline-bench-'));
  private process: ChildProcess | null = null;
  private port = 0;

  /** Starts it and answers how long it took until it was ready, in ms. */
  async start(): Promise<number> {
    this.port = await freePort();
    const from = performance.now();
    this.process = spawn(process.execPath, ['dist/main.js', 'serve', '--port', String(this.port), '--data', this.folder], {
      env: { ...process.env, LOTLINE_ADMIN_KEY: KEY },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (;;) {
      try {
        const response = await fetch(`${this.base}/health/ready`);
        if (response.ok) return performance.now() - from;
      } catch {
        if (this.process.exitCode !== null) throw new Error('the service did not start');
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async get(path: string): Promise<Response> {
    return await fetch(this.base + path, { headers: { authorization: `Bearer ${KEY}` } });
  }

  /** Posts a document and answers its captureID. */
  async capture(body: Buffer): Promise<string> {
    const response = await fetch(`${this.base}/epcis/capture`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/ld+json' },
      body: new Uint8Array(body),
    });
    if (response.status !== 202) throw new Error(`capture answered ${response.status}: ${await response.text()}`);
    return (response.headers.get('location') as string).split('/').at(-1) as string;
  }

  /** Waits until a job has ended, and fails if it did not succeed. */
  async ended(captureID: string): Promise<void> {
    for (;;) {
      const job = (await (await this.get(`/epcis/capture/${captureID}`)).json()) as {
        running: boolean;
        success: boolean;
        errors?: unknown[];
      };
      if (!job.running) {
        if (!job.success) throw new Error(`capture ${captureID} failed: ${JSON.stringify(job.errors?.[0])}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  /** Resident memory now and at its highest, in bytes. */
  memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.process?.pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
    return { now: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
