import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, everyEvent } from '../support/epcis-documents.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

/** Lists that page by a token whose last part says where the next page begins. */
const LISTS = [
  '/epcis/capture',
  '/epcis/epcs',
  '/epcis/eventTypes',
  '/epcis/bizSteps',
  '/epcis/dispositions',
  '/epcis/readPoints',
  '/epcis/bizLocations',
  '/api/v1/findings',
  '/api/v1/masterdata',
  '/api/v1/masterdata/Location/urn%3Ax%3A1/history',
];
/** Where no page begins, in the form of one or another list. */
const CURSORS = [
  '', ' ', '-1', '1.5', '0x10', 'x', 'NaN', 'Infinity', '1e300', '2147483648', '9007199254740991', '-9007199254740991', '9007199254740992', '"', '[]', '{}', 'null',
  '{"through":1}', '{"through":"1","type":"urn:x:a","key":"b"}', '{"through":9007199254740991,"type":"urn:x:a","key":"b"}',
  '{"through":-9007199254740991,"type":"Location","key":"urn:x:1"}', '{"through":1,"type":"urn:x:a","key":"\\u0000"}', '{"through":1,"type":"a","key":{}}',
]; // biome-ignore format: a list

// A token needs no signature, for it grants nothing; so anybody can make one up.
describe.each(ENGINES)('page tokens that nobody was given, on %s (R-24)', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    for (let i = 0; i < 3; i++) {
      await server.capture(documentOf(everyEvent()));
      for (const id of ['urn:x:1', 'urn:x:2']) await server.call('POST', '/api/v1/masterdata', { body: { type: 'Location', id } });
    }
    const places = [1, 2].map((n) => ({ ...everyEvent()[0], readPoint: { id: `urn:x:${n}` }, bizLocation: { id: `urn:x:${n}` } }));
    await server.capture(documentOf(places));
  });
  afterAll(() => server.close());

  it.each(LISTS)('are refused or answered by %s, and no fault of the program', async (path) => {
    const { link } = (await server.get(`${path}?perPage=1`)).headers;
    const url = new URL(/<([^>]+)>/.exec(String(link))?.[1] as string, 'http://localhost');
    const token = url.searchParams.get('nextPageToken') as string;
    const [expires, digest] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [string, string];
    for (const cursor of CURSORS) {
      url.searchParams.set('nextPageToken', Buffer.from(JSON.stringify([expires, digest, cursor])).toString('base64url'));
      const answer = await server.get(url.pathname + url.search);
      expect([cursor, answer.statusCode, answer.body]).toEqual([
        cursor,
        expect.toSatisfy((status) => [200, 404].includes(status as number)),
        answer.body,
      ]);
    }
  });
});
