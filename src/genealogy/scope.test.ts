import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  caseOf,
  commission,
  declareError,
  destroy,
  documentOf,
  type Json,
  lotOf,
  observe,
  observeLot,
  pack,
  packOf,
  packs,
  quantityOf,
  START,
  transform,
  withID,
} from '../../test/support/events.ts';
import { allPacks, questionsOf } from '../../test/support/questions.ts';
import { memoryStore, type TestStore } from '../../test/support/test-store.ts';
import { formatKey, parseEpcClass, parseThing } from '../identifiers/index.ts';
import type { AsOfArgs } from '../lifecycle/as-of.ts';
import { packsPage, scope, thing, whereUsed } from './index.ts';

const key = (epc: string) => formatKey(parseThing(epc));
const lot = (name: string, item = 11) => formatKey(parseEpcClass(lotOf(name, item)));
const L1 = lot('L1');
const RAW = lot('R1', 12);

let store: TestStore;
let now: number;
beforeEach(async () => {
  now = START + 86_400_000;
  store = await memoryStore({ clock: () => now });
});
afterEach(() => store.close());
async function tell(...events: Json[]): Promise<string> {
  for (const event of events) {
    now += 60_000;
    expect((await store.capture([event])).errors).toEqual([]);
  }
  return new Date(now).toISOString();
}
const statuses = async (of: string, t: AsOfArgs = {}) => (await scope(questionsOf(store), { of, ...t }))?.packs.byStatus;

describe('a recalled lot (design.md §7, status)', () => {
  const recall = (more: Json) => observeLot(5, [quantityOf(lotOf('L1'))], {}, more);
  it.each([
    ['for good', { persistentDisposition: { set: ['recalled'] } }],
    ['by its last disposition', { disposition: 'recalled' }],
  ])('%s shows on its packs, but for those that have ended', async (_, more) => {
    await tell(commission(0, packs(1, 5), { lot: 'L1' }), destroy(1, packOf(5)), recall(more));
    expect(await statuses(L1)).toEqual([
      { status: 'Recalled', count: 4 },
      { status: 'Destroyed', count: 1 },
    ]);
    expect(await thing(questionsOf(store), { of: key(packOf(1)) })).toMatchObject({ status: 'Recalled' });
    expect((await allPacks(questionsOf(store), L1)).map((row) => row.status)).toEqual([
      'Recalled',
      'Recalled',
      'Recalled',
      'Recalled',
      'Destroyed',
    ]);
    expect(await statuses(L1, { at: '2026-03-01T08:04:00Z' })).toEqual([
      { status: 'Commissioned', count: 4 },
      { status: 'Destroyed', count: 1 },
    ]);
  });

  it('shows no more when the recall is taken back', async () => {
    await tell(
      commission(0, packs(1, 2), { lot: 'L1' }),
      recall({ persistentDisposition: { set: ['recalled'] } }),
      observeLot(6, [quantityOf(lotOf('L1'))], {}, { persistentDisposition: { unset: ['recalled'] } }),
    );
    expect(await statuses(L1)).toEqual([{ status: 'Commissioned', count: 2 }]);
  });
});

describe('what a pack is', () => {
  it('never was a parent: a bundle with a GTIN and a lot is none, and was one before something went in', async () => {
    await tell(commission(0, [packOf(1), packOf(2)], { lot: 'L1' }), pack(3, packOf(1), packOf(7, 13)));
    expect((await scope(questionsOf(store), { of: L1 }))?.packs.total).toBe(1);
    expect((await scope(questionsOf(store), { of: L1, at: '2026-03-01T08:02:00Z' }))?.packs.total).toBe(2);
  });

  it('belongs to the lot that was claimed then: a voided commissioning takes its packs out, but not out of the past', async () => {
    const first = withID(commission(0, packs(1, 3), { lot: 'L1' }), 1);
    const before = await tell(first);
    await tell(declareError(first), commission(1, packs(1, 2), { lot: 'L2' }));
    const total = async (of: string, t: AsOfArgs = {}) => (await scope(questionsOf(store), { of, ...t }))?.packs.total;
    expect([await total(L1), await total(lot('L2'))]).toEqual([0, 2]);
    expect(await total(L1, { known: before })).toBe(3);
    expect(await total(lot('L2'), { known: before })).toBeUndefined();
    expect((await allPacks(questionsOf(store), L1, { known: before })).map((row) => row.lot)).toEqual(['L1', 'L1', 'L1']);
  });
});

describe('the pages of a scope', () => {
  it('neither repeat nor skip a pack when packs and lots are added between them', async () => {
    const out = (name: string) => transform(1, [quantityOf(lotOf('R1', 12), 1, 'KGM')], [quantityOf(lotOf(name), 5)]);
    await tell(out('L2'), commission(2, packs(1, 5), { lot: 'L2' }), out('L4'), commission(2, packs(6, 10), { lot: 'L4' }));
    const db = questionsOf(store);
    const first = await packsPage(db, { of: RAW, after: null, limit: 3 });
    await tell(out('L1'), commission(3, packs(11, 13), { lot: 'L1' }), commission(3, packOf(14), { lot: 'L2' }));
    const keys = first?.rows.map((row) => row.key) ?? [];
    for (let page = first; page?.next; ) {
      page = await packsPage(db, { of: RAW, after: page.next, limit: 3 });
      keys.push(...(page?.rows ?? []).map((row) => row.key));
    }
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual(expect.arrayContaining(packs(1, 14).map(key)));
  });
});

describe('names and things that were not known yet', () => {
  it('are told as they were known', async () => {
    const before = await tell(commission(0, packOf(1), { lot: 'L1', site: 1 }));
    await tell(observe(1, packOf(1), { site: 1 }));
    now += 60_000;
    const header = {
      epcisMasterData: {
        vocabularyList: [
          {
            type: 'urn:epcglobal:epcis:vtype:EPCClass',
            vocabularyElementList: [
              {
                id: 'urn:epc:idpat:sgtin:9520123.000011.*',
                attributes: [{ id: 'urn:epcglobal:cbv:mda#descriptionShort', attribute: 'Tablets' }],
              },
            ],
          },
        ],
      },
    };
    expect((await store.capture(documentOf([observe(2, caseOf(1))], { epcisHeader: header }))).errors).toEqual([]);
    const db = questionsOf(store);
    expect(await thing(db, { of: key(packOf(1)) })).toMatchObject({ name: 'Tablets' });
    expect(await thing(db, { of: key(packOf(1)), known: before })).toMatchObject({ name: null });
    expect((await scope(db, { of: L1 }))?.of.label).toBe('Tablets L1');
    expect((await whereUsed(db, { of: L1, known: before }))?.nodes[0]).toMatchObject({ label: '09520123000110 L1', packs: 1 });
  });
});
