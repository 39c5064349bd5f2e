import type { Binding, Key, WorldEvent } from './world.ts';

/** A chain or a donor, as one mark: `c:CHA999925AB12C4`, `d:dr_…`. */
export type Mark = string;
export const chainMark = (chain: string): Mark => `c:${chain}`;
export const donorMark = (donor: string): Mark => `d:${donor}`;

/** One making: everything on the left goes into everything on the right (transformation, sample, alias, membership of a lot). */
export type Making<N> = { readonly from: readonly N[]; readonly to: readonly N[] };

/**
 * Whose material each node is: the least fixpoint of “what something is made from, it is” (domain.md §12.1, INV-03). `origins` are the marks that a node
 * has of itself: stated at its collection, by allocation, by rebinding. `given` are the marks of nodes that are not asked for. Time has no part in
 * it, nor has the order of the makings: a clock that is wrong, or a cycle, hides no mix.
 */
export function solveBindings<N>(
  nodes: ReadonlySet<N>,
  makings: readonly Making<N>[],
  origins: ReadonlyMap<N, Iterable<Mark>>,
  given: ReadonlyMap<N, ReadonlySet<Mark>>,
): Map<N, Set<Mark>> {
  const marks = new Map<N, Set<Mark>>();
  for (const node of nodes) marks.set(node, new Set(origins.get(node) ?? []));
  const using = new Map<N, Making<N>[]>();
  for (const making of makings)
    for (const node of making.from) {
      const list = using.get(node);
      if (list) list.push(making);
      else using.set(node, [making]);
    }
  const waiting = [...makings];
  for (let making = waiting.pop(); making !== undefined; making = waiting.pop()) {
    const through = new Set<Mark>();
    for (const node of making.from) for (const mark of marks.get(node) ?? given.get(node) ?? []) through.add(mark);
    if (through.size === 0) continue;
    for (const node of making.to) {
      const own = marks.get(node);
      if (own === undefined) continue;
      const before = own.size;
      for (const mark of through) own.add(mark);
      if (own.size > before) waiting.push(...(using.get(node) ?? []));
    }
  }
  return marks;
}

/**
 * What an event states of material that nothing here was made into: a container that comes into being, or one that is met for the first time. Of a
 * sample nothing, for it has its source's.
 */
export function originMarks({ coi }: Pick<WorldEvent, 'coi'>): Mark[] {
  if (coi.from !== null) return [];
  return [...coi.chain.map(chainMark), ...(coi.donor === null ? [] : [donorMark(coi.donor)])];
}

/** Of everything that an event uses or names, the chains. */
export function chainsOf(bindings: ReadonlyMap<Key, Binding>, keys: Iterable<Key>): Set<string> {
  const chains = new Set<string>();
  for (const key of keys) for (const chain of bindings.get(key)?.chains ?? []) chains.add(chain);
  return chains;
}
