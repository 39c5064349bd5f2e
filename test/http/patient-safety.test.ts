import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHAIN_A, CHAIN_B, collect, documentOf, make } from '../support/chains.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const TOKEN = 'pager-secret-0123456789';
const mix = (n: number) =>
  documentOf([collect(n, 10 * n + 1, CHAIN_A), collect(n, 10 * n + 2, CHAIN_B), make(n + 5, [10 * n + 1, 10 * n + 2], [10 * n + 3])]);

type Page = { body: string; signature: string; key: string };

/** A pager that takes pages, or refuses them while it is told to. */
class TestPager {
  readonly pages: Page[] = [];
  refuses = 0;
  private readonly server: Server;
  private constructor(server: Server) {
    this.server = server;
  }
  static async open(): Promise<TestPager> {
    const server = createServer();
    const pager = new TestPager(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (pager.refuses > 0) {
          pager.refuses--;
          response.writeHead(503).end();
          return;
        }
        const { 'gs1-signature': signature = '', 'idempotency-key': key = '' } = request.headers;
        pager.pages.push({ body: Buffer.concat(chunks).toString(), signature: String(signature), key: String(key) });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return pager;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/pages`;
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function until<T>(what: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 15_000; ; ) {
    const value = await what();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`it did not come to pass: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.each(ENGINES)('findings about patient safety on %s', (engine) => {
  let server: TestServer;
  let pager: TestPager;
  beforeEach(async () => {
    pager = await TestPager.open();
    server = await TestServer.on(engine, { pagerUrl: pager.url, pagerToken: TOKEN, webhookAllowPrivate: true }, () => {});
  });
  afterEach(async () => {
    await server.close();
    await pager.close();
  });

  it('INV-03: page people at once, signed, again until the page is taken, and once', async () => {
    pager.refuses = 2;
    await server.capture(mix(1));
    const [page] = await until(
      () => pager.pages,
      ({ length }) => length > 0,
    );
    const { type, finding } = JSON.parse(page?.body ?? '');
    expect([type, finding.code, finding.severity]).toEqual(['patient-safety', 'COI-MIX', 'patient-safety']);
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(page?.signature ?? '') ?? [];
    expect(hex).toBe(
      createHmac('sha256', TOKEN)
        .update(`${seconds}.`)
        .update(page?.body ?? '')
        .digest('hex'),
    );
    await until(
      () => server.service.deps.readers.look('duePages', { limit: 5 }),
      ({ length }) => length === 0,
    );
    await server.capture(documentOf([collect(50, 99, CHAIN_A)]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(pager.pages).toHaveLength(1);
  });

  it('are paged after a restart when they were not taken before it', async () => {
    pager.refuses = 1_000_000;
    await server.capture(mix(1));
    await until(
      () => pager.refuses,
      (left) => left < 1_000_000,
    );
    const { place } = server;
    await server.stop();
    pager.refuses = 0;
    const again = await TestServer.start({ ...place, pagerUrl: pager.url, pagerToken: TOKEN, webhookAllowPrivate: true }, () => {});
    try {
      await until(
        () => pager.pages,
        ({ length }) => length === 1,
      );
    } finally {
      await again.stop();
    }
    server = await TestServer.start({ ...place }, () => {});
  });

  it('are not closed by hand, nor muted: FND-STAGE', async () => {
    await server.capture(mix(1));
    const { findings } = (await server.get('/api/v1/findings?code=COI-MIX')).json();
    const path = `/api/v1/findings/${findings[0].id}`;
    for (const body of [{ state: 'closed', note: 'was nothing' }, { stage: 'resolved' }, { stage: 'closed-as-suspect' }]) {
      const answer = await server.call('PATCH', path, { body });
      expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'FND-STAGE']);
    }
    expect(
      (await server.call('PATCH', path, { body: { message: 'both coordinators were called', owner: 'quality desk' } })).statusCode,
    ).toBe(200);
    expect((await server.get(path)).json().state).toBe('open');
  });

  it('are streamed as they are made, and what was missed after Last-Event-ID', async () => {
    const url = await server.service.app.listen({ port: 0, host: '127.0.0.1' });
    const open = async (headers: Record<string, string> = {}) => {
      const stop = new AbortController();
      const response = await fetch(`${url}/api/v1/findings/stream`, {
        headers: { authorization: `Bearer ${server.keys.reader}`, ...headers },
        signal: stop.signal,
      });
      let text = '';
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
      })().catch(() => {});
      const ids = () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      const close = async () => {
        stop.abort();
        await reading;
      };
      return { response, ids, text: () => text, close };
    };
    const stream = await open();
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    await server.capture(mix(1));
    const [first] = await until(stream.ids, ({ length }) => length === 1);
    expect(stream.text()).toContain('"code":"COI-MIX"');
    await stream.close();
    await server.capture(mix(2));
    const later = await open({ 'last-event-id': String(first) });
    const missed = await until(later.ids, ({ length }) => length === 1);
    expect(missed[0]).toBeGreaterThan(first as number);
    await later.close();
    const wrong = await open({ 'last-event-id': 'x' });
    expect(wrong.response.status).toBe(400);
    expect((await fetch(`${url}/api/v1/findings/stream`)).status).toBe(401);
    // What is open does not hold up the stop.
    await open();
  });
});
