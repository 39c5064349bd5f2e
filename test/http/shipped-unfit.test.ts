import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  caseOf, commission, DISTRIBUTOR, documentOf, type Json, lotOf, MAKER, observe, observeLot, pack, packOf, packs, palletOf, receive, ship,
} from '../support/events.ts'; // biome-ignore format: a list
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const key = (n: number) => `01/09520123000110/21/P${n}`;
const SHIP = ['SHIP-RECALLED', 'SHIP-HELD', 'SHIP-EXPIRED'];

/** Pallets of one case of three packs, each of a lot of its own. */
const laden = (n: number, expiry = '2028-01-31'): Json[] => [
  commission(0, packs(n * 10 + 1, n * 10 + 3), { lot: `L${n}`, expiry, site: MAKER }),
  commission(0, [caseOf(n), palletOf(n)], { site: MAKER }),
  pack(1, caseOf(n), packs(n * 10 + 1, n * 10 + 3), { site: MAKER }),
  pack(2, palletOf(n), caseOf(n), { site: MAKER }),
];
const recall = (at: number, n: number) =>
  observeLot(at, [{ epcClass: lotOf(`L${n}`) }], { step: 'inspecting' }, { persistentDisposition: { set: ['recalled'] } });
const shipped = (n: number, at = 30) => ship(at, palletOf(n), { from: MAKER, to: DISTRIBUTOR, site: MAKER });

describe.each(ENGINES)('a shipment that did happen (domain.md §7.2), on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    await server.capture(
      documentOf([
        ...[1, 2, 3, 4, 6, 7, 8].flatMap((n) => laden(n)),
        ...laden(5, '2026-02-28'),
        recall(5, 2),
        observe(5, packOf(32), { step: 'holding' }),
        observe(5, palletOf(4), { step: 'holding' }),
      ]),
    );
  });
  afterAll(async () => await server.close());
  /** What is told of shipments since it was last asked. */
  let known = new Set<number>();
  const told = async (): Promise<Record<string, string[]>> => {
    const { findings } = (await server.get('/api/v1/findings?perPage=100')).json() as {
      findings: { id: number; code: string; severity: string; things: string[] }[];
    };
    const fresh = findings.filter(({ id, code }) => SHIP.includes(code) && !known.has(id));
    known = new Set([...known, ...fresh.map(({ id }) => id)]);
    for (const { severity } of fresh) expect(severity).toBe('critical');
    return Object.fromEntries(fresh.map(({ code, things }) => [code, [...things].sort()]));
  };

  it.each<[string, number, Record<string, string[]>]>([
    ['nothing, where nothing stands against it', 1, {}],
    ['packs of a recalled lot in a sealed pallet (E-05)', 2, { 'SHIP-RECALLED': [key(21), key(22), key(23)] }],
    ['a pack on hold inside', 3, { 'SHIP-HELD': [key(32)] }],
    ['packs that have expired', 5, { 'SHIP-EXPIRED': [key(51), key(52), key(53)] }],
  ])('is stored, and flagged with %s', async (_, n, expected) => {
    const { success } = await server.capture(documentOf([shipped(n)]));
    expect(success).toBe(true);
    expect(await told()).toEqual(expected);
    expect((await server.get(`/api/v1/things/${encodeURIComponent(key(n * 10 + 1))}`)).json().location).not.toBeUndefined();
  });

  it('names the pallet on hold and all that is inside of it', async () => {
    await server.capture(documentOf([shipped(4)]));
    const { 'SHIP-HELD': held } = await told();
    expect(held).toHaveLength(5);
    expect(held).toEqual(expect.arrayContaining([key(41), key(42), key(43)]));
  });

  it('is not flagged for a recall that comes later, nor for one that happened after it', async () => {
    await server.capture(documentOf([shipped(6)]));
    await server.capture(documentOf([recall(5, 6)]));
    expect(await told()).toEqual({});
    await server.capture(documentOf([recall(40, 7)]));
    await server.capture(documentOf([shipped(7)]));
    expect(await told()).toEqual({});
  });

  it('is looked into as of then when it comes after the receipt', async () => {
    await server.capture(
      documentOf([observe(5, packOf(81), { step: 'holding' }), receive(60, palletOf(8), { from: MAKER, to: DISTRIBUTOR })]),
    );
    await server.capture(documentOf([observe(70, packOf(81), { step: 'storing' })]));
    await server.capture(documentOf([shipped(8)]));
    expect(await told()).toEqual({ 'SHIP-HELD': [key(81)] });
  });
});
