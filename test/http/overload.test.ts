import { readdirSync, readFileSync } from 'node:fs';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { aggregationEvent, documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { type Answer, problemOf, TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({}, undefined, {
    queue: { documents: 3, bytes: 30_000, direct: 3, checks: 1, answerMs: 500 },
    questions: { threads: 1, waiting: 1 },
  });
  await server.get('/epcis/capture'); // starts the thread that answers it
});
afterAll(() => server.close());

const EPCIS = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
const commission = (serial: string) => ({ ...objectEvent(), epcList: [sgtin(serial)] });
const capture = (serial: string) => server.call('POST', '/epcis/capture', { body: documentOf([commission(serial)]) });
const event = (serial: string) => server.call('POST', '/epcis/events', { body: { '@context': EPCIS, ...commission(serial) } });
const check = (serial: string) => server.call('POST', '/api/v1/check', { body: documentOf([commission(serial)]) });
const statusOf = async (serial: string) => (await server.get(`/api/v1/things/${encodeURIComponent(sgtin(serial))}`)).statusCode;
const waiting = () => server.service.deps.capture.waitingNow;

/** Holds the fold while `work` is done: another connection has the right to write. */
async function whileNothingIsFolded(work: () => Promise<void>): Promise<void> {
  const other = new Database(join(server.folder, 'journal.db'));
  other.exec('BEGIN IMMEDIATE');
  try {
    await work();
  } finally {
    other.exec('ROLLBACK');
    other.close();
  }
}

function expectBusy(answer: Answer): void {
  expect(answer.statusCode, answer.body).toBe(503);
  expect(problemOf(answer).code).toBe('REQ-BUSY');
  expect(answer.headers['retry-after']).toBe('2');
}

describe('captures that wait', () => {
  it('are as many as the limit says; one more is told to come back, and is taken when there is room', async () => {
    await whileNothingIsFolded(async () => {
      for (const serial of ['N1', 'N2', 'N3']) expect((await capture(serial)).statusCode).toBe(202);
      expectBusy(await capture('N4'));
      expect(waiting()).toMatchObject({ documents: 3 });
      // Whoever asks what became of theirs is answered all the same.
      expect((await server.get('/epcis/capture')).json()).toHaveLength(3);
      expect(await statusOf('N1')).toBe(404);
    });
    await server.service.deps.capture.settled();
    expect((await capture('N4')).statusCode).toBe(202);
    await server.service.deps.capture.settled();
    expect(await Promise.all(['N1', 'N2', 'N3', 'N4'].map(statusOf))).toEqual([200, 200, 200, 200]);
    expect(waiting()).toMatchObject({ documents: 0, bytes: 0 });
  });

  it('are bounded in bytes too; one alone has room, however large it is', async () => {
    const large = { ...documentOf([commission('B1')]), 'ex:padding': 'x'.repeat(40_000) };
    await whileNothingIsFolded(async () => {
      expect((await server.call('POST', '/epcis/capture', { body: large })).statusCode).toBe(202);
      expectBusy(await capture('B2'));
    });
    await server.service.deps.capture.settled();
    expect((await capture('B2')).statusCode).toBe(202);
    await server.service.deps.capture.settled();
  });
});

describe('single events that wait', () => {
  it('are bounded in number, and told to come back when they wait too long; sent again they are stored once', async () => {
    await whileNothingIsFolded(async () => {
      const first = event('S1');
      await vi.waitFor(() => expect(waiting().direct).toBe(1));
      const [second, third, fourth] = await Promise.all([event('S2'), event('S3'), event('S4')]);
      for (const answer of [await first, second, third, fourth]) expectBusy(answer as Answer);
      expect(problemOf(await first).fix).toContain('not stored twice');
    });
    expect((await event('S1')).statusCode).toBe(201);
    // The first was being folded when its sender was told to come back; those behind it had not been begun, and were dropped.
    expect(await Promise.all(['S1', 'S2', 'S3', 'S4'].map(statusOf))).toEqual([200, 404, 404, 404]);
    expect((await event('S2')).statusCode).toBe(201);
    const found = (await server.get(`/epcis/events?MATCH_epc=${encodeURIComponent(sgtin('S1'))}`)).json();
    expect(found.epcisBody.queryResults.resultsBody.eventList).toHaveLength(1);
  });

  it('do not wait until the whole queue is folded', async () => {
    const documents = Array.from({ length: 3 }, (_, i) => capture(`Q${i}`));
    const answer = await event('Q3');
    expect(answer.statusCode).toBe(201);
    await Promise.all(documents);
    await server.service.deps.capture.settled();
  });
});

