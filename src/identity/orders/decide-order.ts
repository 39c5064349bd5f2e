import { separate, signedBy, twoPeople } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Decide, Deciding } from '../deciding.ts';
import { templateOf } from '../templates/templates.ts';
import type { ChainView, OrderView } from '../view.ts';
import type { OrderState } from '../vocabulary.ts';
import { unmetForClosing } from './closing.ts';
import { isLedPast, oosPathOf } from './oos.ts';
import { ENDED, FAILED, isAtLeast, isState, refusesMove } from './state-machine.ts';

const PHYSICIANS = ['treatmentSite'];
const QUALITY = ['qaReviewer', 'qp'];

/** INV-01: a coiId is unique for ever, in every spelling; INV-02: an order has one patient, and pins a template that there is. */
export const decideOrder: Decide<'order'> = async (context, { coiId, orderId, patientRef, template }) => {
  const taken = await context.acts('order', { part: 'chain', key: coiId });
  if (taken.length > 0)
    throw new LotlineError('COI-DUP', `${coiId} was issued before, and is never used again`, {
      at: '/coiId',
      fix: 'Use another one, or leave it out to have one made.',
      things: [coiId],
    });
  if ((await context.acts('order', { part: 'order', key: orderId })).length > 0)
    throw new LotlineError('COI-ORDER', `there is an order ${orderId} already`, {
      at: '/orderId',
      fix: 'An order has one chain and one patient.',
    });
  if ((await context.acts('patient', { part: 'patient', key: patientRef })).length === 0)
    throw new LotlineError('COI-ORDER', 'there is no such patient', {
      at: '/patientRef',
      fix: 'Register the patient: POST /api/v1/identity/patients.',
    });
  if (templateOf(template.id, template.version) === null)
    throw new LotlineError('REQ-FORM', `there is no template ${template.id} of version ${template.version}`, {
      at: '/template',
      fix: 'See GET /api/v1/identity/templates.',
    });
};

/** The order of an act, or a 404. */
export async function orderOf(context: Deciding, orderId: string): Promise<{ view: ChainView; order: OrderView }> {
  const chain = await context.chainOfOrder(orderId);
  const view = chain === null ? null : await context.view(chain);
  if (view?.order == null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '/orderId', fix: 'Take an id from GET /api/v1/identity/orders.' });
  return { view, order: view.order };
}

/** §12.4: the way forward, side states, and who has to sign for them. */
export const decideState: Decide<'order-state'> = async (context, { orderId, to, reason }) => {
  const { view, order } = await orderOf(context, orderId);
  if (!isState(to))
    throw new LotlineError('REQ-FORM', `there is no state ${JSON.stringify(to)}`, { at: '/to', fix: 'See docs/orders.md.' });
  const underlying = underlyingOf(order);
  if (to === 'closed' && order.state !== 'closed') {
    await decideClosing(context, view, order);
    return;
  }
  const refused = refusesMove(order.state, to, underlying);
  if (refused !== null)
    throw new LotlineError(ENDED.has(order.state) ? 'ORD-CANCELLED' : 'ORD-STATE', refused, {
      at: '/to',
      fix: `The order is ${order.state}; see docs/orders.md for where it may go.`,
      things: [order.orderId],
    });
  const path = oosPathOf(await context.world(view.chain));
  const open = view.holds.filter((hold) => hold.lifted === null && !isLedPast(hold, path));
  if (order.state === 'onHold' && !ENDED.has(to) && open.length > 0)
    throw new LotlineError('HOLD-ACTIVE', 'there are holds on this chain', {
      at: '/to',
      fix: 'Have quality lift them, one by one: DELETE /api/v1/identity/holds/{id}.',
      things: open.map(({ id }) => id),
    });
  if (needsReason(to) && (reason === null || reason.trim() === ''))
    throw new LotlineError('REQ-FORM', `an order becomes ${to} for a reason`, { at: '/reason', fix: 'Say why.' });
  const { signatures } = context;
  // Who has started conditioning has no way back: two have to answer for it, a physician and quality as medical monitor.
  if ((to === 'cancelled' || to === 'withdrawnConsent') && isAtLeast(underlying, 'ready')) {
    const physician = signedBy(signatures, 'approved', PHYSICIANS);
    separate(
      [
        signedBy(
          signatures.filter(({ person }) => person !== physician.person),
          'approved',
          QUALITY,
        ),
      ],
      [physician.person],
    );
  } else if (to === 'ready') signedBy(signatures, 'approved', PHYSICIANS);
  else if (
    ENDED.has(to) ||
    to === 'rejectedIncoming' ||
    to === 'manufacturingFailed' ||
    to === 'collectionFailed' ||
    to === 'recallCollection'
  ) {
    if (signatures.length === 0)
      throw new LotlineError('SIG-MISSING', `this needs a signature`, {
        at: '/signatures',
        fix: 'Have it signed: POST /api/v1/signing-tokens.',
      });
  }
};

