import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RebuildReport } from '../../src/moving/rebuild.ts';
import type { Db } from '../../src/store/db.ts';
import { INTAKE_FILE, JOURNAL_FILE, openForReading, SqliteDb } from '../../src/store/sqlite/open.ts';
import { rebuilt } from '../support/rebuilt.ts';
import type { ServerUnderTest } from './server-under-test.ts';

/** What a process that ended by itself is told with. */
const LAST_WORDS = 4_000;

/** `lotline serve` on a folder, as a process of its own. */
export class EmbeddedServer implements ServerUnderTest {
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

  get name(): string {
    return `embedded store in ${this.folder}`;
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

  async look<T>(ask: (db: Db) => Promise<T>): Promise<T> {
    const connection = openForReading(join(this.folder, JOURNAL_FILE));
    try {
      const db = new SqliteDb(connection);
      return await db.snapshot(() => ask(db));
    } finally {
      connection.close();
    }
  }

  async queued(): Promise<string[]> {
    const file = join(this.folder, INTAKE_FILE);
    if (!existsSync(file)) return [];
    const connection = openForReading(file);
    try {
      return connection.prepare('SELECT capture_id FROM document').pluck().all() as string[];
    } finally {
      connection.close();
    }
  }

  async rebuild(): Promise<RebuildReport> {
    const old = openForReading(join(this.folder, JOURNAL_FILE));
    try {
      return await rebuilt(old);
    } finally {
      old.close();
    }
  }

  async dispose(): Promise<void> {
    if (this.child !== null && this.child.exitCode === null && this.child.signalCode === null) await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
