import { type SQL, sql } from 'drizzle-orm';
import { parseExactTime } from '../epcis/index.ts';
import type { ExactTime } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';

/** A question's two times (domain.md §0): what had happened by `at` (event time), as far as it was known at `known` (record time). */
export type AsOfArgs = { at?: string | undefined; known?: string | undefined };

/** The same, looked up: entries up to `seq` were known. `null` is now. */
export type AsOf = { readonly at: ExactTime | null; readonly seq: number | null };

export async function asOf(db: Db, args: AsOfArgs): Promise<AsOf> {
  const at = time(args.at, 'at');
  const known = time(args.known, 'known');
  if (known === null) return { at, seq: null };
  const [row] = await db.all<{ seq: number | null }>(
    sql`SELECT max(seq) AS seq FROM entry WHERE record_time <= ${known.ms * 1000 + Number(`0.${known.below || 0}`) * 1000}`,
  );
  return { at, seq: row?.seq ?? -1 };
}

export const isNow = (t: AsOf): boolean => t.at === null && t.seq === null;

function time(text: string | undefined, name: string): ExactTime | null {
  if (text === undefined || text === '') return null;
  try {
    return parseExactTime(text);
  } catch (cause) {
    throw new LotlineError('REQ-FORM', `${name} is not a date-time with a zone`, {
      at: `?${name}`,
      fix: `Write ${name} like 2026-03-02T10:00:00Z; a + of an offset is %2B in a URL.`,
      cause,
    });
  }
}

/** Condition on an `event` alias: it had effect as of then. */
export function effective(t: AsOf, e: SQL): SQL {
  const voided =
    t.seq === null ? sql`${e}.void_seq IS NULL` : sql`${e}.seq <= ${t.seq} AND (${e}.void_seq IS NULL OR ${e}.void_seq > ${t.seq})`;
  return sql`${voided} AND ${e}.twin_of IS NULL AND ${e}.declares = 0${happened(t, e)}`;
}

/** Condition on an `event` alias: it had happened, and was known. */
export function happened(t: AsOf, e: SQL): SQL {
  return t.at === null ? sql`` : sql` AND (${e}.time < ${t.at.ms} OR (${e}.time = ${t.at.ms} AND ${e}.below <= ${t.at.below}))`;
}

/**
 * Stays as they were known, as a table `(child, parent, from_seq, to_seq, quantity, uom, kind)` with `to_seq` null while it lasts.
 * `where` is a condition on the columns of containment. Rows of things that had not entered by then are left out.
 */
export function staysAsOf(t: AsOf, where: SQL): SQL {
  const columns = sql`child, parent, from_seq, from_time, to_time, to_seq, quantity, uom, kind`;
  if (t.seq === null && t.at === null) return sql`(SELECT ${columns} FROM containment WHERE ${where})`;
  const known =
    t.seq === null
      ? sql`SELECT ${columns} FROM containment WHERE ${where}`
      : sql`SELECT ${columns} FROM containment WHERE ${where} AND known_seq <= ${t.seq}
            UNION ALL SELECT ${columns} FROM containment_past WHERE ${where} AND known_seq <= ${t.seq} AND until_seq > ${t.seq}`;
  const notYet = (seq: SQL, ms: SQL) =>
    t.at === null
      ? sql`false`
      : sql`(${ms} > ${t.at.ms} OR (${ms} = ${t.at.ms} AND (SELECT below FROM event WHERE event.seq = ${seq}) > ${t.at.below}))`;
  const unknown = t.seq === null ? sql`false` : sql`to_seq > ${t.seq}`;
  return sql`(SELECT child, parent, from_seq, from_time, quantity, uom, kind,
                CASE WHEN to_seq IS NULL OR ${unknown} OR ${notYet(sql`to_seq`, sql`to_time`)} THEN NULL ELSE to_time END AS to_time,
                CASE WHEN to_seq IS NULL OR ${unknown} OR ${notYet(sql`to_seq`, sql`to_time`)} THEN NULL ELSE to_seq END AS to_seq
              FROM (${known}) s WHERE NOT ${notYet(sql`from_seq`, sql`from_time`)})`;
}
