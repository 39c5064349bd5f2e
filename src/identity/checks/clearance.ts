import { chainsOf } from '../bindings.ts';
import { type ChainWorld, type Found, isWitnessed, type Key, type WorldEvent } from '../world.ts';
import { canonicalIn, timeOf } from './passages.ts';

/**
 * INV-15: in a space that is cleared between patients there is one patient's open material at a time. It is in use from the first event that names it
 * until a clearance that two people signed; whoever's event comes next finds what was not cleared away.
 */
export function clearances(world: ChainWorld): Found[] {
  const canonical = canonicalIn(world);
  const materialOf = (event: WorldEvent): Key[] => [...event.epcs, ...event.children, ...event.inputs, ...event.outputs].map(canonical);
  const chains = (event: WorldEvent) => new Set([...chainsOf(world.bindings, materialOf(event)), ...event.coi.chain]);
  const all = [...world.events, ...world.others].filter(({ coi }) => coi.space !== null).sort(byTime(world));
  return world.events.flatMap((event): Found[] => {
    const { space } = event.coi;
    if (space === null || !chains(event).has(world.chain)) return [];
    const here = timeOf(world, event);
    const uncleared = all.filter(
      (other) =>
        other.coi.space === space &&
        byTime(world)(other, event) < 0 &&
        [...chains(other)].some((chain) => chain !== world.chain) &&
        !isCleared(world, space, timeOf(world, other), here),
    );
    if (uncleared.length === 0) return [];
    // The mix itself is another finding: an event of both chains is not its own neighbour.
    const strange = uncleared.flatMap(materialOf).filter((key) => !(world.bindings.get(key)?.chains ?? []).includes(world.chain));
    return strange.length === 0
      ? []
      : [{ code: 'COI-CLEARANCE', seq: event.seq, things: [...new Set([...materialOf(event), ...strange])] }];
  });
}

const byTime = (world: ChainWorld) => (a: WorldEvent, b: WorldEvent) => timeOf(world, a) - timeOf(world, b) || a.seq - b.seq;

/** By an act, which has its two signatures; a bare event has none. */
function isCleared({ acts }: ChainWorld, space: string, from: number, until: number): boolean {
  return acts.some(
    (act) => act.kind === 'clearance' && act.body.space === space && act.time >= from && act.time <= until && isWitnessed(act),
  );
}
