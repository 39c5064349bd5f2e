import type { AnyAct, ChainWorld, Key, WorldEvent } from '../world.ts';
import { iso } from './timeline.ts';

/** Material of a chain was in a place, `from` to `until` (ms; null: still there). */
export type Stay = {
  readonly kind: 'space' | 'location' | 'container';
  readonly place: string;
  readonly things: readonly Key[];
  readonly from: number;
  readonly until: number | null;
  readonly seqs: readonly number[];
};

type Open = { kind: Stay['kind']; place: string; things: Set<Key>; from: number; until: number | null; seqs: number[] };

/**
 * Where a chain's material was, and how long (Q18): in line-cleared spaces until they were cleared or it was elsewhere, at locations until it was told
 * to be at another, inside of containers until it was taken out. Events must be in order of time.
 */
export function staysOf(world: Pick<ChainWorld, 'chain' | 'events' | 'acts' | 'bindings' | 'aliases'>): Stay[] {
  const stays: Open[] = [];
  const at = new Map<Key, Open>();
  const inside = new Map<Key, Open>();
  let space: Open | null = null;
  const own = (key: Key) => world.bindings.get(world.aliases.get(key) ?? key)?.chains.includes(world.chain) === true;
  const open = (kind: Stay['kind'], place: string, thing: Key, event: WorldEvent): Open => {
    const there = stays.find((stay) => stay.kind === kind && stay.place === place && stay.until === null);
    if (there !== undefined) {
      there.things.add(thing);
      there.seqs.push(event.seq);
      return there;
    }
    const stay: Open = { kind, place, things: new Set([thing]), from: event.time, until: null, seqs: [event.seq] };
    stays.push(stay);
    return stay;
  };
  const leave = (from: Map<Key, Open>, key: Key, time: number) => {
    const stay = from.get(key);
    if (stay === undefined) return;
    from.delete(key);
    if (![...from.values()].includes(stay)) stay.until = time;
  };
  const clearances = world.acts.filter((act): act is Extract<AnyAct, { kind: 'clearance' }> => act.kind === 'clearance');
  for (const event of world.events) {
    const present = [...event.epcs, ...event.outputs, ...event.children].filter(own);
    const [first] = [...present, ...event.inputs.filter(own)];
    if (first === undefined) continue;
    // A space that was cleared since is left; so is one when its material is worked on in another.
    const cleared =
      space === null
        ? undefined
        : clearances.find(({ body, time }) => body.space === space?.place && time > (space?.from ?? 0) && time <= event.time);
    if (space !== null && (cleared !== undefined || (event.coi.space !== null && event.coi.space !== space.place))) {
      space.until = cleared?.time ?? event.time;
      space = null;
    }
    if (event.coi.space !== null) {
      space ??= open('space', event.coi.space, first, event);
      for (const key of [...present, ...event.inputs.filter(own)]) space.things.add(key);
      if (!space.seqs.includes(event.seq)) space.seqs.push(event.seq);
    }
    for (const key of event.inputs.filter(own)) {
      if (event.outputs.includes(key)) continue;
      leave(at, key, event.time);
      leave(inside, key, event.time);
    }
    for (const key of present) {
      const gone = event.action === 'DELETE' && event.type === 'ObjectEvent';
      if (event.bizLocation !== null && at.get(key)?.place !== event.bizLocation) {
        leave(at, key, event.time);
        if (!gone) at.set(key, open('location', event.bizLocation, key, event));
      }
      if (gone) {
        leave(at, key, event.time);
        leave(inside, key, event.time);
      }
    }
    if (event.parent === null || (event.type !== 'AggregationEvent' && event.type !== 'AssociationEvent')) continue;
    if (event.action === 'DELETE') {
      const out =
        event.children.length > 0 ? event.children : [...inside].filter(([, stay]) => stay.place === event.parent).map(([key]) => key);
      for (const key of out) if (inside.get(key)?.place === event.parent) leave(inside, key, event.time);
    } else
      for (const key of event.children.filter(own)) {
        if (inside.get(key)?.place === event.parent) continue;
        leave(inside, key, event.time);
        inside.set(key, open('container', event.parent, key, event));
      }
  }
  // What is in a space when nothing more is told of it was there until the last event that says so, or its clearance.
  if (space !== null) {
    const last = space;
    const clearance = clearances.find(({ body, time }) => body.space === last.place && time >= last.from);
    const times = world.events.filter(({ coi }) => coi.space === last.place).map(({ time }) => time);
    space.until = clearance?.time ?? Math.max(last.from, ...times);
  }
  return stays.map((stay) => ({ ...stay, things: [...stay.things].sort() }));
}

export type CoPresence = {
  readonly coiId: string;
  readonly kind: Stay['kind'];
  readonly place: string;
  readonly own: { readonly things: readonly Key[]; readonly from: string; readonly until: string | null };
  readonly other: { readonly things: readonly Key[]; readonly from: string; readonly until: string | null };
  /** When both were there. */
  readonly from: string;
  readonly until: string | null;
  readonly minutes: number | null;
};

/** Whose material was in the same place at the same time. Times that only touch count as together (domain.md §14). */
export function coPresence(own: readonly Stay[], chain: string, others: readonly Stay[]): CoPresence[] {
  return own.flatMap((mine) =>
    others
      .filter((theirs) => theirs.kind === mine.kind && theirs.place === mine.place)
      .flatMap((theirs): CoPresence[] => {
        const from = Math.max(mine.from, theirs.from);
        const until = Math.min(mine.until ?? Number.POSITIVE_INFINITY, theirs.until ?? Number.POSITIVE_INFINITY);
        if (until < from) return [];
        const told = (stay: Stay) => ({ things: stay.things, from: iso(stay.from), until: stay.until === null ? null : iso(stay.until) });
        const ends = Number.isFinite(until);
        return [
          {
            coiId: chain,
            kind: mine.kind,
            place: mine.place,
            own: told(mine),
            other: told(theirs),
            from: iso(from),
            until: ends ? iso(until) : null,
            minutes: ends ? Math.round((until - from) / 60_000) : null,
          },
        ];
      }),
  );
}
