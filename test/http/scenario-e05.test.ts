import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bare, caseOf, commission, documentOf, type Json, lotOf, MAKER, observeLot, pack, packOf, packs, palletOf, quantityOf, receive, ship, transform, unpack,
} from '../support/events.ts'; // biome-ignore format: a list
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const RAW = (lot: string) => lotOf(lot, 99);
const BLEND = (lot: string) => lotOf(lot, 98);
const of = (key: string) => encodeURIComponent(key);
const key = (n: number) => `01/09520123000110/21/P${n}`;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** A case holds a hundred packs: case 1 has 1 to 100. */
const inCase = (n: number) => packs(n * 100 - 99, n * 100);

/**
 * R1 → blend B1 → L1 (cases 1 to 40) and L2 (41 to 68); R2 → B2 → L3 (case 69), which R1 has nothing to do with. Pallets 1 to 4 hold eight cases of L1,
 * 5 to 8 five of L2, each at a customer of its own; pallet 9 holds eight of each and is in transit, so the maker's still. Customer 2 has broken case 1.
 */
const pallets = [
  ...range(1, 4).map((n) => range(n * 8 - 7, n * 8)),
  ...range(5, 8).map((n) => range(41 + (n - 5) * 5, 45 + (n - 5) * 5)),
  [...range(33, 40), ...range(61, 68)],
  [69],
];
const customerOf = (pallet: number) => pallet + 1;
const IN_TRANSIT = 9;

