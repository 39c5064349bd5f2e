import { BIZ_STEP, STEPS, type StepId } from './vocabulary.ts';
import type { ChainWorld, WorldEvent } from './world.ts';

/**
 * Which step of the workflow an event is (domain.md §12.2): as it says itself, else by what happened (identity-wire.md §2). What happens on both ways,
 * such as shipping, is told apart by whether dose bags have been filled before it. Null: no step of the workflow, such as a reading.
 */
export function stepOf(event: WorldEvent, world: Pick<ChainWorld, 'events'>): StepId | null {
  const { step } = event.coi;
  if (step !== null && (STEPS as readonly string[]).includes(step)) return step as StepId;
  const outward = () => isFilled(world, event);
  switch (event.bizStep) {
    case 'commissioning':
      return event.action === 'ADD' && event.coi.from === null ? 'collection' : null;
    case 'sampling':
      return outward() || isStarted(world, event) ? 'qc-samples' : 'samples';
    case 'packing':
      return outward() ? 'ship' : 'pack';
    case 'shipping':
    case 'departing':
      return outward() ? 'ship' : 'pack';
    case 'receiving':
    case 'arriving':
      return outward() ? 'site-receive' : 'receive';
    case 'accepting':
      return outward() ? 'site-receive' : 'accept';
    case 'storing':
      return outward() && isAtSite(world, event) ? 'site-store' : isStarted(world, event) ? 'store' : 'hold';
    case BIZ_STEP.thawing:
      return 'thaw';
    case BIZ_STEP.infusing:
      return 'infuse';
    case 'destroying':
      return 'residue';
    case 'creating_class_instance':
    case 'transforming':
    case 'commingling':
      return 'process';
    default:
      return event.type === 'TransformationEvent' ? 'process' : null;
  }
}

const isFill = (event: WorldEvent): boolean =>
  event.type === 'TransformationEvent' && (event.coi.bag !== null || event.coi.step === 'fill');

/** Whether dose bags were filled in the same attempt before this. */
function isFilled({ events }: Pick<ChainWorld, 'events'>, event: WorldEvent): boolean {
  return events.some((one) => isFill(one) && one.time <= event.time && sameAttempt(one, event));
}
const isStarted = ({ events }: Pick<ChainWorld, 'events'>, event: WorldEvent): boolean =>
  events.some((one) => one.type === 'TransformationEvent' && one.time <= event.time && sameAttempt(one, event));
const isAtSite = ({ events }: Pick<ChainWorld, 'events'>, event: WorldEvent): boolean =>
  events.some(
    (one) => one.time <= event.time && (one.coi.step === 'site-receive' || (one.bizStep === 'receiving' && isFilled({ events }, one))),
  );

/** Where an event names no attempt it may be of any. */
function sameAttempt(one: WorldEvent, other: WorldEvent): boolean {
  return one.coi.attempt === null || other.coi.attempt === null || one.coi.attempt === other.coi.attempt;
}
