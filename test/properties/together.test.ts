import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../support/events.ts';
import { rebuilt } from '../support/rebuilt.ts';
import { story, themes } from '../support/stories.ts';
import { memoryStore } from '../support/test-store.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';
const byTime = (events: readonly Json[]) => [...events].sort((a, b) => (String(a['eventTime']) < String(b['eventTime']) ? -1 : 1));

/** Most come in time order, as from a line, so that runs hold together; some are moved, so that runs have to be taken apart. */
const arriving = fc.oneof(...themes.map((theme) => story({ theme, min: 6, max: 24 }))).chain(({ events, declarations }) =>
  fc.record({
    events: fc.constant([...byTime(events), ...declarations]),
    moves: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 2 }),
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    groups: fc.array(fc.integer({ min: 2, max: 12 }), { minLength: 1, maxLength: 3 }),
    again: fc.option(fc.nat(), { nil: undefined }),
  }),
);

function cut<T>(list: readonly T[], sizes: readonly number[]): T[][] {
  const pieces: T[][] = [];
  for (let at = 0, i = 0; at < list.length; i++) {
    const size = sizes[i % sizes.length] as number;
    pieces.push(list.slice(at, at + size));
    at += size;
  }
  return pieces;
}

// A rebuild replays documents one by one; whatever was folded in one run has to come out the same, in every row of every derived table.
it('documents folded in one run come to what they come to one by one', { timeout: LONG ? 1_800_000 : 300_000 }, async () => {
  let inOneRun = 0;
  await fc.assert(
    fc.asyncProperty(arriving, async ({ events, moves, sizes, groups, again }) => {
      const list = [...events];
      for (const [from, to] of moves) list.splice(to % list.length, 0, ...list.splice(from % list.length, 1));
      if (again !== undefined) list.push(list[again % list.length] as Json);
      const store = await memoryStore();
      try {
        let savepoints = 0;
        const { journal } = store;
        const savepoint = journal.savepoint.bind(journal);
        journal.savepoint = (name) => {
          savepoints++;
          savepoint(name);
        };
        for (const group of cut(cut(list, sizes), groups)) {
          savepoints = 0;
          for (const outcome of await store.captureGroup(group)) expect(outcome.errors).toEqual([]);
          if (group.length > 1 && savepoints === 1) inOneRun++;
        }
        const report = await rebuilt(store.db);
        expect(report.tables.flatMap((table) => table.differences)).toEqual([]);
      } finally {
        await store.close();
      }
    }),
    { numRuns: LONG ? 6_000 : 200 },
  );
  expect(inOneRun).toBeGreaterThan(20);
});
