import { describe, expect, it } from 'vitest';
import { type ScopeAnswer, scope, whereUsed } from '../../src/genealogy/index.ts';
import type { Db } from '../../src/store/db.ts';
import { type AnswerKey, type HolderCount, type LotAnswer, type PackStatus, type RawLotAnswer, world } from '../../src/worlds/index.ts';
import { allPacks, questionsOf } from '../support/questions.ts';
import { openTestStore, type TestStore } from '../support/test-store.ts';
import { captureInGroups, takenDocuments } from '../support/worlds.ts';

const LONG = process.env['LOTLINE_LONG'] === '1';

async function worldOf(size: 'S' | 'M', seed = 7): Promise<{ store: TestStore; db: Db; key: AnswerKey }> {
  const store = await openTestStore();
  const { documents, key } = world({ seed, size });
  let first = 1;
  let waiting: { name: string; text: string }[] = [];
  const send = async () => {
    await captureInGroups(store.capturer, takenDocuments(waiting, first), () => waiting.length);
    first += waiting.length;
    waiting = [];
  };
  for (const document of documents) {
    waiting.push(document);
    if (waiting.length === 20) await send();
  }
  await send();
  return { store, db: questionsOf(store), key: key() };
}

const byName = <Row extends { count: number }>(rows: readonly Row[], name: keyof Row) =>
  new Map(rows.map((row) => [row[name], { ...row, name: undefined }]));

/** What the key says of some lots together. */
function together(lots: readonly LotAnswer[]): Pick<LotAnswer, 'byStatus' | 'byHolder'> {
  const statuses = new Map<PackStatus, number>();
  const holders = new Map<string, HolderCount>();
  for (const lot of lots) {
    for (const { status, count } of lot.byStatus) statuses.set(status, (statuses.get(status) ?? 0) + count);
    for (const { holder, name, count, observed, inferred } of lot.byHolder) {
      const sum = holders.get(holder) ?? { holder, name, count: 0, observed: 0, inferred: 0 };
      holders.set(holder, { ...sum, count: sum.count + count, observed: sum.observed + observed, inferred: sum.inferred + inferred });
    }
  }
  return {
    byStatus: [...statuses].map(([status, count]) => ({ status, count })),
    byHolder: [...holders.values()],
  };
}

async function agrees(db: Db, key: AnswerKey): Promise<void> {
  const finished = key.lots;
  const lots = new Map(finished.map((lot) => [lot.key, lot]));
  for (const lot of finished) {
    const answer = await scope(db, { of: lot.key });
    expect(
      answer?.lots.map(({ key: of, packs, expiry }) => [of, packs, expiry]),
      lot.key,
    ).toEqual([[lot.key, lot.packs, lot.expiry]]);
    expect(byName(answer?.packs.byStatus ?? [], 'status'), lot.key).toEqual(byName(lot.byStatus, 'status'));
    expect(byName(answer?.packs.byHolder ?? [], 'holder'), lot.key).toEqual(byName(lot.byHolder, 'holder'));
  }
  for (const raw of key.rawLots) {
    const answer = await scope(db, { of: raw.key });
    expect(answer?.complete).toBe(true);
    const reached = [...raw.lots].sort();
    expect(answer?.lots.map((lot) => lot.key).sort(), raw.key).toEqual(reached);
    const descending = reached.map((of) => lots.get(of) as LotAnswer);
    expect(answer?.packs.total, raw.key).toBe(descending.reduce((sum, lot) => sum + lot.packs, 0));
    const expected = together(descending);
    expect(byName(answer?.packs.byStatus ?? [], 'status'), raw.key).toEqual(byName(expected.byStatus, 'status'));
    expect(byName(answer?.packs.byHolder ?? [], 'holder'), raw.key).toEqual(byName(expected.byHolder, 'holder'));
    const used = await whereUsed(db, { of: raw.key });
    const drawn = new Set(used?.nodes.map((node) => node.key));
    for (const lot of reached) expect(drawn.has(lot), `${raw.key} → ${lot}`).toBe(true);
  }
}

/** The same for the largest raw lot, a moment before the last event of all, so that the past is folded and not read. */
async function agreesThen(store: TestStore, db: Db, key: AnswerKey): Promise<{ raw: RawLotAnswer; now: ScopeAnswer }> {
  const raw = key.rawLots.reduce((a, b) => (b.packs > a.packs ? b : a));
  const now = (await scope(db, { of: raw.key })) as ScopeAnswer;
  const [last] = store.rows<{ time: number }>('SELECT max(time) AS time FROM event');
  const then = await scope(db, { of: raw.key, at: new Date((last as { time: number }).time - 1).toISOString() });
  expect(then?.packs.total).toBe(now.packs.total);
  expect(then?.lots).toEqual(now.lots);
  return { raw, now };
}

/** Codes that the books do not work out for themselves: told of what is planted, and of nothing else. */
function tellsOfPlantsOnly(store: TestStore, key: AnswerKey): void {
  const told = (code: string) => store.findings().filter((finding) => finding.code === code && finding.state === 'open');
  const planted = (code: string) => key.defects.filter((defect) => defect.also?.includes(code)).flatMap(({ things }) => things);
  expect(planted('AGG-REUSED')).toHaveLength(1);
  for (const code of ['AGG-REUSED', 'EX-PND-5', 'EX-DNP-3', 'DEP-VOIDED', 'SHIP-RECALLED', 'SHIP-HELD', 'SHIP-EXPIRED'])
    expect(
      told(code).flatMap(({ things }) => things),
      code,
    ).toEqual(planted(code));
}

describe('scope agrees with a world’s own books', () => {
  it('of world S, for each raw lot and each finished lot, now and as of the last moment', { timeout: 300_000 }, async () => {
    const { store, db, key } = await worldOf('S');
    await agrees(db, key);
    const { raw, now } = await agreesThen(store, db, key);
    const of = raw.key;
    const sizes = [1, 13, 700, 3_000];
    let page = 0;
    const rows = await allPacks(db, of, {}, () => sizes[page++ % sizes.length] as number);
    expect(new Set(rows.map((row) => row.key)).size).toBe(now.packs.total);
    expect(rows).toHaveLength(now.packs.total);
    const statuses = new Map<string | null, number>();
    for (const row of rows) statuses.set(row.status, (statuses.get(row.status) ?? 0) + 1);
    expect(statuses).toEqual(new Map(now.packs.byStatus.map(({ status, count }) => [status, count])));
    tellsOfPlantsOnly(store, key);
    await store.close();
  });

  it.runIf(LONG)('of world M', { timeout: 1_800_000 }, async () => {
    const { store, db, key } = await worldOf('M');
    await agrees(db, key);
    await agreesThen(store, db, key);
    await store.close();
  });
});
