import { signedBy } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';
import type { Signature } from '../world.ts';
import { orderOf } from './decide-order.ts';

/** INV-20: the physician asks for it, the risk is on paper, the maker has assessed it, and quality signs beside the physician. */
export const decideOos: Decide<'oos'> = async (context, body) => {
  await orderOf(context, body.orderId);
  for (const member of ['physicianRequest', 'riskInformation', 'assessment'] as const)
    if (body[member].trim() === '')
      throw new LotlineError('OOS-PATH', `${member} is missing`, { at: `/${member}`, fix: 'Every part of the path is needed.' });
  const { signatures } = context;
  try {
    const physicians = signatures.filter(({ roles }) => roles.includes('treatmentSite'));
    // Whoever is both speaks for one of the two.
    if (!physicians.some(({ person }) => canSign(signatures.filter((one) => one.person !== person))))
      signedBy([], 'approved', ['qaReviewer', 'qp']);
    signedBy(physicians, 'approved');
  } catch (error) {
    if (!(error instanceof LotlineError) || error.code !== 'SIG-MISSING') throw error;
    throw new LotlineError('OOS-PATH', 'the path needs the signatures of the physician and of quality, each saying approved', {
      at: '/signatures',
      fix: error.fix,
    });
  }
};

const canSign = (signatures: readonly Signature[]): boolean =>
  signatures.some(({ meaning, roles }) => meaning === 'approved' && (roles.includes('qaReviewer') || roles.includes('qp')));