describe('dry runs that wait', () => {
  it('are few, for they hold up the fold and store nothing', async () => {
    await whileNothingIsFolded(async () => {
      const [first, second] = await Promise.all([check('C1'), check('C2')]);
      expectBusy(second);
      expect(problemOf(second).title).toContain('dry runs');
      expectBusy(first); // it waited too long
    });
    expect((await check('C1')).json()).toMatchObject({ events: [{ index: 0, verdict: 'ok' }] });
  });

  it('are as large as a group of captures at most', async () => {
    const answer = await server.call('POST', '/api/v1/check', { body: Buffer.alloc(16 * 1024 * 1024 + 1, ' ') });
    expect(answer.statusCode).toBe(413);
    expect(problemOf(answer).code).toBe('REQ-LIMIT');
  });
});

describe('look-ups', () => {
  it.runIf(process.platform === 'linux')('come before the fold and before long questions where cores are few', () => {
    const priorities = readdirSync('/proc/self/task').map((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });
    const [own] = priorities as [number, ...number[]];
    expect(priorities).toEqual(expect.arrayContaining([5, 10]));
    expect(own).toBeLessThan(5);
  });

  it('go on while nothing can be folded', async () => {
    await capture('L1');
    await server.service.deps.capture.settled();
    await whileNothingIsFolded(async () => {
      const held = capture('L2');
      expect(await statusOf('L1')).toBe(200);
      expect((await server.get('/ledger/checkpoint')).statusCode).toBe(200);
      expect((await server.get('/health/ready', { key: null })).statusCode).toBe(200);
      await held;
    });
  });
});

describe('a store that refuses to write', () => {
  it('is tried again without anything waiting, so that single events are taken as soon as they can be', { timeout: 120_000 }, async () => {
    const { capture: service } = server.service.deps;
    await whileNothingIsFolded(async () => {
      expectBusy(await event('W1'));
      // The driver waits for the right to write for some seconds, then gives up.
      await vi.waitFor(() => expect(service.healthy).toBe(false), { timeout: 60_000 });
      expectBusy(await capture('W2'));
      expect((await server.get('/health/ready', { key: null })).statusCode).toBe(503);
      expect(await statusOf('W2')).toBe(404);
    });
    await vi.waitFor(() => expect(service.healthy).toBe(true), { timeout: 60_000 });
    expect((await event('W1')).statusCode).toBe(201);
  });
});

describe('long questions', () => {
  const history = (serial: string) => `/api/v1/things/${encodeURIComponent(sgtin(serial))}/history`;

  it('that wait are bounded: one more is told to come back, and who goes away makes room', async () => {
    // The thread starts with the first question, which takes it longer than all that is done here.
    const fresh = await TestServer.start({}, undefined, { questions: { threads: 1, waiting: 1 } });
    try {
      await fresh.service.app.listen({ host: '127.0.0.1', port: 0 });
      const { figures } = fresh.service.deps.readers;
      const first = fresh.get(history('H1'));
      const { port } = fresh.service.app.server.address() as AddressInfo;
      const impatient = send({ port, path: history('H2'), headers: { authorization: `Bearer ${fresh.keys.reader}` } });
      impatient.on('error', () => {});
      impatient.end();
      await vi.waitFor(() => expect(figures.waiting).toBe(1), { interval: 1 });
      expectBusy(await fresh.get(history('H3')));
      impatient.destroy();
      await vi.waitFor(() => expect(figures.waiting).toBe(0));
      expect((await fresh.get(history('H3'))).statusCode).toBe(404);
      expect((await first).statusCode).toBe(404);
      expect(figures.refused).toBe(1);
    } finally {
      await fresh.close();
    }
  });

  it('that take too long fail alone, and say how to narrow them', async () => {
    const impatient = await TestServer.start({}, undefined, { questions: { threads: 1, runMs: 3 } });
    try {
      const childEPCs = Array.from({ length: 3_000 }, (_, i) => sgtin(`K${i}`));
      await impatient.capture(documentOf([{ ...aggregationEvent(), childEPCs }]));
      const of = encodeURIComponent(aggregationEvent()['parentID'] as string);
      const answer = await impatient.get(`/api/v1/things/${of}/contents`);
      expect(answer.statusCode).toBe(413);
      expect(problemOf(answer)).toMatchObject({ code: 'QRY-COMPLEX', type: 'epcisException:QueryTooComplexException' });
      expect(problemOf(answer).fix).toContain('Ask for less');
      expect((await impatient.get(`/api/v1/things/${of}`)).statusCode).toBe(200);
    } finally {
      await impatient.close();
    }
  });
});

describe('the figures', () => {
  it('tell what waits, what is held, what was refused, and how late the answering thread is', async () => {
    const text = (await server.get('/metrics')).body;
    const figure = (name: string) => Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
    expect(figure('lotline_refused{by="queue"}')).toBe(server.service.deps.capture.waitingNow.refused);
    expect(figure('lotline_refused{by="queue"}')).toBeGreaterThan(3);
    expect(figure('lotline_capture_queue_bytes')).toBe(0);
    expect(figure('lotline_waiting{for="answer"}')).toBe(1);
    expect(figure('lotline_held_bytes{what="documents"}')).toBe(0);
    expect(figure('lotline_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
  });
});
