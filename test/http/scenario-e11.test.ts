import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { buildGatewayApp } from '../../src/api/gateway.ts';
import { DocumentReaders } from '../../src/capture/document-readers.ts';
import { Gateway } from '../../src/integrations/gateway/gateway.ts';
import { lotline } from '../support/commands.ts';
import { caseOf, commission, documentOf, type Json, pack, packOf, palletOf, siteOf } from '../support/events.ts';
import { Link } from '../support/link.ts';
import { ADMIN_KEY, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

/**
 * E-11 (domain.md §20): link lost 02:00–04:30; 45,000 commissionings and 620 aggregations buffered; the clock +61 min wrong since 01:00. The short form
 * commissions ten packs an event and sends 20 events a call; LOTLINE_FAULTS=long sends one pack an event and one event a call.
 */
const LONG = process.env['LOTLINE_FAULTS'] === 'long';
const PACKS = 45_000;
const PER_CASE = 75;
const PER_PALLET = 30;
const PER_EVENT = LONG ? 1 : 10;
const PER_CALL = LONG ? 1 : 20;
const SITE = 1;
const MIN = 60_000;
const MIDNIGHT = Date.UTC(2026, 2, 2);
const at = (hours: number, minutes = 0) => MIDNIGHT + (hours * 60 + minutes) * MIN;
const LOST = at(2);
const WRONG_SINCE = at(1);
const BACK = at(4, 30);
const KEY = 'line-key-0123456789abcdef';

type Told = { readonly at: number; readonly event: (time: string) => Json };

/** What the line does, with the time at which it truly does it: some before its clock is wrong, some before the link is lost, and then the many. */
function* happenings(): Generator<Told> {
  yield* run(1, 750, at(0, 10), at(0, 50));
  yield* run(1_001, 1_750, at(1, 5), at(1, 55));
  yield* run(10_001, 10_000 + PACKS, LOST + MIN, BACK - MIN);
}

function* run(first: number, last: number, from: number, to: number): Generator<Told> {
  const lot = { lot: 'L1', expiry: '2028-02-29', site: SITE };
  const timed = (event: Json) => (eventTime: string) => ({ ...event, eventTime });
  const count = last - first + 1;
  const when = (done: number) => from + Math.floor(((to - from) * done) / count);
  const numbers = (a: number, b: number) => Array.from({ length: b - a + 1 }, (_, i) => packOf(a + i));
  let packed = first;
  let cases: string[] = [];
  for (let n = first; n <= last; n += PER_EVENT) {
    const upTo = Math.min(n + PER_EVENT - 1, last);
    yield { at: when(upTo - first), event: timed(commission(0, numbers(n, upTo), lot)) };
    while (upTo - packed + 1 >= PER_CASE) {
      const name = caseOf(packed);
      yield { at: when(upTo - first) + 500, event: timed(pack(0, name, numbers(packed, packed + PER_CASE - 1), lot)) };
      cases.push(name);
      packed += PER_CASE;
      if (cases.length < PER_PALLET && upTo < last) continue;
      yield { at: when(upTo - first) + 700, event: timed(pack(0, palletOf(packed), cases, lot)) };
      cases = [];
    }
  }
}

const iso = (ms: number) => new Date(ms).toISOString();
const wrongClock = (ms: number) => (ms >= WRONG_SINCE ? ms + 61 * MIN : ms);

/** Documents in the order in which the line sends them, and when. */
function* documents(clock: (ms: number) => number): Generator<{ sentAt: number; document: Json }> {
  let events: Json[] = [];
  let last = 0;
  for (const told of happenings()) {
    // A document belongs to one side of the moments at which the clock, and then the link, went.
    const parted = [WRONG_SINCE, LOST].some((moment) => last < moment && told.at >= moment);
    if (events.length > 0 && (parted || events.length === PER_CALL)) {
      yield { sentAt: last + 1_000, document: documentOf(events) };
      events = [];
    }
    events.push(told.event(iso(clock(told.at))));
    last = told.at;
  }
  yield { sentAt: last + 1_000, document: documentOf(events) };
}

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe.each(ENGINES)('E-11 on %s', (engine) => {
  it('what a line with a wrong clock told while its link was lost comes once, is flagged, and is put right as if it had been right', {
    timeout: LONG ? 3_600_000 : 240_000,
  }, async () => {
    const server = await serving(engine);
    const link = await Link.to({ url: server.url });
    closing.push(() => link.close());
    const line = await lineGateway(link, server.keys.line);

    let buffered = 0;
    for (const { sentAt, document } of documents(wrongClock)) {
      if (sentAt >= LOST && buffered === 0) {
        await until(() => line.gateway.status.waiting.documents === 0);
        link.cut();
      }
      line.now = sentAt;
      if (sentAt >= LOST) buffered += (document['epcisBody'] as { eventList: unknown[] }).eventList.length;
      await line.send(document);
    }
    expect(buffered).toBe(PACKS / PER_EVENT + 620);
    expect(line.gateway.status.waiting.events).toBe(buffered);
    link.restore();
    await until(() => line.gateway.status.waiting.documents === 0, LONG ? 1_800_000 : 60_000);
    expect(line.gateway.status.refused).toBe(0);

    // Once, and flagged: one finding for the stretch, which says by how much.
    const stored = Number(/^lotline_events_total (\d+)/m.exec((await server.get('/metrics')).body)?.[1]);
    expect(line.gateway.status.forwarded.events).toBe(stored);
    await server.service.deps.clocks.settled();
    const { findings } = (await server.get('/api/v1/findings?code=LINE-CLOCK')).json();
    expect(findings).toHaveLength(1);
    expect(findings[0].things.length).toBeGreaterThan(0);
    for (const code of ['EV-DUP', 'EV-TWIN', 'SN-DUP', 'AGG-DOUBLE', 'AGG-UNKNOWN-CHILD'])
      expect((await server.get(`/api/v1/findings?code=${code}`)).json().findings, code).toEqual([]);

    const correct = ['correct-clock', '--upstream', server.url, '--key', ADMIN_KEY, '--read-point', siteOf(SITE, 'dock')];
    const stretch = ['--from', iso(wrongClock(WRONG_SINCE)), '--to', iso(wrongClock(BACK)), '--offset', '+61m'];
    const wrong = await lotline(...correct, ...stretch);
    expect(wrong.err).not.toMatch(/EV-|REQ-|CFG-/);
    expect(wrong.code).toBe(0);
    // Once more finds nothing to do.
    expect((await lotline(...correct, ...stretch)).out).toContain('0 events to correct');

    const truth = await serving(engine);
    for (const { document } of documents((ms) => ms)) {
      const answer = await truth.call('POST', '/epcis/capture', { body: document });
      expect(answer.statusCode).toBe(202);
    }
    await truth.service.deps.capture.settled();
    const lot = encodeURIComponent('01/09520123000110/10/L1');
    for (const time of [undefined, iso(at(0, 30)), iso(at(1, 30)), iso(at(3, 0)), iso(at(5, 0))]) {
      const query = `of=${lot}${time === undefined ? '' : `&at=${encodeURIComponent(time)}`}`;
      const rows = async (from: TestServer) => (await from.get(`/api/v1/genealogy/scope/packs?${query}`)).body.split('\n').sort();
      const [mine, theirs] = [await rows(server), await rows(truth)];
      expect(mine.length, time).toBe(theirs.length);
      expect(mine, time).toEqual(theirs);
    }
    for (const container of [caseOf(1), caseOf(10_001), palletOf(10_001 + PER_CASE * PER_PALLET)]) {
      const inside = async (from: TestServer) => {
        const { members, count } = (await from.get(`/api/v1/things/${encodeURIComponent(container)}/contents?depth=all`)).json();
        return { count, members };
      };
      expect((await inside(server)).count).toBeGreaterThan(0);
      expect(await inside(server)).toEqual(await inside(truth));
    }
    for (const code of ['SN-DUP', 'AGG-DOUBLE', 'AGG-UNKNOWN-CHILD', 'SN-AFTER-END'])
      expect((await server.get(`/api/v1/findings?code=${code}&state=open`)).json().findings, code).toEqual([]);
  });
});

async function serving(engine: (typeof ENGINES)[number]): Promise<TestServer & { url: string }> {
  const server = await TestServer.on(engine);
  closing.push(() => server.close());
  await server.service.app.listen({ host: '127.0.0.1', port: 0 });
  return Object.assign(server, { url: `http://127.0.0.1:${(server.service.app.server.address() as AddressInfo).port}` });
}

/** A gateway whose clock is right, and is that of the story. */
async function lineGateway(link: Link, upstreamKey: string) {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-e11-'));
  const line = { now: MIDNIGHT };
  const log = () => {};
  const gateway = Gateway.open({ folder, name: 'line 1', upstream: link.url, upstreamKey, retryMaxMs: 500, now: () => line.now, log });
  gateway.setLocalKey(KEY);
  const readers = new DocumentReaders();
  const app: FastifyInstance = await buildGatewayApp({ gateway, documents: readers, captureMaxBytes: 1e8, captureMaxEvents: 1e5, log });
  closing.push(async () => {
    await app.close();
    await gateway.close();
    await readers.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return Object.assign(line, {
    gateway,
    async send(document: Json): Promise<void> {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
      const answer = await app.inject({ method: 'POST', url: '/epcis/capture', headers, payload: JSON.stringify(document) });
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode}: ${answer.body}`);
    },
  });
}

async function until(what: () => boolean, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !what(); await new Promise((next) => setTimeout(next, 20)))
    if (Date.now() > end) throw new Error('it did not come to it in time');
}
