import { chainsOf } from './bindings.ts';
import type { Told } from './fold-chain.ts';
import { stepOf } from './steps.ts';
import type { ChainWorld, Found, Key, WorldEvent } from './world.ts';

/** What is wrong with the material itself: mixed, of nobody, stated otherwise than it is, together in one shipper (INV-03, 05, 06, 16). */
export function judgeMaterial(world: ChainWorld, told: Told): Found[] {
  return [...mixes(world), ...disagreements(world), ...unbound(world, told), ...unknownChain(world, told), ...shared(world)];
}

/** All inputs and outputs of an event, and of the others with its transformation id: they count as one making (domain.md §10.1). */
function making(world: ChainWorld, event: WorldEvent): { inputs: Key[]; outputs: Key[]; events: WorldEvent[] } {
  const events =
    event.transformationID === null
      ? [event]
      : [...world.events, ...world.others].filter(
          (one) => one.type === 'TransformationEvent' && one.transformationID === event.transformationID,
        );
  const side = (which: 'inputs' | 'outputs', quantity: 'input' | 'output') =>
    events.flatMap((one) => [...one[which], ...one.quantities.filter((part) => part.side === quantity).map((part) => part.key)]);
  return { inputs: side('inputs', 'input'), outputs: side('outputs', 'output'), events };
}

/**
 * INV-03: the chains of what goes into one making. An event that adds to something that was of another chain mixes as well; so does a sample of two
 * sources.
 */
function mixes(world: ChainWorld): Found[] {
  const found: Found[] = [];
  const before = new Map<Key, Set<string>>();
  for (const event of world.events) {
    const { inputs, outputs } =
      event.type === 'TransformationEvent'
        ? making(world, event)
        : { inputs: event.coi.from === null ? [] : [event.coi.from], outputs: event.action === 'ADD' ? event.epcs : [] };
    if (inputs.length === 0) continue;
    const chains = chainsOf(world.bindings, inputs);
    const mixed = [...outputs].filter((key) => new Set([...chains, ...(before.get(key) ?? [])]).size > 1);
    for (const key of outputs) before.set(key, new Set([...chains, ...(before.get(key) ?? [])]));
    if (chains.size > 1 && event.type === 'TransformationEvent')
      found.push({ code: 'COI-MIX', seq: event.seq, things: boundAmong(world, [...inputs, ...outputs]) });
    else if (chains.size === 1 && mixed.length > 0)
      found.push({ code: 'COI-MIX', seq: event.seq, things: boundAmong(world, [...inputs, ...mixed]) });
  }
  return found;
}

const boundAmong = (world: ChainWorld, keys: readonly Key[]): Key[] =>
  keys.filter((key) => (world.bindings.get(key)?.chains.length ?? 0) > 0);

/** INV-05: what the event states of its material is what follows from where that came from. A mix is stated as all of its chains. */
function disagreements(world: ChainWorld): Found[] {
  return world.events.flatMap((event): Found[] => {
    const { chain, donor } = event.coi;
    const material = [...event.epcs, ...event.children, ...event.inputs, ...event.outputs].map((key) => world.aliases.get(key) ?? key);
    const offending = material.filter((key) => {
      const binding = world.bindings.get(key);
      if (binding === undefined) return false;
      const chains = binding.chains.length > 0 && chain.length > 0 && !equal(binding.chains, chain);
      const donors = binding.donors.length > 0 && donor !== null && !binding.donors.includes(donor);
      return chains || donors;
    });
    // What was made from nobody's material cannot have become somebody's.
    const made = event.type === 'TransformationEvent' || event.coi.from !== null ? [...event.outputs, ...event.epcs] : [];
    const nobody = chain.length === 0 ? [] : made.filter((key) => (world.bindings.get(key)?.chains.length ?? 0) === 0);
    const things = [...new Set([...offending, ...nobody, ...keysOfOthers(world, event)])];
    return things.length === 0 ? [] : [{ code: 'COI-DISAGREE', seq: event.seq, things }];
  });
}

/** Other keys that the event gives its container, and that are another container's already: whoever scans one of the two would be told of the other. */
function keysOfOthers({ aliases }: ChainWorld, { type, outputs, epcs, coi }: WorldEvent): Key[] {
  const [container] = type === 'TransformationEvent' ? outputs : epcs;
  if (container === undefined) return [];
  const canonical = (key: Key) => aliases.get(key) ?? key;
  const taken = coi.alias.filter((alias) => canonical(alias) !== canonical(container));
  return taken.length === 0 ? [] : [container, ...taken];
}

const equal = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((one, i) => one === b[i]);

/** INV-06: things of a step that names an order or chain and that belong to nobody: they were not made from anything that does. */
function unbound(world: ChainWorld, _told: Told): Found[] {
  return world.events.flatMap((event): Found[] => {
    const makes =
      event.type === 'TransformationEvent' ? event.outputs : event.type === 'ObjectEvent' && event.action === 'ADD' ? event.epcs : [];
    const concerns = event.coi.order !== null || event.coi.from !== null || event.coi.chain.length > 0 || event.coi.step !== null;
    if (!concerns) return [];
    const things = makes.filter((key) => {
      const binding = world.bindings.get(world.aliases.get(key) ?? key);
      return (binding?.chains.length ?? 0) === 0 && (binding?.donors.length ?? 0) === 0;
    });
    return things.length === 0 ? [] : [{ code: 'COI-UNBOUND', seq: event.seq, things }];
  });
}

/** INV-02: events that state a chain which no order has. */
function unknownChain(world: ChainWorld, told: Told): Found[] {
  if (world.acts.some((act) => act.kind === 'order')) {
    return world.events
      .filter(({ coi }) => coi.order !== null && told.order !== null && coi.chain.includes(world.chain) && coi.order !== told.order.orderId)
      .map(({ seq, epcs, outputs }) => ({ code: 'COI-ORDER', seq, things: [...epcs, ...outputs] }));
  }
  return world.events
    .filter(({ coi }) => coi.chain.includes(world.chain))
    .map(({ seq, epcs, outputs }) => ({ code: 'COI-ORDER', seq, things: [...epcs, ...outputs] }));
}

/** INV-16: what is packed into a shipper that holds another chain's material. Stores and freezers are no shippers. */
function shared(world: ChainWorld): Found[] {
  const found: Found[] = [];
  const inside = new Map<Key, Set<Key>>();
  for (const event of world.events) {
    if (event.type !== 'AggregationEvent' || event.parent === null) continue;
    const content = inside.get(event.parent) ?? new Set<Key>();
    inside.set(event.parent, content);
    if (event.action === 'DELETE') {
      if (event.children.length === 0) content.clear();
      for (const child of event.children) content.delete(child);
      continue;
    }
    if (event.action !== 'ADD') continue;
    for (const child of event.children) content.add(child);
    const step = stepOf(event, world);
    if (event.bizStep !== 'packing' && step !== 'pack' && step !== 'ship') continue;
    if (chainsOf(world.bindings, content).size > 1)
      found.push({ code: 'COI-SHARED', seq: event.seq, things: [event.parent, ...boundAmong(world, [...content])] });
  }
  return found;
}
