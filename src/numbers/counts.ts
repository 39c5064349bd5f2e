import { type SQL, sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import type { BatchRow } from '../store/rows.ts';
import { COMMISSIONED, LABEL_FATE, PACK_DESTROYED, PACK_ENDED, PACK_INACTIVE, PACK_SAMPLED } from './label-status.ts';
import { STATE } from './stored-pool.ts';

/** The mass balance of a batch's numbers (domain.md §5.2), and where its packs are. */
export type Counts = {
  issued: number;
  returned: number;
  /** SNInvalid, and labels that were scrapped or sampled. */
  invalid: number;
  labelsScrapped: number;
  labelsSampled: number;
  commissioned: number;
  sampled: number;
  destroyed: number;
  inactive: number;
  /** Commissioned and still active. */
  good: number;
  /** Issued − returned − invalid − commissioned. */
  unaccounted: number;
  /** Containers that hold packs of it now, packs inside of one, and good packs inside of none. */
  parents: number;
  contained: number;
  uncontained: number;
};

/** Packs of a lot that were commissioned; `i` is the item. */
export const packsOf = (lot: number): SQL => sql`i.lot = ${lot} AND i.lot IS NOT NULL AND (i.flags & 1) = 0 AND ${COMMISSIONED}`;

/** The id of a batch's lot; null while nothing here named it. */
export async function lotOfBatch(db: Db, batch: Pick<BatchRow, 'class' | 'lot'>): Promise<number | null> {
  const [row] = await db.all<{ id: number }>(sql`SELECT id FROM lot WHERE class = ${batch.class} AND lot = ${batch.lot}`);
  return row?.id ?? null;
}

/** The numbers granted to a batch's run, of its own product: `n` is the number. Cases and pallets have pools and levels of their own. */
export const numbersOfRun = (batch: Pick<BatchRow, 'id' | 'class'>): SQL =>
  sql`number_grant g CROSS JOIN number n ON n.grant_seq = g.seq AND n.class = ${batch.class}`;

export async function countsOf(db: Db, batch: BatchRow): Promise<Counts> {
  const [granted] = await db.all<{ issued: number; returned: number; invalid: number }>(
    sql`SELECT coalesce(sum(g.quantity), 0) AS issued, coalesce(sum(g.returned), 0) AS returned, coalesce(sum(g.invalid), 0) AS invalid
        FROM number_grant g CROSS JOIN pool p ON p.seq = g.pool AND p.class = ${batch.class} WHERE g.run = ${batch.id}`,
  );
  const { issued, returned, invalid } = granted as { issued: number; returned: number; invalid: number };
  const labels = await db.all<{ fate: 'sampled' | 'scrapped' | null; n: number }>(
    sql`SELECT fate, count(*) AS n FROM (SELECT ${LABEL_FATE} AS fate FROM ${numbersOfRun(batch)}
          CROSS JOIN item_name m ON m.class = n.class AND m.serial = n.serial CROSS JOIN item i ON i.id = m.id
          WHERE g.run = ${batch.id} AND n.state = ${STATE.allocated} AND NOT (${COMMISSIONED})) labels
        GROUP BY fate ORDER BY fate`,
  );
  const lot = await lotOfBatch(db, batch);
  const packs =
    lot === null
      ? []
      : await db.all<{ status: number | null; n: number; contained: number }>(
          sql`SELECT i.status, count(*) AS n, count(i.parent) AS contained FROM item i WHERE ${packsOf(lot)} GROUP BY i.status ORDER BY i.status`,
        );
  const [above] =
    lot === null ? [] : await db.all<{ n: number }>(sql`SELECT count(DISTINCT i.parent) AS n FROM item i WHERE ${packsOf(lot)}`);
  const within = (statuses: readonly number[]) =>
    packs.reduce((sum, row) => sum + (row.status !== null && statuses.includes(row.status) ? row.n : 0), 0);
  const labelled = (fate: 'sampled' | 'scrapped') => labels.find((row) => row.fate === fate)?.n ?? 0;
  const commissioned = packs.reduce((sum, row) => sum + row.n, 0);
  const contained = packs.reduce((sum, row) => sum + row.contained, 0);
  const labelsScrapped = labelled('scrapped');
  const labelsSampled = labelled('sampled');
  const sampled = within(PACK_SAMPLED);
  const destroyed = within(PACK_DESTROYED);
  const inactive = within(PACK_INACTIVE);
  const good = commissioned - sampled - destroyed - inactive;
  const goodContained = contained - packs.reduce((sum, row) => sum + (isEnded(row.status) ? row.contained : 0), 0);
  return {
    issued,
    returned,
    invalid: invalid + labelsScrapped + labelsSampled,
    labelsScrapped,
    labelsSampled,
    commissioned,
    sampled,
    destroyed,
    inactive,
    good,
    unaccounted: issued - returned - (invalid + labelsScrapped + labelsSampled) - commissioned,
    parents: above?.n ?? 0,
    contained,
    uncontained: good - goodContained,
  };
}

const isEnded = (status: number | null) => status !== null && PACK_ENDED.includes(status);
