import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fastify } from 'fastify';
import { expect, it, vi } from 'vitest';
import type { Readers } from '../query/readers.ts';
import type { ApiDeps } from './deps.ts';
import { genealogyRoutes } from './genealogy.ts';

/** Pages of a stream without end, and how many were asked for. */
async function listen() {
  const asked: (AbortSignal | undefined)[] = [];
  const page = { text: Buffer.alloc(1024 * 1024, 'x'), next: { part: 0, id: 1 } };
  const ask = async (_name: string, _args: unknown, wanted?: { signal?: AbortSignal }) => {
    asked.push(wanted?.signal);
    return page;
  };
  const app = fastify({ forceCloseConnections: true, ajv: { customOptions: { strict: false } } });
  await app.register(genealogyRoutes({ readers: { ask } as unknown as Readers } as ApiDeps));
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, asked, port: (app.server.address() as AddressInfo).port };
}

/** Waits until nothing more is asked for. */
async function still(asked: readonly unknown[]): Promise<number> {
  for (let before = -1; before !== asked.length; await wait(100)) before = asked.length;
  return asked.length;
}

it('a stream of packs reads on only as far as its client does, and stops when the client goes away', async () => {
  const { app, asked, port } = await listen();
  try {
    const client = connect(port, '127.0.0.1');
    client.write('GET /genealogy/scope/packs?of=01/09520123000110/10/L1 HTTP/1.1\r\nhost: x\r\n\r\n');
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(1));
    const unread = await still(asked);
    expect(unread).toBeLessThan(40); // what the sockets of both sides take in, and a page or two

    let read = 0;
    client.on('data', (chunk) => {
      read += chunk.length;
    });
    await vi.waitFor(() => expect(read).toBeGreaterThan(100 * 1024 * 1024), { timeout: 20_000 });
    expect(asked.length).toBeGreaterThan(100);

    client.destroy();
    await vi.waitFor(() => expect(asked[0]?.aborted).toBe(true));
    const last = await still(asked);
    await wait(200);
    expect(asked.length).toBe(last);
  } finally {
    await app.close();
  }
});
