import { sql } from 'drizzle-orm';
import { kindOfKey, parseKey } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, effective } from '../lifecycle/as-of.ts';
import { eventIdOf, eventIds, findNodeAsOf, keysOf, namesOf, statesOf } from '../lifecycle/present.ts';
import { NONE, type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { packCounts } from './packs.ts';
import { DEPTH_MAX, type Line, type Walk, walk } from './walk.ts';

export type GraphNode = { key: string; kind: string; label: string; quantity?: number; uom?: string; packs?: number; depth: number };
export type GraphEdge = { from: string; to: string; event: string | null; role: 'consumed' | 'member'; quantity?: number; uom?: string };
export type Boundary = { key: string; kind: 'origin' | 'unknown' | 'redacted' | 'limit'; event?: string };
export type GraphAnswer = {
  of: string;
  direction: 'from' | 'used';
  nodes: GraphNode[];
  edges: GraphEdge[];
  boundaries: Boundary[];
  complete: boolean;
};

/** What a thing came from, back to where a trace may honestly end. Null when nothing here names it. */
export async function whereFrom(db: Db, args: { of: string } & AsOfArgs): Promise<GraphAnswer | null> {
  return await graph(db, args, 'from');
}

/** What a thing became. Packs are counted on their lots; scope lists them. Null when nothing here names it. */
export async function whereUsed(db: Db, args: { of: string } & AsOfArgs): Promise<GraphAnswer | null> {
  return await graph(db, args, 'used');
}

async function graph(db: Db, args: { of: string } & AsOfArgs, direction: 'from' | 'used'): Promise<GraphAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const walked = await walk(db, node, direction === 'from' ? 'backwards' : 'forwards', t, { for: 'graph' });
  const shown = [...walked.depth.keys()];
  const keys = await keysOf(db, shown);
  const key = (n: Node) => keys.get(n) as string;
  const names = await namesOf(db, [...new Set([...keys.values()].flatMap((k) => [k, parseKey(k).class]))], t);
  const packs = await packCounts(
    db,
    shown.filter((n) => n < 0),
    t,
  );
  const made = quantities(walked.lines);
  const nodes = shown.map((n): GraphNode => {
    const quantity = made.get(n);
    const count = packs.get(n);
    return {
      key: key(n),
      kind: kindOfKey(key(n)),
      label: labelOf(key(n), names),
      ...(quantity && { quantity: quantity.amount, ...(quantity.uom !== null && { uom: quantity.uom }) }),
      ...(count !== undefined && { packs: count }),
      depth: walked.depth.get(n) as number,
    };
  });
  nodes.sort((a, b) => a.depth - b.depth || (a.key < b.key ? -1 : 1));
  const boundaries = [
    ...(direction === 'from' ? await ends(db, walked, shown, key, t) : []),
    ...walked.cut.map((n): Boundary => ({ key: key(n), kind: 'limit' })),
  ];
  const linked = await links(db, walked, key);
  return {
    of: args.of,
    direction,
    nodes: [...nodes, ...linked.steps],
    edges: linked.edges,
    boundaries,
    complete: boundaries.every((boundary) => boundary.kind === 'origin'),
  };
}

/** More edges of one transformation than this are drawn through a node of its own: a thousand inputs by a thousand outputs would be a million. */
const EDGES_SPELLED = 10_000;

type Sides = { inputs: Map<Node, Line[]>; outputs: Map<Node, Line[]> };

/** Each input to each output of a transformation that the walk passed through, and each lot to its members; stored as hyperedges, spelled out only here. */
async function links(db: Db, walked: Walk, key: (n: Node) => string): Promise<{ edges: GraphEdge[]; steps: GraphNode[] }> {
  const shown = walked.lines.filter((line) => walked.depth.has(line.node));
  const seqs = [...shown.map((line) => line.seq), ...walked.members.map((member) => member.seq)];
  const ids = await eventIds(db, [...new Set(seqs.filter((seq) => seq !== null))]);
  const id = (seq: number | null) => (seq === null ? null : (ids.get(seq) ?? null));
  const edges: GraphEdge[] = walked.members.map(({ lot, item, seq }) => ({
    from: key(lot),
    to: key(item),
    event: id(seq),
    role: 'member',
  }));
  const steps: GraphNode[] = [];
  const consumed = (from: string, to: string, line: Line, lines: readonly Line[]): GraphEdge => ({
    from,
    to,
    event: id(line.seq),
    role: 'consumed',
    ...amountOf(lines),
  });
  for (const { inputs, outputs } of sidesOf(shown).values()) {
    if (inputs.size * outputs.size <= EDGES_SPELLED) {
      for (const [input, used] of inputs)
        for (const [output, made] of outputs) edges.push(consumed(key(input), key(output), made[0] as Line, used));
      continue;
    }
    const [first] = outputs.values();
    const step = id(((first as Line[])[0] as Line).seq) as string;
    const depth = [...inputs.keys(), ...outputs.keys()].reduce((least, n) => Math.min(least, walked.depth.get(n) as number), DEPTH_MAX);
    steps.push({ key: step, kind: 'transformation', label: step, depth });
    for (const [input, used] of inputs) edges.push(consumed(key(input), step, used[0] as Line, used));
    for (const [output, made] of outputs) edges.push(consumed(step, key(output), made[0] as Line, made));
  }
  return { edges, steps };
}

function sidesOf(lines: readonly Line[]): Map<number, Sides> {
  const transformations = new Map<number, Sides>();
  for (const line of lines) {
    let sides = transformations.get(line.transformation);
    if (sides === undefined) {
      sides = { inputs: new Map(), outputs: new Map() };
      transformations.set(line.transformation, sides);
    }
    const side = line.side === 0 ? sides.inputs : sides.outputs;
    const list = side.get(line.node);
    if (list) list.push(line);
    else side.set(line.node, [line]);
  }
  return transformations;
}

