import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/cli/serve.ts';
import { readSettings } from '../../src/settings.ts';
import { HAS_CHROMIUM, launchChromium } from '../support/chromium.ts';
import { documentOf, objectEvent } from '../support/epcis-documents.ts';

const KEY = 'browser-admin-key-0123456789';

/** Serves one empty page, under an origin of its own. */
async function servePage(): Promise<{ origin: string; close: () => void }> {
  const server: Server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>a page</title>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

// A page of another origin in a real browser, which asks for leave before it sends a key or a header of EPCIS.
describe.skipIf(!HAS_CHROMIUM)('a page of another origin', () => {
  let named: Awaited<ReturnType<typeof servePage>>;
  let stranger: Awaited<ReturnType<typeof servePage>>;
  let server: RunningServer;
  let folder: string;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    named = await servePage();
    stranger = await servePage();
    folder = mkdtempSync(join(tmpdir(), 'lotline-origin-'));
    server = await startServer(readSettings({ port: '0', data: folder, adminKey: KEY, corsOrigins: named.origin }, {}));
    browser = await launchChromium();
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    named.close();
    stranger.close();
    rmSync(folder, { recursive: true, force: true });
  });

  type Answer = { status: number; headers: Record<string, string>; text: string };
  /** What the page's own script reads of an answer; the headers are those that it is let see. */
  const ask = async (path: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> => {
    const request = { ...init, headers: { authorization: `Bearer ${KEY}`, ...init.headers } };
    return (await page.evaluate(
      `fetch(${JSON.stringify(server.url + path)}, ${JSON.stringify(request)}).then(async (answer) =>
        ({ status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() }))`,
    )) as Answer;
  };

  it('captures and asks with its key and the headers of EPCIS, and reads where to go on (R-15, R-22)', async () => {
    await page.goto(named.origin);
    const captured = await ask('/epcis/capture', {
      method: 'POST',
      headers: { 'content-type': 'application/ld+json', 'GS1-Capture-Error-Behaviour': 'proceed', 'GS1-EPCIS-Version': '2.0.0' },
      body: JSON.stringify(documentOf([objectEvent(), { ...objectEvent(), eventTime: '2026-03-01T09:00:00Z' }])),
    });
    expect(captured).toMatchObject({ status: 202, headers: { location: expect.stringMatching(/^\/epcis\/capture\//) } });
    await server.deps.capture.settled();
    const first = await ask('/epcis/events?perPage=1', { headers: { 'GS1-EPC-Format': 'Always_EPC_URN', 'GS1-EPCIS-Min': '2.0' } });
    expect(first.text).toContain('urn:epc:id:sgtin:9520123.000011.1');
    expect(first.headers).toMatchObject({ 'gs1-epcis-version': '2.0.0', 'gs1-next-page-token-expires': expect.any(String) });
    const next = /<(.+)>; rel="next"/.exec(first.headers['link'] ?? '')?.[1] as string;
    const last = await ask(next);
    expect([last.status, last.headers['link']]).toEqual([200, undefined]);
  });

  it('learns with OPTIONS what can be done, and reads why it is refused (R-12, R-15)', async () => {
    await page.goto(named.origin);
    const options = await ask('/epcis/capture', { method: 'OPTIONS' });
    expect(options).toMatchObject({ status: 204, headers: { allow: 'OPTIONS, POST, GET', 'gs1-epcis-capture-limit': expect.any(String) } });
    const refused = await ask('/epcis/events', { headers: { authorization: 'Bearer none' } });
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.any(String) } });
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'ACC-DENIED' });
    expect((await ask('/api/v1/keys/none', { method: 'DELETE' })).status).toBe(404);
  });

  it('that nobody has named is kept out by the browser (R-15)', async () => {
    await page.goto(stranger.origin);
    await expect(ask('/epcis')).rejects.toThrow('Failed to fetch');
  });
});
