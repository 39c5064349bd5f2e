import { type SQL, sql } from 'drizzle-orm';
import type { Unmet } from '../../errors.ts';
import type { Db } from '../../store/db.ts';
import type { Act } from '../acts.ts';
import { loadWorld, storedAct, storedActs } from '../load-world.ts';
import type { ChainView, LabelJobView, OrderView } from '../view.ts';
import { isWeighty, unmetForRelease } from './release.ts';

export type OrdersArgs = {
  state?: string;
  product?: string;
  /** Location key of the treatment. */
  site?: string;
  patient?: string;
  /** Orders behind this chain. */
  after?: string;
  limit: number;
};

/** Orders by their chains, as they stand, and whether there are more. */
export async function orders(db: Db, args: OrdersArgs): Promise<{ list: ChainView[]; more: boolean }> {
  const where: SQL[] = [sql`order_id IS NOT NULL`];
  if (args.state !== undefined) where.push(sql`state = ${args.state}`);
  if (args.product !== undefined) where.push(sql`product = ${args.product}`);
  if (args.site !== undefined) where.push(sql`site = ${args.site}`);
  if (args.patient !== undefined) where.push(sql`patient = ${args.patient}`);
  if (args.after !== undefined) where.push(sql`chain > ${args.after}`);
  const rows = await db.all<{ view: string }>(
    sql`SELECT view FROM coi_chain WHERE ${sql.join(where, sql` AND `)} ORDER BY chain LIMIT ${args.limit + 1}`,
  );
  return { list: rows.slice(0, args.limit).map(({ view }) => JSON.parse(view) as ChainView), more: rows.length > args.limit };
}

/** The chain of an order as it stands; null: there is no such order. */
export async function orderChain(db: Db, args: { orderId: string }): Promise<ChainView | null> {
  const [row] = await db.all<{ view: string }>(sql`SELECT view FROM coi_chain WHERE order_id = ${args.orderId}`);
  return row === undefined ? null : (JSON.parse(row.view) as ChainView);
}

/** What the release of an order's doses waits for; null: there is no such order. `stale` says that something has been found since it was signed. */
export async function releaseGate(
  db: Db,
  args: { orderId: string; now: number },
): Promise<{
  chain: string;
  ready: boolean;
  unmet: Unmet[];
  released: (NonNullable<OrderView['released']> & { stale: boolean }) | null;
} | null> {
  const view = await orderChain(db, args);
  if (view?.order == null) return null;
  const world = await loadWorld(db, view.chain, args.now);
  const doses = view.containers.filter(({ kind, end }) => kind === 'dose' && end === null).map(({ key }) => key);
  const unmet = unmetForRelease(world, view, doses);
  const { released } = view.order;
  return {
    chain: view.chain,
    ready: unmet.length === 0,
    unmet,
    released: released === null ? null : { ...released, stale: isStale(view, released.seq) },
  };
}

/** Whether something of weight was found, or held, since it was signed. */
const isStale = ({ findings, holds }: ChainView, signed: number): boolean =>
  findings.some(({ code, seq }) => seq > signed && isWeighty(code)) || holds.some(({ seq, lifted }) => seq > signed && lifted === null);

/** The newest profile of each product, by name. */
export async function products(db: Db, _args: Record<string, never>): Promise<Act<'product'>[]> {
  const newest = new Map((await storedActs(db, 'product')).map(({ body }) => [body.product, body]));
  return [...newest.values()].sort((a, b) => (a.product < b.product ? -1 : 1));
}

/** A label job as its chain was folded last; null: there is no such job. */
export async function labelJob(db: Db, args: { jobId: string }): Promise<LabelJobView | null> {
  const [row] = await db.all<{ view: string }>(
    sql`SELECT c.view FROM coi_act a CROSS JOIN coi_part p ON p.seq = a.seq AND p.kind = 'chain' CROSS JOIN coi_chain c ON c.chain = p.key WHERE a.id = ${args.jobId} ORDER BY c.chain`,
  );
  return row === undefined ? null : ((JSON.parse(row.view) as ChainView).labels.find(({ jobId }) => jobId === args.jobId) ?? null);
}

/** What an allocation is of; null: there is none of this id. */
export async function allocationOf(db: Db, args: { id: string }): Promise<{ container: string; orderId: string } | null> {
  const act = await storedAct(db, args.id);
  return act?.kind === 'allocation' ? { container: act.body.container, orderId: act.body.orderId } : null;
}