/** INV-25: everything has its end before the order has. */
async function decideClosing(context: Deciding, view: ChainView, order: OrderView): Promise<void> {
  const unmet = unmetForClosing(await context.world(view.chain), view);
  const refused = refusesMove(
    ENDED.has(order.state) || FAILED.has(order.state) ? order.state : underlyingOf(order),
    'closed',
    underlyingOf(order),
  );
  if (refused !== null) unmet.unshift({ code: 'ORD-STATE', things: [order.orderId], message: refused });
  if (unmet.length > 0)
    throw new LotlineError('COI-OPEN', `the order cannot be closed: ${unmet.length} things are open`, {
      at: '/to',
      fix: 'Bring each to its end; unmet names them.',
      things: [...new Set(unmet.flatMap(({ things }) => things))],
      unmet,
    });
}

const needsReason = (to: OrderState): boolean =>
  ENDED.has(to) || ['onHold', 'rejectedIncoming', 'collectionFailed', 'manufacturingFailed', 'oos', 'recallCollection'].includes(to);

/** Where the order is on its way, whatever stands in it now. */
export function underlyingOf(order: OrderView): OrderState {
  if (order.state === 'onHold' && order.returnState !== null) return order.returnState;
  return order.stages.findLast(({ state }) => isAtLeast(state, 'draft'))?.state ?? 'draft';
}

/** INV-18: before it is shipped out by a signed amendment; afterwards as a re-route, with the word of both sites. */
export const decideAmendment: Decide<'order-amendment'> = async (context, { orderId, treatmentSite }) => {
  const { order } = await orderOf(context, orderId);
  if (ENDED.has(order.state) || order.state === 'closed')
    throw new LotlineError('ORD-CANCELLED', `the order is ${order.state}`, {
      at: '/orderId',
      fix: 'Nothing of it goes anywhere any more.',
    });
  if (treatmentSite === order.treatmentSite)
    throw new LotlineError('ORD-STATE', 'that is its treatment site already', { at: '/treatmentSite', fix: 'Name another site.' });
  const { signatures } = context;
  if (!isAtLeast(underlyingOf(order), 'inTransitOut')) {
    if (signatures.length === 0)
      throw new LotlineError('SIG-MISSING', 'an amendment is signed', { at: '/signatures', fix: 'Have it signed.' });
    return;
  }
  twoPeople(signatures);
  for (const site of [order.treatmentSite, treatmentSite])
    if (!signatures.some(({ sites }) => sites.includes(site)))
      throw new LotlineError('COI-WRONGSITE', `a re-route needs the word of somebody of ${site}`, {
        at: '/signatures',
        fix: 'Have it signed by one person of each of the two sites.',
        things: [site],
      });
};

/** INV-24: what becomes of material after the end of its order is decided by quality, with the patient's consent where it is kept. */
export const decideMaterial: Decide<'material-decision'> = async (context, { orderId, containers }) => {
  const { view, order } = await orderOf(context, orderId);
  if (
    !ENDED.has(order.state) &&
    !['rejectedIncoming', 'collectionFailed', 'manufacturingFailed', 'scheduled'].includes(order.state) &&
    order.attempt === 1
  )
    throw new LotlineError('ORD-STATE', `the order is ${order.state}`, {
      at: '/orderId',
      fix: 'Decide about material once its order, or the attempt it belongs to, has ended.',
    });
  signedBy(context.signatures, 'approved', QUALITY);
  const known = new Set(view.containers.flatMap(({ key, aliases }) => [key, ...aliases]));
  const foreign = containers.filter((key) => !known.has(key));
  if (foreign.length > 0)
    throw new LotlineError('COI-ORDER', 'these are not of this order', {
      at: '/containers',
      fix: 'Name containers of the order.',
      things: [...foreign],
    });
};
