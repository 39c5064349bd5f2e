import { describe, expect, it, vi } from 'vitest';
import {
  type ActParts,
  at,
  BAG,
  CHAIN,
  check,
  container,
  DOSE,
  DOSE2,
  type EventParts,
  ORDER,
  OTHER,
  order,
  PATIENT,
  signature,
  told,
  worldOf,
} from '../../../test/support/check-worlds.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import { foldCheckpoints } from './checkpoints.ts';
import { judgeChecks } from './rules.ts';

vi.mock('./demands.ts', async () => (await import('../../../test/support/check-worlds.ts')).plainDemands());

const BOUND = { [BAG]: CHAIN, [DOSE]: CHAIN, [DOSE2]: CHAIN };
const collected = (minutes: number): EventParts => ({
  minutes,
  action: 'ADD',
  bizStep: 'commissioning',
  epcs: [BAG],
  coi: { step: 'collection', chain: [CHAIN] },
});
const packed = (minutes: number): EventParts => ({
  minutes,
  type: 'AggregationEvent',
  action: 'ADD',
  bizStep: 'packing',
  parent: '8003/x',
  children: [BAG],
  coi: { step: 'pack' },
});
const thawed = (minutes: number, epcs = [DOSE]): EventParts => ({ minutes, bizStep: BIZ_STEP.thawing, epcs });
const infused = (minutes: number, more: Partial<EventParts> = {}): EventParts => ({
  minutes,
  action: 'DELETE',
  bizStep: BIZ_STEP.infusing,
  epcs: [DOSE],
  ...more,
});
const codes = (found: readonly { code: string }[]) => found.map((one) => one.code).sort();
const only = (code: string, found: readonly { code: string; seq: number; things: readonly string[] }[]) =>
  found.filter((one) => one.code === code);
const judge = (
  parts: readonly (EventParts | ActParts)[],
  more: Parameters<typeof worldOf>[1] & { told?: Parameters<typeof told>[0] } = {},
) => judgeChecks(worldOf(parts, { bound: BOUND, ...more }), told(more.told));

describe('INV-08: a checkpoint', () => {
  const stateOf = (parts: readonly (EventParts | ActParts)[], step: string, attempt = 1) =>
    foldCheckpoints(worldOf(parts, { bound: BOUND }), order()).find((one) => one.step === step && one.attempt === attempt)?.state;
  const passed = check({ minutes: 0, checkpoint: 'collection', containers: [] });

  it('is passed when a passed check comes before the next step', () => {
    const parts = [passed, collected(5), packed(60)];
    expect(stateOf(parts, 'collection')).toBe('passed');
    expect(only('COI-NOCHECK', judge(parts))).toEqual([]);
  });

  it('is open while nothing has gone past it', () => {
    expect(stateOf([collected(5)], 'collection')).toBe('open');
    expect(judge([collected(5)])).toEqual([]);
  });

  it('is missing when the next step happened without it', () => {
    const parts = [collected(5), packed(60)];
    expect(stateOf(parts, 'collection')).toBe('missing');
    expect(only('COI-NOCHECK', judge(parts))).toEqual([{ code: 'COI-NOCHECK', seq: 1, things: [BAG] }]);
  });

  it('is not gone past by the event that tells of another check', () => {
    const told: EventParts = { minutes: 20, bizStep: BIZ_STEP.identityCheck, epcs: [BAG], coi: { step: 'pack', chain: [CHAIN] } };
    expect(stateOf([collected(5), told], 'collection')).toBe('open');
  });

  it('is late when the check came after the next step', () => {
    const parts = [collected(5), packed(60), check({ minutes: 90, checkpoint: 'collection', containers: [] })];
    expect(stateOf(parts, 'collection')).toBe('late');
    expect(codes(judge(parts))).toContain('COI-NOCHECK');
  });

  it('is failed, and not passed by an earlier pass, when the last check failed', () => {
    const parts = [passed, check({ minutes: 3, checkpoint: 'collection', containers: [], result: 'fail' }), collected(5), packed(60)];
    expect(stateOf(parts, 'collection')).toBe('failed');
    expect(codes(judge(parts))).toEqual(['COI-MISMATCH', 'COI-NOCHECK']);
  });

  it('looks at each bag by itself', () => {
    const first = check({ minutes: 1, checkpoint: 'thaw', containers: [DOSE] });
    const parts = [first, thawed(5, [DOSE, DOSE2]), infused(20), infused(25, { epcs: [DOSE2] })];
    const found = only('COI-NOCHECK', judge(parts));
    expect(found).toContainEqual({ code: 'COI-NOCHECK', seq: 3, things: [DOSE2] });
    expect(found.filter(({ seq, things }) => seq === 2 && things.includes(DOSE2))).toEqual([]);
  });

  it('is passed anew in every attempt', () => {
    const parts = [
      passed,
      collected(5),
      packed(60),
      { ...collected(10_000), coi: { step: 'collection', attempt: 2, chain: [CHAIN] } },
      packed(10_060),
    ];
    expect(stateOf(parts, 'collection', 1)).toBe('passed');
    expect(stateOf(parts, 'collection', 2)).toBe('missing');
  });
});

