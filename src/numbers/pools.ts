import { type SQL, sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import type { NumberGrantRow, PoolRow } from '../store/rows.ts';
import { guessChance, isInOrder } from './space.ts';
import { measure, POOL_COLUMNS } from './stored-pool.ts';

/**
 * A pool as it stands. `issued` counts numbers that are out, of all pools of its GTIN; `remaining` what can still be granted below 1 : 10,000.
 * `space` and `remaining` may lie beyond what a number holds exactly: `exact` has their digits.
 */
export type PoolAnswer = {
  id: string;
  gtin?: string;
  sscc?: string;
  length: number;
  alphabet: string;
  site: string | null;
  /** Of this pool alone: ever granted, of these given back, and taken in from outside. */
  granted: number;
  returned: number;
  imported: number;
  issued: number;
  space: number;
  guessChance: number;
  /** `1 : n`; null while nothing is issued. */
  chance: string | null;
  remaining: number;
  low: boolean;
  exact: { space: string; remaining: string };
};

export type PoolsArgs = { gtin?: string; before?: number; limit: number };

/** Pools, newest first, those made by an entry below `before`, and the entry of the last when there are more. */
export async function pools(db: Db, args: PoolsArgs): Promise<{ list: PoolAnswer[]; next: number | null }> {
  const of = args.gtin === undefined ? sql`true` : sql`class = (SELECT id FROM class WHERE key = ${`01/${args.gtin}`})`;
  const rows = await poolRows(db, sql`${of} AND seq < ${args.before ?? Number.MAX_SAFE_INTEGER} ORDER BY seq DESC LIMIT ${args.limit + 1}`);
  const list: PoolAnswer[] = [];
  for (const row of rows.slice(0, args.limit)) list.push(await answerOf(db, row));
  return { list, next: rows.length > args.limit ? (rows[args.limit - 1] as PoolRow).seq : null };
}

/** One pool; null when there is none of that id. */
export async function pool(db: Db, args: { id: string }): Promise<PoolAnswer | null> {
  const [row] = await poolRows(db, sql`id = ${args.id}`);
  return row === undefined ? null : await answerOf(db, row);
}

async function poolRows(db: Db, where: SQL): Promise<PoolRow[]> {
  return await db.all<PoolRow>(sql`SELECT ${POOL_COLUMNS} FROM pool WHERE ${where}`);
}

async function answerOf(db: Db, row: PoolRow): Promise<PoolAnswer> {
  const [of] = await db.all<{ key: string }>(sql`SELECT key FROM class WHERE id = ${row.class}`);
  const { space, issued, remaining } = await measure(db, row);
  return {
    id: row.id,
    ...(isInOrder(row) ? { sscc: row.head } : { gtin: (of as { key: string }).key.slice('01/'.length) }),
    length: row.length,
    alphabet: row.alphabet,
    site: row.site,
    granted: row.granted,
    returned: row.returned,
    imported: row.imported,
    issued: Number(issued),
    space: Number(space),
    ...guessChance(issued, space),
    remaining: Number(remaining),
    low: row.low_seq !== null,
    exact: { space: String(space), remaining: String(remaining) },
  };
}

/** What was asked for with a key of a pool, or under an id: to tell whether a request is the same again. */
export type GrantKnown = { id: string; quantity: number; requester: string; run: string };

export async function grantKnown(db: Db, args: { id?: string; key?: string }): Promise<GrantKnown | null> {
  const which = args.id === undefined ? sql`repeat_key = ${args.key ?? ''}` : sql`id = ${args.id}`;
  const [row] = await db.all<GrantKnown>(sql`SELECT id, quantity, requester, run FROM number_grant WHERE ${which}`);
  return row ?? null;
}

export type GrantAnswer = {
  grantId: string;
  serials: string[] /** Beside each serial what came with it from outside; only where there is any. */;
  tails?: (string | null)[];
};

/** The numbers of a grant as they were given out, in that order; null when there is no such grant. Up to a million of them. */
export async function grantedNumbers(db: Db, args: { id: string }): Promise<GrantAnswer | null> {
  const [grant] = await db.all<Pick<NumberGrantRow, 'seq' | 'quantity'>>(sql`SELECT seq, quantity FROM number_grant WHERE id = ${args.id}`);
  if (grant === undefined) return null;
  const rows = await db.all<{ serial: string; tail: string | null }>(
    sql`SELECT serial, tail FROM number WHERE grant_seq = ${grant.seq} ORDER BY grant_seq, position, serial`,
  );
  if (rows.length !== grant.quantity)
    throw new LotlineError('STORE-DAMAGED', `grant ${args.id} is of ${grant.quantity} numbers, and ${rows.length} are stored`, {
      fix: 'Run lotline rebuild.',
    });
  const told = rows.some((row) => row.tail !== null);
  return { grantId: args.id, serials: rows.map((row) => row.serial), ...(told && { tails: rows.map((row) => row.tail) }) };
}
