import type { OrderAct } from '../acts.ts';
import type { ChainView } from '../view.ts';
import type { ChainWorld } from '../world.ts';

/** The order of a chain: as it was placed, with the treatment site that it has now. Null: no order has the chain. */
export function orderFacts(world: Pick<ChainWorld, 'acts'>, view: ChainView | null): OrderAct | null {
  const placed = world.acts.find((act) => act.kind === 'order');
  if (placed === undefined) return null;
  return { ...placed.body, treatmentSite: view?.order?.treatmentSite ?? placed.body.treatmentSite };
}
