import { afterEach, describe, expect, it } from 'vitest';
import {
  caseOf,
  commission,
  declareError,
  type Json,
  lotOf,
  observeLot,
  pack,
  packOf,
  packs,
  palletOf,
  quantityOf,
  receive,
  transform,
  withID,
} from '../../test/support/events.ts';
import { allPacks, questionsOf } from '../../test/support/questions.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { formatKey, parseEpcClass, parseThing } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';
import { scope, whereFrom, whereUsed } from './index.ts';

const lot = (name: string, item = 12) => formatKey(parseEpcClass(lotOf(name, item)));
const thing = (epc: string) => formatKey(parseThing(epc));
const kilograms = (name: string, amount: number) => quantityOf(lotOf(name, 12), amount, 'KGM');
const FINISHED = lot('L1', 11);

let store: TestStore | null = null;
afterEach(async () => {
  await store?.close();
  store = null;
});
async function told(...events: Json[]): Promise<Db> {
  store = await memoryStore();
  for (const event of events) expect((await store.capture([event])).errors).toEqual([]);
  return questionsOf(store);
}
const keysOf = (nodes: readonly { key: string }[] | undefined) => nodes?.map((node) => node.key).sort();
const receiveLot = (at: number, name: string, amount = 100) => observeLot(at, [kilograms(name, amount)], { step: 'receiving' });

describe('E-09, a rework loop', () => {
  // A rejects 40 kg, which is milled to M; M goes into C, and back into A itself, as A2.
  const events = () => [
    receiveLot(0, 'S', 400),
    transform(1, [kilograms('S', 400)], [kilograms('A', 352), kilograms('REJECT', 40)]),
    transform(2, [kilograms('REJECT', 40)], [kilograms('M', 40)]),
    transform(3, [kilograms('M', 10), kilograms('X', 90)], [kilograms('C', 100)]),
    transform(4, [kilograms('M', 30), kilograms('A', 352)], [kilograms('A2', 382)]),
    transform(5, [kilograms('A2', 5)], [kilograms('A', 5)]),
  ];

  it('lists C and A2 from what A rejected, and A from C, and ends', async () => {
    const db = await told(...events());
    expect(keysOf((await whereUsed(db, { of: lot('S') }))?.nodes)).toEqual(
      [lot('S'), lot('A'), lot('REJECT'), lot('M'), lot('C'), lot('A2')].sort(),
    );
    expect(keysOf((await whereUsed(db, { of: lot('A') }))?.nodes)).toEqual([lot('A'), lot('A2')].sort());
    expect(keysOf((await whereFrom(db, { of: lot('C') }))?.nodes)).toEqual([lot('C'), lot('M'), lot('X'), lot('REJECT'), lot('S')].sort());
    const from = await whereFrom(db, { of: lot('A') });
    expect(keysOf(from?.nodes)).toEqual([lot('A'), lot('A2'), lot('M'), lot('REJECT'), lot('S')].sort());
    expect(from?.edges.map(({ from: a, to: b }) => `${a} ${b}`)).toContain(`${lot('A2')} ${lot('A')}`);
    expect(from?.complete).toBe(true);
  });

  it('says where a trace ends that nothing introduces: an unknown makes it incomplete (domain.md §10.2, rule 6)', async () => {
    const db = await told(...events());
    expect(await whereFrom(db, { of: lot('C') })).toMatchObject({
      complete: false,
      boundaries: expect.arrayContaining([{ key: lot('X'), kind: 'unknown' }]),
    });
  });
});

describe('a joint transformation (domain.md §10.1)', () => {
  const id = 'urn:epc:id:gdti:9520123.00001.T1';
  it('relates all its inputs to all its outputs, whatever came first', async () => {
    const db = await told(
      transform(9, [], [kilograms('B', 1)], { id }),
      transform(3, [kilograms('R1', 1)], [], { id }),
      transform(5, [], [quantityOf(lotOf('L1'), 10)], { id }),
      transform(7, [kilograms('R2', 1)], [], { id }),
    );
    for (const raw of ['R1', 'R2'])
      expect(keysOf((await whereUsed(db, { of: lot(raw) }))?.nodes)).toEqual([lot(raw), lot('B'), FINISHED].sort());
    expect((await whereFrom(db, { of: FINISHED }))?.edges).toHaveLength(2);
    expect(keysOf((await whereUsed(db, { of: lot('R1'), at: '2026-03-01T08:06:00Z' }))?.nodes)).toEqual([lot('R1'), FINISHED].sort());
  });

  it('loses what a voided piece of it said', async () => {
    const input = withID(transform(3, [kilograms('R1', 1)], [], { id }), 1);
    const db = await told(input, transform(5, [], [kilograms('B', 1)], { id }), declareError(input));
    expect(keysOf((await whereUsed(db, { of: lot('R1') }))?.nodes)).toEqual([lot('R1')]);
    expect(keysOf((await whereFrom(db, { of: lot('B') }))?.nodes)).toEqual([lot('B')]);
  });
});

