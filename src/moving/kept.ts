import { LotlineError } from '../errors.ts';
import { type VerifierKey, verifyCheckpoint } from '../ledger/index.ts';
import { verifySignatureNode } from '../ledger/node-crypto.ts';
import type { Truth } from './truth.ts';

/** Holds a truth to its own newest checkpoint: signed by the log's key, and of these entries, all of them. */
export async function holdToNewest(truth: Truth, verifier: VerifierKey): Promise<void> {
  if (truth.checkpoint === null && truth.size === 0) return;
  const newest = verifyCheckpoint(truth.checkpoint ?? '', [verifier], verifySignatureNode);
  if (newest.size === truth.size && Buffer.compare(newest.rootHash, await truth.rootAt(truth.size)) === 0) return;
  throw new LotlineError(
    'LOG-INCLUSION',
    `The newest checkpoint commits to ${newest.size} entries, and these are others, or ${truth.size}`,
    {
      fix: 'Run verify-log on the store: it names everything that is wrong.',
    },
  );
}

/**
 * Holds a truth to a checkpoint that somebody kept: whoever has seen more of the log than there is, or another log, would find the move out, and so should
 * whoever makes it.
 */
export async function holdToKept(truth: Truth, note: string, verifier: VerifierKey): Promise<void> {
  const kept = verifyCheckpoint(note, [verifier], verifySignatureNode);
  if (kept.size > truth.size)
    throw new LotlineError(
      'LOG-ROLLBACK',
      `The checkpoint that you kept commits to ${kept.size} entries, and this holds ${truth.size}: the last ${kept.size - truth.size} are not in it`,
      { fix: 'Take a later backup. Without --against this one is taken all the same; others who kept a later checkpoint will find out.' },
    );
  if (Buffer.compare(kept.rootHash, await truth.rootAt(kept.size)) !== 0)
    throw new LotlineError('LOG-FORK', `The first ${kept.size} entries do not have the root of the checkpoint that you kept`, {
      fix: 'This is another log, or one that was rewritten: find out how it came to be before you take it.',
    });
}
