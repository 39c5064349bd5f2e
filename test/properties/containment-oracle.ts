import { isRefused, readDocument } from '../../src/epcis/index.ts';
import type { ReadEvent } from '../../src/epcis/model.ts';
import { formatKey, type Thing } from '../../src/identifiers/index.ts';
import { documentOf, type Json } from '../support/events.ts';

/**
 * Who is inside whom, worked out from the rules alone (domain.md §6.1; design.md §3, order and sameness; packs-wire.md, a pack that ends): for
 * every child and every point of the order, by looking back through all events. It shares with the code under test only the reading of documents,
 * holds no state, and takes as long as it takes.
 */
export type Stay = { child: string; parent: string; from: string; to: string | null; inferred: boolean };

export function staysOf(events: readonly Json[]): Stay[] {
  const order = effectiveEvents(events);
  const parentOf = new Map<string, string | null>();

  /** The parent of a child when the first `n` events have happened. */
  const parentAfter = (child: string, n: number): string | null => {
    if (n === 0) return null;
    const key = `${n} ${child}`;
    const known = parentOf.get(key);
    if (known !== undefined) return known;
    const parent = decide(child, n);
    parentOf.set(key, parent);
    return parent;
  };
  const decide = (child: string, n: number): string | null => {
    const before = parentAfter(child, n - 1);
    const { event } = order[n - 1] as ReadEvent;
    const parent = event.parentID === null ? null : keyOf(event.parentID);
    const children = event.childEPCs.map(keyOf);
    const ends = ['destroying', 'decommissioning', 'dispensing'].includes(event.bizStep ?? '');
    if (event.type === 'AggregationEvent' && parent !== null) {
      const named = children.includes(child);
      if (event.action === 'ADD' && named) return goesRound(child, parent, n - 1) ? before : parent;
      const short = event.bizStep === 'unpacking' && event.disposition === 'mismatch_quantity' && children.length > 0;
      const all = short || (children.length === 0 && event.childQuantityList.length === 0);
      if (event.action === 'DELETE' && (named || all) && before === parent) return null;
    }
    if (
      event.type === 'ObjectEvent' &&
      event.action !== 'ADD' &&
      (event.action === 'DELETE' || ends) &&
      event.epcList.some((epc) => keyOf(epc) === child)
    )
      return null;
    if (event.type === 'TransactionEvent' && ends && event.epcList.some((epc) => keyOf(epc) === child)) return null;
    return before;
  };
  const goesRound = (child: string, parent: string, n: number): boolean => {
    for (let above: string | null = parent; above !== null; above = parentAfter(above, n)) if (above === child) return true;
    return false;
  };

  const stays: Stay[] = [];
  const children = new Set(order.flatMap(({ event }) => [...event.childEPCs, ...event.epcList].map(keyOf)));
  for (const child of children) {
    let open = null as Stay | null;
    for (let n = 1; n <= order.length; n++) {
      const parent = parentAfter(child, n);
      if (parent === (open?.parent ?? null)) continue;
      const at = digestOf(order[n - 1] as ReadEvent);
      if (open !== null) {
        open.to = at;
        open.inferred = parent !== null;
      }
      open = parent === null ? null : { child, parent, from: at, to: null, inferred: false };
      if (open !== null) stays.push(open);
    }
  }
  return stays;
}

/** Neither declarations, nor what they void, nor anything twice; in the order of effects. */
function effectiveEvents(events: readonly Json[]): ReadEvent[] {
  const reads = [...readDocument(Buffer.from(JSON.stringify(documentOf(events)))).events()].filter(
    (item) => !isRefused(item),
  ) as ReadEvent[];
  const declarations = reads.filter((read) => read.event.errorDeclaration !== null);
  const voided = (read: ReadEvent) =>
    declarations.some((d) => (d.event.eventID === null ? digest(d.hash) === digest(read.hash) : d.event.eventID === read.event.eventID));
  const standing = reads.filter((read) => read.event.errorDeclaration === null && !voided(read));
  const once = [...new Map(standing.map((read) => [digestOf(read), read])).values()];
  return once.sort((a, b) => {
    const [x, y] = [a.event.eventTime, b.event.eventTime];
    return (
      x.ms - y.ms ||
      (x.below < y.below ? -1 : x.below > y.below ? 1 : 0) ||
      rank(a) - rank(b) ||
      (digest(a.identityDigest) < digest(b.identityDigest) ? -1 : 1)
    );
  });
}

/** Object ADD, Transformation, Aggregation/Association DELETE, Aggregation/Association ADD, any OBSERVE, Object DELETE. */
function rank({ event: { type, action } }: ReadEvent): number {
  if (type === 'TransformationEvent') return 1;
  if (type === 'ObjectEvent' && action !== 'OBSERVE') return action === 'ADD' ? 0 : 5;
  if (type === 'AggregationEvent' || type === 'AssociationEvent') return action === 'DELETE' ? 2 : action === 'ADD' ? 3 : 4;
  return 4;
}

const keyOf = (thing: Thing) => formatKey(thing);
const digest = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const digestOf = (read: ReadEvent) => digest(read.identityDigest).slice(0, 12);
