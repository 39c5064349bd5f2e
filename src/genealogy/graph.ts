import { sql } from 'drizzle-orm';
import { kindOfKey, parseKey } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, effective } from '../lifecycle/as-of.ts';
import { eventIdOf, eventIds, findNode, keysOf, namesOf } from '../lifecycle/present.ts';
import { type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { type Line, type Walk, walk } from './walk.ts';

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
  const node = await findNode(db, args.of);
  if (node === null) return null;
  const walked = await walk(db, [node], direction === 'from' ? 'backwards' : 'forwards', t);
  const shown = [...walked.depth.keys()];
  const keys = await keysOf(db, shown);
  const key = (n: Node) => keys.get(n) as string;
  const names = await namesOf(
    db,
    [...keys.values()].flatMap((k) => [k, parseKey(k).class]),
  );
  const packs = await packCounts(db, shown);
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
  const boundaries = [
    ...(direction === 'from' ? await ends(db, walked, shown, key, t) : []),
    ...walked.cut.map((n): Boundary => ({ key: key(n), kind: 'limit' })),
  ];
  return {
    of: args.of,
    direction,
    nodes,
    edges: await edges(db, walked, key),
    boundaries,
    complete: boundaries.every((boundary) => boundary.kind === 'origin'),
  };
}

/** Each input to each output of a transformation that the walk passed through; stored as a hyperedge, spelled out only here. */
async function edges(db: Db, walked: Walk, key: (n: Node) => string): Promise<GraphEdge[]> {
  const claims = await claimsOf(
    db,
    walked.members.map(({ item }) => item),
  );
  const ids = await eventIds(db, [...new Set([...walked.lines.map((line) => line.seq), ...claims.values()])]);
  const byTransformation = new Map<number, { inputs: Map<Node, Line[]>; outputs: Map<Node, Line[]> }>();
  for (const line of walked.lines) {
    if (!walked.depth.has(line.node)) continue;
    let sides = byTransformation.get(line.transformation);
    if (sides === undefined) {
      sides = { inputs: new Map(), outputs: new Map() };
      byTransformation.set(line.transformation, sides);
    }
    const side = line.side === 0 ? sides.inputs : sides.outputs;
    const list = side.get(line.node);
    if (list) list.push(line);
    else side.set(line.node, [line]);
  }
  const list: GraphEdge[] = walked.members.map(({ lot, item }) => ({
    from: key(lot),
    to: key(item),
    event: ids.get(claims.get(item) ?? -1) ?? null,
    role: 'member',
  }));
  for (const { inputs, outputs } of byTransformation.values()) {
    for (const [input, used] of inputs) {
      const quantity = sum(used);
      for (const [output, made] of outputs) {
        list.push({
          from: key(input),
          to: key(output),
          event: ids.get((made[0] as Line).seq) ?? null,
          role: 'consumed',
          ...(quantity && { quantity: quantity.amount, ...(quantity.uom !== null && { uom: quantity.uom }) }),
        });
      }
    }
  }
  return list;
}

/** The commissioning that stands of each item: it says which lot the item is of. */
async function claimsOf(db: Db, items: readonly Node[]): Promise<Map<Node, number>> {
  const rows = await db.all<{ id: number; seq: number }>(
    sql`SELECT i.id, i.claim_seq AS seq FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value AND i.claim_seq IS NOT NULL`,
  );
  return new Map(rows.map((row) => [row.id, row.seq]));
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

/** Packs of each lot: serialised GTINs that never were a parent (design.md §7). */
export async function packCounts(db: Db, nodes: readonly Node[]): Promise<Map<Node, number>> {
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  const rows = await db.all<{ lot: number; packs: number }>(
    sql`SELECT i.lot, count(*) AS packs FROM ${eachNumber(lots)} j CROSS JOIN item i ON i.lot = j.value AND i.lot IS NOT NULL AND (i.flags & 1) = 0 GROUP BY i.lot`,
  );
  return new Map(rows.map((row) => [-row.lot, row.packs]));
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
      sql`SELECT DISTINCT id FROM masterdata WHERE id IN (SELECT value FROM ${eachText([...keys.values()])} k)${t.seq === null ? sql`` : sql` AND seq <= ${t.seq}`}`,
    );
    const ids = new Set(known.map((row) => row.id));
    for (const [node, key] of keys) if (ids.has(key)) found.set(node, null);
  }
  return found;
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
