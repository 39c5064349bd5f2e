import type { Action, EventType } from '../epcis/model.ts';

/**
 * Where an event stands in the one order in which effects apply (design.md §3): eventTime exactly, then rank, then identity digest.
 * Arrival plays no part. `digest` is the identity digest as a binary (latin1) string, so that `<` compares its bytes.
 */
export type Position = { readonly ms: number; readonly below: string; readonly rank: number; readonly digest: string };

export function comparePositions(a: Position, b: Position): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  if (a.below !== b.below) return a.below < b.below ? -1 : 1;
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;
}

/** Events of one instant: things come into being, change, are unpacked, are packed, are seen, and end, in this order. */
export function rankOf(type: EventType, action: Action | null): number {
  if (type === 'ObjectEvent') return action === 'ADD' ? 0 : action === 'DELETE' ? 5 : 4;
  if (type === 'TransformationEvent') return 1;
  if (type === 'AggregationEvent' || type === 'AssociationEvent') return action === 'DELETE' ? 2 : action === 'ADD' ? 3 : 4;
  return 4;
}
