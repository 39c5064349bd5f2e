import { BIZ_STEP } from '../vocabulary.ts';
import type { ChainWorld } from '../world.ts';

/** Years for which records about cells that were given must be kept: after their expiry, and after they were given; the longer one holds (INV-30). */
export type Term = { readonly afterExpiry: number; readonly afterUse: number };

/**
 * Until when (ms) who the patient of a chain is must be kept; null where nothing was given to anybody. A product whose expiry nobody stated is taken to
 * expire when it is given: no record goes too early for want of a date.
 */
export function keptUntil(world: Pick<ChainWorld, 'events'>, { afterExpiry, afterUse }: Term): number | null {
  const expiries = new Map<string, number>();
  for (const event of world.events) {
    const at = event.expiry === null ? Number.NaN : Date.parse(event.expiry);
    if (Number.isNaN(at)) continue;
    for (const key of [...event.epcs, ...event.outputs]) expiries.set(key, Math.max(at, expiries.get(key) ?? at));
  }
  let until: number | null = null;
  for (const event of world.events) {
    if (event.bizStep !== BIZ_STEP.infusing) continue;
    const of = [...event.epcs, ...event.inputs].map((key) => expiries.get(key) ?? event.time);
    const expiry = of.length === 0 ? event.time : Math.max(...of);
    until = Math.max(until ?? 0, yearsAfter(expiry, afterExpiry), yearsAfter(event.time, afterUse));
  }
  return until;
}

function yearsAfter(ms: number, years: number): number {
  const date = new Date(ms);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.getTime();
}
