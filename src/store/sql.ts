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

/** Byte strings, given in hex. */
export function eachBytes(list: readonly string[]): SQL {
  return sql`(SELECT unhex(value) AS value FROM json_each(${JSON.stringify(list)}))`;
}

/** The elements of a list in an event's `facts`, as a table `(value)`; the members of an element are read with `->>`. */
export function eachFact(facts: SQL, name: string): SQL {
  return sql`(SELECT value FROM json_each(${facts}, ${`$.${name}`}))`;
}

/** The items that took part in an event in one role, as a table of runs `(first, count)`: lifecycle/rows.ts writes them. */
export function eachRun(facts: SQL, role: number): SQL {
  return sql`(SELECT first, count FROM (SELECT value AS first, lead(value) OVER (ORDER BY key) AS count, key FROM json_each(${facts}, ${`$.t."${role}"`})) WHERE key % 2 = 0)`;
}
