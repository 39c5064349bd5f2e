import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Problem } from '../../src/errors.ts';
import { documentOf, observe, packOf } from '../support/events.ts';
import { eventsOf } from '../support/receiver.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

/** A client that keeps what it is told. */
class Client {
  readonly messages: string[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  headers: IncomingMessage['headers'] = {};
  private watcher: () => void = () => {};

  constructor(url: string, options: { key?: string; protocols?: string[]; headers?: Record<string, string> } = {}) {
    const { key, protocols = [], headers = {} } = options;
    this.socket = new WebSocket(url, protocols, { headers: { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...headers } });
    this.socket.on('upgrade', (answer) => {
      this.headers = answer.headers;
    });
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(data.toString('utf8'));
      this.watcher();
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
    });
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  /** What the server says instead of upgrading. */
  async refused(): Promise<{ status: number; problem: Problem }> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      this.socket.once('unexpected-response', (_request, response: IncomingMessage) => resolve(response));
      this.socket.once('open', () => reject(new Error('it was upgraded')));
      this.socket.once('error', reject);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode as number, problem: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Problem };
  }

  get seen(): number[] {
    return this.messages.flatMap(eventsOf).map(({ epcList }) => Number(/\d+$/.exec(epcList?.[0] ?? '')?.[0]));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds())
      await new Promise<void>((resolve) => {
        this.watcher = resolve;
      });
  }
}

