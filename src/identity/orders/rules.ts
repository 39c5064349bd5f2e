import type { Told } from '../fold-chain.ts';
import { stepOf } from '../steps.ts';
import { BIZ_STEP, type StepId } from '../vocabulary.ts';
import type { ChainWorld, Found, Key, WorldEvent } from '../world.ts';
import { isLedPast, oosPathOf } from './oos.ts';
import { isOfAttempt } from './release.ts';
import { ENDED } from './state-machine.ts';

/** Before every entry. */
const NONE = -1;

/** Steps that bring material further on, and not to its end. */
const FORWARD: ReadonlySet<StepId> = new Set<StepId>(['pack', 'start', 'process', 'fill', 'ship', 'thaw', 'infuse']);

/** What happened against the state of the order, its release, its out-of-specification path, its site, its holds (INV-07, 18, 19, 20, 24). */
export function judgeOrder(world: ChainWorld, told: Told): Found[] {
  if (told.order === null) return [];
  return world.events.flatMap((event) => {
    if (event.bizStep === BIZ_STEP.identityCheck || event.bizStep === BIZ_STEP.handingOver || event.bizStep === BIZ_STEP.printingLabels)
      return [];
    const step = stepOf(event, world);
    const things = ownThings(world, told, event);
    if (things.length === 0) return [];
    return [
      ...afterTheEnd(world, event, step, things),
      ...whileHeld(world, told, event, step, things),
      ...shipped(world, told, event, step, things),
      ...wrongSite(world, told, event, step, things),
    ];
  });
}

/** Material of the chain that an event moves: what it names, and what is inside of a shipper that it names. */
function ownThings(world: ChainWorld, told: Told, event: WorldEvent): Key[] {
  const own = new Set(told.containers.map(({ key }) => key));
  const named = [...event.epcs, ...event.inputs, ...event.outputs].map((key) => world.aliases.get(key) ?? key);
  const direct = named.filter((key) => own.has(key));
  if (event.type === 'AggregationEvent')
    return event.action === 'ADD' ? event.children.map((key) => world.aliases.get(key) ?? key).filter((key) => own.has(key)) : [];
  return [...new Set([...direct, ...named.flatMap((key) => [...insideAt(world, key, event)].filter((one) => own.has(one)))])];
}

/** What is inside of a container just then, through all that are packed into each other. */
export function insideAt({ events, aliases }: ChainWorld, container: Key, at: WorldEvent): Set<Key> {
  const inside = new Map<Key, Set<Key>>();
  for (const event of events) {
    if (event.time > at.time || event.type !== 'AggregationEvent' || event.parent === null) continue;
    const content = inside.get(event.parent) ?? new Set<Key>();
    inside.set(event.parent, content);
    if (event.action === 'ADD') for (const child of event.children) content.add(aliases.get(child) ?? child);
    else if (event.action === 'DELETE' && event.children.length === 0) content.clear();
    else if (event.action === 'DELETE') for (const child of event.children) content.delete(aliases.get(child) ?? child);
  }
  const found = new Set<Key>();
  const waiting = [container];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop())
    for (const child of inside.get(key) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      waiting.push(child);
    }
  return found;
}

/** INV-24: forward, although the order had ended by then. */
function afterTheEnd(world: ChainWorld, event: WorldEvent, step: StepId | null, things: readonly Key[]): Found[] {
  if (step === null || !FORWARD.has(step) || isBackward(event)) return [];
  const ended = world.acts.find((act) => act.kind === 'order-state' && ENDED.has(act.body.to));
  return ended !== undefined && ended.time <= event.time ? [{ code: 'ORD-CANCELLED', seq: event.seq, things }] : [];
}

/** What goes back, or to where it ends, is no way forward. */
const isBackward = (event: WorldEvent): boolean =>
  event.disposition === 'returned' || event.disposition === 'destroyed' || event.bizStep === 'destroying';

/** HOLD-ACTIVE: moved on while it was held. A hold holds what was made from the things that it names. */
function whileHeld(world: ChainWorld, told: Told, event: WorldEvent, step: StepId | null, things: readonly Key[]): Found[] {
  if (step === null || !FORWARD.has(step) || isBackward(event)) return [];
  const from = new Map(told.containers.map((one) => [one.key, one.from]));
  const held = things.filter((key) =>
    world.holds.some((hold) => {
      const placed = timeOfEntry(world, hold.seq);
      const lifted = hold.lifted === null ? null : timeOfEntry(world, hold.lifted);
      if (hold.seq === event.seq || placed === null || placed > event.time || (lifted !== null && lifted <= event.time)) return false;
      // The hold that an out-of-specification result brings is what the signed path leads past.
      if (isLedPast(hold, oosPathOf(world))) return false;
      return hold.scope === 'chain' || descends(key, new Set(hold.things), from);
    }),
  );
  return held.length === 0 ? [] : [{ code: 'HOLD-ACTIVE', seq: event.seq, things: held }];
}

