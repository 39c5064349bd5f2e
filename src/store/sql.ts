import { type SQL, sql } from 'drizzle-orm';

/**
 * A list of numbers or texts as a table `(value)`, for `FROM ${eachNumber(ids)} j`. One parameter, whatever its length.
 * json_each has columns named id, parent, type and key that would hide ours, hence the subselect.
 */
export function eachNumber(list: readonly number[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}

export function eachText(list: readonly string[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}
