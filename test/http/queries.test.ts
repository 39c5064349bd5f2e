import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseOf, commission, documentOf, observe, pack, packOf, packs } from '../support/events.ts';
import { type Answer, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const PACKING = { eventType: ['AggregationEvent'] };

describe.each(ENGINES)('named queries on %s (epcis-2.0.md §7.1, R-8)', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    await server.capture(documentOf([commission(0, packs(1, 5)), pack(1, caseOf(1), packs(1, 2)), observe(2, packOf(3))]));
  });
  afterAll(() => server.close());

  const name = async (queryName: string, query: unknown, key = server.keys.admin) =>
    await server.call('POST', '/epcis/queries', { key, body: { name: queryName, query } });
  const eventsOf = (answer: Answer) => answer.json().epcisBody.queryResults.resultsBody.eventList as { type: string }[];
  const pathOf = (queryName: string) => `/epcis/queries/${encodeURIComponent(queryName)}`;

  it.each(['packing', 'Zürich / Nord', '50 % of "all"', '01?x=1#y'])(
    'are kept under the name %j and answered as they were given (R-8, R-5)',
    async (queryName) => {
      const made = await name(queryName, PACKING);
      expect([made.statusCode, made.headers.location, made.body]).toEqual([201, pathOf(queryName), '']);
      const got = await server.get(made.headers.location as string);
      expect([got.statusCode, got.json()]).toEqual([200, { name: queryName, query: PACKING }]);
      const events = await server.get(`${pathOf(queryName)}/events`);
      expect(events.json().epcisBody.queryResults.queryName).toBe(queryName);
      expect(eventsOf(events).map(({ type }) => type)).toEqual(['AggregationEvent']);
      expect((await server.call('DELETE', pathOf(queryName))).statusCode).toBe(204);
      for (const path of [pathOf(queryName), `${pathOf(queryName)}/events`])
        expect(problemOf(await server.get(path))).toMatchObject({
          status: 404,
          type: 'epcisException:NoSuchNameException',
          code: 'QRY-NAME',
        });
      expect((await server.call('DELETE', pathOf(queryName))).statusCode).toBe(404);
    },
  );

  it('are views also on what comes later (R-8)', async () => {
    await name('seen', { EQ_action: ['OBSERVE'] });
    const before = eventsOf(await server.get('/epcis/queries/seen/events')).length;
    await server.capture(documentOf([observe(5, packOf(4))]));
    expect(eventsOf(await server.get('/epcis/queries/seen/events'))).toHaveLength(before + 1);
  });

  it('page their events; the URL adds nothing else (R-22, R-25)', async () => {
    await name('every', {});
    const whole = eventsOf(await server.get('/epcis/queries/every/events'));
    const paged: unknown[] = [];
    for (let next: string | undefined = '/epcis/queries/every/events?perPage=1'; next !== undefined; ) {
      const answer = await server.get(next);
      expect(answer.statusCode).toBe(200);
      paged.push(...eventsOf(answer));
      next = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
    }
    expect(paged).toEqual(whole);
    for (const more of ['EQ_action=ADD', 'stream=true', 'nonsense='])
      expect(problemOf(await server.get(`/epcis/queries/every/events?${more}`))).toMatchObject({
        status: 400,
        type: 'epcisException:QueryParameterException',
        at: `?${more.split('=')[0]}`,
      });
  });

  it('come in the form of identifiers that is asked for (V-9)', async () => {
    await name('first', { EQ_bizStep: ['commissioning'] });
    const answer = await server.get('/epcis/queries/first/events', { headers: { 'GS1-EPC-Format': 'Always_EPC_URN' } });
    expect(eventsOf(answer)).toMatchObject([{ epcList: packs(1, 5) }]);
  });

  it('are listed by name, in pages (R-25)', async () => {
    for (const queryName of ['list-a', 'list-b', 'list-c']) await name(queryName, PACKING);
    const names: string[] = [];
    for (let next: string | undefined = '/epcis/queries?perPage=2'; next !== undefined; ) {
      const answer = await server.get(next);
      expect(answer.json().length).toBeLessThanOrEqual(2);
      names.push(...(answer.json() as { name: string }[]).map((query) => query.name));
      next = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
    }
    expect(names.filter((one) => one.startsWith('list-'))).toEqual(['list-a', 'list-b', 'list-c']);
    expect(names).toEqual([...new Set(names)].sort());
    expect((await server.get('/epcis/queries?perPage=0')).statusCode).toBe(400);
  });

  it('keep their name to themselves, and the standard its own (R-8, T-11)', async () => {
    await name('taken', PACKING);
    for (const taken of ['taken', 'SimpleEventQuery', 'SimpleMasterDataQuery'])
      expect(problemOf(await name(taken, {}))).toMatchObject({
        status: 409,
        type: 'epcisException:ResourceAlreadyExistsException',
        code: 'QRY-NAME-TAKEN',
      });
    expect((await server.get('/epcis/queries/taken')).json().query).toEqual(PACKING);
  });

  it.each([
    ['an unknown parameter', { name: 'wrong', query: { EQ_bizSteps: ['packing'] } }, 'QRY-BODY', '/query/EQ_bizSteps'],
    ['a text instead of a list', { name: 'wrong', query: { EQ_bizStep: 'packing' } }, 'QRY-BODY', '/query/EQ_bizStep'],
    ['paging in the query', { name: 'wrong', query: { perPage: 5 } }, 'QRY-BODY', '/query/perPage'],
    ['no query', { name: 'wrong' }, 'REQ-FORM', '/query'],
    ['no name', { query: {} }, 'REQ-FORM', '/name'],
    ['an empty name', { name: '', query: {} }, 'REQ-FORM', '/name'],
    ['a name with a line feed', { name: 'a\nb', query: {} }, 'REQ-FORM', '/name'],
    ['a name with half of a surrogate pair', { name: 'a\ud800', query: {} }, 'REQ-FORM', '/name'],
    ['a further member', { name: 'wrong', query: {}, queryType: 'events' }, 'REQ-FORM', '/queryType'],
    ['a query that is a list', { name: 'wrong', query: [] }, 'REQ-FORM', '/query'],
  ])('are refused with %s (Q-3, R-8)', async (_what, body, code, at) => {
    const problem = problemOf(await server.call('POST', '/epcis/queries', { body }));
    expect([problem.status, problem.code, problem.at]).toEqual([400, code, at]);
    if (code === 'QRY-BODY') expect(problem.type).toBe('epcisException:QueryValidationException');
    expect((await server.get('/epcis/queries/wrong')).statusCode).toBe(404);
  });

  it('take JSON alone, and answer in it alone (R-9, R-10)', async () => {
    const sent = await server.call('POST', '/epcis/queries', { body: '<query/>', headers: { 'content-type': 'application/xml' } });
    expect(problemOf(sent)).toMatchObject({ status: 415, type: 'epcisException:UnsupportedMediaTypeException' });
    expect((await server.get('/epcis/queries', { headers: { accept: 'image/png' } })).statusCode).toBe(406);
  });

  it('say with OPTIONS what may be done (R-12)', async () => {
    for (const [path, allow] of [
      ['/epcis/queries', 'OPTIONS, GET, POST'],
      ['/epcis/queries/x', 'OPTIONS, GET, DELETE'],
      ['/epcis/queries/x/events', 'OPTIONS, GET'],
    ] as const) {
      const answer = await server.call('OPTIONS', path);
      expect([answer.statusCode, answer.headers.allow, answer.headers['gs1-epcis-version']]).toEqual([204, allow, '2.0.0']);
    }
  });

  it('need the right to read, and are deleted by the key that made them or by an admin', async () => {
    for (const [method, path] of [
      ['GET', '/epcis/queries'],
      ['POST', '/epcis/queries'],
      ['GET', '/epcis/queries/x/events'],
    ] as const)
      expect(
        (await server.call(method, path, { key: server.keys.line, ...(method === 'POST' && { body: { name: 'l', query: {} } }) }))
          .statusCode,
      ).toBe(403);
    await name('owned', {}, server.keys.admin);
    expect(problemOf(await server.call('DELETE', '/epcis/queries/owned', { key: server.keys.reader })).code).toBe('ACC-SCOPE');
    await name('mine', {}, server.keys.reader);
    expect((await server.call('DELETE', '/epcis/queries/mine', { key: server.keys.reader })).statusCode).toBe(204);
    expect((await server.call('DELETE', '/epcis/queries/owned')).statusCode).toBe(204);
  });

  it('are no entries of the log (design.md §4)', async () => {
    const size = async () => (await server.get('/metrics')).body.match(/^lotline_log_entries (\d+)$/m)?.[1];
    const before = await size();
    await name('unlogged', {});
    await server.call('DELETE', '/epcis/queries/unlogged');
    expect(await size()).toBe(before);
  });

  it('are there after a restart (R-8)', async () => {
    await name('lasting', PACKING);
    await server.stop();
    const again = await TestServer.start(server.place);
    try {
      expect((await again.get('/epcis/queries/lasting')).json()).toEqual({ name: 'lasting', query: PACKING });
    } finally {
      await again.stop();
    }
  });
});
