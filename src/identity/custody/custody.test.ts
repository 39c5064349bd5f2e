import { describe, expect, it } from 'vitest';
import {
  type ActParts,
  at,
  BAG,
  CHAIN,
  container,
  deciding,
  type EventParts,
  signature,
  worldOf,
} from '../../../test/support/check-worlds.ts';
import type { Act } from '../acts.ts';
import { foldCustody } from './custody.ts';
import { decideHandover } from './decide-handover.ts';

const SHIPPER = '8003/09520123000110S1';
let handovers = 0;
function handover(
  minutes: number,
  giver: string,
  receiver: string,
  { given = minutes, taken = minutes, ...more }: Partial<Act<'handover'>> & { given?: number; taken?: number } = {},
): ActParts<'handover'> {
  return {
    minutes,
    kind: 'handover',
    signatures: [signature(giver, { meaning: 'handed_over', at: at(given) }), signature(receiver, { meaning: 'received', at: at(taken) })],
    body: {
      handoverId: `ho_${++handovers}`,
      containers: [],
      shipment: SHIPPER,
      giver,
      receiver,
      place: '414/9520123000011',
      seals: ['S-100'],
      condition: null,
      ...more,
    },
  };
}
const packed: EventParts = { minutes: -60, type: 'AggregationEvent', action: 'ADD', bizStep: 'packing', parent: SHIPPER, children: [BAG] };
const fold = (parts: readonly (EventParts | ActParts)[]) =>
  foldCustody(worldOf(parts, { bound: { [BAG]: CHAIN } }), [container(BAG, { kind: 'container' })]);

describe('INV-17: custody', () => {
  it('is continuous while who gives is who received', () => {
    const { view, findings } = fold([packed, handover(0, 'nurse', 'courier'), handover(300, 'courier', 'operator')]);
    expect(findings).toEqual([]);
    expect(view).toMatchObject({
      gaps: 0,
      handovers: [
        { giver: 'nurse', things: [SHIPPER, BAG], gap: null },
        { receiver: 'operator', gap: null },
      ],
    });
  });

  it('is of what is inside: a bag that is handed on by itself goes on from its shipper', () => {
    const parts = [packed, handover(0, 'nurse', 'courier'), handover(300, 'driver', 'operator', { containers: [BAG], shipment: null })];
    expect(fold(parts).findings).toEqual([{ code: 'COC-GAP', seq: 2, things: [BAG] }]);
  });

  it('has a gap where another gives than received', () => {
    const { view, findings } = fold([packed, handover(0, 'nurse', 'courier'), handover(300, 'driver', 'operator')]);
    expect(findings).toEqual([{ code: 'COC-GAP', seq: 2, things: [SHIPPER, BAG] }]);
    expect(view.gaps).toBe(1);
    expect(view.handovers[1]?.gap).toBe('received by courier, then given by driver');
  });

  it('has a gap where nobody had it for more than thirty minutes', () => {
    expect(fold([packed, handover(0, 'nurse', 'courier', { given: 0, taken: 30 })]).findings).toEqual([]);
    expect(fold([packed, handover(0, 'nurse', 'courier', { given: 0, taken: 31 })]).findings).toMatchObject([{ code: 'COC-GAP', seq: 1 }]);
  });

  it('has a gap where it was given on before it was received', () => {
    const parts = [packed, handover(0, 'nurse', 'courier'), handover(-10, 'courier', 'operator', { given: -10, taken: -10 })];
    expect(fold(parts).findings.map(({ code }) => code)).toContain('COC-GAP');
  });

  it('has a gap where it was shipped and received with nobody vouching for the way', () => {
    const shipped: EventParts = { minutes: 0, bizStep: 'shipping', epcs: [SHIPPER] };
    const received: EventParts = { minutes: 300, bizStep: 'receiving', epcs: [SHIPPER] };
    expect(fold([packed, shipped, received]).findings).toEqual([{ code: 'COC-GAP', seq: 2, things: [BAG] }]);
    expect(fold([packed, shipped, received, handover(10, 'nurse', 'courier')]).findings).toEqual([]);
    expect(fold([packed, received]).findings).toEqual([]);
  });

  it('folds to the same in any order of arrival', () => {
    const [a, b] = [handover(0, 'nurse', 'courier'), handover(300, 'courier', 'operator')];
    expect(fold([packed, b, a]).findings).toEqual([]);
  });
});

describe('COC-SEAL: the seal', () => {
  it.each([
    ['is another', { seals: ['S-101'] }],
    ['is missing', { seals: [] }],
    ['is said to be broken', { condition: 'seal broken on arrival' }],
  ])('%s', (_, more) => {
    const { findings } = fold([packed, handover(0, 'nurse', 'courier'), handover(300, 'courier', 'operator', more)]);
    expect(findings.map(({ code }) => code)).toEqual(['COC-SEAL']);
  });

  it('is the same however its number is written, and may be said to be not broken', () => {
    const parts = [
      packed,
      handover(0, 'nurse', 'courier'),
      handover(300, 'courier', 'operator', { seals: ['s -100'], condition: 'not damaged' }),
    ];
    expect(fold(parts).findings).toEqual([]);
  });

  it('may be another after an event that opened the shipper', () => {
    const opened: EventParts = { minutes: 100, type: 'AggregationEvent', action: 'DELETE', parent: SHIPPER };
    const again: EventParts = { ...packed, minutes: 110 };
    const parts = [packed, handover(0, 'nurse', 'courier'), opened, again, handover(300, 'courier', 'operator', { seals: ['S-200'] })];
    expect(fold(parts).findings).toEqual([]);
  });
});

describe('a hand-over', () => {
  const decide = (body: Act<'handover'>, signatures = handover(0, body.giver, body.receiver).signatures ?? []) =>
    decideHandover(deciding(signatures), body);
  const code = (c: string, at?: string) => expect.objectContaining({ code: c, ...(at !== undefined && { at }) });
  const { body } = handover(0, 'nurse', 'courier');

  it('is signed by both parties', () => {
    expect(() => decide(body)).not.toThrow();
    expect(() => decide(body, [signature('nurse', { meaning: 'handed_over' })])).toThrow(code('SIG-MISSING'));
    expect(() => decide(body, [signature('nurse', { meaning: 'handed_over' }), signature('driver', { meaning: 'received' })])).toThrow(
      code('SIG-MISSING'),
    );
    expect(() => decide(body, [signature('nurse', { meaning: 'received' }), signature('courier', { meaning: 'received' })])).toThrow(
      code('SIG-MISSING'),
    );
  });

  it('is between two, of something', () => {
    expect(() => decide({ ...body, receiver: 'nurse' })).toThrow(code('COI-2P', '/receiver'));
    expect(() => decide({ ...body, shipment: null })).toThrow(code('REQ-FORM', '/containers'));
  });
});
