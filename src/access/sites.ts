import { locationKey } from '../identifiers/index.ts';

/** Canonical key of a site in any spelling of its SGLN. */
export const siteKey = (uri: string): string => locationKey(uri);

/**
 * Whether somebody may act for a site, given as its canonical key: somebody without sites for any, others for theirs and for the places within
 * (`414/<GLN>` holds `414/<GLN>/254/<extension>`) (domain.md §17.1).
 */
export function mayActAt({ sites }: { readonly sites: readonly string[] }, site: string): boolean {
  return sites.length === 0 || sites.some((mine) => mine === site || (!mine.includes('/254/') && site.startsWith(`${mine}/254/`)));
}
