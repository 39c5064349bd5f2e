import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a process that ended by itself is told with. */
const LAST_WORDS = 4_000;

/** `lotline serve` as a process, which can be started and killed again and again, on a folder that goes with it. */
export class ServedProcess {
  readonly adminKey = `lk_${'f'.repeat(43)}`;
  readonly folder: string;
  private readonly command: readonly string[];
  private readonly env: Record<string, string>;
  private child: ChildProcess | null = null;
  private told = '';
  private address: string | null = null;
  private killed = false;

  /** `command` is what runs the program, up to its arguments. */
  constructor(command: readonly string[], options: { folder?: string; env?: Record<string, string> } = {}) {
    this.command = command;
    this.env = options.env ?? {};
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'lotline-faults-'));
  }

  get url(): string | null {
    return this.killed ? null : this.address;
  }

  /** All that the present process has said so far. */
  get said(): string {
    return this.told;
  }

  get pid(): number {
    return this.child?.pid as number;
  }

  /** Starts a process and does not wait for it. */
  launch(): void {
    const [program, ...args] = [...this.command, 'serve', '--port', '0', '--data', this.folder];
    const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('LOTLINE_'));
    const child = spawn(program as string, args, {
      env: { ...Object.fromEntries(ours), LOTLINE_ADMIN_KEY: this.adminKey, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.told = '';
    this.address = null;
    this.killed = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (this.child === child) this.hear(text);
      });
    }
  }

  private hear(text: string): void {
    this.told += text;
    this.address ??= /^Ready: (http:\S+)$/m.exec(this.told)?.[1] ?? null;
  }

  async ready(): Promise<void> {
    while (this.address === null && !this.killed) {
      const { exitCode, signalCode } = this.child as ChildProcess;
      if (exitCode !== null || signalCode !== null) {
        await new Promise((resolve) => setTimeout(resolve, 100)); // for its last words
        throw new Error(`the service ended by itself (${exitCode ?? signalCode}): ${this.told.slice(-LAST_WORDS)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.killed = true;
    if (child === null) return;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await gone;
    } else if (child.signalCode === null && signal === 'SIGKILL')
      throw new Error(`the service ended by itself (${child.exitCode}): ${this.told.slice(-LAST_WORDS)}`);
  }

  async dispose(): Promise<void> {
    if (this.child !== null && this.child.exitCode === null && this.child.signalCode === null) await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
