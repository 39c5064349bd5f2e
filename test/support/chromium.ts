import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';

const CHROMIUM = process.env['LOTLINE_CHROMIUM'] ?? '/usr/bin/chromium';
const chromium = existsSync(CHROMIUM) ? (await import('playwright-core').catch(() => null))?.chromium : undefined;
if (chromium === undefined) console.warn(`No browser is tried: there is no ${CHROMIUM} (LOTLINE_CHROMIUM), or no playwright-core.`);

export const HAS_CHROMIUM = chromium !== undefined;

/** A real browser; for tests that are skipped without one. */
export async function launchChromium(): Promise<Browser> {
  if (chromium === undefined) throw new Error('there is no Chromium');
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
  });
}
