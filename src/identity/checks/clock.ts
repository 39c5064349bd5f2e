import type { ChainWorld } from '../world.ts';

/** What a time was told by. Null: not by a device that is known. */
type Teller = { readonly device: string | null; readonly time: number };

/**
 * When something really was, where the clock of its device is on record as having been off (C-21). `offset` is how far the clock ran ahead, in ms. What
 * was told stays as it was told; judgements go by this.
 */
export function correctedTime({ acts }: Pick<ChainWorld, 'acts'>, { device, time }: Teller): number {
  if (device === null) return time;
  const offsets = acts.flatMap((act) =>
    act.kind === 'clock-offset' && act.body.device === device && act.body.from <= time && time <= act.body.until ? [act.body.offset] : [],
  );
  // The last word on it counts.
  return time - (offsets.at(-1) ?? 0);
}

/** An event later than the service knows of by more than this was told by a wrong clock. */
export const AHEAD_MS = 5 * 60_000;
