import { Fold, type Named } from './fold.ts';
import { comparePositions } from './order.ts';
import { type Facts, type Node, newState, ROLE, type State } from './state.ts';

/** A node's part in an event. */
export type Participation = { readonly node: Node; readonly seq: number; readonly role: number };

/** Where histories come from: the present of the store, or what was known at some time. Only effective events count. */
export type HistorySource = {
  parts(nodes: readonly Node[]): Promise<readonly Participation[]>;
  facts(seqs: readonly number[]): Promise<readonly Facts[]>;
  /** The class of each node. */
  classes(nodes: readonly Node[]): Promise<ReadonlyMap<Node, number>>;
};

export type FoldedHistory = {
  readonly fold: Fold;
  /** The nodes asked for and every container they ever were put into, and the containers of those. */
  readonly nodes: ReadonlySet<Node>;
  /** The folded events, in order. */
  readonly events: readonly Facts[];
  /** Who took part in each of them. */
  readonly named: ReadonlyMap<number, readonly Participation[]>;
};

/**
 * Folds the whole histories of some nodes from nothing, together with those of the containers that they were put into: a thing takes
 * over what its containers told of it, so it cannot be folded without them; nothing else bears on it. What is found wrong with a lot or an
 * associated part comes out of its parents' histories: with `parents: 'all'` they are folded along.
 */
export async function foldHistories(
  source: HistorySource,
  nodes: readonly Node[],
  options: { parents?: 'containers' | 'all' } = {},
): Promise<FoldedHistory> {
  const all = new Set<Node>(nodes);
  const named = new Map<number, Participation[]>();
  const facts = new Map<number, Facts>();
  let frontier: readonly Node[] = nodes;
  while (frontier.length > 0) {
    const parts = await source.parts(frontier);
    const missing = new Set<number>();
    for (const part of parts) {
      const list = named.get(part.seq);
      if (list) list.push(part);
      else named.set(part.seq, [part]);
      if (!facts.has(part.seq)) missing.add(part.seq);
    }
    for (const event of await source.facts([...missing])) facts.set(event.seq, event);
    const above = new Set<Node>();
    for (const { node, seq, role } of parts) {
      if (role !== ROLE.child) continue;
      const event = facts.get(seq) as Facts;
      // A lot or an associated part can be in many parents at once, and takes over from none of them.
      const takesOver = event.type === 'AggregationEvent' && node > 0;
      if ((takesOver || options.parents === 'all') && event.parent !== 0 && !all.has(event.parent)) above.add(event.parent);
    }
    for (const node of above) all.add(node);
    frontier = [...above];
  }
  const fold = new Fold();
  for (const [node, classId] of await source.classes([...all])) fold.add(newState(node, classId));
  for (const event of facts.values()) fold.positions.set(event.seq, event.position);
  const events = [...facts.values()].sort((a, b) => comparePositions(a.position, b.position));
  for (const event of events) fold.apply(event, namedIn(fold, named.get(event.seq) ?? [], event, all));
  return { fold, nodes: all, events, named };
}

function namedIn(fold: Fold, parts: readonly Participation[], event: Facts, nodes: ReadonlySet<Node>): Named {
  const named = {
    epcs: [] as State[],
    parent: null as State | null,
    children: [] as State[],
    inputs: [] as State[],
    outputs: [] as State[],
  };
  for (const { node, role } of parts) {
    if (node < 0) continue;
    const state = fold.get(node);
    if (role === ROLE.epc) named.epcs.push(state);
    else if (role === ROLE.parent) named.parent = state;
    else if (role === ROLE.child) named.children.push(state);
    else if (role === ROLE.input) named.inputs.push(state);
    else if (role === ROLE.output) named.outputs.push(state);
  }
  return { ...named, lots: event.lots.filter((part) => nodes.has(part.node)) };
}
