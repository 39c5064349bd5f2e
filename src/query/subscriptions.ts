import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import type { SubscriptionRow } from '../store/rows.ts';
import type { Progress } from '../subscriptions/progress.ts';
import type { Subscription, Terms } from '../subscriptions/subscription.ts';

/** Where a page begins: behind a subscription. */
export type SubscriptionPlace = { readonly created: number; readonly id: string };

/** Subscriptions, the oldest first: the one, or those to a query, of an actor, behind `after`. */
export async function subscriptions(
  db: Db,
  args: { id?: string; query?: string; actor?: string; after?: SubscriptionPlace; limit: number },
): Promise<Subscription[]> {
  const { id, query, actor, after } = args;
  const where = [
    ...(id === undefined ? [] : [sql`s.id = ${id}`]),
    ...(query === undefined ? [] : [sql`s.query = ${query}`]),
    ...(actor === undefined ? [] : [sql`s.actor = ${actor}`]),
    ...(after === undefined ? [] : [sql`(s.created, s.id) > (${after.created}, ${after.id})`]),
    sql`true`,
  ];
  const rows = await db.all<SubscriptionRow & { body: string }>(
    sql`SELECT s.id, s.query, s.actor, s.created, s.terms, s.next_seq, s.version, s.progress, q.query AS body
        FROM subscription s CROSS JOIN named_query q ON q.name = s.query
        WHERE ${sql.join(where, sql` AND `)} ORDER BY s.created, s.id LIMIT ${args.limit}`,
  );
  return rows.map((row) => ({
    id: row.id,
    queryName: row.query,
    query: JSON.parse(row.body) as unknown,
    actor: row.actor,
    created: row.created,
    terms: JSON.parse(row.terms) as Terms,
    next: row.next_seq,
    version: row.version,
    progress: JSON.parse(row.progress) as Progress,
  }));
}
