import { sql } from 'drizzle-orm';
import { type AsOf, effective } from '../lifecycle/as-of.ts';
import type { Node } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';

/** One line of a transformation that holds: a node on one side of it, stated by one event. */
export type Line = {
  transformation: number;
  side: 0 | 1;
  node: Node;
  seq: number;
  quantity: number | null;
  uom: string | null /** the lot of an item, as a node */;
  lot: Node | null /** 1 when an item went into something itself */;
  consumed: number | null;
};

/** A lot recalled through more steps than this is a data fault, not a genealogy (domain.md §10.5). */
export const DEPTH_MAX = 64;
/** Nodes of one answer; beyond, it says where it stopped. */
export const NODES_MAX = 50_000;

export type Walk = {
  /** Every node reached and in how many steps; the start is at 0. */
  depth: Map<Node, number>;
  /** Both sides of every transformation passed through. */
  lines: Line[];
  /** Lot to serialised member, where the walk passed along it. */
  members: { lot: Node; item: Node }[];
  /** Serialised things that came out of transformations, shown as nodes or not. */
  produced: Set<Node>;
  /** Nodes at which the walk stopped because of a bound. */
  cut: Node[];
};

/** More serialised outputs of one transformation than this are shown as their lots; only those that went on are nodes. */
export const MEMBERS_SHOWN = 1_000;

/**
 * Walks the lineage from some nodes, forwards (what became of it) or backwards (what it came from), as of then. Two kinds of edge: a
 * transformation's inputs to its outputs, and a lot to its serialised members; forwards only those members are nodes that were used or
 * reached themselves, since a million packs are an answer of their own (scope). Full mixing is assumed: the safe answer (domain.md §10.3).
 * The visited set makes rework loops end.
 */
export async function walk(db: Db, start: readonly Node[], direction: 'forwards' | 'backwards', t: AsOf): Promise<Walk> {
  const from = direction === 'forwards' ? 0 : 1;
  const depth = new Map<Node, number>(start.map((node) => [node, 0]));
  const lines = new Map<string, Line>();
  const members: Walk['members'] = [];
  const produced = new Set<Node>();
  const passed = new Set<number>();
  let frontier = [...start];
  let steps = 0;
  while (frontier.length > 0 && steps < DEPTH_MAX && depth.size <= NODES_MAX) {
    steps++;
    const next = new Set<Node>();
    const reach = (node: Node) => {
      if (depth.has(node)) return;
      depth.set(node, steps);
      next.add(node);
    };
    for (const { lot, item } of direction === 'forwards' ? await usedMembers(db, frontier) : await lotsOfItems(db, frontier)) {
      members.push({ lot, item });
      reach(direction === 'forwards' ? item : lot);
    }
    const touching = await linesOf(db, frontier, from, t);
    const fresh = [...new Set(touching.map((line) => line.transformation))].filter((id) => !passed.has(id));
    for (const id of fresh) passed.add(id);
    const found = await linesIn(db, fresh, t);
    const crowded = direction === 'forwards' ? crowdedOutputs(found) : new Set<number>();
    for (const line of found) {
      if (line.side === 1 && line.node > 0) produced.add(line.node);
      if (line.side === 1 && line.node > 0 && line.consumed === 0 && crowded.has(line.transformation)) {
        if (line.lot === null) continue;
        if (!depth.has(line.lot)) depth.set(line.lot, steps);
        lines.set(`${line.transformation}/1/${line.lot}/${line.seq}`, { ...line, node: line.lot, quantity: null });
        continue;
      }
      lines.set(`${line.transformation}/${line.side}/${line.node}/${line.seq}`, line);
      if (line.side !== from) reach(line.node);
    }
    frontier = [...next];
  }
  return { depth, lines: [...lines.values()], members, produced, cut: frontier };
}

function crowdedOutputs(lines: readonly Line[]): Set<number> {
  const counts = new Map<number, number>();
  for (const line of lines)
    if (line.side === 1 && line.node > 0) counts.set(line.transformation, (counts.get(line.transformation) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count > MEMBERS_SHOWN).map(([id]) => id));
}

async function linesOf(db: Db, nodes: readonly Node[], side: 0 | 1, t: AsOf): Promise<{ transformation: number }[]> {
  return await db.all(
    sql`SELECT DISTINCT l.transformation FROM ${eachNumber(nodes)} j CROSS JOIN lineage l ON l.node = j.value AND l.side = ${side} CROSS JOIN event e ON e.seq = l.seq WHERE ${effective(t, sql`e`)}`,
  );
}

async function linesIn(db: Db, transformations: readonly number[], t: AsOf): Promise<Line[]> {
  return await db.all(
    sql`SELECT l.transformation, l.side, l.node, l.seq, l.quantity, l.uom, -i.lot AS lot, (i.flags & 4) / 4 AS consumed
        FROM ${eachNumber(transformations)} j CROSS JOIN lineage l ON l.transformation = j.value CROSS JOIN event e ON e.seq = l.seq LEFT JOIN item i ON i.id = l.node
        WHERE ${effective(t, sql`e`)} ORDER BY l.transformation, l.side, l.node, l.seq`,
  );
}

/** Serialised members of these lots that went into something: the others end here, and scope counts them. */
async function usedMembers(db: Db, nodes: readonly Node[]): Promise<{ lot: Node; item: Node }[]> {
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  return await db.all(
    sql`SELECT -i.lot AS lot, i.id AS item FROM ${eachNumber(lots)} j CROSS JOIN item i ON i.lot = j.value AND (i.flags & 4) = 4`,
  );
}

async function lotsOfItems(db: Db, nodes: readonly Node[]): Promise<{ lot: Node; item: Node }[]> {
  const items = nodes.filter((node) => node > 0);
  return await db.all(
    sql`SELECT -i.lot AS lot, i.id AS item FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value AND i.lot IS NOT NULL`,
  );
}
