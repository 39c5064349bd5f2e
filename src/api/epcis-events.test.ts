import { type FastifyInstance, fastify, type InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bare,
  commission,
  declareError,
  documentOf,
  type Json,
  observe,
  packOf,
  packs,
  palletOf,
  ship,
  withID,
} from '../../test/support/events.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import type { CaptureService } from '../capture/service.ts';
import type { EpcFormat } from '../epcis/index.ts';
import { type QuestionName, questions } from '../query/questions.ts';
import type { Readers } from '../query/readers.ts';
import { readSettings } from '../settings.ts';
import { SqliteDb } from '../store/sqlite/open.ts';
import { readBodiesAsBytes } from './bodies.ts';
import { eventRoutes } from './epcis-events.ts';
import { checkVersionHeaders } from './epcis-headers.ts';
import { API_LIMITS, keepWithinLimits } from './limits.ts';
import { answerProblem } from './problems.ts';

let store: TestStore;
let app: FastifyInstance;

/** The routes alone, on a store of their own: what the whole application adds is tested with it. */
async function open(epcFormat: EpcFormat = 'Never_Translates'): Promise<FastifyInstance> {
  const db = new SqliteDb(store.db);
  const ask = async (name: QuestionName, args: unknown) =>
    await db.snapshot(async () => await (questions[name] as (db: SqliteDb, args: unknown) => Promise<unknown>)(db, args));
  const readers = { ask, look: ask, close: async () => {} } as unknown as Readers;
  const captureEvent: CaptureService['captureEvent'] = async ({ body, actor }) => await store.capture(body, { kind: 'event', actor });
  const made = fastify({ routerOptions: { maxParamLength: 1000 } });
  readBodiesAsBytes(made, keepWithinLimits(made, API_LIMITS), API_LIMITS);
  made.decorateRequest('principal', null);
  made.addHook('onRequest', async (request) => {
    request.principal = { id: 'k_test', name: 'test', roles: ['admin'], sites: [], bearer: 'k_test' };
  });
  made.addHook('onRequest', checkVersionHeaders);
  made.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, () => {}));
  await made.register(eventRoutes({ settings: { ...SETTINGS, epcFormat }, capture: { captureEvent } as CaptureService, readers }), {
    prefix: '/epcis',
  });
  return made;
}
const SETTINGS = readSettings();

beforeEach(async () => {
  store = await memoryStore();
  app = await open();
});
afterEach(async () => {
  await app.close();
  await store.close();
});

const get = async (url: string, headers: Record<string, string> = {}) => await app.inject({ url, headers });
const post = async (payload: unknown, headers: Record<string, string> = {}) =>
  await app.inject({
    method: 'POST',
    url: '/epcis/events',
    headers: { 'content-type': 'application/json', ...headers },
    payload: (typeof payload === 'string' ? payload : JSON.stringify(payload)) as NonNullable<InjectOptions['payload']>,
  });
type Answer = { body: string };
const eventsOf = (answer: Answer): Json[] =>
  (JSON.parse(answer.body) as { epcisBody: { queryResults: { resultsBody: { eventList: Json[] } } } }).epcisBody.queryResults.resultsBody
    .eventList;
const problemOf = (answer: Answer): Json => JSON.parse(answer.body) as Json;

