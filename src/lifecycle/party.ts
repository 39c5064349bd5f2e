import type { EpcisEvent } from '../epcis/model.ts';
import { glnOf, partyKey } from '../identifiers/index.ts';
import { receivesThings } from './steps.ts';

/**
 * The party of an event (design.md §7): who has the things after it. Destination possessing_party, else owning_party, when receiving;
 * source possessing_party, else owning_party, otherwise; else the GLN of bizLocation, else of readPoint. `owner` likewise, owning_party first.
 */
export function partiesOf(event: EpcisEvent): { party: string | null; owner: string | null } {
  const list = receivesThings(event) ? event.destinationList : event.sourceList;
  const named = (type: string) => list.find((entry) => entry.type === type)?.id ?? null;
  const possessing = named('possessing_party');
  const owning = named('owning_party');
  const place = glnAt(event.bizLocation) ?? glnAt(event.readPoint);
  const key = (id: string | null) => (id === null ? place : partyKey(id));
  return { party: key(possessing ?? owning), owner: key(owning ?? possessing) };
}

function glnAt(location: string | null): string | null {
  const gln = location === null ? null : glnOf(location);
  return gln === null ? null : `414/${gln}`;
}