/** When an entry came to be known: from then on a hold binds. */
const timeOfEntry = (world: ChainWorld, seq: number): number | null =>
  world.acts.find((act) => act.seq === seq)?.time ?? world.events.find((event) => event.seq === seq)?.recorded ?? null;

function descends(key: Key, held: ReadonlySet<Key>, from: ReadonlyMap<Key, readonly Key[]>): boolean {
  const seen = new Set<Key>();
  const waiting = [key];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (held.has(one)) return true;
    if (seen.has(one)) continue;
    seen.add(one);
    waiting.push(...(from.get(one) ?? []));
  }
  return false;
}

/** INV-19, INV-20: shipped for use without a release, or out of specification without the signed path. */
function shipped(world: ChainWorld, told: Told, event: WorldEvent, step: StepId | null, things: readonly Key[]): Found[] {
  if (step !== 'ship' && step !== 'thaw') return [];
  if (event.type === 'AggregationEvent' || isBackward(event)) return [];
  const doses = things.filter((key) => told.containers.some((one) => one.key === key && one.kind === 'dose'));
  if (doses.length === 0) return [];
  const found: Found[] = [];
  const oos = world.acts.find((act) => act.kind === 'oos' && act.time <= event.time);
  const releases = world.acts.filter((act) => act.kind === 'release' && act.time <= event.time);
  const released = new Set(
    releases.flatMap((act) => (act.kind === 'release' ? act.body.containers : [])).map((key) => world.aliases.get(key) ?? key),
  );
  const unreleased = doses.filter((key) => !released.has(key));
  if (step === 'ship' && unreleased.length > 0 && oos === undefined)
    found.push({ code: 'REL-MISSING', seq: event.seq, things: unreleased });
  const attempts = new Set(told.containers.filter(({ key }) => doses.includes(key)).map(({ attempt }) => attempt));
  const failed = world.acts.filter(
    (act) =>
      act.kind === 'result' &&
      act.time <= event.time &&
      isOfAttempt(told, world, act.body.sample, attempts) &&
      (act.body.verdict === 'oos' || act.body.computed === 'oos'),
  );
  const repeated = (test: string, sample: Key, seq: number) =>
    world.acts.some(
      (act) =>
        act.kind === 'result' &&
        act.seq > seq &&
        act.body.test === test &&
        act.body.sample !== sample &&
        act.body.verdict === 'pass' &&
        act.body.computed !== 'oos',
    );
  // A path is signed for what was known then: what fails later needs another.
  const path = world.acts.findLast((act) => act.kind === 'oos' && act.time <= event.time)?.seq ?? NONE;
  const open = failed.some((act) => act.kind === 'result' && act.seq > path && !repeated(act.body.test, act.body.sample, act.seq));
  if (open) found.push({ code: 'OOS-PATH', seq: event.seq, things: doses });
  return found;
}

/** INV-18: sent to, received or used at another place than the order's treatment site was then. */
function wrongSite(world: ChainWorld, told: Told, event: WorldEvent, step: StepId | null, things: readonly Key[]): Found[] {
  if (step === null || !['ship', 'site-receive', 'site-store', 'thaw', 'infuse'].includes(step)) return [];
  const doses = things.filter((key) => told.containers.some((one) => one.key === key && one.kind === 'dose'));
  if (doses.length === 0 || isBackward(event)) return [];
  const places =
    step === 'ship'
      ? event.bizStep === 'shipping'
        ? event.destinations
        : []
      : [event.bizLocation, event.readPoint].filter((one) => one !== null);
  if (places.length === 0) return [];
  const site = siteAt(world, told, event.time);
  return places.some((place) => sameSite(place, site)) ? [] : [{ code: 'COI-WRONGSITE', seq: event.seq, things: doses }];
}

function siteAt(world: ChainWorld, told: Told, time: number): string {
  const made = world.acts.find((act) => act.kind === 'order');
  const amended = world.acts.findLast((act) => act.kind === 'order-amendment' && act.time <= time);
  if (amended?.kind === 'order-amendment') return amended.body.treatmentSite;
  return made?.kind === 'order' ? made.body.treatmentSite : (told.order?.treatmentSite ?? '');
}

/** A place within a site has its number, with an extension. */
const siteNumber = (key: string): string => /^41[47]\/(\d{13})/.exec(key)?.[1] ?? key;
export const sameSite = (place: string, site: string): boolean => siteNumber(place) === siteNumber(site);
