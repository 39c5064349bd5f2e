import { sql } from 'drizzle-orm';
import { keysOf } from '../../lifecycle/present.ts';
import type { Node } from '../../lifecycle/state.ts';
import type { Db } from '../../store/db.ts';
import { eachNumber, eachText } from '../../store/sql.ts';
import { nodesOf, worldEvents } from '../load-world.ts';
import type { Key } from '../world.ts';

/** Things of one answer; beyond, it says that it is not complete. */
export const REACH_MAX = 200_000;

/**
 * Everything that these were made from, or that was made from them, themselves included: by transformation, as samples, as packs of a lot, and under
 * other keys of one container. The very edges along which bindings go (stored-bindings.ts), so that both directions are the inverse of each
 * other (INV-28).
 */
export async function reach(
  db: Db,
  start: Iterable<Node>,
  direction: 'forwards' | 'backwards',
): Promise<{ nodes: Set<Node>; complete: boolean }> {
  const nodes = new Set<Node>();
  let frontier = [...new Set(start)];
  const step = direction === 'forwards' ? onwards : back;
  while (frontier.length > 0) {
    for (const node of frontier) nodes.add(node);
    if (nodes.size > REACH_MAX) return { nodes, complete: false };
    const next = await step(db, frontier);
    for (const node of await otherKeys(db, frontier)) next.add(node);
    frontier = [...next].filter((node) => !nodes.has(node));
  }
  return { nodes, complete: true };
}

async function onwards(db: Db, frontier: readonly Node[]): Promise<Set<Node>> {
  const next = new Set<Node>();
  const made = await db.all<{ node: Node }>(
    sql`SELECT DISTINCT o.node FROM ${eachNumber(frontier)} j CROSS JOIN lineage i ON i.node = j.value AND i.side = 0
        CROSS JOIN lineage o ON o.transformation = i.transformation AND o.side = 1`,
  );
  for (const { node } of made) next.add(node);
  const packs = await db.all<{ node: Node }>(
    sql`SELECT i.id AS node FROM ${eachNumber(lotsAmong(frontier))} j CROSS JOIN item i ON i.lot = j.value AND (i.flags & 1) = 0 LIMIT ${REACH_MAX}`,
  );
  for (const { node } of packs) next.add(node);
  const keys = [...(await keysOf(db, frontier)).values()];
  const taken = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM ${eachText(keys)} j CROSS JOIN coi_part p ON p.kind = 'from' AND p.key = j.value`,
  );
  const samples = (await worldEvents(db, seqsOf(taken))).flatMap(({ epcs }) => epcs);
  for (const node of (await nodesOf(db, samples)).values()) next.add(node);
  return next;
}

async function back(db: Db, frontier: readonly Node[]): Promise<Set<Node>> {
  const next = new Set<Node>();
  const used = await db.all<{ node: Node }>(
    sql`SELECT DISTINCT i.node FROM ${eachNumber(frontier)} j CROSS JOIN lineage o ON o.node = j.value AND o.side = 1
        CROSS JOIN lineage i ON i.transformation = o.transformation AND i.side = 0`,
  );
  for (const { node } of used) next.add(node);
  const items = frontier.filter((node) => node > 0);
  const lots = await db.all<{ lot: number }>(
    sql`SELECT DISTINCT i.lot FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value AND (i.flags & 1) = 0 WHERE i.lot IS NOT NULL`,
  );
  for (const { lot } of lots) next.add(-lot);
  const named = await db.all<{ seq: number }>(
    sql`SELECT DISTINCT p.seq FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value CROSS JOIN coi_part f ON f.kind = 'from' AND f.seq = p.seq`,
  );
  const keys = new Set((await keysOf(db, items)).values());
  const sources = (await worldEvents(db, seqsOf(named))).flatMap(({ coi, epcs }) =>
    coi.from !== null && epcs.some((key) => keys.has(key)) ? [coi.from] : [],
  );
  for (const node of (await nodesOf(db, sources)).values()) next.add(node);
  return next;
}

async function otherKeys(db: Db, frontier: readonly Node[]): Promise<Iterable<Node>> {
  const keys = [...(await keysOf(db, frontier)).values()];
  const rows = await db.all<{ key: Key }>(
    sql`SELECT a.alias AS key FROM ${eachText(keys)} j CROSS JOIN coi_alias a ON a.key = j.value
        UNION SELECT a.key FROM ${eachText(keys)} j CROSS JOIN coi_alias a ON a.alias = j.value`,
  );
  return (
    await nodesOf(
      db,
      rows.map(({ key }) => key),
    )
  ).values();
}

const lotsAmong = (nodes: readonly Node[]) => nodes.filter((node) => node < 0).map((node) => -node);
const seqsOf = (rows: readonly { seq: number }[]) => rows.map(({ seq }) => seq);

/** Chains and donors of these nodes: the least fixpoint is stored, so nothing is walked here. */
export async function markedBy(db: Db, nodes: Iterable<Node>, kind: 'c' | 'd'): Promise<Map<string, Node[]>> {
  const rows = await db.all<{ node: Node; ref: string }>(
    sql`SELECT b.node, b.ref FROM ${eachNumber([...nodes])} j CROSS JOIN coi_binding b ON b.node = j.value AND b.kind = ${kind} ORDER BY b.ref, b.node`,
  );
  const marked = new Map<string, Node[]>();
  for (const { node, ref } of rows) {
    const own = marked.get(ref);
    if (own === undefined) marked.set(ref, [node]);
    else own.push(node);
  }
  return marked;
}

/** Everything that is bound to a chain (`c`) or a donor (`d`). */
export async function boundTo(db: Db, kind: 'c' | 'd', ref: string): Promise<Node[]> {
  const rows = await db.all<{ node: Node }>(sql`SELECT DISTINCT node FROM coi_binding WHERE ref = ${ref} AND kind = ${kind} ORDER BY node`);
  return rows.map(({ node }) => node);
}
