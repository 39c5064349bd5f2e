import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Result = {
  index: number;
  message: string;
  status: string;
  eventID?: string;
  grantId?: string;
  serials?: string[];
  problem?: { code: string; at: string };
};

const GTIN = '09520123000110';
const serialFormat = { gtin: GTIN };

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  let pool: string;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    pool = (await post('/pools', { gtin: GTIN, length: 12 })).json().id;
  });
  afterAll(() => server.close());

  const post = async (url: string, body: unknown): Promise<Answer> =>
    await server.call('POST', `/api/v1${url}`, { body, key: server.keys.line });
  const send = async (...messages: object[]): Promise<Result[]> => {
    const answer = await post('/open-scs', { messages });
    expect(answer.statusCode, answer.body.slice(0, 500)).toBe(200);
    return answer.json().results;
  };
  const thing = async (serial: string) => (await server.get(`/api/v1/things/${encodeURIComponent(`01/${GTIN}/21/${serial}`)}`)).json();
  let minute = 0;
  const now = () => new Date(Date.parse('2026-03-01T08:00:00Z') + minute++ * 60_000).toISOString();
  const told = (message: string, serials: readonly string[], more: object = {}, labels: object = {}) => ({
    message, eventTime: now(), serialFormat, labels: { serials, ...labels }, ...more,
  }); // biome-ignore format: a record
  const request = async (quantity: number): Promise<string[]> => {
    const [result] = await send({ message: 'SNRequestAllocated', pool, quantity, requester: 'line 3', run: 'run-1' });
    expect(result).toMatchObject({ status: 'accepted' });
    return (result as Result).serials as string[];
  };

  it('says how many messages one call may hold, and takes every one of domain.md §4.2', async () => {
    const limits = (await server.get('/api/v1/open-scs', { key: server.keys.line })).json();
    expect(limits.maxEventsPerCall).toBe(100);
    expect(limits.messages.sort()).toEqual(
      `SNRequestUnassigned SNRequestUnallocated SNRequestAllocated SNReturnUnallocated SNReturnAllocated SNtoUnallocated SNtoAllocated SNtoEncoded
       SNInvalidatingEvent LabelsEncodingEvent LabelsScrappingEvent LabelsInspectingEvent LabelsSamplingEvent SIDCommissioningEvent SIDDestroyingEvent
       SIDShippingEvent SIDInspectingEvent SIDDecommissioningEvent AggregationPackingEvent AggregationUnpackingEvent`.split(/\s+/).sort(),
    ); // biome-ignore format: a list
    const one = told('LabelsEncodingEvent', ['A']);
    expect((await post('/open-scs', { messages: Array.from({ length: 101 }, () => one) })).statusCode).toBe(400);
  });

  it('grants, takes back and invalidates numbers', async () => {
    const [a, b, c] = (await request(3)) as [string, string, string];
    const key = { message: 'SNRequestUnallocated', pool, quantity: 2, key: 'k1' };
    const [first, again] = await send(key, key);
    expect(again?.grantId).toBe(first?.grantId);
    expect(
      await send(
        { message: 'SNReturnAllocated', pool, labels: { serials: [a] }, purged: true },
        { message: 'SNReturnAllocated', pool, labels: { serials: [a] }, purged: true },
        { message: 'SNInvalidatingEvent', pool, labels: { serials: [b] } },
        { message: 'SNReturnUnallocated', pool, labels: { serials: ['NEVER'] }, purged: true },
        { message: 'SNReturnAllocated', pool, labels: { serials: [c] } },
      ),
    ).toMatchObject([
      { status: 'accepted' },
      { status: 'repeated' },
      { status: 'accepted' },
      { status: 'refused', problem: { code: 'SN-STATE' } },
      { status: 'refused', problem: { code: 'REQ-FORM', at: '/purged' } },
    ]);
  });

  it('takes in numbers from above, free or for a run', async () => {
    const own = (await post('/pools', { gtin: '09520123000127', length: 4, alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' })).json().id;
    const results = await send(
      { message: 'SNtoUnallocated', pool: own, labels: { serials: ['AAAA', 'BBBB'] } },
      { message: 'SNtoAllocated', pool: own, run: 'run-2', labels: { serials: ['CCCC', 'DDDD'] } },
      { message: 'SNRequestAllocated', pool: own, run: 'run-2', quantity: 2 },
      { message: 'SNRequestAllocated', pool: own, run: 'run-2', quantity: 1 },
      { message: 'SNtoAllocated', pool: own, labels: { serials: ['EEEE'] } },
    );
    expect(results).toMatchObject([
      { status: 'accepted' },
      { status: 'accepted', grantId: expect.stringContaining('grant_') },
      { status: 'accepted', serials: ['AAAA', 'BBBB'] },
      { status: 'refused', problem: { code: 'SN-GUESSABLE' } },
      { status: 'refused', problem: { code: 'REQ-FORM', at: '/run' } },
    ]);
    expect((await server.get(`/api/v1/pools/${own}`)).json()).toMatchObject({ imported: 4, granted: 4, remaining: 0 });
  });

  it('tells a run from label to pallet, as EPCIS events that the ordinary questions know', async () => {
    const batch = (await post('/batches', { gtin: GTIN, lot: 'L1', expiry: '2028-02-29', line: 'line 3', planned: 4 })).json().id;
    const [granted] = (await send({ message: 'SNRequestAllocated', pool, quantity: 6, requester: 'line 3', run: batch })) as [
      Required<Result>,
    ];
    const [scrapped, sampledLabel, destroyed, inactive, packed, shipped] = granted.serials as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const packs = [destroyed, inactive, packed, shipped];
    const sscc = '095201230000000011';
    const results = await send(
      told('SNtoEncoded', [scrapped]),
      told('LabelsEncodingEvent', [sampledLabel, ...packs]),
      told('LabelsInspectingEvent', packs),
      told('LabelsScrappingEvent', [scrapped]),
      told('LabelsSamplingEvent', [sampledLabel]),
      told(
        'SIDCommissioningEvent',
        packs,
        { readPoint: '9520123000103', context: { order: 'PO-7', line: '3', operator: 'B-1234' } },
        { lot: 'L1', expiry: '280229', madeDate: '260301' },
      ),
      told('SIDInspectingEvent', packs),
      told('SIDDestroyingEvent', [destroyed]),
      told('SIDDecommissioningEvent', [inactive]),
      { ...told('SIDCommissioningEvent', [sscc]), serialFormat: { sscc: true } },
      told('AggregationPackingEvent', [packed, shipped], { parent: `(00)${sscc}` }),
      told('AggregationUnpackingEvent', [shipped], { parent: `urn:epc:id:sscc:9520123.0000000001` }),
      told('SIDShippingEvent', [shipped], { readPoint: '9520123000103', bizLocation: '9520123000103' }),
    );
    expect(results.map(({ status, problem }) => [status, problem])).toEqual(results.map(() => ['accepted', undefined]));
    expect(await thing(packed)).toMatchObject({ status: 'Commissioned', lot: 'L1', expiry: '2028-02-29', parent: `00/${sscc}` });
    expect(await thing(shipped)).toMatchObject({ status: 'InTransit', parent: null });
    expect(await thing(destroyed)).toMatchObject({ status: 'Destroyed' });
    expect((await server.get(`/api/v1/batches/${batch}`)).json()).toMatchObject({
      issued: 6, invalid: 2, labelsScrapped: 1, labelsSampled: 1, commissioned: 4, destroyed: 1, inactive: 1, good: 2, unaccounted: 0,
    }); // biome-ignore format: a table
    const commissioning = (await server.get(`/epcis/events/${encodeURIComponent(results[5]?.eventID as string)}`)).json();
    expect(JSON.stringify(commissioning)).toContain('2026-03-01');
    expect(JSON.stringify(commissioning)).toContain('PO-7');
  });

  it('takes the example of each message in docs/numbers.md as it stands there', async () => {
    const [, json = ''] = /```json\n([\s\S]+?)```/.exec(readFileSync(join(import.meta.dirname, '../../docs/numbers.md'), 'utf8')) ?? [];
    const { messages } = JSON.parse(json.replaceAll('pool_…', pool)) as { messages: { message: string }[] };
    const results = await send(...messages);
    const { messages: all } = (await server.get('/api/v1/open-scs')).json();
    expect(results.map(({ message }) => message).sort()).toEqual(all.sort());
    // The numbers of the example were never granted, and the pool makes its own.
    const refused = results.filter(({ status }) => status === 'refused').map(({ message, problem }) => [message, problem?.code]);
    expect(refused).toEqual(
      ['SNReturnUnallocated', 'SNReturnAllocated', 'SNInvalidatingEvent', 'SNtoUnallocated', 'SNtoAllocated'].map((name) => [
        name,
        'SN-STATE',
      ]),
    );
  });

  it('a message that is sent again has no second effect', async () => {
    const [serial] = (await request(1)) as [string];
    const message = told('SIDCommissioningEvent', [serial], {}, { lot: 'L2', expiry: '2028-02-29' });
    const results = await send(message, message);
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'repeated']);
    expect(results[1]?.eventID).toBe(results[0]?.eventID);
  });

  it('a message that is refused says where, and keeps none back', async () => {
    const results = await send(
      told('SIDCommissioningEvent', ['A B'], {}, { lot: 'L3' }),
      told('SIDCommissioningEvent', ['GOOD1'], {}, { lot: 'L3 ' }),
      told('SIDCommissioningEvent', ['GOOD1'], { serialFormat: { gtin: '09520123000111' } }, { lot: 'L3' }),
      told('SIDCommissioningEvent', ['GOOD1'], { context: { operator: 'Jane Doe' } }, { lot: 'L3' }),
      told('AggregationPackingEvent', ['GOOD1']),
      told('AggregationPackingEvent', ['GOOD1'], { parent: '00/1' }),
      { ...told('SIDCommissioningEvent', ['123456789012345678']), serialFormat: { sscc: true } },
      { ...told('SIDShippingEvent', ['GOOD1']), eventTime: 'yesterday' },
      { ...told('SIDShippingEvent', ['GOOD1']), labels: undefined },
      { message: 'SNRequestAllocated', pool: 'none', quantity: 1, run: 'r' },
      told('SIDCommissioningEvent', ['GOOD1'], {}, { lot: 'L3', expiry: '2028-02-29' }),
    );
    expect(results.map(({ status, problem }) => [status, problem?.code, problem?.at])).toEqual([
      ['refused', 'ID-CHARSET', '/labels/serials/0'],
      ['refused', 'ID-CHARSET', '/labels/lot'],
      ['refused', 'ID-CHECK', '/serialFormat'],
      ['refused', 'PII-FOUND', '/context/operator'],
      ['refused', 'REQ-FORM', '/parent'],
      ['refused', 'ID-LENGTH', '/parent'],
      ['refused', 'ID-CHECK', '/labels/serials/0'],
      ['refused', 'EV-SCHEMA', '/eventTime'],
      ['refused', 'REQ-FORM', '/labels'],
      ['refused', 'NOT-FOUND', '{id}'],
      ['accepted', undefined, undefined],
    ]);
    expect(problemOf(await post('/open-scs', { messages: [{ message: 'Unheard' }] }))).toMatchObject({ status: 400, code: 'REQ-FORM' });
    expect((await server.call('POST', '/api/v1/open-scs', { key: server.keys.reader, body: { messages: [] } })).statusCode).toBe(403);
  });
});