describe('GET /epcis/events', () => {
  it('answers a query document of the events that meet the query', async () => {
    await store.capture([commission(0, packs(1, 3)), ship(5, palletOf(1))]);
    const answer = await get(`/epcis/events?MATCH_epc=${encodeURIComponent(packOf(2))}&EQ_action=ADD`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['gs1-epcis-version']).toBe('2.0.0');
    expect(answer.headers['link']).toBeUndefined();
    expect(eventsOf(answer)).toMatchObject([{ type: 'ObjectEvent', epcList: packs(1, 3), recordTime: '2026-03-02T08:00:00Z' }]);
  });

  it('answers 200 with no event when none meets it (R-4)', async () => {
    const answer = await get('/epcis/events?EQ_bizStep=shipping');
    expect([answer.statusCode, eventsOf(answer)]).toEqual([200, []]);
  });

  it.each([
    ['EQ_bizStop=shipping', 400, 'QRY-PARAM', 'epcisException:QueryParameterException', '?EQ_bizStop'],
    ['GE_eventTime=2026-03-01T08:00:00', 400, 'QRY-PARAM', 'epcisException:QueryParameterException', '?GE_eventTime'],
    ['EQ_action=ADD&EQ_action=ADD', 400, 'QRY-PARAM', 'epcisException:QueryParameterException', '?EQ_action'],
    ['perPage=0', 400, 'QRY-PARAM', 'epcisException:QueryParameterException', '?perPage'],
    ['WD_readPoint=here', 400, 'QRY-PARAM', 'epcisException:QueryParameterException', '?WD_readPoint'],
    ['nextPageToken=abc', 404, 'QRY-TOKEN', 'epcisException:NoSuchResourceException', '?nextPageToken'],
  ])('refuses ?%s with %i %s', async (search, status, code, type, at) => {
    const answer = await get(`/epcis/events?${search}`);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(problemOf(answer)).toMatchObject({ status, code, type, at });
  });

  it('refuses more events than maxEventCount with 413 (§9.2)', async () => {
    await store.capture([observe(0, packOf(1)), observe(1, packOf(2))]);
    expect(problemOf(await get('/epcis/events?maxEventCount=1'))).toMatchObject({
      status: 413,
      type: 'epcisException:QueryTooLargeException',
    });
  });

  it('leads from page to page by its links alone, with every parameter as it was (R-22)', async () => {
    for (let i = 0; i < 7; i++) await store.capture([observe(i, packOf(i)), ship(i, palletOf(i))]);
    let url: string | undefined =
      `/epcis/events?EQ_bizStep=inspecting%7Cpacking&orderBy=eventTime&perPage=3&LT_eventTime=2026-03-01T09:00:00%2B00:00`;
    const pages: unknown[][] = [];
    while (url !== undefined) {
      const answer = await get(url);
      expect(answer.statusCode).toBe(200);
      pages.push(eventsOf(answer).map((event) => (event['epcList'] as string[])[0]));
      const [, next] = /^<([^>]+)>; rel="next"$/.exec((answer.headers['link'] as string | undefined) ?? '') ?? [];
      const expires = answer.headers['gs1-next-page-token-expires'];
      if (next === undefined) expect(expires).toBeUndefined();
      else expect(Date.parse(expires as string)).toBeGreaterThan(Date.now());
      url = next;
    }
    expect(pages).toEqual([[packOf(6), packOf(5), packOf(4)], [packOf(3), packOf(2), packOf(1)], [packOf(0)]]);
  });

  it('takes another page size with a token, but no other condition (R-24)', async () => {
    await store.capture([1, 2, 3, 4].map((i) => observe(i, packOf(i))));
    const { headers } = await get('/epcis/events?perPage=1');
    const token = new URLSearchParams((headers['link'] as string).replace(/^<[^?]+\?|>.*$/g, '')).get('nextPageToken');
    expect(eventsOf(await get(`/epcis/events?perPage=2&nextPageToken=${token}`)).length).toBe(2);
    expect(problemOf(await get(`/epcis/events?perPage=2&EQ_action=ADD&nextPageToken=${token}`))).toMatchObject({
      status: 400,
      type: 'epcisException:QueryParameterException',
      at: '?nextPageToken',
    });
  });

  it('reads values by the prefixes of GS1-Extensions (Q-8)', async () => {
    await store.capture([observe(0, packOf(1), { step: 'http://ns.example.com/epcis/weighing' })]);
    const url = '/epcis/events?EQ_bizStep=ex:weighing';
    expect(eventsOf(await get(url, { 'gs1-extensions': 'other=urn:other:, ex=http://ns.example.com/epcis/' })).length).toBe(1);
    expect(eventsOf(await get(url, { 'gs1-extensions': 'ex=http://ns.example.com/other/' })).length).toBe(0);
    expect(problemOf(await get(url, { 'gs1-extensions': 'ex' }))).toMatchObject({ status: 400, at: 'GS1-Extensions' });
  });

  it('writes identifiers in the form of GS1-EPC-Format, else of the setting (V-9)', async () => {
    await app.close();
    app = await open('Always_GS1_Digital_Link');
    await store.capture([observe(0, packOf(1))]);
    const epc = async (headers: Record<string, string>) => eventsOf(await get('/epcis/events', headers))[0]?.['epcList'];
    expect(await epc({})).toEqual(['https://id.gs1.org/01/09520123000110/21/P1']);
    expect(await epc({ 'gs1-epc-format': 'Always_EPC_URN' })).toEqual([packOf(1)]);
    expect(await epc({ 'gs1-epc-format': 'Never_Translates' })).toEqual([packOf(1)]);
    expect(problemOf(await get('/epcis/events', { 'gs1-epc-format': 'urn' }))).toMatchObject({ status: 400, at: 'GS1-EPC-Format' });
  });

  it.each([
    ['*/*', 'application/json'],
    ['application/ld+json', 'application/ld+json'],
    ['application/xml;q=0.5, application/json;q=0.9', 'application/json'],
    ['application/xml;q=0.9, application/json;q=0.5', 'application/xml; charset=utf-8'],
  ])('answers Accept: %s with %s (R-10, J-8)', async (accept, type) => {
    expect((await get('/epcis/events', { accept })).headers['content-type']).toBe(type);
  });

  it('answers 406 to who takes neither JSON nor XML, and says what there is (R-10)', async () => {
    const answer = await get('/epcis/events', { accept: 'text/csv' });
    expect(problemOf(answer)).toMatchObject({ status: 406, type: 'epcisException:NotAcceptableException' });
    expect(answer.body).toContain('application/json');
  });
});

