import { sql } from 'drizzle-orm';
import type { Node } from '../../lifecycle/state.ts';
import type { Db } from '../../store/db.ts';
import { eachNumber } from '../../store/sql.ts';
import { canonicalKey, loadWorld, nodesOf } from '../load-world.ts';
import type { Key } from '../world.ts';
import type { Budget } from './fold-cold.ts';
import { foldCold } from './fold-cold.ts';
import { type Shown, shownSeries } from './shown-series.ts';

/** Chains of one answer about a shipper, which may have served many; beyond, it says that it is not complete. */
const CHAINS_MAX = 50;

export type Verdict = {
  readonly excursionId: string;
  readonly verdict: 'accept' | 'reject';
  readonly reason: string;
  readonly seq: number;
  /** ms since 1970. */
  readonly time: number;
};
export type TemperatureAnswer = {
  readonly shipment: Key;
  readonly chains: readonly string[];
  readonly series: readonly Shown[];
  readonly budgets: readonly Budget[];
  readonly findings: readonly { readonly code: string; readonly seq: number; readonly things: readonly Key[] }[];
  readonly verdicts: readonly Verdict[];
  readonly complete: boolean;
};

/** What is told of the temperatures of a shipper, or of a container by itself (domain.md §14). Null: it never carried cells of a chain. `now` in ms. */
export async function shipmentTemperature(db: Db, args: { thing: Key; now: number }): Promise<TemperatureAnswer | null> {
  const key = await canonicalKey(db, args.thing);
  const nodes = await nodesOf(db, [key]);
  const all = nodes.size === 0 ? [] : await chainsCarried(db, [...nodes.values()]);
  if (all.length === 0) return null;
  const chains = all.slice(0, CHAINS_MAX);
  const series = new Map<string, Shown>();
  const budgets = new Map<Key, Budget>();
  const findings = new Map<string, TemperatureAnswer['findings'][number]>();
  const verdicts = new Map<string, Verdict>();
  for (const chain of chains) {
    const world = await loadWorld(db, chain, args.now);
    const cold = foldCold(world);
    // What two chains have in one shipper is told once.
    for (const shipment of cold.shipments)
      if (shipment.series.shipper === key) {
        const shown = shownSeries(shipment);
        series.set(JSON.stringify([shown.subject, shown.device, shown.stage, shown.from, shown.to]), shown);
      }
    const seqs = new Set(cold.shipments.flatMap((one) => (one.series.shipper === key ? one.series.pieces.map(({ seq }) => seq) : [])));
    const inside = new Set(cold.shipments.flatMap((one) => (one.series.shipper === key ? one.affected.map(({ thing }) => thing) : [])));
    for (const one of cold.findings)
      if (seqs.has(one.seq) || (one.code === 'SENS-HOLD' && one.things.some((thing) => thing === key || inside.has(thing))))
        findings.set(`${one.code} ${one.seq}`, one);
    for (const budget of cold.budgets) if (inside.has(budget.thing)) budgets.set(budget.thing, budget);
    for (const act of world.acts) {
      if (act.kind !== 'excursion' || (world.aliases.get(act.body.shipment) ?? act.body.shipment) !== key) continue;
      const { excursionId, verdict, reason } = act.body;
      verdicts.set(act.id, { excursionId, verdict, reason, seq: act.seq, time: act.time });
    }
  }
  return {
    shipment: key,
    chains,
    series: [...series.values()],
    budgets: [...budgets.values()],
    findings: [...findings.values()].sort((a, b) => a.seq - b.seq),
    verdicts: [...verdicts.values()],
    complete: chains.length === all.length,
  };
}

/** The chains whose material these things are or have carried. */
export async function chainsCarried(db: Db, nodes: readonly Node[]): Promise<string[]> {
  const rows = await db.all<{ ref: string }>(
    sql`SELECT DISTINCT b.ref FROM ${eachNumber(nodes)} j CROSS JOIN coi_binding b ON b.node = j.value WHERE b.kind IN ('c', 'h') ORDER BY b.ref`,
  );
  return rows.map(({ ref }) => ref);
}
