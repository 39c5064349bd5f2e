import { sql } from 'drizzle-orm';
import type { Problem } from '../errors.ts';
import type { Db } from '../store/db.ts';

/** A capture job as the standard shows it (R-16), with its number, by which jobs are ordered, and whose it is. */
export type EndedJob = {
  number: number;
  actor: string;
  captureID: string;
  behaviour: 'rollback' | 'proceed';
  created: number;
  finished: number;
  success: boolean;
  errors: Problem[];
};
type Row = Omit<EndedJob, 'success' | 'errors'> & { success: number; errors: string };

/** Ended jobs, newest first, those with a number below `before`; of one actor or of all. */
export async function captureJobs(
  db: Db,
  args: { actor?: string; captureID?: string; before?: number; limit: number },
): Promise<EndedJob[]> {
  const where = [sql`id < ${args.before ?? Number.MAX_SAFE_INTEGER}`];
  if (args.actor !== undefined) where.push(sql`actor = ${args.actor}`);
  if (args.captureID !== undefined) where.push(sql`capture_id = ${args.captureID}`);
  const rows = await db.all<Row>(
    sql`SELECT id AS number, actor, capture_id AS "captureID", behaviour, created, finished, success, errors FROM capture_job
        WHERE ${sql.join(where, sql` AND `)} ORDER BY id DESC LIMIT ${args.limit}`,
  );
  return rows.map((row) => ({ ...row, success: row.success === 1, errors: JSON.parse(row.errors) as Problem[] }));
}
