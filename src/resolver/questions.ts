import { sql } from 'drizzle-orm';
import { formatKey } from '../identifiers/index.ts';
import { findNode } from '../lifecycle/present.ts';
import type { Db } from '../store/db.ts';
import type { LinkRow } from '../store/rows.ts';
import { eachText } from '../store/sql.ts';
import type { Link, LinkList } from './links.ts';

export type ThingLinks = LinkList & { /** Canonical key. */ readonly thing: string };

/** What the public may be told of an address: where it leads, and what its product is called. Nothing of what became of it. */
export type Resolved = {
  /** The finest of the levels asked for that is known here; null: none is. */
  readonly known: string | null;
  /** The levels that have links, finest first, from the one that is known on. */
  readonly levels: readonly ThingLinks[];
  /** What master data say of the product: attributes by their short names. */
  readonly product: Readonly<Record<string, string>>;
};

/** The links that were put at one thing; null: none. */
export async function linksOf(db: Db, args: { of: string }): Promise<LinkList | null> {
  return (await linksAt(db, [args.of])).get(args.of) ?? null;
}

/** What an address leads to; `levels` are its canonical keys, finest first. A pack's own lot comes between the pack and its product. */
export async function resolved(db: Db, args: { levels: readonly string[] }): Promise<Resolved> {
  const [finest, ...broader] = args.levels as readonly [string, ...string[]];
  const node = await findNode(db, finest);
  const lot = node !== null && node > 0 ? await lotOf(db, node) : null;
  // The lot that the link claims says nothing where the pack is known to be of another.
  const levels = lot === null ? args.levels : [finest, lot, ...broader.filter((key) => !key.includes('/10/'))];
  const links = await linksAt(db, levels);
  const told = await masterdataOf(db, levels);
  const known = async (key: string) =>
    links.has(key) || told.has(key) || (key === finest ? node !== null : (await findNode(db, key)) !== null) || (await isNamed(db, key));
  let at = 0;
  while (at < levels.length && !(await known(levels[at] as string))) at++;
  const product = levels.map((key) => told.get(key) ?? {}).find((facts) => Object.keys(facts).length > 0);
  return {
    known: levels[at] ?? null,
    levels: levels.slice(at).flatMap((thing) => {
      const list = links.get(thing);
      return list === undefined ? [] : [{ thing, ...list }];
    }),
    product: product ?? {},
  };
}

async function linksAt(db: Db, keys: readonly string[]): Promise<Map<string, LinkList>> {
  const rows = await db.all<LinkRow>(
    sql`SELECT l.thing, l.links, l.preferred, l.seq FROM ${eachText(keys)} j CROSS JOIN link l ON l.thing = j.value`,
  );
  return new Map(rows.map((row) => [row.thing, { links: JSON.parse(row.links) as Link[], default: row.preferred }]));
}

async function lotOf(db: Db, item: number): Promise<string | null> {
  const [row] = await db.all<{ key: string; lot: string }>(
    sql`SELECT c.key, l.lot FROM item i CROSS JOIN lot l ON l.id = i.lot CROSS JOIN class c ON c.id = l.class WHERE i.id = ${item}`,
  );
  return row === undefined ? null : formatKey({ class: row.key, lot: row.lot });
}

/** Whether a product stands in the list of classes, or a place among the words of events. */
async function isNamed(db: Db, key: string): Promise<boolean> {
  const place = key.startsWith('414/');
  const rows = await db.all(
    place ? sql`SELECT 1 AS one FROM term t WHERE t.text = ${key} LIMIT 1` : sql`SELECT 1 AS one FROM class c WHERE c.key = ${key} LIMIT 1`,
  );
  return rows.length > 0;
}

/** Facts of a product or party that are meant for everybody; other attributes are between partners. */
const PUBLIC = new Set([
  'name',
  'regulatedProductName',
  'descriptionShort',
  'functionalName',
  'tradeItemDescription',
  'dosageFormType',
  'strengthDescription',
  'netContentDescription',
  'manufacturerOfTradeItemPartyName',
  'labelDescription',
]);

/** What was told last, of each key by the vocabulary that told of it last (MD-7). */
async function masterdataOf(db: Db, keys: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const rows = await db.all<{ id: string; attributes: string }>(
    sql`SELECT m.id, m.attributes FROM ${eachText(keys)} j CROSS JOIN masterdata m ON m.id = j.value ORDER BY m.seq, m.type`,
  );
  return new Map(
    rows.map(({ id, attributes }) => {
      const all = Object.entries(JSON.parse(attributes) as Record<string, unknown>);
      const facts = all.map(([name, value]): [string, unknown] => [name.replace(/^.*[#:/]/, ''), value]);
      return [id, Object.fromEntries(facts.filter((fact): fact is [string, string] => PUBLIC.has(fact[0]) && typeof fact[1] === 'string'))];
    }),
  );
}
