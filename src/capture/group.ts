import { createHash } from 'node:crypto';
import { LotlineError } from '../errors.ts';
import type { Alongside, Capturer } from './capturer.ts';
import type { Outcome, TakenDocument } from './outcome.ts';

/** Documents folded in one transaction: by number, and by bytes so that one group stays small enough to hold in memory. */
export const GROUP_DOCUMENTS = 512;
export const GROUP_BYTES = 16 * 1024 * 1024;
/**
 * The first group of a process, which is cold: the next ones have twice as many documents each, up to the most. So one that is killed again and again a
 * second after its start still gets through what waits, however much that is.
 */
export const GROUP_FIRST = 8;
/** After the store has refused to write: how long until the next try. */
export const RETRY_MS = 1_000;

/**
 * Captures a group. One that fails is tried document by document: a document that this program cannot digest ends with an error of its own and holds up
 * nobody else. Throws only faults of the store: then the same group can be tried again.
 */
export async function captureGroup(
  capturer: Capturer,
  group: readonly TakenDocument[],
  isStoreFault: (error: unknown) => boolean,
  alongside?: (group: readonly TakenDocument[]) => Alongside,
): Promise<Outcome[]> {
  try {
    return await capturer.capture(group, alongside?.(group));
  } catch (error) {
    if (isStoreFault(error)) throw error;
    if (group.length === 1) return [await capturer.captureFailure(group[0] as TakenDocument, internal(error), alongside?.(group))];
    const outcomes: Outcome[] = [];
    for (const document of group) outcomes.push(...(await captureGroup(capturer, [document], isStoreFault, alongside)));
    return outcomes;
  }
}

/** The store refuses to write, or cannot be reached. */
export function storeBusy(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the store cannot take anything now', { fix: 'Try again in a little while; reading goes on.' });
}

/** What went wrong stays in the operator's log under a short id; the caller gets the id (E-1). */
export function internal(error: unknown): LotlineError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 8);
  console.error(`fault ${id}: ${text}`);
  return new LotlineError('INTERNAL', `this program failed on it (fault ${id})`, {
    fix: 'Report the fault with its id; the document was not stored.',
  });
}
