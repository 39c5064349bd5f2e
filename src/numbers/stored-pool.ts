import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import type { PoolRow } from '../store/rows.ts';
import { grantable, isInOrder, spaceOf } from './space.ts';

/** States of a number that a number manager knows, by OPEN-SCS (domain.md §4); the further ones are told by events. */
export const STATE = { unallocated: 1, allocated: 2, invalid: 3 } as const;

/** The class of things that SSCCs name. */
export const SSCC_CLASS = '00';
export const SSCC_LENGTH = 18;

export const POOL_COLUMNS = sql.raw('seq, id, class, head, length, alphabet, site, next, granted, returned, imported, low_seq');

/** A pool as it is stored; NOT-FOUND where there is none. */
export async function storedPool(db: Db, id: string): Promise<PoolRow> {
  const [row] = await db.all<PoolRow>(sql`SELECT ${POOL_COLUMNS} FROM pool WHERE id = ${id}`);
  if (row !== undefined) return row;
  throw new LotlineError('NOT-FOUND', `there is no pool ${id}`, { at: '{id}', fix: 'Take an id from GET /api/v1/pools.' });
}

/** What of a pool's numbers is out, and what may still be granted. `issued` counts all pools of the product (packs-wire.md), of an SSCC's only its own. */
export async function measure(db: Db, row: PoolRow): Promise<{ space: bigint; issued: bigint; remaining: bigint }> {
  const space = spaceOf(row);
  const waiting = BigInt(row.imported - row.granted);
  if (isInOrder(row)) {
    const remaining = row.imported > 0 ? waiting : space - BigInt(row.next);
    return { space, issued: BigInt(row.granted - row.returned), remaining };
  }
  const [all] = await db.all<{ issued: number; used: number }>(
    sql`SELECT sum(granted - returned) AS issued, sum(CASE WHEN imported > granted THEN imported ELSE granted END) AS used FROM pool WHERE class = ${row.class}`,
  );
  const issued = BigInt(all?.issued ?? 0);
  const remaining = grantable(space, issued, row.imported > 0 ? 0n : BigInt(all?.used ?? 0));
  return { space, issued, remaining: row.imported > 0 && waiting < remaining ? waiting : remaining };
}
