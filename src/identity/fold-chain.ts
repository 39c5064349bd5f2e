import { foldCheckpoints } from './checks/checkpoints.ts';
import { judgeChecks } from './checks/rules.ts';
import { foldCold } from './cold/fold-cold.ts';
import { foldContainers } from './containers.ts';
import { foldCustody } from './custody/custody.ts';
import { judgeMaterial } from './material-rules.ts';
import { foldLabels } from './orders/labels.ts';
import { foldOrder } from './orders/order.ts';
import { judgeResults } from './orders/results.ts';
import { judgeOrder } from './orders/rules.ts';
import { type ChainView, type HoldView, MODES } from './view.ts';
import type { ChainWorld, Found } from './world.ts';

/** What the chain comes to before anything is judged: what rules may rely on. */
export type Told = Omit<ChainView, 'findings' | 'holds'>;

/**
 * All that is known of a chain, from its events and acts: a pure function of the set of them and of their order in time, so that a late one only means
 * to fold again. Rules find facts of the world; what they find opens and closes with it, and the holds that it brings stay until somebody lifts them.
 */
export function foldChain(world: ChainWorld): ChainView {
  const containers = foldContainers(world);
  const labels = foldLabels(world);
  const custody = foldCustody(world, containers);
  const order = foldOrder(world, containers);
  const told: Told = {
    chain: world.chain,
    order,
    containers,
    checkpoints: foldCheckpoints(world, order),
    labels: labels.jobs,
    custody: custody.view,
  };
  const findings = distinct([
    ...judgeMaterial(world, told),
    ...judgeOrder(world, told),
    ...judgeResults(world, told),
    ...judgeChecks(world, told),
    ...labels.findings,
    ...custody.findings,
    ...foldCold(world).findings,
  ]);
  const settled = settledHolds(world, findings);
  if (settled !== world.holds) return foldChain({ ...world, holds: settled });
  const fresh = newHolds(world, findings);
  // What is held from now on is on hold from now on.
  if (fresh.length > 0) return foldChain({ ...world, holds: [...world.holds, ...fresh] });
  return { ...told, findings, holds: world.holds };
}

/** Holds that findings bring and that were not placed before: one that somebody has lifted does not come back. */
function newHolds(world: ChainWorld, findings: readonly Found[]): HoldView[] {
  const there = new Set(world.holds.map(({ id }) => id));
  return findings.flatMap(({ code, seq, things }) => {
    const scope = MODES[code]?.hold;
    const id = holdIdOf(code, seq, world.chain);
    if (scope == null || there.has(id)) return [];
    return [{ id, scope, things, codes: [code], reason: code, seq, lifted: null }];
  });
}

/** Labels that are all accounted for hold nothing any more: of that everybody can convince himself. Other holds end by quality's word alone. */
function settledHolds(world: ChainWorld, findings: readonly Found[]): readonly HoldView[] {
  const found = new Set(findings.map(({ code, seq }) => holdIdOf(code, seq, world.chain)));
  const over = world.holds.filter(
    ({ id, codes, lifted }) => lifted === null && codes.every((code) => code === 'COI-LABEL') && !found.has(id),
  );
  if (over.length === 0) return world.holds;
  const last = world.acts.at(-1)?.seq ?? 0;
  return world.holds.map((hold) => (over.includes(hold) ? { ...hold, lifted: last } : hold));
}

/** The same again when the journal is replayed. */
export const holdIdOf = (code: string, seq: number, chain: string): string => `hd_${code}_${seq}_${chain}`;

function distinct(findings: readonly Found[]): Found[] {
  const merged = new Map<string, { code: string; seq: number; things: Set<string> }>();
  for (const { code, seq, things } of findings) {
    const name = `${code} ${seq}`;
    const one = merged.get(name) ?? { code, seq, things: new Set<string>() };
    for (const thing of things) one.things.add(thing);
    merged.set(name, one);
  }
  return [...merged.values()].map((one) => ({ ...one, things: [...one.things].sort() }));
}
