import { setTimeout as sleep } from 'node:timers/promises';
import type { RebuildReport } from '../../src/moving/rebuild.ts';
import type { Db } from '../../src/store/db.ts';
import { connect, hangUp, PostgresDb } from '../../src/store/postgres/open.ts';
import { rebuiltFrom } from './postgres-rebuilt.ts';
import { ServedProcess } from './served-process.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { Wire } from './wire.ts';

/** Who writes: the session that holds the lock. */
export type Writer = { readonly backend: number; readonly session: string };

/** `lotline serve` on one database, as several processes, each with a wire of its own. Clients are sent to one after the other. */
export class PostgresProcesses implements ServerUnderTest {
  readonly adminKey: string;
  readonly keyMemoryMs = 12_000;
  readonly all: readonly AppProcess[];
  private readonly databaseUrl: string;
  private turn = 0;

  private constructor(databaseUrl: string, all: readonly AppProcess[]) {
    this.databaseUrl = databaseUrl;
    this.all = all;
    this.adminKey = (all[0] as AppProcess).server.adminKey;
  }

  /** `command` is what runs the program, up to its arguments. They share the log key, which the first of them makes. */
  static async open(command: readonly string[], databaseUrl: string, count = 2): Promise<PostgresProcesses> {
    const all: AppProcess[] = [];
    for (let i = 0; i < count; i++) {
      const wire = await Wire.open(databaseUrl);
      const folder = all[0]?.server.folder;
      const env = { LOTLINE_DATABASE_URL: wire.url };
      all.push({ server: new ServedProcess(command, { env, ...(folder !== undefined && { folder }) }), wire });
    }
    return new PostgresProcesses(databaseUrl, all);
  }

  get name(): string {
    return `store in ${new URL(this.databaseUrl).pathname}`;
  }

  get url(): string | null {
    const open = this.all.flatMap(({ server }) => server.url ?? []);
    return open[this.turn++ % open.length] ?? null;
  }

  launch(): void {
    for (const { server } of this.all) server.launch();
  }

  async ready(): Promise<void> {
    for (const { server } of this.all) await server.ready();
  }

  /** Resolves when the database has noticed, too: what a session of theirs was about to commit is decided. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await Promise.all(this.all.map(({ server }) => server.kill(signal)));
    await this.ask(async (db) => {
      while ((await db.client.query(SESSIONS)).rowCount !== 0) await sleep(20);
    });
  }

  /** The writer and its process; null while there is none, or no database. */
  async writer(): Promise<(Writer & { readonly process: AppProcess }) | null> {
    const writer = await this.ask(async ({ client }) => (await client.query<Writer>(WRITER)).rows[0]).catch(() => undefined);
    const process = this.all.find(({ wire }) => writer !== undefined && wire.carries(writer.session));
    return writer === undefined || process === undefined ? null : { ...writer, process };
  }

  async endSession(writer: Writer): Promise<void> {
    await this.ask(({ client }) => client.query('SELECT pg_terminate_backend($1)', [writer.backend]));
  }

  /** Does something to the database for a while. */
  async meanwhile(begin: string, ms: number, end: string): Promise<void> {
    await this.ask(async ({ client }) => {
      await client.query(begin);
      await sleep(ms);
      await client.query(end);
    });
  }

  async look<T>(ask: (db: Db) => Promise<T>): Promise<T> {
    return await this.ask(async (db) => await db.snapshot(() => ask(db)));
  }

  async queued(): Promise<string[]> {
    const { rows } = await this.ask(({ client }) =>
      client.query<{ id: string }>(`SELECT capture_id AS id FROM intake WHERE kind = 'document'`),
    );
    return rows.map(({ id }) => id);
  }

  async rebuild(): Promise<RebuildReport> {
    return await rebuiltFrom({ url: this.databaseUrl });
  }

  async dispose(): Promise<void> {
    for (const { server, wire } of this.all) {
      await server.dispose();
      await wire.close();
    }
  }

  /** On a connection of its own, past the wires. */
  private async ask<T>(work: (db: PostgresDb) => Promise<T>): Promise<T> {
    const client = await connect({ url: this.databaseUrl }, { application: 'test', statementTimeoutMs: 60_000 });
    try {
      return await work(new PostgresDb(client));
    } finally {
      await hangUp(client);
    }
  }
}

/** One of them, and its wire to the database. */
export type AppProcess = { readonly server: ServedProcess; readonly wire: Wire };

const SESSIONS = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'lotline %'`;
const WRITER = `SELECT a.pid AS backend, a.application_name AS session FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() AND a.application_name LIKE 'lotline writer %'`;
