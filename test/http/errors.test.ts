import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { documentOf, objectEvent } from '../support/epcis-documents.ts';
import { type Call, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  const said: string[] = [];
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, (line) => said.push(line));
  });
  afterAll(() => server.close());

  const good = () => documentOf([objectEvent()]);
  const text = (change: (json: string) => string) => change(JSON.stringify(good()));
  type Case = [
    what: string,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT',
    url: string,
    call: Call,
    status: number,
    code: string,
    at?: string,
  ];

  const CASES: Case[] = [
    // Access (design.md §7)
    ['no key', 'GET', '/epcis', { key: null }, 401, 'ACC-DENIED'],
    ['an unknown key', 'GET', '/epcis', { key: 'lk_unknown' }, 401, 'ACC-DENIED'],
    ['another scheme', 'GET', '/epcis', { key: null, headers: { authorization: 'Basic YTpi' } }, 401, 'ACC-DENIED'],
    ['an empty bearer', 'GET', '/epcis', { key: null, headers: { authorization: 'Bearer ' } }, 401, 'ACC-DENIED'],
    ['the form of a finding that there is none of', 'GET', '/api/v1/findings/999/notification', {}, 404, 'NOT-FOUND', '{id}'],
    ['a sample for a finding that there is none of', 'GET', '/api/v1/findings/999/sample', {}, 404, 'NOT-FOUND', '{id}'],
    // Syntax (J-9, C-8)
    ['an empty body', 'POST', '/epcis/capture', { body: '' }, 400, 'EV-SYNTAX', ''],
    ['text that is no JSON', 'POST', '/epcis/capture', { body: 'EPCIS' }, 400, 'EV-SYNTAX'],
    ['a document cut off', 'POST', '/epcis/capture', { body: text((t) => t.slice(0, -20)) }, 400, 'EV-SYNTAX'],
    ['text behind the document', 'POST', '/epcis/capture', { body: text((t) => `${t}{}`) }, 400, 'EV-SYNTAX'],
    [
      'bytes that are no UTF-8',
      'POST',
      '/epcis/capture',
      { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
      400,
      'EV-SYNTAX',
    ],
    ['UTF-16', 'POST', '/epcis/capture', { body: Buffer.from(`\ufeff${JSON.stringify({})}`, 'utf16le') }, 400, 'EV-SYNTAX'],
    [
      'a duplicate member name',
      'POST',
      '/epcis/capture',
      { body: text((t) => t.replace('"type":', '"type":"EPCISDocument","type":')) },
      400,
      'EV-SYNTAX',
    ],
    [
      'a duplicate member name in an event',
      'POST',
      '/epcis/capture',
      { body: text((t) => t.replace('"action":', '"action":"ADD","action":')) },
      400,
      'EV-SYNTAX',
    ],
    [
      'nesting without end',
      'POST',
      '/epcis/capture',
      { body: text((t) => t.replace('"action"', `"ex:deep":${'['.repeat(5000)}${']'.repeat(5000)},"action"`)) },
      400,
      'EV-SYNTAX',
    ],
    // Schema
    ['an array', 'POST', '/epcis/capture', { body: '[]' }, 400, 'EV-SCHEMA'],
    [
      'a bare event (DOC-6)',
      'POST',
      '/epcis/capture',
      { body: { '@context': good()['@context'], ...objectEvent() } },
      400,
      'EV-SCHEMA',
      '/type',
    ],
    ['no @context', 'POST', '/epcis/capture', { body: { ...good(), '@context': undefined } }, 400, 'EV-CONTEXT', '/@context'],
    ['an unknown field of the document', 'POST', '/epcis/capture', { body: { ...good(), colour: 'red' } }, 400, 'EV-SCHEMA', '/colour'],
    [
      'an unknown field of an event',
      'POST',
      '/epcis/capture',
      { body: documentOf([{ ...objectEvent(), colour: 'red' }]) },
      400,
      'EV-SCHEMA',
      '/epcisBody/eventList/0/colour',
    ],
    [
      'an eventTime without a zone',
      'POST',
      '/epcis/capture',
      { body: documentOf([{ ...objectEvent(), eventTime: '2026-03-01T08:00:00' }]) },
      400,
      'EV-TIMEZONE',
      '/epcisBody/eventList/0/eventTime',
    ],
    [
      'a broken identifier',
      'POST',
      '/epcis/capture',
      { body: documentOf([{ ...objectEvent(), epcList: ['urn:epc:id:sgtin:9520123.000011'] }]) },
      400,
      'ID-FORM',
      '/epcisBody/eventList/0/epcList/0',
    ],
    [
      'a wrong check digit',
      'POST',
      '/epcis/capture',
      { body: documentOf([{ ...objectEvent(), epcList: ['https://id.gs1.org/01/09520123000111/21/A'] }]) },
      400,
      'ID-CHECK',
      '/epcisBody/eventList/0/epcList/0',
    ],
    // Media types and headers
    ['text/plain', 'POST', '/epcis/capture', { body: 'x', headers: { 'content-type': 'text/plain' } }, 415, 'REQ-MEDIA'],
    ['a media type that is none', 'POST', '/epcis/capture', { body: 'x', headers: { 'content-type': 'json' } }, 415, 'REQ-MEDIA'],
    [
      'another charset',
      'POST',
      '/epcis/capture',
      { body: good(), headers: { 'content-type': 'application/json; charset=latin1' } },
      415,
      'REQ-MEDIA',
      'Content-Type',
    ],
    [
      'a packed body',
      'POST',
      '/epcis/capture',
      { body: 'x', headers: { 'content-encoding': 'gzip' } },
      415,
      'REQ-MEDIA',
      'Content-Encoding',
    ],
    [
      'GS1-Capture-Error-Behaviour all',
      'POST',
      '/epcis/capture',
      { body: good(), headers: { 'gs1-capture-error-behaviour': 'all' } },
      400,
      'REQ-FORM',
      'GS1-Capture-Error-Behaviour',
    ],
    [
      'GS1-Capture-Error-Behaviour twice',
      'POST',
      '/epcis/capture',
      { body: good(), headers: { 'gs1-capture-error-behaviour': 'rollback, proceed' } },
      400,
      'REQ-FORM',
      'GS1-Capture-Error-Behaviour',
    ],
    [
      'GS1-EPCIS-Version of another kind',
      'POST',
      '/epcis/capture',
      { body: good(), headers: { 'gs1-epcis-version': '1.2' } },
      400,
      'REQ-FORM',
      'GS1-EPCIS-Version',
    ],
    [
      'GS1-EPCIS-Version that is none',
      'POST',
      '/epcis/capture',
      { body: good(), headers: { 'gs1-epcis-version': 'v2' } },
      400,
      'REQ-FORM',
      'GS1-EPCIS-Version',
    ],
    ['GS1-EPCIS-Min above ours', 'GET', '/epcis', { headers: { 'gs1-epcis-min': '3.0' } }, 406, 'REQ-ACCEPT', 'GS1-EPCIS-Min'],
    ['GS1-EPCIS-Max below ours', 'GET', '/epcis', { headers: { 'gs1-epcis-max': '1.1' } }, 406, 'REQ-ACCEPT', 'GS1-EPCIS-Max'],
    ['GS1-CBV-Min above ours', 'GET', '/epcis', { headers: { 'gs1-cbv-min': '2.1' } }, 406, 'REQ-ACCEPT', 'GS1-CBV-Min'],
    ['GS1-CBV-Max that is none', 'GET', '/epcis', { headers: { 'gs1-cbv-max': '2.x' } }, 400, 'REQ-FORM', 'GS1-CBV-Max'],
    ['an Accept that nothing meets', 'GET', '/epcis/capture', { headers: { accept: 'image/png' } }, 406, 'REQ-ACCEPT'],
    [
      'application/json refused by q=0',
      'GET',
      '/epcis/capture',
      { headers: { accept: 'application/json;q=0, application/ld+json;q=0' } },
      406,
      'REQ-ACCEPT',
    ],
    // Paging
    ['perPage 0', 'GET', '/epcis/capture?perPage=0', {}, 400, 'QRY-PARAM', '?perPage'],
    ['perPage that is no number', 'GET', '/epcis/capture?perPage=many', {}, 400, 'QRY-PARAM', '?perPage'],
    ['an unknown parameter', 'GET', '/epcis/capture?page=2', {}, 400, 'QRY-PARAM', '?page'],
    ['a parameter twice', 'GET', '/epcis/capture?perPage=1&perPage=2', {}, 400, 'QRY-PARAM', '?perPage'],
    ['an unknown nextPageToken', 'GET', '/epcis/capture?nextPageToken=abc', {}, 404, 'QRY-TOKEN', '?nextPageToken'],
    // Paths and methods
    ['an unknown job', 'GET', '/epcis/capture/00000000-0000-0000-0000-000000000000', {}, 404, 'NOT-FOUND'],
    ['an unknown path', 'GET', '/epcis/nothing', {}, 404, 'NOT-FOUND'],
    ['an unknown path without a key', 'GET', '/nothing', { key: null }, 404, 'NOT-FOUND'],
    ['a method that is not there', 'PUT', '/epcis/capture', {}, 405, 'REQ-METHOD'],
    ['DELETE of a job', 'DELETE', '/epcis/capture/x', {}, 405, 'REQ-METHOD'],
    ['a path that is not well encoded', 'GET', '/epcis/capture/%zz', {}, 400, 'REQ-FORM'],
    ['a URL without end', 'GET', `/epcis/capture?x=${'y'.repeat(40_000)}`, {}, 414, 'REQ-URI'],
    // Things and questions
    ['an unknown thing', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FNOBODY', {}, 404, 'NOT-FOUND'],
    ['an unknown thing in history', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FNOBODY/history', {}, 404, 'NOT-FOUND'],
    ['an unknown thing in contents', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FNOBODY/contents', {}, 404, 'NOT-FOUND'],
    ['a thing with a wrong check digit', 'GET', '/api/v1/things/01%2F09520123000111%2F21%2FA', {}, 400, 'ID-CHECK', '{thing}'],
    ['a thing that is no identifier', 'GET', '/api/v1/things/hello', {}, 400, 'ID-FORM', '{thing}'],
    ['at without a zone', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FA?at=2026-01-01T00:00:00', {}, 400, 'REQ-FORM', '?at'],
    ['at that is no time', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FA?at=yesterday', {}, 400, 'REQ-FORM', '?at'],
    ['known that is no time', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FA/history?known=0', {}, 400, 'REQ-FORM', '?known'],
    [
      'known without a zone in scope',
      'GET',
      '/api/v1/genealogy/scope?of=01%2F09520123000110&known=2026-01-01T00:00:00',
      {},
      400,
      'REQ-FORM',
      '?known',
    ],
    [
      'at that is no time in the stream of packs',
      'GET',
      '/api/v1/genealogy/scope/packs?of=01%2F09520123000110&at=x',
      {},
      400,
      'REQ-FORM',
      '?at',
    ],
    ['a depth that is none', 'GET', '/api/v1/things/01%2F09520123000110%2F21%2FA/contents?depth=0', {}, 400, 'REQ-FORM', '?depth'],
    [
      'lineage that is no switch',
      'GET',
      '/api/v1/things/01%2F09520123000110%2F21%2FA/history?lineage=perhaps',
      {},
      400,
      'REQ-FORM',
      '?lineage',
    ],
    ['where-from without of', 'GET', '/api/v1/genealogy/where-from', {}, 400, 'REQ-FORM', '?of'],
    ['where-used of nothing known', 'GET', '/api/v1/genealogy/where-used?of=01%2F09520123000110%2F10%2FNONE', {}, 404, 'NOT-FOUND'],
    ['where-from of a broken identifier', 'GET', '/api/v1/genealogy/where-from?of=(01)09520123000111', {}, 400, 'ID-CHECK', '?of'],
    ['scope of nothing known', 'GET', '/api/v1/genealogy/scope?of=01%2F09520123000110%2F10%2FNONE', {}, 404, 'NOT-FOUND'],
    ['packs of nothing known', 'GET', '/api/v1/genealogy/scope/packs?of=01%2F09520123000110%2F10%2FNONE', {}, 404, 'NOT-FOUND'],
    [
      'packs as something else',
      'GET',
      '/api/v1/genealogy/scope/packs?of=01%2F09520123000110',
      { headers: { accept: 'text/html' } },
      406,
      'REQ-ACCEPT',
    ],
    ['identifiers without of', 'GET', '/api/v1/identifiers', {}, 400, 'REQ-FORM', '?of'],
    ['a broken identifier', 'GET', '/api/v1/identifiers?of=(01)09520123000111', {}, 400, 'ID-CHECK', '?of'],
    [
      'a prefix length that is none',
      'GET',
      '/api/v1/identifiers?of=01%2F09520123000110&companyPrefixLength=3',
      {},
      400,
      'REQ-FORM',
      '?companyPrefixLength',
    ],
    // Findings
    ['an unknown finding', 'PATCH', '/api/v1/findings/999', { body: { state: 'closed' } }, 404, 'NOT-FOUND', '{id}'],
    ['a finding that is no number', 'PATCH', '/api/v1/findings/x', { body: { state: 'closed' } }, 400, 'REQ-FORM', '?id'],
    ['a state that is none', 'PATCH', '/api/v1/findings/1', { body: { state: 'gone' } }, 400, 'REQ-FORM', '/state'],
    ['a note that is no text', 'PATCH', '/api/v1/findings/1', { body: { state: 'open', note: 7 } }, 400, 'REQ-FORM', '/note'],
    ['an unknown member', 'PATCH', '/api/v1/findings/1', { body: { state: 'open', by: 'me' } }, 400, 'REQ-FORM', '/by'],
    ['a body that is no JSON', 'PATCH', '/api/v1/findings/1', { body: '{' }, 400, 'EV-SYNTAX'],
    ['a body with __proto__', 'PATCH', '/api/v1/findings/1', { body: '{"state":"open","__proto__":{}}' }, 400, 'EV-SYNTAX'],
    ['a body that is too large', 'PATCH', '/api/v1/findings/1', { body: { state: 'open', note: 'x'.repeat(70_000) } }, 413, 'REQ-LIMIT'],
    ['findings in a state that is none', 'GET', '/api/v1/findings?state=gone', {}, 400, 'REQ-FORM', '?state'],
    ['findings of a broken identifier', 'GET', '/api/v1/findings?thing=(01)1', {}, 400, 'ID-LENGTH', '?thing'],
    // Keys
    ['a key without roles', 'POST', '/api/v1/keys', { body: { name: 'x', roles: [] } }, 400, 'REQ-FORM', '/roles'],
    ['a role that is none', 'POST', '/api/v1/keys', { body: { name: 'x', roles: ['king'] } }, 400, 'REQ-FORM', '/roles/0'],
    ['a key without a name', 'POST', '/api/v1/keys', { body: { roles: ['line'] } }, 400, 'REQ-FORM', '/name'],
    ['a key with U+0000 in its name', 'POST', '/api/v1/keys', { body: { name: 'a\0b', roles: ['line'] } }, 400, 'REQ-FORM', '/name'],
    ['roles that are no list', 'POST', '/api/v1/keys', { body: { name: 'x', roles: 'line' } }, 400, 'REQ-FORM', '/roles'],
    ['no body', 'POST', '/api/v1/keys', {}, 400, 'REQ-FORM', ''],
    ['an unknown key to end', 'DELETE', '/api/v1/keys/k_none', {}, 404, 'NOT-FOUND', '{id}'],
    // Dry runs
    ['check of nothing', 'POST', '/api/v1/check', { body: '' }, 400, 'EV-SYNTAX'],
    ['check of no document', 'POST', '/api/v1/check', { body: '{}' }, 400, 'EV-SCHEMA'],
    ['hash of no JSON', 'POST', '/api/v1/hash', { body: '{' }, 400, 'EV-SYNTAX'],
    [
      'hash of a broken event',
      'POST',
      '/api/v1/hash',
      { body: documentOf([{ ...objectEvent(), action: 'NEVER' }]) },
      400,
      'EV-SCHEMA',
      '/epcisBody/eventList/0/action',
    ],
    // Log
    ['proof of nothing', 'GET', '/api/v1/ledger/proof', {}, 400, 'REQ-FORM', '?event'],
    ['proof of an unknown event', 'GET', '/api/v1/ledger/proof?event=urn:uuid:none', {}, 404, 'NOT-FOUND', '?event'],
    ['proof of an entry to come', 'GET', '/api/v1/ledger/proof?event=999999', {}, 404, 'NOT-FOUND', '?event'],
    ['proof of a broken hash', 'GET', '/api/v1/ledger/proof?event=ni:///sha-256;zz', {}, 400, 'REQ-FORM'],
    ['consistency without from', 'GET', '/api/v1/ledger/consistency', {}, 400, 'REQ-FORM', '?from'],
    ['consistency backwards', 'GET', '/api/v1/ledger/consistency?from=2&to=1', {}, 400, 'REQ-FORM', '?from'],
    ['consistency beyond the log', 'GET', '/api/v1/ledger/consistency?from=1&to=999999', {}, 400, 'REQ-FORM', '?to'],
    ['a tile to come', 'GET', '/ledger/tile/0/999', {}, 404, 'NOT-FOUND'],
    ['a tile in another spelling', 'GET', '/ledger/tile/0/1', {}, 400, 'REQ-FORM'],
    ['a bundle to come', 'GET', '/ledger/tile/entries/000', {}, 404, 'NOT-FOUND'],
  ];

  describe('what a client does wrong', () => {
    it.each(CASES)('%s (%s %s): told what, where and how to mend it', async (_what, method, url, call, status, code, at) => {
      const answer = await server.call(method, url, call);
      expect(answer.statusCode, answer.body).toBe(status);
      const problem = problemOf(answer);
      expect(problem.code).toBe(code);
      if (at !== undefined) expect(problem.at).toBe(at);
      if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      if (status === 405) expect(answer.headers.allow).toBeTruthy();
    });

    it('is never a fault of this program', () => {
      expect(said).toEqual([]);
    });
  });

  describe('a document whose version is not the one its header tells (R-13)', () => {
    it('is refused with both versions', async () => {
      const answer = await server.call('POST', '/epcis/capture', {
        body: { ...good(), schemaVersion: '1.2' },
        headers: { 'gs1-epcis-version': '2.0' },
      });
      expect(answer.statusCode).toBe(400);
      expect(problemOf(answer).at).toBe('/schemaVersion');
    });
  });

  describe('a fault of this program', () => {
    it('is answered 500 without its words, under an id that the log has too (E-1)', async () => {
      const { readers } = server.service.deps;
      const look = vi.spyOn(readers, 'look').mockImplementation(() => Promise.reject(new Error('a secret path /srv/x')));
      try {
        const answer = await server.get('/ledger/checkpoint', { headers: { 'x-request-id': 'req-77' } });
        expect(answer.statusCode).toBe(500);
        const problem = problemOf(answer) as ReturnType<typeof problemOf> & { instance: string };
        expect(problem.type).toBe('epcisException:ImplementationException');
        expect(answer.body).not.toContain('secret');
        expect(problem.instance).toBe('urn:lotline:request:req-77');
        expect(said.some((line) => line.includes('req-77') && line.includes('secret'))).toBe(true);
      } finally {
        look.mockRestore();
      }
    });

    it('is answered 503 with Retry-After while the store refuses to write', async () => {
      const { capture } = server.service.deps as { capture: { healthy: boolean } };
      capture.healthy = false;
      try {
        const answer = await server.call('POST', '/epcis/capture', { body: good() });
        expect(answer.statusCode).toBe(503);
        expect(problemOf(answer).code).toBe('REQ-BUSY');
        expect(answer.headers['retry-after']).toBe('2');
        expect((await server.get('/health/ready', { key: null })).statusCode).toBe(503);
        expect((await server.get('/health/live', { key: null })).statusCode).toBe(200);
        expect((await server.get('/epcis/capture')).statusCode).toBe(200);
      } finally {
        capture.healthy = true;
      }
    });
  });

  describe('what is no well-formed HTTP', () => {
    const say = async (text: string): Promise<string> => {
      const { port } = server.service.app.server.address() as AddressInfo;
      return await new Promise((resolve, reject) => {
        let heard = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (chunk) => {
          heard += chunk;
        });
        socket.on('close', () => resolve(heard));
        socket.on('error', reject);
      });
    };
    beforeAll(() => server.service.app.listen({ host: '127.0.0.1', port: 0 }));

    it('gets a problem too', async () => {
      const heard = await say('HELLO\r\n\r\n');
      expect(heard).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(heard.slice(heard.indexOf('\r\n\r\n')))).toMatchObject({ code: 'REQ-FORM', status: 400 });
    });

    it('gets 414 for headers without end', async () => {
      const heard = await say(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(70_000)}\r\n\r\n`);
      expect(heard).toMatch(/^HTTP\/1\.1 414 /);
    });
  });
});
