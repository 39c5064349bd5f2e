import { sql } from 'drizzle-orm';
import type { FindingCode } from '../lifecycle/findings.ts';
import { type Facts, NONE, type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import type { BatchRow, FindingThing } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { termsOf } from './stored-batch.ts';
import { STATE } from './stored-pool.ts';

/**
 * What commissionings tell of the numbers that they use (domain.md §4): SN-FOREIGN where a number of a product with pools was granted by none of them, or
 * to the batch of another lot; SN-INVALID-USED where it had been taken out of use or given back; LINE-NOCLEAR where the line of the lot's batch was not
 * cleared (§5.1). Found once, as the event arrives and in the light of what was granted by then. A store with neither pools nor batches pays for one look.
 */
export async function judgeNumbers(journal: Journal, events: readonly Facts[]): Promise<FindingThing[]> {
  const commissioning = events.filter(
    ({ type, action, bizStep }) => type === 'ObjectEvent' && action === 'ADD' && bizStep === 'commissioning',
  );
  if (commissioning.length === 0) return [];
  const { db } = journal;
  const [kept] = await db.all<{ pools: number; batches: number }>(
    sql`SELECT CASE WHEN EXISTS (SELECT 1 FROM pool) THEN 1 ELSE 0 END AS pools, CASE WHEN EXISTS (SELECT 1 FROM batch) THEN 1 ELSE 0 END AS batches`,
  );
  const found: FindingThing[] = [];
  for (const { seq, things, lotOf } of commissioning) {
    const flag = (code: FindingCode, node: Node) => found.push({ code, seq, node, other: NONE });
    const lots = [...new Set(lotOf.values())];
    if (kept?.pools === 1) for (const [node, code] of await misused(db, things[ROLE.epc] ?? [], lots)) flag(code, node);
    if (kept?.batches === 1) for (const lot of lots) if (await awaitsClearance(db, lot)) flag('LINE-NOCLEAR', lot);
  }
  return found;
}

/** Things with a number that they should not have. SSCCs of others are stored here too, so of those only what was taken out of use tells. */
async function misused(db: Db, items: readonly Node[], lots: readonly Node[]): Promise<[Node, FindingCode][]> {
  const texts = await db.all<{ class: number; lot: string }>(
    sql`SELECT l.class, l.lot FROM ${eachNumber(lots.map((lot) => -lot))} j CROSS JOIN lot l ON l.id = j.value`,
  );
  const lotOf = new Map(texts.map((row) => [row.class, row.lot]));
  const rows = await db.all<{ item: Node; class: number; state: number | null; granted: number | null; lot: string | null; own: number }>(
    sql`SELECT i.id AS item, i.class, n.state, n.grant_seq AS granted, b.lot, CASE WHEN p.head = '' THEN 1 ELSE 0 END AS own
        FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value
        CROSS JOIN pool p ON p.seq = (SELECT min(q.seq) FROM pool q WHERE q.class = i.class)
        LEFT JOIN number n ON n.class = i.class AND n.serial = i.serial
        LEFT JOIN number_grant g ON g.seq = n.grant_seq LEFT JOIN batch b ON b.id = g.run`,
  );
  return rows.flatMap((row): [Node, FindingCode][] => {
    if (row.state === STATE.invalid || (row.state === STATE.unallocated && row.granted !== null)) return [[row.item, 'SN-INVALID-USED']];
    const stated = lotOf.get(row.class);
    const foreign = row.granted === null ? row.own === 1 : row.lot !== null && stated !== undefined && row.lot !== stated;
    return foreign ? [[row.item, 'SN-FOREIGN']] : [];
  });
}

async function awaitsClearance(db: Db, lot: Node): Promise<boolean> {
  const [row] = await db.all<Pick<BatchRow, 'terms' | 'cleared'>>(
    sql`SELECT b.terms, b.cleared FROM lot l CROSS JOIN batch b ON b.class = l.class AND b.lot = l.lot WHERE l.id = ${-lot}`,
  );
  return row !== undefined && row.cleared === null && termsOf(row).clearance;
}
