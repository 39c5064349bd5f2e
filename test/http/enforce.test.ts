import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatKey, parseEpc } from '../../src/identifiers/index.ts';
import { bare, commission, documentOf, pack, packOf, packs, palletOf, ship } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';

const keyOf = (epc: string) => formatKey(parseEpc(epc));

/** packs-wire.md, rules mode: `enforce` refuses an event for what `flag` stores and marks. */
describe('LOTLINE_RULES=enforce', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ rules: 'enforce' });
    expect((await server.capture(documentOf([commission(0, packs(1, 3))]))).success).toBe(true);
  });
  afterAll(async () => await server.close());

  it('answers 409 to an event, with the code and every serial, and stores nothing of it', async () => {
    const answer = await server.call('POST', '/epcis/events', { body: bare(commission(5, packs(2, 4))) });
    expect(answer.statusCode).toBe(409);
    expect(problemOf(answer)).toMatchObject({ code: 'SN-DUP', things: [packOf(2), packOf(3)].map(keyOf) });
    expect((await server.get(`/api/v1/things/${encodeURIComponent(packOf(4))}`)).statusCode).toBe(404);
  });

  it('tells of every refused event in the job, and under proceed stores the others as if those had not been', async () => {
    const events = [commission(6, packOf(5)), commission(7, packOf(1)), pack(8, palletOf(1), [packOf(5), packOf(9)]), ship(9, packOf(5))];
    const job = await server.capture(documentOf(events), { headers: { 'gs1-capture-error-behaviour': 'proceed' } });
    expect(job).toMatchObject({
      success: false,
      errors: [
        { code: 'SN-DUP', at: '/epcisBody/eventList/1', things: [keyOf(packOf(1))] },
        { code: 'AGG-UNKNOWN-CHILD', at: '/epcisBody/eventList/2', things: [keyOf(packOf(9))] },
      ],
    });
    const five = (await server.get(`/api/v1/things/${encodeURIComponent(packOf(5))}`)).json();
    expect(five).toMatchObject({ status: 'InTransit', parent: null });
  });

  it('judges a dry run the same, later events as if the earlier ones had been stored, and stores nothing (POST /check)', async () => {
    const events = [commission(20, packOf(30)), commission(21, packOf(1)), ship(22, packOf(30)), ship(23, packOf(31))];
    const answer = await server.call('POST', '/api/v1/check', { body: documentOf(events) });
    const verdicts = answer.json().events as { verdict: string; findings: { code: string; things: string[] }[] }[];
    expect(verdicts.map(({ verdict, findings }) => [verdict, ...findings.map((f) => f.code)])).toEqual([
      ['ok'],
      ['block', 'SN-DUP'],
      ['ok'],
      ['block', 'SN-UNKNOWN'],
    ]);
    expect(verdicts[3]?.findings[0]?.things).toEqual([keyOf(packOf(31))]);
    expect((await server.get(`/api/v1/things/${encodeURIComponent(packOf(30))}`)).statusCode).toBe(404);
  });
});
