import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/cli/serve.ts';
import { readSettings } from '../../src/settings.ts';
import { bag, CHAIN_A, CHAIN_B, collect, documentOf, make, START, sample } from '../support/chains.ts';
import { HAS_CHROMIUM, launchChromium } from '../support/chromium.ts';

const KEY = 'browser-admin-key-0123456789';
const SITE = '414/9520123000035';

describe.skipIf(!HAS_CHROMIUM)('the page of a chain', () => {
  let server: RunningServer;
  let folder: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];
  let asked: { path: string; purpose: string | undefined }[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lotline-browser-'));
    server = await startServer(readSettings({ port: '0', data: folder, adminKey: KEY }, {}));
    const { capture } = server.deps;
    const order = {
      orderId: 'or_a',
      coiId: CHAIN_A,
      patientRef: 'pr_a',
      product: 'cells',
      template: { id: 'autologous-car-t', version: 1 },
      treatmentSite: SITE,
      collectionSite: SITE,
      manufacturer: SITE,
    };
    await capture.record({ kind: 'identity-act', id: 'or_a', act: 'order', body: order, time: START - 3_600_000, signatures: [] }, 'test');
    const events = [collect(0, 1, CHAIN_A), collect(1, 2, CHAIN_B), make(10, [1], [3]), sample(20, 3, 5), make(30, [3, 2], [4])];
    await capture.accept({ body: Buffer.from(JSON.stringify(documentOf(events))), actor: 'test', behaviour: 'rollback' });
    await capture.settled();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    faults = [];
    asked = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, timezoneId: 'UTC' });
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('the server responded with a status')) faults.push(message.text());
    });
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/api/v1/identity')) asked.push({ path: pathname, purpose: request.headers()['x-purpose'] });
    });
    await page.goto(server.url);
    await page.fill('#key', KEY);
    await page.click('text=Go on');
    await page.waitForSelector('#of:visible');
  });
  afterEach(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });

  const openChain = async () => {
    await page.fill('#of', CHAIN_A.toLowerCase());
    await page.press('#of', 'Enter');
    await page.waitForSelector('#purpose');
  };

  it('INV-29: asks nothing before a purpose is chosen, and then names it', async () => {
    await openChain();
    expect(asked).toEqual([]);
    await page.selectOption('#purpose', 'quality');
    await page.waitForSelector('.timeline li');
    expect(asked).toEqual([{ path: `/api/v1/identity/chains/${CHAIN_A}`, purpose: 'quality' }]);
  });

  it('shows the timeline with findings and holds, and each entry leads to what was stored and to its proof', async () => {
    await openChain();
    await page.selectOption('#purpose', 'quality');
    await page.waitForSelector('.timeline li');
    if (process.env['LOTLINE_SCREENSHOTS'] !== undefined)
      await page.screenshot({ path: join(process.env['LOTLINE_SCREENSHOTS'], 'chain.png'), fullPage: true });
    expect(await page.locator('.timeline li[data-kind=event]').count()).toBe(4);
    expect(await page.locator('.timeline li[data-kind=finding] strong').allTextContents()).toContain('COI-MIX');
    expect(await page.locator('.tag.bad', { hasText: 'held' }).count()).toBeGreaterThan(0);
    const mixed = page.locator('.timeline li[data-kind=event]').last();
    await mixed.getByRole('button', { name: 'Event' }).click();
    expect(await mixed.locator('pre.json').textContent()).toContain(bag(4));
    const act = page.locator('.timeline li[data-kind=order]');
    await act.getByRole('button', { name: 'Record' }).click();
    await expect.poll(async () => await act.locator('pre.json').textContent()).toContain('or_a');
    await act.getByRole('button', { name: 'Verify proof' }).click();
    await act.locator('.proof.good').waitFor();
  });

  it('shows orders by state', async () => {
    await page.route('**/api/v1/identity/orders?*', async (route) => {
      const late = new Date(Date.now() - 60_000).toISOString();
      const order = {
        orderId: 'or_a',
        coiId: CHAIN_A,
        product: 'cells',
        nextCheckpoint: 'collection',
        tasks: [{ task: 'collect', due: late }],
      };
      await route.fulfill({
        json: {
          orders: [
            { ...order, state: 'scheduled' },
            { ...order, coiId: CHAIN_B, state: 'manufacturing', tasks: [] },
          ],
        },
      });
    });
    await page.click('text=Orders');
    await page.selectOption('#purpose', 'manufacture');
    await page.waitForSelector('.lane');
    if (process.env['LOTLINE_SCREENSHOTS'] !== undefined)
      await page.screenshot({ path: join(process.env['LOTLINE_SCREENSHOTS'], 'orders.png') });
    expect(await page.locator('.lane h2').allTextContents()).toEqual(['scheduled 1', 'manufacturing 1']);
    expect(await page.locator('.order li.bad').count()).toBe(1);
    await page.click(`.order >> text=${CHAIN_A}`);
    await page.waitForSelector('.timeline li');
  });
});
