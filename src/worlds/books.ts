import { type AnswerKey, DEFECT_KINDS, type HolderCount, type LotAnswer, type RawLotAnswer, STATUSES } from './answer-key.ts';
import { lgtin, partyKey } from './keys.ts';
import type { PackLot, SeededWorld } from './seeded-world.ts';

/** The answer key of a world that has happened, from its bookkeeping. */
export function closeBooks(world: SeededWorld): AnswerKey {
  const lots = world.lots.map((lot) => answerFor(world, lot));
  const packsOf = new Map(lots.map((lot) => [lot.key, lot.packs]));
  const rawLots = world.raws.map((raw): RawLotAnswer => {
    const reached = [...descendants(world, raw.key)].filter((key) => packsOf.has(key)).sort();
    return { key: raw.key, name: raw.name, lots: reached, packs: reached.reduce((sum, key) => sum + packsOf.get(key)!, 0) };
  });
  return {
    seed: world.seed,
    documents: world.counts.documents,
    events: world.counts.events,
    bytes: world.counts.bytes,
    packs: lots.reduce((sum, lot) => sum + lot.packs, 0),
    cases: world.counts.cases,
    logisticUnits: world.counts.logisticUnits,
    parties: world.parties.all.map(({ location, name, kind }) => ({ key: partyKey(location), name, kind })),
    rawLots,
    lots,
    defects: world.defects
      .filter((defect) => defect.documents.length > 0)
      .sort((a, b) => DEFECT_KINDS.indexOf(a.kind) - DEFECT_KINDS.indexOf(b.kind)),
  };
}

function answerFor(world: SeededWorld, lot: PackLot): LotAnswer {
  const statuses = STATUSES.map(() => 0);
  const holders = new Map<number, HolderCount>();
  for (let pack = 0; pack < lot.status.length; pack++) {
    statuses[lot.status[pack]!]!++;
    const index = lot.holder[pack]!;
    let holder = holders.get(index);
    if (!holder) {
      const { location, name } = world.parties.all[index]!;
      holder = { holder: partyKey(location), name, count: 0, observed: 0, inferred: 0 };
      holders.set(index, holder);
    }
    holder.count++;
    if (lot.observed[pack] === 1) holder.observed++;
    else holder.inferred++;
  }
  return {
    key: lot.key,
    epcClass: lgtin(lot.item, lot.text),
    lot: lot.text,
    expiry: lot.expiry,
    packs: lot.status.length,
    byStatus: STATUSES.map((status, i) => ({ status, count: statuses[i]! })).filter(({ count }) => count > 0),
    byHolder: [...holders.values()].sort((a, b) => b.count - a.count || (a.holder < b.holder ? -1 : 1)),
  };
}

/** Everything that the lineage leads to; a rework loop is walked once. */
function descendants(world: SeededWorld, from: string): Set<string> {
  const reached = new Set<string>();
  const open = [from];
  for (let key = open.pop(); key !== undefined; key = open.pop())
    for (const next of world.lineage.get(key) ?? [])
      if (!reached.has(next)) {
        reached.add(next);
        open.push(next);
      }
  return reached;
}
