import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, history, packsPage, type ScopeAnswer, scope, thing, whereFrom, whereUsed } from '../../src/genealogy/index.ts';
import type { Db } from '../../src/store/db.ts';
import { e01, e01Key } from '../../src/worlds/index.ts';
import { allPacks, questionsOf } from '../support/questions.ts';
import { type AnyTestStore, ENGINES, storeOf } from '../support/test-store.ts';

const key = e01Key();
const { R1, R2, R3, B1, C1, C2, K1, L1 } = key.lots;
const [pallet1, pallet2] = key.pallets as [string, string];
const [broken] = key.brokenCases as [string];
const W = '414/9520123000059';
const P = '414/9520123000066';

describe.each(ENGINES)('on %s', (engine) => {
  let store: AnyTestStore;
  let db: Db;
  /** When each step was recorded: the clock goes on a second a document. */
  const recorded = new Map<string, string>();

  beforeAll(async () => {
    let now = Date.parse('2026-04-01T00:00:00Z');
    store = await storeOf(engine, { clock: () => now });
    for (const { name, text } of e01()) {
      now += 1_000;
      expect((await store.capture(text)).errors, name).toEqual([]);
      recorded.set(name.replace(/^e01-\d+-|\.json$/g, ''), new Date(now).toISOString());
    }
    db = questionsOf(store);
  });
  afterAll(() => store.close());

  const stepsOf = (eventID: string) => Object.entries(key.events).find(([, ids]) => ids.includes(eventID))?.[0];

  describe('the scope of E-01 (design.md §7)', () => {
    it.each([
      ['each raw lot', [R1, R2, R3]],
      ['the blend, the sublots and the bulk', [B1, C1, C2, K1]],
      ['the finished lot', [L1]],
    ])('of %s is 4,020 packs: by status, by holder, observed and inferred', async (_, lots) => {
      for (const of of lots) {
        const answer = (await scope(db, { of })) as ScopeAnswer;
        expect(answer).toMatchObject({ of: { key: of, kind: 'lgtin' }, complete: true, boundaries: [] });
        expect(answer.lots).toEqual([{ key: L1, epcClass: '01/09520123000110', lot: 'L1', expiry: key.expiry, packs: 4020 }]);
        const { byLocation, ...packs } = answer.packs;
        expect(packs).toEqual(key.packs);
        expect(byLocation.reduce((sum, place) => sum + place.count, 0)).toBe(4020);
      }
    });

    it('is 4,000 received, 12 sampled, 8 destroyed; W 3,740 with 140 observed, X 160, P 100, the maker 20', async () => {
      const packs = (await scope(db, { of: R1 }))?.packs;
      expect(packs?.byStatus).toEqual([
        { status: 'Received', count: 4000 },
        { status: 'Sampled', count: 12 },
        { status: 'Destroyed', count: 8 },
      ]);
      expect(packs?.byHolder.map(({ count, observed, inferred }) => [count, observed, inferred])).toEqual([
        [3740, 140, 3600],
        [160, 0, 160],
        [100, 100, 0],
        [20, 20, 0],
      ]);
    });

    it('lists each of those packs once, in pages of any size, with the same counts', async () => {
      const sizes = [1, 7, 613, 2_000];
      let page = 0;
      const rows = await allPacks(db, R1, {}, () => sizes[page++ % sizes.length] as number);
      expect(new Set(rows.map((row) => row.key)).size).toBe(4020);
      expect(rows).toHaveLength(4020);
      expect(rows.filter((row) => row.holder === W && row.observed)).toHaveLength(140);
      expect(rows.filter((row) => row.status === 'Destroyed').map((row) => row.key)).toEqual(expect.arrayContaining(key.destroyed));
      expect(rows.find((row) => row.key === key.onePackAtPharmacy)).toMatchObject({
        lot: 'L1',
        expiry: key.expiry,
        status: 'Received',
        holder: P,
        observed: true,
        parent: null,
      });
    });

    it('of a pallet is what it holds, of a pack itself', async () => {
      expect((await scope(db, { of: pallet1 }))?.packs).toMatchObject({ total: 3600, observed: 0, inferred: 3600 });
      expect((await scope(db, { of: pallet2 }))?.packs).toMatchObject({ total: 160, byHolder: [{ count: 160, inferred: 160 }] });
      expect((await scope(db, { of: broken }))?.packs.total).toBe(0);
      expect((await scope(db, { of: key.onePackAtPharmacy }))?.packs).toMatchObject({ total: 1, observed: 1 });
    });

    it('before W broke the cases was 3,840 packs at W, none of them observed; before anything was shipped, all at the maker', async () => {
      const received = await scope(db, { of: R1, at: '2026-03-23T07:59:59Z' });
      expect(received?.packs.byHolder[0]).toMatchObject({ holder: W, count: 3840, observed: 0, inferred: 3840 });
      const packed = await scope(db, { of: R1, at: '2026-03-12T12:59:59Z' });
      expect(packed?.packs.byHolder).toMatchObject([{ holder: '414/9520123000011', count: 4020, observed: 20, inferred: 4000 }]);
      expect(packed?.packs.byStatus).toEqual([
        { status: 'Commissioned', count: 4000 },
        { status: 'Sampled', count: 12 },
        { status: 'Destroyed', count: 8 },
      ]);
      expect((await scope(db, { of: R1, at: '2026-03-05T00:00:00Z' }))?.packs.total).toBe(0);
    });

    it('as known at each step is what that step left; before the raw lot was received nobody had heard of it', async () => {
      const known = (step: string) => ({ of: R1, known: recorded.get(step) as string });
      expect((await scope(db, known('commission')))?.packs).toMatchObject({
        total: 4020,
        byStatus: [{ status: 'Commissioned', count: 4020 }],
      });
      expect((await scope(db, known('ship-pallet-1')))?.packs.byStatus).toEqual(
        expect.arrayContaining([{ status: 'InTransit', count: 3840 }]),
      );
      expect((await scope(db, known('receive-pharmacy')))?.packs).toMatchObject(key.packs);
      expect(await scope(db, { of: L1, known: recorded.get('bulk') as string })).toBeNull();
      expect(await packsPage(db, { of: R1, known: '2026-03-31T00:00:00Z', after: null, limit: 10 })).toBeNull();
    });
  });

  describe('the genealogy of E-01', () => {
    it('leads from R1 through blend, sublots and bulk to L1, whose packs are counted, not drawn', async () => {
      const used = await whereUsed(db, { of: R1 });
      expect(used?.nodes.map(({ key: of, depth, quantity, uom, packs }) => [of, depth, quantity, uom, packs])).toEqual([
        [R1, 0, 20, 'KGM', undefined],
        [B1, 1, 100, 'KGM', undefined],
        [C1, 2, 50, 'KGM', undefined],
        [C2, 2, 50, 'KGM', undefined],
        [K1, 3, 100, 'KGM', undefined],
        [L1, 4, 4020, undefined, 4020],
      ]);
      expect(new Set(used?.edges.map(({ from, to, event, role }) => [from, to, stepsOf(event as string), role].join(' ')))).toEqual(
        new Set(
          [
            [R1, B1, 'blend', 'consumed'],
            [B1, C1, 'compress', 'consumed'],
            [B1, C2, 'compress', 'consumed'],
            [C1, K1, 'bulk', 'consumed'],
            [C2, K1, 'bulk', 'consumed'],
            [K1, L1, 'package', 'consumed'],
          ].map((edge) => edge.join(' ')),
        ),
      );
      expect(used).toMatchObject({ of: R1, direction: 'used', boundaries: [], complete: true });
    });

    it('leads from a pack back to the raw lots, each an origin by its receipt', async () => {
      const from = await whereFrom(db, { of: key.onePackAtPharmacy });
      expect(new Set(from?.nodes.map((node) => node.key))).toEqual(new Set([key.onePackAtPharmacy, L1, K1, C1, C2, B1, R1, R2, R3]));
      expect(from?.edges.find((edge) => edge.role === 'member')).toMatchObject({ from: L1, to: key.onePackAtPharmacy });
      expect(new Map(from?.boundaries.map(({ key: of, kind, event }) => [of, [kind, stepsOf(event as string)]]))).toEqual(
        new Map([
          [R1, ['origin', 'receive R1']],
          [R2, ['origin', 'receive R2']],
          [R3, ['origin', 'receive R3']],
        ]),
      );
      expect(from?.complete).toBe(true);
    });

    it('ends where the events end: before the blend R1 became nothing', async () => {
      const used = await whereUsed(db, { of: R1, at: '2026-03-04T08:59:59Z' });
      expect(used?.nodes).toHaveLength(1);
      expect((await whereUsed(db, { of: R1, known: recorded.get('compress') as string }))?.nodes.map((node) => node.key)).toEqual([
        R1,
        B1,
        C1,
        C2,
      ]);
    });
  });

  describe('the history of a pack of E-01 (domain.md §11, Q3)', () => {
    const told = async (of: string, lineage: boolean) =>
      (await history(db, { of, lineage }))?.entries.map(({ eventID, why, via, voided }) => {
        expect(voided).toBe(false);
        return [stepsOf(eventID), why, via];
      });

    it('tells what happened to it and to its containers while it was inside, and through which', async () => {
      expect(await told(key.onePackAtPharmacy, false)).toEqual([
        ['commission packs', 'own', null],
        ['pack case', 'own', null],
        ['pack pallet', 'inside', expect.stringMatching(/^01\/1952/)],
        ['ship pallet-1', 'inside', pallet1],
        ['receive pallet-1', 'inside', pallet1],
        ['unpack pallet', 'inside', expect.stringMatching(/^01\/1952/)],
        ['unpack case', 'own', null],
        ['ship pharmacy', 'own', null],
        ['receive pharmacy', 'own', null],
      ]);
    });

    it('with lineage begins at the receipts of the raw lots', async () => {
      expect((await told(key.onePackAtPharmacy, true))?.slice(0, 8)).toEqual([
        ['receive R1', 'lineage', R1],
        ['receive R2', 'lineage', R2],
        ['receive R3', 'lineage', R3],
        ['blend', 'lineage', B1],
        ['compress', 'lineage', expect.stringMatching(/\/10\/C[12]$/)],
        ['bulk', 'lineage', K1],
        ['package', 'lineage', L1],
        ['commission packs', 'own', null],
      ]);
    });

    it('of a sealed pack goes on with its pallet after other cases were taken off', async () => {
      expect((await told(key.oneSealedPack, false))?.at(-1)).toEqual(['unpack pallet', 'inside', pallet1]);
    });
  });

  describe('contents and things of E-01', () => {
    it('the pallet holds 48 cases of 80 until W takes three off', async () => {
      const inside = async (at?: string) => (await contents(db, { of: pallet1, depth: 'all', at }))?.members ?? [];
      const before = await inside('2026-03-23T07:59:59.999Z');
      expect(before.filter((member) => member.depth === 1)).toHaveLength(48);
      expect(before).toHaveLength(48 + 3840);
      expect(before.filter((member) => key.brokenCases.includes(member.parent))).toHaveLength(240);
      const at = await inside('2026-03-23T08:00:00Z');
      expect(at.filter((member) => member.depth === 1)).toHaveLength(45);
      expect(await inside()).toEqual(at);
      expect(at.some((member) => key.brokenCases.includes(member.key))).toBe(false);
      expect((await contents(db, { of: pallet1, depth: 1 }))?.count).toBe(45);
    });

    it('a broken case holds its packs ten minutes longer', async () => {
      const count = async (at: string) => (await contents(db, { of: broken, depth: 'all', at }))?.count;
      expect(await count('2026-03-23T08:09:59Z')).toBe(80);
      expect(await count('2026-03-23T08:10:00Z')).toBe(0);
    });

    it('a sealed pack is at W by inference, in its case, on the pallet', async () => {
      expect(await thing(db, { of: key.oneSealedPack })).toMatchObject({
        status: 'Received',
        lot: 'L1',
        expiry: key.expiry,
        top: pallet1,
        holder: W,
        owner: W,
        location: W,
        observed: false,
        lastEvent: key.events['unpack pallet']?.[0],
      });
    });

    it('the pack at the pharmacy is in transit between the two docks, and stays W’s until P has it', async () => {
      const on = async (at: string) => await thing(db, { of: key.onePackAtPharmacy, at });
      expect(await on('2026-03-24T13:00:00Z')).toMatchObject({ status: 'InTransit', holder: W, parent: null, observed: true });
      expect(await on('2026-03-25T07:00:00Z')).toMatchObject({ status: 'Received', holder: P });
      expect(await on('2026-03-09T06:59:59Z')).toBeNull();
    });
  });
});
