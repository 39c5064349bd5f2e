import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { commission, type Json, observe, packOf, packs } from '../../test/support/events.ts';
import { captureHardHistory, hardHistory } from '../../test/support/hard-history.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { openTestStore, type TestStore } from '../../test/support/test-store.ts';
import { captureInGroups, takenDocuments } from '../../test/support/worlds.ts';
import { e01, world } from '../worlds/index.ts';
import type { RebuildReport } from './rebuild.ts';

const opened: TestStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function open(options: Parameters<typeof openTestStore>[0] = {}): Promise<TestStore> {
  const store = await openTestStore(options);
  opened.push(store);
  return store;
}

const differing = (report: RebuildReport) => report.tables.flatMap((table) => table.differences);
const looseRows = (report: RebuildReport) => report.tables.reduce((sum, table) => sum + table.loose, 0);

describe('rebuild', () => {
  it('makes the scenario E-01 again from its entries', async () => {
    const store = await open();
    for (const document of takenDocuments(e01())) await store.capturer.capture([document]);
    const report = await rebuilt(store.db);
    expect(differing(report)).toEqual([]);
    expect(report.equal).toBe(true);
    expect(report.tables.find(({ table }) => table === 'item')?.rows).toBeGreaterThan(4_070);
  });

  it('makes a history of conflicts, late events, declarations, twins and repeats again, row by row', async () => {
    const store = await open();
    await captureHardHistory(store);
    expect(new Set(store.findings().map((f) => f.code))).toEqual(
      new Set(['AGG-DOUBLE', 'EV-DUP', 'EV-LATE', 'EV-TWIN', 'SN-AFTER-END', 'SN-CONFLICT', 'SN-UNKNOWN']),
    );
    expect(store.rows('SELECT 1 FROM containment_past').length).toBeGreaterThan(0);
    const report = await rebuilt(store.db);
    expect(differing(report)).toEqual([]);
    expect(looseRows(report)).toBe(0);
  });

  it('comes out equal however captures were grouped and in whatever order they came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(hardHistory(), { minLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 12, maxLength: 12 }),
        fc.constantFrom<'rollback' | 'proceed'>('rollback', 'proceed'),
        async (documents, sizes, behaviour) => {
          const store = await openTestStore();
          try {
            for (let i = 0, group = 0; i < documents.length; group++) {
              const size = sizes[group % sizes.length] as number;
              await store.captureGroup(documents.slice(i, i + size), { behaviour });
              i += size;
            }
            expect(differing(await rebuilt(store.db))).toEqual([]);
          } finally {
            await store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it('makes a seeded world with its planted defects again, captured in groups of many sizes', { timeout: 180_000 }, async () => {
    const store = await open({ clock: Date.now });
    const sizes = [1, 7, 2, 40, 3, 1, 19];
    let at = 0;
    const size = {
      batches: 4,
      packsPerLot: [300, 600],
      packsPerBigLot: 900,
      perEvent: 100,
      perCase: 40,
      casesPerPallet: 6,
      packsPerDocument: 400,
    } as const;
    const documents = takenDocuments(
      world({ seed: 3, size: { ...size, msPerPack: 3000, openedPerMille: 220, delivery: [4, 24] } }).documents,
    );
    await captureInGroups(store.capturer, documents, () => sizes[at++ % sizes.length] as number);
    const report = await rebuilt(store.db);
    expect(differing(report)).toEqual([]);
    expect(report.entries).toBeGreaterThan(500);
  });

  it('makes a document again of which the rules in force refused a part', async () => {
    const store = await open({ rules: 'enforce' });
    await store.capture([commission(0, packs(1, 2)), commission(1, packs(1, 2)), observe(2, packOf(1))], { behaviour: 'proceed' });
    await store.capture([observe(3, packOf(77)), observe(4, packOf(2))], { behaviour: 'proceed' });
    await store.capture([commission(9, packOf(1))]); // refused as a whole: its refusal is all there is
    expect(store.rows("SELECT 1 FROM entry WHERE kind = 'refusal'")).toHaveLength(3);
    expect(store.rows("SELECT 1 FROM entry WHERE kind = 'event'")).toHaveLength(3);
    expect(differing(await rebuilt(store.db))).toEqual([]);
  });

  it('comes out equal where the rules in force refused events in any order of arrival; only last_seq may be tighter', async () => {
    const events = hardHistory().flatMap((document) => (document['epcisBody'] as { eventList: Json[] }).eventList);
    const histories = fc.shuffledSubarray(events, { minLength: 6 });
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(histories, sizes, async (history, documents) => {
        const store = await openTestStore({ rules: 'enforce' });
        try {
          for (let from = 0, n = 0; from < history.length; n++) {
            const to = from + (documents[n] as number);
            await store.capture(history.slice(from, to), { behaviour: 'proceed' });
            from = to;
          }
          expect(differing(await rebuilt(store.db))).toEqual([]);
        } finally {
          await store.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    ["UPDATE item SET status = 6 WHERE serial = 'P1'", 'item'],
    ["DELETE FROM item WHERE serial = 'P6'", 'item'],
    ['UPDATE containment SET to_seq = NULL, to_time = NULL WHERE to_seq IS NOT NULL', 'containment'],
    ['DELETE FROM event_item WHERE seq = 3', 'event_item'],
    ["UPDATE finding SET severity = 'info' WHERE code = 'AGG-DOUBLE'", 'finding'],
    ["INSERT INTO prefix VALUES ('sgtin', '4012345')", 'prefix'],
    ['UPDATE containment_past SET parent = parent + 1', 'containment_past'],
    ["UPDATE term SET text = 'shipped' WHERE text = 'shipping'", 'term'],
  ])('finds a derived row that was altered: %s', async (sql, table) => {
    const store = await open();
    for (const document of hardHistory()) await store.capture(document);
    expect(store.db.prepare(sql).run().changes).toBeGreaterThan(0);
    const report = await rebuilt(store.db);
    expect(report.equal).toBe(false);
    expect(differing(report).map((difference) => difference.table)).toContain(table);
  });

  it('says which column of which row differs, and what both have', async () => {
    const store = await open();
    await store.capture([commission(0, packs(1, 2), { lot: 'L1' })]);
    store.db.exec("UPDATE item SET flags = 0 WHERE serial = 'P2'");
    expect(differing(await rebuilt(store.db))).toEqual([
      {
        table: 'item',
        row: 'id=2',
        kind: 'differs',
        columns: [{ name: 'flags', first: '0', second: expect.stringMatching(/^[1-9]/) as string }],
      },
    ]);
  });

  it('stops with LOG-REPLAY at an entry that does not come out of its document as it was logged', async () => {
    const store = await open();
    await store.capture([commission(0, packs(1, 2))]);
    await store.capture([observe(1, packOf(1))]);
    store.db.exec("UPDATE entry SET actor = 'somebody else' WHERE seq = 1");
    await expect(rebuilt(store.db)).rejects.toMatchObject({ code: 'LOG-REPLAY', at: '/entry/1' });
  });

  it.each([
    ['the document is lost', 'DELETE FROM payload', /has lost the document/],
    ['its parts do not fit', "UPDATE payload SET parts = '[5000000]'", /does not come together/],
    ['an entry is missing', 'DELETE FROM entry WHERE seq = 0', /Entry 0 is missing/],
    ['the entry is of no known kind', "UPDATE entry SET kind = 'wish', capture = NULL, encoding = 0, body = '{}'", /"wish"/],
  ])('stops with LOG-REPLAY when %s', async (_what, sql, message) => {
    const store = await open();
    await store.capture([commission(0, packs(1, 2)), observe(1, packOf(1))]);
    store.db.exec(sql.replace("'{}'", "x'7b7d'"));
    const wrong = expect(rebuilt(store.db)).rejects;
    await wrong.toThrow(message);
  });
});
