import { sql } from 'drizzle-orm';
import { findings } from '../../lifecycle/list-findings.ts';
import type { Db } from '../../store/db.ts';
import { eachText } from '../../store/sql.ts';
import type { ChainView } from '../view.ts';

/** What an act has come to: its entry, the findings about it, and what is held on its chains. Null: there is no such act. */
export async function actAnswer(
  db: Db,
  args: { id: string },
): Promise<{
  entry: { seq: number; leaf: string };
  findings: { id: number; code: string; severity: string; things: string[] }[];
  holds: { id: string; reason: string; codes: string[] }[];
} | null> {
  const [row] = await db.all<{ seq: number; leaf: Uint8Array }>(
    sql`SELECT a.seq, e.leaf_hash AS leaf FROM coi_act a CROSS JOIN entry e ON e.seq = a.seq WHERE a.id = ${args.id}`,
  );
  if (row === undefined) return null;
  const views = await viewsAt(db, row.seq);
  const numbers = await db.all<{ id: number }>(sql`SELECT f.id FROM finding f WHERE f.seq = ${row.seq} AND f.state = 'open' ORDER BY f.id`);
  const told = [];
  for (const { id } of numbers) {
    const { list } = await findings(db, { id, limit: 1 });
    told.push(...list.map(({ code, severity, things }) => ({ id, code, severity, things })));
  }
  const holds = new Map(views.flatMap((view) => view.holds.filter(({ lifted }) => lifted === null)).map((hold) => [hold.id, hold]));
  return {
    entry: { seq: row.seq, leaf: Buffer.from(row.leaf).toString('hex') },
    findings: told,
    holds: [...holds.values()].map(({ id, reason, codes }) => ({ id, reason, codes: [...codes] })),
  };
}

async function viewsAt(db: Db, seq: number): Promise<ChainView[]> {
  const rows = await db.all<{ view: string }>(
    sql`SELECT c.view FROM coi_part p CROSS JOIN coi_chain c ON c.chain = p.key WHERE p.seq = ${seq} AND p.kind = 'chain' ORDER BY c.chain`,
  );
  return rows.map(({ view }) => JSON.parse(view) as ChainView);
}

/** A chain as it was folded last; null: nothing here ever named it. */
export async function chainView(db: Db, args: { chain: string }): Promise<ChainView | null> {
  const [row] = await db.all<{ view: string }>(sql`SELECT view FROM coi_chain WHERE chain = ${args.chain}`);
  return row === undefined ? null : (JSON.parse(row.view) as ChainView);
}

/** Chains by their orders. */
export async function chainsOfOrders(db: Db, args: { orders: readonly string[] }): Promise<{ order: string; chain: string }[]> {
  return await db.all(
    sql`SELECT c.order_id AS "order", c.chain FROM ${eachText(args.orders)} j CROSS JOIN coi_chain c ON c.order_id = j.value ORDER BY c.chain`,
  );
}
