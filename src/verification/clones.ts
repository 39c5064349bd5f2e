import { sql } from 'drizzle-orm';
import { findNode } from '../lifecycle/present.ts';
import type { Db } from '../store/db.ts';
import { eachText } from '../store/sql.ts';

/** One and the same number at so many sites within so long, or at two that nobody travels between in the time, is on two packs (domain.md §8.6). */
export const CLONE_SITES = 3;
export const CLONE_MS = 24 * 60 * 60 * 1000;
const KILOMETRES_AN_HOUR = 900;
const EARTH_KILOMETRES = 6_371;

/** Degrees. */
export type Place = { readonly latitude: number; readonly longitude: number };
export type Sighting = { /** GLN */ readonly site: string /** ms */; readonly at: number };

/** Why the sightings of one number cannot all be of one pack; null when they can. Of a place that is not known nothing is said. */
export function cloneNote(sightings: readonly Sighting[], places: ReadonlyMap<string, Place>): string | null {
  const sorted = [...sightings].sort((a, b) => a.at - b.at);
  for (const [i, last] of sorted.entries()) {
    const within = sorted.slice(0, i + 1).filter(({ at }) => at >= last.at - CLONE_MS);
    const sites = [...new Set(within.map(({ site }) => site))].sort();
    if (sites.length >= CLONE_SITES) return `verified at ${sites.length} sites within 24 h: ${sites.join(', ')}`;
    for (const first of within) {
      const [a, b] = [places.get(first.site), places.get(last.site)];
      if (a === undefined || b === undefined || first.site === last.site) continue;
      const kilometres = distance(a, b);
      const hours = (last.at - first.at) / 3_600_000;
      if (kilometres > KILOMETRES_AN_HOUR * hours)
        return `verified at ${first.site} and ${(hours * 60).toFixed(0)} minutes later at ${last.site}, ${kilometres.toFixed(0)} km away`;
    }
  }
  return null;
}

/** Great circle, kilometres. */
export function distance(a: Place, b: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const h =
    Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  return 2 * EARTH_KILOMETRES * Math.asin(Math.min(1, Math.sqrt(h)));
}

export type Sightings = { thing: string; sightings: Sighting[]; open: boolean };

/** Where these things were verified since then, whether a VER-CLONE about each is open, and where those sites are by master data. */
export async function sightingsOf(
  db: Db,
  { things, since }: { things: readonly string[]; since: number },
): Promise<{ seen: Sightings[]; places: [gln: string, Place][] }> {
  const rows = await db.all<{ thing: string; site: string; at: number }>(
    sql`SELECT v.thing, v.site, v.at FROM ${eachText([...things])} j CROSS JOIN verification v ON v.thing = j.value AND v.at >= ${since} AND v.site IS NOT NULL
        ORDER BY v.thing, v.at, v.id`,
  );
  const seen: Sightings[] = [];
  for (const thing of things) {
    const sightings = rows.filter((row) => row.thing === thing).map(({ site, at }) => ({ site, at }));
    if (new Set(sightings.map(({ site }) => site)).size < 2) continue;
    const node = await findNode(db, thing);
    const open = await db.all(
      sql`SELECT 1 AS one FROM finding_thing t CROSS JOIN finding f ON f.id = t.finding WHERE t.node = ${node ?? 0} AND f.code = 'VER-CLONE' AND f.state = 'open' LIMIT 1`,
    );
    seen.push({ thing, sightings, open: open.length > 0 });
  }
  return { seen, places: await placesOf(db, [...new Set(seen.flatMap(({ sightings }) => sightings.map(({ site }) => site)))]) };
}

async function placesOf(db: Db, glns: readonly string[]): Promise<[string, Place][]> {
  const ids = glns.flatMap((gln) => [`414/${gln}`, `417/${gln}`]);
  const rows = await db.all<{ type: string; id: string; attributes: string }>(
    sql`SELECT m.type, m.id, m.attributes FROM ${eachText(ids)} j CROSS JOIN masterdata m ON m.id = j.value ORDER BY m.seq, m.type, m.id`,
  );
  const newest = new Map(rows.map((row) => [JSON.stringify([row.type, row.id]), row]));
  const places = new Map<string, Place>();
  for (const { id, attributes } of newest.values()) {
    // Whichever way the name was written: cbvmda:latitude, or with its namespace.
    const named = new Map(
      Object.entries(JSON.parse(attributes) as Record<string, unknown>).map(([name, value]) => [name.replace(/^.*[#:/]/, ''), value]),
    );
    const [latitude, longitude] = ['latitude', 'longitude'].map((name) => Number(named.get(name) ?? Number.NaN));
    if (Number.isFinite(latitude) && Number.isFinite(longitude)) places.set(id.slice(4, 17), { latitude, longitude } as Place);
  }
  return [...places];
}
