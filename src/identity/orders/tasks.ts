import type { ContainerView, OrderView, Task } from '../view.ts';
import type { ChainWorld } from '../world.ts';
import { ENDED, FAILED, isAtLeast } from './state-machine.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Until what is left over is decided about: a choice, like the others here. */
const DECIDE_MS = 5 * DAY;

/** What people have to do now, and by when: consequences of how an order ended (domain.md §12.4), and what is open besides. */
export function tasksOf(world: ChainWorld, order: Omit<OrderView, 'tasks'>, containers: readonly ContainerView[]): Task[] {
  return [...consequences(world, order, containers), ...openChecks(world), ...openHolds(world)];
}

function consequences(world: ChainWorld, order: Omit<OrderView, 'tasks'>, containers: readonly ContainerView[]): Task[] {
  const { state, since, stages } = order;
  if (!ENDED.has(state) && !FAILED.has(state)) return [];
  const before =
    stages.findLast((stage) => stage.at <= since && stage.state !== state && !ENDED.has(stage.state) && !FAILED.has(stage.state))?.state ??
    'draft';
  const left = containers.filter(({ end }) => end === null).map(({ key }) => key);
  const decided = new Set(world.acts.flatMap((act) => (act.kind === 'material-decision' ? act.body.containers : [])));
  const undecided = left.filter((key) => !decided.has(key));
  const tasks: Task[] = [];
  const add = (task: string, who: string, due: number | null, things: readonly string[] = []) =>
    tasks.push({ task, due: due === null ? null : since + due, things, for: who });
  if (ENDED.has(state) && !isAtLeast(before, 'released')) add('free the collection and manufacturing slots', 'coiCoordinator', DAY);
  if (isAtLeast(before, 'collected') && !isAtLeast(before, 'inTransitIn')) add('stop the courier', 'coiCoordinator', HOUR, left);
  if (isAtLeast(before, 'inTransitIn') && !isAtLeast(before, 'received'))
    add('re-route, or receive to quarantine', 'coiCoordinator', HOUR, left);
  if (isAtLeast(before, 'manufacturing') && !isAtLeast(before, 'released')) add('stop at a safe point and hold', 'operator', HOUR, left);
  if (isAtLeast(before, 'released') && !isAtLeast(before, 'inTransitOut')) add('do not ship', 'warehouse', HOUR, left);
  if (isAtLeast(before, 'inTransitOut') && !isAtLeast(before, 'infused'))
    add('recall the shipment; the site quarantines it', 'coiCoordinator', HOUR, left);
  if (isAtLeast(before, 'ready') && !isAtLeast(before, 'infused'))
    add('conditioning has started: tell physician and medical monitor at once', 'treatmentSite', HOUR);
  if (undecided.length > 0) add('decide about the material: destroy, retain, research or return', 'qaReviewer', DECIDE_MS, undecided);
  if (FAILED.has(state)) add('recall the collection, or cancel the order', 'coiCoordinator', DAY);
  // What was decided and has not happened yet.
  for (const act of world.acts) {
    if (act.kind !== 'material-decision' || (act.body.decision !== 'destroy' && act.body.decision !== 'return')) continue;
    const open = act.body.containers.filter((key) => left.includes(key));
    if (open.length > 0)
      tasks.push({
        task: act.body.decision,
        due: act.body.due === null ? act.time + DECIDE_MS : Date.parse(act.body.due),
        things: open,
        for: 'operator',
      });
  }
  return tasks;
}

function openChecks(world: ChainWorld): Task[] {
  const resolved = new Set(world.acts.flatMap((act) => (act.kind === 'resolution' ? [act.body.checkId] : [])));
  return world.acts.flatMap((act) =>
    act.kind === 'check' && act.body.result === 'fail' && !resolved.has(act.id)
      ? [
          {
            task: `resolve the failed identity check ${act.id}`,
            due: act.time + HOUR,
            things: act.body.containers,
            for: 'qaReviewer',
            code: 'COI-MISMATCH',
          },
        ]
      : [],
  );
}

const openHolds = (world: ChainWorld): Task[] =>
  world.holds
    .filter(({ lifted }) => lifted === null)
    .map(({ id, reason, things, codes }) => ({
      task: `decide about the hold ${id}: ${reason}`,
      due: null,
      things,
      for: 'qaReviewer',
      ...(codes[0] !== undefined && { code: codes[0] }),
    }));
