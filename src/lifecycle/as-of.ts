import { type SQL, sql } from 'drizzle-orm';
import { parseExactTime } from '../epcis/index.ts';
import type { ExactTime } from '../epcis/model.ts';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';
import type { Node } from './state.ts';

/** A question's two times (domain.md §0): what had happened by `at` (event time), as far as it was known at `known` (record time). */
export type AsOfArgs = { at?: string | undefined; known?: string | undefined };

/** The same, looked up: entries up to `seq` were known. `null` is now. */
export type AsOf = { readonly at: ExactTime | null; readonly seq: number | null };

/** Looks up a question's two times. A time after which nothing happened, or nothing came to be known, is now: the present is at hand, the past is folded. */
export async function asOf(db: Db, args: AsOfArgs): Promise<AsOf> {
  const at = time(args.at, 'at');
  const known = time(args.known, 'known');
  return {
    at: at !== null && (await happensAfter(db, at)) ? at : null,
    seq: known === null ? null : await knownAt(db, known),
  };
}

export const isNow = (t: AsOf): boolean => t.at === null && t.seq === null;

async function happensAfter(db: Db, at: ExactTime): Promise<boolean> {
  const rows = await db.all(sql`SELECT 1 AS one FROM event e WHERE e.time >= ${at.ms} AND NOT (${happenedBy(at, sql`e`)}) LIMIT 1`);
  return rows.length > 0;
}

/**
 * The last entry that was known then, -1 for none, null when none came after. Positions are dense and record times never decrease along
 * them (design.md §4, §6), so a search by halves does without an index.
 */
async function knownAt(db: Db, known: ExactTime): Promise<number | null> {
  const [last] = await db.all<{ seq: number }>(sql`SELECT seq FROM entry ORDER BY seq DESC LIMIT 1`);
  const microseconds = known.ms * 1000 + Number(`0.${known.below || 0}`) * 1000;
  const size = (last?.seq ?? -1) + 1;
  let from = 0;
  let to = size;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const [entry] = await db.all<{ t: number }>(sql`SELECT record_time AS t FROM entry WHERE seq = ${middle}`);
    if ((entry as { t: number }).t <= microseconds) from = middle + 1;
    else to = middle;
  }
  return from === size ? null : from - 1;
}

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

/** Condition on an `event` alias: it had happened and was known as of then, with effect or without. */
export function stated(t: AsOf, e: SQL): SQL {
  const known = t.seq === null ? sql`true` : sql`${e}.seq <= ${t.seq}`;
  return t.at === null ? known : sql`${known} AND (${happenedBy(t.at, e)})`;
}

/** Condition on an `event` alias: it had effect as of then (design.md §3, sameness). */
export function effective(t: AsOf, e: SQL): SQL {
  return sql`${stated(t, e)} AND ${e}.declares = 0 AND ${unvoided(t, e)} AND ${notRepeated(t, e)}`;
}

/** Condition on an `event` alias: nothing that was known then had declared it erroneous. */
function unvoided(t: AsOf, e: SQL): SQL {
  return t.seq === null ? sql`${e}.void_seq IS NULL` : sql`(${e}.void_seq IS NULL OR ${e}.void_seq > ${t.seq})`;
}

/**
 * Condition on an `event` alias: it was no twin then. The first of some twins takes the place of an event that is voided, and no longer
 * says that it was one; before the voiding, the other stood.
 */
export function notRepeated(t: AsOf, e: SQL): SQL {
  if (t.seq === null) return sql`${e}.twin_of IS NULL`;
  // OFFSET: looked up for each event, not joined with all others.
  const before = sql`SELECT 1 FROM event o WHERE o.digest = ${e}.digest AND o.seq < ${e}.seq AND ${unvoided(t, sql`o`)} LIMIT 1 OFFSET 0`;
  return sql`${e}.twin_of IS NULL AND NOT EXISTS (${before})`;
}

function happenedBy(at: ExactTime, e: SQL): SQL {
  return sql`${e}.time < ${at.ms} OR (${e}.time = ${at.ms} AND ${e}.below <= ${at.below})`;
}

/**
 * Stays in aggregations as they were known, as a table `(child, parent, from_seq, to_seq, quantity, uom)` with `to_seq` null while it lasts: those of
 * some children, or in some parents; at present, of parents only those that last. Stays that had not begun by then are left out.
 */
export function staysAsOf(t: AsOf, of: { children: readonly Node[] } | { parents: readonly Node[] }): SQL {
  const columns = sql`child, parent, from_seq, to_seq, quantity, uom`;
  const [side, nodes] = 'children' in of ? [sql`child`, of.children] : [sql`parent`, of.parents];
  const stays = (table: SQL) => sql`SELECT ${columns} FROM ${eachNumber(nodes)} n CROSS JOIN ${table} ON ${side} = n.value AND kind = 0`;
  // What has ended need not be read to know the present: a container that is used for years has held a great many things.
  if (isNow(t)) return sql`(${stays(sql`containment`)}${'parents' in of ? sql` AND to_time IS NULL` : sql``})`;
  const known =
    t.seq === null
      ? stays(sql`containment`)
      : sql`${stays(sql`containment`)} AND known_seq <= ${t.seq}
            UNION ALL ${stays(sql`containment_past`)} AND known_seq <= ${t.seq} AND until_seq > ${t.seq}`;
  const notYet = (seq: SQL) =>
    t.at === null ? sql`false` : sql`(SELECT NOT (${happenedBy(t.at, sql`e`)}) FROM event e WHERE e.seq = ${seq})`;
  const unknown = t.seq === null ? sql`false` : sql`to_seq > ${t.seq}`;
  return sql`(SELECT child, parent, from_seq, quantity, uom,
                CASE WHEN to_seq IS NULL OR ${unknown} OR ${notYet(sql`to_seq`)} THEN NULL ELSE to_seq END AS to_seq
              FROM (${known}) s WHERE NOT ${notYet(sql`from_seq`)})`;
}
