import { describe, expect, it } from 'vitest';
import { caseOf, commission, type Json, lotOf, pack, packOf, quantityOf, ship } from '../../test/support/events.ts';
import { ENGINES, storeOf } from '../../test/support/test-store.ts';

const shipped = (things: string) => ship(5, things, {}, { quantityList: [quantityOf(lotOf('L2'), 1)] });

/** A shipment that names L2 of packs that turn out to be of L1 by what is told after it, and happened after it: a fact of the set of events. */
describe.each(ENGINES)('EX-PND-5, on %s', (engine) => {
  it.each<[string, Json[]]>([
    ['the pack itself', [shipped(packOf(1)), commission(7, packOf(1), { lot: 'L1' })]],
    [
      'a pack inside',
      [commission(0, caseOf(1)), pack(3, caseOf(1), [packOf(1)]), shipped(caseOf(1)), commission(7, packOf(1), { lot: 'L1' })],
    ],
  ])('is the same however the lot came to be known: %s', async (_, events) => {
    const told: string[][] = [];
    for (const groups of [
      [[events]],
      [events.map((event) => [event])],
      events.map((event) => [[event]]),
      [...events].reverse().map((event) => [[event]]),
    ]) {
      const store = await storeOf(engine);
      for (const group of groups) for (const outcome of await store.captureGroup(group)) expect(outcome.errors).toEqual([]);
      told.push((await store.stateDump()).findings.filter((one) => one.includes('EX-PND-5')));
      await store.close();
    }
    expect(told[0]).toHaveLength(1);
    for (const one of told) expect(one).toEqual(told[0]);
  });
});
