import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contents } from '../../src/genealogy/index.ts';
import { formatKey, parseThing } from '../../src/identifiers/index.ts';
import { staysOf } from '../properties/containment-oracle.ts';
import { caseOf, type Json, palletOf, START } from '../support/events.ts';
import { questionsOf } from '../support/questions.ts';
import { anyArrival, arrive, story } from '../support/stories.ts';
import { memoryStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const TIMEOUT = LONG ? 1_800_000 : 120_000;

const CONTAINERS = [...[1, 2, 3].map(caseOf), palletOf(1), palletOf(2)].map((epc) => formatKey(parseThing(epc)));

describe('contents at any time (domain.md §6.1, rules 7 and 8)', () => {
  it('are those that the rules give for the events up to then, by brute force', { timeout: TIMEOUT }, async () => {
    await fc.assert(
      fc.asyncProperty(story({ max: 16 }), anyArrival, async ({ events, declarations }, arrival) => {
        const store = await memoryStore();
        const all = [...events, ...declarations];
        for (const group of arrive(all, arrival)) for (const { errors } of await store.captureGroup(group)) expect(errors).toEqual([]);
        for (const halfMinutes of [0, 3, 6, 11, 19]) {
          const at = START + halfMinutes * 30_000;
          const until = all.filter((json: Json) => Date.parse(String(json['eventTime'])) <= at);
          const inside = until.length === 0 ? [] : staysOf(until).filter((stay) => stay.to === null);
          const below = (parent: string): string[] =>
            inside.filter((stay) => stay.parent === parent).flatMap((stay) => [`${stay.child} in ${parent}`, ...below(stay.child)]);
          for (const of of CONTAINERS) {
            const answer = await contents(questionsOf(store), { of, depth: 'all', at: new Date(at).toISOString() });
            const told = (answer?.members ?? [])
              .filter((member) => !member.key.includes('/10/'))
              .map(({ key, parent }) => `${key} in ${parent}`);
            expect(told.sort()).toEqual(below(of).sort());
          }
        }
        await store.close();
      }),
      { numRuns: LONG ? 2_000 : 80 },
    );
  });
});
