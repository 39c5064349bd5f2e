import { contentsAsOf } from '../contents.ts';
import type { ContainerView, CustodyView } from '../view.ts';
import type { ChainWorld, Found, Key, WorldAct, WorldEvent } from '../world.ts';
import { sealText } from './seals.ts';

/** How long nobody may have it, between giving and receiving (choice; domain.md INV-17). */
export const GAP_MS = 30 * 60_000;

type Handover = CustodyView['handovers'][number];

/** Who had it, from hand-over to hand-over (INV-17): of each thing, and of what was inside of it. */
export function foldCustody(world: ChainWorld, containers: readonly ContainerView[]): { view: CustodyView; findings: Found[] } {
  const acts = world.acts
    .filter((act): act is WorldAct<'handover'> & typeof act => act.kind === 'handover')
    .sort((a, b) => a.time - b.time || a.seq - b.seq);
  const bags = new Set(containers.map(({ key }) => key));
  const inside = contentsAsOf(world);
  const last = new Map<Key, WorldAct<'handover'>>();
  const findings: Found[] = [];
  const handovers = acts.map((act): Handover => {
    const { body } = act;
    const named = [...body.containers, ...(body.shipment === null ? [] : [body.shipment])];
    const things = inside(named, act.time);
    const gaps = new Set<string>();
    const broken: Key[] = [];
    const otherSeal: Key[] = [];
    for (const thing of things) {
      const before = last.get(thing);
      const why = discontinuity(before, act);
      if (why !== null) {
        gaps.add(why);
        broken.push(thing);
      }
      if (before !== undefined && sealDiffers(world, thing, before, act)) otherSeal.push(thing);
      last.set(thing, act);
    }
    if (saysBroken(body.condition)) otherSeal.push(...named);
    if (broken.length > 0) findings.push({ code: 'COC-GAP', seq: act.seq, things: broken });
    if (otherSeal.length > 0) findings.push({ code: 'COC-SEAL', seq: act.seq, things: [...new Set(otherSeal)] });
    return {
      handoverId: body.handoverId,
      seq: act.seq,
      time: act.time,
      giver: body.giver,
      receiver: body.receiver,
      place: body.place,
      seals: body.seals,
      things: things.filter((thing) => bags.has(thing) || named.includes(thing)),
      gap: gaps.size === 0 ? null : [...gaps].join('; '),
    };
  });
  findings.push(...unaccompanied(world, acts, inside, bags));
  return { view: { handovers, gaps: findings.filter(({ code }) => code === 'COC-GAP').length }, findings };
}

/** Why one hand-over does not go on from the one before it; null: it does, or it is the first. */
function discontinuity(before: WorldAct<'handover'> | undefined, act: WorldAct<'handover'>): string | null {
  const given = act.signatures.find(({ person }) => person === act.body.giver)?.at;
  const taken = act.signatures.find(({ person }) => person === act.body.receiver)?.at;
  if (given !== undefined && taken !== undefined && Math.abs(taken - given) > GAP_MS)
    return `${Math.round(Math.abs(taken - given) / 60_000)} minutes between giving and receiving`;
  if (before === undefined) return null;
  if (before.body.receiver !== act.body.giver) return `received by ${before.body.receiver}, then given by ${act.body.giver}`;
  const takenBefore = before.signatures.find(({ person }) => person === before.body.receiver)?.at;
  // The signing times of acts that were put on record late say nothing; those of one day do.
  if (given !== undefined && takenBefore !== undefined && given < takenBefore && act.time < before.time)
    return 'given on before it was received';
  return null;
}

/** It has another seal than it was sent with, and was not opened in between by an event that says so. */
function sealDiffers(world: ChainWorld, thing: Key, before: WorldAct<'handover'>, act: WorldAct<'handover'>): boolean {
  const opened = world.events.some(
    (event) =>
      event.type === 'AggregationEvent' &&
      event.time >= before.time &&
      event.time <= act.time &&
      (event.parent === thing || event.children.includes(thing)),
  );
  if (opened) return false;
  const [sent, came] = [sealsOf(before), sealsOf(act)];
  if (sent.size === 0) return false;
  return sent.size !== came.size || [...sent].some((seal) => !came.has(seal));
}

const sealsOf = ({ body }: WorldAct<'handover'>): Set<string> => new Set(body.seals.map(sealText));

/** The condition is the parties' own words; these say that the seal was not whole. */
const saysBroken = (condition: string | null): boolean =>
  condition !== null &&
  /\b(broken|missing|opened|tampered|damaged)\b/i.test(condition) &&
  !/\b(not|un)\W*(broken|missing|opened|tampered|damaged)\b/i.test(condition);

const SHIPPED: ReadonlySet<string> = new Set(['shipping', 'departing']);
const RECEIVED: ReadonlySet<string> = new Set(['receiving', 'arriving']);

/** What was shipped and received with nobody vouching for who had it on the way. */
function unaccompanied(
  world: ChainWorld,
  handovers: readonly WorldAct<'handover'>[],
  inside: ReturnType<typeof contentsAsOf>,
  bags: ReadonlySet<Key>,
): Found[] {
  const shipped = new Map<Key, number>();
  const found: Found[] = [];
  for (const event of world.events) {
    if (SHIPPED.has(event.bizStep ?? '')) for (const key of moved(event, inside, bags)) shipped.set(key, event.time);
    if (!RECEIVED.has(event.bizStep ?? '')) continue;
    const things = moved(event, inside, bags).filter((key) => {
      const since = shipped.get(key);
      shipped.delete(key);
      if (since === undefined) return false;
      return !handovers.some(
        (act) =>
          act.time >= since - GAP_MS &&
          act.time <= event.time + GAP_MS &&
          inside([...act.body.containers, ...(act.body.shipment === null ? [] : [act.body.shipment])], act.time).includes(key),
      );
    });
    if (things.length > 0) found.push({ code: 'COC-GAP', seq: event.seq, things });
  }
  return found;
}

const moved = (event: WorldEvent, inside: ReturnType<typeof contentsAsOf>, bags: ReadonlySet<Key>): Key[] =>
  inside([...event.epcs, ...event.children], event.time).filter((key) => bags.has(key));
