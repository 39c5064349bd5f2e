import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';

/** A query under a name: JSON as it was given, and the key that made it. */
export type NamedQuery = { readonly name: string; readonly query: unknown; readonly actor: string };

/** Named queries by name: the one, or those behind `after`. */
export async function namedQueries(db: Db, args: { name?: string; after?: string; limit: number }): Promise<NamedQuery[]> {
  const where = args.name === undefined ? sql`name > ${args.after ?? ''}` : sql`name = ${args.name}`;
  const rows = await db.all<{ name: string; query: string; actor: string }>(
    sql`SELECT name, query, actor FROM named_query WHERE ${where} ORDER BY name LIMIT ${args.limit}`,
  );
  return rows.map(({ query, ...row }) => ({ ...row, query: JSON.parse(query) as unknown }));
}

/** How many named queries and subscriptions are kept. */
export async function keptCounts(db: Db, _args: object): Promise<{ queries: number; subscriptions: number }> {
  const [counts] = await db.all<{ queries: number; subscriptions: number }>(
    sql`SELECT (SELECT count(*) FROM named_query) AS queries, (SELECT count(*) FROM subscription) AS subscriptions`,
  );
  return counts ?? { queries: 0, subscriptions: 0 };
}
