import type { ChainWorld, Key, WorldEvent } from '../world.ts';

export type Interval = { readonly start: number; readonly end: number };
export type Inside = {
  readonly affected: readonly { readonly thing: Key; readonly stays: readonly Interval[] }[];
  readonly excluded: readonly { readonly thing: Key; readonly reason: 'left before' | 'joined after' | 'not inside then' }[];
};

/**
 * What was inside of a shipper at any time of an interval, and what was in it at another time only, with the reason (domain.md §6.1-8). What joins or
 * leaves at the very time was inside. Infinite: since before, or still.
 */
export function insideDuring(world: Pick<ChainWorld, 'events' | 'others' | 'aliases'>, shipper: Key, interval: Interval): Inside {
  const affected: { thing: Key; stays: Interval[] }[] = [];
  const excluded: { thing: Key; reason: Inside['excluded'][number]['reason'] }[] = [];
  for (const [thing, stays] of staysIn(world, shipper)) {
    const during = stays.flatMap((stay) => overlap(stay, interval) ?? []);
    if (during.length > 0) affected.push({ thing, stays: during });
    else {
      const left = stays.every(({ end }) => end < interval.start);
      const joined = stays.every(({ start }) => start > interval.end);
      excluded.push({ thing, reason: left ? 'left before' : joined ? 'joined after' : 'not inside then' });
    }
  }
  return { affected, excluded };
}

export function overlap(a: Interval, b: Interval): Interval | null {
  const [start, end] = [Math.max(a.start, b.start), Math.min(a.end, b.end)];
  return start <= end ? { start, end } : null;
}

function staysIn(world: Pick<ChainWorld, 'events' | 'others' | 'aliases'>, shipper: Key): Map<Key, Interval[]> {
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const moves = [...world.events, ...world.others]
    .filter((event) => event.type === 'AggregationEvent' && event.parent !== null && event.action !== 'OBSERVE')
    .sort((a, b) => a.time - b.time || a.recorded - b.recorded || a.seq - b.seq);
  const all = new Map<Key, Interval[]>();
  const note = (thing: Key, stays: readonly Interval[], path: ReadonlySet<Key>) => {
    all.set(thing, [...(all.get(thing) ?? []), ...stays]);
    for (const [child, own] of directStays(moves, thing, canonical)) {
      const nested = own.flatMap((one) => stays.flatMap((stay) => overlap(one, stay) ?? []));
      if (nested.length > 0 && !path.has(child)) note(child, nested, new Set([...path, child]));
    }
  };
  for (const [child, stays] of directStays(moves, canonical(shipper), canonical)) note(child, stays, new Set([canonical(shipper), child]));
  return all;
}

function directStays(moves: readonly WorldEvent[], container: Key, canonical: (key: Key) => Key): Map<Key, Interval[]> {
  const stays = new Map<Key, Interval[]>();
  const open = new Map<Key, number>();
  const close = (thing: Key, end: number, start: number) => stays.set(thing, [...(stays.get(thing) ?? []), { start, end }]);
  for (const move of moves) {
    const isHere = canonical(move.parent as Key) === container;
    const children = move.children.map(canonical);
    if (isHere && move.action === 'ADD') for (const child of children) if (!open.has(child)) open.set(child, move.time);
    // What is packed elsewhere has left, though nobody told so (domain.md §6.1-1).
    const leaving = isHere && move.action === 'DELETE' ? (children.length > 0 ? children : [...open.keys()]) : [];
    const taken = !isHere && move.action === 'ADD' ? children.filter((child) => open.has(child)) : [];
    for (const child of [...leaving, ...taken]) {
      // It was inside, since nobody knows when, if it is taken out and was never told to be packed.
      if (open.has(child) || !stays.has(child)) close(child, move.time, open.get(child) ?? Number.NEGATIVE_INFINITY);
      open.delete(child);
    }
  }
  for (const [thing, start] of open) close(thing, Number.POSITIVE_INFINITY, start);
  return stays;
}
