import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { signatureOf, Webhooks } from './webhook.ts';

/** What names lead to, one answer after the other. */
const answers = vi.hoisted((): { address: string; family: number }[][] => []);
vi.mock('node:dns', () => ({
  lookup: (name: string, _options: unknown, done: (error: Error | null, addresses: unknown) => void) => {
    const found = answers.shift();
    if (found === undefined) done(new Error(`getaddrinfo ENOTFOUND ${name}`), []);
    else done(null, found);
  },
}));

const HERE = { address: '127.0.0.1', family: 4 };
const never = new AbortController().signal;

describe('a webhook', () => {
  let server: Server;
  let port = 0;
  const paths: string[] = [];
  let respond: (path: string) => { status: number; bytes?: number; hangs?: boolean; location?: string } | null = () => ({ status: 200 });
  beforeEach(async () => {
    answers.length = 0;
    paths.length = 0;
    respond = () => ({ status: 200 });
    server = createServer((request, response) => {
      paths.push(request.url as string);
      const answer = respond(request.url as string);
      if (answer === null) return;
      if (answer.status === 101)
        return void request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
      response.writeHead(answer.status, { ...(answer.location !== undefined && { location: answer.location }) });
      if (answer.hangs === true) response.write('.');
      else response.end(Buffer.alloc(answer.bytes ?? 0));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const post = async (dest: string, options: { allowPrivate?: boolean; deliveryMs?: number } = {}) => {
    const webhooks = new Webhooks({ allowPrivate: false, ...options });
    try {
      return await webhooks.post({ dest, headers: { 'x-a': 'b' }, body: Buffer.from('{}') }, never);
    } finally {
      webhooks.close();
    }
  };

  it.each([
    [[HERE]],
    [[{ address: '10.0.0.1', family: 4 }]],
    [[{ address: '::1', family: 6 }]],
    [[{ address: '::ffff:127.0.0.1', family: 6 }]],
    [[{ address: '8.8.8.8', family: 4 }, HERE]], // one that is public does not vouch for the others
  ])('does not connect to a name that leads to %j (S-10)', async (addresses) => {
    answers.push(addresses);
    await expect(post(`http://partner.example:${port}/`)).rejects.toThrow('partner.example leads to an address that is not public');
    expect(paths).toEqual([]);
  });

  it('looks a name up once, and connects to what was checked: it cannot lead elsewhere meanwhile (S-10)', async () => {
    answers.push([HERE], [{ address: '192.0.2.1', family: 4 }]);
    expect(await post(`http://partner.example:${port}/here`, { allowPrivate: true })).toBe(200);
    expect([paths, answers.length]).toEqual([['/here'], 1]);
  });

  it('checks again what a URL says before each delivery, for what is allowed may have changed (S-10)', async () => {
    await expect(post(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'SUB-DEST' });
    expect(paths).toEqual([]);
  });

  it('follows no redirect (S-10)', async () => {
    respond = (path) => (path === '/a' ? { status: 307, location: `http://127.0.0.1:${port}/b` } : { status: 200 });
    expect(await post(`http://127.0.0.1:${port}/a`, { allowPrivate: true })).toBe(307);
    expect(paths).toEqual(['/a']);
  });

  it('reads no more of an answer than it has to', async () => {
    respond = () => ({ status: 202, bytes: 50_000_000 });
    expect(await post(`http://127.0.0.1:${port}/`, { allowPrivate: true })).toBe(202);
  });

  it('takes the status of an answer for the answer, though its body never ends (S-8)', async () => {
    respond = () => ({ status: 200, hangs: true });
    expect(await post(`http://127.0.0.1:${port}/`, { allowPrivate: true, deliveryMs: 1_000 })).toBe(200);
  });

  it('has failed where the client switches protocols instead of answering (S-8)', async () => {
    respond = () => ({ status: 101 });
    await expect(post(`http://127.0.0.1:${port}/`, { allowPrivate: true })).rejects.toThrow('closed the connection without an answer');
  });

  it('waits for an answer as long as it may, and no longer', async () => {
    respond = () => null;
    await expect(post(`http://127.0.0.1:${port}/`, { allowPrivate: true, deliveryMs: 200 })).rejects.toThrow('no answer within 0.2 s');
  });

  it('tells why it could not connect', async () => {
    await expect(post('http://partner.example/')).rejects.toThrow('ENOTFOUND');
    await expect(post('http://127.0.0.1:1/', { allowPrivate: true })).rejects.toThrow('ECONNREFUSED');
  });

  it('is genuine by the check that clients are given, and nothing else is (S-9)', async () => {
    const docs = readFileSync(new URL('../../docs/subscriptions.md', import.meta.url), 'utf8');
    const [, code = ''] = /```js\n([\s\S]+?)```/.exec(docs) ?? [];
    const { isGenuine } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
      isGenuine: (header: string, body: Uint8Array, token: string, now?: number) => boolean;
    };
    const body = Buffer.from('{"a":"€"}');
    const now = Date.now();
    const header = signatureOf('token', body, Math.floor(now / 1000));
    expect(isGenuine(header, body, 'token')).toBe(true);
    expect(isGenuine(header, Buffer.from('{"a":"$"}'), 'token')).toBe(false);
    expect(isGenuine(header, body, 'another')).toBe(false);
    expect(isGenuine(header.replace('t=', 't=1'), body, 'token')).toBe(false);
    expect(isGenuine(header, body, 'token', now + 301_000)).toBe(false);
    expect(isGenuine('', body, 'token')).toBe(false);
  });

  it('is signed over the time and the body (S-9)', () => {
    // printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac token
    expect(signatureOf('token', Buffer.from('{"a":1}'), 1_767_225_600)).toBe(
      't=1767225600,v1=e2f3370879a6160df4df577b33d5a7e7206265905268656b5d64efd35660dbf0',
    );
  });
});