describe('GET /epcis/events/{eventID}', () => {
  it('finds an event by the id that it was answered with, slashes and all (R-5)', async () => {
    await store.capture([observe(0, packOf(1))]);
    const [event] = eventsOf(await get('/epcis/events'));
    expect(event?.['eventID']).toMatch(/^ni:\/\/\/sha-256;[0-9a-f]{64}\?ver=CBV2\.0$/);
    const answer = await get(`/epcis/events/${encodeURIComponent(event?.['eventID'] as string)}`);
    expect(answer.statusCode).toBe(200);
    expect(eventsOf(answer)).toEqual([event]);
  });

  it.each(['urn:uuid:00000000-0000-4000-8000-000000000001', 'https://example.com/events/7?of=a%2Fb&c#d', 'urn:example:50%25'])(
    'finds %s',
    async (eventID) => {
      const event = withID(observe(0, packOf(1)), eventID);
      await store.capture([event]);
      await store.capture([declareError(event)]);
      const answer = await get(`/epcis/events/${encodeURIComponent(eventID)}`);
      expect(eventsOf(answer).map((one) => [one['eventID'], 'errorDeclaration' in one])).toEqual([
        [eventID, false],
        [eventID, true],
      ]);
    },
  );

  it('answers 404 for an event that is not there', async () => {
    const answer = await get('/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000009');
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'NOT-FOUND', type: 'epcisException:NoSuchResourceException' });
  });
});

