import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, documentOf, objectEvent, sensorEvent, sgtin } from '../support/epcis-documents.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Json = Record<string, unknown>;
const EXTENSIONS = { 'gs1-extensions': 'q=http://ns.example.com/epcis/' };

describe.each(ENGINES)('query parameters over HTTP on %s', (engine) => {
  let server: TestServer;
  /** Seven events, five of which have ex:line: 2, 12, 1, 0.5 and the text 30. */
  const lines = [2, 12, null, 1, 0.5, '30', null];
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const events = lines.map((line, i) => ({
      ...objectEvent(),
      epcList: [sgtin(`S${i}`)],
      ilmd: { 'cbvmda:lotNumber': `L${i}` },
      ...(line !== null && { 'ex:line': line }),
    }));
    expect((await server.capture(bytesOf(documentOf([...events, sensorEvent()])).toString())).success).toBe(true);
  });
  afterAll(() => server.close());

  const events = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await server.get(url, { headers });
    expect(answer.statusCode, answer.body).toBe(200);
    const list = answer.json().epcisBody.queryResults.resultsBody.eventList as Json[];
    const lots = list.map((event) => (event['ilmd'] as Json | undefined)?.['cbvmda:lotNumber'] ?? event['bizStep']);
    return { lots, next: /<([^>]+)>;\s*rel="next"/.exec(String(answer.headers['link'] ?? ''))?.[1] ?? null };
  };

  it('find events by extension, ILMD and sensor value (Q-8, Q-13)', async () => {
    expect((await events('/epcis/events?GE_q:line=2&LT_q:line=30', EXTENSIONS)).lots).toEqual(['L0', 'L1']);
    expect((await events('/epcis/events?EQ_ILMD_cbvmda:lotNumber=L3%7CL6')).lots).toEqual(['L3', 'L6']);
    expect((await events('/epcis/events?EQ_type=Temperature&GT_value_FAH=41')).lots).toEqual(['sensor_reporting']);
    expect((await events('/epcis/events?EQ_type=Temperature&GT_value_FAH=42')).lots).toEqual([]);
  });

  it('follow an order by an extension field from page to page (Q-10, R-21, R-24)', async () => {
    const seen: unknown[] = [];
    let url: string | null = '/epcis/events?orderBy=http://ns.example.com/epcis/%23line&orderDirection=ASC&perPage=3';
    for (let pages = 0; url !== null && pages < 5; pages++) {
      const page: Awaited<ReturnType<typeof events>> = await events(url);
      seen.push(...page.lots);
      url = page.next;
    }
    expect(seen).toEqual(['L4', 'L3', 'L0', 'L1', 'L5', 'L2', 'L6', 'sensor_reporting']);
  });

  it('are refused by name when nothing declares their prefix (Q-3, Q-8)', async () => {
    const answer = await server.get('/epcis/events?EQ_q:line=2');
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'QRY-PARAM',
      at: '?EQ_q:line',
      type: 'epcisException:QueryParameterException',
    });
  });
});
