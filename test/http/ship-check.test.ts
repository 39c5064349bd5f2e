import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bare, caseOf, commission, DISTRIBUTOR, decommission, documentOf, type Json, lotOf, MAKER, observe, observeLot, pack, packOf, packs, palletOf, partyOf,
  receive, SHOP, ship, siteOf,
} from '../support/events.ts'; // biome-ignore format: a list
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Verdict = {
  verdict: string;
  findings: { code: string; things: string[] }[];
  completeness?: { line: number; name: string; ok: boolean | null; missing: string[] }[];
};
const key = (n: number) => `01/09520123000110/21/P${n}`;

describe.each(ENGINES)('the dry run of a shipment (domain.md §7.2), on %s', (engine) => {
  let server: TestServer;
  /** Pallets of one case of three packs each: 1 sound, 2 of a recalled lot, 3 with a pack on hold, 4 that expires soon, 5 with a decommissioned pack put in. */
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const laden = (n: number, o: Json) => [
      commission(0, packs(n * 10 + 1, n * 10 + 3), { lot: `L${n}`, expiry: '2028-01-31', site: MAKER, ...o }),
      commission(0, [caseOf(n), palletOf(n)], { site: MAKER }),
      pack(1, caseOf(n), packs(n * 10 + 1, n * 10 + 3), { site: MAKER }),
      pack(2, palletOf(n), caseOf(n), { site: MAKER }),
    ];
    const { success, errors } = await server.capture(
      documentOf([
        ...[1, 2, 3, 5, 6, 7].flatMap((n) => laden(n, {})),
        ...laden(4, { expiry: '2026-04-15' }),
        observeLot(5, [{ epcClass: lotOf('L2') }], { step: 'inspecting' }, { persistentDisposition: { set: ['recalled'] } }),
        observe(5, packOf(32), { step: 'holding' }),
        decommission(0.5, packOf(51)),
        ship(6, palletOf(6), { from: MAKER, to: DISTRIBUTOR, site: MAKER }),
        ship(6, palletOf(7), { from: MAKER, to: DISTRIBUTOR, site: MAKER }),
        receive(7, palletOf(7), { from: MAKER, to: DISTRIBUTOR, site: DISTRIBUTOR }),
      ]),
    );
    expect(errors).toEqual([]);
    expect(success).toBe(true);
  });
  afterAll(async () => await server.close());

  const check = async (event: Json, query = ''): Promise<Verdict> => {
    const answer = await server.call('POST', `/api/v1/ship/check${query}`, { body: bare(event) });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json().events[0];
  };
  const planned = (n: number, o: Json = {}) => ship(60, palletOf(n), { from: MAKER, to: SHOP, site: MAKER, ...o });
  const codes = ({ findings }: Verdict) => Object.fromEntries(findings.map(({ code, things }) => [code, [...things].sort()]));

  it('finds nothing against a sound pallet, and stores nothing', async () => {
    expect(codes(await check(planned(1)))).toEqual({});
    expect((await server.get(`/api/v1/things/${encodeURIComponent(key(11))}`)).json().status).toBe('Commissioned');
  });

  it.each<[string, number, string, Record<string, string[]>]>([
    ['a lot that is recalled', 2, '', { 'SHIP-RECALLED': [key(21), key(22), key(23)] }],
    ['one pack on hold', 3, '', { 'SHIP-HELD': [key(32)] }],
    ['packs that expire within the promised life', 4, '?minimumLife=60', { 'SHIP-EXPIRED': [key(41), key(42), key(43)] }],
    ['a pack that was decommissioned', 5, '', { 'SN-AFTER-END': [key(51)] }],
  ])('blocks for %s inside of the pallet, and names what offends', async (_, n, query, expected) => {
    const verdict = await check(planned(n), query);
    expect(verdict.verdict).toBe('block');
    expect(codes(verdict)).toEqual(expected);
  });

  it('holds an expiry to the day: good through it, and to the promised life', async () => {
    expect(codes(await check(planned(4)))).toEqual({});
    const on = (time: string) => ({ ...planned(4), eventTime: time });
    expect(codes(await check(on('2026-04-15T23:59:59.999Z')))).toEqual({});
    expect(codes(await check(on('2026-04-16T00:00:00Z')))).toMatchObject({ 'SHIP-EXPIRED': [key(41), key(42), key(43)] });
  });

  it('blocks what is in transit already, what somebody else holds, and what was never heard of', async () => {
    expect(Object.keys(codes(await check(planned(6))))).toEqual(['SHIP-TWICE']);
    expect(codes(await check(planned(6)))['SHIP-TWICE']).toHaveLength(5);
    expect(codes(await check(planned(7)))['SHIP-TWICE']).toHaveLength(5);
    // Its holder may.
    expect(codes(await check(planned(7, { from: DISTRIBUTOR, site: DISTRIBUTOR })))).toEqual({});
    expect(codes(await check(planned(99)))['SN-UNKNOWN']).toEqual([`00/${codesOf99}`]);
  });
  const codesOf99 = '095201230000000998';

  it('blocks a partner without a licence in force, once master data know of licences (SHIP-PARTNER)', async () => {
    const licensed = (party: number, until: string) => ({
      type: 'urn:epcglobal:epcis:vtype:Party',
      vocabularyElementList: [{ id: partyOf(party), attributes: [{ id: 'urn:lotline:mda:licenceValidUntil', attribute: until }] }],
    });
    await server.capture(
      documentOf([], {
        epcisHeader: { epcisMasterData: { vocabularyList: [licensed(SHOP, '2027-12-31'), licensed(DISTRIBUTOR, '2025-12-31')] } },
      }),
    );
    expect(codes(await check(planned(1)))).toEqual({});
    expect(Object.keys(codes(await check(planned(1, { to: DISTRIBUTOR }))))).toEqual(['SHIP-PARTNER']);
    expect(Object.keys(codes(await check(planned(1, { to: 77 }))))).toEqual(['SHIP-PARTNER']);
  });

  it('blocks a lot whose batch is open, and lets it pass once that is closed (SHIP-NOTREL; domain.md §4, 7→11)', async () => {
    const gtin = '09520123000110';
    const LOT = { lot: 'B1', expiry: '2028-01-31' };
    const post = async (path: string, body: unknown) => {
      const answer = await server.call('POST', `/api/v1${path}`, { body });
      expect(answer.statusCode, answer.body).toBeLessThan(300);
      return answer.json();
    };
    const batch = (await post('/batches', { gtin, ...LOT, line: 'line 1', planned: 2 })).id;
    const pool = (await post('/pools', { gtin, length: 12, alphabet: '0123456789' })).id;
    const { serials } = await post(`/pools/${pool}/grants`, { quantity: 2, requester: 'line 1', run: batch });
    const made = serials.map((serial: string) => `urn:epc:id:sgtin:9520123.000011.${serial}`);
    const keys = serials.map((serial: string) => `01/${gtin}/21/${serial}`).sort();
    await server.capture(documentOf([commission(0, made, { ...LOT, site: MAKER }), pack(2, palletOf(90), made, { site: MAKER })]));
    const released = async () => (await server.get(`/api/v1/things/${encodeURIComponent(keys[0])}`)).json().released;
    const verdict = await check(planned(90));
    expect(verdict.verdict).toBe('block');
    expect(codes(verdict)).toEqual({ 'SHIP-NOTREL': keys });
    expect(await released()).toBe(false);
    const counters = { goodPrints: 2, finishedPacks: 2, loose: [], partial: [], rejected: [], theoretical: 2 };
    expect(await post(`/batches/${batch}/close`, { counters })).toMatchObject({ state: 'closed', reasons: [] });
    expect(codes(await check(planned(90)))).toEqual({});
    expect(await released()).toBe(true);
  });

  it('blocks what somebody holds to be suspect, until the finding is closed (§9)', async () => {
    const raised = await server.call('POST', '/api/v1/findings', { body: { code: 'EX-PKG-2', things: [key(12)], stage: 'suspect' } });
    expect(codes(await check(planned(1)))).toEqual({ 'SHIP-HELD': [key(12)] });
    await server.call('PATCH', `/api/v1/findings/${raised.json().id}`, { body: { state: 'closed' } });
    expect(codes(await check(planned(1)))).toEqual({});
  });

  it('tells what is missing in the data, line by line (epcis-2.0.md §16.4)', async () => {
    const lines = async (event: Json) => Object.fromEntries((await check(event)).completeness!.map(({ line, ok }) => [line, ok]));
    expect(await lines(planned(1))).toEqual({
      1: true,
      2: true,
      3: false,
      4: false,
      5: false,
      6: false,
      7: true,
      8: true,
      9: null,
      10: null,
    });
    const sourced = (list: string, member: string, party: number) => ({
      [list]: [
        { type: 'owning_party', [member]: partyOf(party) },
        { type: 'location', [member]: siteOf(party) },
      ],
    });
    const product = [
      'additionalTradeItemIdentification',
      'regulatedProductName',
      'strengthDescription',
      'dosageFormType',
      'netContentDescription',
      'manufacturerOfTradeItemPartyName',
    ];
    const attributes = (names: string[]) => names.map((name) => ({ id: `urn:epcglobal:cbv:mda#${name}`, attribute: `some ${name}` }));
    const whole = documentOf(
      [
        {
          ...planned(1),
          ...sourced('sourceList', 'source', MAKER),
          ...sourced('destinationList', 'destination', SHOP),
          bizTransactionList: [{ type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }],
        },
      ],
      {
        '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { gs1ushc: 'http://epcis.gs1us.org/hc/ns#' }],
        epcisHeader: {
          'gs1ushc:dscsaTransactionStatement': { 'gs1ushc:affirmTransactionStatement': true },
          epcisMasterData: {
            vocabularyList: [
              {
                type: 'urn:epcglobal:epcis:vtype:EPCClass',
                vocabularyElementList: [{ id: 'urn:epc:idpat:sgtin:9520123.000011.*', attributes: attributes(product) }],
              },
              {
                type: 'urn:epcglobal:epcis:vtype:Party',
                vocabularyElementList: [MAKER, SHOP].map((n) => ({
                  id: partyOf(n),
                  attributes: attributes(['name', 'streetAddressOne', 'city', 'countryCode']),
                })),
              },
            ],
          },
        },
      },
    );
    const answer = await server.call('POST', '/api/v1/ship/check', { body: whole });
    const [verdict] = answer.json().events as Verdict[];
    expect(verdict!.completeness!.filter(({ ok }) => ok === false)).toEqual([]);
  });

  it('sees the content that the same document tells of, and says that a container of unknown content is one', async () => {
    const answer = await server.call('POST', '/api/v1/ship/check', {
      body: documentOf([
        commission(10, packs(80, 81), { lot: 'L8', expiry: '2028-01-31' }),
        commission(10, palletOf(8)),
        pack(11, palletOf(8), packs(80, 81)),
        planned(8),
      ]),
    });
    const events = answer.json().events as Verdict[];
    expect(events[3]!.completeness![0]).toMatchObject({ line: 1, ok: true });
    expect(events[0]!.completeness).toBeUndefined();
    const empty = await server.call('POST', '/api/v1/ship/check', { body: documentOf([commission(10, palletOf(9)), planned(9)]) });
    expect((empty.json().events as Verdict[])[1]!.completeness![0]).toMatchObject({ line: 1, ok: false });
    expect((await server.get('/api/v1/things/01%2F09520123000110%2F21%2FP80')).statusCode).toBe(404);
  });

  it('refuses terms that are none', async () => {
    expect(problemOf(await server.call('POST', '/api/v1/ship/check?minimumLife=-1', { body: bare(planned(1)) })).code).toBe('REQ-FORM');
  });
});
