import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, objectEvent } from '../support/epcis-documents.ts';
import { MAIN } from '../support/program.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lotline-serve-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `lotline serve` as a process. */
class Program {
  out = '';
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;

  constructor(args: string[], env: Record<string, string> = {}) {
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LOTLINE_')));
    this.process = spawn(process.execPath, [MAIN, 'serve', ...args], {
      env: { ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.out += chunk.toString();
      });
    this.exit = new Promise((resolve) => this.process.once('exit', resolve));
  }

  /** The address it listens on, once it says so. */
  async ready(): Promise<string> {
    for (;;) {
      const url = /Ready: (\S+)/.exec(this.out)?.[1];
      if (url !== undefined) return url;
      if (this.process.exitCode !== null) throw new Error(`it ended with ${this.process.exitCode}: ${this.out}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('lotline serve', () => {
  it('prints its settings, its address and, on the first start alone, an admin key; and ends on SIGTERM with everything folded', async () => {
    const first = new Program(['--port', '0', '--data', folder], { LOTLINE_RULES: 'enforce' });
    const url = await first.ready();
    const key = /shown this once: (lk_\S{43})\n/.exec(first.out)?.[1] as string;
    expect(first.out).toContain(`LOTLINE_DATA=${folder}`);
    expect(first.out).toContain('LOTLINE_RULES=enforce');
    const authorization = `Bearer ${key}`;
    const answer = await fetch(`${url}/epcis/capture`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/ld+json' },
      body: JSON.stringify(documentOf([objectEvent()])),
    });
    expect(answer.status).toBe(202);
    first.process.kill('SIGTERM');
    expect(await first.exit).toBe(0);
    expect(first.out).toContain('Stopped.');

    const second = new Program(['--data', folder], { LOTLINE_PORT: '0' });
    const again = await second.ready();
    expect(second.out).not.toContain('lk_');
    for (;;) {
      const job = (await (await fetch(again + answer.headers.get('location'), { headers: { authorization } })).json()) as {
        running: boolean;
        success: boolean;
      };
      expect(job.success).toBe(true);
      if (!job.running) break;
    }
    second.process.kill('SIGINT');
    expect(await second.exit).toBe(0);
  });

  it('ends with what is wrong and how to mend it when a setting is wrong', async () => {
    const program = new Program([], { LOTLINE_PORT: 'http', LOTLINE_DATA: folder });
    expect(await program.exit).toBe(1);
    expect(program.out).toContain('CFG-VALUE (LOTLINE_PORT): LOTLINE_PORT: "http" is not');
    expect(program.out).not.toContain('    at ');
  });

  it('ends with what is wrong when another program has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const program = new Program(['--port', String(port), '--data', folder]);
    expect(await program.exit).toBe(1);
    expect(program.out).toContain('EADDRINUSE');
    other.close();
  });

  it('warns of variables that are none of its settings', async () => {
    const program = new Program(['--port', '0', '--data', folder], { LOTLINE_PROT: '1' });
    await program.ready();
    expect(program.out).toContain('LOTLINE_PROT is no setting of this version');
    program.process.kill('SIGTERM');
    await program.exit;
  });
});
