import type { Act } from '../acts.ts';
import { stepOf } from '../steps.ts';
import type { ChainWorld, Key, WorldEvent } from '../world.ts';
import type { Interval } from './inside-during.ts';
import type { SensorPart } from './sensor-parts.ts';

/** What a product's profile says of one stage; members that it lacks bound nothing. */
export type Stage = Act<'product'>['transport'][number];

/** What one device told of one shipper at one stage, in however many events it told it: one series, so that nothing is lost between two events. */
export type Series = {
  readonly shipper: Key;
  /** What the events name: the shipper itself, or a logger that was bound to it. */
  readonly subject: Key;
  readonly stage: Stage;
  /** For as long as the logger was bound. */
  readonly bound: Interval;
  readonly part: SensorPart;
  /** Sampling period, ms; null: the points themselves tell. */
  readonly period: number | null;
  readonly pieces: readonly Piece[];
};
export type Piece = { readonly seq: number; readonly start: number; readonly end: number; readonly part: SensorPart };

const ALWAYS: Interval = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY };
const within = (at: number, { start, end }: Interval): boolean => at >= start && at <= end;

/** All series of a chain's shippers, each with the limits of the stage that it was at. */
export function seriesOf(world: ChainWorld, profile: Act<'product'>): Series[] {
  const bounds = boundsOf(world);
  const stageAt = stagesOf(world, profile);
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const all = new Map<string, { of: Pick<Series, 'shipper' | 'subject' | 'stage' | 'bound'>; pieces: Piece[] }>();
  const seen = new Set<number>();
  for (const event of [...world.events, ...world.others]) {
    if (event.sensor === undefined || seen.has(event.seq)) continue;
    seen.add(event.seq);
    for (const subject of new Set(event.epcs.map(canonical)))
      for (const { shipper, bound } of bounds.get(subject) ?? [{ shipper: subject, bound: ALWAYS }])
        event.sensor.forEach((part, i) => {
          for (const [stage, own] of cut(part, event, bound, (time) => stageAt(shipper, time))) {
            // A summary stands for itself: nobody knows when it was what.
            const alone = own.part.values.length === 0 && own.part.summary !== undefined ? [event.seq, i] : [];
            const name = JSON.stringify([shipper, subject, part.device, stage.stage, bound.start, ...alone]);
            const series = all.get(name) ?? { of: { shipper, subject, stage, bound }, pieces: [] };
            series.pieces.push(own);
            all.set(name, series);
          }
        });
  }
  return [...all.values()].map(({ of, pieces }) => ({ ...of, ...joined(pieces), pieces }));
}

/** What a part tells of each stage while the logger was bound. */
function cut(part: SensorPart, event: WorldEvent, bound: Interval, stageAt: (time: number) => Stage | undefined): [Stage, Piece][] {
  const times = [...part.values.map(([time]) => time), ...(part.tilts ?? [])].filter((time) => within(time, bound));
  const { start, end } = part;
  const last = end ?? event.time;
  // What is only summed up, or tells nothing but its calibration, is of the stage at its end.
  const overlaps = (start ?? event.time) <= bound.end && last >= bound.start;
  if (part.summary !== undefined && part.values.length === 0) {
    const stage = stageAt(last);
    return stage === undefined || !overlaps ? [] : [[stage, { seq: event.seq, start: start ?? event.time, end: last, part }]];
  }
  const stages = new Set(times.flatMap((time) => stageAt(time) ?? []));
  return [...stages].map((stage): [Stage, Piece] => {
    const isOf = (time: number) => within(time, bound) && stageAt(time) === stage;
    const own = times.filter(isOf).sort((a, b) => a - b);
    const [first, final] = [own[0] as number, own.at(-1) as number];
    // Before the first point and after the last one it is silent only while it was bound, and at this stage.
    const from = start === null ? first : Math.min(first, Math.max(start, bound.start));
    const to = end === null ? final : Math.max(final, Math.min(end, bound.end));
    const piece = { start: stageAt(from) === stage ? from : first, end: stageAt(to) === stage ? to : final };
    const tilts = part.tilts?.filter(isOf) ?? [];
    const { tilts: _, ...rest } = part;
    return [
      stage,
      {
        seq: event.seq,
        ...piece,
        part: { ...rest, ...piece, values: part.values.filter(([time]) => isOf(time)), ...(tilts.length > 0 && { tilts }) },
      },
    ];
  });
}

