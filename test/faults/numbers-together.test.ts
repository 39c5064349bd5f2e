import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { MAIN } from '../support/program.ts';
import { PostgresProcesses } from './postgres-processes.ts';

let database: TestDatabase;
let service: PostgresProcesses;
beforeAll(async () => {
  database = await freshDatabase();
  service = await PostgresProcesses.open([process.execPath, MAIN], database.url);
  service.launch();
  await service.ready();
});
afterAll(async () => {
  await service.kill('SIGTERM');
  await service.dispose();
  await database.drop();
});

async function post(side: number, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const { server } = service.all[side % 2] as (typeof service.all)[number];
  return await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

it('two processes on one database, asked by 50 at once, never grant one number twice, and know of each other what a key got', async () => {
  const of = { gtin: '09520123000110', length: 8, alphabet: '0123456789' };
  const pools = await Promise.all([0, 1].map(async (side) => ((await (await post(side, '/pools', of)).json()) as { id: string }).id));
  // 8 digits bear 9,999: of 55 requests of 200 each, 49 can be granted.
  const answers = await Promise.all(
    Array.from({ length: 55 }, (_, i) =>
      post(i, `/pools/${pools[(i >> 1) % 2]}/grants`, { quantity: 200, requester: `line ${i}`, run: 'r' }),
    ),
  );
  const granted = answers.filter((answer) => answer.status === 201);
  expect(answers.filter((answer) => answer.status === 409)).toHaveLength(6);
  const serials = (await Promise.all(granted.map(async (answer) => ((await answer.json()) as { serials: string[] }).serials))).flat();
  expect([granted.length, serials.length, new Set(serials).size]).toEqual([49, 9_800, 9_800]);

  const key = { 'idempotency-key': 'both-sides' };
  const again = await Promise.all(
    Array.from(
      { length: 10 },
      async (_, i) =>
        (
          (await (await post(i, `/pools/${pools[0]}/grants`, { quantity: 10, requester: 'l', run: 'r' }, key)).json()) as {
            grantId: string;
          }
        ).grantId,
    ),
  );
  expect(new Set(again).size).toBe(1);
}, 120_000);
