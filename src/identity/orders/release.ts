import { separate, signedBy } from '../../access/index.ts';
import { LotlineError, type Unmet } from '../../errors.ts';
import { FINDINGS, type FindingCode } from '../../lifecycle/findings.ts';
import type { Decide } from '../deciding.ts';
import type { ChainView } from '../view.ts';
import { STEPS } from '../vocabulary.ts';
import type { ChainWorld, Key } from '../world.ts';
import { orderOf } from './decide-order.ts';
import { isLedPast, oosPathOf } from './oos.ts';
import { ENDED, FAILED } from './state-machine.ts';

/** Findings that a release has to wait for; the others are weighed by who reviews. */
const WEIGHTY: ReadonlySet<string> = new Set(['critical', 'patient-safety']);
export const isWeighty = (code: string): boolean => WEIGHTY.has(FINDINGS[code as FindingCode].severity);

/** Everything that stands against the release of these containers (domain.md §15, release gate with COI); empty: nothing. */
export function unmetForRelease(world: ChainWorld, view: ChainView, containers: readonly Key[]): Unmet[] {
  const unmet: Unmet[] = [];
  const { order } = view;
  if (order === null || ENDED.has(order.state) || FAILED.has(order.state) || order.state === 'closed')
    unmet.push({
      code: 'ORD-CANCELLED',
      things: order === null ? [] : [order.orderId],
      message: `the order is ${order?.state ?? 'unknown'}`,
    });
  const mine = new Map(view.containers.map((one) => [one.key, one]));
  for (const key of containers) {
    const container = mine.get(world.aliases.get(key) ?? key);
    if (container === undefined) {
      unmet.push({ code: 'COI-DISAGREE', things: [key], message: 'this is not of the chain of the order' });
      continue;
    }
    if (container.end !== null) unmet.push({ code: 'COI-OPEN', things: [key], message: `this was ${container.end.kind} already` });
    const { chains } = world.bindings.get(container.key) ?? { chains: [] };
    if (chains.length !== 1) unmet.push({ code: 'COI-MIX', things: [key], message: 'this is of more than one chain' });
    if (container.rebound)
      unmet.push({ code: 'COI-UNBOUND', things: [key], message: 'this was bound anew by evidence: the default is not to use it' });
  }
  const before = (step: string) => (STEPS as readonly string[]).indexOf(step) < (STEPS as readonly string[]).indexOf('release');
  for (const { step, state, attempt } of view.checkpoints) {
    if (!before(step) || state === 'passed' || (attempt !== null && order !== null && attempt !== order.attempt)) continue;
    if (state === 'open') continue; // a step that did not happen demands nothing
    unmet.push({ code: 'COI-NOCHECK', step, things: [], message: `the checkpoint ${step} is ${state}` });
  }
  for (const { handoverId, gap, things } of view.custody.handovers)
    if (gap !== null && !isAssessed(world, handoverId))
      unmet.push({ code: 'COC-GAP', step: 'pickup', things: [...things], message: `custody is not continuous: ${gap}` });
  for (const job of view.labels)
    if (job.state !== 'reconciled' && job.state !== 'void')
      unmet.push({
        code: 'COI-LABEL',
        step: 'labels',
        things: [job.jobId],
        message: `labels of this job are not accounted for (${job.state})`,
      });
  const oos = oosPathOf(world);
  const attempts = new Set(containers.map((key) => mine.get(world.aliases.get(key) ?? key)?.attempt ?? null));
  const results = world.acts.filter((act) => act.kind === 'result' && isOfAttempt(view, world, act.body.sample, attempts));
  if (results.length === 0) unmet.push({ code: 'REL-MISSING', step: 'qc', things: [], message: 'there is no result of any test' });
  for (const act of results) {
    if (act.kind !== 'result' || (act.body.verdict === 'pass' && act.body.computed !== 'oos')) continue;
    if ((oos === null || act.seq > oos.seq) && !isRepeated(world, act.body.sample, act.body.test, act.seq))
      unmet.push({
        code: 'OOS-PATH',
        step: 'qc',
        things: [act.body.sample],
        message: `${act.body.test} is out of specification, and there is no signed path for it`,
      });
  }
  for (const hold of view.holds) {
    if (hold.lifted !== null || isLedPast(hold, oos)) continue;
    unmet.push({ code: 'HOLD-ACTIVE', things: [hold.id, ...hold.things], message: `a hold is open: ${hold.reason}` });
  }
  for (const { code, seq, things } of view.findings) {
    if (!isWeighty(code) || (code === 'QC-OOS' && oos !== null && seq < oos.seq) || unmet.some((one) => one.code === code)) continue;
    unmet.push({ code, things: [...things], message: FINDINGS[code as FindingCode].says });
  }
  return unmet;
}

/** Whether a result is of the attempt that is asked for; where a sample or a container names none, of any. */
export function isOfAttempt(
  { containers }: Pick<ChainView, 'containers'>,
  { aliases }: Pick<ChainWorld, 'aliases'>,
  sample: Key,
  attempts: ReadonlySet<number | null>,
): boolean {
  const attempt = containers.find(({ key }) => key === (aliases.get(sample) ?? sample))?.attempt ?? null;
  return attempt === null || attempts.has(null) || attempts.has(attempt);
}

/** Quality has looked at a gap of custody and accepted it. */
const isAssessed = (world: ChainWorld, id: string): boolean =>
  world.acts.some((act) => act.kind === 'resolution' && act.body.checkId === id);

/** A later result of the same test that is in its limits. */
const isRepeated = (world: ChainWorld, sample: string, test: string, seq: number): boolean =>
  world.acts.some(
    (act) =>
      act.kind === 'result' &&
      act.seq > seq &&
      act.body.test === test &&
      act.body.sample !== sample &&
      act.body.verdict === 'pass' &&
      act.body.computed !== 'oos',
  );

/** The gate of a patient's lot: nothing is open, one has reviewed, a Qualified Person releases, and neither had a hand in making or checking it. */
export const decideRelease: Decide<'release'> = async (context, { orderId, containers }) => {
  const { view } = await orderOf(context, orderId);
  const world = await context.world(view.chain);
  const unmet = unmetForRelease(world, view, containers);
  if (unmet.length > 0)
    throw new LotlineError('REL-MISSING', `the release waits for ${unmet.length} things`, {
      at: '/containers',
      fix: 'Settle each of them; unmet names them.',
      things: [...new Set(unmet.flatMap(({ things }) => things))],
      unmet,
    });
  const { signatures } = context;
  const released = signedBy(signatures, 'released', ['qp']);
  const reviewed = signedBy(
    signatures.filter(({ person }) => person !== released.person),
    'reviewed',
    ['qaReviewer', 'qp'],
  );
  separate([released, reviewed], hands(world));
};

/** Who made, checked or handed over, by their signatures, in acts that are no decisions of quality. */
function hands(world: ChainWorld): Set<string> {
  const people = new Set<string>();
  for (const act of world.acts)
    if (act.kind === 'check' || act.kind === 'handover' || act.kind === 'clearance' || act.kind === 'result')
      for (const { person, meaning } of act.signatures)
        if (meaning === 'verified_identity' || meaning === 'authored' || meaning === 'handed_over' || meaning === 'received')
          people.add(person);
  return people;
}
