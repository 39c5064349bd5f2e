import type { Key } from '../world.ts';
import type { Out, ShipmentView } from './fold-cold.ts';
import { meanKinetic } from './mean-kinetic.ts';
import { periodOf } from './series.ts';

/** A time out of limits, or without data, as an answer tells it. Times are ms since 1970, temperatures °C. */
export type ShownOut = {
  readonly from: number;
  readonly to: number;
  readonly minutes: number;
  /** Null: nobody knows. */
  readonly extreme: number | null;
  /** Whether quality has accepted all of it. */
  readonly accepted: boolean;
  readonly affected: readonly { readonly thing: Key; readonly minutes: number }[];
  readonly excluded: readonly { readonly thing: Key; readonly reason: string }[];
};
/** One series of readings, summed up. */
export type Shown = {
  readonly subject: Key;
  readonly device: string | null;
  readonly stage: string;
  readonly limits: { readonly low: number; readonly high: number };
  readonly from: number | null;
  readonly to: number | null;
  readonly readings: number;
  readonly periodMs: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Mean kinetic temperature; null where it means nothing: readings at or below 0 °C, or unequal intervals (gaps). */
  readonly mkt: number | null;
  readonly excursions: readonly ShownOut[];
  readonly gaps: readonly ShownOut[];
  readonly tilts: readonly number[];
  readonly calibratedUntil: number | null;
  readonly events: readonly number[];
  /** At most POINTS_MAX; of more, each stretch of the series shows its lowest and its highest. */
  readonly points: readonly (readonly [ms: number, celsius: number])[];
};

/** As many as a chart can show. */
const POINTS_MAX = 2_000;

export function shownSeries({ series, excursions, gaps }: ShipmentView): Shown {
  const { part, pieces, stage } = series;
  const celsius = part.values.map(([, value]) => value);
  const { summary } = part;
  const least = celsius.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = celsius.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const some = celsius.length > 0;
  const calibrated = pieces.flatMap((piece) => piece.part.calibratedUntil ?? []);
  return {
    subject: series.subject,
    device: part.device,
    stage: stage.stage,
    limits: { low: stage.low, high: stage.high },
    from: part.start,
    to: part.end,
    readings: celsius.length,
    periodMs: series.period ?? periodOf(part.values),
    min: some ? least : (summary?.min ?? null),
    max: some ? most : (summary?.max ?? null),
    mean: some ? rounded(celsius.reduce((sum, one) => sum + one, 0) / celsius.length) : (summary?.mean ?? null),
    mkt: gaps.length > 0 ? null : rounded(meanKinetic(celsius)),
    excursions: excursions.map(shownOut),
    gaps: gaps.map(shownOut),
    tilts: part.tilts ?? [],
    calibratedUntil: calibrated.length > 0 ? Math.min(...calibrated) : null,
    events: [...new Set(pieces.map(({ seq }) => seq))],
    points: thinned(part.values, POINTS_MAX),
  };
}

const MINUTE_MS = 60_000;

function shownOut({ start, end, extreme, seq, affected, excluded }: Out): ShownOut {
  return {
    from: start,
    to: end,
    minutes: rounded((end - start) / MINUTE_MS) as number,
    extreme,
    accepted: seq === null,
    affected: affected.map(({ thing, stays }) => ({
      thing,
      minutes: rounded(stays.reduce((sum, stay) => sum + stay.end - stay.start, 0) / MINUTE_MS) as number,
    })),
    excluded: excluded.map(({ thing, reason }) => ({ thing, reason })),
  };
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 100) / 100);

type Points = readonly (readonly [number, number])[];

/** No excursion is lost when a series is drawn with fewer points. */
export function thinned(points: Points, max: number): Points {
  if (points.length <= max) return points;
  const width = Math.ceil((2 * points.length) / max);
  const kept: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += width) {
    const stretch = points.slice(i, i + width);
    const lowest = stretch.reduce((a, b) => (b[1] < a[1] ? b : a));
    const highest = stretch.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(lowest === highest ? [lowest] : [lowest, highest].sort(([a], [b]) => a - b)));
  }
  return kept;
}
