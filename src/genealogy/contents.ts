import { sql } from 'drizzle-orm';
import { toDigitalLink } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, staysAsOf } from '../lifecycle/as-of.ts';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { findNodeAsOf, keysOf } from '../lifecycle/present.ts';
import type { Node } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';

export type ContentsAnswer = {
  of: string;
  at: string | null;
  members: { key: string; epc: string; depth: number; parent: string; quantity?: number; uom?: string }[];
  count: number;
};

/** What is inside a thing, one level or all the way down, now or as of then (domain.md §6.1, rule 8). Null when nothing here names it. */
export async function contents(db: Db, args: { of: string; depth: number | 'all' } & AsOfArgs): Promise<ContentsAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const found = await nodesInside(db, node, args.depth, t);
  const keys = await keysOf(db, [...new Set(found.flatMap((row) => [row.child, row.parent]))]);
  const members = found.map((row) => {
    const key = keys.get(row.child) as string;
    return {
      key,
      epc: toDigitalLink(key) ?? key,
      depth: row.depth,
      parent: keys.get(row.parent) as string,
      ...(row.quantity !== null && { quantity: row.quantity }),
      ...(row.uom !== '' && { uom: row.uom }),
    };
  });
  return { of: args.of, at: args.at ?? null, members, count: members.length };
}

export type Inside = { child: Node; parent: Node; depth: number; quantity: number | null; uom: string };

/** What is inside of one or of several, level by level, each container's content in order of id. */
export async function nodesInside(db: Db, of: Node | readonly Node[], depth: number | 'all', t: AsOf): Promise<Inside[]> {
  const found: Inside[] = [];
  const start = (typeof of === 'number' ? [of] : of).filter((node) => node > 0);
  const seen = new Set<Node>(start);
  const deepest = depth === 'all' ? DEPTH_MAX : Math.min(depth, DEPTH_MAX);
  let frontier = start;
  for (let level = 1; level <= deepest && frontier.length > 0; level++) {
    const rows = await db.all<Omit<Inside, 'depth'>>(
      sql`SELECT child, parent, quantity, uom FROM ${staysAsOf(t, { parents: frontier })} s WHERE to_seq IS NULL ORDER BY parent, child, uom`,
    );
    for (const row of rows) found.push({ ...row, depth: level });
    frontier = rows.map((row) => row.child).filter((child) => child > 0 && !seen.has(child));
    for (const child of frontier) seen.add(child);
  }
  return found;
}
