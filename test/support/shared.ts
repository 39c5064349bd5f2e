import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = process.env['LOTLINE_SHARED'] ?? resolve(import.meta.dirname, '../../../shared');
let told = false;

/**
 * A path into the shared folder of specifications and published vectors, which stands beside the repository (or where LOTLINE_SHARED
 * says). Null when it is not there: say so once, and skip.
 */
export function sharedPath(...parts: string[]): string | null {
  const path = resolve(root, ...parts);
  if (existsSync(path)) return path;
  if (!told) console.info(`skipping the published vectors: ${path} is not there (set LOTLINE_SHARED)`);
  told = true;
  return null;
}
