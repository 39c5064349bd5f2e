import type { SensorPart } from './sensor-parts.ts';
import { periodOf } from './series.ts';

export const MINUTE_MS = 60_000;
/** Excursions closer than this are one (domain.md §14). */
export const DEBOUNCE_MS = 5 * MINUTE_MS;
/** Of a series with one point only, which tells no period. */
const PERIOD_DEFAULT_MS = MINUTE_MS;

export type Limits = { readonly low: number; readonly high: number };
/** A stretch of time at a value; null: nobody knows, which is the worst case. ms. */
export type Stretch = { readonly start: number; readonly end: number; readonly celsius: number | null };
export type Excursion = {
  readonly start: number;
  readonly end: number;
  /** The last reading that was out; `end` is later where one reading stands for its period. */
  readonly last: number;
  readonly extreme: number;
  readonly stretches: readonly Stretch[];
};
export type Read = { readonly excursions: readonly Excursion[]; readonly gaps: readonly Stretch[] };

/**
 * Maximal intervals outside of the limits, from the first reading that is out to the last one; a single reading stands for one sampling period. A gap is
 * longer than two periods: an excursion does not reach across it, since it counts by itself.
 */
export function readExcursions(part: SensorPart, limits: Limits, debounceMs = DEBOUNCE_MS, periodMs: number | null = null): Read {
  if (part.values.length === 0) return { excursions: summaryExcursion(part, limits), gaps: [] };
  const period = periodMs ?? periodOf(part.values) ?? PERIOD_DEFAULT_MS;
  const isOut = (celsius: number) => celsius < limits.low || celsius > limits.high;
  const worse = (a: number, b: number) => (beyond(a, limits) >= beyond(b, limits) ? a : b);
  const gaps: Stretch[] = [];
  const runs: Stretch[][] = [];
  let lastOut: readonly [number, number] | null = null;
  part.values.forEach((point, i) => {
    const [time, celsius] = point;
    const before = part.values[i - 1];
    const isGap = before !== undefined && time - before[0] > 2 * period;
    if (isGap) {
      gaps.push({ start: before[0], end: time, celsius: null });
      lastOut = null;
    }
    if (!isOut(celsius)) return;
    const run = runs.at(-1);
    // What lies between two that are joined counts as out.
    if (run !== undefined && lastOut !== null && (lastOut === before || time - lastOut[0] <= debounceMs))
      run.push({ start: lastOut[0], end: time, celsius: worse(lastOut[1], celsius) });
    else runs.push([{ start: time, end: time, celsius }]);
    lastOut = point;
  });
  // A logger that told when it began and ended, and not what was then.
  const [first, last] = [part.values[0]?.[0] as number, part.values.at(-1)?.[0] as number];
  if (part.start !== null && first - part.start > 2 * period) gaps.unshift({ start: part.start, end: first, celsius: null });
  if (part.end !== null && part.end - last > 2 * period) gaps.push({ start: last, end: part.end, celsius: null });
  return {
    gaps,
    excursions: runs.map((run) => {
      const [one, ...more] = run as [Stretch, ...Stretch[]];
      const stretches = more.length > 0 ? more : [{ ...one, end: one.start + period }];
      return {
        start: one.start,
        end: (stretches.at(-1) as Stretch).end,
        last: (run.at(-1) as Stretch).end,
        extreme: run.map(({ celsius }) => celsius as number).reduce(worse),
        stretches,
      };
    }),
  };
}

/** Without points nobody knows when it was out: the minutes that the device tells, at the start; all of the time, where it tells none. */
function summaryExcursion({ summary, start, end }: SensorPart, limits: Limits): Excursion[] {
  if (summary === undefined || start === null || end === null) return [];
  const { min, max, minutesOut } = summary;
  if (min >= limits.low && max <= limits.high) return [];
  const extreme = beyond(max, limits) >= beyond(min, limits) ? max : min;
  const to = minutesOut === null ? Math.max(end, start + PERIOD_DEFAULT_MS) : start + minutesOut * MINUTE_MS;
  return [{ start, end: to, last: to, extreme, stretches: [{ start, end: to, celsius: extreme }] }];
}

const beyond = (celsius: number, { low, high }: Limits): number => Math.max(low - celsius, celsius - high);
