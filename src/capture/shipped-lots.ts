import { sql } from 'drizzle-orm';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { comparePositions, type Position } from '../lifecycle/order.ts';
import { positionsOf } from '../lifecycle/present.ts';
import { type Facts, FLAG, NONE, ROLE } from '../lifecycle/state.ts';
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
    const things = await shipped(journal, facts);
    const named = facts.lots.filter((part) => part.role === ROLE.epc).map((part) => -part.node);
    const lots = await journal.db.all<{ id: number; class: number }>(
      sql`SELECT l.id, l.class FROM ${eachNumber(named)} j CROSS JOIN lot l ON l.id = j.value WHERE l.lot <> ''`,
    );
    const stated = new Map<number, Set<number>>();
    for (const lot of lots) stated.set(lot.class, new Set([...(stated.get(lot.class) ?? []), lot.id]));
    if (stated.size === 0) continue;
    const packs = await journal.db.all<{ id: number; class: number; lot: number; flags: number }>(
      sql`SELECT i.id, i.class, i.lot, i.flags FROM ${eachNumber([...things])} j CROSS JOIN item i ON i.id = j.value WHERE i.lot IS NOT NULL ORDER BY i.id`,
    );
    for (const pack of packs)
      if ((pack.flags & FLAG.parent) === 0 && stated.get(pack.class)?.has(pack.lot) === false)
        found.push({ code: 'EX-PND-5', seq: facts.seq, node: pack.id, other: NONE });
  }
  return found;
}

/** The things that an event names and all that was inside of them just then. */
async function shipped(journal: Journal, facts: Facts): Promise<Set<number>> {
  const things = new Set(facts.things[ROLE.epc]);
  let frontier = [...things];
  for (let depth = 0; frontier.length > 0 && depth < DEPTH_MAX; depth++) {
    const stays = await journal.db.all<{ child: number; from_seq: number; to_seq: number | null }>(
      sql`SELECT c.child, c.from_seq, c.to_seq FROM ${eachNumber(frontier)} j CROSS JOIN containment c ON c.parent = j.value AND c.kind = 0 AND c.child > 0
          WHERE c.to_time IS NULL OR c.to_time >= ${facts.position.ms}`,
    );
    const seqs = new Set(stays.flatMap(({ from_seq, to_seq }) => (to_seq === null ? [from_seq] : [from_seq, to_seq])));
    const positions = await positionsOf(journal.db, seqs);
    const after = (seq: number) => comparePositions(positions.get(seq) as Position, facts.position) > 0;
    const inside = stays.filter(({ from_seq, to_seq }) => !after(from_seq) && (to_seq === null || after(to_seq)));
    frontier = inside.map(({ child }) => child).filter((child) => !things.has(child));
    for (const child of frontier) things.add(child);
  }
  return things;
}
