import { LotlineError } from '../errors.ts';
import { parseCheckpoint, parseNote } from '../ledger/index.ts';
import { latestCheckpoint, storedRoot } from '../ledger/questions.ts';
import type { NewStore, PendingDocument } from '../store/new-store.ts';
import { carryOver } from './carry-over.ts';
import { type ReplayOptions, replay } from './replay.ts';
import type { Truth } from './truth.ts';

/**
 * Fills a new store with all of a truth, and what waits to be folded; then holds its log to the newest checkpoint. It is not in its place yet. Done again
 * after it was broken off, at whatever point, it goes on and comes to the same. Answers how many documents wait.
 */
export async function fill(
  truth: Truth,
  store: NewStore,
  pending: Iterable<PendingDocument>,
  onProgress?: ReplayOptions['onProgress'],
): Promise<number> {
  await replay(truth, store, { together: true, onProgress });
  let waiting = 0;
  await carryOver(truth.carried(), store, async (lastJob) => {
    waiting = await store.putPending(pending, lastJob);
  });
  const root = await storedRoot(store.db, truth.size, truth.size);
  const newest = (await latestCheckpoint(store.db))?.text ?? null;
  const agrees = newest === null || Buffer.compare(root, parseCheckpoint(parseNote(newest).text).rootHash) === 0;
  if (newest === truth.checkpoint && agrees) return waiting;
  throw new LotlineError('LOG-REPLAY', `The new store does not have the root of the newest checkpoint of ${truth.size} entries`, {
    fix: 'Run verify-log on the old store; its checkpoints do not belong to its entries.',
  });
}
