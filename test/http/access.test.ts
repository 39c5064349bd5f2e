import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/access/index.ts';
import { openService } from '../../src/service.ts';
import { readSettings } from '../../src/settings.ts';
import { documentOf, objectEvent } from '../support/epcis-documents.ts';
import { ADMIN_KEY, type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    await server.capture(documentOf([objectEvent()]));
  });
  afterAll(() => server.close());

  /** Who may (design.md §7): line captures and follows its own jobs; reader does everything but capture and administration. */
  const MATRIX: [method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS', url: string, roles: Role[], call?: Call][] = [
    ['GET', '/epcis', ['admin', 'line', 'reader']],
    ['OPTIONS', '/epcis', ['admin', 'line', 'reader']],
    ['POST', '/epcis/capture', ['admin', 'line'], { body: documentOf([objectEvent()]) }],
    ['GET', '/epcis/capture', ['admin', 'line', 'reader']],
    ['GET', '/epcis/capture/none', ['admin', 'line', 'reader']],
    ['OPTIONS', '/epcis/capture', ['admin', 'line', 'reader']],
    ['POST', '/epcis/events', ['admin', 'line'], { body: '{}' }],
    ['GET', '/epcis/events', ['admin', 'reader']],
    ['GET', '/epcis/events/none', ['admin', 'reader']],
    ['POST', '/api/v1/keys', ['admin'], { body: { name: 'x', roles: ['line'] } }],
    ['GET', '/api/v1/keys', ['admin']],
    ['DELETE', '/api/v1/keys/none', ['admin']],
    ['GET', '/api/v1/identifiers?of=01%2F09520123000110', ['admin', 'reader']],
    ['POST', '/api/v1/scan', ['admin', 'line', 'reader'], { body: { scan: '' } }],
    ['POST', '/api/v1/scan/setup', ['admin', 'line', 'reader'], { body: { scan: '' } }],
    ['PUT', '/api/v1/links/01%2F09520123000110', ['admin'], { body: { links: [] } }],
    ['GET', '/api/v1/links/01%2F09520123000110', ['admin']],
    ['DELETE', '/api/v1/links/01%2F09520123000110', ['admin']],
    ['GET', '/api/v1/things/01%2F09520123000110%2F21%2F1', ['admin', 'reader']],
    ['GET', '/api/v1/things/01%2F09520123000110%2F21%2F1/history', ['admin', 'reader']],
    ['GET', '/api/v1/things/01%2F09520123000110%2F21%2F1/contents', ['admin', 'reader']],
    ['GET', '/api/v1/genealogy/where-from?of=01%2F09520123000110%2F21%2F1', ['admin', 'reader']],
    ['GET', '/api/v1/genealogy/where-used?of=01%2F09520123000110%2F21%2F1', ['admin', 'reader']],
    ['GET', '/api/v1/genealogy/scope?of=01%2F09520123000110%2F21%2F1', ['admin', 'reader']],
    ['GET', '/api/v1/genealogy/scope/packs?of=01%2F09520123000110%2F21%2F1', ['admin', 'reader']],
    ['GET', '/api/v1/findings', ['admin', 'reader']],
    ['PATCH', '/api/v1/findings/1', ['admin', 'reader'], { body: { state: 'open' } }],
    ['GET', '/api/v1/masterdata', ['admin', 'reader']],
    ['GET', '/api/v1/masterdata/Location/urn%3Ax%3A1', ['admin', 'reader']],
    ['GET', '/api/v1/masterdata/Location/urn%3Ax%3A1/history', ['admin', 'reader']],
    ['POST', '/api/v1/masterdata', ['admin', 'line'], { body: { type: 'Location', id: 'urn:x:1' } }],
    ['POST', '/api/v1/check', ['admin', 'reader'], { body: documentOf([objectEvent()]) }],
    ['POST', '/api/v1/hash', ['admin', 'reader'], { body: documentOf([objectEvent()]) }],
    ['GET', '/api/v1/ledger/proof?event=0', ['admin', 'reader']],
    ['GET', '/api/v1/ledger/consistency?from=0', ['admin', 'reader']],
    ['GET', '/ledger/checkpoint', ['admin', 'reader']],
    ['GET', '/ledger/key', ['admin', 'reader']],
    ['GET', '/ledger/tile/0/000.p/1', ['admin', 'reader']],
    ['GET', '/metrics', ['admin', 'reader']],
  ];
  const PUBLIC = ['/health/live', '/health/ready', '/docs', '/api/v1/openapi.json', '/', '/.well-known/gs1resolver'];

  describe.each(MATRIX)('%s %s', (method, url, roles, call) => {
    it.each(['admin', 'line', 'reader'] as const)(`as %s: ${roles.join(' and ')} may`, async (role) => {
      const answer = await server.call(method, url, { ...call, key: server.keys[role] });
      if (roles.includes(role)) expect([401, 403]).not.toContain(answer.statusCode);
      else {
        expect(answer.statusCode).toBe(403);
        expect(problemOf(answer)).toMatchObject({ code: 'ACC-SCOPE', type: 'epcisException:SecurityException' });
      }
    });

    it('without a key: 401', async () => {
      expect((await server.call(method, url, { ...call, key: null })).statusCode).toBe(401);
    });
  });

  describe('without a key', () => {
    it.each(PUBLIC)('%s answers', async (url) => {
      expect((await server.get(url, { key: null })).statusCode).toBe(200);
    });

    it('every other route of the documentation answers 401', async () => {
      const { paths } = (await server.get('/api/v1/openapi.json', { key: null })).json() as {
        paths: Record<string, Record<string, unknown>>;
      };
      // By these somebody proves who they are (domain.md §15).
      const open = new Set([...PUBLIC, 'post /api/v1/sessions', 'post /api/v1/people/{id}/secret']);
      for (const [path, operations] of Object.entries(paths))
        for (const method of Object.keys(operations)) {
          // Digital Links answer the public (design.md §7).
          if (open.has(path) || open.has(`${method} ${path}`) || /^\/\d{2,4}\/\{value\}$/.test(path)) continue;
          const answer = await server.call(method.toUpperCase() as 'GET', path.replaceAll(/\{[^}]+\}/g, 'x'), { key: null });
          expect([path, method, answer.statusCode]).toEqual([path, method, 401]);
        }
    });
  });

  describe('a key', () => {
    it('is shown once, works at once, is listed without its secret, and stops working when it is ended', async () => {
      const granted = await server.call('POST', '/api/v1/keys', { body: { name: 'line 3', roles: ['line', 'reader'] } });
      expect(granted.statusCode).toBe(201);
      const { id, key } = granted.json() as { id: string; key: string };
      expect(key).toMatch(/^lk_[A-Za-z0-9_-]{43}$/);
      expect((await server.get('/api/v1/findings', { key })).statusCode).toBe(200);
      const list = await server.get('/api/v1/keys');
      expect(list.body).not.toContain(key);
      expect((list.json() as { keys: unknown[] }).keys).toContainEqual({
        id,
        name: 'line 3',
        roles: ['line', 'reader'],
        sites: [],
        created: expect.any(String),
        ended: null,
      });
      expect((await server.call('DELETE', `/api/v1/keys/${id}`)).statusCode).toBe(204);
      expect((await server.get('/api/v1/findings', { key })).statusCode).toBe(401);
      expect((await server.call('DELETE', `/api/v1/keys/${id}`)).statusCode).toBe(404);
    });

    it('is granted and ended by entries of the journal, and its secret stands in no file of the store', async () => {
      const before = (await server.get('/ledger/checkpoint')).body.split('\n')[1];
      const { id, key } = (await server.call('POST', '/api/v1/keys', { body: { name: 'short-lived', roles: ['reader'] } })).json() as {
        id: string;
        key: string;
      };
      await server.call('DELETE', `/api/v1/keys/${id}`);
      expect(Number((await server.get('/ledger/checkpoint')).body.split('\n')[1])).toBe(Number(before) + 2);
      for (const file of ['journal.db', 'journal.db-wal', 'intake.db', 'log.key'])
        if (existsSync(`${server.folder}/${file}`)) {
          const bytes = readFileSync(`${server.folder}/${file}`);
          expect(bytes.includes(key)).toBe(false);
          expect(bytes.includes(ADMIN_KEY)).toBe(false);
        }
    });
  });

  describe('the first start', () => {
    it('makes one admin key and one log key, which only its owner may read; the next start makes none', async () => {
      const { mkdtempSync, rmSync } = await import('node:fs');
      const folder = mkdtempSync('/tmp/lotline-first-');
      const settings = { ...readSettings({}, {}), data: folder };
      const first = await openService(settings);
      expect(first.firstKey).toMatch(/^lk_/);
      expect(statSync(`${folder}/log.key`).mode & 0o777).toBe(0o600);
      const vkey = first.deps.vkey;
      await first.close();
      const second = await openService(settings);
      expect(second.firstKey).toBeNull();
      expect(second.deps.vkey).toBe(vkey);
      const answer = await second.app.inject({ url: '/api/v1/keys', headers: { authorization: `Bearer ${first.firstKey}` } });
      expect(answer.statusCode).toBe(200);
      await second.close();
      rmSync(folder, { recursive: true });
    });

    it('replaces the bootstrap key when LOTLINE_ADMIN_KEY changes, and refuses one that was ended', async () => {
      const one = await TestServer.on(engine, { adminKey: 'the-first-admin-key' });
      await one.stop();
      const two = await TestServer.start({ ...one.place, adminKey: 'the-second-admin-key' });
      expect((await two.get('/api/v1/keys', { key: 'the-second-admin-key' })).statusCode).toBe(200);
      expect((await two.get('/api/v1/keys', { key: 'the-first-admin-key' })).statusCode).toBe(401);
      await two.stop();
      await expect(TestServer.start({ ...one.place, adminKey: 'the-first-admin-key' })).rejects.toMatchObject({
        code: 'CFG-VALUE',
        at: 'LOTLINE_ADMIN_KEY',
      });
      const again = await TestServer.start({ ...one.place, adminKey: 'the-second-admin-key' });
      await again.stop();
      await one.close();
    });

    it.runIf(engine === 'sqlite')('refuses a folder that another process serves, and a log that another key has signed', async () => {
      await expect(TestServer.start({ data: server.folder })).rejects.toMatchObject({ code: 'CFG-VALUE', at: 'LOTLINE_DATA' });
      const one = await TestServer.on(engine);
      await one.stop();
      const { renameSync } = await import('node:fs');
      renameSync(`${one.folder}/log.key`, `${one.folder}/kept.key`);
      await expect(TestServer.start({ data: one.folder })).rejects.toMatchObject({ code: 'CFG-VALUE', at: 'LOTLINE_LOG_KEY_FILE' });
      await expect(TestServer.start({ data: one.folder, logKeyFile: `${server.folder}/log.key` })).rejects.toMatchObject({
        at: 'LOTLINE_LOG_KEY_FILE',
      });
      await expect(
        TestServer.start({ data: one.folder, logKeyFile: `${one.folder}/kept.key`, origin: 'another.example' }),
      ).rejects.toMatchObject({ at: 'LOTLINE_ORIGIN' });
      const again = await TestServer.start({ data: one.folder, logKeyFile: `${one.folder}/kept.key` });
      await again.close();
    });
  });
});
