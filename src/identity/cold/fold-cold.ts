import type { Act } from '../acts.ts';
import type { ChainWorld, Found, Key } from '../world.ts';
import { MINUTE_MS, readExcursions, type Stretch } from './excursions.ts';
import { type Inside, type Interval, insideDuring, overlap } from './inside-during.ts';
import { type Series, type Stage, seriesOf, stagesOf } from './series.ts';

/** Share of the qualified hold that a dry shipper loses when it lies on its side (domain.md §14, choice). */
export const TILT_PENALTY = 0.6;

export type Budget = {
  readonly thing: Key;
  /** Where its last minutes fell. */
  readonly stage: string;
  /** Over its whole life, of all stages. */
  readonly minutesOut: number;
  /** Of that stage; `remaining` of it, after the shares that other stages took of theirs. */
  readonly allowed: number;
  readonly remaining: number;
};
/** A time out of limits, or of which nobody knows, with what was inside of the shipper then. */
export type Out = Inside &
  Interval & {
    readonly extreme: number | null;
    /** Of the first event that tells it and that quality has not accepted; null: it has accepted all. */
    readonly seq: number | null;
  };
export type ShipmentView = Inside & {
  readonly series: Series;
  readonly excursions: readonly Out[];
  readonly gaps: readonly Out[];
};
export type ColdView = { readonly findings: Found[]; readonly shipments: readonly ShipmentView[]; readonly budgets: readonly Budget[] };

/**
 * Temperatures of the chain's shipments (domain.md §14): what was outside of its limits and for how long, over the whole life of each container. What
 * quality has accepted is found no longer; the minutes stay used up.
 */
export function foldCold(world: ChainWorld): ColdView {
  const profile = profileOf(world);
  if (profile === undefined) return { findings: [], shipments: [], budgets: [] };
  const verdicts = new Map<Key, number>();
  for (const act of world.acts) {
    if (act.kind !== 'excursion' || act.body.verdict !== 'accept') continue;
    const shipper = world.aliases.get(act.body.shipment) ?? act.body.shipment;
    verdicts.set(shipper, Math.max(act.seq, verdicts.get(shipper) ?? 0));
  }
  const findings: Found[] = [];
  const shipments: ShipmentView[] = [];
  const counting: (Out & { stage: Stage; stretches: readonly Stretch[]; bound: Interval })[] = [];
  for (const series of seriesOf(world, profile)) {
    const { shipper, stage, bound, part, pieces } = series;
    const read = readExcursions(part, stage, undefined, series.period);
    const within = (interval: Interval): Inside => insideOf(world, shipper, interval);
    /** The first event that quality has not accepted, among those that tell of a time. */
    const teller = ({ start, end }: Interval) =>
      pieces.find((one) => one.start <= end && one.end >= start && one.seq > (verdicts.get(shipper) ?? 0))?.seq ?? null;
    const find = (code: string, seq: number | null, found: readonly Key[]) => {
      if (seq !== null && found.length > 0) findings.push({ code, seq, things: found });
    };
    const outOf = (told: Interval, { start, end }: Interval, extreme: number | null): Out => ({
      start,
      end,
      extreme,
      seq: teller(told),
      ...within({ start, end }),
    });
    const excursions = read.excursions.flatMap((one) =>
      outsOf(one, bound, (interval) => outOf({ start: one.start, end: one.last }, interval, one.extreme)),
    );
    const gaps = read.gaps.flatMap((gap) => outsOf(gap, bound, (interval) => outOf(gap, interval, null)));
    shipments.push({ series, excursions, gaps, ...within({ start: part.start ?? 0, end: part.end ?? 0 }) });
    for (const one of excursions) {
      const stretches = read.excursions.find(({ start, end }) => start <= one.start && end >= one.end)?.stretches ?? [];
      counting.push({ ...one, stage, stretches, bound });
      find('SENS-EXC', one.seq, things(one));
    }
    for (const one of gaps) {
      counting.push({ ...one, stage, stretches: [{ start: one.start, end: one.end, celsius: null }], bound });
      find('SENS-GAP', one.seq, things(one));
    }
    for (const at of part.tilts ?? []) find('SENS-TILT', teller({ start: at, end: at }), things(within({ start: at, end: at })));
    for (const piece of pieces) {
      const told = overlap(piece, bound);
      const { calibratedUntil } = piece.part;
      if (told !== null && calibratedUntil !== undefined && calibratedUntil < told.end)
        find('SENS-UNCAL', piece.seq > (verdicts.get(shipper) ?? 0) ? piece.seq : null, things(within(told)));
    }
  }
  const { budgets, beyond } = budgetsOf(counting);
  findings.push(...beyond);
  findings.push(...holdsRunOut(world, profile, shipments));
  return { findings, shipments, budgets };
}

/** The profile of the product that the chain's order is of. */
export function profileOf(world: ChainWorld): Act<'product'> | undefined {
  const order = world.acts.find((act) => act.kind === 'order');
  return order?.kind === 'order' ? world.products.get(order.body.product) : undefined;
}

const things = ({ affected }: Inside): Key[] => affected.map(({ thing }) => thing);

function outsOf<T>(one: Interval, bound: Interval, out: (interval: Interval) => T): T[] {
  const during = overlap(one, bound);
  return during === null ? [] : [out(during)];
}

