import type { Told } from '../fold-chain.ts';
import type { ChainWorld, Found } from '../world.ts';
import { uncheckedPassages } from './checkpoints.ts';
import { clearances } from './clearance.ts';
import { infusions } from './infusion.ts';
import { manualReads, mismatches } from './mismatch.ts';
import { offlineConflicts } from './offline-rules.ts';
import { impossibleTimes } from './time-order.ts';

/** What is wrong with checks, or happened without them. */
export function judgeChecks(world: ChainWorld, told: Told): Found[] {
  return [
    ...uncheckedPassages(world, told.order),
    ...mismatches(world),
    ...manualReads(world, told),
    ...infusions(world, told),
    ...clearances(world),
    ...impossibleTimes(world, told),
    ...offlineConflicts(world, told),
  ];
}
