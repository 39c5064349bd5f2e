import { demandsOf } from '../checks/demands.ts';
import { stepOf } from '../steps.ts';
import type { ContainerView, OrderView, Task } from '../view.ts';
import { BIZ_STEP, type OrderState, type StepId } from '../vocabulary.ts';
import type { AnyAct, ChainWorld, WorldEvent } from '../world.ts';
import { isLedPast, oosPathOf } from './oos.ts';
import { ENDED, FAILED, isAfter, isForward, isState } from './state-machine.ts';
import { tasksOf } from './tasks.ts';

/** The state that a step brings an order to, where its event tells it. */
const TOLD: Partial<Record<StepId, OrderState>> = {
  collection: 'collected',
  receive: 'received',
  accept: 'accepted',
  start: 'manufacturing',
  process: 'manufacturing',
  fill: 'fillFinished',
  'qc-samples': 'manufacturing',
  'site-receive': 'atSite',
  'site-store': 'siteAccepted',
  thaw: 'thawed',
};

type Move = { readonly time: number; readonly seq: number; readonly to: OrderState; readonly act: AnyAct | null };

/** The order of a chain, as its events and acts have brought it on (domain.md §12.4): what is told late finds its place by its time. */
export function foldOrder(world: ChainWorld, containers: readonly ContainerView[]): OrderView | null {
  const made = world.acts.find((act) => act.kind === 'order');
  if (made === undefined || made.kind !== 'order') return null;
  const { orderId, patientRef, product, template, collectionSite, manufacturer } = made.body;
  const stages: { state: OrderState; at: number; seq: number }[] = [{ state: 'draft', at: made.time, seq: made.seq }];
  let state = 'draft' as OrderState;
  let returnState: OrderState | null = null;
  let underlying = 'draft' as OrderState;
  let since = made.time;
  let attempt = 1;
  const steps = new Set<StepId>();
  const enter = ({ to, time, seq }: Move) => {
    state = to;
    since = time;
    stages.push({ state: to, at: time, seq });
  };
  for (const move of movesOf(world, containers)) {
    const { to, act } = move;
    if (ENDED.has(state) || state === 'closed') {
      if (act !== null && to === 'closed') enter(move);
      continue;
    }
    // An attempt that has failed is not brought back by what is told of it afterwards.
    if (FAILED.has(state) && act === null) continue;
    if (to === 'recallCollection') {
      attempt++;
      underlying = 'scheduled';
      steps.clear();
      enter(move);
      enter({ ...move, to: 'scheduled' });
      returnState = null;
    } else if (!isForward(to)) {
      if (to === 'onHold') returnState = underlying;
      enter(move);
    } else if (isAfter(to, underlying) || (act !== null && to === underlying && state !== underlying)) {
      underlying = to;
      returnState = null;
      enter(move);
    }
  }
  for (const event of world.events) {
    const step = stepOf(event, world);
    if (step !== null && (event.coi.attempt ?? attempt) === attempt) steps.add(step);
  }
  // A hold on the chain is a hold of its order, until it is lifted.
  const held = world.holds.filter((hold) => hold.lifted === null && !isLedPast(hold, oosPathOf(world)));
  if (held.length > 0 && isForward(state) && state !== 'closed') {
    returnState = state;
    state = 'onHold';
    since = Math.max(since, ...held.map((hold) => timeOf(world, hold.seq) ?? since));
  }
  const site = world.acts.findLast((act) => act.kind === 'order-amendment');
  const treatmentSite = site?.kind === 'order-amendment' ? site.body.treatmentSite : made.body.treatmentSite;
  const release = world.acts.findLast((act) => act.kind === 'release');
  const view: Omit<OrderView, 'tasks'> = {
    orderId,
    patientRef,
    product,
    template,
    treatmentSite,
    collectionSite,
    manufacturer,
    state,
    returnState,
    since,
    attempt,
    steps: [...steps],
    nextCheckpoint: nextCheckpoint(world, template, steps),
    veinToVein: clock(world),
    stages,
    oos: oosPathOf(world)?.oosId ?? null,
    released:
      release?.kind === 'release' ? { releaseId: release.body.releaseId, seq: release.seq, containers: release.body.containers } : null,
  };
  const tasks: Task[] = tasksOf(world, view, containers);
  return { ...view, tasks };
}

