import { type Facts, ROLE, type Role, type Status } from './state.ts';

/** What the business step of an event means for the things that it names (design.md §7). */
const ENDING = new Set<string | null>(['destroying', 'decommissioning', 'dispensing']);
const RECEIVING = new Set<string | null>(['receiving', 'accepting']);

/** Whether what an event is about ends with it, and so leaves its container (packs-wire.md). */
export function endsThings(event: Pick<Facts, 'type' | 'action' | 'bizStep'>): boolean {
  return ENDING.has(event.bizStep) || (event.type === 'ObjectEvent' && event.action === 'DELETE');
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
