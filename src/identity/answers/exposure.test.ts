import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bag, CHAIN_A, CHAIN_B, collect, documentOf, histories, type Json, make, reagent, sample } from '../../../test/support/chains.ts';
import { type AnyTestStore, ENGINES, memoryStore, storeOf } from '../../../test/support/test-store.ts';
import { carryOut } from '../../capture/commands.ts';
import { whereFrom, whereUsed } from '../../genealogy/index.ts';
import { formatKey, parseThing } from '../../identifiers/index.ts';
import type { Act, ActKind } from '../acts.ts';
import { exposed, materials } from './exposure.ts';
import { lookBack } from './look-back.ts';

const NOW = Date.parse('2026-04-01T00:00:00Z');
const key = (text: string) => formatKey(parseThing(text));
const VECTOR = key(reagent);
const vector = { inputQuantityList: [{ epcClass: reagent, quantity: 1, uom: 'MLT' }] };
const SPACE = 'urn:epc:id:giai:9520123.hood1';

const ORDER = {
  product: 'cells',
  template: { id: 'allogeneic', version: 1 },
  treatmentSite: '414/9520123000035',
  collectionSite: '414/9520123000011',
  manufacturer: '414/9520123000028',
};
let acts = 0;
async function act<K extends ActKind>(store: AnyTestStore, kind: K, body: Act<K>): Promise<void> {
  const command = { kind: 'identity-act', id: `act_${acts++}`, act: kind, body: body as Act, time: NOW, signatures: [] } as const;
  await carryOut(store.capturer, command, 'tester');
}

describe.each(ENGINES)('on %s', (engine) => {
  let store: AnyTestStore;
  beforeEach(async () => {
    store = await storeOf(engine);
  });
  afterEach(async () => await store.close());
  const chainsExposed = async (args: Parameters<typeof exposed>[1]) =>
    (await exposed(store.questions, args))?.chains.map(({ coiId }) => coiId);

  it('Q16, C-04: a vector lot that was used for two patients leads to both, and to nobody else', async () => {
    await store.capture(
      documentOf([
        collect(0, 1, CHAIN_A),
        collect(0, 2, CHAIN_B),
        collect(0, 9, 'CHA999926CCCC33'),
        make(10, [1], [3], vector),
        make(20, [2], [4], vector),
      ]),
    );
    expect(await chainsExposed({ material: VECTOR })).toEqual([CHAIN_A, CHAIN_B]);
    const [a] = (await exposed(store.questions, { material: VECTOR }))?.chains ?? [];
    expect(a?.containers).toEqual([bag(3)]);
  });

  it('Q17, C-18: a patient leads back to the vector lot with the quantity that was used, to spaces and to steps', async () => {
    await store.capture(documentOf([collect(0, 1, CHAIN_A), make(10, [1], [3], { ...vector, 'coi:space': SPACE }), sample(20, 3, 5)]));
    const answer = await materials(store.questions, { chain: CHAIN_A, now: NOW });
    expect(answer?.materials.map((one) => [one.key, one.binding])).toEqual(
      [
        [VECTOR, 'none'],
        [bag(1), 'own'],
        [bag(3), 'own'],
        [bag(5), 'own'],
      ].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
    );
    expect(answer?.materials.find((one) => one.key === VECTOR)?.used).toEqual([{ quantity: 1, uom: 'MLT', seq: 1 }]);
    expect(answer?.equipment).toEqual([key(SPACE)]);
    expect(answer?.steps.map(({ step }) => step)).toEqual(['collection', 'process', 'qc-samples']);
  });

  it('Q16: equipment leads to those whose material was in it, and the inverse names it', async () => {
    await store.capture(documentOf([collect(0, 1, CHAIN_A), collect(0, 2, CHAIN_B), make(10, [1], [3], { 'coi:space': SPACE })]));
    expect(await chainsExposed({ equipment: key(SPACE) })).toEqual([CHAIN_A]);
    expect((await materials(store.questions, { chain: CHAIN_B, now: NOW }))?.equipment).toEqual([]);
  });

  it('answers null for what nothing here names', async () => {
    expect(await exposed(store.questions, { material: VECTOR })).toBeNull();
    expect(await exposed(store.questions, { donor: 'dr_none' })).toBeNull();
    expect(await materials(store.questions, { chain: CHAIN_A, now: NOW })).toBeNull();
    expect(await lookBack(store.questions, { donor: 'dr_none' })).toBeNull();
  });

  it('C-16: a donor leads to lots, to 140 recipients and to stock in less than a second, and a recipient to its siblings', async () => {
    const donor = 'dr_aaaaaaaaaaaaaaaaaaaaaaaaaa';
    const bank = { ...collect(0, 1, ''), 'coi:chain': undefined, 'coi:donor': donor };
    const doses = Array.from({ length: 150 }, (_, i) => i + 10);
    const events: Json[] = [bank, make(10, [1], doses)];
    await store.capture(documentOf(events.map((event) => JSON.parse(JSON.stringify(event)) as Json)));
    const allocated = doses.slice(0, 140);
    for (const [i, n] of allocated.entries()) {
      const orderId = `or_${i}`;
      await act(store, 'order', { ...ORDER, orderId, coiId: `CHA99926${String(i).padStart(5, 'R')}11`, patientRef: `pr_${i}` });
      await act(store, 'allocation', { allocationId: `al_${i}`, container: bag(n), orderId, match: [] });
    }
    const begun = performance.now();
    const answer = await lookBack(store.questions, { donor });
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(answer?.chains).toHaveLength(140);
    expect(answer?.stock.map((one) => one.key).sort()).toEqual(doses.slice(140).map(bag).sort());
    expect(answer?.containers).toHaveLength(151);
    const sibling = answer?.chains[7]?.coiId as string;
    const back = await lookBack(store.questions, { chain: sibling });
    expect(back?.donors).toEqual([donor]);
    expect(back?.chains.map(({ coiId }) => coiId).sort()).toEqual(answer?.chains.map(({ coiId }) => coiId).sort());
    expect(await chainsExposed({ donor })).toHaveLength(140);
  });
});