const timeOf = (world: ChainWorld, seq: number): number | null =>
  world.events.find((event) => event.seq === seq)?.time ?? world.acts.find((act) => act.seq === seq)?.time ?? null;

/** Everything that brings the order on, in the order of time; what was told at one time in the order of entries. */
function movesOf(world: ChainWorld, containers: readonly ContainerView[]): Move[] {
  const moves: Move[] = [];
  for (const event of world.events) {
    const to = toldBy(event, world, containers);
    if (to !== null) moves.push({ time: event.time, seq: event.seq, to, act: null });
  }
  const doses = containers.filter(({ kind }) => kind === 'dose');
  const last = doses.reduce<ContainerView['end']>(
    (latest, { end }) => (end !== null && end.time >= (latest?.time ?? 0) ? end : latest),
    null,
  );
  // The last bag has come to its end, and at least one was given: what was left over counts with it (C-06).
  if (last !== null && doses.every(({ end }) => end !== null) && doses.some(({ end }) => end?.kind === 'infused'))
    moves.push({ time: last.time, seq: last.seq, to: 'infused', act: null });
  for (const act of world.acts) {
    const { time, seq } = act;
    if (act.kind === 'order-state' && isState(act.body.to)) moves.push({ time, seq, to: act.body.to, act });
    if (act.kind === 'result') moves.push({ time, seq, to: 'qcPending', act: null });
    if (act.kind === 'release') moves.push({ time, seq, to: 'released', act: null });
    if (act.kind === 'check' && act.body.checkpoint === 'bedside' && act.body.result === 'pass')
      moves.push({ time, seq, to: 'verified', act: null });
  }
  return moves.sort((a, b) => a.time - b.time || a.seq - b.seq);
}

function toldBy(event: WorldEvent, world: ChainWorld, containers: readonly ContainerView[]): OrderState | null {
  if (event.bizStep === BIZ_STEP.identityCheck || event.bizStep === BIZ_STEP.handingOver || event.bizStep === BIZ_STEP.printingLabels)
    return null;
  const step = stepOf(event, world);
  if (step === null) return null;
  if (event.bizStep === 'shipping' || event.bizStep === 'departing') return step === 'ship' ? 'inTransitOut' : 'inTransitIn';
  if (step === 'site-receive') return event.bizStep === 'accepting' ? 'siteAccepted' : 'atSite';
  if (step === 'infuse') {
    const doses = containers.filter(({ kind }) => kind === 'dose');
    const left = doses.some(({ end }) => end === null || end.time > event.time);
    return event.action === 'DELETE' && !left ? 'infused' : 'infusing';
  }
  // A result before dose bags are there, or an aggregation, brings nothing on.
  if (event.type === 'AggregationEvent' || event.type === 'AssociationEvent') return null;
  return TOLD[step] ?? null;
}

function nextCheckpoint(world: ChainWorld, template: OrderView['template'], steps: ReadonlySet<StepId>): StepId | null {
  const passed = new Set(world.acts.flatMap((act) => (act.kind === 'check' && act.body.result === 'pass' ? [act.body.checkpoint] : [])));
  const demand = demandsOf(template).find(
    ({ step, optional, checkpoint }) => checkpoint !== null && !optional && !passed.has(step) && !steps.has(step),
  );
  return demand?.step ?? null;
}

/** Vein-to-vein: from the start of the first collection that was used to the start of the infusion (domain.md §16). */
function clock(world: ChainWorld): OrderView['veinToVein'] {
  const from = world.events.filter((event) => stepOf(event, world) === 'collection').map(({ time }) => time);
  const to = world.events.filter((event) => event.bizStep === BIZ_STEP.infusing).map(({ time }) => time);
  return { from: from.length === 0 ? null : Math.min(...from), to: to.length === 0 ? null : Math.min(...to) };
}
