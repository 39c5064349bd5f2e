import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Upstream } from './upstream.ts';

test('a large document on a slow link is not given up while it moves', { timeout: 30_000 }, async () => {
  const server = http.createServer((request, response) => {
    request.on('data', () => {
      request.pause();
      setTimeout(() => request.resume(), 10);
    });
    request.on('end', () => response.writeHead(202, { location: '/epcis/capture/c1' }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream = new Upstream({ url, key: 'k', stopping: new AbortController().signal, answerMs: 2_000 });
  try {
    const document = { body: Buffer.alloc(32 * 1024 * 1024, ' '), behaviour: 'rollback', captureID: 'c1', receipt: 'g' };
    expect(await upstream.capture(document)).toEqual({ captureID: 'c1' });
  } finally {
    upstream.close();
    server.close();
  }
});
