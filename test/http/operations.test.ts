import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ corsOrigins: ['https://app.example'] });
});
afterAll(() => server.close());

describe('metrics', () => {
  it('count captures, events and serials, and name routes by template, never by identifier', async () => {
    await server.capture(documentOf([{ ...objectEvent(), epcList: [sgtin('M1'), sgtin('M2')] }]));
    await server.get(`/api/v1/things/${encodeURIComponent(sgtin('M1'))}`);
    await server.get('/no/such/SECRET-PATH');
    const text = (await server.get('/metrics')).body;
    const figure = (name: string) => Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1]);
    expect(figure('lotline_captures_total{success="true"}')).toBe(1);
    expect(figure('lotline_events_total')).toBe(1);
    expect(figure('lotline_serials')).toBe(2);
    expect(text).toContain('route="/api/v1/things/:thing"');
    expect(text).not.toContain('M1');
    expect(text).not.toContain('SECRET');
    await server.capture(documentOf([{ ...objectEvent(), epcList: [sgtin('M3')] }]));
    const later = (await server.get('/metrics')).body;
    await vi.waitFor(async () => expect((await server.get('/metrics')).body).toMatch(/^lotline_capture_queue_length 0$/m));
    expect(later).toMatch(/^lotline_events_total 2$/m);
    expect(later).toMatch(/^lotline_captures_total\{success="true"\} 2$/m);
  });

  it('need a key unless LOTLINE_METRICS_PUBLIC is on', async () => {
    const open = await TestServer.start({ metricsPublic: true });
    try {
      expect((await open.get('/metrics', { key: null })).statusCode).toBe(200);
      expect((await server.get('/metrics', { key: null })).statusCode).toBe(401);
    } finally {
      await open.close();
    }
  });
});

describe('other origins (R-15)', () => {
  const preflight = {
    origin: 'https://app.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };

  it('may ask, without a key, whether they may; and read the headers of EPCIS', async () => {
    const answer = await server.call('OPTIONS', '/epcis/capture', { key: null, headers: preflight });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example');
    const plain = await server.get('/epcis', { headers: { origin: 'https://app.example' } });
    expect(plain.headers['access-control-allow-origin']).toBe('https://app.example');
    for (const name of ['Link', 'Location', 'GS1-EPCIS-Version', 'GS1-Next-Page-Token-Expires'])
      expect(String(plain.headers['access-control-expose-headers'])).toContain(name);
  });

  it('are given leave for every header of EPCIS that they ask to send (R-15)', async () => {
    const wanted = 'authorization,content-type,gs1-capture-error-behaviour,gs1-epc-format,gs1-epcis-min,gs1-extensions';
    const headers = { ...preflight, 'access-control-request-headers': wanted };
    const answer = await server.call('OPTIONS', '/epcis/capture', { key: null, headers });
    expect(String(answer.headers['access-control-allow-headers']).replaceAll(' ', '')).toBe(wanted);
    for (const method of ['GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])
      expect(String(answer.headers['access-control-allow-methods'])).toContain(method);
  });

  it('may read every header that the description of the interface names (R-15)', async () => {
    const answer = await server.get('/epcis', { headers: { origin: 'https://app.example' } });
    const exposed = String(answer.headers['access-control-expose-headers']).split(', ');
    const { paths } = (await server.get('/api/v1/openapi.json')).json() as {
      paths: Record<string, Record<string, { responses: Record<string, { headers?: object }> }>>;
    };
    const named = Object.values(paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ responses }) => Object.values(responses).flatMap(({ headers = {} }) => Object.keys(headers))),
    );
    expect(new Set(named).size).toBeGreaterThan(10);
    expect([...new Set(named)].filter((name) => !exposed.includes(name))).toEqual([]);
  });

  it('can read that the service is busy (R-15)', async () => {
    const busy = await TestServer.start({ corsOrigins: ['https://app.example'] }, undefined, { http: { requests: 0 } });
    try {
      const answer = await busy.get('/epcis', { headers: { origin: 'https://app.example' } });
      expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([503, 'https://app.example']);
    } finally {
      await busy.close();
    }
  });

  it('that are not named get nothing', async () => {
    const answer = await server.get('/epcis', { headers: { origin: 'https://evil.example' } });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('do not take away the OPTIONS of EPCIS', async () => {
    const answer = await server.call('OPTIONS', '/epcis/capture', { headers: { origin: 'https://app.example' } });
    expect(answer.headers.allow).toBe('OPTIONS, POST, GET');
    expect((await server.call('OPTIONS', '/epcis/capture', { key: null, headers: { origin: 'https://app.example' } })).statusCode).toBe(
      401,
    );
  });

  it('get nothing at all where none is named', async () => {
    const closed = await TestServer.start();
    try {
      const answer = await closed.call('OPTIONS', '/epcis', { key: null, headers: preflight });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    } finally {
      await closed.close();
    }
  });
});

describe('every answer', () => {
  it('carries a request id, its own or the one that was sent, and no leave to guess its type or to keep it', async () => {
    const { headers } = await server.get('/epcis', { headers: { 'x-request-id': 'line-3.41' } });
    expect(headers).toMatchObject({
      'x-request-id': 'line-3.41',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    });
    const strange = await server.get('/epcis', { headers: { 'x-request-id': 'a b<script>' } });
    expect(strange.headers['x-request-id']).toMatch(/^[A-Za-z0-9_-]{12}$/);
  });
});

describe('the description of the interface', () => {
  it('lists every route with its answers and problems', async () => {
    const api = (await server.get('/api/v1/openapi.json', { key: null })).json();
    expect(api.openapi).toMatch(/^3\./);
    for (const path of [
      '/epcis/capture',
      '/epcis/capture/{captureID}',
      '/api/v1/keys',
      '/api/v1/keys/{id}',
      '/api/v1/things/{thing}',
      '/api/v1/things/{thing}/history',
      '/api/v1/things/{thing}/contents',
      '/api/v1/genealogy/where-from',
      '/api/v1/genealogy/where-used',
      '/api/v1/genealogy/scope',
      '/api/v1/genealogy/scope/packs',
      '/api/v1/findings',
      '/api/v1/findings/{id}',
      '/api/v1/check',
      '/api/v1/hash',
      '/api/v1/identifiers',
      '/api/v1/ledger/proof',
      '/api/v1/ledger/consistency',
      '/ledger/checkpoint',
      '/ledger/key',
      '/health/live',
      '/health/ready',
      '/metrics',
    ])
      expect(Object.keys(api.paths), path).toContain(path);
    const post = api.paths['/api/v1/keys'].post;
    expect(post.responses['401'].content['application/problem+json'].schema.$ref).toBe('#/components/schemas/Problem');
    expect(api.components.schemas.Problem.required).toContain('fix');
  });

  it('reads as a page that asks nothing of other places, with a call to paste for each route', async () => {
    const page = await server.get('/docs', { key: null });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).not.toMatch(/<script|src=|https:\/\/(?!id\.gs1\.org|partner\.example)/);
    const routes = page.body.match(/<h3 /g)?.length ?? 0;
    expect(routes).toBeGreaterThan(20);
    expect(page.body.match(/<pre>curl/g)).toHaveLength(routes);
  });
});
