import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Part = 'journal' | 'intake';

/** Where a store lies that can run out of room, and get it back. */
export interface SmallDisk {
  readonly folder: string;
  /** From now on these files cannot grow. `pid` is the process that writes them. */
  fill(parts: readonly Part[], pid: number): void;
  free(pid: number): void;
  remove(): void;
}

/** Small file systems of their own, one for each part; null where mounting is not allowed. */
export function mountSmallDisk(): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), 'lotline-full-'));
  const mounted: string[] = [];
  const remove = () => {
    for (const place of mounted.splice(0)) execFileSync('umount', ['--lazy', place]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const part of ['journal', 'intake']) {
      const place = join(folder, `${part}-disk`);
      mkdirSync(place);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', place], { stdio: 'ignore' });
      mounted.push(place);
      // SQLite keeps what belongs to a file beside where it really lies.
      symlinkSync(join(place, `${part}.db`), join(folder, `${part}.db`));
    }
  } catch {
    remove();
    return null;
  }
  const filler = (part: Part) => join(folder, `${part}-disk`, 'filler');
  return {
    folder,
    fill: (parts) => {
      for (const part of parts) writeUntilFull(filler(part));
    },
    free: () => {
      for (const part of ['journal', 'intake'] as const) rmSync(filler(part), { force: true });
    },
    remove,
  };
}

function writeUntilFull(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (let piece = Buffer.alloc(1024 * 1024); piece.length > 0; ) {
      try {
        writeSync(handle, piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        piece = piece.subarray(0, Math.floor(piece.length / 2));
      }
    }
  } finally {
    closeSync(handle);
  }
}

/** A process that is not allowed to make files longer: what it writes fails as on a full disk, in all parts at once. Null without `prlimit`. */
export function limitFileSize(): SmallDisk | null {
  const limit = (pid: number, bytes: string) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`], { stdio: 'ignore' });
  try {
    limit(process.pid, 'unlimited:unlimited');
  } catch {
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'lotline-full-'));
  return {
    folder,
    fill: (_parts, pid) => limit(pid, '1:'),
    free: (pid) => limit(pid, 'unlimited:'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