function joined(pieces: Piece[]): { part: SensorPart; period: number | null } {
  pieces.sort((a, b) => a.start - b.start || a.seq - b.seq);
  const [one] = pieces as [Piece, ...Piece[]];
  if (pieces.length === 1) return { part: one.part, period: null };
  const periods = pieces.flatMap(({ part }) => periodOf(part.values) ?? []);
  return {
    part: {
      device: one.part.device,
      start: one.start,
      end: Math.max(...pieces.map(({ end }) => end)),
      values: pieces.flatMap(({ part }) => part.values).sort(([a], [b]) => a - b),
      tilts: pieces.flatMap(({ part }) => part.tilts ?? []),
    },
    // Two read-outs that overlap lie close together, which is no period.
    period: periods.length > 0 ? Math.max(...periods) : null,
  };
}

/** The median distance of readings, ms. Null: fewer than two tell none. */
export function periodOf(values: SensorPart['values']): number | null {
  const distances = values
    .slice(1)
    .map(([time], i) => time - (values[i]?.[0] as number))
    .filter((ms) => ms > 0)
    .sort((a, b) => a - b);
  return distances[Math.floor((distances.length - 1) / 2)] ?? null;
}

/** What loggers were bound to, and for how long. What is bound elsewhere has left, though nobody told so. */
function boundsOf(world: ChainWorld): Map<Key, { shipper: Key; bound: Interval }[]> {
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const all = new Map<Key, { shipper: Key; bound: Interval }[]>();
  const close = (list: { shipper: Key; bound: Interval }[], i: number, end: number) => {
    const { shipper, bound } = list[i] as (typeof list)[number];
    list[i] = { shipper, bound: { ...bound, end } };
  };
  const isOpen = ({ bound }: { bound: Interval }) => bound.end === Number.POSITIVE_INFINITY;
  for (const event of [...world.events, ...world.others].sort((a, b) => a.time - b.time)) {
    if (event.type !== 'AssociationEvent' || event.parent === null) continue;
    const shipper = canonical(event.parent);
    const named = event.children.map(canonical);
    for (const logger of event.action === 'DELETE' && named.length === 0 ? all.keys() : named) {
      const list = all.get(logger) ?? [];
      const open = list.findIndex(isOpen);
      const isHere = list[open]?.shipper === shipper;
      if (event.action === 'ADD' && !isHere) {
        if (open >= 0) close(list, open, event.time);
        list.push({ shipper, bound: { start: event.time, end: Number.POSITIVE_INFINITY } });
      }
      if (event.action === 'DELETE' && isHere) close(list, open, event.time);
      // It was bound, since nobody knows when, if it is taken off and was never told to be put on.
      if (event.action === 'DELETE' && list.length === 0) list.push({ shipper, bound: { ...ALWAYS, end: event.time } });
      all.set(logger, list);
    }
  }
  return all;
}

/** Names that profiles give to the way in, the way out and the store: step ids (identity-wire.md §5), or plain words. */
const STAGE_NAMES = { pack: ['pack', 'in'], ship: ['ship', 'out'], store: ['store'] } as const;

/**
 * At which stage a shipper was at a time: by the packing that had filled it last, and before any by its first; what was never packed is in store. The
 * only stage of a profile is every stage.
 */
export function stagesOf(world: ChainWorld, { transport }: Act<'product'>): (shipper: Key, time: number) => Stage | undefined {
  const canonical = (key: Key) => world.aliases.get(key) ?? key;
  const packings = new Map<Key, { time: number; stage: Stage | undefined }[]>();
  const named = (step: string | null) => {
    const names: readonly string[] = step === 'pack' || step === 'ship' || step === 'store' ? STAGE_NAMES[step] : [];
    return transport.find(({ stage }) => names.includes(stage));
  };
  if (transport.length !== 1)
    for (const event of [...world.events].sort((a, b) => a.time - b.time)) {
      if (event.type !== 'AggregationEvent' || event.action !== 'ADD' || event.parent === null) continue;
      const stage = named(stepOf(event, world));
      for (const key of new Set([event.parent, ...event.children].map(canonical)))
        packings.set(key, [...(packings.get(key) ?? []), { time: event.time, stage }]);
    }
  return (shipper, time) => {
    if (transport.length === 1) return transport[0];
    const own = packings.get(shipper);
    if (own === undefined) return named('store');
    return (own.findLast((one) => one.time <= time) ?? own[0])?.stage;
  };
}
