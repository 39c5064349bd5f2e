import { sql } from 'drizzle-orm';
import { editFinding } from '../lifecycle/commands.ts';
import { FINDINGS } from '../lifecycle/findings.ts';
import { NONE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { PoolRow } from '../store/rows.ts';
import { isInOrder } from './space.ts';
import { measure, POOL_COLUMNS } from './stored-pool.ts';

/** Numbers for a batch beyond what is planned: labels spoil (domain.md §5.1, default 5 %). */
export const OVERAGE_PERCENT = 5;

export const suggestedFor = (planned: number): number => Math.ceil((planned * (100 + OVERAGE_PERCENT)) / 100);

/**
 * Opens SN-POOL-LOW for each pool of a class that has come to hold less than the open batches still need, or less than a fifth of what it could grant
 * (domain.md §4.1): once, until it has recovered.
 */
export async function noteLevel(journal: Journal, classId: number, seq: number, recordTime: number): Promise<void> {
  const { db } = journal;
  const need = await neededFor(journal, classId);
  const low: string[] = [];
  for (const pool of await db.all<PoolRow>(sql`SELECT ${POOL_COLUMNS} FROM pool WHERE class = ${classId} ORDER BY seq`)) {
    const { issued, remaining } = await measure(db, pool);
    const isLow = (!isInOrder(pool) && remaining < need) || remaining * 5n < remaining + issued;
    if (isLow === (pool.low_seq !== null)) continue;
    await db.run(sql`UPDATE pool SET low_seq = ${isLow ? seq : null} WHERE seq = ${pool.seq}`);
    if (!isLow) continue;
    low.push(`${pool.id} can grant ${remaining} more; ${issued} are issued, and open batches need ${need}`);
    const code = 'SN-POOL-LOW';
    const [product] = await db.all<{ id: number }>(sql`SELECT id FROM lot WHERE class = ${classId} AND lot = ''`);
    await journal.addFindings(
      [{ code, seq, severity: FINDINGS[code].severity, opened: recordTime, due: null }],
      [{ code, seq, node: product === undefined ? 0 : -product.id, other: NONE }],
    );
    await editFinding.apply(journal, { kind: 'edit-finding', code, seq, record: { note: low.join('; ') } }, seq, recordTime);
  }
}

/** What the open batches of a product have planned and were not granted yet. */
async function neededFor(journal: Journal, classId: number): Promise<bigint> {
  const rows = await journal.db.all<{ planned: number; granted: number }>(
    sql`SELECT b.planned, coalesce((SELECT sum(g.quantity) FROM number_grant g CROSS JOIN pool p ON p.seq = g.pool AND p.class = b.class WHERE g.run = b.id), 0) AS granted
        FROM batch b WHERE b.class = ${classId} AND b.state = 'open' ORDER BY b.seq`,
  );
  let need = 0;
  for (const { planned, granted } of rows) need += Math.max(0, suggestedFor(planned) - granted);
  return BigInt(need);
}
