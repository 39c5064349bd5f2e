import { stepOf } from './steps.ts';
import type { ContainerView } from './view.ts';
import { BIZ_STEP } from './vocabulary.ts';
import type { Amount, ChainWorld, Key, WorldEvent } from './world.ts';

type Building = { -readonly [K in keyof ContainerView]: ContainerView[K] };

/**
 * The containers, samples and dose bags of a chain, in the order in which they came into being: everything that is bound to it, but for what only held
 * them on the way.
 */
export function foldContainers(world: ChainWorld): ContainerView[] {
  const views = new Map<Key, Building>();
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const own = (key: Key) => world.bindings.get(key)?.chains.includes(world.chain) === true;
  const viewOf = (key: Key): Building | null => {
    const name = canonical(key);
    if (!own(name)) return null;
    const there = views.get(name);
    if (there !== undefined) return there;
    const view: Building = {
      key: name,
      kind: 'container',
      aliases: [...world.aliases].filter(([, to]) => to === name).map(([alias]) => alias),
      attempt: null,
      from: [],
      made: null,
      volume: null,
      bag: null,
      expiry: null,
      thawed: null,
      end: null,
      given: null,
      rebound: world.acts.some((act) => act.kind === 'rebinding' && canonical(act.body.container) === name),
      place: null,
    };
    views.set(name, view);
    return view;
  };
  for (const event of world.events) {
    const step = stepOf(event, world);
    for (const key of [...event.epcs, ...event.outputs]) {
      const view = viewOf(key);
      if (view === null) continue;
      if (isMaking(event, key)) make(view, event, step);
      if (event.type === 'ObjectEvent') happen(view, event);
      view.place = event.bizLocation ?? event.readPoint ?? view.place;
    }
    for (const key of event.inputs) {
      const view = viewOf(key);
      // What is used in a transformation is wholly used; what goes on existing is sampled instead.
      if (view !== null && view.end === null && !event.outputs.includes(key)) view.end = { kind: 'used', seq: event.seq, time: event.time };
    }
  }
  return [...views.values()].sort((a, b) => (a.made?.time ?? 0) - (b.made?.time ?? 0) || (a.key < b.key ? -1 : 1));
}

function isMaking(event: WorldEvent, key: Key): boolean {
  if (event.type === 'TransformationEvent') return event.outputs.includes(key);
  return event.type === 'ObjectEvent' && event.action === 'ADD';
}

function make(view: Building, event: WorldEvent, step: ReturnType<typeof stepOf>): void {
  const { coi } = event;
  view.made ??= { seq: event.seq, time: event.time, step };
  view.attempt = coi.attempt ?? view.attempt;
  view.from = [...new Set([...view.from, ...(coi.from === null ? event.inputs : [coi.from])])];
  view.volume = coi.volume ?? view.volume;
  view.bag = coi.bag ?? view.bag;
  view.expiry = event.expiry ?? view.expiry;
  if (coi.from !== null || event.bizStep === 'sampling') view.kind = 'sample';
  else if (coi.bag !== null || step === 'fill') view.kind = 'dose';
}

function happen(view: Building, event: WorldEvent): void {
  if (event.bizStep === BIZ_STEP.thawing) view.thawed ??= event.time;
  if (event.bizStep === BIZ_STEP.infusing) view.given = together(view.given, event.coi.volume);
  if (event.action !== 'DELETE') return;
  const kind = event.bizStep === BIZ_STEP.infusing ? 'infused' : 'destroyed';
  view.end = { kind, seq: event.seq, time: event.time };
}

/** What was given in several goes; of different units nobody knows the sum, and the last one stands. */
function together(before: Amount | null, more: Amount | null): Amount | null {
  if (before === null || more === null || before.uom !== more.uom) return more ?? before;
  return { value: before.value + more.value, uom: more.uom };
}