function amountOf(lines: readonly Line[]): { quantity?: number; uom?: string } {
  const amount = sum(lines);
  return amount === null ? {} : { quantity: amount.amount, ...(amount.uom !== null && { uom: amount.uom }) };
}

type Amount = { amount: number; uom: string | null };

/** Quantities of one unit add up; of several, none is shown rather than a wrong one. */
function sum(lines: readonly Line[]): Amount | null {
  const known = lines.filter((line) => line.quantity !== null);
  const uom = known[0]?.uom ?? null;
  if (known.length === 0 || known.some((line) => line.uom !== uom)) return null;
  return { amount: known.reduce((total, line) => total + (line.quantity as number), 0), uom };
}

/** What was made of each node, or, where nothing here made it, what was used of it. */
function quantities(lines: readonly Line[]): Map<Node, Amount> {
  const amounts = new Map<Node, Amount>();
  for (const side of [0, 1] as const) {
    const byNode = new Map<Node, Line[]>();
    for (const line of lines) {
      if (line.side !== side) continue;
      const list = byNode.get(line.node);
      if (list) list.push(line);
      else byNode.set(line.node, [line]);
    }
    for (const [node, list] of byNode) {
      const amount = sum(list);
      if (amount) amounts.set(node, amount);
    }
  }
  return amounts;
}

/** Where a backward trace ends, and why (design.md §7, boundary). */
async function ends(db: Db, walked: Walk, shown: readonly Node[], key: (n: Node) => string, t: AsOf): Promise<Boundary[]> {
  const produced = new Set(walked.lines.filter((line) => line.side === 1).map((line) => line.node));
  const inLot = new Set(walked.members.map(({ item }) => item));
  const cut = new Set(walked.cut);
  const open = shown.filter((n) => !produced.has(n) && !inLot.has(n) && !cut.has(n));
  const introduced = await introductions(db, open, t);
  return open.map((n): Boundary => {
    const event = introduced.get(n);
    return event === undefined ? { key: key(n), kind: 'unknown' } : { key: key(n), kind: 'origin', ...(event !== null && { event }) };
  });
}

/** The first event that brings each node in: commissioned or received. Master data alone introduces it too, without an event. */
async function introductions(db: Db, nodes: readonly Node[], t: AsOf): Promise<Map<Node, string | null>> {
  type Row = { node: Node; event_id: string | null; hash: Uint8Array };
  const brings = sql`(e.action = 0 AND p.role = ${ROLE.epc} AND e.type = (SELECT id FROM term WHERE text = 'ObjectEvent')) OR p.role = ${ROLE.claim}
    OR e.biz_step IN (SELECT id FROM term WHERE text IN ('receiving', 'accepting'))`;
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  const rows = [
    ...(await db.all<Row>(
      sql`SELECT p.item AS node, e.event_id, e.hash FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value CROSS JOIN event e ON e.seq = p.seq
          WHERE ${effective(t, sql`e`)} AND (${brings}) ORDER BY e.time, e.below, e.rank, e.digest`,
    )),
    ...(await db.all<Row>(
      sql`SELECT -p.lot AS node, e.event_id, e.hash FROM ${eachNumber(lots)} j CROSS JOIN event_lot p ON p.lot = j.value AND p.role <> ${ROLE.input} CROSS JOIN event e ON e.seq = p.seq
          WHERE ${effective(t, sql`e`)} AND (${brings}) ORDER BY e.time, e.below, e.rank, e.digest`,
    )),
  ];
  const found = new Map<Node, string | null>();
  for (const row of rows) if (!found.has(row.node)) found.set(row.node, eventIdOf(row));
  const rest = nodes.filter((node) => !found.has(node));
  if (rest.length > 0) {
    const keys = await keysOf(db, rest);
    const known = await db.all<{ id: string }>(
      sql`SELECT DISTINCT id FROM ${eachText([...keys.values()])} k CROSS JOIN masterdata ON id = k.value${t.seq === null ? sql`` : sql` AND seq <= ${t.seq}`}`,
    );
    const ids = new Set(known.map((row) => row.id));
    for (const [node, key] of keys) if (ids.has(key)) found.set(node, null);
  }
  for (const [node, event] of await receivedInside(
    db,
    nodes.filter((node) => node > 0 && !found.has(node)),
    t,
  ))
    found.set(node, event);
  return found;
}

/** Things that were received with the container they are or were in: nobody read their own numbers, but they came in so (domain.md §6.2). */
async function receivedInside(db: Db, items: readonly Node[], t: AsOf): Promise<Map<Node, string>> {
  if (items.length === 0) return new Map();
  const states = await statesOf(db, items, t);
  const by = new Map<Node, number>();
  for (const item of items) {
    const state = states.states.get(item);
    const now = state && states.resolve(state);
    if (now?.received && now.custodySeq !== NONE) by.set(item, now.custodySeq);
  }
  const ids = await eventIds(db, [...new Set(by.values())]);
  return new Map([...by].map(([item, seq]) => [item, ids.get(seq) as string]));
}

/** What people call a node: its product's name if master data tells it, with its lot or serial. */
export function labelOf(key: string, names: ReadonlyMap<string, string>): string {
  const parsed = parseKey(key);
  const own = 'serial' in parsed ? parsed.serial : parsed.lot;
  const name = names.get(key) ?? names.get(parsed.class);
  if (parsed.class === 'uri') return name ?? own;
  const what = name ?? parsed.class.replace(/^.*\//, '');
  return own === '' ? what : `${what} ${own}`;
}
