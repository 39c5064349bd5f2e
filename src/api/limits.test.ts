import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readBodiesAsBytes } from './bodies.ts';
import { API_LIMITS, type ApiLimits, keepWithinLimits, type Load } from './limits.ts';
import { answerProblem } from './problems.ts';

const MIB = 1024 * 1024;
let app: FastifyInstance;
let load: Load;
const sockets: Socket[] = [];
const said: string[] = [];
/** Answers of GET /held, until they are let go. */
let letGo: () => void = () => {};

afterEach(async () => {
  letGo();
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
  expect(said.splice(0)).toEqual([]);
});

/** The limits alone: routes that take a body, hold a request, and answer much. */
async function listen(more: Partial<ApiLimits> = {}, options: { bodyLimit?: number } = {}): Promise<void> {
  const limits = { ...API_LIMITS, ...more };
  app = fastify({ bodyLimit: MIB, return503OnClosing: false, forceCloseConnections: 'idle', ...options });
  load = keepWithinLimits(app, limits);
  readBodiesAsBytes(app, load, limits);
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, (line) => said.push(line)));
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  app.post('/body', async (request) => ({ bytes: (request.body as Buffer).length }));
  app.post('/held', async () => {
    await held;
    return { held: true };
  });
  app.get('/held', async () => {
    await held;
    return { held: true };
  });
  app.get('/large', async () => Buffer.alloc(20 * MIB));
  app.get('/health/live', async () => ({ status: 'live' }));
  await app.listen({ host: '127.0.0.1', port: 0 });
}

/** A client of bare bytes: what it sends, and when it reads, is in the hand of the test. */
class Client {
  heard = '';
  closed = false;
  readonly socket: Socket;

  constructor(options: { reads?: boolean } = {}) {
    this.socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(this.socket);
    if (options.reads !== false)
      this.socket.on('data', (chunk) => {
        this.heard += chunk.toString();
      });
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('error', () => {});
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** A POST of so many bytes, of which `sent` are there. */
  post(bytes: number, sent = bytes, path = '/body'): this {
    return this.send(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(sent)}`,
    );
  }

  get(path: string): this {
    return this.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  }

  /** The statuses of all answers that have come. */
  get statuses(): number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  async answered(...statuses: number[]): Promise<this> {
    await vi.waitFor(() => expect(this.statuses).toEqual(statuses), { timeout: 5_000, interval: 5 });
    return this;
  }
}

const holds = async (what: () => number, value: number) =>
  await vi.waitFor(() => expect(what()).toBe(value), { timeout: 5_000, interval: 5 });

describe('bodies that are being received', () => {
  it('have their place before they come: one that has none is answered 503 with Retry-After before any of it was sent', async () => {
    await listen({ bodyBytes: 20_000 });
    const first = new Client().post(15_000, 10);
    await holds(() => load.bodies.held, 15_000);
    const second = await new Client().post(10_000, 0).answered(503);
    expect(second.heard).toContain('retry-after: 2\r\n');
    expect(second.heard).toContain('"code":"REQ-BUSY"');
    await new Client().post(5_000).answered(200); // what fits is taken meanwhile
    await first.send('x'.repeat(14_990)).answered(200);
    await holds(() => load.bodies.held, 0);
    await new Client().post(10_000).answered(200);
    expect(load.refused).toBe(1);
  });

  it('take their place as they come when they do not tell their length', async () => {
    await listen({ bodyBytes: 20_000 });
    const chunked = 'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
    const chunk = `${(8_000).toString(16)}\r\n${'x'.repeat(8_000)}\r\n`;
    const first = new Client().send(chunked + chunk);
    await holds(() => load.bodies.held, 8_000);
    const second = await new Client().send(chunked + chunk + chunk).answered(503);
    await holds(() => load.bodies.held, 8_000);
    await first.send(`${chunk}0\r\n\r\n`).answered(200);
    expect(first.heard).toContain('{"bytes":16000}');
    // Who was refused goes on with the same connection, once it has sent the rest.
    await second.send('0\r\n\r\n').post(100).answered(503, 200);
  });

  it('may be as long as the limit says, and not one byte longer', async () => {
    await listen({}, { bodyLimit: 1_000 });
    await new Client().post(1_000).answered(200);
    expect((await new Client().post(1_001, 0).answered(413)).heard).toContain('"code":"REQ-LIMIT"');
    const chunked = (bytes: number) =>
      `POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;
    await new Client().send(chunked(1_000)).answered(200);
    await new Client().send(chunked(1_001)).answered(413);
    await holds(() => load.bodies.held, 0);
  });

