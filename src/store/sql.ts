import { SQL, type SQLChunk, sql } from 'drizzle-orm';

export type Engine = 'sqlite' | 'postgres';

/** A piece of a question that each engine says in its own way. As it stands it is SQLite's; `formFor` gives the other. */
class PerEngine extends SQL {
  readonly postgres: SQL;

  constructor(forms: { sqlite: SQL; postgres: SQL }) {
    super(forms.sqlite.queryChunks);
    this.postgres = forms.postgres;
  }
}

const perEngine = (forms: { sqlite: SQL; postgres: SQL }): SQL => new PerEngine(forms);

/** One parameter that is a whole list: drizzle would take a bare array apart. */
const whole = (list: readonly unknown[]) => sql.param(list);

/**
 * A question in PostgreSQL's words. Questions say `CROSS JOIN … ON`, which holds SQLite to the order as written; postgres/written-order.ts does that
 * there. Every CROSS JOIN of ours has its ON, if need be `ON true`.
 */
export function postgresForm(query: SQL): SQL {
  const chunks = query instanceof PerEngine ? query.postgres.queryChunks : query.queryChunks;
  return new SQL(chunks.map(postgresChunk));
}

function postgresChunk(chunk: SQLChunk): SQLChunk {
  if (chunk instanceof SQL) return postgresForm(chunk);
  return Array.isArray(chunk) ? chunk.map(postgresChunk) : chunk;
}

/**
 * A list of numbers or texts as a table `(value)`, for `FROM ${eachNumber(ids)} j`. One parameter, whatever its length.
 * json_each has columns named id, parent, type and key that would hide ours, hence the subselect.
 */
export function eachNumber(list: readonly number[]): SQL {
  return perEngine({
    sqlite: sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`,
    postgres: sql`(SELECT value FROM unnest(${whole(list)}::bigint[]) AS value)`,
  });
}

/** Numbers that need not be whole. */
export function eachAmount(list: readonly number[]): SQL {
  return perEngine({
    sqlite: sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`,
    postgres: sql`(SELECT value FROM unnest(${whole(list)}::double precision[]) AS value)`,
  });
}

export function eachText(list: readonly string[]): SQL {
  return perEngine({
    sqlite: sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`,
    postgres: sql`(SELECT value FROM unnest(${whole(list)}::text[]) AS value)`,
  });
}

/** A list of texts with their places in it, from 0 on, as a table `(value, place)`. */
export function eachPlacedText(list: readonly string[]): SQL {
  return perEngine({
    sqlite: sql`(SELECT value, key AS place FROM json_each(${JSON.stringify(list)}))`,
    postgres: sql`(SELECT value, place - 1 AS place FROM unnest(${whole(list)}::text[]) WITH ORDINALITY AS t(value, place))`,
  });
}

/** All items by name, to be walked in the order of names: `item_name` is for looking up, and embedded it has no order of its own. */
export const ITEM_NAMES: SQL = perEngine({
  sqlite: sql`(SELECT class, serial, id FROM name WHERE recent = 0 UNION ALL SELECT class, serial, id FROM name WHERE recent = 1)`,
  postgres: sql`item_name`,
});

/** Condition: the text holds the other, character for character. */
export function holdsText(text: SQL, part: string): SQL {
  return perEngine({ sqlite: sql`instr(${text}, ${part}) > 0`, postgres: sql`strpos(${text}, ${part}) > 0` });
}

/** Byte strings, given in hex. */
export function eachBytes(list: readonly string[]): SQL {
  return perEngine({
    sqlite: sql`(SELECT unhex(value) AS value FROM json_each(${JSON.stringify(list)}))`,
    postgres: sql`(SELECT decode(value, 'hex') AS value FROM unnest(${whole(list)}::text[]) AS value)`,
  });
}

/** The elements of a list in an event's `facts`, as a table `(value)`; the members of an element are read with `->>`. */
export function eachFact(facts: SQL, name: string): SQL {
  return perEngine({
    sqlite: sql`(SELECT value FROM json_each(${facts}, ${`$.${name}`}))`,
    postgres: sql`(SELECT value FROM json_array_elements(${facts}::json -> ${name}::text) AS value)`,
  });
}

/** The items that took part in an event in one role, as a table of runs `(first, count)`: lifecycle/rows.ts writes them. */
export function eachRun(facts: SQL, role: number): SQL {
  return perEngine({
    sqlite: sql`(SELECT first, count FROM (SELECT value AS first, lead(value) OVER (ORDER BY key) AS count, key FROM json_each(${facts}, ${`$.t."${role}"`})) WHERE key % 2 = 0)`,
    postgres: sql`(SELECT first, count FROM (SELECT value::bigint AS first, lead(value::bigint) OVER (ORDER BY place) AS count, place
      FROM json_array_elements_text(${facts}::json -> 't' -> ${String(role)}::text) WITH ORDINALITY AS r(value, place)) runs WHERE place % 2 = 1)`,
  });
}

/** Whether a question about the row in hand has an answer. PostgreSQL is held to asking it row by row, through an index: it would join what it takes for few rows. */
export function exists(question: SQL): SQL {
  return perEngine({ sqlite: sql`EXISTS (${question})`, postgres: sql`EXISTS (${question} OFFSET 0)` });
}

/** The first rows of several questions together, in an order in which an index has those of each: SQLite merges them; PostgreSQL is told to take as many of each. */
export function merged(questions: readonly SQL[], order: SQL, limit: number): SQL {
  const sorted = sql`ORDER BY ${order} LIMIT ${limit}`;
  const all = (list: readonly SQL[]) => sql`${sql.join([...list], sql` UNION ALL `)} ${sorted}`;
  if (questions.length === 1) return all(questions);
  return perEngine({ sqlite: all(questions), postgres: all(questions.map((question) => sql`(${question} ${sorted})`)) });
}
