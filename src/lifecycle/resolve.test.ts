import { describe, expect, it } from 'vitest';
import { resolve, shownStatus } from './resolve.ts';
import { FLAG, newState, type State } from './state.ts';

/** Here a later seq is a later event. */
const later = (seq: number, than: number) => seq > than;
const thing = (more: Partial<State>): State => ({ ...newState(1, 1), ...more });
const read = (own: Partial<State>, ...chain: Partial<State>[]) => resolve(thing(own), chain.map(thing), later);

describe('what a thing is when its containers are taken into account (design.md §3, inference at read)', () => {
  it('is its own state outside of any container', () => {
    const own = {
      status: 'Stocked',
      statusSeq: 3,
      holder: 'h',
      owner: 'o',
      custodySeq: 2,
      place: 'p',
      placeSeq: 4,
      flags: FLAG.observed,
    } as const;
    expect(read(own)).toMatchObject({ status: 'Stocked', statusSeq: 3, holder: 'h', owner: 'o', place: 'p', observed: true });
  });

  it('takes of each aspect what was told last', () => {
    const own = {
      enteredSeq: 5,
      status: 'Quarantined',
      statusSeq: 9,
      disposition: 'active',
      dispositionSeq: 4,
      place: 'own',
      placeSeq: 6,
    } as const;
    const box = { status: 'InTransit', statusSeq: 8, disposition: 'in_transit', dispositionSeq: 8, place: 'box', placeSeq: 7 } as const;
    expect(read(own, box)).toMatchObject({
      status: 'Quarantined',
      statusSeq: 9,
      disposition: 'in_transit',
      dispositionSeq: 8,
      place: 'box',
      observed: false,
    });
  });

  it('takes nothing that was told before the thing, or the container it is in, went in', () => {
    const box = {
      status: 'Received',
      statusSeq: 6,
      place: 'box',
      placeSeq: 6,
      disposition: 'in_progress',
      dispositionSeq: 6,
      enteredSeq: 4,
    } as const;
    const pallet = {
      status: 'InTransit',
      statusSeq: 8,
      place: 'pallet',
      placeSeq: 8,
      flags: FLAG.received,
      holder: 'h',
      custodySeq: 8,
    } as const;
    expect(read({ enteredSeq: 7 }, box, pallet)).toMatchObject({ status: 'InTransit', place: 'pallet', holder: 'h', received: true });
    expect(read({ enteredSeq: 7 }, { ...box, enteredSeq: 9 }, pallet)).toMatchObject({
      status: null,
      place: null,
      holder: null,
      disposition: null,
    });
  });

  it('takes a holder from a receiving alone', () => {
    expect(read({ enteredSeq: 1, holder: 'maker', custodySeq: 0 }, { holder: 'packer', custodySeq: 2 }).holder).toBe('maker');
    expect(read({ enteredSeq: 1, holder: 'maker', custodySeq: 0 }, { holder: 'buyer', custodySeq: 2, flags: FLAG.received }).holder).toBe(
      'buyer',
    );
  });

  it('shares no status or disposition of a container’s own making or end, but what it told before', () => {
    for (const status of ['Commissioned', 'Sampled', 'Destroyed', 'Inactive', 'Stolen', 'Dispensed'] as const) {
      const box = { status, statusSeq: 5, disposition: 'd', dispositionSeq: 5 };
      expect(read({ enteredSeq: 1 }, box)).toMatchObject({ status: null, disposition: null });
      expect(read({ enteredSeq: 1 }, { ...box, before: 'Received', beforeSeq: 3 })).toMatchObject({ status: 'Received', statusSeq: 3 });
    }
  });

  it('knows what the status was before the last one, for a shipping that is voided', () => {
    const own = { enteredSeq: 1, status: 'Stocked', statusSeq: 0 } as const;
    expect(read(own, { status: 'InTransit', statusSeq: 3 })).toMatchObject({ before: 'Stocked', beforeSeq: 0 });
    expect(read(own, { status: 'InTransit', statusSeq: 3, before: 'Received', beforeSeq: 2 })).toMatchObject({
      before: 'Received',
      beforeSeq: 2,
    });
    expect(read({ ...own, enteredSeq: 2 }, { status: 'InTransit', statusSeq: 3, before: 'Received', beforeSeq: 1 })).toMatchObject({
      before: 'Stocked',
    });
  });

  it('joins persistent dispositions, its own first', () => {
    const box = {
      persistent: [
        ['recalled', 4],
        ['expired', 1],
      ],
    } as const;
    expect(read({ enteredSeq: 2, persistent: [['disposed', 0]] }, box).persistent).toEqual([
      ['disposed', 0],
      ['recalled', 4],
    ]);
    expect(read({ enteredSeq: 2, persistent: [['recalled', 3]] }, box).persistent).toEqual([['recalled', 3]]);
    expect(read({ enteredSeq: 2 }).persistent).toBe(null);
  });
});

describe('the status shown (design.md §7)', () => {
  const plain = { disposition: null, persistent: null };
  it('is Recalled over all but what has ended, by the last disposition, a persistent one, or the lot’s', () => {
    for (const status of [
      'Commissioned',
      'Sampled',
      'Stolen',
      'InTransit',
      'Received',
      'Returned',
      'Stocked',
      'Quarantined',
      null,
    ] as const) {
      expect(shownStatus({ ...plain, status })).toBe(status);
      expect(shownStatus({ ...plain, status, disposition: 'recalled' })).toBe('Recalled');
      expect(shownStatus({ ...plain, status, persistent: [['recalled', 1]] })).toBe('Recalled');
      expect(shownStatus({ ...plain, status }, [['recalled', 1]])).toBe('Recalled');
    }
    for (const status of ['Destroyed', 'Inactive', 'Dispensed'] as const)
      expect(shownStatus({ status, disposition: 'recalled', persistent: [['recalled', 1]] }, [['recalled', 1]])).toBe(status);
  });
});
