import { type SQL, sql } from 'drizzle-orm';
import { attributeName, type MasterdataQuery } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { asOf } from '../lifecycle/as-of.ts';
import type { Db } from '../store/db.ts';
import type { MasterdataRow } from '../store/rows.ts';
import { eachText } from '../store/sql.ts';
import { formatRecordTime } from './event-answer.ts';

/** One element of a vocabulary, as one document or call told of it (MD-7). */
export type ElementAnswer = {
  /** As sent. */
  readonly id: string;
  readonly key: string;
  readonly type: string;
  readonly attributes?: readonly { readonly id: string; readonly attribute?: unknown }[];
  /** Ids of the direct descendants, as sent. */
  readonly children?: readonly string[];
  readonly recordTime: string;
  /** Whose claim it is: the entry, the key that sent it, and the capture whose document it came with; null when it came by itself. */
  readonly source: { readonly seq: number; readonly captureID: string | null; readonly actor: string };
};

/** Behind which element a page begins. `through`: what was recorded by page one, so that later pages go on with that state (R-24). */
export type ElementPlace = { readonly through: number; readonly type: string; readonly key: string };
export type ElementPage = { readonly elements: readonly ElementAnswer[]; readonly next: ElementPlace | null };

/** Elements read from the store at a time. */
const SLICE = 1_000;
/** A page ends with the element that takes it beyond this many characters, whatever its number of elements. */
const PAGE_CHARACTERS_MAX = 1024 * 1024;

type Row = MasterdataRow & { record_time: number; actor: string; capture_id: string | null };
const COLUMNS = sql.raw(
  `m.type, m.id, m.seq, m.attributes, m.children, m.sent, e.record_time, e.actor,
   (SELECT p.capture_id FROM payload p WHERE p.capture = e.capture) AS capture_id`,
);

/** A page of the elements that meet a SimpleMasterDataQuery (MD-8), each as it was told last, ordered by vocabulary and key. */
export async function masterdata(
  db: Db,
  args: { query: MasterdataQuery; known?: string | undefined; after: ElementPlace | null; limit: number },
): Promise<ElementPage> {
  const { query, after, limit } = args;
  const through = after?.through ?? (await lastEntry(db, args.known));
  const max = after === null ? query.maxElementCount : null;
  const page: Row[] = [];
  let characters = 0;
  let count = 0;
  for await (const row of matching(db, query, through, after)) {
    count++;
    if (page.length < limit && characters < PAGE_CHARACTERS_MAX) {
      page.push(row);
      characters += row.attributes.length + row.children.length;
    } else if (max === null || count > max) break;
  }
  if (max !== null && count > max) {
    throw new LotlineError('QRY-LARGE', `more than ${max} elements meet the query`, {
      at: '?maxElementCount',
      fix: 'Narrow the query, or leave maxElementCount out and page through the answer.',
    });
  }
  const last = page.at(-1);
  return {
    elements: page.map((row) => answerOf(row, query)),
    next: last === undefined || count === page.length ? null : { through, type: last.type, key: last.id },
  };
}

/** An element as it was told last; null when nobody told of it (by then). */
export async function masterdataElement(
  db: Db,
  args: { type: string; key: string; known?: string | undefined },
): Promise<ElementAnswer | null> {
  const { elements } = await masterdataHistory(db, { ...args, limit: 1 });
  return elements[0] ?? null;
}

/** Every version of an element, the newest first, those before the entry `before`; and whether there are more. */
export async function masterdataHistory(
  db: Db,
  args: { type: string; key: string; known?: string | undefined; before?: number | undefined; limit: number },
): Promise<{ elements: readonly ElementAnswer[]; more: boolean }> {
  const { type, key, limit } = args;
  const through = args.before === undefined ? await lastEntry(db, args.known) : args.before - 1;
  const rows = await db.all<Row>(
    sql`SELECT ${COLUMNS} FROM masterdata m CROSS JOIN entry e ON e.seq = m.seq
        WHERE m.type = ${type} AND m.id = ${key} AND m.seq <= ${through} ORDER BY m.seq DESC LIMIT ${limit + 1}`,
  );
  return { elements: rows.slice(0, limit).map((row) => answerOf(row, { attributes: 'all', children: true })), more: rows.length > limit };
}

/** The last entry that was there at a record time; -1 for none. */
async function lastEntry(db: Db, known: string | undefined): Promise<number> {
  const { seq } = await asOf(db, { known });
  if (seq !== null) return seq;
  const [last] = await db.all<{ seq: number }>(sql`SELECT seq FROM entry ORDER BY seq DESC LIMIT 1`);
  return last?.seq ?? -1;
}