describe.each(ENGINES)('E-05, the recall of R1 (domain.md §20), on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine, {}, undefined, () => Date.parse('2026-06-01T12:00:00Z'));
    const lot = (name: string, blend: string, first: number, last: number) => [
      transform(-10, [quantityOf(BLEND(blend), 1, 'KGM')], [quantityOf(lotOf(name), (last - first + 1) * 100)], { site: MAKER }),
      commission(0, range(first, last).flatMap(inCase), { lot: name, expiry: '2028-01-31', site: MAKER }),
    ];
    const job = await server.capture(
      documentOf([
        ...['R1', 'R2'].map((raw) => observeLot(-30, [quantityOf(RAW(raw), 100, 'KGM')], { step: 'receiving', site: MAKER })),
        transform(-20, [quantityOf(RAW('R1'), 10, 'KGM')], [quantityOf(BLEND('B1'), 10, 'KGM')], { site: MAKER }),
        transform(-20, [quantityOf(RAW('R2'), 10, 'KGM')], [quantityOf(BLEND('B2'), 10, 'KGM')], { site: MAKER }),
        ...lot('L1', 'B1', 1, 40),
        ...lot('L2', 'B1', 41, 68),
        ...lot('L3', 'B2', 69, 69),
        ...range(1, 69).map((n) => pack(10, caseOf(n), inCase(n), { site: MAKER })),
        ...pallets.map((cases, i) => pack(20, palletOf(i + 1), cases.map(caseOf), { site: MAKER })),
        ...pallets.map((_, i) => ship(30, palletOf(i + 1), { site: MAKER, from: MAKER, to: customerOf(i + 1) })),
        ...pallets.flatMap((_, i) =>
          i + 1 === IN_TRANSIT ? [] : [receive(60, palletOf(i + 1), { site: customerOf(i + 1), from: MAKER, to: customerOf(i + 1) })],
        ),
        unpack(70, palletOf(1), caseOf(1), { site: 2 }),
        unpack(71, caseOf(1), [], { site: 2 }),
      ]),
    );
    expect(job.errors).toEqual([]);
  }, 120_000);
  afterAll(() => server.close());

  const scope = async () => (await server.get(`/api/v1/genealogy/scope?of=${of(RAW('R1'))}`)).json();
  const verify = async (n: number, lot: string) =>
    (await server.get(`/verify/gtin/09520123000110/lot/${lot}/ser/P${n}?exp=280131&reqGLN=9520123000028`)).json().data;
  const shipCheck = async (thing: string, from: number): Promise<Record<string, string[]>> => {
    const body = bare(ship(300, thing, { site: from, from, to: 20 }));
    const answer = await server.call('POST', '/api/v1/ship/check', { body });
    expect(answer.statusCode, answer.body).toBe(200);
    const [{ verdict, findings }] = answer.json().events as [{ verdict: string; findings: { code: string; things: string[] }[] }];
    expect(verdict).toBe(findings.length === 0 ? 'ok' : 'block');
    return Object.fromEntries(findings.map(({ code, things }) => [code, things]));
  };

  it('is scoped to L1 and L2, which share a blend: 6,800 packs in the hands of 9', async () => {
    const { lots, packs: found, complete } = await scope();
    expect(lots.map(({ lot, packs: count }: Json) => [lot, count])).toEqual([
      ['L1', 4_000],
      ['L2', 2_800],
    ]);
    expect(found.total).toBe(6_800);
    expect(found.byHolder).toHaveLength(9);
    const counts = found.byHolder.map(({ count }: { count: number }) => count);
    expect(counts).toEqual([1_600, 800, 800, 800, 800, 500, 500, 500, 500]);
    expect(found.byStatus.map(({ status, count }: Json) => [status, count])).toEqual([
      ['Received', 5_200],
      ['InTransit', 1_600],
    ]);
    expect(complete).toBe(true);
  });

  it('is nothing yet to verification and shipping', async () => {
    expect(await verify(1, 'L1')).toEqual({ verified: true });
    expect(await shipCheck(packOf(1), 2)).toEqual({});
    expect(await shipCheck(palletOf(5), customerOf(5))).toEqual({});
  });

  it('freezes every pack with one event a lot, those inside of a sealed pallet in transit by inference', async () => {
    const { lots } = await scope();
    const recall = lots.map(({ lot }: { lot: string }) =>
      observeLot(100, [{ epcClass: lotOf(lot) }], { step: 'inspecting', site: MAKER }, { persistentDisposition: { set: ['recalled'] } }),
    );
    expect((await server.capture(documentOf(recall))).errors).toEqual([]);
    const { packs: found } = await scope();
    expect(found).toMatchObject({ total: 6_800, byStatus: [{ status: 'Recalled', count: 6_800 }] });
    expect(found.byHolder).toHaveLength(9);
    const sealed = (await server.get(`/api/v1/things/${of(key(3_201))}`)).json();
    expect(sealed).toMatchObject({ status: 'Recalled', lot: 'L1', top: expect.stringMatching(/^00\//), observed: false });
  });

  it.each([
    ['loose', 1, 'L1'],
    ['in a case on a pallet at a customer', 4_050, 'L2'],
    ['on the sealed pallet in transit', 3_201, 'L1'],
    ['on the sealed pallet in transit, of the other lot', 6_001, 'L2'],
  ])('verifies a pack %s as false and Recalled', async (_, n, lot) => {
    expect(await verify(n, lot)).toEqual({
      verified: false,
      verificationFailureReason: 'Not_for_re-distribution',
      additionalInfo: 'Recalled',
    });
  });

  it('blocks the shipment of a loose pack, of a case, and of sealed pallets, naming every recalled pack inside', async () => {
    const recalled = async (thing: string, from: number) => (await shipCheck(thing, from))['SHIP-RECALLED'] ?? [];
    expect(await shipCheck(packOf(1), 2)).toEqual({ 'SHIP-RECALLED': [key(1)] });
    expect((await recalled(caseOf(2), 2)).filter((thing) => thing.startsWith(key(0).slice(0, -1)))).toHaveLength(100);
    expect((await recalled(palletOf(5), customerOf(5))).filter((thing) => thing.includes('/21/P'))).toHaveLength(500);
    const inTransit = await shipCheck(palletOf(IN_TRANSIT), MAKER);
    expect(inTransit['SHIP-RECALLED']?.filter((thing) => thing.includes('/21/P'))).toHaveLength(1_600);
  });

  it('leaves the lot of the other blend alone', async () => {
    expect(await verify(6_801, 'L3')).toEqual({ verified: true });
    expect(await shipCheck(palletOf(10), customerOf(10))).toEqual({});
  });

  it('shows Recalled on the packs of the sealed pallet when it is received after all, and still lets none of them pass', async () => {
    const to = customerOf(IN_TRANSIT);
    await server.capture(documentOf([receive(200, palletOf(IN_TRANSIT), { site: to, from: MAKER, to })]));
    expect((await server.get(`/api/v1/things/${of(key(6_001))}`)).json()).toMatchObject({ status: 'Recalled', observed: false });
    expect((await shipCheck(palletOf(IN_TRANSIT), to))['SHIP-RECALLED']?.filter((thing) => thing.includes('/21/P'))).toHaveLength(1_600);
    expect((await scope()).packs.byStatus).toEqual([{ status: 'Recalled', count: 6_800 }]);
  });
});