describe('INV-11: a mismatch', () => {
  const failed = check({ minutes: 0, checkId: 'ck_f', checkpoint: 'pack', containers: [BAG], result: 'fail', met: [OTHER] });
  const resolution: ActParts = {
    minutes: 9,
    kind: 'resolution',
    body: { resolutionId: 're_1', checkId: 'ck_f', decision: 'x', reason: 'y' },
  };

  it('stands until quality resolves it', () => {
    expect(judge([failed])).toEqual([{ code: 'COI-MISMATCH', seq: 0, things: [BAG] }]);
    expect(judge([failed, resolution])).toEqual([]);
  });

  it('is not closed by a later pass', () => {
    expect(codes(judge([failed, check({ minutes: 20, checkpoint: 'pack', containers: [BAG] })]))).toEqual(['COI-MISMATCH']);
  });

  it('C-02: stands in the other chain as well, with what is its own', () => {
    const parts = [
      {
        ...failed,
        body: { ...failed.body, reads: [{ source: 'bag', identifier: 'container', value: DOSE2, by: 'p1', manual: false, reason: null }] },
      },
    ];
    const found = judge(parts, {
      chain: OTHER,
      bound: { [BAG]: CHAIN, [DOSE2]: OTHER },
      told: { chain: OTHER, order: order({ orderId: 'or_other', patientRef: 'pr_other' }) },
    });
    expect(found).toEqual([{ code: 'COI-MISMATCH', seq: 0, things: [DOSE2] }]);
  });
});

describe('INV-13: identifiers typed in', () => {
  const typed = (minutes: number, n: number) =>
    check({
      minutes,
      checkId: `ck_m${minutes}`,
      checkpoint: 'pack',
      containers: [BAG],
      reads: Array.from({ length: n }, () => ({ source: 'bag', identifier: 'din', value: 'x', by: 'p1', manual: true, reason: 'torn' })),
    });

  it('are for quality to look at when there are more than three', () => {
    expect(judge([typed(0, 3)])).toEqual([]);
    expect(judge([typed(0, 3), typed(5, 1)])).toEqual([{ code: 'COI-MANUAL', seq: 1, things: [BAG] }]);
  });

  it('are counted anew once it has', () => {
    const looked: ActParts = { minutes: 9, kind: 'resolution', body: { resolutionId: 're', checkId: 'ck_m5', decision: 'x', reason: 'y' } };
    expect(judge([typed(0, 3), typed(5, 1), looked, typed(10, 3)])).toEqual([]);
    expect(codes(judge([typed(0, 3), typed(5, 1), looked, typed(10, 4)]))).toEqual(['COI-MANUAL']);
  });
});

describe('INV-22: an infusion', () => {
  const unchecked = (parts: readonly (EventParts | ActParts)[], more = {}) => only('COI-INFUSED-UNCHECKED', judge(parts, more));

  it('has a passed bedside check of its bag in the half hour before', () => {
    expect(unchecked([check({ minutes: 0 }), infused(30)])).toEqual([]);
  });

  it.each([
    ['without any', []],
    ['with one that is older', [check({ minutes: -1 })]],
    ['with one that came after it', [check({ minutes: 31 })]],
    ['with one of another bag', [check({ minutes: 10, containers: [DOSE2] })]],
    ['with one of another order', [check({ minutes: 10, orderId: 'or_other' })]],
    ['with one that failed', [check({ minutes: 10, result: 'fail' })]],
    ['with one that failed after it had passed', [check({ minutes: 5 }), check({ minutes: 10, result: 'fail' })]],
    ['with a check of another step', [check({ minutes: 10, checkpoint: 'thaw' })]],
  ])('is unchecked %s', (_, checks) => {
    expect(unchecked([...checks, infused(30)])).toEqual([{ code: 'COI-INFUSED-UNCHECKED', seq: checks.length, things: [DOSE] }]);
  });

  it('goes on by the check that it started with, and the second bag needs its own', () => {
    const parts = [check({ minutes: 0 }), infused(10, { action: 'OBSERVE' }), infused(90), infused(95, { epcs: [DOSE2] })];
    expect(unchecked(parts)).toEqual([{ code: 'COI-INFUSED-UNCHECKED', seq: 3, things: [DOSE2] }]);
  });

  it('is checked by any key of its bag', () => {
    const parts = [check({ minutes: 0, containers: ['alias-of-dose'] }), infused(10)];
    expect(unchecked(parts, { aliases: { 'alias-of-dose': DOSE } })).toEqual([]);
  });
});

