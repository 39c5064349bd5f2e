import { separate, signedBy } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';
import { nodesOf } from '../load-world.ts';
import { chainsCarried } from './questions.ts';

const QUALITY = ['qaReviewer', 'qp'];

/** Quality's word on the temperatures of a shipment (domain.md §14, §15): signed, and not by who brought it. */
export const decideExcursion: Decide<'excursion'> = async (context, { shipment, reason }) => {
  if (reason.trim() === '')
    throw new LotlineError('REQ-FORM', 'a verdict has its reason', { at: '/reason', fix: 'Say in a few words why.' });
  const key = await context.canonical(shipment);
  const there = await nodesOf(context.db, [key]);
  const chains = there.size === 0 ? [] : await chainsCarried(context.db, [...there.values()]);
  if (chains.length === 0)
    throw new LotlineError('NOT-FOUND', 'nothing here was ever a shipment of cells under this name', {
      at: '/shipment',
      fix: 'Name the shipper in which the cells were.',
    });
  const { signatures } = context;
  const means = signatures.some(({ meaning, roles }) => meaning === 'approved' && roles.some((role) => QUALITY.includes(role)))
    ? 'approved'
    : 'resolved';
  signedBy(signatures, means, QUALITY);
  const handovers = await context.acts('handover', { part: 'thing', key });
  separate(
    signatures,
    handovers.flatMap(({ signatures: own }) => own.map(({ person }) => person)),
  );
};
