import type { ChainWorld, Key, WorldEvent } from './world.ts';

/** A time in ms; or an event, to be asked as of it. */
export type AsOf = number | WorldEvent;

/**
 * These things, by their one key, and everything that is inside of them as of then: a shipper stands for the bags in it. What an unpacking takes out was
 * inside until then.
 */
export function contentsAsOf(world: Pick<ChainWorld, 'events' | 'aliases'>): (things: readonly Key[], at: AsOf) => Key[] {
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const moves = world.events.filter((event) => event.type === 'AggregationEvent' && event.parent !== null && event.action !== 'OBSERVE');
  return (things, at) => {
    const counts = (move: WorldEvent): boolean => {
      if (typeof at === 'number') return move.time <= at;
      if (move === at) return move.action === 'ADD';
      return move.time < at.time || (move.time === at.time && move.seq < at.seq);
    };
    const inside = new Map<Key, Set<Key>>();
    for (const move of moves) {
      if (!counts(move)) continue;
      const parent = canonical(move.parent as Key);
      const content = inside.get(parent) ?? new Set<Key>();
      inside.set(parent, content);
      if (move.action === 'DELETE' && move.children.length === 0) content.clear();
      for (const child of move.children) {
        if (move.action === 'ADD') content.add(canonical(child));
        else content.delete(canonical(child));
      }
    }
    const all = new Set(things.map(canonical));
    for (const thing of all) for (const child of inside.get(thing) ?? []) all.add(child);
    return [...all];
  };
}