  it('may be larger than all that is set aside, when nothing else is there', async () => {
    await listen({ bodyBytes: 10 });
    await new Client().post(1_000).answered(200);
  });

  it('give their place back when the client goes away amid them', async () => {
    await listen();
    const client = new Client().post(50_000, 100);
    await holds(() => load.bodies.held, 50_000);
    client.socket.destroy();
    await holds(() => load.bodies.held, 0);
    await holds(() => load.requests, 0);
  });

  it('keep their place as long as they are worked on, though the client has gone', async () => {
    await listen();
    const client = new Client().post(50_000, 50_000, '/held');
    await holds(() => load.requests, 1);
    client.socket.destroy();
    await holds(() => load.requests, 0);
    expect(load.bodies.held).toBe(50_000);
    letGo();
    await holds(() => load.bodies.held, 0);
  });

  it('are given up with 408 when they stand still', async () => {
    await listen({ bodyPauseMs: 100 });
    const client = await new Client().post(1_000, 100).answered(408);
    expect(client.heard).toContain('"code":"REQ-TIME"');
    await holds(() => load.bodies.held, 0);
  });
});

describe('requests in hand', () => {
  it('are bounded; those about health are answered all the same', async () => {
    await listen({ requests: 2 });
    const first = new Client().get('/held');
    new Client().get('/held');
    await holds(() => load.requests, 2);
    const third = await new Client().get('/held').answered(503);
    expect(third.heard).toContain('retry-after: 2\r\n');
    await new Client().get('/health/live').answered(200);
    letGo();
    await first.answered(200);
    await holds(() => load.requests, 0);
    await third.get('/held').answered(503, 200);
  });

  it('are no more than sockets', async () => {
    await listen({ connections: 2 });
    await new Client().get('/health/live').answered(200);
    await new Client().get('/health/live').answered(200);
    const third = new Client().get('/health/live');
    await vi.waitFor(() => expect(third.closed).toBe(true));
    expect(third.heard).toBe('');
  });
});

describe('large answers', () => {
  it('that clients do not fetch are bounded, and the next is told to come back', async () => {
    await listen({ answerBytes: 30 * MIB });
    const slow = new Client({ reads: false }).get('/large');
    await holds(() => load.answers.held, 20 * MIB);
    const next = await new Client().get('/large').answered(503);
    expect(next.heard).toContain('retry-after: 2\r\n');
    slow.socket.destroy();
    await holds(() => load.answers.held, 0);
    next.get('/large');
    await vi.waitFor(() => expect(next.heard.length).toBeGreaterThan(20 * MIB), { timeout: 5_000 });
  });
});

describe('when the service stops', () => {
  it('what is in hand is answered, what comes is told to come back, and the sockets close', async () => {
    await listen();
    const inHand = new Client().get('/held');
    const keptAlive = new Client().get('/held');
    await holds(() => load.requests, 2);
    const closed = app.close();
    await vi.waitFor(() => expect(load.stopping).toBe(true));
    inHand.get('/held');
    keptAlive.get('/health/live');
    letGo();
    await closed;
    await inHand.answered(200); // its connection ends behind the first answer
    await keptAlive.answered(200);
    expect(inHand.heard).toContain('connection: close');
    await vi.waitFor(() => expect(inHand.closed && keptAlive.closed).toBe(true));
  });

  it('nobody holds it up for longer than it may', async () => {
    await listen({ finishMs: 200 });
    const slow = new Client({ reads: false }).get('/large');
    const never = new Client().post(1_000, 10);
    await holds(() => load.requests, 2);
    await app.close();
    await vi.waitFor(() => expect(never.closed).toBe(true));
    slow.socket.resume();
    await vi.waitFor(() => expect(slow.closed).toBe(true));
  });
});
