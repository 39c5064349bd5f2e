import type { SqliteConnection } from './open.ts';

/**
 * The schema as the migrations leave it, in one order whatever theirs was: tables by name, each followed by its indexes. Committed as schema.sql, so
 * that a review sees what a migration comes to.
 */
export function dumpSchema(db: SqliteConnection): string {
  const rows = db
    .prepare(
      `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE '\\_\\_drizzle%' ESCAPE '\\'
       ORDER BY tbl_name, type = 'index', name`,
    )
    .pluck()
    .all() as string[];
  return rows.map((sql) => `${sql};\n`).join('\n');
}
