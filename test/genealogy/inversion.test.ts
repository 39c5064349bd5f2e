import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scope, whereFrom, whereUsed } from '../../src/genealogy/index.ts';
import { formatKey, parseEpcClass, parseThing } from '../../src/identifiers/index.ts';
import { commission, declareError, type Json, lotOf, packOf, quantityOf, START, transform, withID } from '../support/events.ts';
import { allPacks, questionsOf } from '../support/questions.ts';
import { memoryStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 1_800_000 : 120_000;

const LOTS = ['A', 'B', 'C', 'D'];
/** Packs 1 to 3 are of lot L1, 4 to 6 of L2: a number has one lot, whoever states it. */
const PACKS = [1, 2, 3, 4, 5, 6];
const lotOfPack = (n: number) => (n <= 3 ? 'L1' : 'L2');
const materials = [...LOTS.map((lot) => lotOf(lot, 12)), lotOf('L1'), lotOf('L2')];
const keyOfLot = (urn: string) => formatKey(parseEpcClass(urn));
const keyOfPack = (n: number) => formatKey(parseThing(packOf(n)));
const EVERY_LOT = materials.map(keyOfLot);
const EVERY_PACK = PACKS.map(keyOfPack);

const pick = <T>(list: readonly T[]) => fc.constantFrom(...list);
const some = <T>(list: readonly T[], min: number) => fc.uniqueArray(pick(list), { minLength: min, maxLength: 2 });
const of = (lots: readonly string[], packs: readonly number[]): (string | Json)[] => [
  ...lots.map((lot) => quantityOf(lot, 1, 'KGM')),
  ...packs.map((n) => packOf(n)),
];
/** Any material and packs into any others; pieces of one step share an id; packs that come out are stated to be of their lot. */
const step = fc
  .record({
    at: fc.integer({ min: 0, max: 9 }),
    inputs: some(materials, 0),
    inputPacks: some(PACKS, 0),
    outputs: some(materials, 0),
    outputLot: pick(['L1', 'L2']),
    outputPacks: some(PACKS, 0),
    id: pick([undefined, undefined, 'T1', 'T2']),
  })
  .map(({ at, inputs, inputPacks, outputs, outputLot, outputPacks, id }) => {
    const made = outputPacks.filter((n) => lotOfPack(n) === outputLot);
    const [into, out] = [of(inputs, inputPacks), of(outputs, made)];
    if (into.length + out.length === 0) into.push(quantityOf(materials[0] as string, 1, 'KGM'));
    const joint = id ?? (into.length === 0 || out.length === 0 ? 'T1' : undefined);
    return transform(at, into, out, {
      ...(joint !== undefined && { id: `urn:epc:id:gdti:9520123.00001.${joint}` }),
      ...(made.length > 0 && { lot: outputLot }),
    });
  });
const made = fc
  .record({ at: fc.integer({ min: 0, max: 9 }), lot: pick(['L1', 'L2']), packs: some(PACKS, 1) })
  .filter(({ lot, packs }) => packs.every((n) => lotOfPack(n) === lot))
  .map(({ at, lot, packs }) =>
    commission(
      at,
      packs.map((n) => packOf(n)),
      { lot },
    ),
  );
const graph = fc.record({
  events: fc
    .array(fc.oneof({ arbitrary: step, weight: 4 }, { arbitrary: made, weight: 1 }), { minLength: 2, maxLength: 9 })
    .map((list) => list.map((json, i) => withID(json, i + 1))),
  voided: fc.array(fc.nat({ max: 20 }), { maxLength: 2 }),
  at: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
});

describe('where-used is the inverse of where-from (domain.md §10.2)', () => {
  it('over lots, packs, joint steps, rework loops and voided events, now and as of then', { timeout: TIMEOUT }, async () => {
    await fc.assert(
      fc.asyncProperty(graph, async ({ events, voided, at }) => {
        const store = await memoryStore();
        const wrong = new Set(voided.filter((n) => n < events.length));
        await store.capture([...events, ...[...wrong].map((n) => declareError(events[n] as Json))]);
        const db = questionsOf(store);
        const t = at === undefined ? {} : { at: new Date(START + at * 60_000).toISOString() };

        const used = new Map<string, Set<string>>();
        const from = new Map<string, Set<string>>();
        for (const key of [...EVERY_LOT, ...EVERY_PACK]) {
          const forwards = await whereUsed(db, { of: key, ...t });
          const backwards = await whereFrom(db, { of: key, ...t });
          const packs = await allPacks(db, key, t);
          expect((await scope(db, { of: key, ...t }))?.packs.total ?? 0).toBe(packs.length);
          // A member of a lot that went no further is counted in its scope, and no node of its own.
          used.set(key, new Set([...(forwards?.nodes ?? []), ...packs].map((node) => node.key)));
          from.set(key, new Set(backwards?.nodes.map((node) => node.key)));
        }
        for (const x of used.keys()) for (const y of used.keys()) expect([x, y, used.get(x)?.has(y)]).toEqual([x, y, from.get(y)?.has(x)]);
        await store.close();
      }),
      { numRuns: LONG ? 3_000 : 60 },
    );
  });
});