describe('INV-23: the recipient', () => {
  const given = (recipient: string | null) => [check({ minutes: 0 }), infused(10, { coi: { recipient } })];

  it('is the patient of the order', () => {
    expect(only('COI-WRONGPATIENT', judge(given(PATIENT)))).toEqual([]);
    expect(only('COI-WRONGPATIENT', judge(given(null)))).toEqual([]);
  });

  it('is another: told of the chain whose cells they were, and of the chain of who got them', () => {
    expect(only('COI-WRONGPATIENT', judge(given('pr_other')))).toEqual([{ code: 'COI-WRONGPATIENT', seq: 1, things: [DOSE] }]);
    const theirs = judge([infused(10, { coi: { recipient: 'pr_other' } })], {
      chain: OTHER,
      told: { chain: OTHER, order: order({ orderId: 'or_other', patientRef: 'pr_other' }) },
    });
    expect(only('COI-WRONGPATIENT', theirs)).toEqual([{ code: 'COI-WRONGPATIENT', seq: 0, things: [DOSE] }]);
  });
});

describe('INV-21: time', () => {
  const products = new Map([['car-t', { product: 'car-t', shelfLife: null, transport: [], postThawMinutes: 30 }]]);
  const expired = (dose: Parameters<typeof container>[1], minutes: number, parts: readonly (EventParts | ActParts)[] = []) =>
    only(
      'COI-EXPIRED',
      judge([...parts, check({ minutes: minutes - 5 }), infused(minutes)], { products, told: { containers: [container(DOSE, dose)] } }),
    );

  it('is not up on the day of expiry, and within the minutes after thawing', () => {
    expect(expired({ expiry: '2026-05-04' }, 60)).toEqual([]);
    expect(expired({ thawed: at(0) }, 30)).toEqual([]);
  });

  it.each([
    ['the day after expiry', { expiry: '2026-05-03' }, 60],
    ['after the minute of expiry', { expiry: '2026-05-04T12:30:00Z' }, 31],
    ['longer after thawing than the product allows', { thawed: at(0) }, 31],
  ])('is up %s', (_, dose, minutes) => {
    expect(expired(dose, minutes)).toEqual([{ code: 'COI-EXPIRED', seq: 1, things: [DOSE] }]);
  });

  it('is overridden by a physician who signed before, for this bag', () => {
    const override = (minutes: number, containers: string[]): ActParts => ({
      minutes,
      kind: 'override',
      body: { overrideId: 'ov', orderId: ORDER, containers, reason: 'no other' },
    });
    expect(expired({ expiry: '2026-05-03' }, 60, [override(30, [DOSE])])).toEqual([]);
    expect(expired({ expiry: '2026-05-03' }, 60, [override(61, [DOSE])])).toHaveLength(1);
    expect(expired({ expiry: '2026-05-03' }, 60, [override(30, [DOSE2])])).toHaveLength(1);
  });
});

