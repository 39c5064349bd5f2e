import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';

/** INV-17: both parties sign for themselves, the one that gives and the one that takes. */
export const decideHandover: Decide<'handover'> = ({ signatures }, body) => {
  if (body.containers.length === 0 && body.shipment === null)
    throw new LotlineError('REQ-FORM', 'nothing is handed over', { at: '/containers', fix: 'Name the containers or the shipment.' });
  if (body.giver === body.receiver)
    throw new LotlineError('COI-2P', 'one person cannot hand over to themselves', { at: '/receiver', fix: 'Name who took it.' });
  for (const [party, meaning] of [
    ['giver', 'handed_over'],
    ['receiver', 'received'],
  ] as const) {
    const own = signatures.find(({ person }) => person === body[party]);
    if (own === undefined)
      throw new LotlineError('SIG-MISSING', `the ${party} has not signed`, {
        at: '/signatures',
        fix: `Add the ${party}'s signing token, with the meaning ${meaning}.`,
      });
    if (own.meaning !== meaning)
      throw new LotlineError('SIG-MISSING', `the ${party} signed with the meaning ${own.meaning}, not ${meaning}`, {
        at: '/signatures',
        fix: `Have the ${party} sign with the meaning ${meaning}.`,
      });
  }
};
