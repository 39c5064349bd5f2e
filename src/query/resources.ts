import { type SQL, sql } from 'drizzle-orm';
import { CBV_LISTS, canonicalVocabulary, EPCIS_PREFIXES, type EpcFormat } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { CompanyPrefixes, formatKey, locationKey, parseEpc, toDigitalLink, toEpcUrn } from '../identifiers/index.ts';
import { findNode } from '../lifecycle/present.ts';
import type { Db } from '../store/db.ts';

/** The resources of epcis-2.0.md §7.1 whose members come out of the events. */
export const RESOURCES = ['eventTypes', 'epcs', 'bizSteps', 'bizLocations', 'readPoints', 'dispositions'] as const;
export type Resource = (typeof RESOURCES)[number];

/** In the order of `after`: members with a larger number come later. What comes to be known between two pages comes after both. */
export type Members = { readonly members: readonly string[] /** Null: there are no more. */; readonly next: number | null };

const EVENT_TYPES = ['AggregationEvent', 'AssociationEvent', 'ObjectEvent', 'TransactionEvent', 'TransformationEvent'];

type Vocabulary = { readonly column: SQL; readonly standard: readonly string[] };
/** Where the words of a resource stand, and those that are there whether an event has them or not. */
const VOCABULARIES: Readonly<Record<Exclude<Resource, 'epcs'>, Vocabulary>> = {
  eventTypes: { column: sql.raw('type'), standard: EVENT_TYPES },
  bizSteps: { column: sql.raw('biz_step'), standard: [...CBV_LISTS.bizStep].sort() },
  dispositions: { column: sql.raw('disposition'), standard: [...CBV_LISTS.disposition].sort() },
  bizLocations: { column: sql.raw('biz_location'), standard: [] },
  readPoints: { column: sql.raw('read_point'), standard: [] },
};

/** A page of the members of a resource, each once: standard words first, then what the events hold, in the order in which it came to be known. */
export async function resourceMembers(
  db: Db,
  args: { resource: Resource; after: number; limit: number; format: EpcFormat },
): Promise<Members> {
  const { resource, after, limit } = args;
  const write = await writerOf(db, args.format);
  if (resource === 'epcs') {
    const rows = await db.all<{ id: number; key: string; serial: string }>(
      sql`SELECT i.id, c.key, i.serial FROM item i CROSS JOIN class c ON c.id = i.class WHERE i.id > ${after} ORDER BY i.id LIMIT ${limit + 1}`,
    );
    const page = rows.slice(0, limit);
    return {
      members: page.map(({ key, serial }) => write(formatKey({ class: key, serial }))),
      next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
    };
  }
  const { column, standard } = VOCABULARIES[resource];
  // Standard words are numbered from 1 on, the others behind them by the id of their term.
  const found = standard.slice(after, after + limit + 1).map((text, i) => ({ text, at: after + i + 1 }));
  for (let at = Math.max(after, standard.length); found.length <= limit; ) {
    const words = await wordsBehind(db, column, at - standard.length, limit + 1 - found.length);
    if (words.length === 0) break;
    for (const { id, text } of words) {
      at = standard.length + id;
      if (!standard.includes(text)) found.push({ text, at });
    }
  }
  return {
    members: found.slice(0, limit).map(({ text }) => write(text)),
    next: found.length > limit ? (found[limit - 1]?.at ?? null) : null,
  };
}

/** Whether a value names a member of a resource, in any of its spellings (R-2, R-4, V-1). */
export async function hasMember(db: Db, args: { resource: Resource; value: string }): Promise<boolean> {
  const { resource, value } = args;
  try {
    if (resource === 'epcs') return (await findNode(db, formatKey(parseEpc(value)))) !== null;
    const word = wordOf(resource, value);
    const { column, standard } = VOCABULARIES[resource];
    if (standard.includes(word)) return true;
    const rows = await db.all(sql`SELECT 1 AS one FROM term t CROSS JOIN event e ON e.${column} = t.id WHERE t.text = ${word} LIMIT 1`);
    return rows.length > 0;
  } catch (error) {
    if (error instanceof LotlineError) return false; // nothing that an event could hold
    throw error;
  }
}

const EPCIS_NAMESPACE = EPCIS_PREFIXES.get('epcis') as string;

function wordOf(resource: Exclude<Resource, 'epcs'>, value: string): string {
  if (resource === 'bizSteps') return canonicalVocabulary('bizStep', value, EPCIS_PREFIXES);
  if (resource === 'dispositions') return canonicalVocabulary('disposition', value, EPCIS_PREFIXES);
  if (resource === 'eventTypes') return value.startsWith(EPCIS_NAMESPACE) ? value.slice(EPCIS_NAMESPACE.length) : value;
  return locationKey(value);
}

/** Different values of an indexed column behind one of them: one step down the index for each, however many events hold it. */
async function wordsBehind(db: Db, column: SQL, after: number, limit: number): Promise<{ id: number; text: string }[]> {
  return await db.all<{ id: number; text: string }>(
    sql`WITH RECURSIVE v(id, n) AS (
          SELECT min(e.${column}), 1 FROM event e WHERE e.${column} > CAST(${after} AS BIGINT)
          UNION ALL SELECT (SELECT min(e.${column}) FROM event e WHERE e.${column} > v.id), v.n + 1 FROM v WHERE v.id IS NOT NULL AND v.n < ${limit})
        SELECT t.id, t.text FROM v CROSS JOIN term t ON t.id = v.id ORDER BY t.id`,
  );
}

/** A canonical key in the form asked for (V-9); without a preference as a Digital Link, for nobody has captured the key as such. */
async function writerOf(db: Db, format: EpcFormat): Promise<(key: string) => string> {
  if (format !== 'Always_EPC_URN') return (key) => toDigitalLink(key) ?? key;
  const learned = await db.all<{ scheme: string; company: string }>(sql`SELECT scheme, company FROM prefix`);
  const companies = new CompanyPrefixes(learned.map(({ scheme, company }) => [scheme, company] as const));
  return (key) => {
    const length = companies.lengthOf(key);
    return (length === null ? null : toEpcUrn(key, length)) ?? toDigitalLink(key) ?? key;
  };
}
