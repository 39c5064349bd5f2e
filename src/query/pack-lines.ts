import { type PackCursor, type PackRow, packsPage } from '../genealogy/index.ts';
import type { AsOfArgs } from '../lifecycle/as-of.ts';
import type { Db } from '../store/db.ts';
import { csvHeader, csvLine } from './csv.ts';

export const PACK_COLUMNS = [
  'key',
  'epc',
  'lot',
  'expiry',
  'status',
  'disposition',
  'holder',
  'location',
  'observed',
  'parent',
] as const satisfies readonly (keyof PackRow)[];

export type PackLines = { readonly text: Uint8Array; readonly next: PackCursor | null };

/**
 * A page of the packs that scope counts, written as lines of NDJSON or CSV, whose first page has the header; `after` is the cursor of the page
 * before. Null when nothing names the thing.
 */
export async function packLines(
  db: Db,
  { form, ...args }: { of: string; after: PackCursor | null; limit: number; form: 'ndjson' | 'csv' } & AsOfArgs,
): Promise<PackLines | null> {
  const page = await packsPage(db, args);
  if (page === null) return null;
  const line =
    form === 'csv' ? (row: PackRow) => csvLine(PACK_COLUMNS.map((column) => row[column])) : (row: PackRow) => `${JSON.stringify(row)}\n`;
  const header = form === 'csv' && args.after === null ? csvHeader(PACK_COLUMNS) : '';
  return { text: Buffer.from(header + page.rows.map(line).join('')), next: page.next };
}
