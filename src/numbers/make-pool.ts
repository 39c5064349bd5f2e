import { sql } from 'drizzle-orm';
import type { Journal } from '../store/journal.ts';
import { SSCC_CLASS } from './stored-pool.ts';

/** A pool of serials of a GTIN, or of SSCCs that begin with `sscc`: extension digit and company prefix. */
export type PoolCommand = {
  kind: 'make-pool';
  id: string;
  of: { gtin: string } | { sscc: string };
  length: number;
  alphabet: string;
  site: string | null;
};

export const makePool = {
  entry: 'numbers',
  async apply(journal: Journal, command: PoolCommand, seq: number): Promise<boolean> {
    const { id, of, length, alphabet, site } = command;
    const [key, head] = 'gtin' in of ? [`01/${of.gtin}`, ''] : [SSCC_CLASS, of.sscc];
    const [classId] = await journal.classes([key]);
    await journal.db.run(
      sql`INSERT INTO pool (seq, id, class, head, length, alphabet, site, next, granted, returned, imported, low_seq)
          VALUES (${seq}, ${id}, ${classId}, ${head}, ${length}, ${alphabet}, ${site}, 0, 0, 0, 0, NULL)`,
    );
    return true;
  },
} as const;
