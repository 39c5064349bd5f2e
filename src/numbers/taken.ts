import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { eachText } from '../store/sql.ts';

/** Of these serials of a class, those that are no longer free: granted or imported before, or on a thing that some event named. */
export async function takenOf(db: Db, classId: number, serials: readonly string[]): Promise<Set<string>> {
  const rows = await db.all<{ serial: string }>(
    sql`SELECT n.serial FROM ${eachText(serials)} j CROSS JOIN number n ON n.class = ${classId} AND n.serial = j.value
        UNION ALL SELECT i.serial FROM ${eachText(serials)} j CROSS JOIN item_name i ON i.class = ${classId} AND i.serial = j.value`,
  );
  return new Set(rows.map((row) => row.serial));
}
