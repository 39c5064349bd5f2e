import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allows, type Right, ROLE_NAMES } from '../../src/access/index.ts';
import { callsTable, rightsTable, withTable } from '../support/roles-page.ts';
import { problemOf, TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.close());

/** One call of each right. */
const CALLS: [right: Right, method: 'GET' | 'POST' | 'PATCH', url: string, body?: unknown][] = [
  ['capture', 'POST', '/epcis/events', {}],
  ['see-own-jobs', 'GET', '/epcis/capture'],
  ['read', 'GET', '/api/v1/findings'],
  ['resolve', 'PATCH', '/api/v1/findings/1', { state: 'open' }],
  ['metrics', 'GET', '/metrics'],
  ['administer', 'GET', '/api/v1/keys'],
  ['scan', 'POST', '/api/v1/scan', { scan: '' }],
  ['print', 'POST', '/api/v1/labels/none', {}],
  ['verify', 'GET', '/checkConnectivity?gtin=09520123000110'],
  ['numbers', 'POST', '/api/v1/pools', {}],
  ['people', 'GET', '/api/v1/people'],
  ['audit', 'GET', '/api/v1/reads'],
  ['privacy', 'POST', '/api/v1/reads/none/approval', { signatures: [] }],
];

describe('roles over HTTP (domain.md §17.1)', () => {
  describe.each(CALLS)('%s: %s %s', (right, method, url, body) => {
    it.each(ROLE_NAMES)('as %s', async (role) => {
      const answer = await server.call(method, url, { key: await server.keyOf(role), ...(body !== undefined && { body }) });
      if (allows([role], right)) expect([401, 403]).not.toContain(answer.statusCode);
      else expect([answer.statusCode, problemOf(answer).code]).toEqual([403, 'ACC-SCOPE']);
    });
  });
});

describe('docs/roles.md', () => {
  const page = readFileSync(new URL('../../docs/roles.md', import.meta.url), 'utf8');

  it('shows the rights as they are (npm run roles writes them anew)', () => {
    expect(page).toBe(withTable(page, 'rights', rightsTable()));
  });

  it('shows who may make each call (npm run roles writes it anew)', () => {
    const { paths } = server.service.app.swagger() as unknown as { paths: Parameters<typeof callsTable>[0] };
    expect(page).toBe(withTable(page, 'calls', callsTable(paths)));
  });
});
