import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commission, documentOf, packs } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('what sources send, on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
  }, 60_000);
  afterAll(() => server.close());

  const key = () => server.keys.line;
  const send = async (document: unknown, headers: Record<string, string>, by = key()) =>
    await server.call('POST', '/epcis/capture', { key: by, body: document, headers });
  const eventsStored = async () => Number(/^lotline_events_total (\d+)/m.exec((await server.get('/metrics')).body)?.[1]);

  it('is taken once under the id that its sender chose, however often and at whatever moment it is sent again', async () => {
    const before = await eventsStored();
    const id = randomUUID();
    const document = documentOf([commission(0, packs(1, 3), { lot: 'L1' })]);
    const together = await Promise.all(Array.from({ length: 8 }, () => send(document, { 'lotline-capture-id': id })));
    expect(together.map(({ statusCode, headers }) => [statusCode, headers.location])).toEqual(Array(8).fill([202, `/epcis/capture/${id}`]));
    await server.service.deps.capture.settled();
    const again = await send(document, { 'lotline-capture-id': id.toUpperCase() });
    expect([again.statusCode, again.headers.location]).toEqual([202, `/epcis/capture/${id}`]);
    await server.service.deps.capture.settled();
    expect((await server.get(`/epcis/capture/${id}`, { key: key() })).json()).toMatchObject({ running: false, success: true });
    expect(await eventsStored()).toBe(before + 1);
    expect((await server.get('/api/v1/findings?code=EV-DUP')).json().findings).toEqual([]);
  });

  it('is refused under an id that another sender has, and under one that is none', async () => {
    const id = randomUUID();
    expect((await send(documentOf([commission(1, packs(4, 4))]), { 'lotline-capture-id': id })).statusCode).toBe(202);
    await server.service.deps.capture.settled();
    const other = problemOf(await send(documentOf([commission(2, packs(5, 5))]), { 'lotline-capture-id': id }, server.keys.admin));
    expect(other).toMatchObject({ status: 409, code: 'EV-ID-TAKEN', at: 'Lotline-Capture-ID' });
    expect(problemOf(await send(documentOf([commission(2, packs(5, 5))]), { 'lotline-capture-id': 'mine' }))).toMatchObject({
      status: 400,
      code: 'REQ-FORM',
    });
    expect(problemOf(await send(documentOf([commission(2, packs(5, 5))]), { 'lotline-gateway': 'line 1' }))).toMatchObject({
      status: 400,
      at: 'Lotline-Gateway',
    });
  });

  it('flags a source whose clock is ahead once a stretch, by what its gateway says of when it took the document (LINE-CLOCK, domain.md §5.3)', async () => {
    const received = Date.parse('2026-03-01T08:00:00Z');
    const told = async (serial: number, minutesAhead: number, offsetMs = 0) => {
      const event = {
        ...commission(0, packs(serial, serial), { site: 7 }),
        eventTime: new Date(received + minutesAhead * 60_000).toISOString(),
      };
      const gateway = `line 7; received=${new Date(received + offsetMs).toISOString()}; offset=${offsetMs}`;
      expect((await send(documentOf([event]), { 'lotline-gateway': gateway })).statusCode).toBe(202);
    };
    const flagged = async () => {
      await server.service.deps.clocks.settled();
      return (await server.get('/api/v1/findings?code=LINE-CLOCK')).json().findings as { things: string[] }[];
    };
    await told(100, -90); // buffered for long: late is no wrong clock
    await told(101, 4);
    // The gateway's own clock is an hour ahead as well, and it knows: its word is put right first.
    await told(102, 60, 3_600_000);
    await told(103, 61);
    await told(104, 61);
    const [first, ...others] = await flagged();
    expect(others).toEqual([]);
    expect(first?.things).toContain('01/09520123000110/21/P102');
    expect(first?.things).toContain('01/09520123000110/21/P104');
    await told(105, 0);
    await told(106, 61);
    expect(await flagged()).toHaveLength(2);
  }, 30_000);
});