describe('packs that come out one by one', () => {
  const made = (at: number, raw: string, from: number, to: number) => transform(at, [kilograms(raw, 1)], packs(from, to), { lot: 'L1' });

  it('are reached one by one: a lot that two bulks went into is not in the scope of one of them', async () => {
    const db = await told(receiveLot(0, 'R1'), receiveLot(0, 'R2'), made(1, 'R1', 1, 5), made(2, 'R2', 6, 8));
    expect(await scope(db, { of: lot('R1') })).toMatchObject({ packs: { total: 5 }, lots: [{ key: FINISHED, packs: 5 }] });
    expect((await scope(db, { of: FINISHED }))?.packs.total).toBe(8);
    expect(keysOf((await whereUsed(db, { of: lot('R1') }))?.nodes)).toEqual([lot('R1'), FINISHED, ...packs(1, 5).map(thing)].sort());
    expect(keysOf((await whereFrom(db, { of: thing(packOf(1)) }))?.nodes)).toEqual([thing(packOf(1)), FINISHED, lot('R1')].sort());
  });

  it('of more than a thousand are shown as their lot, and counted one by one all the same', async () => {
    const db = await told(receiveLot(0, 'R1'), receiveLot(0, 'R2'), made(1, 'R1', 1, 1_001), made(2, 'R2', 2_001, 2_003));
    const used = await whereUsed(db, { of: lot('R1') });
    expect(keysOf(used?.nodes)).toEqual([lot('R1'), FINISHED].sort());
    expect(used?.edges).toMatchObject([{ from: lot('R1'), to: FINISHED, role: 'consumed' }]);
    expect((await scope(db, { of: lot('R1') }))?.packs.total).toBe(1_001);
  });

  it('lead on through their lot, since whoever used that may have used them', async () => {
    const db = await told(receiveLot(0, 'R1'), made(1, 'R1', 1, 2), transform(3, [quantityOf(lotOf('L1'), 1)], [kilograms('KIT', 1)]));
    expect(keysOf((await whereUsed(db, { of: lot('R1') }))?.nodes)).toContain(lot('KIT'));
    expect(keysOf((await whereFrom(db, { of: lot('KIT') }))?.nodes)).toContain(lot('R1'));
  });

  it('tell where their lot came from, also when only a commissioning names it', async () => {
    const db = await told(receiveLot(0, 'R1'), transform(1, [kilograms('R1', 1)], packs(1, 3)), commission(2, packs(1, 3), { lot: 'L1' }));
    expect(await whereFrom(db, { of: FINISHED })).toMatchObject({ complete: true, boundaries: [{ key: lot('R1'), kind: 'origin' }] });
    expect((await scope(db, { of: lot('R1') }))?.packs.total).toBe(3);
  });

  it('that were used again are nodes on the way', async () => {
    const db = await told(
      receiveLot(0, 'R1'),
      transform(1, [kilograms('R1', 1)], [quantityOf(lotOf('L1'), 1_500)]),
      commission(2, packs(1, 1_500), { lot: 'L1' }),
      transform(3, [packOf(7)], [packOf(9_007)], { lot: 'L2' }),
    );
    const used = await whereUsed(db, { of: lot('R1') });
    expect(keysOf(used?.nodes)).toEqual([lot('R1'), FINISHED, thing(packOf(7)), thing(packOf(9_007)), lot('L2', 11)].sort());
    expect(used?.edges).toContainEqual(expect.objectContaining({ from: FINISHED, to: thing(packOf(7)), role: 'member' }));
    expect((await scope(db, { of: lot('R1') }))?.packs.total).toBe(1_501);
    const before = { at: '2026-03-01T08:02:30Z' };
    expect(keysOf((await whereUsed(db, { of: lot('R1'), ...before }))?.nodes)).toEqual([lot('R1'), FINISHED].sort());
    expect((await scope(db, { of: lot('R1'), ...before }))?.packs.total).toBe(1_500);
  });
});

describe('serialised inputs', () => {
  it('that were received inside a pallet are origins by the receipt of the pallet', async () => {
    const drum = caseOf('DRUM');
    const db = await told(
      pack(0, palletOf(1), drum),
      withID(receive(1, palletOf(1), { from: 2, to: 1, site: 1 }), 5),
      transform(2, [drum], [kilograms('B', 1)]),
    );
    expect(await whereFrom(db, { of: lot('B') })).toMatchObject({
      complete: true,
      boundaries: [{ key: thing(drum), kind: 'origin', event: expect.stringMatching(/0005$/) }],
    });
  });

  it('that appear as inputs only are unknown', async () => {
    const db = await told(transform(2, [caseOf('DRUM')], [kilograms('B', 1)]));
    expect(await whereFrom(db, { of: lot('B') })).toMatchObject({
      complete: false,
      boundaries: [{ key: thing(caseOf('DRUM')), kind: 'unknown' }],
    });
  });
});

describe('large graphs', () => {
  it('stop at fifty thousand nodes and say where; scope counts on', async () => {
    const db = await told(
      receiveLot(0, 'R1'),
      ...Array.from({ length: 51 }, (_, i) =>
        transform(1 + i, [kilograms('R1', 1)], packs(i * 1_000 + 1, (i + 1) * 1_000), { lot: `L${i}` }),
      ),
    );
    const used = await whereUsed(db, { of: lot('R1') });
    expect(used?.nodes).toHaveLength(50_000);
    expect(used).toMatchObject({ complete: false, boundaries: [{ key: lot('R1'), kind: 'limit' }] });
    expect(await scope(db, { of: lot('R1') })).toMatchObject({ complete: true, packs: { total: 51_000 } });
    expect(await allPacks(db, lot('R1'), {}, () => 5_000)).toHaveLength(51_000);
  });

  it('draw many inputs by many outputs through one node: the edges stay as many as the lines', async () => {
    const from = packs(1, 200, 13);
    const db = await told(receiveLot(0, 'R1'), transform(1, [kilograms('R1', 1)], from), transform(2, from, packs(1, 200)));
    const used = await whereUsed(db, { of: lot('R1') });
    expect(used?.edges).toHaveLength(200 + 200 + 200);
    expect(used?.nodes.filter((node) => node.kind === 'transformation')).toHaveLength(1);
    expect((await scope(db, { of: lot('R1') }))?.packs.total).toBe(400);
  });
});
