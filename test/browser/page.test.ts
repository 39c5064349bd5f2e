import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/cli/serve.ts';
import { readSettings } from '../../src/settings.ts';
import { e01, e01Key } from '../../src/worlds/index.ts';
import { HAS_CHROMIUM, launchChromium } from '../support/chromium.ts';

const KEY = 'browser-admin-key-0123456789';

// Scenario E-01 (domain.md §20, design.md §7), in a real browser against a real server.
describe.skipIf(!HAS_CHROMIUM)('the page', () => {
  const key = e01Key();
  let server: RunningServer;
  let folder: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lotline-browser-'));
    server = await startServer(readSettings({ port: '0', data: folder, adminKey: KEY }, {}));
    for (const { text } of e01()) await server.deps.capture.accept({ body: Buffer.from(text), actor: 'test', behaviour: 'rollback' });
    await server.deps.capture.settled();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    faults = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC' });
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('the server responded with a status')) faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:'))
        faults.push(`asked another origin: ${request.url()}`);
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

  /** Types into the search box, as a scanner does. */
  const find = async (text: string) => {
    await page.fill('#of', text);
    await page.press('#of', 'Enter');
  };
  const open = async (view: string, of: string, more = '') => {
    await page.goto(`${server.url}/#/${view}?of=${encodeURIComponent(of)}${more}`);
  };

  it('keeps the key in the tab and out of every address', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await find(key.lots.R1);
    await page.waitForSelector('.timeline');
    expect(asked.length).toBeGreaterThan(1);
    expect([page.url(), ...asked].filter((url) => url.includes(KEY))).toEqual([]);
    const elsewhere = await context.newPage();
    await elsewhere.goto(server.url);
    expect(await elsewhere.locator('#key').isVisible()).toBe(true);
  });

  it('says what is wrong with a key that is not known', async () => {
    await page.click('text=Forget key');
    await page.fill('#key', 'no-such-key-at-all');
    await page.click('text=Go on');
    expect(await page.textContent('.problem')).toContain('ACC-DENIED');
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it.each([
    ['canonical key', (gtin: string, serial: string) => `01/${gtin}/21/${serial}`],
    ['Digital Link of any domain', (gtin: string, serial: string) => `https://example.com/01/${gtin}/21/${serial}`],
    ['bracketed element string', (gtin: string, serial: string) => `(01)${gtin}(21)${serial}`],
  ])('finds a sealed pack by its %s and says that it is inferred, and inside of what', async (_, spell) => {
    const [, gtin, , serial] = key.oneSealedPack.split('/') as [string, string, string, string];
    await find(spell(gtin, serial));
    await page.waitForSelector('.now .inferred');
    expect(await page.textContent('.now .status')).toBe('Received');
    await page.waitForSelector(`.facts a:has-text("${key.pallets[0]}")`);
    expect(await page.locator('.facts .key').count()).toBe(2); // the case, and the pallet that it is in
  });

  it('tells the history of a pack: its own, its containers’ while it was inside, and what it was made from', async () => {
    await open('thing', key.onePackAtPharmacy);
    await page.waitForSelector('.timeline');
    for (const why of ['own', 'inside', 'lineage']) expect(await page.locator(`.timeline > .why-${why}`).count()).toBeGreaterThan(1);
    const all = await page.locator('.timeline > li').count();
    const lineage = await page.locator('.timeline > .why-lineage').count();
    await page.locator('.timeline > .why-own button:has-text("Event")').first().click();
    await page.waitForSelector('pre.json:has-text("commissioning")');
    await page.click('.legend .why-lineage input');
    expect(await page.locator('.timeline > li').count()).toBe(all - lineage);
  });

  describe('proofs', () => {
    const verify = async () => {
      await open('thing', key.onePackAtPharmacy);
      await page.locator('.timeline button:has-text("Verify proof")').first().click();
      await page.waitForSelector('.proof');
      return (await page.textContent('.proof')) as string;
    };

    it('verifies in the browser, and that the log continues the one seen before', async () => {
      expect(await verify()).toMatch(/Verified in this browser.*had not seen the log before/s);
      await server.deps.keys.grant({ name: 'one more entry', roles: ['reader'] }, 'test');
      await page.reload();
      expect(await verify()).toMatch(/Verified in this browser.*continues the one of/s);
    });

    it('does not verify an entry that was changed on the way', async () => {
      await page.route('**/api/v1/ledger/proof?**', async (route) => {
        const response = await route.fetch();
        const proof = (await response.json()) as { leaf: string };
        await route.fulfill({ response, json: { ...proof, leaf: proof.leaf.replace('"kind":"event"', '"kind":"evenT"') } });
      });
      expect(await verify()).toMatch(/NOT verified.*do not lead from this entry/s);
    });

    it('notices a log that does not continue the one seen before', async () => {
      await verify();
      await page.evaluate(
        `localStorage.setItem('lotline.log', JSON.stringify({ ...JSON.parse(localStorage.getItem('lotline.log')), root: 'ab'.repeat(32) }))`,
      );
      await page.reload();
      expect(await verify()).toMatch(/NOT verified.*does NOT continue/s);
    });

    it('notices a log that has fewer entries than the one seen before', async () => {
      await verify();
      await page.evaluate(
        `localStorage.setItem('lotline.log', JSON.stringify({ ...JSON.parse(localStorage.getItem('lotline.log')), size: 1000000 }))`,
      );
      await page.reload();
      expect(await verify()).toMatch(/NOT verified.*does NOT hold the 1,000,000 entries any more/s);
    });
  });

  it('draws what a raw lot became from left to right, with the same as a sortable table', async () => {
    await open('used', key.lots.R1);
    await page.waitForSelector('.genealogy');
    const columnOf = async (lot: string) => {
      const box = await page.locator(`.box[data-id="${lot}"]`).boundingBox();
      return (box as { x: number }).x;
    };
    const { R1, B1, C1, C2, K1, L1 } = key.lots;
    const places = await Promise.all([R1, B1, C1, K1, L1].map(columnOf));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(await columnOf(C1)).toBe(await columnOf(C2));
    expect(await page.textContent(`.box[data-id="${L1}"]`)).toContain('4,020 packs');

    expect(await page.locator('tbody tr').count()).toBe(6);
    await page.click('th:has-text("Packs") button');
    expect(await page.textContent('tbody tr:first-child')).toContain(L1);
    await page.click('th:has-text("Steps") button');
    await page.click('th:has-text("Steps") button');
    expect(await page.textContent('tbody tr:first-child')).toContain(R1);

    await page.locator(`.box[data-id="${B1}"]`).press('Enter');
    expect(await page.textContent('.detail h3')).toContain('B1');
    expect(await page.locator('.detail button:has-text("Verify proof")').count()).toBe(2); // made by one event, used by another
  });

  it('counts the packs of a raw lot, observed and inferred apart, and hands out every serial', async () => {
    await open('scope', key.lots.R1);
    await page.waitForSelector('.figures');
    const figures = await page.locator('.figure strong').allTextContents();
    expect(figures.slice(0, 3)).toEqual(['4,020', '260', '3,760']);
    const wholesaler = page.locator('.bars li:has-text("3,600 inferred")');
    expect(await wholesaler.textContent()).toMatch(/Wholesaler W.*3,740.*140 observed/s);

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download all 4,020 serials')]);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/);
    expect(lines).toHaveLength(4021);
    expect(new Set(lines).size).toBe(4021);
  });

  it('answers as of another time, and says so', async () => {
    await open('thing', key.onePackAtPharmacy, '&at=2026-03-10T00:00:00.000Z');
    await page.waitForSelector('.times.set');
    await page.waitForSelector('.timeline');
    expect(await page.textContent('.now .status')).toBe('Commissioned');
    await page.click('text=Back to now');
    await page.waitForSelector('.now .status:has-text("Received")');
  });

  it('shows code and remedy of a problem, once', async () => {
    await find('01/09520123000111/21/X');
    await page.waitForSelector('.problem');
    expect(await page.locator('.problem').count()).toBe(1);
    expect(await page.textContent('.problem')).toMatch(/check digit should be 0.*Correct.*ID-CHECK/s);
  });

  it('goes from the findings to a thing that they name', async () => {
    const twice = `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-02T12:00:00Z","epcisBody":{"eventList":[{"type":"ObjectEvent","eventTime":"2026-04-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"shipping","epcList":["https://id.gs1.org/01/09520123000110/21/NEVERMADE"]}]}}`;
    await server.deps.capture.accept({ body: Buffer.from(twice), actor: 'test', behaviour: 'rollback' });
    await server.deps.capture.settled();
    await page.click('text=Findings');
    await page.waitForSelector('tbody tr');
    const line = page.locator('tbody tr:has-text("NEVERMADE")');
    expect(await line.textContent()).toMatch(/warning.*SN-UNKNOWN/s);
    await line.locator('a').first().click();
    await page.waitForSelector('.now .flags:has-text("SN-UNKNOWN")');
  });
});
