import { sql } from 'drizzle-orm';
import { type AsOf, effective, isNow } from '../lifecycle/as-of.ts';
import { statesOf, wordsOf } from '../lifecycle/present.ts';
import { factsFrom } from '../lifecycle/rows.ts';
import { FLAG, NONE, type Node, ROLE, type State } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { EventRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';

/** A serialised thing and the lot it is of; `seq` is the commissioning that says so, null where a transformation does. */
export type Member = { readonly item: Node; readonly lot: Node; readonly seq: number | null };

/** Serialised things that were stated to be of a lot, in order of id. Of two claims to one thing another may stand: its state decides. */
export async function claimed(db: Db, lot: Node, t: AsOf): Promise<Node[]> {
  const rows = await db.all<EventRow>(
    sql`SELECT e.* FROM event_lot p CROSS JOIN event e ON e.seq = p.seq WHERE p.lot = ${-lot} AND p.role = ${ROLE.claim} AND ${effective(t, sql`e`)}`,
  );
  const items = new Set<Node>();
  for (const facts of await factsFrom(wordsOf(db), rows))
    for (const role of [ROLE.epc, ROLE.output] as const) for (const item of facts.things[role] ?? []) items.add(item);
  return [...items].sort((a, b) => a - b);
}

/** The members of these lots that went into something themselves, in order of id. */
export async function usedMembers(db: Db, lots: readonly Node[], t: AsOf): Promise<Member[]> {
  if (isNow(t)) {
    return await db.all(
      sql`SELECT i.id AS item, -i.lot AS lot, i.claim_seq AS seq FROM ${eachNumber(lots.map((lot) => -lot))} j CROSS JOIN item i ON i.lot = j.value AND (i.flags & 4) = 4 ORDER BY i.id`,
    );
  }
  const candidates: Node[] = [];
  for (const lot of lots) for (const item of await claimed(db, lot, t)) candidates.push(item);
  const used = await db.all<{ node: Node }>(
    sql`SELECT DISTINCT l.node FROM ${eachNumber(candidates)} j CROSS JOIN lineage l ON l.node = j.value AND l.side = 0`,
  );
  const wanted = new Set(lots);
  const { states } = await statesOf(
    db,
    used.map((row) => row.node),
    t,
  );
  return membersIn(states, (state) => wanted.has(state.lot) && (state.flags & FLAG.consumed) !== 0);
}

/** The lots of these things, where they are known, in order of the things' ids. */
export async function lotsOf(db: Db, items: readonly Node[], t: AsOf): Promise<Member[]> {
  if (isNow(t)) {
    return await db.all(
      sql`SELECT i.id AS item, -i.lot AS lot, i.claim_seq AS seq FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value AND i.lot IS NOT NULL ORDER BY i.id`,
    );
  }
  const wanted = new Set(items);
  const { states } = await statesOf(db, items, t);
  return membersIn(states, (state) => wanted.has(state.node) && state.lot !== 0);
}

function membersIn(states: ReadonlyMap<Node, State>, counts: (state: State) => boolean): Member[] {
  return [...states.values()]
    .filter(counts)
    .map((state) => ({ item: state.node, lot: state.lot, seq: state.claimSeq === NONE ? null : state.claimSeq }))
    .sort((a, b) => a.item - b.item);
}
