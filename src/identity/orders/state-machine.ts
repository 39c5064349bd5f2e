import { type OrderState, SIDE_STATES, STATES } from '../vocabulary.ts';

/** States after which nothing goes forward any more (INV-24): what is left is to decide about the material, and to close. */
export const ENDED: ReadonlySet<string> = new Set<OrderState>(['cancelled', 'patientDied', 'withdrawnConsent', 'lost']);
/** An attempt has failed; the order may go on with another one. */
export const FAILED: ReadonlySet<string> = new Set<OrderState>(['rejectedIncoming', 'collectionFailed', 'manufacturingFailed']);

const rank = (state: string): number => (STATES as readonly string[]).indexOf(state);
export const isForward = (state: string): boolean => rank(state) >= 0;
/** Whether a state of the way forward is further on than another. */
export const isAfter = (state: string, other: string): boolean => rank(state) > rank(other);
export const isAtLeast = (state: string, other: string): boolean => rank(state) >= rank(other);
export const isState = (text: string): text is OrderState =>
  (STATES as readonly string[]).includes(text) || (SIDE_STATES as readonly string[]).includes(text);

/** Until cells are collected, steps of planning may be passed over; afterwards each has its own meaning. */
const PLANNED: OrderState = 'collecting';

/** What nobody's word makes true: it takes the signed act, or the event. */
const VOUCHED: Partial<Record<OrderState, string>> = {
  released: 'a release is signed: POST /api/v1/identity/releases',
  verified: 'that takes the passed bedside check: POST /api/v1/identity/checks',
  infusing: 'that takes the event of the infusion',
  infused: 'that takes the event of the infusion',
};

/**
 * Whether an order in one state may be brought to another by somebody's word (domain.md §12.4). What an event tells needs nobody's leave. Null: it may;
 * else why not.
 */
export function refusesMove(from: OrderState, to: OrderState, underlying: OrderState): string | null {
  if (from === 'closed') return 'the order is closed';
  if (to === 'closed')
    return from === 'followUp' || from === 'infused' || ENDED.has(from) || FAILED.has(from)
      ? null
      : `an order that is ${from} has not ended`;
  if (ENDED.has(from)) return `the order is ${from}: nothing goes forward any more`;
  if (ENDED.has(to)) return isAtLeast(underlying, 'infused') && to === 'cancelled' ? 'what has been infused cannot be cancelled' : null;
  const vouched = VOUCHED[to];
  // Not every bag has to be given: a physician says when it is over (C-06).
  if (vouched !== undefined && isAfter(to, underlying) && !(to === 'infused' && underlying === 'infusing')) return vouched;
  if (FAILED.has(from) && (FAILED.has(to) || to === 'onHold' || to === 'oos'))
    return `the attempt has failed (${from}): recall the collection, or cancel`;
  switch (to) {
    case 'onHold':
      return from === 'onHold' ? 'the order is on hold already' : null;
    case 'rejectedIncoming':
      return isAtLeast(underlying, 'inTransitIn') && !isAfter(underlying, 'accepted') ? null : 'nothing has come in that could be rejected';
    case 'collectionFailed':
      return isAtLeast(underlying, 'scheduled') && !isAfter(underlying, 'collected') ? null : 'no collection is under way';
    case 'manufacturingFailed':
      return isAtLeast(underlying, 'accepted') && !isAfter(underlying, 'released') ? null : 'nothing is being manufactured';
    case 'oos':
      return isAtLeast(underlying, 'manufacturing') && !isAfter(underlying, 'released')
        ? null
        : 'nothing has been made that could be out of specification';
    case 'recallCollection':
      return FAILED.has(from) || (isAtLeast(underlying, 'collecting') && !isAfter(underlying, 'siteAccepted'))
        ? null
        : 'there is no attempt that another one could follow';
    default:
      break;
  }
  if (FAILED.has(from)) return `the attempt has failed (${from}): recall the collection, or cancel`;
  if (from === 'onHold') return to === underlying ? null : `the order is on hold, and goes back to ${underlying}`;
  if (!isAfter(to, underlying)) return `the order is ${underlying} already`;
  if (underlying === 'infusing' && to === 'followUp') return null;
  if (isAfter(to, PLANNED) && rank(to) > rank(underlying) + 1)
    return `between ${underlying} and ${to} lies ${STATES[rank(underlying) + 1]}`;
  return null;
}