describe('POST /epcis/events', () => {
  it('stores one event and says where it is', async () => {
    const answer = await post(bare(observe(0, packOf(1))));
    expect([answer.statusCode, answer.body]).toEqual([201, '']);
    const location = answer.headers['location'] as string;
    expect(location).toMatch(/^\/epcis\/events\/ni%3A%2F%2F%2Fsha-256%3B[0-9a-f]{64}%3Fver%3DCBV2\.0$/);
    expect(eventsOf(await get(location))).toMatchObject([{ epcList: [packOf(1)] }]);
    expect(store.rows('SELECT actor FROM entry')).toEqual([{ actor: 'k_test' }]);
  });

  it('answers the same for an event that is stored already, under the id it is stored with (C-4)', async () => {
    const event = bare(observe(0, packOf(1)));
    const first = await post(withID(event, 'urn:example:1'));
    const again = await post(event);
    expect([again.statusCode, again.headers['location']]).toEqual([201, first.headers['location']]);
    expect(first.headers['location']).toBe('/epcis/events/urn%3Aexample%3A1');
    expect(store.rows('SELECT seq FROM event').length).toBe(1);
  });

  it('answers 409 when the eventID belongs to another event (C-4)', async () => {
    await post(withID(bare(observe(0, packOf(1))), 'urn:example:1'));
    const answer = await post(withID(bare(observe(1, packOf(2))), 'urn:example:1'));
    expect(problemOf(answer)).toMatchObject({
      status: 409,
      code: 'EV-ID-TAKEN',
      type: 'epcisException:ResourceAlreadyExistsException',
      at: '/eventID',
    });
  });

  it.each([
    ['text that is no JSON', '{"type":', 'EV-SYNTAX', '/type'],
    ['an event without context', observe(0, packOf(1)), 'EV-CONTEXT', '/@context'],
    ['an event against the schema', { ...bare(observe(0, packOf(1))), action: 'MOVE' }, 'EV-SCHEMA', '/action'],
    ['a broken identifier', bare(observe(0, 'urn:epc:id:sgtin:9520123.11.P1')), 'ID-LENGTH', '/epcList/0'],
    ['a document', documentOf([observe(0, packOf(1))]), 'EV-SCHEMA', '/type'],
    [
      'a document that spells its type otherwise',
      JSON.stringify(documentOf([observe(0, packOf(1))])).replace('"EPCISDocument"', '"EPCISDocumen\\u0074"'),
      'EV-SCHEMA',
      '/type',
    ],
  ])('answers 400 to %s', async (_, body, code, at) => {
    const answer = await post(body);
    expect(problemOf(answer)).toMatchObject({ status: 400, code, at, type: 'epcisException:ValidationException' });
    expect(store.rows('SELECT seq FROM event')).toEqual([]);
  });

  it('takes an event that only speaks of a document', async () => {
    expect((await post({ ...bare(observe(0, packOf(1))), 'cbvmda:note': 'EPCISDocument' })).statusCode).toBe(201);
  });

  it('answers 400 to an empty body, 415 to other media types (R-9)', async () => {
    expect(problemOf(await post(''))).toMatchObject({ status: 400, code: 'EV-SYNTAX' });
    const csv = await post('epc', { 'content-type': 'text/csv' });
    expect(problemOf(csv)).toMatchObject({ status: 415, type: 'epcisException:UnsupportedMediaTypeException' });
    expect(csv.body).toContain('application/json');
    expect((await post(bare(observe(0, packOf(1))), { 'content-type': 'application/ld+json; charset=utf-8' })).statusCode).toBe(201);
  });

  it('answers 400 when GS1-EPCIS-Version is not the version of a JSON event (R-13)', async () => {
    expect(problemOf(await post(bare(observe(0, packOf(1))), { 'gs1-epcis-version': '1.2' }))).toMatchObject({
      status: 400,
      at: 'GS1-EPCIS-Version',
    });
  });
});

describe('OPTIONS', () => {
  it.each([
    ['/epcis/events', 'OPTIONS, GET, POST'],
    ['/epcis/events/urn:example:1', 'OPTIONS, GET'],
  ])('of %s tells what may be done: %s (R-12)', async (url, allow) => {
    const answer = await app.inject({ method: 'OPTIONS', url });
    expect([answer.statusCode, answer.body, answer.headers['allow']]).toEqual([204, '', allow]);
    expect(answer.headers['gs1-epc-format']).toContain('Never_Translates');
    expect(answer.headers).toMatchObject({
      'gs1-epcis-version': '2.0.0',
      'gs1-cbv-version': '2.0.0',
      'gs1-epcis-min': '1.2',
      'gs1-epcis-max': '2.0',
    });
  });
});
