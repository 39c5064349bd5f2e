import type { Action, EventType } from '../../src/epcis/model.ts';
import { Fold, type Named } from '../../src/lifecycle/fold.ts';
import { comparePositions, rankOf } from '../../src/lifecycle/order.ts';
import { type Resolved, resolve } from '../../src/lifecycle/resolve.ts';
import { type Facts, type LotPart, newState, ROLE, type Role, type State } from '../../src/lifecycle/state.ts';

/**
 * The fold on plain values: things have names, events are what is told of them, one minute after the other.
 *
 *     const { of, codes } = given(commissioned('a'), packed('case', 'a'), shipped('case'));
 *     expect(codes()).toEqual([]); expect(now('a').status).toBe('InTransit');
 */
export type Quantities = [name: string, role: Role, quantity?: number, uom?: string][];
export type Told = {
  type?: EventType;
  action?: Action | null;
  bizStep?: string | null;
  disposition?: string | null;
  set?: string[];
  unset?: string[];
  place?: string | null;
  party?: string | null;
  owner?: string | null;
  epcs?: string[];
  parent?: string;
  children?: string[];
  inputs?: string[];
  outputs?: string[];
  /** Quantities of lots: name, role, quantity, unit. */
  lots?: Quantities;
  /** The lot that ilmd states of what comes into being. */
  lot?: string;
  expiry?: string;
  /** Milliseconds; left out, a minute after the event before. */
  at?: number;
};

export const commissioned = (names: string | string[], more: Told = {}): Told => ({
  action: 'ADD',
  bizStep: 'commissioning',
  epcs: [names].flat(),
  ...more,
});
export const observed = (names: string | string[], bizStep: string, more: Told = {}): Told => ({
  action: 'OBSERVE',
  bizStep,
  epcs: [names].flat(),
  ...more,
});
export const shipped = (names: string | string[], more: Told = {}): Told =>
  observed(names, 'shipping', { disposition: 'in_transit', ...more });
export const received = (names: string | string[], party = 'buyer', more: Told = {}): Told =>
  observed(names, 'receiving', { disposition: 'in_progress', party, owner: party, place: party, ...more });
export const destroyed = (names: string | string[], more: Told = {}): Told => ({
  action: 'DELETE',
  bizStep: 'destroying',
  disposition: 'destroyed',
  epcs: [names].flat(),
  ...more,
});
export const packed = (parent: string, names: string | string[], more: Told = {}): Told => ({
  type: 'AggregationEvent',
  action: 'ADD',
  bizStep: 'packing',
  parent,
  children: [names].flat(),
  ...more,
});
export const unpacked = (parent: string, names: string | string[] = [], more: Told = {}): Told => ({
  type: 'AggregationEvent',
  action: 'DELETE',
  bizStep: 'unpacking',
  parent,
  children: [names].flat(),
  ...more,
});
export const transformed = (inputs: string[], outputs: string[], more: Told = {}): Told => ({
  type: 'TransformationEvent',
  action: null,
  bizStep: 'commissioning',
  inputs,
  outputs,
  ...more,
});

