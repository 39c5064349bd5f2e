import { sql } from 'drizzle-orm';
import { masterDataAttribute } from '../epcis/query/index.ts';
import type { Db } from '../store/db.ts';
import { eachText } from '../store/sql.ts';

/** Of each element, whatever vocabulary it stands in, what was told last (MD-7). */
const NEWEST = sql`NOT EXISTS (SELECT 1 FROM masterdata n WHERE n.type = m.type AND n.id = m.id AND n.seq > m.seq)`;

/** These elements and all below them (MD-2). Each is looked at once, so that a circle of children ends. */
export async function withDescendants(db: Db, ids: readonly string[]): Promise<string[]> {
  const known = new Set(ids);
  for (let level: readonly string[] = [...known]; level.length > 0; ) {
    const rows = await db.all<{ children: string }>(
      sql`SELECT m.children FROM ${eachText(level)} j CROSS JOIN masterdata m ON m.id = j.value WHERE m.children <> '[]' AND ${NEWEST}`,
    );
    const children = rows.flatMap((row) => JSON.parse(row.children) as string[]);
    level = [...new Set(children)].filter((id) => !known.has(id));
    for (const id of level) known.add(id);
  }
  return [...known];
}

/**
 * The elements of which one of these attributes is known; with `values`, with one of those. Names are as `masterDataAttribute` gives them (MD-3). Reads
 * the rows that hold a name anywhere, which is the whole table at worst: master data is small beside events.
 */
export async function elementsWithAttribute(db: Db, names: readonly string[], values?: readonly string[]): Promise<string[]> {
  const likes = eachText(names.map((name) => `%${likely(name)}%`));
  const rows = await db.all<{ id: string; attributes: string }>(
    sql`SELECT m.id, m.attributes FROM masterdata m WHERE EXISTS (SELECT 1 FROM ${likes} j WHERE m.attributes LIKE j.value ESCAPE '!') AND ${NEWEST} ORDER BY m.id`,
  );
  const asked = new Set(names);
  const wanted = values === undefined ? null : new Set(values);
  const found = rows.filter((row) =>
    Object.entries(JSON.parse(row.attributes) as Record<string, unknown>).some(
      ([name, value]) => asked.has(masterDataAttribute(name)) && (wanted === null || textsOf(value).some((text) => wanted.has(text))),
    ),
  );
  return [...new Set(found.map((row) => row.id))];
}

/** A name as it stands in JSON, with what LIKE takes for more than itself kept from it. */
function likely(name: string): string {
  return JSON.stringify(name).slice(1, -1).replace(/[!%_]/g, '!$&');
}

/** What an attribute says: a text, several, or in XML one with attributes of its own. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'object' && value !== null) return textsOf((value as Record<string, unknown>)['#text']);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
}
