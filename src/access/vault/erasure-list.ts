import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LotlineError } from '../../errors.ts';
import type { VaultErasureRow } from '../../store/rows.ts';
import type { Erased } from './changes.ts';

/** In the data folder, beside the store; with a database too. */
export const ERASURES_FILE = 'erasures.ndjson';

/**
 * The list of everything that was erased, a line each, without any identity. It is only ever added to, and no restore writes over it: so a store that is put
 * back from a backup made before an erasure is not opened before the same is erased again (domain.md §18.4).
 */
export function readErasures(file: string): Erased[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // What was being written when the machine stopped is no line yet; the store tells it again.
  lines.pop();
  return lines.map((line, i) => {
    const erased = erasedOf(line);
    if (erased !== null) return erased;
    throw new LotlineError('CFG-VALUE', `${file}, line ${i + 1}: it is no line of a list of erasures`, {
      at: `line ${i + 1}`,
      fix: 'Restore the list from a copy: without it, what was erased may come back with a backup.',
    });
  });
}

function erasedOf(line: string): Erased | null {
  let value: Partial<Erased>;
  try {
    value = JSON.parse(line) as Partial<Erased>;
  } catch {
    return null;
  }
  const { erasureId, ref, class: of, seq, time } = value ?? {};
  if (typeof erasureId !== 'string' || typeof ref !== 'string' || typeof time !== 'number') return null;
  if ((of !== 'contact' && of !== 'identity') || (seq !== null && typeof seq !== 'number')) return null;
  return { erasureId, ref, class: of, seq, time };
}

/** What a list tells that a store knows nothing of. */
export function lackingErasures(list: readonly Erased[], rows: readonly VaultErasureRow[]): Erased[] {
  const known = new Set(rows.map(({ id }) => id));
  return list.filter(({ erasureId }) => !known.has(erasureId));
}

/** Adds what the store has erased and the list does not tell yet; on the disk when it returns. */
export function noteErasures(file: string, rows: readonly VaultErasureRow[]): void {
  if (rows.length === 0) return;
  const known = new Set(readErasures(file).map(({ erasureId }) => erasureId));
  const missing = rows.filter(({ id }) => !known.has(id));
  if (missing.length === 0) return;
  mkdirSync(dirname(file), { recursive: true });
  cutHalfLine(file);
  const handle = openSync(file, 'a', 0o600);
  try {
    writeSync(
      handle,
      missing.map(({ id, ref, class: of, seq, time }) => `${JSON.stringify({ erasureId: id, ref, class: of, seq, time })}\n`).join(''),
    );
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Of a stop while a line was written; it is among those that are told anew. */
function cutHalfLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf(10) + 1;
  if (whole < bytes.length) truncateSync(file, whole);
}
