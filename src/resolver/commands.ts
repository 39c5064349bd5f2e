import { sql } from 'drizzle-orm';
import type { Journal } from '../store/journal.ts';
import type { Link } from './links.ts';

/** Says where the resolver leads from a thing, lot or product; what was said of it before no longer holds. */
export type PutLinks = {
  kind: 'put-links';
  /** Canonical key. */
  thing: string;
  links: readonly Link[];
  /** The link type that is followed where none is asked for; null: they are listed. */
  default: string | null;
};
export type RemoveLinks = { kind: 'remove-links'; thing: string };

const entry = 'links';

export const putLinks = {
  entry,
  async apply({ db }: Journal, { thing, links, default: preferred }: PutLinks, seq: number): Promise<boolean> {
    await db.run(
      sql`INSERT INTO link (thing, links, preferred, seq) VALUES (${thing}, ${JSON.stringify(links)}, ${preferred}, ${seq})
          ON CONFLICT (thing) DO UPDATE SET links = excluded.links, preferred = excluded.preferred, seq = excluded.seq`,
    );
    return true;
  },
} as const;

/** False: there were none. */
export const removeLinks = {
  entry,
  async apply({ db }: Journal, { thing }: RemoveLinks): Promise<boolean> {
    const rows = await db.all(sql`SELECT 1 AS one FROM link WHERE thing = ${thing}`);
    await db.run(sql`DELETE FROM link WHERE thing = ${thing}`);
    return rows.length > 0;
  },
} as const;
