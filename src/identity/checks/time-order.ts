import type { Told } from '../fold-chain.ts';
import { BIZ_STEP, STEPS } from '../vocabulary.ts';
import type { ChainWorld, Found } from '../world.ts';
import { AHEAD_MS } from './clock.ts';
import { canonicalIn, checksOf, timeOf } from './passages.ts';

/** At these steps a container comes into being: it is checked beside its making, or before. */
const MAKING: ReadonlySet<string> = new Set([
  'enrol',
  'schedule',
  'labels',
  'collection',
  'samples',
  'start',
  'process',
  'qc-samples',
  'fill',
]);

/**
 * Checks that appear before what they must follow, and what appears to be in the future: a clock was wrong (C-21). It closes when the offset of that
 * clock is put on record, since the corrected times are what counts.
 */
export function impossibleTimes(world: ChainWorld, told: Told): Found[] {
  const canonical = canonicalIn(world);
  const thawing = world.events.filter(({ bizStep }) => bizStep === BIZ_STEP.thawing);
  const early = checksOf(world, told.order?.orderId ?? null).flatMap(({ seq, time, step, things, act }): Found[] => {
    const before = things.filter((key) => {
      if (MAKING.has(step)) return false;
      const made = told.containers.find((one) => one.key === key)?.made?.time;
      if (made !== undefined && time < made) return true;
      if (STEPS.indexOf(step) < STEPS.indexOf('bedside')) return false;
      return thawing.some((event) => event.epcs.map(canonical).includes(key) && time < timeOf(world, event));
    });
    const ahead = act.time - act.recorded > AHEAD_MS && time - act.recorded > AHEAD_MS;
    return before.length > 0 || ahead ? [{ code: 'COI-TIME', seq, things: before.length > 0 ? before : things }] : [];
  });
  const infused = world.events.flatMap((event): Found[] => {
    if (event.bizStep !== BIZ_STEP.infusing) return [];
    const things = event.epcs
      .map(canonical)
      .filter((key) => thawing.some((one) => one.epcs.map(canonical).includes(key) && timeOf(world, event) < timeOf(world, one)));
    return things.length === 0 ? [] : [{ code: 'COI-TIME', seq: event.seq, things }];
  });
  return [...early, ...infused];
}
