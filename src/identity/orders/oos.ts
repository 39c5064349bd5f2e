import type { ChainWorld } from '../world.ts';

/** A signed and complete out-of-specification path (INV-20): only such a one is put on record. It stands for what was known when it was signed. */
export type OosPath = { readonly oosId: string; readonly seq: number };

/** The newest one of an order. */
export function oosPathOf(world: Pick<ChainWorld, 'acts'>): OosPath | null {
  const path = world.acts.findLast((act) => act.kind === 'oos');
  return path?.kind === 'oos' ? { oosId: path.body.oosId, seq: path.seq } : null;
}

/** Whether a hold is one of results that the path leads past. */
export const isLedPast = ({ codes, seq }: { readonly codes: readonly string[]; readonly seq: number }, path: OosPath | null): boolean =>
  path !== null && seq < path.seq && codes.every((code) => code === 'QC-OOS');
