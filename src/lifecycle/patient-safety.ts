import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { holdsText } from '../store/sql.ts';

/** Findings that nobody was paged about yet, the oldest first. Whether they have closed meanwhile does not matter: somebody has to hear of them. */
export async function duePages(db: Db, args: { limit: number }): Promise<{ id: number; code: string; seq: number }[]> {
  return await db.all(
    sql`SELECT f.id, f.code, f.seq FROM finding f WHERE f.severity = 'patient-safety' AND (f.record IS NULL OR NOT ${holdsText(sql`f.record`, '"paged":')})
        ORDER BY f.id LIMIT ${args.limit}`,
  );
}

/** Findings about patient safety behind an id, the oldest first; from the beginning only those that are open. */
export async function safetyFindings(db: Db, args: { after: number | null; limit: number }): Promise<{ id: number }[]> {
  const which = args.after === null ? sql`f.state = 'open'` : sql`f.id > ${args.after}`;
  return await db.all(sql`SELECT f.id FROM finding f WHERE f.severity = 'patient-safety' AND ${which} ORDER BY f.id LIMIT ${args.limit}`);
}
