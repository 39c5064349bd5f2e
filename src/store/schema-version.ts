import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { LotlineError } from '../errors.ts';
import type { Db } from './db.ts';
import type { Engine } from './sql.ts';

/** Refuses to ask a store whose tables are not those of this version. Who only asks changes nothing; the service brings a store up to date when it starts. */
export async function expectSchema(db: Db, engine: Engine): Promise<void> {
  const ours = readMigrationFiles({ migrationsFolder: fileURLToPath(new URL(`./${engine}/migrations`, import.meta.url)) });
  const [row] = await db.all<{ at: number | null }>(sql`SELECT max(created_at) AS at FROM __drizzle_migrations`);
  const [is, should] = [row?.at ?? 0, ours.at(-1)?.folderMillis ?? 0];
  if (is === should) return;
  throw new LotlineError('CFG-VALUE', `The store was written by ${is < should ? 'an earlier' : 'a later'} version of lotline`, {
    fix: is < should ? 'Start the service once with this version: it brings the store up to date.' : 'Take the version that wrote it.',
  });
}
