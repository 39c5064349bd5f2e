import type { Told } from '../fold-chain.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import type { ChainWorld, Found, Key, WorldEvent } from '../world.ts';
import { canonicalIn, checksOf, timeOf } from './passages.ts';

/** How old a bedside check may be when the infusion of its bag starts (INV-22). */
export const BEDSIDE_MS = 30 * 60_000;

/** What is wrong with an infusion: another patient, an unchecked bag, one that is past its time (INV-21, 22, 23). */
export function infusions(world: ChainWorld, told: Told): Found[] {
  return infusing(world, told)
    .flatMap(({ event, bags, start, first }): Found[] => {
      const found: Found[] = [];
      const { order } = told;
      if (order !== null && event.coi.recipient !== null && event.coi.recipient !== order.patientRef)
        found.push({ code: 'COI-WRONGPATIENT', seq: event.seq, things: bags });
      const starting = bags.filter((bag) => first.has(bag));
      const unchecked = starting.filter((bag) => !isCheckedAtBedside(world, told, bag, start));
      if (unchecked.length > 0) found.push({ code: 'COI-INFUSED-UNCHECKED', seq: event.seq, things: unchecked });
      const expired = starting.filter(
        (bag) => expiryAt(world, told, bag, start, event.offset) !== null && !isOverridden(world, told, bag, start),
      );
      if (expired.length > 0) found.push({ code: 'COI-EXPIRED', seq: event.seq, things: expired });
      return found;
    })
    .concat(received(world, told));
}

type Infusing = { event: WorldEvent; bags: Key[]; start: number; first: ReadonlySet<Key> };

/** Events by which this chain's bags were given; `first`: those of its bags whose infusion starts with it, for a later event only goes on. */
function infusing(world: ChainWorld, told: Told): Infusing[] {
  const canonical = canonicalIn(world);
  const own = (key: Key) => world.bindings.get(key)?.chains.includes(world.chain) === true;
  const begun = new Set<Key>();
  return world.events
    .filter(({ bizStep, coi }) => bizStep === BIZ_STEP.infusing || (coi.step === 'infuse' && bizStep === null))
    .map((event) => ({ event, start: timeOf(world, event) }))
    .sort((a, b) => a.start - b.start || a.event.seq - b.event.seq)
    .map(({ event, start }) => {
      const bags = [...new Set(event.epcs.map(canonical))].filter((key) => own(key) || told.containers.some((one) => one.key === key));
      const first = new Set(bags.filter((bag) => !begun.has(bag)));
      for (const bag of bags) begun.add(bag);
      return { event, bags, start, first };
    });
}

/** INV-23, seen from the person who was given another's cells: both chains freeze. */
function received(world: ChainWorld, { order }: Told): Found[] {
  if (order === null) return [];
  const canonical = canonicalIn(world);
  return [...world.events, ...world.others].flatMap((event): Found[] => {
    if (event.bizStep !== BIZ_STEP.infusing || event.coi.recipient !== order.patientRef) return [];
    const things = [...new Set(event.epcs.map(canonical))].filter((key) => {
      const chains = world.bindings.get(key)?.chains ?? [];
      // A second therapy of the same person has a chain of its own, and that one judges it.
      return (
        chains.length > 0 &&
        !chains.includes(world.chain) &&
        !event.coi.chain.includes(world.chain) &&
        !isOfPatient(world, chains, order.patientRef)
      );
    });
    return things.length === 0 ? [] : [{ code: 'COI-WRONGPATIENT', seq: event.seq, things }];
  });
}

const isOfPatient = ({ acts }: ChainWorld, chains: readonly string[], patientRef: string): boolean =>
  acts.some((act) => act.kind === 'order' && act.body.patientRef === patientRef && chains.includes(act.body.coiId));

/** INV-22: the last bedside check of this bag for this order in the half hour before; what failed after it counts more. */
export function isCheckedAtBedside(world: ChainWorld, { order }: Pick<Told, 'order'>, bag: Key, start: number): boolean {
  if (order === null) return false;
  const last = checksOf(world, order.orderId).findLast(
    ({ step, things, time }) => step === 'bedside' && things.includes(bag) && time <= start,
  );
  return last !== undefined && last.act.body.result === 'pass' && start - last.time <= BEDSIDE_MS;
}

/** INV-21: since when the bag is past its time, of its label or since it was thawed; null: it is not. */
export function expiryAt(
  world: ChainWorld,
  told: Pick<Told, 'order' | 'containers'>,
  bag: Key,
  start: number,
  offset: string,
): number | null {
  const container = told.containers.find(({ key }) => key === bag);
  if (container === undefined) return null;
  const ends: number[] = [];
  if (container.expiry !== null) ends.push(endOf(container.expiry, offset));
  const minutes = told.order === null ? null : (world.products.get(told.order.product)?.postThawMinutes ?? null);
  if (container.thawed !== null && minutes !== null) ends.push(container.thawed + minutes * 60_000);
  const end = Math.min(...ends);
  return ends.length > 0 && start > end ? end : null;
}

/** A date lasts until its end where the event was. */
function endOf(expiry: string, offset: string): number {
  if (/^\d{4}-\d{2}-\d{2}$/.test(expiry)) return Date.parse(`${expiry}T23:59:59.999${offset === '' ? 'Z' : offset}`);
  return Date.parse(expiry);
}

/** A physician has signed before that this bag is to be given all the same. */
export function isOverridden(world: ChainWorld, { order }: Pick<Told, 'order'>, bag: Key, start: number): boolean {
  const canonical = canonicalIn(world);
  return world.acts.some(
    (act) =>
      act.kind === 'override' &&
      act.body.orderId === order?.orderId &&
      act.time <= start &&
      act.body.containers.map(canonical).includes(bag),
  );
}
