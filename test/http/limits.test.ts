import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { problemOf, TestServer } from '../support/server.ts';

let server: TestServer;
const said: string[] = [];
beforeAll(async () => {
  server = await TestServer.start({}, (line) => said.push(line), { http: { headersMs: 300 } });
});
afterAll(() => server.close());

const MIB = 1024 * 1024;
const open = (bytes: number, what: '[' | '{"a":') => what.repeat(Math.floor(bytes / what.length));
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
/** A document, or a bare event, with this text as an extension of its event, or in its ilmd. */
const withText = (text: string, place: 'event' | 'ilmd', bare: boolean) => {
  const event = objectEvent();
  const marked =
    place === 'event' ? { ...event, 'ex:deep': 'HERE' } : { ...event, ilmd: { ...(event['ilmd'] as object), 'ex:deep': 'HERE' } };
  const whole = bare ? { '@context': documentOf([])['@context'], ...marked } : documentOf([marked]);
  return JSON.stringify(whole).replace('"HERE"', text);
};

describe('a text that nests without end', () => {
  const routes = ['/epcis/capture', '/epcis/events', '/api/v1/check', '/api/v1/hash'];

  it.each(routes.flatMap((route) => (['[', '{"a":'] as const).map((what) => [route, what] as const)))(
    'is refused by %s as what it is: a megabyte of %s',
    async (url, what) => {
      const bare = url !== '/epcis/capture';
      for (const body of [
        open(MIB, what),
        withText(open(MIB, what), 'event', bare),
        withText(open(MIB, what), 'ilmd', bare),
        withText(nested(100_000), 'event', bare),
      ]) {
        const answer = await server.call('POST', url, { body });
        expect(answer.statusCode, answer.body.slice(0, 300)).toBe(400);
        expect(problemOf(answer).code).toBe('EV-SYNTAX');
        expect(answer.body.length).toBeLessThan(2_000);
      }
    },
  );

  it.each(['/api/v1/keys', '/api/v1/findings/1'])('is refused by %s, which takes a small object', async (url) => {
    const method = url.endsWith('keys') ? 'POST' : 'PATCH';
    for (const body of [open(60_000, '['), open(60_000, '{"a":'), nested(30_000), `{"name":${nested(30_000)},"roles":["line"]}`]) {
      const answer = await server.call(method, url, { body });
      expect(answer.statusCode).toBe(400);
      expect(problemOf(answer).code).toMatch(/^(EV-SYNTAX|REQ-FORM)$/);
    }
    expect((await server.call(method, url, { body: open(MIB, '[') })).statusCode).toBe(413);
  });

  it('is refused in master data', async () => {
    for (const deep of [open(MIB - 200, '['), open(MIB - 200, '{"a":'), nested(400_000), nested(100)])
      for (const member of ['attribute', 'cbvmda:a']) {
        const body = `{"type":"Location","id":"urn:x:1","attributes":[{"id":"urn:x:a","${member}":${deep}}]}`;
        const answer = await server.call('POST', '/api/v1/masterdata', { body });
        expect(answer.statusCode, answer.body.slice(0, 300)).toBe(400);
        expect(problemOf(answer).code).toBe('EV-SYNTAX');
      }
  });

  it('may nest as deeply as the limit says', async () => {
    const answer = await server.call('POST', '/api/v1/hash', { body: withText(nested(60), 'event', true) });
    expect(answer.statusCode, answer.body).toBe(200);
  });
});

describe('a query of great length', () => {
  it.each([
    ['values that are none', `EQ_bizStep=${'a|'.repeat(16_000)}a`.slice(0, 32_000), 400],
    ['thousands of eventIDs', `EQ_eventID=${Array.from({ length: 3_000 }, (_, i) => `urn:x:${i}`).join('|')}`, 200],
    ['hundreds of things', `MATCH_anyEPC=${Array.from({ length: 700 }, (_, i) => encodeURIComponent(sgtin(i))).join('|')}`, 200],
    ['thousands of parameters', Array.from({ length: 3_000 }, (_, i) => `p${i}=1`).join('&'), 400],
    ['one parameter thousands of times', 'EQ_action=ADD&'.repeat(2_000), 400],
  ])('is answered or refused: %s', async (_what, query, status) => {
    const answer = await server.get(`/epcis/events?${query}`);
    expect(answer.statusCode, answer.body.slice(0, 300)).toBe(status);
    if (status === 400) expect(problemOf(answer).code).toBe('QRY-PARAM');
  });

  it('has pages of a thousand at most', async () => {
    for (const url of ['/epcis/events', '/epcis/capture', '/api/v1/findings'])
      expect((await server.get(`${url}?perPage=999999999`)).statusCode, url).toBe(200);
  });
});

describe('a client that takes its time', () => {
  it('over its headers is told so, and its socket closes', async () => {
    await server.service.app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((server.service.app.server.address() as AddressInfo).port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.write('GET /epcis HTTP/1.1\r\nhost: x\r\nx-slow: ');
    await new Promise((closed) => socket.once('close', closed));
    expect(heard).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(JSON.parse(heard.slice(heard.indexOf('\r\n\r\n')))).toMatchObject({ code: 'REQ-TIME', status: 408 });
  });
});

describe('a client that goes away', () => {
  it.each(['/epcis/capture', '/api/v1/keys', '/api/v1/masterdata'])('in the middle of a body for %s is nobody to answer', async (path) => {
    const socket = connect((server.service.app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.keys.admin}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    await vi.waitFor(() => expect(socket.bytesWritten).toBeGreaterThan(100));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(said).toEqual([]);
  });
});

describe('none of it', () => {
  it('is a fault of this program', () => {
    expect(said).toEqual([]);
  });
});
