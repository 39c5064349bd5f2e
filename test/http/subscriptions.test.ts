import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseQueryBody } from '../../src/epcis/query/index.ts';
import { declareError, documentOf, observe, packOf } from '../support/events.ts';
import { checkSignature, eventsOf, Receiver } from '../support/receiver.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const PRIVATE = { webhookAllowPrivate: true } as const;
const EVERY_SECOND = { second: '[0-59]' };
type Told = {
  subscriptionID: string;
  lastNotifiedAt?: string;
  minRecordTime: string;
  delivery: { state: string; failures: number; nextTryAt?: string; lastError?: string; endedBecause?: string };
};

describe.each(ENGINES)('subscriptions on %s (epcis-2.0.md §11)', (engine) => {
  let server: TestServer;
  let receivers: Receiver[] = [];
  let count = 0;
  let minute = 0;

  beforeAll(async () => {
    server = await TestServer.on(engine, PRIVATE);
  });
  afterAll(() => server.close());
  afterEach(async () => {
    for (const { name } of (await server.get('/epcis/queries?perPage=1000')).json() as { name: string }[])
      await server.call('DELETE', `/epcis/queries/${name}`);
    for (const receiver of receivers) await receiver.close();
    receivers = [];
  });

  const listen = async (port = 0) => {
    const receiver = await Receiver.listen(port);
    receivers.push(receiver);
    return receiver;
  };
  const name = async (query: object = {}) => {
    const queryName = `q${count++}`;
    expect((await server.call('POST', '/epcis/queries', { body: { name: queryName, query } })).statusCode).toBe(201);
    return queryName;
  };
  const subscribe = async (queryName: string, body: object, call: { key?: string; headers?: Record<string, string> } = {}) => {
    const answer = await server.call('POST', `/epcis/queries/${queryName}/subscriptions`, { ...call, body });
    expect([answer.statusCode, answer.statusCode === 201 ? '' : answer.body]).toEqual([201, '']);
    return answer.headers.location as string;
  };
  const told = async (path: string) => (await server.get(path)).json() as Told;
  /** Waits until a subscription tells of itself what it should. */
  const untilTold = async (path: string, holds: (one: Told) => boolean) => {
    for (;;) {
      const one = await told(path);
      if (holds(one)) return one;
      await pause(20);
    }
  };
  /** Captures one observation of each pack, all of them new events, in one document. */
  const see = async (numbers: readonly number[], step = 'inspecting') => {
    const events = numbers.map((number) => observe(minute++, packOf(number), { step }));
    expect((await server.capture(documentOf(events))).success).toBe(true);
  };
  const seen = (receiver: Receiver) => receiver.taken.map(({ epcList }) => Number(/\d+$/.exec(epcList?.[0] ?? '')?.[0]));

  it('stream events as they are captured, each once, in the order of recording (S-5, S-7)', async () => {
    await see([90]); // before the subscription: none of its business (S-4)
    const receiver = await listen();
    const query = await name({ EQ_bizStep: ['inspecting'] });
    const path = await subscribe(query, { dest: receiver.url, stream: true });
    await see([1, 2]);
    await see([3], 'packing');
    await see([4]);
    await see([5, 6]);
    await receiver.until(() => seen(receiver).length >= 5);
    expect(seen(receiver)).toEqual([1, 2, 4, 5, 6]);
    const [first] = receiver.received;
    const document = JSON.parse(first?.body ?? '') as Record<string, unknown> & { epcisBody: { queryResults: object } };
    expect(document).toMatchObject({ type: 'EPCISQueryDocument', schemaVersion: '2.0' });
    expect(document.epcisBody.queryResults).toMatchObject({ queryName: query, subscriptionID: path.split('/').at(-1) });
    expect(first?.headers).toMatchObject({ 'content-type': 'application/json', 'gs1-epcis-version': '2.0.0' });
    expect(first?.headers['gs1-signature']).toBeUndefined();
  });

  it('tell of themselves what was agreed and how it goes, and never the token (S-2, S-12)', async () => {
    const receiver = await listen();
    const query = await name();
    for (const body of [
      { dest: receiver.url, signatureToken: 'a-token-nobody-sees', stream: true },
      { dest: receiver.url, secret: 'a-token-nobody-sees', schedule: { hour: '1', minute: '5' }, reportIfEmpty: true },
    ]) {
      const answer = await server.call('POST', `/epcis/queries/${query}/subscriptions`, {
        body,
        headers: { 'GS1-EPC-Format': 'Always_EPC_URN' },
      });
      expect(answer.statusCode).toBe(201);
      const got = await server.get(answer.headers.location as string);
      expect(got.json()).toMatchObject({
        subscriptionID: (answer.headers.location as string).split('/').at(-1),
        dest: receiver.url,
        epcFormat: 'Always_EPC_URN',
        createdAt: got.json().initialRecordTime,
        minRecordTime: got.json().initialRecordTime,
        ...('schedule' in body ? { schedule: body.schedule, reportIfEmpty: true } : { stream: true }),
        delivery: { state: 'well', failures: 0 },
      });
      expect(got.json()).not.toHaveProperty('lastNotifiedAt');
      const options = await server.call('OPTIONS', answer.headers.location as string);
      expect([options.statusCode, options.headers.allow, options.headers['gs1-query-min-record-time']]).toEqual([
        204,
        'OPTIONS, DELETE, GET',
        got.json().minRecordTime,
      ]);
      for (const { body: text } of [answer, got, await server.get(`/epcis/queries/${query}/subscriptions`)])
        expect(text).not.toContain('a-token-nobody-sees');
    }
    const before = Date.now();
    const [stream] = (await server.get(`/epcis/queries/${query}/subscriptions`)).json() as Told[];
    await see([7]);
    const after = await untilTold(
      `/epcis/queries/${query}/subscriptions/${stream?.subscriptionID}`,
      (one) => one.lastNotifiedAt !== undefined,
    );
    expect(Date.parse(after.lastNotifiedAt as string)).toBeGreaterThanOrEqual(before);
    expect(after.minRecordTime).toBe(receiver.taken.at(-1)?.recordTime);
  });

  it('sign what they deliver with the token, and the time of it (S-9)', async () => {
    const receiver = await listen();
    await subscribe(await name(), { dest: receiver.url, signatureToken: 'geheim-€', stream: true });
    const before = Math.floor(Date.now() / 1000);
    await see([8]);
    await receiver.until(() => receiver.received.length > 0);
    const [delivery] = receiver.received;
    if (delivery === undefined) throw new Error('nothing came');
    expect(checkSignature(delivery, 'geheim-€')).toBeGreaterThanOrEqual(before);
    expect(checkSignature(delivery, 'another')).toBeNull();
    expect(checkSignature({ ...delivery, body: `${delivery.body} ` }, 'geheim-€')).toBeNull();
  });

  it('deliver identifiers in the form that was asked for when subscribing (S-7, V-9)', async () => {
    const receiver = await listen();
    const query = await name();
    await subscribe(query, { dest: receiver.url, stream: true }, { headers: { 'GS1-EPC-Format': 'Always_EPC_URN' } });
    const links = await listen();
    await subscribe(query, { dest: links.url, stream: true });
    await see([9]);
    await receiver.until(() => receiver.taken.length > 0);
    await links.until(() => links.taken.length > 0);
    expect(receiver.taken[0]?.epcList).toEqual([packOf(9)]);
    expect(links.taken[0]?.epcList?.[0]).toMatch(/^https:\/\/id\.gs1\.org\/01\//);
  });

  it('begin at initialRecordTime (S-4)', async () => {
    await see([10]);
    const [event] = (await server.get(`/epcis/events?MATCH_epc=${encodeURIComponent(packOf(10))}&orderBy=recordTime&perPage=1`)).json()
      .epcisBody.queryResults.resultsBody.eventList as { recordTime: string }[];
    await see([11]);
    const receiver = await listen();
    const query = await name({ EQ_bizStep: ['inspecting'] });
    await subscribe(query, { dest: receiver.url, stream: true, initialRecordTime: event?.recordTime as string });
    const later = await listen();
    await subscribe(query, { dest: later.url, stream: true, initialRecordTime: '2999-01-01T00:00:00Z' });
    await see([12]);
    await receiver.until(() => seen(receiver).length >= 3);
    expect(seen(receiver)).toEqual([10, 11, 12]);
    expect(later.received).toEqual([]);
  });

  it('report declarations of errors, and the events that they void, like others', async () => {
    const receiver = await listen();
    await subscribe(await name(), { dest: receiver.url, stream: true });
    const wrong = observe(minute++, packOf(13));
    await server.capture(documentOf([wrong]));
    await server.capture(documentOf([declareError(wrong)]));
    await receiver.until(() => receiver.taken.length >= 2);
    expect(receiver.taken.map((event) => 'errorDeclaration' in event)).toEqual([false, true]);
  });

  it('run at the times of a schedule, on what has come since the run before (S-3, S-4)', async () => {
    const receiver = await listen();
    const path = await subscribe(await name({ EQ_bizStep: ['inspecting'] }), { dest: receiver.url, schedule: EVERY_SECOND });
    await see([14]);
    await see([15]);
    await receiver.until(() => seen(receiver).length >= 2);
    await see([16]);
    await receiver.until(() => seen(receiver).length >= 3);
    expect(seen(receiver)).toEqual([14, 15, 16]);
    expect(receiver.received.every(({ body }) => eventsOf(body).length > 0)).toBe(true); // no empty ones (S-6)
    await untilTold(path, (one) => one.minRecordTime === receiver.taken.at(-1)?.recordTime);
  });

  it('report a run without a result where that is wanted, each under an id of its own (S-6)', async () => {
    const receiver = await listen();
    await subscribe(await name({ EQ_bizStep: ['storing'] }), { dest: receiver.url, schedule: EVERY_SECOND, reportIfEmpty: true });
    await receiver.until(() => receiver.received.length >= 2);
    expect(receiver.received.map(({ body }) => eventsOf(body))).toEqual(receiver.received.map(() => []));
    expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(receiver.received.length);
  });

  it('put the result of a run in the order of its query, and cut it (Q-11)', async () => {
    const receiver = await listen();
    const base = minute;
    minute += 10;
    await server.capture(documentOf([3, 1, 2].map((n) => observe(base + n, packOf(20 + n), { step: 'picking' }))));
    const query = await name({ EQ_bizStep: ['picking'], orderBy: 'eventTime', orderDirection: 'DESC', eventCountLimit: 2 });
    await subscribe(query, { dest: receiver.url, schedule: EVERY_SECOND, initialRecordTime: '2000-01-01T00:00:00Z' });
    await receiver.until(() => seen(receiver).length >= 2);
    await server.capture(documentOf([observe(base + 4, packOf(24), { step: 'picking' })]));
    await receiver.until(() => seen(receiver).length >= 3);
    expect(seen(receiver)).toEqual([23, 22, 24]);
  });

  it('are told where a run would have more than maxEventCount events, and go on with the next (S-7)', async () => {
    const receiver = await listen();
    await see([30, 31, 32], 'loading');
    const query = await name({ EQ_bizStep: ['loading'], maxEventCount: 2 });
    await subscribe(query, { dest: receiver.url, schedule: EVERY_SECOND, initialRecordTime: '2000-01-01T00:00:00Z' });
    await receiver.until(() => receiver.received.length >= 1);
    await see([33], 'loading');
    await receiver.until(() => seen(receiver).length >= 1);
    expect(receiver.received[0]?.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({ type: 'epcisException:QueryTooLargeException', status: 413 });
    expect(seen(receiver)).toEqual([33]);
  });

  it('are told a window of entries in pieces where all of it would take too long: each once, and the last says that it is (S-7)', async () => {
    const { readers } = server.service.deps;
    const { next } = await readers.look('journalEnd', {});
    await see([1, 2, 3, 4, 5]);
    const style = { format: 'No_Preference', creationDate: '2026-01-01T00:00:00Z', queryName: 'q', subscriptionID: 's' } as const;
    for (const [run, query] of [
      [null, {}],
      [{ sent: 0 }, { orderBy: 'eventTime' }],
    ] as const) {
      const pieces: [count: number, cut: boolean][] = [];
      for (let from = next, cut = true; cut; ) {
        const asked = {
          query: parseQueryBody(query),
          recordedFrom: null,
          from,
          through: null,
          reach: 2,
          run,
          limit: 500,
          bytes: 1_000_000,
          style,
        };
        const piece = await readers.ask('report', asked);
        pieces.push([piece.count, piece.cut]);
        ({ next: from, cut } = piece);
      }
      expect(pieces).toEqual([
        [2, true],
        [2, true],
        [1, false],
      ]);
    }
  });

  it('try again what failed: everything, in its order, under the same id (S-8)', async () => {
    const receiver = await listen();
    const statuses = [500, null, 302, 401];
    receiver.answer = ({ number }) => (number < statuses.length ? (statuses[number] as number | null) : 200);
    const path = await subscribe(await name(), { dest: receiver.url, stream: true });
    await see([40]);
    await receiver.until(() => receiver.received.length >= 1);
    const failing = await untilTold(path, (one) => one.delivery.failures >= 1);
    expect(failing.delivery).toMatchObject({ state: 'failing', lastError: expect.stringMatching(/500|socket hang up|ECONNRESET|302|401/) });
    expect(Date.parse(failing.delivery.nextTryAt as string)).toBeGreaterThan(0);
    await see([41]); // comes after, not into, the delivery that failed
    await receiver.until(() => seen(receiver).length >= 2);
    expect(seen(receiver)).toEqual([40, 41]);
    const ids = receiver.received.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(ids.slice(0, 5)).size).toBe(1);
    expect(ids[5]).not.toBe(ids[0]);
    expect((await untilTold(path, (one) => one.delivery.failures === 0)).delivery).toEqual({ state: 'well', failures: 0 });
  }, 60_000);

  it('send less at once to a client that answers 413 (S-8)', async () => {
    const receiver = await listen();
    receiver.answer = ({ events }) => (events.length > 3 ? 413 : 200);
    const numbers = Array.from({ length: 20 }, (_, i) => 100 + i);
    await subscribe(await name(), { dest: receiver.url, stream: true });
    await see(numbers);
    await receiver.until(() => seen(receiver).length >= numbers.length);
    expect(seen(receiver)).toEqual(numbers);
    expect(receiver.received.some(({ status }) => status === 413)).toBe(true);
  });

  it('go their own ways: one whose client fails holds up no other, and each gets all', async () => {
    const [good, bad] = [await listen(), await listen()];
    bad.answer = () => 503;
    const query = await name();
    await subscribe(query, { dest: bad.url, stream: true });
    await subscribe(query, { dest: good.url, stream: true });
    for (let i = 50; i < 60; i++) await see([i]);
    await good.until(() => seen(good).length >= 10);
    expect(seen(good)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
    expect(bad.taken).toEqual([]);
  });

  it('end when they are deleted, and all with their query (S-12)', async () => {
    const receiver = await listen();
    const other = await listen();
    const query = await name();
    const path = await subscribe(query, { dest: receiver.url, stream: true });
    const kept = await subscribe(query, { dest: other.url, stream: true });
    await see([60]);
    await receiver.until(() => seen(receiver).length >= 1);
    expect((await server.call('DELETE', path)).statusCode).toBe(204);
    for (const method of ['GET', 'DELETE', 'OPTIONS'] as const)
      expect(problemOf(await server.call(method, path))).toMatchObject({ status: 404, type: 'epcisException:NoSuchResourceException' });
    await see([61]);
    await other.until(() => seen(other).length >= 2);
    expect(seen(receiver)).toEqual([60]);
    expect((await server.call('DELETE', `/epcis/queries/${query}`)).statusCode).toBe(204);
    for (const one of [kept, `/epcis/queries/${query}/subscriptions`])
      expect(problemOf(await server.get(one))).toMatchObject({ status: 404, type: 'epcisException:NoSuchNameException' });
    const witness = await listen();
    await subscribe(await name(), { dest: witness.url, stream: true });
    await see([62]);
    await witness.until(() => seen(witness).length >= 1);
    expect(seen(other)).toEqual([60, 61]);
  });

  it('end with the key that subscribed, and say so', async () => {
    const receiver = await listen();
    const query = await name();
    const { id, key } = await server.service.deps.keys.grant({ name: 'a partner', roles: ['reader'] }, 'test');
    const path = await subscribe(query, { dest: receiver.url, stream: true }, { key });
    await see([70]);
    await receiver.until(() => seen(receiver).length >= 1);
    await server.call('DELETE', `/api/v1/keys/${id}`);
    await see([71]);
    expect((await untilTold(path, (one) => one.delivery.state === 'ended')).delivery.endedBecause).toMatch(/key/);
    expect(seen(receiver)).toEqual([70]);
  });

  it('are seen and ended by the key that subscribed and by admins alone, page by page (R-25)', async () => {
    const query = await name();
    const body = { dest: 'http://127.0.0.1:9/', schedule: { hour: '3' } };
    const mine = await subscribe(query, body, { key: server.keys.reader });
    const others = await subscribe(query, body);
    await subscribe(query, body);
    const list = `/epcis/queries/${query}/subscriptions`;
    const idsOf = async (url: string, key: string) => {
      const ids: string[] = [];
      for (let next: string | undefined = url; next !== undefined; ) {
        const answer = await server.get(next, { key });
        ids.push(...(answer.json() as Told[]).map((one) => one.subscriptionID));
        next = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
      }
      return ids;
    };
    expect(await idsOf(list, server.keys.reader)).toEqual([mine.split('/').at(-1)]);
    const all = await idsOf(`${list}?perPage=1`, server.keys.admin);
    expect([all.length, new Set(all).size]).toEqual([3, 3]);
    expect(all).toEqual(await idsOf(list, server.keys.admin));
    const link = /<(.+?)>/.exec((await server.get(`${list}?perPage=1`)).headers.link as string)?.[1] as string;
    const token = new URLSearchParams(link.split('?')[1]).get('nextPageToken') as string;
    const parts = JSON.parse(Buffer.from(token, 'base64url').toString()) as string[];
    const madeUp = Buffer.from(JSON.stringify([...parts.slice(0, 2), 'never x'])).toString('base64url');
    expect(problemOf(await server.get(link.replace(token, madeUp))).code).toBe('QRY-TOKEN');
    for (const method of ['GET', 'DELETE'] as const)
      expect(problemOf(await server.call(method, others, { key: server.keys.reader })).code).toBe('ACC-SCOPE');
    expect((await server.call('DELETE', mine, { key: server.keys.reader })).statusCode).toBe(204);
    expect((await server.call('POST', list, { key: server.keys.line, body })).statusCode).toBe(403);
  });

  it.each([
    ['neither stream nor schedule', { dest: 'https://p.example/' }, 'SUB-CONTROLS', '/stream'],
    ['both', { dest: 'https://p.example/', stream: true, schedule: { hour: '1' } }, 'SUB-CONTROLS', '/stream'],
    ['stream: false', { dest: 'https://p.example/', stream: false }, 'SUB-CONTROLS', '/stream'],
    ['a schedule out of range', { dest: 'https://p.example/', schedule: { hour: '24' } }, 'SUB-CONTROLS', '/schedule/hour'],
    ['a schedule without a field', { dest: 'https://p.example/', schedule: {} }, 'SUB-CONTROLS', '/schedule'],
    [
      'a time without zone',
      { dest: 'https://p.example/', stream: true, initialRecordTime: '2026-01-01T00:00:00' },
      'SUB-CONTROLS',
      '/initialRecordTime',
    ],
    ['no dest', { stream: true }, 'REQ-FORM', '/dest'],
    ['a dest that is no URL', { dest: 'partner', stream: true }, 'SUB-DEST', '/dest'],
    ['a dest of another scheme', { dest: 'ftp://p.example/', stream: true }, 'SUB-DEST', '/dest'],
    ['credentials in dest', { dest: 'https://a:b@p.example/', stream: true }, 'SUB-DEST', '/dest'],
    ['two tokens', { dest: 'https://p.example/', stream: true, secret: 'a', signatureToken: 'b' }, 'REQ-FORM', '/secret'],
    ['a further member', { dest: 'https://p.example/', stream: true, trigger: 'x' }, 'REQ-FORM', '/trigger'],
  ])('are refused with %s (S-1, S-3, S-10)', async (_what, body, code, at) => {
    const query = await name();
    const problem = problemOf(await server.call('POST', `/epcis/queries/${query}/subscriptions`, { body }));
    expect([problem.status, problem.code, problem.at]).toEqual([400, code, at]);
    if (code === 'SUB-CONTROLS') expect(problem.type).toBe('epcisException:SubscriptionControlsException');
    if (code === 'SUB-DEST') expect(problem.type).toBe('epcisException:InvalidURIException');
    expect((await server.get(`/epcis/queries/${query}/subscriptions`)).json()).toEqual([]);
  });

  it('are those of a query that there is, and JSON (R-9, R-12)', async () => {
    const body = { dest: 'https://p.example/', stream: true };
    expect(problemOf(await server.call('POST', '/epcis/queries/none/subscriptions', { body }))).toMatchObject({
      status: 404,
      code: 'QRY-NAME',
    });
    const query = await name();
    const xml = { body: '<a/>', headers: { 'content-type': 'application/xml' } };
    expect((await server.call('POST', `/epcis/queries/${query}/subscriptions`, xml)).statusCode).toBe(415);
    const options = await server.call('OPTIONS', `/epcis/queries/${query}/subscriptions`);
    expect([options.statusCode, options.headers.allow]).toEqual([204, 'OPTIONS, GET, POST']);
  });

  it('go on after a restart, with what came meanwhile and nothing twice (S-12)', async () => {
    const receiver = await listen();
    const path = await subscribe(await name(), { dest: receiver.url, stream: true });
    await see([80]);
    await receiver.until(() => seen(receiver).length >= 1);
    receiver.answer = () => 503;
    await see([81]);
    await receiver.until(() => receiver.received.length >= 2);
    await server.stop();
    receiver.answer = () => 200;
    const database = server.place;
    server = Object.assign(await TestServer.start({ ...PRIVATE, ...database }), {
      database: (server as unknown as { database: unknown }).database,
    });
    await see([82]);
    await receiver.until(() => seen(receiver).length >= 3);
    expect(seen(receiver)).toEqual([80, 81, 82]);
    expect((await untilTold(path, (one) => one.delivery.state === 'well')).delivery.failures).toBe(0);
  }, 60_000);
});

describe('webhooks to private addresses (S-10)', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
    await server.call('POST', '/epcis/queries', { body: { name: 'all', query: {} } });
  });
  afterAll(() => server.close());

  it.each(['http://127.0.0.1:8080/', 'http://[::1]/', 'http://localhost/', 'http://169.254.169.254/', 'http://10.1.2.3/', 'http://0/'])(
    'are refused unless they are allowed: %s',
    async (dest) => {
      const problem = problemOf(await server.call('POST', '/epcis/queries/all/subscriptions', { body: { dest, stream: true } }));
      expect(problem).toMatchObject({ status: 400, code: 'SUB-DEST', at: '/dest' });
    },
  );
});

describe('named queries and subscriptions that are kept', () => {
  it('are no more than so many; one that is deleted makes room', async () => {
    const server = await TestServer.start({}, undefined, { http: { namedQueries: 2, subscriptions: 1 } });
    const name = async (queryName: string) => await server.call('POST', '/epcis/queries', { body: { name: queryName, query: {} } });
    const subscribe = async (queryName: string) =>
      await server.call('POST', `/epcis/queries/${queryName}/subscriptions`, {
        body: { dest: 'https://p.example/', schedule: { hour: '1' } },
      });
    expect([(await name('a')).statusCode, (await name('b')).statusCode]).toEqual([201, 201]);
    expect(problemOf(await name('c'))).toMatchObject({ status: 409, code: 'QRY-LIMIT' });
    expect((await subscribe('a')).statusCode).toBe(201);
    expect(problemOf(await subscribe('b'))).toMatchObject({
      status: 400,
      code: 'SUB-LIMIT',
      type: 'epcisException:SubscribeNotPermittedException',
    });
    await server.call('DELETE', '/epcis/queries/a');
    expect([(await name('c')).statusCode, (await subscribe('c')).statusCode]).toEqual([201, 201]);
    await server.close();
  });
});
