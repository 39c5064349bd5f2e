import { sql } from 'drizzle-orm';
import type { AsOf } from '../lifecycle/as-of.ts';
import type { Node } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';

/**
 * Whether the batches of these lots are closed, as of then; a lot that never was a batch here is missing. No
 * event tells of a batch, so it has its place in time by when it was put on record. The rows are those of numbers/, which no arrow leads to from here.
 */
export async function batchStates(db: Db, lots: readonly Node[], t: AsOf): Promise<Map<Node, 'open' | 'closed'>> {
  const ids = lots.filter((lot) => lot < 0).map((lot) => -lot);
  if (ids.length === 0) return new Map();
  const by = (seq: string, entry: string) => {
    const known = t.seq === null ? sql`true` : sql`${sql.raw(seq)} <= ${t.seq}`;
    return t.at === null ? known : sql`${known} AND ${sql.raw(entry)}.record_time <= ${(t.at.ms + 1) * 1000 - 1}`;
  };
  const rows = await db.all<{ id: number; open: number }>(
    sql`SELECT l.id, CASE WHEN b.state = 'closed' AND ${by('b.close_seq', 'c')} THEN 0 ELSE 1 END AS open
        FROM ${eachNumber(ids)} j CROSS JOIN lot l ON l.id = j.value CROSS JOIN batch b ON b.class = l.class AND b.lot = l.lot
        CROSS JOIN entry o ON o.seq = b.seq LEFT JOIN entry c ON c.seq = b.close_seq
        WHERE ${by('b.seq', 'o')}`,
  );
  return new Map(rows.map(({ id, open }) => [-id, open === 1 ? 'open' : 'closed']));
}
