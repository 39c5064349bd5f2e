import { describe, expect, it } from 'vitest';
import { NO_FIELDS } from '../event.ts';
import type { AnyAct, ChainWorld, WorldEvent } from '../world.ts';
import { readExcursions } from './excursions.ts';
import { foldCold, remainingHold } from './fold-cold.ts';
import { meanKinetic } from './mean-kinetic.ts';
import { sensorPartsOf } from './sensor-parts.ts';

const at = (clock: string) => Date.parse(`2026-03-01T${clock}:00Z`);
let seq = 0;
const event = (clock: string, more: Partial<WorldEvent>): WorldEvent => ({
  seq: ++seq,
  eventID: `e${seq}`,
  type: 'ObjectEvent',
  action: 'OBSERVE',
  time: at(clock),
  recorded: at(clock),
  offset: '+00:00',
  bizStep: null,
  disposition: null,
  readPoint: null,
  bizLocation: null,
  sources: [],
  destinations: [],
  parent: null,
  epcs: [],
  children: [],
  inputs: [],
  outputs: [],
  quantities: [],
  expiry: null,
  transformationID: null,
  coi: NO_FIELDS,
  ...more,
});
const pack = (clock: string, parent: string, children: string[], action: 'ADD' | 'DELETE' = 'ADD') =>
  event(clock, { type: 'AggregationEvent', action, parent, children, bizStep: action === 'ADD' ? 'packing' : 'unpacking' });
const series = (from: string, to: string, celsius: number): [number, number][] => {
  const points: [number, number][] = [];
  for (let ms = at(from); ms <= at(to); ms += 600_000) points.push([ms, celsius]);
  return points;
};
const readings = (clock: string, shipper: string, values: [number, number][], more: object = {}) =>
  event(clock, {
    bizStep: 'sensor_reporting',
    epcs: [shipper],
    sensor: [{ device: null, start: values[0]?.[0] ?? null, end: values.at(-1)?.[0] ?? null, values, ...more }],
  });
const act = (kind: string, body: object): AnyAct =>
  ({ seq: ++seq, id: `a${seq}`, kind, time: 0, recorded: 0, actor: '', signatures: [], body }) as unknown as AnyAct;
const worldOf = (events: WorldEvent[], stage: object, acts: AnyAct[] = []): ChainWorld => ({
  chain: 'CHA999926AAAA11',
  events: [...events].sort((a, b) => a.time - b.time),
  acts: [act('order', { product: 'P' }), ...acts],
  others: [],
  bindings: new Map(),
  aliases: new Map(),
  holds: [],
  now: 0,
  products: new Map([['P', { product: 'P', shelfLife: null, postThawMinutes: null, transport: [stage as never] }]]),
});