/** Folds what was told, in the order of effects, and answers questions about what came of it. */
export function given(...told: Told[]) {
  const nodes = new Map<string, number>();
  const fold = new Fold();
  const nodeOf = (name: string, lot = false): number => {
    const key = `${lot ? 'lot ' : ''}${name}`;
    let node = nodes.get(key);
    if (node === undefined) {
      node = lot ? -(nodes.size + 1) : nodes.size + 1;
      nodes.set(key, node);
      fold.add(newState(node, 1));
    }
    return node;
  };
  const name = (event: Told, seq: number): { facts: Facts; named: Named } => {
    const { type = 'ObjectEvent', action = null } = event;
    const idsOf = (names: string[] = []) => names.map((name) => nodeOf(name));
    const things: Partial<Record<Role, number[]>> = {
      [ROLE.epc]: idsOf(event.epcs),
      [ROLE.child]: idsOf(event.children),
      [ROLE.input]: idsOf(event.inputs),
      [ROLE.output]: idsOf(event.outputs),
      ...(event.parent !== undefined && { [ROLE.parent]: idsOf([event.parent]) }),
    };
    const lots: LotPart[] = (event.lots ?? []).map(([name, role, quantity, uom]) => ({
      role,
      node: nodeOf(name, true),
      quantity: quantity ?? null,
      uom: uom ?? null,
    }));
    if (event.lot !== undefined) lots.push({ role: ROLE.claim, node: nodeOf(event.lot, true), quantity: null, uom: null });
    const states = (ids: number[] = []) => ids.map((id) => fold.get(id));
    const named: Named = {
      epcs: states(things[ROLE.epc]),
      parent: event.parent === undefined ? null : fold.get(nodeOf(event.parent)),
      children: states(things[ROLE.child]),
      inputs: states(things[ROLE.input]),
      outputs: states(things[ROLE.output]),
      lots,
    };
    const facts: Facts = {
      seq,
      position: { ms: event.at ?? seq * 60_000, below: '', rank: rankOf(type, action), digest: String(seq).padStart(4, '0') },
      type,
      action,
      bizStep: event.bizStep ?? null,
      disposition: event.disposition ?? null,
      persistentSet: event.set ?? [],
      persistentUnset: event.unset ?? [],
      place: event.place ?? null,
      party: event.party ?? null,
      owner: event.owner ?? null,
      parent: event.parent === undefined ? 0 : nodeOf(event.parent),
      unpacksAll:
        action === 'DELETE' &&
        event.parent !== undefined &&
        (event.children ?? []).length === 0 &&
        !(event.lots ?? []).some(([, role]) => role === ROLE.child),
      lotOf: new Map(event.lot === undefined ? [] : [[1, nodeOf(event.lot, true)]]),
      expiry: event.expiry ?? null,
      lots,
      things,
    };
    return { facts, named };
  };
  const events = told.map(name);
  for (const { facts } of events) fold.positions.set(facts.seq, facts.position);
  for (const { facts, named } of [...events].sort((a, b) => comparePositions(a.facts.position, b.facts.position))) fold.apply(facts, named);
  const nameOf = new Map([...nodes].map(([key, node]) => [node, key.replace(/^lot /, '')]));

  const of = (name: string): State => fold.get(nodes.get(name) as number);
  const lotNamed = (name: string): State => fold.get(nodes.get(`lot ${name}`) as number);
  const chain = function* (state: State): Iterable<State> {
    for (let node = state.parent; node !== 0; node = fold.get(node).parent) yield fold.get(node);
  };
  return {
    fold,
    of,
    lot: lotNamed,
    /** What was told, as the fold takes it. */
    factsOf: (): Facts[] => events.map(({ facts }) => facts),
    /** Whether an event that is told now comes late. */
    isLate: (event: Told): boolean => {
      const { facts, named } = name(event, told.length);
      fold.positions.set(facts.seq, facts.position);
      return fold.isLate(facts, named);
    },
    /** With what its containers tell. */
    now: (name: string): Resolved => resolve(of(name), chain(of(name)), fold.later),
    /** `CODE thing` of every offence, in order. */
    codes: (): string[] => fold.offences.map((o) => `${o.code} ${nameOf.get(o.node)}`),
    parent: (name: string): string | null => nameOf.get(of(name).parent) ?? null,
    stays: (): string[] =>
      [...fold.intervals.values()].map(
        (s) =>
          `${nameOf.get(s.child)} in ${nameOf.get(s.parent)}${s.quantity === null ? '' : ` ${s.quantity}${s.uom}`} ${s.fromSeq}–${s.toSeq === -1 ? '' : s.toSeq}${s.inferred ? ' inferred' : ''}`,
      ),
  };
}
