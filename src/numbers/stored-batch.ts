import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import type { BatchRow } from '../store/rows.ts';

export const BATCH_COLUMNS = sql.raw('seq, id, class, lot, expiry, line, planned, terms, opened, state, cleared, close_seq, result');

/** What was agreed when a batch was opened. `perParent`: packs in a full case; `yieldLimits`: of good packs ÷ theoretical. */
export type Terms = { perParent: number | null; yieldLimits: readonly [low: number, high: number] | null; clearance: boolean };

export const termsOf = (row: Pick<BatchRow, 'terms'>): Terms => JSON.parse(row.terms) as Terms;

/** A batch as it is stored; NOT-FOUND where there is none. */
export async function storedBatch(db: Db, id: string): Promise<BatchRow> {
  const [row] = await db.all<BatchRow>(sql`SELECT ${BATCH_COLUMNS} FROM batch WHERE id = ${id}`);
  if (row !== undefined) return row;
  throw new LotlineError('NOT-FOUND', `there is no batch ${id}`, { at: '{id}', fix: 'Take an id from GET /api/v1/batches.' });
}
