import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { MAIN } from '../support/program.ts';
import { KILLS, LONG, SEED } from './form.ts';
import { PostgresProcesses } from './postgres-processes.ts';
import { drawStrikes, type Strike, survive } from './postgres-survive.ts';

let database: PostgresServer;
beforeAll(async () => {
  database = await startPostgres({ safe: true });
});
afterAll(async () => {
  await database.stop();
});

/** The short form: each of them is the nearest to losing something, in its way. */
const SHORT: readonly Strike[] = [
  'the writer is killed as it commits',
  'the writer loses the reply to a COMMIT',
  "the writer's backend is killed",
  'the reply to a document put down is lost',
  'the database crashes',
];

describe('two processes on one database that are struck again and again under load, and the database with them', () => {
  const strikes = LONG ? drawStrikes(KILLS, SEED) : SHORT;
  const timeout = 60_000 + strikes.length * 30_000;
  it('keep what they have answered, whole and once, and a log that continues every checkpoint they ever showed', { timeout }, async () => {
    console.log(`${strikes.length} strikes, LOTLINE_FAULTS_SEED=${SEED}`);
    const service = await PostgresProcesses.open([process.execPath, MAIN], database.url);
    const log = LONG ? (line: string) => console.log(line) : () => {};
    const figures = await survive(service, database, { strikes, seed: SEED, lookEvery: LONG ? 25 : SHORT.length + 1, log });
    console.log(JSON.stringify(figures));
    expect(figures.captures).toBeGreaterThan(strikes.length);
    expect(figures.checkpoints).toBeGreaterThan(strikes.length);
    await service.dispose();
  });
});
