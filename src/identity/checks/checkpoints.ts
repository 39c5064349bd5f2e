import { contentsAsOf } from '../contents.ts';
import type { CheckpointView, OrderView } from '../view.ts';
import { STEPS, type StepId } from '../vocabulary.ts';
import type { ChainWorld, Found, Key } from '../world.ts';
import { type Demand, demandsOf } from './demands.ts';
import { type Checked, checksOf, type PassedBy, passagesOf } from './passages.ts';

/** Where an existing bag is looked at by itself, each one: elsewhere a step is checked as a whole, since its vessels come and go within it. */
const EACH_BAG: ReadonlySet<StepId> = new Set([
  'hold',
  'pack',
  'receive',
  'accept',
  'store',
  'ship',
  'site-receive',
  'site-store',
  'thaw',
  'bedside',
]);
/** What comes before the first collection is done once, however often is collected. */
const ONCE: ReadonlySet<StepId> = new Set(['enrol', 'schedule', 'labels']);

const placeOf = (step: StepId): number => STEPS.indexOf(step);

/** Which checkpoints of the pinned template are covered by passed checks (INV-08). */
export function foldCheckpoints(world: ChainWorld, order: OrderView | null): CheckpointView[] {
  return coverage(world, order).map(({ view }) => view);
}

/** INV-08: what went on without the check of the checkpoint before it, or before that check. */
export function uncheckedPassages(world: ChainWorld, order: OrderView | null): Found[] {
  return coverage(world, order).flatMap(({ missed }) => missed.map(({ seq, things }) => ({ code: 'COI-NOCHECK', seq, things })));
}

type Missed = { seq: number; things: readonly Key[] };
type Coverage = { view: CheckpointView; missed: Missed[] };

function coverage(world: ChainWorld, order: OrderView | null): Coverage[] {
  if (order === null) return [];
  const demands = demandsOf(order.template).filter(({ checkpoint }) => checkpoint !== null);
  const checks = checksOf(world, order.orderId);
  const inside = contentsAsOf(world);
  const samples = new Set(world.events.flatMap((one) => (one.coi.from !== null || one.bizStep === 'sampling' ? one.epcs : [])));
  const bound = (key: Key) => world.bindings.get(key)?.chains.includes(world.chain) === true && !samples.has(key);
  const passages = numbered(passagesOf(world)).map((one) => ({ ...one, things: inside(one.things, one.event).filter(bound) }));
  const attempts = Math.max(order.attempt, ...passages.map(({ attempt }) => attempt));
  const all: Coverage[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const before = passages.filter((one) => one.attempt < attempt);
    const own = passages.filter((one) => one.attempt === attempt);
    for (const demand of demands) {
      if (attempt > 1 && ONCE.has(demand.step)) continue;
      // What went past the checkpoint in the attempt before had its own check.
      const since = before.filter(({ step }) => placeOf(step) > placeOf(demand.step)).map(({ time }) => time);
      const mine = checks.filter(({ step, time }) => step === demand.step && since.every((one) => one < time));
      const covered = coverOf(demand, own, mine, inside);
      if (covered !== null) all.push({ view: { step: demand.step, attempt, ...covered.view }, missed: covered.missed });
    }
  }
  return all;
}

type Numbered = PassedBy & { readonly attempt: number };

/** An event that names no attempt is of the one that was on at its time. */
function numbered(passages: readonly PassedBy[]): Numbered[] {
  let current = 1;
  return passages.map((one) => {
    current = Math.max(current, one.attempt ?? current);
    return { ...one, attempt: one.attempt ?? current };
  });
}

type Inside = ReturnType<typeof contentsAsOf>;

function coverOf(
  demand: Demand,
  passages: readonly Numbered[],
  checks: readonly Checked[],
  inside: Inside,
): { view: Pick<CheckpointView, 'state' | 'checks'>; missed: Missed[] } | null {
  const { step } = demand;
  const at = passages.filter((one) => one.step === step);
  if (demand.optional && at.length === 0 && checks.length === 0) return null;
  const later = passages.filter((one) => placeOf(one.step) > placeOf(step));
  const bags = EACH_BAG.has(step) ? bagsAt(step, at, later) : [];
  const guards: { passage: Numbered; bag: Key | null }[] =
    bags.length > 0
      ? bags.flatMap((bag) => {
          const next = later.find((one) => one.things.includes(bag) && notBefore(one, at, bag));
          return next === undefined ? [] : [{ passage: next, bag }];
        })
      : later.slice(0, 1).map((passage) => ({ passage, bag: null }));
  const about = (bag: Key | null) =>
    checks.filter(({ things, time }) => bag === null || things.length === 0 || inside(things, time).includes(bag));
  const missed: Missed[] = [];
  let late = false;
  for (const { passage, bag } of guards) {
    const last = about(bag).findLast(({ time }) => time <= passage.time);
    if (last?.act.body.result === 'pass') continue;
    late ||= about(bag).some(({ time, act }) => time > passage.time && act.body.result === 'pass');
    missed.push({ seq: passage.seq, things: bag === null ? passage.things : [bag] });
  }
  const failed = checks.at(-1)?.act.body.result === 'fail';
  const passed = checks.some(({ act }) => act.body.result === 'pass') && bags.every((bag) => about(bag).at(-1)?.act.body.result === 'pass');
  const state = failed ? 'failed' : missed.length > 0 ? (late ? 'late' : 'missing') : passed ? 'passed' : 'open';
  return { view: { state, checks: checks.map(({ act }) => act.body.checkId) }, missed };
}

/** The bags that a checkpoint has to look at one by one: at the bedside those that are given, elsewhere those of the step's own events. */
function bagsAt(step: StepId, at: readonly Numbered[], later: readonly Numbered[]): Key[] {
  const from = step === 'bedside' ? later.filter((one) => one.step === 'infuse') : at;
  return [...new Set(from.flatMap(({ things }) => things))];
}

/** A bag that went through the step again later is guarded by what followed the first time. */
const notBefore = (next: Numbered, at: readonly Numbered[], bag: Key): boolean => {
  const own = at.filter(({ things }) => things.includes(bag));
  return own.length === 0 || own.some(({ time, seq }) => time < next.time || (time === next.time && seq < next.seq));
};
