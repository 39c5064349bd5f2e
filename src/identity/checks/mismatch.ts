import type { Told } from '../fold-chain.ts';
import type { ChainWorld, Found } from '../world.ts';
import { canonicalIn } from './passages.ts';

/** Of one order; more of them and quality looks at it (INV-13). */
export const MANUAL_MAX = 3;

/**
 * INV-11: checks that failed and that quality has not resolved. Of the chain that was checked, and of the chains that the reads turned out to belong to
 * (C-02). The thing is held in either, as far as it is its own.
 */
export function mismatches(world: ChainWorld): Found[] {
  const canonical = canonicalIn(world);
  const resolved = new Set(world.acts.flatMap((act) => (act.kind === 'resolution' ? [act.body.checkId] : [])));
  return world.acts.flatMap((act): Found[] => {
    if (act.kind !== 'check' || act.body.result !== 'fail' || resolved.has(act.body.checkId)) return [];
    const { containers, reads } = act.body;
    const read = reads.flatMap(({ identifier, value }) => (identifier === 'container' || identifier === 'sample' ? [value] : []));
    const things = [...containers, ...read].map(canonical).filter((key) => isOwn(world, key));
    return [{ code: 'COI-MISMATCH', seq: act.seq, things: [...new Set(things)] }];
  });
}

/** What is bound to the chain, or to nobody yet: a bag that is only about to come into being. */
function isOwn({ bindings, chain }: ChainWorld, key: string): boolean {
  const chains = bindings.get(key)?.chains ?? [];
  return chains.length === 0 || chains.includes(chain);
}

/** INV-13: the check with which an order came to have too many identifiers typed in. Quality closes it by resolving that check. */
export function manualReads(world: ChainWorld, { order }: Told): Found[] {
  const resolved = new Set(world.acts.flatMap((act) => (act.kind === 'resolution' ? [act.body.checkId] : [])));
  let count = 0;
  for (const act of world.acts) {
    if (act.kind !== 'check' || order === null || act.body.orderId !== order.orderId) continue;
    count += act.body.reads.filter(({ manual }) => manual).length;
    if (count <= MANUAL_MAX) continue;
    if (!resolved.has(act.body.checkId)) return [{ code: 'COI-MANUAL', seq: act.seq, things: act.body.containers }];
    // Looked at: counted anew from here.
    count = 0;
  }
  return [];
}
