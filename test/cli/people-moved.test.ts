import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lotline } from '../support/commands.ts';
import { removeFolder, temporaryFolder } from '../support/program.ts';
import { problemOf, TestServer } from '../support/server.ts';

const SECRET = 'correct horse battery staple';
const root = temporaryFolder();
const folder = join(root, 'old');
const signed: string[] = [];
let session = '';

const logIn = async (server: TestServer) =>
  await server.call('POST', '/api/v1/sessions', { key: null, body: { login: 'nurse-1', secret: SECRET } });

beforeAll(async () => {
  const server = await TestServer.start({ data: folder });
  const post = async <T>(path: string, body: unknown, key?: string) =>
    (await server.call('POST', `/api/v1${path}`, { body, ...(key !== undefined && { key }) })).json<T>();
  const people = ['nurse-1', 'nurse-2'];
  for (const login of people) {
    const { personId, setupCode } = await post<{ personId: string; setupCode: string }>('/people', {
      login,
      name: login,
      roles: ['operator'],
    });
    await server.call('POST', `/api/v1/people/${personId}/secret`, { key: null, body: { setupCode, secret: SECRET } });
  }
  ({ session } = (await logIn(server)).json<{ session: string }>());
  const gtin = '09520123000110';
  const { id } = await post<{ id: string }>('/batches', { gtin, lot: 'L1', expiry: '2028-01-31', line: 'line 3', planned: 10 });
  const sign = async (login: string, key?: string) =>
    (await post<{ token: string }>('/signing-tokens', { login, secret: SECRET, meaning: 'witnessed' }, key)).token;
  await post(`/batches/${id}/close`, { counters: {}, signatures: [await sign('nurse-1'), await sign('nurse-2', session)] });
  const told = (await server.get(`/api/v1/batches/${id}`)).json<{ signatures: { id: string }[] }>().signatures;
  signed.push(...told.map((one) => one.id));
  await server.stop();
});
afterAll(() => removeFolder(root));

/** Ways in which a store is made anew from its truth, each to a folder. */
const MOVES: [string, (to: string) => Promise<unknown>][] = [
  [
    'export and import',
    async (to) => {
      const file = join(root, 'export.ndjson.gz');
      await lotline('export', '--data', folder, '--out', file);
      return await lotline('import', file, '--data', to, '--log-key-file', join(folder, 'log.key'));
    },
  ],
  [
    'backup and restore',
    async (to) => {
      const backup = join(root, 'backup');
      await lotline('backup', '--data', folder, '--out', backup);
      return await lotline('restore', backup, '--data', to, '--log-key-file', join(folder, 'log.key'));
    },
  ],
  [
    'rebuild',
    async (to) => {
      cpSync(folder, to, { recursive: true });
      return await lotline('rebuild', '--data', to, '--replace');
    },
  ],
];

describe.each(MOVES)('people after %s', (what, move) => {
  it('log in with the secret that they have, their old sessions are over, and what they signed is there', async () => {
    const to = join(root, what.replaceAll(' ', '-'));
    await move(to);
    const server = await TestServer.start({ data: to, logKeyFile: join(folder, 'log.key') });
    try {
      expect((await logIn(server)).statusCode).toBe(201);
      expect(problemOf(await server.get('/api/v1/findings', { key: session })).code).toBe('ACC-EXPIRED');
      expect(signed).toHaveLength(2);
      for (const id of signed)
        expect((await server.get(`/api/v1/signatures/${id}`)).json()).toMatchObject({ id, meaning: 'witnessed', version: 1 });
    } finally {
      await server.stop();
    }
  });
});