/** What was inside of it; a container that is told of by itself is itself what is affected. */
function insideOf(world: ChainWorld, shipper: Key, interval: Interval): Inside {
  const inside = insideDuring(world, shipper, interval);
  const own = world.bindings.get(shipper);
  if (own === undefined || own.chains.length === 0) return inside;
  return { ...inside, affected: [{ thing: shipper, stays: [interval] }, ...inside.affected] };
}

/**
 * Minutes out of limits of every container, over its whole life. Those that two loggers tell count once. Each minute counts against the allowance of the
 * stage in which it fell, and the shares of all stages add up to one life.
 */
function budgetsOf(outs: readonly (Out & { stage: Stage; stretches: readonly Stretch[]; bound: Interval })[]): {
  budgets: Budget[];
  beyond: Found[];
} {
  const lives = new Map<Key, { covered: Interval[]; stages: Map<Stage, number> }>();
  const budgets = new Map<Key, Budget>();
  const beyond: Found[] = [];
  for (const out of [...outs].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const over: Key[] = [];
    for (const { thing, stays } of out.affected) {
      const life = lives.get(thing) ?? { covered: [], stages: new Map<Stage, number>() };
      lives.set(thing, life);
      const fresh = out.stretches.flatMap((stretch) =>
        stays.flatMap((stay) => [overlap(stretch, stay)].flatMap((one) => (one === null ? [] : (overlap(one, out.bound) ?? [])))),
      );
      let minutes = 0;
      for (const { start, end } of fresh) {
        minutes += uncovered({ start, end }, life.covered) / MINUTE_MS;
        life.covered.push({ start, end });
      }
      if (minutes === 0) continue;
      life.stages.set(out.stage, (life.stages.get(out.stage) ?? 0) + minutes);
      const allowed = out.stage.minutesOut;
      const left = [...life.stages].reduce((sum, [stage, own]) => sum - shareOf(own, stage.minutesOut, allowed), allowed);
      const minutesOut = [...life.stages.values()].reduce((sum, own) => sum + own, 0);
      const remaining = Math.round(left * 1000) / 1000;
      budgets.set(thing, { thing, stage: out.stage.stage, minutesOut, allowed, remaining });
      if (remaining < 0) over.push(thing);
    }
    if (out.seq !== null && over.length > 0) beyond.push({ code: 'SENS-CRIT', seq: out.seq, things: over });
  }
  return { budgets: [...budgets.values()], beyond };
}

/** Minutes at one stage in minutes of another: the same share of its allowance. Where nothing was allowed, nothing is left. */
const shareOf = (minutes: number, own: number, allowed: number): number =>
  own === allowed ? minutes : own === 0 ? allowed + minutes : (minutes / own) * allowed;

/** ms of an interval that none of these covers. */
function uncovered(interval: Interval, covered: readonly Interval[]): number {
  const parts = covered.flatMap((one) => overlap(one, interval) ?? []).sort((a, b) => a.start - b.start);
  let [left, at] = [interval.end - interval.start, interval.start];
  for (const { start, end } of parts) {
    left -= Math.max(0, end - Math.max(start, at));
    at = Math.max(at, end);
  }
  return left;
}

/**
 * Shippers that do not hold for as long as is planned, and those that were on the way for longer (SENS-HOLD). `hold` of a stage is
 * `{qualifiedHours, safety?, plannedHours?}`: remaining = qualified × safety − elapsed − what tipping cost.
 */
function holdsRunOut(world: ChainWorld, profile: Act<'product'>, shipments: readonly ShipmentView[]): Found[] {
  const stageAt = stagesOf(world, profile);
  const tipped = (shipper: Key, from: number, to: number) =>
    shipments.some(({ series }) => series.shipper === shipper && series.part.tilts?.some((at) => at >= from && at <= to));
  const found: Found[] = [];
  for (const event of world.events) {
    if (event.type !== 'ObjectEvent' || (event.bizStep !== 'shipping' && event.bizStep !== 'receiving')) continue;
    for (const shipper of event.epcs) {
      const packed = world.events.findLast(
        (one) => one.type === 'AggregationEvent' && one.action === 'ADD' && one.parent === shipper && one.time <= event.time,
      );
      const hold = stageAt(shipper, event.time)?.['hold'] as
        | { qualifiedHours?: number; safety?: number; plannedHours?: number }
        | undefined;
      if (packed === undefined || hold?.qualifiedHours === undefined) continue;
      const penalty = tipped(shipper, packed.time, event.time) ? TILT_PENALTY * hold.qualifiedHours : 0;
      const left = remainingHold({
        ...hold,
        qualifiedHours: hold.qualifiedHours,
        elapsedHours: (event.time - packed.time) / (60 * MINUTE_MS),
        penalty,
      });
      const needed = event.bizStep === 'shipping' ? 1.5 * (hold.plannedHours ?? 0) : 0;
      if (needed <= left) continue;
      const inside = insideDuring(world, shipper, { start: event.time, end: event.time }).affected.map(({ thing }) => thing);
      found.push({ code: 'SENS-HOLD', seq: event.seq, things: inside.length > 0 ? inside : [shipper] });
    }
  }
  return found;
}

/** Hours for which a dry shipper still holds (domain.md §14); `penalty` in hours. */
export const remainingHold = (o: { qualifiedHours: number; safety?: number; elapsedHours: number; penalty: number }): number =>
  o.qualifiedHours * (o.safety ?? 1) - o.elapsedHours - o.penalty;
