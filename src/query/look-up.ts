import { type SQL, sql } from 'drizzle-orm';
import type { ExactTime } from '../epcis/model.ts';
import { type Beginning, keptText } from '../epcis/query/index.ts';
import type { Thing, ThingLot } from '../identifiers/thing.ts';
import type { Db } from '../store/db.ts';
import { eachNumber, eachText } from '../store/sql.ts';

/** Values of one column that are read side by side. */
export const ARMS_MAX = 16;

export function inList(values: readonly number[]): SQL {
  if (values.length > ARMS_MAX) return eachNumber(values);
  return sql`(${sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )})`;
}

/** What the names of a query are called in the tables. Unknown ones are left out: nothing can match them. */
export class LookUp {
  readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  async terms(texts: readonly string[]): Promise<number[]> {
    return await this.ids(sql`SELECT id FROM term WHERE text IN ${eachText(texts)} ORDER BY id`);
  }

  /** The term of a field's name; null when no event has such a field. */
  async field(name: string): Promise<number | null> {
    return (await this.terms([keptText(name)]))[0] ?? null;
  }

  async items(things: readonly Thing[]): Promise<number[]> {
    const ids: number[] = [];
    for (const [key, serials] of grouped(things.map((thing) => [thing.class, thing.serial]))) {
      ids.push(
        ...(await this.ids(
          sql`SELECT i.id FROM class c CROSS JOIN ${eachText(serials)} j ON true CROSS JOIN item_name i ON i.class = c.id AND i.serial = j.value WHERE c.key = ${key}`,
        )),
      );
    }
    return ids;
  }

  async lots(lots: readonly ThingLot[]): Promise<number[]> {
    const ids: number[] = [];
    for (const [key, texts] of grouped(lots.map((lot) => [lot.class, lot.lot]))) {
      ids.push(
        ...(await this.ids(
          sql`SELECT l.id FROM class c CROSS JOIN ${eachText(texts)} j ON true CROSS JOIN lot l ON l.class = c.id AND l.lot = j.value WHERE c.key = ${key}`,
        )),
      );
    }
    return ids;
  }

  async lotsIn(classes: readonly number[], lots: Ranges): Promise<number[]> {
    return await this.ids(sql`SELECT l.id FROM lot l WHERE l.class IN ${inList(classes)} AND ${lots.test(sql`l.lot`)}`);
  }

  async classes(beginning: Beginning): Promise<number[]> {
    const ranges = await this.ranges(beginning);
    return ranges === null ? [] : await this.ids(sql`SELECT c.id FROM class c WHERE ${ranges.test(sql`c.key`)}`);
  }

  /** The texts that a pattern fits, null when the company prefix is known to have another length (Q-19). */
  async ranges(beginning: Beginning): Promise<Ranges | null> {
    const { heads, length, company } = beginning;
    if (company === null) return new Ranges(heads, length, []);
    const { prefix, schemes } = company;
    const shorter = [6, 7, 8, 9, 10, 11].filter((n) => n < prefix.length).map((n) => prefix.slice(0, n));
    const longer = startsWith(sql`company`, prefix);
    const rows = await this.db.all<{ company: string }>(
      sql`SELECT DISTINCT company FROM prefix WHERE scheme IN ${eachText(schemes)} AND (${longer} OR company IN ${eachText(shorter)})`,
    );
    const known = rows.map((row) => row.company);
    if (known.some((other) => other.length < prefix.length) && !known.includes(prefix)) return null;
    const others = known.includes(prefix) ? [] : known;
    return new Ranges(
      heads.map((head) => head + prefix),
      length,
      heads.flatMap((head) => others.map((other) => head + other)),
    );
  }

  /** The first entry recorded at that time or later: recordTime never decreases with seq, so it is found by halving. */
  async firstRecordedFrom(time: ExactTime): Promise<number> {
    const microseconds = time.ms * 1000 + Number(time.below.slice(0, 3).padEnd(3, '0')) + (time.below.length > 3 ? 1 : 0);
    const [last] = await this.db.all<{ n: number }>(sql`SELECT coalesce(max(seq), -1) + 1 AS n FROM entry`);
    let low = 0;
    let high = last?.n ?? 0;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await this.db.all<{ at: number }>(sql`SELECT record_time AS at FROM entry WHERE seq = ${middle}`);
      if ((row as { at: number }).at < microseconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private async ids(query: SQL): Promise<number[]> {
    return (await this.db.all<{ id: number }>(query)).map((row) => row.id);
  }
}

/** Texts that begin with one of `starts` and with none of `others`, of a length. */
export class Ranges {
  private readonly starts: readonly string[];
  private readonly length: Beginning['length'];
  private readonly others: readonly string[];

  constructor(starts: readonly string[], length: Beginning['length'], others: readonly string[]) {
    this.starts = starts;
    this.length = length;
    this.others = others;
  }

  /** One range of the column for each start. */
  ranges(column: SQL): SQL[] {
    return this.starts.map((start) => startsWith(column, start));
  }

  /** What has to hold besides lying in one of the ranges. */
  rest(column: SQL): SQL {
    const tests = this.others.map((other) => sql`NOT (${startsWith(column, other)})`);
    if (this.length === 'some') tests.push(sql`length(${column}) > 0`);
    else if (this.length !== 'any') tests.push(sql`length(${column}) = ${this.length}`);
    return tests.length === 0 ? sql`1 = 1` : sql.join(tests, sql` AND `);
  }

  test(column: SQL): SQL {
    return sql`(${sql.join(this.ranges(column), sql` OR `)}) AND ${this.rest(column)}`;
  }
}

/** A range that an index can read: columns compare by code point. */
function startsWith(column: SQL, start: string): SQL {
  if (start === '') return sql`1 = 1`;
  const last = start.length - 1;
  const beyond = start.slice(0, last) + String.fromCharCode(start.charCodeAt(last) + 1);
  return sql`(${column} >= ${start} AND ${column} < ${beyond})`;
}

function grouped(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, value] of pairs) {
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}
