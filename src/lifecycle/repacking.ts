import { comparePositions } from './order.ts';
import { type Facts, type Node, ROLE } from './state.ts';
import { receivesThings } from './steps.ts';

/** A part of a container in an event, with the event. */
export type Part = { readonly facts: Facts; readonly role: number };
export type Repacking = { readonly code: 'AGG-REUSED'; readonly seq: number; readonly node: Node; readonly other: number };

/** Goes on filling what was being filled: a packing so soon after another is a part of it, however many events or documents it is told in. */
const ONE_GO_MS = 60_000;
const MOVES: ReadonlySet<string | null> = new Set(['shipping', 'departing', 'storing', 'stocking', 'loading', 'transporting', 'arriving']);

/** Several things packed in one event: what a finished case or pallet is told with, and what packing one by one never is. */
export const packsSeveral = (facts: Facts): boolean => facts.type === 'AggregationEvent' && facts.action === 'ADD' && countOf(facts) > 1;

const countOf = (facts: Facts): number =>
  (facts.things[ROLE.child]?.length ?? 0) + facts.lots.filter((part) => part.role === ROLE.child).length;

/**
 * AGG-REUSED (domain.md §20, E-12): several things are packed into a container that was done with. It was, when since its last packing it was
 * commissioned once more, moved, or put into another container; or when that packing, too, was of several things and is more than a minute ago. Who
 * fills a container one by one, in many events of one go, or after having opened it, is not flagged: of those the first never packs several, the
 * second takes no minute between two events, and the third has told of an unpacking. `parts`: the container's own history, whatever its order.
 */
export function repackings(node: Node, parts: readonly Part[]): Repacking[] {
  const found: Repacking[] = [];
  let packed: Facts | null = null;
  let several = false;
  let closed = false;
  for (const { facts, role } of [...parts].sort((a, b) => comparePositions(a.facts.position, b.facts.position))) {
    if (facts.type === 'AggregationEvent' && role === ROLE.parent && facts.action === 'ADD') {
      const again = packsSeveral(facts);
      const late = packed !== null && facts.position.ms - packed.position.ms > ONE_GO_MS;
      if (packed !== null && again && (closed || (several && late)))
        found.push({ code: 'AGG-REUSED', seq: facts.seq, node, other: packed.seq });
      several = again || (several && !late);
      packed = facts;
      closed = false;
    } else if (facts.type === 'AggregationEvent' && role === ROLE.parent && facts.action === 'DELETE') {
      // Somebody has opened it, and knows.
      if (facts.unpacksAll) packed = null;
      several = false;
      closed = false;
    } else if (packed === null) continue;
    else if (role === ROLE.child) closed = facts.type === 'AggregationEvent' && facts.action === 'ADD' ? true : closed;
    else if (role === ROLE.epc && (facts.action === 'ADD' || MOVES.has(facts.bizStep) || receivesThings(facts))) closed = true;
  }
  return found;
}
