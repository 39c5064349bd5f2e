import type { Unmet } from '../../errors.ts';
import type { ChainView, ContainerView } from '../view.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import type { ChainWorld } from '../world.ts';

/** By how much of itself a volume may be measured wrongly. */
const VOLUME_TOLERANCE = 0.1;

/** Kept on purpose, by a decision or as a retention sample: an end as well (domain.md §12.5). */
function isSettled(world: ChainWorld, container: ContainerView): boolean {
  if (container.end !== null) return true;
  const decided = world.acts.some(
    (act) =>
      act.kind === 'material-decision' &&
      (act.body.decision === 'retain' || act.body.decision === 'research') &&
      act.body.containers.includes(container.key),
  );
  return decided || isRetained(world, container);
}

/** A retention sample that was put away: its place is its end (domain.md §12.5). */
function isRetained({ events }: ChainWorld, { key, kind }: ContainerView): boolean {
  const last = events.findLast(
    (event) => event.type === 'ObjectEvent' && event.epcs.includes(key) && event.bizStep !== BIZ_STEP.identityCheck,
  );
  return kind === 'sample' && last?.bizStep === 'storing';
}

/** What keeps an order from being closed (INV-25): everything must have come to an end, and be accounted for. */
export function unmetForClosing(world: ChainWorld, view: ChainView): Unmet[] {
  const unmet: Unmet[] = [];
  for (const container of view.containers) {
    if (isSettled(world, container)) continue;
    unmet.push({
      code: 'COI-OPEN',
      things: [container.key],
      message: `this ${container.kind} has no end: infused, destroyed, used, retained or returned`,
    });
  }
  for (const job of view.labels) {
    if (job.state === 'reconciled' || job.state === 'void') continue;
    unmet.push({
      code: 'COI-LABEL',
      step: 'labels',
      things: [job.jobId],
      message: `labels of this job are not accounted for (${job.state})`,
    });
  }
  const doses = view.containers.filter(({ kind }) => kind === 'dose');
  const byAttempt = new Map<number | null, ContainerView[]>();
  for (const dose of doses) byAttempt.set(dose.attempt, [...(byAttempt.get(dose.attempt) ?? []), dose]);
  for (const [, bags] of byAttempt) {
    const filled = Math.max(0, ...bags.map(({ bag }) => bag?.of ?? 0));
    if (filled > bags.length)
      unmet.push({
        code: 'COI-VOLUME',
        step: 'fill',
        things: bags.map(({ key }) => key),
        message: `${bags.length} of ${filled} dose bags are known`,
      });
  }
  for (const { key, volume, given } of view.containers) {
    if (volume === null || given === null || volume.uom !== given.uom || given.value <= volume.value * (1 + VOLUME_TOLERANCE)) continue;
    unmet.push({
      code: 'COI-VOLUME',
      step: 'infuse',
      things: [key],
      message: `${given.value} ${given.uom} were given of a bag with ${volume.value} ${volume.uom}`,
    });
  }
  for (const hold of view.holds)
    if (hold.lifted === null)
      unmet.push({ code: 'HOLD-ACTIVE', things: [hold.id, ...hold.things], message: `a hold is open: ${hold.reason}` });
  return unmet;
}
