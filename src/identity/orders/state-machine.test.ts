import { describe, expect, it } from 'vitest';
import { type OrderState, SIDE_STATES, STATES } from '../vocabulary.ts';
import { ENDED, FAILED, refusesMove } from './state-machine.ts';

/** From a state of the way forward; what is vouched for otherwise is not told by word. */
const may = (from: OrderState, to: OrderState, underlying: OrderState = from): boolean => refusesMove(from, to, underlying) === null;

describe('the states of an order (domain.md §12.4)', () => {
  it('go forward one by one after the collection has begun, and never back', () => {
    const vouched = new Set<OrderState>(['released', 'verified', 'infusing']);
    for (const [i, from] of STATES.entries()) {
      for (const [j, to] of STATES.entries()) {
        if (to === 'closed' || from === 'closed') continue;
        const planned = j > i && j <= STATES.indexOf('collecting');
        const next = j === i + 1 && !vouched.has(to);
        const over = from === 'infusing' && to === 'followUp';
        expect([from, to, may(from, to)]).toEqual([from, to, planned || next || over]);
      }
    }
  });

  it('end by closing only when they are over', () => {
    const over = [...STATES, ...SIDE_STATES].filter((from) => may(from, 'closed'));
    expect(new Set(over)).toEqual(new Set([...ENDED, ...FAILED, 'infused', 'followUp']));
  });

  it('INV-24: nothing follows an end but closing', () => {
    for (const from of ENDED as ReadonlySet<OrderState>)
      for (const to of [...STATES, ...SIDE_STATES]) expect([from, to, may(from, to, 'manufacturing')]).toEqual([from, to, to === 'closed']);
  });

  it('a failed attempt goes on by another collection, or ends; holding it does not bring it back', () => {
    for (const from of FAILED as ReadonlySet<OrderState>) {
      const next = [...STATES, ...SIDE_STATES].filter((to) => may(from, to, 'manufacturing'));
      expect(new Set(next)).toEqual(new Set(['closed', 'recallCollection', ...ENDED]));
    }
  });

  it('each failure belongs to its part of the way', () => {
    const from = (to: OrderState) => STATES.filter((state) => may(state, to));
    expect(from('collectionFailed')).toEqual(['scheduled', 'collecting', 'collected']);
    expect(from('rejectedIncoming')).toEqual(['inTransitIn', 'received', 'accepted']);
    expect(from('manufacturingFailed')).toEqual(['accepted', 'manufacturing', 'fillFinished', 'qcPending', 'released']);
    expect(from('recallCollection').at(0)).toBe('collecting');
    expect(from('recallCollection').at(-1)).toBe('siteAccepted');
    expect(from('cancelled')).toEqual(STATES.slice(0, STATES.indexOf('infused')));
  });

  it('a hold goes back to where it came from, and nowhere else', () => {
    expect(STATES.filter((to) => may('onHold', to, 'manufacturing'))).toEqual(['manufacturing']);
    expect(may('onHold', 'onHold', 'manufacturing')).toBe(false);
  });
});