describe.each(ENGINES)('subscriptions over WebSocket on %s (S-11)', (engine) => {
  let server: TestServer;
  let base = '';
  let clients: Client[] = [];
  let dialled: Socket[] = [];
  let minute = 0;

  beforeAll(async () => {
    server = await TestServer.on(engine);
    base = (await server.service.app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
    await server.call('POST', '/epcis/queries', { body: { name: 'all of it', query: { EQ_bizStep: ['inspecting'] } } });
  });
  afterAll(() => server.close());
  afterEach(() => {
    for (const { socket } of clients) socket.terminate();
    clients = [];
    for (const socket of dialled) socket.destroy();
    dialled = [];
  });
  const dial = (options: { allowHalfOpen?: boolean } = {}) => {
    const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1', ...options });
    dialled.push(socket);
    return socket;
  };

  const open = (search: string, options: ConstructorParameters<typeof Client>[1] = { key: server.keys.reader }, name = 'all of it') => {
    const client = new Client(`${base}/epcis/queries/${encodeURIComponent(name)}/events${search}`, options);
    clients.push(client);
    return client;
  };
  const see = async (...numbers: number[]) => {
    const events = numbers.map((number) => observe(minute++, packOf(number), { step: 'inspecting' }));
    expect((await server.capture(documentOf(events))).success).toBe(true);
  };

  it('stream what is captured, to each socket all of it, in order', async () => {
    await see(1);
    const before = Date.now();
    const [one, other] = [await open('?stream=true').opened(), await open('?stream=true').opened()];
    expect(Date.parse(String(one.headers['gs1-query-min-record-time']))).toBeLessThanOrEqual(before);
    await see(2, 3);
    await see(4);
    for (const client of [one, other]) {
      await client.until(() => client.seen.length >= 3);
      expect(client.seen).toEqual([2, 3, 4]);
    }
    const document = JSON.parse(one.messages[0] as string) as {
      type: string;
      epcisBody: { queryResults: { queryName: string; subscriptionID: string } };
    };
    expect([document.type, document.epcisBody.queryResults.queryName]).toEqual(['EPCISQueryDocument', 'all of it']);
    expect((await server.get('/metrics')).body).toMatch(/^lotline_sockets 2$/m);
    expect((await server.get('/epcis/queries/all%20of%20it/subscriptions')).json()).toEqual([]); // they are kept nowhere
  });

  it('report at the times of a schedule, from initialRecordTime on, and empty runs where that is wanted', async () => {
    const client = await open('?second=%5B0-59%5D&initialRecordTime=2000-01-01T00%3A00%3A00Z&reportIfEmpty=true').opened();
    expect(client.headers['gs1-query-min-record-time']).toBe('2000-01-01T00:00:00Z');
    await client.until(() => client.messages.some((message) => eventsOf(message).length === 0));
    const all = (await server.get('/epcis/queries/all%20of%20it/events?perPage=1000')).json().epcisBody.queryResults.resultsBody
      .eventList as unknown[];
    expect(client.seen).toHaveLength(all.length);
  });

  it('give identifiers in the form that the upgrade asks for (V-9)', async () => {
    const client = await open('?stream=true', { key: server.keys.reader, headers: { 'GS1-EPC-Format': 'Always_EPC_URN' } }).opened();
    await see(10);
    await client.until(() => client.seen.length > 0);
    expect(eventsOf(client.messages[0] as string)[0]?.epcList).toEqual([packOf(10)]);
  });

  it('take the key of a browser as a protocol that it offers', async () => {
    const client = await open('?stream=true', { protocols: ['epcis', `bearer.${server.keys.reader}`] }).opened();
    expect(client.socket.protocol).toBe('epcis');
    await see(11);
    await client.until(() => client.seen.length > 0);
    expect((await open('?stream=true', { protocols: ['epcis', 'bearer.lk_wrong'] }).refused()).status).toBe(401);
  });

  it.each([
    ['', 400, 'SUB-CONTROLS', '?stream'],
    ['?stream=true&hour=1', 400, 'SUB-CONTROLS', '?stream'],
    ['?stream=false', 400, 'SUB-CONTROLS', '?stream'],
    ['?stream=1', 400, 'SUB-CONTROLS', '?stream'],
    ['?hour=25', 400, 'SUB-CONTROLS', '?hour'],
    ['?stream=true&reportIfEmpty=yes', 400, 'SUB-CONTROLS', '?reportIfEmpty'],
    ['?stream=true&initialRecordTime=yesterday', 400, 'SUB-CONTROLS', '?initialRecordTime'],
    ['?stream=true&EQ_action=ADD', 400, 'QRY-PARAM', '?EQ_action'],
    ['?stream=true&stream=true', 400, 'QRY-PARAM', '?stream'],
  ])('are refused before the upgrade: %j (S-11)', async (search, status, code, at) => {
    const refused = await open(search).refused();
    expect([refused.status, refused.problem.code, refused.problem.at]).toEqual([status, code, at]);
  });

  it('are refused without a key, with one that may not read, and to a query that there is not', async () => {
    expect((await open('?stream=true', {}).refused()).status).toBe(401);
    expect((await open('?stream=true', { key: server.keys.line }).refused()).status).toBe(403);
    expect((await open('?stream=true', undefined, 'none').refused()).problem).toMatchObject({ status: 404, code: 'QRY-NAME' });
  });

  it('leave other routes as they are when they are asked to upgrade', async () => {
    const client = new Client(`${base}/health/live`);
    clients.push(client);
    expect(await client.refused()).toEqual({ status: 200, problem: { status: 'live' } });
  });

  it('are not meant where a client wishes for another protocol: its request is answered, with its body, as any other', async () => {
    const body = JSON.stringify(documentOf([observe(minute++, packOf(30), { step: 'inspecting' })]));
    const wish = (first: string, more: string, end = '') =>
      `${first} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nAuthorization: Bearer ${server.keys.admin}\r\n${more}\r\n${end}`;
    const socket = dial();
    const answered = async () => String((await once(socket, 'data'))[0]);
    socket.write(wish('POST /epcis/capture', `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`, body.slice(0, 50)));
    setTimeout(() => socket.write(body.slice(50)), 50);
    expect(await answered()).toMatch(/^HTTP\/1\.1 202 /);
    await server.service.deps.capture.settled();
    socket.write(wish('GET /epcis/queries/all%20of%20it/events?perPage=1', ''));
    expect(await answered()).toMatch(/^HTTP\/1\.1 200 /); // on the same connection
    const found = await server.get(`/epcis/events?MATCH_epc=${encodeURIComponent(packOf(30))}`);
    expect(found.json().epcisBody.queryResults.resultsBody.eventList).toHaveLength(1);
  });

  it('cannot be asked for while the request before is being answered: the connection ends, and the service goes on', async () => {
    const socket = dial();
    const head = `Host: x\r\nAuthorization: Bearer ${server.keys.admin}\r\n`;
    socket.on('error', () => {});
    socket.write(
      `GET /epcis/events HTTP/1.1\r\n${head}\r\nGET /epcis/events HTTP/1.1\r\n${head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await once(socket, 'close');
    expect((await server.get('/health/live')).statusCode).toBe(200);
  });

  it('that are refused are no request in hand any more, though their client stays', async () => {
    const socket = dial({ allowHalfOpen: true });
    socket.write(
      'GET /epcis/queries/none/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 401 /);
    while (!/^lotline_waiting\{for="answer"\} [01]$/m.test((await server.get('/metrics')).body))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('close when their query is deleted, and no others (S-12)', async () => {
    await server.call('POST', '/epcis/queries', { body: { name: 'short', query: {} } });
    const [gone, stays] = [await open('?stream=true', undefined, 'short').opened(), await open('?stream=true').opened()];
    expect((await server.call('DELETE', '/epcis/queries/short')).statusCode).toBe(204);
    expect(await gone.closed).toEqual({ code: 1000, reason: 'the query was deleted' });
    await see(20);
    await stays.until(() => stays.seen.length > 0);
    expect(stays.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('close when the key of their client is ended, before anything more is told', async () => {
    const { id, key } = await server.service.deps.keys.grant({ name: 'a partner', roles: ['reader'] }, 'test');
    const client = await open('?stream=true', { key }).opened();
    await server.call('DELETE', `/api/v1/keys/${id}`);
    await see(21);
    expect((await client.closed).code).toBe(1008);
    expect(client.messages).toEqual([]);
  });

  it('close when a client says more than it has to', async () => {
    const client = await open('?stream=true').opened();
    client.socket.send('x'.repeat(2_000));
    expect((await client.closed).code).toBe(1009);
  });

  it('count as no request in hand, and go when their client goes', async () => {
    const client = await open('?stream=true').opened();
    expect((await server.get('/metrics')).body).toMatch(/^lotline_waiting\{for="answer"\} [01]$/m);
    client.socket.close();
    await client.closed;
    while (!/^lotline_sockets 0$/m.test((await server.get('/metrics')).body)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describe('sockets of a service', () => {
  it('close when it stops, and hold it up no longer than their clients say goodbye', async () => {
    const server = await TestServer.start();
    const base = (await server.service.app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
    await server.call('POST', '/epcis/queries', { body: { name: 'q', query: {} } });
    const client = await new Client(`${base}/epcis/queries/q/events?stream=true`, { key: server.keys.reader }).opened();
    // One that never answers a goodbye.
    const silent = connect(Number(new URL(base).port), '127.0.0.1');
    silent.write(
      `GET /epcis/queries/q/events?stream=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nAuthorization: Bearer ${server.keys.reader}\r\n\r\n`,
    );
    await once(silent, 'data');
    await server.close();
    expect(await client.closed).toEqual({ code: 1001, reason: 'the service is stopping' });
    if (!silent.destroyed) await once(silent, 'close');
  });
});
