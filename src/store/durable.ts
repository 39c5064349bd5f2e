import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes a file survive a loss of power; of a folder, the names in it. */
export function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
