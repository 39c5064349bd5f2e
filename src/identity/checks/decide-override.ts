import { signedBy } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';

/** INV-21: who gives what is past its time has a physician's signature for it, given before, for these bags. */
export const decideOverride: Decide<'override'> = async (context, body) => {
  const chain = await context.chainOfOrder(body.orderId);
  if (chain === null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '/orderId', fix: 'Take an id from GET /api/v1/identity/orders.' });
  const foreign: string[] = [];
  for (const key of body.containers) {
    const { chains } = await context.binding(await context.canonical(key));
    if (!chains.includes(chain)) foreign.push(key);
  }
  if (foreign.length > 0)
    throw new LotlineError('COI-ALLOC', 'a bag that is to be given is not of this order', {
      at: '/containers',
      fix: 'Name the bags of this order alone.',
      things: foreign,
    });
  signedBy(context.signatures, 'approved', ['treatmentSite']);
};
