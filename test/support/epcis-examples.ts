import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { sharedPath } from './shared.ts';

/**
 * The published example documents, by their path below `gs1/examples`; none where the shared folder is not. Those made to be refused are left out, or
 * of those the ones under `refused`.
 */
export function exampleFiles(extension: RegExp, refused?: string): ReadonlyMap<string, Buffer> {
  const root = sharedPath('gs1', 'examples');
  if (root === null) return new Map();
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (refused === undefined ? !path.includes('/Invalid/') && !path.includes('/Queries/') : path.includes(`/${refused}/`)))
    .sort();
  return new Map(files.map((path) => [relative(root, path), readFileSync(path)]));
}