describe('cold chain', () => {
  it.each([
    [Array(24).fill(5), 5],
    [[...Array(20).fill(5), ...Array(4).fill(12)], 6.65],
    [[...Array(12).fill(20), ...Array(12).fill(30)], 26.26],
  ])('mean kinetic temperature %#', (values: number[], mkt) => expect(meanKinetic(values)).toBeCloseTo(mkt, 2));
  it('has no mean kinetic temperature of what is frozen', () => expect(meanKinetic([-150, -151])).toBeNull());

  it('joins excursions closer than five minutes and not those further apart', () => {
    const values = [9, 7, 7, 7, 9, 7, 7, 7, 7, 7, 7, 9].map((celsius, i) => [i * 60_000, celsius] as const);
    const { excursions } = readExcursions({ device: null, start: 0, end: 660_000, values }, { low: 2, high: 8 });
    expect(excursions.map(({ start, end }) => [start / 60_000, end / 60_000])).toEqual([
      [0, 4],
      [11, 12],
    ]);
  });

  it('E-06: case 5 left before, case 6 had 60 minutes earlier and 70 now, the others 190', () => {
    const events = [
      pack('06:00', 'other', ['case6']),
      readings('09:00', 'other', series('08:00', '09:00', 12)),
      pack('09:30', 'other', ['case6'], 'DELETE'),
      pack('07:00', 'pallet', ['case1', 'case5']),
      pack('13:50', 'pallet', ['case5'], 'DELETE'),
      pack('16:00', 'pallet', ['case6']),
      readings('18:00', 'pallet', [...series('13:00', '13:50', 5), ...series('14:00', '17:10', 13), ...series('17:20', '18:00', 5)]),
    ];
    const stage = { stage: 'out', low: 2, high: 8, minutesOut: 120 };
    const cold = foldCold(worldOf(events, stage));
    expect(Object.fromEntries(cold.budgets.map(({ thing, minutesOut }) => [thing, minutesOut]))).toEqual({ case1: 190, case6: 130 });
    const last = events.at(-1)?.seq as number;
    expect(cold.findings).toContainEqual({ code: 'SENS-CRIT', seq: last, things: ['case1', 'case6'] });
    expect(cold.findings.flatMap(({ things }) => things)).not.toContain('case5');
    expect(foldCold(worldOf(events.slice(3), stage)).findings.find(({ code }) => code === 'SENS-CRIT')?.things).toEqual(['case1']);
  });

  it('C-11: a tipped shipper loses hold time, is out of limits, held until accepted; the minutes stay used up', () => {
    const events = [
      pack('08:00', 'dry', ['bag']),
      readings('12:00', 'dry', series('10:00', '12:00', -128), { tilts: [at('10:30')] }),
      event('18:00', { bizStep: 'receiving', epcs: ['dry'] }),
    ];
    const stage = { stage: 'ship', low: -196, high: -150, minutesOut: 0, hold: { qualifiedHours: 20, safety: 0.8 } };
    const codes = (acts: AnyAct[] = []) => foldCold(worldOf(events, stage, acts)).findings.map(({ code }) => code);
    expect(codes()).toEqual(['SENS-EXC', 'SENS-TILT', 'SENS-CRIT', 'SENS-HOLD']);
    expect(codes([act('excursion', { shipment: 'dry', verdict: 'reject' })])).toContain('SENS-CRIT');
    const accepted = worldOf(events, stage, [act('excursion', { shipment: 'dry', verdict: 'accept' })]);
    expect(foldCold(accepted).findings.map(({ code }) => code)).toEqual(['SENS-HOLD']);
    expect(foldCold(accepted).budgets).toMatchObject([{ thing: 'bag', minutesOut: 120, remaining: -120 }]);
    expect(remainingHold({ qualifiedHours: 20, safety: 0.8, elapsedHours: 10, penalty: 12 })).toBe(-6);
  });

  it('a gap counts as out: what nobody knows is the worst case', () => {
    const events = [
      pack('08:00', 'box', ['bag']),
      readings('14:00', 'box', [...series('10:00', '11:00', 5), ...series('13:00', '14:00', 5)]),
    ];
    const cold = foldCold(worldOf(events, { stage: 'in', low: 2, high: 8, minutesOut: 60 }));
    expect(cold.findings.map(({ code }) => code)).toEqual(['SENS-GAP', 'SENS-CRIT']);
    expect(cold.budgets).toMatchObject([{ minutesOut: 120 }]);
  });

  const stages = [
    { stage: 'in', low: 2, high: 8, minutesOut: 120 },
    { stage: 'store', low: 2, high: 8, minutesOut: 60 },
  ];
  const staged = (events: WorldEvent[]): ChainWorld => ({
    ...worldOf(events, {}),
    products: new Map([['P', { product: 'P', shelfLife: null, postThawMinutes: null, transport: stages }]]),
  });

  it('two loggers of one shipper are not added up: the union of their minutes counts', () => {
    const bind = (logger: string) => event('07:00', { type: 'AssociationEvent', action: 'ADD', parent: 'box', children: [logger] });
    const events = [
      pack('07:00', 'box', ['bag']),
      bind('one'),
      bind('two'),
      readings('12:00', 'one', series('08:00', '09:00', 12)),
      readings('12:00', 'two', series('08:30', '09:30', 14)),
    ];
    const cold = foldCold(worldOf(events, { stage: 'in', low: 2, high: 8, minutesOut: 100 }));
    expect(cold.budgets).toMatchObject([{ thing: 'bag', minutesOut: 90, remaining: 10 }]);
    expect(cold.findings.map(({ code }) => code)).toEqual(['SENS-EXC', 'SENS-EXC']);
  });

  it('minutes count against the stage in which they fell, and shares of stages add up to one life', () => {
    const way = (out: string, stored: string) => [
      pack('06:00', 'box', ['bag']),
      readings('09:00', 'box', series('07:00', out, 12)),
      pack('09:30', 'box', ['bag'], 'DELETE'),
      event('10:00', {
        type: 'AggregationEvent',
        action: 'ADD',
        parent: 'fridge',
        children: ['bag'],
        coi: { ...NO_FIELDS, step: 'store' },
      }),
      readings('13:00', 'fridge', series('11:00', stored, 12)),
    ];
    // 70 of 120 and 20 of 60 are 92 % of a life; 70 of 120 and 30 of 60 are 108 %.
    const within = foldCold(staged(way('08:10', '11:20')));
    expect(within.findings.map(({ code }) => code)).toEqual(['SENS-EXC', 'SENS-EXC']);
    expect(within.budgets).toMatchObject([{ stage: 'store', minutesOut: 90, allowed: 60, remaining: 5 }]);
    expect(foldCold(staged(way('08:10', '11:30'))).findings.map(({ code }) => code)).toContain('SENS-CRIT');
  });

  it('one series in many events is one excursion, and a silence between two of them is a gap', () => {
    const live = series('08:00', '10:00', 12).map(([ms, celsius]) => {
      const clock = new Date(ms).toISOString().slice(11, 16);
      return readings(clock, 'box', [[ms, celsius]]);
    });
    const stage = { stage: 'in', low: 2, high: 8, minutesOut: 60 };
    const cold = foldCold(worldOf([pack('07:00', 'box', ['bag']), ...live], stage));
    expect(cold.budgets).toMatchObject([{ minutesOut: 120 }]);
    expect(cold.findings).toEqual([
      { code: 'SENS-EXC', seq: live[0]?.seq, things: ['bag'] },
      { code: 'SENS-CRIT', seq: live[0]?.seq, things: ['bag'] },
    ]);
    // Accepted in the middle: what was told afterwards is found, at the first of it.
    const accepted = act('excursion', { shipment: 'box', verdict: 'accept' });
    const later = readings('10:10', 'box', [[at('10:10'), 12]]);
    expect(foldCold(worldOf([pack('07:00', 'box', ['bag']), ...live, later], stage, [accepted])).findings.map((one) => one.seq)).toEqual([
      later.seq,
      later.seq,
    ]);
    const silent = [readings('09:00', 'box', series('08:00', '09:00', 5)), readings('12:00', 'box', series('11:00', '12:00', 5))];
    expect(foldCold(worldOf([pack('07:00', 'box', ['bag']), ...silent], stage)).findings.map(({ code }) => code)).toEqual([
      'SENS-GAP',
      'SENS-CRIT',
    ]);
  });

  it('a logger speaks of a shipper only while it was bound to it: limits, tilts and calibration alike', () => {
    const bind = (clock: string, action: 'ADD' | 'DELETE') =>
      event(clock, { type: 'AssociationEvent', action, parent: 'box', children: ['logger'] });
    const events = [
      pack('06:00', 'box', ['bag']),
      bind('10:00', 'ADD'),
      bind('11:00', 'DELETE'),
      readings('13:00', 'logger', [...series('08:00', '09:50', 20), ...series('10:00', '11:00', 5), ...series('11:10', '12:00', 20)], {
        tilts: [at('09:00')],
        calibratedUntil: at('11:30'),
      }),
    ];
    const stage = { stage: 'in', low: 2, high: 8, minutesOut: 0 };
    expect(foldCold(worldOf(events, stage)).findings).toEqual([]);
    expect(
      foldCold(worldOf([events[0] as WorldEvent, events[3] as WorldEvent, ...events.slice(1, 2)], stage)).findings.length,
    ).toBeGreaterThan(0);
  });

  it('reads °F and K, points and summaries, and leaves aside what is no temperature', () => {
    const report = (value: number, uom: string, type = 'gs1:Temperature') => ({ type, value, uom, time: '2026-03-01T10:00:00Z' });
    expect(
      sensorPartsOf([{ sensorReport: [report(41, 'FAH'), report(278.15, 'KEL'), report(5, 'A93', 'Humidity')] }], 0)[0]?.values,
    ).toEqual([
      [at('10:00'), 5],
      [at('10:00'), 5],
    ]);
    expect(sensorPartsOf([{ sensorReport: [{ type: 'Temperature', minValue: 1, maxValue: 9, uom: 'CEL' }] }], 0)[0]?.summary).toMatchObject(
      { min: 1, max: 9 },
    );
    expect(sensorPartsOf([{ sensorReport: [] }, null], 0)).toEqual([]);
  });
});
