import { stepOf } from '../steps.ts';
import { BIZ_STEP, type StepId } from '../vocabulary.ts';
import type { ChainWorld, Key, WorldAct, WorldEvent } from '../world.ts';
import { correctedTime } from './clock.ts';

/** A check, or an event of a step, at the time that counts. Containers by their one key. */
export type Passage = { readonly seq: number; readonly time: number; readonly step: StepId; readonly things: readonly Key[] };
export type PassedBy = Passage & { readonly event: WorldEvent; readonly attempt: number | null };
export type Checked = Passage & { readonly act: WorldAct<'check'> };

export const canonicalIn =
  ({ aliases }: Pick<ChainWorld, 'aliases'>) =>
  (key: Key): Key =>
    aliases.get(key) ?? key;

/** The checks of a chain's order, in the order in which they were made. Those of others that met it are not among them. */
export function checksOf(world: ChainWorld, orderId: string | null): Checked[] {
  const canonical = canonicalIn(world);
  return world.acts
    .flatMap((act): Checked[] => {
      if (act.kind !== 'check' || act.body.orderId !== orderId) return [];
      const device = act.body.device ?? act.body.offline?.device ?? null;
      const time = correctedTime(world, { device, time: act.time });
      return [{ seq: act.seq, time, step: act.body.checkpoint as StepId, things: act.body.containers.map(canonical), act }];
    })
    .sort((a, b) => a.time - b.time || a.seq - b.seq);
}

/** Events that are steps of the workflow, with what they did something to, in the order of time. */
export function passagesOf(world: ChainWorld): PassedBy[] {
  const canonical = canonicalIn(world);
  return world.events
    .flatMap((event): PassedBy[] => {
      const step = stepOf(event, world);
      // The event of a check tells of the check; it does not go past it. What is destroyed comes to its end from wherever it is, and goes past nothing.
      if (step === null || event.bizStep === BIZ_STEP.identityCheck || event.bizStep === 'destroying') return [];
      const time = correctedTime(world, { device: event.coi.offline?.device ?? null, time: event.time });
      const things = [...event.epcs, ...event.inputs, ...event.children].map(canonical);
      return [{ seq: event.seq, time, step, things, event, attempt: event.coi.attempt }];
    })
    .sort((a, b) => a.time - b.time || a.seq - b.seq);
}

export const timeOf = (world: ChainWorld, event: WorldEvent): number =>
  correctedTime(world, { device: event.coi.offline?.device ?? null, time: event.time });
