import { sql } from 'drizzle-orm';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { comparePositions, type Position } from '../lifecycle/order.ts';
import { positionsOf } from '../lifecycle/present.ts';
import { factsFrom } from '../lifecycle/rows.ts';
import { type Facts, NONE, type Node, ROLE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';

/** Whether it says of which lots the things are that it ships. */
export const namesLots = (facts: Facts): boolean =>
  facts.bizStep === 'shipping' && (facts.things[ROLE.epc]?.length ?? 0) > 0 && facts.lots.some((part) => part.role === ROLE.epc);

/**
 * EX-PND-5: a shipment whose quantities name another lot than its packs were commissioned with, those inside of its containers at that time, too.
 * Asks the stays as they are stored, so these have to be as they should be. Products that the quantities do not name, or without a lot, say nothing.
 */
export async function shippedUnderOtherLots(journal: Journal, shipments: Iterable<Facts>): Promise<FindingThing[]> {
  const found: FindingThing[] = [];
  for (const facts of shipments) {
    const { things, filled } = await shipped(journal, facts);
    const named = facts.lots.filter((part) => part.role === ROLE.epc).map((part) => -part.node);
    const lots = await journal.db.all<{ id: number; class: number }>(
      sql`SELECT l.id, l.class FROM ${eachNumber(named)} j CROSS JOIN lot l ON l.id = j.value WHERE l.lot <> ''`,
    );
    const stated = new Map<number, Set<number>>();
    for (const lot of lots) stated.set(lot.class, new Set([...(stated.get(lot.class) ?? []), lot.id]));
    if (stated.size === 0) continue;
    const packs = await journal.db.all<{ id: number; class: number; lot: number }>(
      sql`SELECT i.id, i.class, i.lot FROM ${eachNumber([...things])} j CROSS JOIN item i ON i.id = j.value WHERE i.lot IS NOT NULL ORDER BY i.id`,
    );
    for (const pack of packs)
      if (!filled.has(pack.id) && stated.get(pack.class)?.has(pack.lot) === false)
        found.push({ code: 'EX-PND-5', seq: facts.seq, node: pack.id, other: NONE });
  }
  return found;
}

/** Shipments that say of which lots they are, and that ever named these things or a container that they were in. */
export async function earlierShipments(journal: Journal, nodes: readonly Node[]): Promise<Facts[]> {
  const all = new Set(nodes);
  let frontier = [...all];
  for (let depth = 0; frontier.length > 0 && depth < DEPTH_MAX; depth++) {
    const above = await journal.db.all<{ parent: number }>(
      sql`SELECT DISTINCT c.parent FROM ${eachNumber(frontier)} j CROSS JOIN containment c ON c.child = j.value AND c.kind = 0 ORDER BY c.parent`,
    );
    frontier = above.map(({ parent }) => parent).filter((parent) => !all.has(parent));
    for (const parent of frontier) all.add(parent);
  }
  const parts = (await journal.histories([...all])).filter(({ role }) => role === ROLE.epc);
  return (await factsFrom(journal, await journal.events([...new Set(parts.map(({ seq }) => seq))]))).filter(namesLots);
}

/** The things that an event names and all that was inside of them just then, and which of those something was in. */
async function shipped(journal: Journal, facts: Facts): Promise<{ things: Set<Node>; filled: Set<Node> }> {
  const things = new Set(facts.things[ROLE.epc]);
  const filled = new Set<Node>();
  let frontier = [...things];
  for (let depth = 0; frontier.length > 0 && depth < DEPTH_MAX; depth++) {
    const stays = await journal.db.all<{ child: number; parent: number; from_seq: number; to_seq: number | null }>(
      sql`SELECT c.child, c.parent, c.from_seq, c.to_seq FROM ${eachNumber(frontier)} j CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0 AND c.child > 0
          WHERE c.to_time IS NULL OR c.to_time >= ${facts.position.ms}`,
    );
    const seqs = new Set(stays.flatMap(({ from_seq, to_seq }) => (to_seq === null ? [from_seq] : [from_seq, to_seq])));
    const positions = await positionsOf(journal.db, seqs);
    const after = (seq: number) => comparePositions(positions.get(seq) as Position, facts.position) > 0;
    const inside = stays.filter(({ from_seq, to_seq }) => !after(from_seq) && (to_seq === null || after(to_seq)));
    for (const { parent } of inside) filled.add(parent);
    frontier = inside.map(({ child }) => child).filter((child) => !things.has(child));
    for (const child of frontier) things.add(child);
  }
  return { things, filled };
}