describe('INV-28, E-18', () => {
  it('where material went and where it came from are the inverse of each other, and agree with where-used and where-from', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const store = await memoryStore();
        try {
          for (const { json } of [...history].sort((a, b) => a.order - b.order)) await store.capture(documentOf([json]));
          const db = store.questions;
          const things = [...new Set(history.flatMap(({ outputs }) => outputs))].map(bag);
          const chains = [...new Set(history.flatMap(({ chain }) => chain ?? []))];
          const forth = new Set<string>();
          for (const thing of things)
            for (const { coiId } of (await exposed(db, { material: thing }))?.chains ?? []) forth.add(`${thing} ${coiId}`);
          const back = new Set<string>();
          const own = new Map<string, Set<string>>();
          for (const chain of chains)
            for (const one of (await materials(db, { chain, now: NOW }))?.materials ?? []) {
              back.add(`${one.key} ${chain}`);
              if (one.binding === 'own') own.set(one.key, new Set([...(own.get(one.key) ?? []), chain]));
            }
          expect([...forth].sort()).toEqual([...back].sort());
          // Samples are no transformations: genealogy does not walk them.
          if (history.some(({ json }) => json['bizStep'] === 'sampling')) return;
          for (const thing of things) {
            const used = [thing, ...((await whereUsed(db, { of: thing }))?.nodes.map((node) => node.key) ?? [])];
            const met = new Set(used.flatMap((one) => [...(own.get(one) ?? [])]));
            expect([...forth].filter((one) => one.startsWith(`${thing} `)).sort()).toEqual(
              [...met].map((chain) => `${thing} ${chain}`).sort(),
            );
            const from = [thing, ...((await whereFrom(db, { of: thing }))?.nodes.map((node) => node.key) ?? [])];
            for (const chain of own.get(thing) ?? []) for (const one of from) expect(back.has(`${one} ${chain}`)).toBe(true);
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: process.env['LOTLINE_LONG'] === '1' ? 300 : 25 },
    );
  }, 600_000);
});
