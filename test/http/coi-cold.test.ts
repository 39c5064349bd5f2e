import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainReport } from '../../src/query/chain-report.ts';
import { verifyReport } from '../../src/query/verify-report.ts';
import { Coi, EVENT, giaiOf, type Person, PURPOSE, type Therapy, type Who } from '../support/coi.ts';
import type { Json } from '../support/events.ts';
import { ENGINES } from '../support/test-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const iso = (ms: number) => new Date(ms).toISOString();

describe.each(ENGINES)('temperatures of cell shipments on %s', (engine) => {
  let coi: Coi;
  /** All of it happened in the last two days, since what is to come is not believed. */
  let start: number;
  beforeAll(async () => {
    coi = await Coi.on(engine);
    start = Date.now() - 48 * HOUR;
    await coi.post('/identity/products', {
      product: 'CELLS-COLD',
      shelfLife: 365,
      postThawMinutes: 60,
      transport: [
        { stage: 'pack', low: 2, high: 8, minutesOut: 60 },
        { stage: 'ship', low: -196, high: -150, minutesOut: 0, hold: { qualifiedHours: 20, safety: 0.8, plannedHours: 8 } },
      ],
    });
  });
  afterAll(async () => await coi.close());

  const at = (minutes: number) => start + minutes * MINUTE;
  const points = (from: number, to: number, celsius: number, every = 10): [number, number][] =>
    Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => [at(from + i * every), celsius]);
  const told = (thing: string, values: readonly [number, number][], more: Json[] = []): Json =>
    coi.event(
      'ObjectEvent',
      {
        action: 'OBSERVE',
        bizStep: 'sensor_reporting',
        epcList: [thing],
        sensorElementList: [
          { sensorReport: [...values.map(([ms, value]) => ({ type: 'Temperature', time: iso(ms), value, uom: 'CEL' })), ...more] },
        ],
      },
      {},
      values.at(-1)?.[0] ?? Date.now(),
    );
  /** Ordered, approved, and collected into two bags. */
  async function collected(): Promise<Therapy> {
    const t = await coi.therapy({ product: 'CELLS-COLD' });
    await coi.walk(t, { until: 'enrol' });
    await coi.capture(EVENT.collection(coi, t, { at: at(-30) }), EVENT.split(coi, t, { at: at(-20) }));
    return t;
  }
  const packed = (t: Therapy, minutes: number) => EVENT.packIn(coi, t, { at: at(minutes) });
  const bound = (t: Therapy, minutes: number, logger = t.loggerIn) =>
    EVENT.loggerIn(coi, t, { at: at(minutes), members: { childEPCs: [logger] } });
  const codes = async (t: Therapy) =>
    [...new Set((await coi.chain(t)).findings.map(({ code }) => code as string))].filter((code) => code.startsWith('SENS-')).sort();
  const held = async (thing: string) => ((await coi.container(thing))['holds'] as Json[]).flatMap(({ codes: of }) => of);
  const temperature = async (thing: string) => await coi.get<Json>(`/identity/shipments/${encodeURIComponent(thing)}/temperature`);
  /** Once a checkpoint commits to all of it. */
  async function signedReport({ coiId }: Therapy): Promise<ChainReport> {
    for (;;) {
      const report = await coi.get<ChainReport>(`/identity/chains/${coiId}/report`);
      if (report.unsigned.length === 0) return report;
      await setTimeout(100);
    }
  }
  async function verdict(t: string, word: 'accept' | 'reject', who: Who | Person = 'reviewer'): Promise<Json> {
    const signatures = await coi.sign([who, 'resolved', 'within the stability budget']);
    return await coi.post('/identity/excursions', { shipment: t, verdict: word, reason: 'within the stability budget', signatures });
  }

  it('SENS-EXC, then SENS-CRIT: what a logger tells reaches the bags, and its minutes add up over their whole life', async () => {
    const t = await collected();
    await coi.capture(packed(t, 0), bound(t, 1));
    await coi.capture(told(t.loggerIn, [...points(10, 60, 5), ...points(70, 110, 12), ...points(120, 150, 5)]));
    expect(await codes(t)).toEqual(['SENS-EXC']);
    const [excursion] = (await coi.chain(t)).findings.filter(({ code }) => code === 'SENS-EXC');
    expect(excursion?.['things']).toHaveLength(2);
    expect(await held(t.bags[0] as string)).toEqual([]);

    // Another leg, in another shipper: 40 minutes before and 30 now are more than 60.
    const other = giaiOf(`SECOND-${t.n}`);
    await coi.capture(
      EVENT.unpackIn(coi, t, { at: at(200) }),
      EVENT.packIn(coi, t, { at: at(210), members: { parentID: other, childEPCs: [t.bags[0]] } }),
    );
    await coi.capture(told(other, points(220, 250, 15)));
    expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC']);
    expect(await held(t.bags[0] as string)).toEqual(['SENS-CRIT']);
    expect(await held(t.bags[1] as string)).toEqual([]);
    const seen = await temperature(other);
    expect(seen['budgets']).toEqual([expect.objectContaining({ minutesOut: 70, allowed: 60, remaining: -10 })]);
  });

  it('the report tells the temperatures of every shipment and what is left of the stability, and still verifies offline', async () => {
    const t = await collected();
    await coi.capture(packed(t, 0), bound(t, 1));
    await coi.capture(told(t.loggerIn, [...points(10, 60, 5), ...points(70, 110, 12), ...points(120, 150, 5)]));
    const report = await signedReport(t);
    expect(report.sections.shipments).toEqual([
      expect.objectContaining({
        stage: 'pack',
        limits: { low: 2, high: 8 },
        from: iso(at(10)),
        to: iso(at(150)),
        readings: 15,
        min: 5,
        max: 12,
        excursions: 1,
        minutesOut: 40,
        gaps: 0,
        accepted: false,
      }),
    ]);
    expect(report.sections.stability).toHaveLength(2);
    expect(report.sections.stability).toEqual([
      expect.objectContaining({ minutesOut: 40, allowed: 60, remaining: 20 }),
      expect.objectContaining({ minutesOut: 40, allowed: 60, remaining: 20 }),
    ]);
    expect(verifyReport(report, coi.server.service.deps.vkey).problems).toEqual([]);
    const warmer = structuredClone(report);
    Object.assign(warmer.sections.shipments[0] as object, { max: 8 });
    expect(verifyReport(warmer, coi.server.service.deps.vkey).problems.join()).toContain('Section shipments does not follow');
  });

  it('readings that were told before their logger was bound, and before the shipper was packed, count', async () => {
    const t = await collected();
    await coi.capture(told(t.loggerIn, points(10, 100, 12)));
    await coi.capture(bound(t, 1));
    expect(await codes(t)).toEqual([]);
    await coi.capture(packed(t, 0));
    expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC']);
  });

  it('late readings are seen where they belong: E-06, who left before is clean, who joined later has its own minutes', async () => {
    const t = await collected();
    const [first, second] = t.bags as [string, string];
    await coi.capture(
      EVENT.packIn(coi, t, { at: at(0), members: { childEPCs: [first] } }),
      bound(t, 1),
      EVENT.packIn(coi, t, { at: at(100), members: { childEPCs: [second] } }),
      EVENT.unpackIn(coi, t, { at: at(120), members: { childEPCs: [first] } }),
    );
    await coi.capture(told(t.loggerIn, [...points(130, 160, 5), ...points(170, 200, 13)]));
    expect(await codes(t)).toEqual(['SENS-EXC']);
    const [series] = (await temperature(t.shipperIn))['series'] as {
      excursions: { minutes: number; affected: Json[]; excluded: Json[] }[];
    }[];
    expect(series?.excursions).toEqual([
      expect.objectContaining({
        minutes: 30,
        affected: [{ thing: expect.stringContaining('B0'), minutes: 30 }],
        excluded: [{ thing: expect.stringContaining('A0'), reason: 'left before' }],
      }),
    ]);
    await coi.capture(told(t.loggerIn, points(20, 100, 12)));
    expect(await held(first)).toEqual(['SENS-CRIT']);
    expect(await held(second)).toEqual([]);
  });

  it('two loggers of one shipper count once', async () => {
    const t = await collected();
    await coi.capture(packed(t, 0), bound(t, 1), bound(t, 1, t.loggerOut));
    await coi.capture(told(t.loggerIn, points(10, 50, 12)), told(t.loggerOut, points(20, 60, 13)));
    expect(await codes(t)).toEqual(['SENS-EXC']);
    expect((await temperature(t.shipperIn))['budgets']).toEqual([
      expect.objectContaining({ minutesOut: 50, remaining: 10 }),
      expect.objectContaining({ minutesOut: 50, remaining: 10 }),
    ]);
  });

  describe('C-11: a dry shipper is tipped, arrives late, at −128 °C against −150 °C', () => {
    async function tipped(): Promise<Therapy> {
      const t = await collected();
      await coi.capture(
        EVENT.start(coi, t, { at: at(10) }),
        EVENT.process(coi, t, { at: at(20) }),
        ...(EVENT.fill(coi, t) as Json[]).map((one, i) => ({ ...one, eventTime: iso(at(30 + i)) })),
      );
      await coi.capture(EVENT.packOut(coi, t, { at: at(60) }), EVENT.loggerOut(coi, t, { at: at(61) }), EVENT.ship(coi, t, { at: at(70) }));
      expect(await codes(t)).toEqual([]);
      await coi.capture(
        told(
          t.loggerOut,
          [...points(70, 300, -180), ...points(310, 350, -128), ...points(360, 400, -170)],
          [{ type: 'Angle', time: iso(at(200)), value: 80, uom: 'DD' }],
        ),
        EVENT.siteReceive(coi, t, { at: at(700) }),
      );
      return t;
    }

    it('excursion, hold; accepted under a deviation it is found no longer, and quality lifts the hold', async () => {
      const t = await tipped();
      // 20 h × 0.8 − 10.7 h − 60 % of 20 h: nothing is left, though 16 h would have been enough.
      expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC', 'SENS-HOLD', 'SENS-TILT']);
      for (const dose of t.doses) expect(await held(dose)).toEqual(['SENS-CRIT']);
      const infusion = await coi.check(EVENT.infuse(coi, t, t.doses[0] as string));
      expect(infusion.findings.map(({ code }) => code)).toContain('HOLD-ACTIVE');

      const body = { shipment: t.shipperOut, verdict: 'accept', reason: 'deviation 12' };
      expect(await coi.refused('/identity/excursions', { ...body, signatures: [] })).toMatchObject({ status: 409, code: 'SIG-MISSING' });
      expect(await coi.refused('/identity/excursions', { ...body, signatures: await coi.sign(['pharmacist', 'resolved']) })).toMatchObject({
        code: 'SIG-MISSING',
      });
      expect(await coi.refused('/identity/excursions', { ...body, shipment: giaiOf('NEVER-SEEN') })).toMatchObject({ code: 'NOT-FOUND' });
      expect(await coi.refused('/identity/excursions', body, 'operator')).toMatchObject({ status: 403 });

      const conforming = async () => {
        const { kpis } = await coi.get<{ kpis: Json[] }>('/identity/kpis');
        const { numerator, denominator } = kpis.find(({ kpi }) => kpi === 'cold-chain-conformity') as Json;
        return { numerator, denominator };
      };
      const before = await conforming();
      expect(before.denominator).toBe((before.numerator as number) + 1);
      const answer = await verdict(t.shipperOut, 'accept');
      expect(await conforming()).toEqual(before);
      expect(answer).toMatchObject({ ok: true, excursionId: expect.stringMatching(/^ex_/) });
      expect(await codes(t)).toEqual(['SENS-HOLD']);
      const seen = await temperature(t.shipperOut);
      expect(seen['verdicts']).toEqual([expect.objectContaining({ verdict: 'accept', reason: 'within the stability budget' })]);
      expect(seen['budgets']).toEqual([
        expect.objectContaining({ minutesOut: 40, allowed: 0 }),
        expect.objectContaining({ minutesOut: 40, allowed: 0 }),
      ]);

      const [hold] = ((await coi.container(t.doses[0] as string))['holds'] as Json[]) ?? [];
      expect(hold?.['codes']).toEqual(['SENS-CRIT']);
      const lifted = await coi.call('DELETE', `/identity/holds/${hold?.['id'] as string}`, {
        reason: 'accepted under deviation 12',
        signatures: await coi.sign(['reviewer', 'resolved'], ['qp', 'approved']),
      });
      expect([lifted.statusCode, lifted.body]).toEqual([expect.any(Number), expect.stringContaining('"ok":true')]);
      expect(await held(t.doses[0] as string)).toEqual([]);
      // What it does after the verdict is found again.
      await coi.capture(told(t.loggerOut, points(410, 430, -120)));
      expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC', 'SENS-HOLD']);
    });

    it('rejected it stays found and held, and the cells are collected anew', async () => {
      const t = await tipped();
      await verdict(t.shipperOut, 'reject');
      expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC', 'SENS-HOLD', 'SENS-TILT']);
      for (const dose of t.doses) expect(await held(dose)).toEqual(['SENS-CRIT']);
      coi.again(t);
      await coi.capture(EVENT.collection(coi, t, { at: at(1_000) }), EVENT.split(coi, t, { at: at(1_010) }));
      expect(await held(t.bags[0] as string)).toEqual([]);
    });
  });

  describe('exports of loggers', () => {
    const send = async (thing: string, body: string, query = '', type = 'text/csv', as: Who = 'courier') =>
      await coi.server.call('POST', `/api/v1/identity/readings?thing=${encodeURIComponent(thing)}${query}`, {
        key: (await coi.person(as)).session,
        body,
        headers: { 'content-type': type },
      } as never);
    const local = (ms: number) => {
      const [, y, mo, d, clock] = /^(\d+)-(\d+)-(\d+)T(\d+:\d+)/.exec(iso(ms)) as unknown as string[];
      return `${d}.${mo}.${y} ${clock}`;
    };

    it('header lines, semicolons, decimal commas, °F and a zone: it becomes events of the logger', async () => {
      const t = await collected();
      await coi.capture(packed(t, 0), bound(t, 1));
      const rows = points(10, 90, 53.6).map(([ms]) => `${local(ms + 2 * HOUR)};53,6;ok`);
      const csv = ['Serial number: TT4-991', 'Exported by logger 4.2', '', 'Date/Time;Temperature (°F);State', ...rows].join('\r\n');
      expect((await send(t.loggerIn, csv)).json()).toMatchObject({ code: 'EV-TIMEZONE', at: 'line 5, column 1' });
      const answer = await send(t.loggerIn, csv, '&zone=%2B02:00');
      expect([answer.statusCode, answer.json()]).toEqual([
        201,
        expect.objectContaining({
          ok: true,
          readings: 9,
          device: 'urn:lotline:device:TT4-991',
          min: 12,
          max: 12,
          from: iso(at(10) - (at(10) % MINUTE)),
        }),
      ]);
      expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC']);
      const again = await send(t.loggerIn, csv, '&zone=%2B02:00');
      expect(again.json().events).toEqual([expect.objectContaining({ duplicate: true })]);
      const [series] = (await temperature(t.shipperIn))['series'] as Json[];
      expect(series).toMatchObject({ readings: 9, max: 12, stage: 'pack', device: 'urn:lotline:device:TT4-991', mkt: 12 });
    });

    it.each([
      ['time,temperature\n2026-03-01T10:00:00Z,5\n2026-03-01T10:10:00Z,warm', 'EV-SYNTAX', 'line 3, column 2'],
      ['time,temperature\n2026-03-01T10:00:00Z,5,2', 'EV-SYNTAX', 'line 2, column 3'],
      ['time,temperature\n2026-02-30T10:00:00Z,5', 'EV-SYNTAX', 'line 2, column 1'],
      ['time,temperature\n03/04/2026 10:00,5', 'EV-SYNTAX', 'line 2, column 1'],
      ['nothing that anybody could read', 'EV-SYNTAX', 'line 1, column 1'],
    ])('errors name line and column, and nothing is stored: %#', async (csv, code, where) => {
      const before = (await coi.server.service.deps.readers.look('journalEnd', {} as never)) as unknown;
      const answer = await send(giaiOf('LOGGER-X'), csv);
      expect([answer.statusCode, answer.json()]).toEqual([400, expect.objectContaining({ code, at: where })]);
      expect(await coi.server.service.deps.readers.look('journalEnd', {} as never)).toEqual(before);
    });

    it('JSON: readings, or a summary of a device that tells no points', async () => {
      const t = await collected();
      await coi.capture(packed(t, 0), bound(t, 1));
      const readings = points(10, 30, 9).map(([ms, value]) => ({ time: iso(ms), value }));
      expect((await send(t.loggerIn, JSON.stringify({ readings }), '', 'application/json')).json()).toMatchObject({ readings: 3, max: 9 });
      expect(await codes(t)).toEqual(['SENS-EXC']);
      const summary = { from: iso(at(40)), to: iso(at(200)), min: 4, max: 11, minutesOut: 55 };
      expect((await send(t.loggerIn, JSON.stringify({ summary }), '', 'application/json')).statusCode).toBe(201);
      expect(await codes(t)).toEqual(['SENS-CRIT', 'SENS-EXC']);
      for (const bad of ['{}', '{"readings":[{"time":1}]}', 'no'])
        expect((await send(t.loggerIn, bad, '', 'application/json')).statusCode).toBe(400);
    });

    it('more than 5,000 readings are several events and one series; who reads chains only may not send', async () => {
      const t = await collected();
      await coi.capture(packed(t, -2_000), bound(t, -1_999));
      const csv = ['timestamp,temp C', ...Array.from({ length: 6_000 }, (_, i) => `${iso(at(-1_990) + i * 10_000)},5.1`)].join('\n');
      const answer = await send(t.loggerIn, csv);
      expect(answer.json().events).toHaveLength(2);
      expect(await codes(t)).toEqual([]);
      expect((await temperature(t.shipperIn))['series']).toEqual([
        expect.objectContaining({ readings: 6_000, gaps: [], mkt: 5.1, periodSeconds: 10 }),
      ]);
      expect((await send(t.loggerIn, csv, '', 'text/csv', 'privacy')).statusCode).toBe(403);
    });
  });

  it('the temperatures of a shipment need a purpose, and are drawn with limits and excursions marked', async () => {
    const t = await collected();
    await coi.capture(packed(t, 0), bound(t, 1));
    await coi.capture(told(t.loggerIn, [...points(10, 60, 5), ...points(70, 110, 12), ...points(120, 150, 5)]));
    const path = `/api/v1/identity/shipments/${encodeURIComponent(t.shipperIn)}/temperature`;
    expect((await coi.server.call('GET', path)).json()).toMatchObject({ code: 'ACC-PURPOSE' });
    const svg = await coi.server.call('GET', `${path}?format=svg`, { headers: PURPOSE });
    expect(svg.headers['content-type']).toContain('image/svg+xml');
    expect(svg.body).toContain('class="out"');
    expect(svg.body).toContain('limit 8 °C');
    expect((await coi.call('GET', `/identity/shipments/${encodeURIComponent(giaiOf('NEVER'))}/temperature`)).statusCode).toBe(404);
  });
});
