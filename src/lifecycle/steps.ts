import { type Facts, ROLE, type Role, type Status } from './state.ts';

/** What the business step of an event means for the things that it names (design.md §7). */
const ENDING = new Set<string | null>(['destroying', 'decommissioning', 'dispensing']);
/** Ends that a reactivation takes back (domain.md §4, 9→11); what is destroyed stays so. */
const REVOCABLE: ReadonlySet<Status | null> = new Set<Status>(['Inactive', 'Dispensed', 'Stolen']);
const ENDED: ReadonlySet<Status | null> = new Set<Status>([...(REVOCABLE as ReadonlySet<Status>), 'Destroyed']);
const RECEIVING = new Set<string | null>(['receiving', 'accepting']);

/** Whether what an event is about ends with it, and so leaves its container (packs-wire.md). */
export function endsThings(event: Pick<Facts, 'type' | 'action' | 'bizStep'>): boolean {
  return ENDING.has(event.bizStep) || (event.type === 'ObjectEvent' && event.action === 'DELETE');
}

/** The business step of the undo of an end, which CBV has no word for: an ObjectEvent, OBSERVE (domain.md §8.4 says who may). */
export const REACTIVATING = 'urn:lotline:bizStep:reactivating';

/** The business step that releases a lot: an ObjectEvent, OBSERVE, of its LGTIN (domain.md §4, 7→11). */
export const RELEASING = 'urn:lotline:bizStep:releasing';

export const isEnded = (status: Status | null): boolean => ENDED.has(status);
export const isRevocable = (status: Status | null): boolean => REVOCABLE.has(status);

/**
 * What becomes of a number that is on a label and on no pack yet (domain.md §4, 2→4, 4→5, 4→6), by the status that it has; null for events that are
 * not about labels. A label that was sampled or scrapped does not come back by being printed again.
 */
export function labelStatusOf(facts: Facts, now: Status | null): Status | null {
  if (facts.type !== 'ObjectEvent' || facts.action === 'ADD') return null;
  const printed = facts.bizStep === 'encoding';
  if (!printed && now !== 'Encoded') return null;
  if (facts.disposition === 'destroyed' || facts.bizStep === 'destroying') return 'LabelScrapped';
  if (facts.disposition === 'inactive' || facts.bizStep === 'decommissioning' || facts.bizStep === 'sampling') return 'LabelSampled';
  return printed ? (now ?? 'Encoded') : null;
}

/**
 * Whether it tells that what is inside of its parent and not on its list is missing (packs-wire.md): an unpacking that lists what came out, and whose
 * disposition says that this is not what should have. Without a list it says no more than that the numbers differ.
 */
export function findsShortage(facts: Pick<Facts, 'type' | 'action' | 'bizStep' | 'disposition' | 'parent' | 'things'>): boolean {
  return (
    facts.type === 'AggregationEvent' &&
    facts.action === 'DELETE' &&
    facts.bizStep === 'unpacking' &&
    facts.disposition === 'mismatch_quantity' &&
    facts.parent !== 0 &&
    (facts.things[ROLE.child]?.length ?? 0) > 0
  );
}

/** Whether it takes out of its parent what it does not name. */
export function takesOutUnnamed(facts: Facts): boolean {
  return (facts.type === 'AggregationEvent' && facts.unpacksAll && facts.parent !== 0) || findsShortage(facts);
}

/** Whether things come into somebody's hands with it. */
export function receivesThings(event: Pick<Facts, 'bizStep'>): boolean {
  return RECEIVING.has(event.bizStep);
}

/** Whether it brings into being what it names in this role. */
export function makesThings(facts: Facts, role: Role): boolean {
  if (role === ROLE.output) return true;
  if (role === ROLE.input) return false;
  return (facts.type === 'ObjectEvent' && facts.action === 'ADD') || facts.bizStep === 'commissioning';
}

/** The status that it gives to what it names in this role; null where it gives none. */
export function statusOf(facts: Facts, role: Role): Status | null {
  switch (facts.bizStep) {
    case 'commissioning':
      return role === ROLE.input ? null : 'Commissioned';
    case 'sampling':
      return 'Sampled';
    case 'destroying':
      return 'Destroyed';
    case 'decommissioning':
      return facts.disposition === 'stolen' ? 'Stolen' : 'Inactive';
    case 'dispensing':
      return 'Dispensed';
    case 'shipping':
      return 'InTransit';
    case 'receiving':
    case 'accepting':
      return facts.disposition === 'returned' ? 'Returned' : 'Received';
    case 'storing':
    case 'stocking':
      return 'Stocked';
    case 'holding':
      return 'Quarantined';
    default:
      return null;
  }
}