/** Condition on `masterdata m`: as of that entry nothing newer told of the element. OFFSET: looked up for each row, not joined with all others. */
function newest(through: number): SQL {
  const newer = sql`SELECT 1 FROM masterdata n WHERE n.type = m.type AND n.id = m.id AND n.seq > m.seq AND n.seq <= ${through} LIMIT 1 OFFSET 0`;
  return sql`m.seq <= ${through} AND NOT EXISTS (${newer})`;
}

async function* matching(db: Db, query: MasterdataQuery, through: number, after: ElementPlace | null): AsyncGenerator<Row, void> {
  const { types } = query;
  const keys = await keysAsked(db, query, through);
  const from = keys === null ? sql`masterdata m` : sql`${eachText(keys)} j CROSS JOIN masterdata m ON m.id = j.value`;
  const where = [newest(through), ...(types === null ? [] : [sql`m.type IN ${eachText(types)}`])];
  for (let place = after === null ? null : { type: after.type, id: after.key }; ; ) {
    const behind = place === null ? [] : [sql`(m.type, m.id) > (${place.type}, ${place.id})`];
    const rows = await db.all<Row>(
      sql`SELECT ${COLUMNS} FROM ${from} CROSS JOIN entry e ON e.seq = m.seq WHERE ${sql.join([...where, ...behind], sql` AND `)}
          ORDER BY m.type, m.id LIMIT ${SLICE}`,
    );
    for (const row of rows) if (hasAttributes(row, query)) yield row;
    if (rows.length < SLICE) return;
    place = rows.at(-1) as Row;
  }
}

/** The keys that EQ_name and WD_name leave; null when neither is asked. */
async function keysAsked(db: Db, { keys, under }: MasterdataQuery, through: number): Promise<readonly string[] | null> {
  if (under === null) return keys;
  const within = await descendants(db, under, through);
  return keys === null ? [...within] : keys.filter((key) => within.has(key));
}

/** These and all below them: an id names one thing, whichever vocabulary tells of its children (MD-2). What was met is not gone into again. */
async function descendants(db: Db, roots: readonly string[], through: number): Promise<Set<string>> {
  const met = new Set(roots);
  for (let level = [...met]; level.length > 0; ) {
    const rows = await db.all<{ children: string }>(
      sql`SELECT m.children FROM ${eachText(level)} j CROSS JOIN masterdata m ON m.id = j.value WHERE m.children <> '[]' AND ${newest(through)}`,
    );
    level = [...new Set(rows.flatMap((row) => textsOf(row.children)))].filter((key) => !met.has(key));
    for (const key of level) met.add(key);
  }
  return met;
}

function hasAttributes(row: Row, { having, equal }: MasterdataQuery): boolean {
  if (having === null && equal.length === 0) return true;
  const values = new Map(attributesOf(row).map(([name, value]) => [attributeName(name), value]));
  if (having !== null && !having.some((name) => (values.get(name) ?? null) !== null)) return false;
  return equal.every(({ attribute, values: asked }) => isAmong(values.get(attribute), asked));
}

/** A number is compared by its digits; of a value that XML gave attributes, what it holds is compared. */
function isAmong(value: unknown, texts: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((one) => isAmong(one, texts));
  if (typeof value === 'object' && value !== null) return isAmong((value as Record<string, unknown>)['#text'], texts);
  return value !== undefined && value !== null && texts.includes(String(value as string | number | boolean));
}

const textsOf = (json: string): string[] => JSON.parse(json) as string[];
const attributesOf = (row: Row): [name: string, value: unknown][] => Object.entries(JSON.parse(row.attributes) as Record<string, unknown>);

function answerOf(row: Row, { attributes, children }: Pick<MasterdataQuery, 'attributes' | 'children'>): ElementAnswer {
  const sent = row.sent === null ? [row.id, ...textsOf(row.children)] : textsOf(row.sent);
  const told =
    attributes === null ? [] : attributesOf(row).filter(([name]) => attributes === 'all' || attributes.includes(attributeName(name)));
  return {
    id: sent[0] as string,
    key: row.id,
    type: row.type,
    ...(attributes !== null && { attributes: told.map(([name, attribute]) => ({ id: name, attribute })) }),
    ...(children && { children: sent.slice(1) }),
    recordTime: formatRecordTime(row.record_time),
    source: { seq: row.seq, captureID: row.capture_id, actor: row.actor },
  };
}