describe('INV-15: a space', () => {
  const THEIRS = '01/09520123000110/21/X1';
  const used = (minutes: number): EventParts => ({
    minutes,
    type: 'TransformationEvent',
    action: null,
    inputs: [BAG],
    outputs: [DOSE],
    coi: { space: 'room-1' },
  });
  const byThem = (minutes: number): EventParts => ({
    minutes,
    type: 'TransformationEvent',
    action: null,
    inputs: [THEIRS],
    coi: { space: 'room-1' },
  });
  const clearance = (minutes: number, people = 2, space = 'room-1'): ActParts => ({
    minutes,
    kind: 'clearance',
    body: { space },
    signatures: Array.from({ length: people }, (_, i) => signature(`p${i}`)),
  });
  const uncleared = (parts: readonly (EventParts | ActParts)[], others: readonly EventParts[]) =>
    only('COI-CLEARANCE', judge(parts, { bound: { ...BOUND, [THEIRS]: OTHER }, others }));

  it('is one patient’s until two people have cleared it', () => {
    expect(uncleared([clearance(30), used(60)], [byThem(0)])).toEqual([]);
    expect(uncleared([used(60), used(90)], [])).toEqual([]);
    expect(uncleared([used(0)], [byThem(60)])).toEqual([]);
  });

  it.each([
    ['nobody has cleared it', []],
    ['one person has', [clearance(30, 1)]],
    ['it was cleared before the other', [clearance(-10)]],
    ['another one was cleared', [clearance(30, 2, 'room-2')]],
    ['it was cleared afterwards', [clearance(61)]],
  ])('is not free when %s', (_, acts) => {
    expect(uncleared([...acts, used(60)], [byThem(0)])).toEqual([{ code: 'COI-CLEARANCE', seq: acts.length, things: [BAG, DOSE, THEIRS] }]);
  });
});

describe('C-21: a clock that is wrong', () => {
  const early = check({ minutes: 0, device: 'dv_1', containers: [DOSE] });
  const offset: ActParts = {
    minutes: 200,
    kind: 'clock-offset',
    body: { device: 'dv_1', offset: -47 * 60_000, from: at(-60), until: at(60), reason: 'set by hand' },
  };

  it('is told by a bedside check that appears before the thaw', () => {
    expect(only('COI-TIME', judge([thawed(40), early, infused(50)]))).toEqual([{ code: 'COI-TIME', seq: 1, things: [DOSE] }]);
  });

  it('is put right by its offset on record, and the check counts at its corrected time', () => {
    const found = judge([thawed(40), early, infused(50), offset]);
    expect(only('COI-TIME', found)).toEqual([]);
    expect(only('COI-INFUSED-UNCHECKED', found)).toEqual([]);
    expect(only('COI-INFUSED-UNCHECKED', judge([thawed(40), early, infused(50)]))).toHaveLength(1);
  });

  it('says nothing of other devices, and of other times', () => {
    const elsewhere: ActParts = { ...offset, body: { ...offset.body, device: 'dv_2' } as never };
    const later: ActParts = { ...offset, body: { ...offset.body, from: at(30) } as never };
    for (const one of [elsewhere, later]) expect(only('COI-TIME', judge([thawed(40), early, infused(50), one]))).toHaveLength(1);
  });

  it('is told by a check in the future', () => {
    const ahead = { ...check({ minutes: 47, containers: [DOSE] }), recorded: at(0) };
    expect(only('COI-TIME', judge([thawed(-5), ahead]))).toHaveLength(1);
  });
});

describe('C-13: what was done offline', () => {
  const offline = { device: 'dv_1', counter: 1, at: at(60) };
  const capsule: ActParts = { minutes: 0, kind: 'capsule', body: { capsuleId: 'cp', device: 'dv_1', orders: [ORDER], digest: 'x' } };
  const cancelled: ActParts = { minutes: 30, kind: 'order-state', body: { orderId: ORDER, to: 'cancelled', reason: null } };
  const done = check({ minutes: 60, offline });
  const conflict = (parts: readonly (EventParts | ActParts)[], more = {}) => only('OFFLINE-CONFLICT', judge(parts, more));

  it('conflicts with what was changed after the capsule was sealed', () => {
    expect(conflict([capsule, cancelled, done])).toEqual([{ code: 'OFFLINE-CONFLICT', seq: 2, things: [DOSE] }]);
    const hold = { id: 'hd', scope: 'chain', things: [], codes: [], reason: '', seq: 1.5, lifted: null } as const;
    expect(conflict([capsule, { ...done, minutes: 60 }, done], { holds: [hold] })).toHaveLength(1);
  });

  it('does not conflict with what the device knew, or with what came after it was known', () => {
    expect(conflict([capsule, done])).toEqual([]);
    expect(conflict([cancelled, capsule, done])).toEqual([]);
    expect(conflict([capsule, done, cancelled])).toEqual([]);
  });

  it('tells of a counter that repeats or skips', () => {
    const sync: ActParts = {
      minutes: 70,
      kind: 'sync',
      body: { device: 'dv_1', counter: 3, act: 'ck', at: 0, conflicts: ['OFFLINE-COUNTER'] },
    };
    expect(only('OFFLINE-COUNTER', judge([capsule, done, sync]))).toHaveLength(1);
  });
});
