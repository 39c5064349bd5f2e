import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Settings } from '../../src/settings.ts';
import { documentOf } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';
import { GTIN, LOT, NOW, ROWS, type Row } from './verification-table.ts';

const serialOf = (n: number) => `T${String(n).padStart(3, '0')}X`;

describe.each(ENGINES)('verification on %s (domain.md §8.5)', (engine) => {
  const servers = new Map<string, TestServer>();
  let clock = Date.parse(NOW);
  const settingsOf = ({ policy = [], zone = 'UTC', profile }: Row): Partial<Settings> => ({
    verifyPolicy: [...policy],
    verifyZone: zone,
    verifyProfile: profile ?? 'us',
  });
  const nameOf = (row: Row) => JSON.stringify(settingsOf(row));

  beforeAll(async () => {
    for (const row of ROWS)
      if (!servers.has(nameOf(row))) servers.set(nameOf(row), await TestServer.on(engine, settingsOf(row), undefined, () => clock));
    for (const [name, server] of servers) {
      const events = ROWS.flatMap((row, i) => (nameOf(row) === name ? row.events(serialOf(i)) : []));
      expect(await server.capture(documentOf(events))).toMatchObject({ success: true });
    }
  }, 60_000);
  afterAll(async () => {
    for (const server of servers.values()) await server.close();
  });

  it.each(ROWS.map((row, i) => [i + 1, row.situation, row] as const))('row %i: %s', async (n, _, row) => {
    const server = servers.get(nameOf(row)) as TestServer;
    const { ask = {}, expected } = row;
    clock = Date.parse(ask.now ?? NOW);
    const own = `P${serialOf(n - 1)}`;
    const serial = ask.serial === 'lower' ? own.toLowerCase() : ask.serial === 'C' ? `C${serialOf(n - 1)}` : (ask.serial ?? own);
    const lot = ask.lot === undefined ? LOT : ask.lot;
    const exp = ask.exp === undefined ? '280131' : ask.exp;
    const path = `/verify/gtin/${ask.gtin ?? GTIN}${lot === null ? '' : `/lot/${encodeURIComponent(lot)}`}/ser/${encodeURIComponent(serial)}`;
    // A caller of its own for each row: failures count.
    const { key } = await server.service.deps.keys.grant({ name: `row ${n}`, roles: [ask.key === 'line' ? 'line' : 'reader'] }, 'test');
    const query = new URLSearchParams({
      linkType: 'verificationService',
      context: 'dscsaSaleableReturn',
      ...(exp !== null && { exp }),
      ...(ask.reqGLN !== undefined && { reqGLN: ask.reqGLN }),
    });
    const answer = await server.get(`${path}?${query.toString()}`, {
      key: ask.key === 'none' ? null : key,
      headers: { 'gs1us-version': '1.3.0' },
    });
    if ('status' in expected) {
      expect(answer.statusCode).toBe(expected.status);
      problemOf(answer);
      return;
    }
    expect(answer.statusCode, answer.body).toBe(200);
    expect(answer.json()).toEqual({
      verificationTimestamp: new Date(clock).toISOString(),
      responderGLN: '9520123000011',
      data: {
        verified: expected.verified,
        ...(expected.reason !== undefined && { verificationFailureReason: expected.reason }),
        ...(expected.info !== undefined && { additionalInfo: expected.info }),
        ...(expected.hint !== undefined && { hint: expected.hint }),
      },
      corrUUID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });
});
