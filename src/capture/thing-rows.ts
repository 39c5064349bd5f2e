import { sql } from 'drizzle-orm';
import { parseKey } from '../identifiers/index.ts';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { STATE_COLUMNS } from '../lifecycle/present.ts';
import type { Db } from '../store/db.ts';
import type { ThingRow } from '../store/rows.ts';

/** One serialised thing as it is stored, the containers it is in from the inside out, and its lot. */
export type ThingRows = {
  readonly own: ThingRow | null;
  readonly containers: readonly ThingRow[];
  readonly lot: (ThingRow & { readonly name: string }) | null;
};

const COLUMNS = sql`class, expiry, ${STATE_COLUMNS}`;

/** Everything that a decision about one thing rests on, in one statement: the same work whether it is known or not. */
export async function thingRows(db: Db, key: string): Promise<ThingRows> {
  const thing = parseKey(key);
  if (!('serial' in thing)) return { own: null, containers: [], lot: null };
  const rows = await db.all<ThingRow & { depth: number; name: string }>(
    sql`WITH RECURSIVE line(depth, id, above) AS (
          SELECT 0, i.id, i.parent FROM class c CROSS JOIN item_name n ON n.class = c.id AND n.serial = ${thing.serial} CROSS JOIN item i ON i.id = n.id WHERE c.key = ${thing.class}
          UNION ALL
          SELECT l.depth + 1, i.id, i.parent FROM line l CROSS JOIN item i ON i.id = l.above WHERE l.depth < ${DEPTH_MAX}
        )
        SELECT l.depth, i.id AS node, -i.lot AS lot, ${COLUMNS}, NULL AS balance, i.serial AS name FROM line l CROSS JOIN item i ON i.id = l.id
        UNION ALL
        SELECT -1 AS depth, -o.id AS node, NULL AS lot, ${COLUMNS}, NULL AS balance, o.lot AS name FROM (SELECT i.lot AS id FROM line l CROSS JOIN item i ON i.id = l.id WHERE l.depth = 0) w CROSS JOIN lot o ON o.id = w.id
        ORDER BY depth`,
  );
  const [lot] = rows.filter((row) => row.depth < 0);
  const [own, ...containers] = rows.filter((row) => row.depth >= 0);
  return { own: own ?? null, containers, lot: lot ?? null };
}

/** A text that is another as soon as an event has changed the thing, a container of it or its lot. */
export function markOf({ own, containers, lot }: ThingRows): string {
  return JSON.stringify([own, ...containers, lot].map((row) => row && Object.values({ ...row, depth: 0 })));
}
