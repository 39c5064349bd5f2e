import { sql } from 'drizzle-orm';
import { keysOf } from '../../lifecycle/present.ts';
import type { Db } from '../../store/db.ts';
import { holdsText } from '../../store/sql.ts';
import { foldChain } from '../fold-chain.ts';
import { aliasesOf, bindingsOf, canonicalKey, holdsOf, loadWorld, nodesOf, worldEvents } from '../load-world.ts';
import type { ChainView } from '../view.ts';
import { type Binding, type ChainWorld, type Key, UNBOUND, type WorldEvent } from '../world.ts';
import { type ContainerAnswer, containerAnswer, type HoldAnswer, holdsOn } from './container-answer.ts';
import { viewsOf } from './exposure.ts';
import { type FhirResource, fhirBundle, fhirProduct } from './fhir.ts';
import { type Kpi, type KpiFilter, kpisOf } from './kpis.ts';
import { type MissingCheck, missingChecks } from './missing-checks.ts';
import { orderFacts } from './order-facts.ts';
import { reach } from './reach.ts';
import { type CoPresence, coPresence, type Stay, staysOf } from './stays.ts';
import { peopleDemanded } from './template-demands.ts';
import { type TimelineEntry, timelineOf } from './timeline.ts';

export type ChainAnswer = {
  readonly coiId: string;
  readonly orderId: string | null;
  readonly state: string | null;
  readonly timeline: readonly TimelineEntry[];
  readonly findings: readonly { readonly code: string; readonly seq: number; readonly things: readonly Key[] }[];
  readonly holds: readonly HoldAnswer[];
  readonly view: ChainView;
};

/** A chain's timeline with its findings and holds. Null: nothing here ever named it. `now` in ms. */
export async function chainTimeline(db: Db, args: { chain: string; now: number }): Promise<ChainAnswer | null> {
  const world = await knownWorld(db, args);
  if (world === null) return null;
  const view = foldChain(world);
  return {
    coiId: args.chain,
    orderId: orderFacts(world, view)?.orderId ?? null,
    state: view.order?.state ?? null,
    timeline: timelineOf(world, view),
    findings: view.findings,
    holds: holdsOn(view.holds, 'all'),
    view,
  };
}

/** A chain's world, or null where nothing here ever named the chain. */
export async function knownWorld(db: Db, { chain, now }: { chain: string; now: number }): Promise<ChainWorld | null> {
  const [known] = await db.all(sql`SELECT 1 AS one FROM coi_chain WHERE chain = ${chain}`);
  return known === undefined ? null : await loadWorld(db, chain, now);
}

type Known = { key: Key; aliases: Key[]; binding: Binding; views: Map<string, ChainView>; events: WorldEvent[] };

/** What is known of a container, sample or any material, by any of its keys. Null: nothing here names it. */
async function knownThing(db: Db, asked: Key): Promise<Known | null> {
  const key = await canonicalKey(db, asked);
  const aliases = [...(await aliasesOf(db, [key]))].flatMap(([alias, to]) => (to === key ? [alias] : []));
  const nodes = await nodesOf(db, [key, ...aliases]);
  if (nodes.size === 0) return null;
  const bindings = await bindingsOf(db, [key, ...aliases]);
  const own = [...bindings.values()];
  const all = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat())].sort();
  const binding =
    own.length === 0 ? UNBOUND : { chains: all(own.map(({ chains }) => chains)), donors: all(own.map(({ donors }) => donors)) };
  const [items, lots] = [[...nodes.values()].filter((node) => node > 0), [...nodes.values()].filter((node) => node < 0)];
  const rows: { seq: number }[] = [];
  for (const node of items)
    rows.push(
      ...(await db.all<{ seq: number }>(
        sql`SELECT p.seq FROM event_item p CROSS JOIN coi_event c ON c.seq = p.seq WHERE p.item = ${node}`,
      )),
    );
  for (const node of lots)
    rows.push(
      ...(await db.all<{ seq: number }>(sql`SELECT p.seq FROM event_lot p CROSS JOIN coi_event c ON c.seq = p.seq WHERE p.lot = ${-node}`)),
    );
  return {
    key,
    aliases,
    binding,
    views: await viewsOf(db, binding.chains),
    events: await worldEvents(
      db,
      rows.map(({ seq }) => seq),
    ),
  };
}

/** Whose a container is, what holds it, how it ended. Null: nothing here names it. */
export async function containerIdentity(db: Db, args: { key: Key }): Promise<ContainerAnswer | null> {
  const known = await knownThing(db, args.key);
  if (known === null) return null;
  const { key, aliases, binding, views, events } = known;
  const ancestry = await ancestryOf(db, [key, ...aliases]);
  const holds = (await Promise.all([...binding.chains, ''].map((chain) => holdsOf(db, chain)))).flat();
  const held = [...holds, ...[...views.values()].flatMap((view) => view.holds)];
  const mine = events.filter((event) =>
    [...event.epcs, ...event.children, ...event.inputs, ...event.outputs].some((one) => one === key || aliases.includes(one)),
  );
  const stated = mine.flatMap(({ coi }) =>
    binding.chains.length === 0 && coi.chain.length === 0 && coi.donor !== null ? [coi.donor] : coi.chain,
  );
  const view = [...views.values()].flatMap(({ containers }) => containers).find((one) => one.key === key) ?? null;
  return containerAnswer({ key, aliases, binding, stated, view, holds: held, ancestry });
}

async function ancestryOf(db: Db, keys: readonly Key[]): Promise<Set<Key>> {
  const { nodes } = await reach(db, (await nodesOf(db, keys)).values(), 'backwards');
  return new Set([...keys, ...(await keysOf(db, [...nodes])).values()]);
}

/** Chains of one answer about those beside a chain; beyond, it says that it is not complete. */
const BESIDE_MAX = 300;

export type CoPresenceAnswer = {
  readonly coiId: string;
  readonly stays: readonly Stay[];
  readonly together: readonly CoPresence[];
  readonly complete: boolean;
};

/** Whose material was in the same space, at the same location or in the same container at the same time (Q18), at one step or at all. */
export async function chainCoPresence(db: Db, args: { chain: string; step?: string; now: number }): Promise<CoPresenceAnswer | null> {
  const world = await knownWorld(db, args);
  if (world === null) return null;
  const atStep = args.step === undefined ? null : stepSeqs(world, args.step);
  const stays = staysOf(world).filter(({ seqs }) => atStep === null || seqs.some((seq) => atStep.has(seq)));
  const places = (kind: Stay['kind']) => [...new Set(stays.filter((stay) => stay.kind === kind).map(({ place }) => place))];
  const others = new Set<string>();
  const note = (rows: readonly { chain: string }[]) => {
    for (const { chain } of rows) if (chain !== args.chain) others.add(chain);
  };
  for (const place of places('space'))
    note(
      await db.all(
        sql`SELECT DISTINCT b.ref AS chain FROM coi_part p CROSS JOIN event_item i ON i.seq = p.seq CROSS JOIN coi_binding b ON b.node = i.item AND b.kind = 'c' WHERE p.kind = 'space' AND p.key = ${place}`,
      ),
    );
  for (const place of places('location'))
    note(
      await db.all(
        sql`SELECT DISTINCT b.ref AS chain FROM term t CROSS JOIN event e ON e.biz_location = t.id CROSS JOIN event_item i ON i.seq = e.seq CROSS JOIN coi_binding b ON b.node = i.item AND b.kind = 'c' WHERE t.text = ${place}`,
      ),
    );
  for (const node of (await nodesOf(db, places('container'))).values())
    note(
      await db.all(
        sql`SELECT DISTINCT b.ref AS chain FROM event_item p CROSS JOIN event_item i ON i.seq = p.seq CROSS JOIN coi_binding b ON b.node = i.item AND b.kind = 'c' WHERE p.item = ${node}`,
      ),
    );
  const asked = [...others].sort().slice(0, BESIDE_MAX);
  const together: CoPresence[] = [];
  for (const chain of asked) together.push(...coPresence(stays, chain, staysOf(await loadWorld(db, chain, args.now))));
  return { coiId: args.chain, stays, together, complete: asked.length === others.size };
}

function stepSeqs(world: ChainWorld, step: string): Set<number> {
  const lines = timelineOf(world, foldChain(world));
  return new Set(lines.filter((line) => line.step === step).map(({ seq }) => seq));
}

/** Missing, late, failed checks and those of one person (Q19): of a chain, or of all orders of a site. Times in ms. */
export async function missingIdentityChecks(
  db: Db,
  args: { chain?: string; site?: string; from?: number; to?: number; now: number },
): Promise<{ list: MissingCheck[]; complete: boolean }> {
  const { chains, complete } = await chainsAsked(db, args);
  const list: MissingCheck[] = [];
  for (const chain of chains) {
    const world = await loadWorld(db, chain, args.now);
    list.push(...missingChecks(world, foldChain(world), peopleDemanded));
  }
  const inPeriod = ({ eventTime }: MissingCheck) => {
    const time = eventTime === null ? null : Date.parse(eventTime);
    return (args.from === undefined || time === null || time >= args.from) && (args.to === undefined || time === null || time < args.to);
  };
  return { list: list.filter(inPeriod), complete };
}

/** Chains of one answer about many. */
const CHAINS_MAX = 5_000;

async function chainsAsked(
  db: Db,
  { chain, site }: { chain?: string; site?: string | null },
): Promise<{ chains: string[]; complete: boolean }> {
  if (chain !== undefined) return { chains: [chain], complete: true };
  // Collection site and manufacturer stand in the order as it was placed; the treatment site may have been amended since.
  const placed = sql`SELECT p.key FROM coi_part k CROSS JOIN coi_act a ON a.seq = k.seq CROSS JOIN coi_part p ON p.seq = a.seq AND p.kind = 'chain'
      WHERE k.kind = 'kind' AND k.key = 'order' AND ${holdsText(sql`a.told`, JSON.stringify(site ?? ''))}`;
  const atSite = site == null ? sql`` : sql`AND (c.site = ${site} OR c.chain IN (${placed}))`;
  const rows = await db.all<{ chain: string }>(
    sql`SELECT c.chain FROM coi_chain c WHERE c.order_id IS NOT NULL ${atSite} ORDER BY c.chain LIMIT ${CHAINS_MAX + 1}`,
  );
  return { chains: rows.slice(0, CHAINS_MAX).map((row) => row.chain), complete: rows.length <= CHAINS_MAX };
}

/** The figures of §16 that are about identity, over all orders or those of a site. */
export async function identityKpis(
  db: Db,
  args: KpiFilter & { now: number; reads?: { due: readonly string[]; reviewed: readonly string[] } },
): Promise<{ kpis: Kpi[]; chains: string[]; complete: boolean }> {
  const { chains, complete } = await chainsAsked(db, { site: args.site });
  const worlds: { view: ChainView; world: ChainWorld }[] = [];
  for (const chain of chains) {
    const world = await loadWorld(db, chain, args.now);
    worlds.push({ world, view: foldChain(world) });
  }
  return {
    kpis: kpisOf(worlds, args, { now: args.now, demandOf: peopleDemanded, ...(args.reads && { reads: args.reads }) }),
    chains,
    complete,
  };
}

/** A container as a FHIR resource, or a bundle of it and of what was done to give it. Null: nothing here names it. */
export async function fhirOf(
  db: Db,
  args: { key: Key; bundle: boolean; entitled: boolean; now: number },
): Promise<{ resource: FhirResource; chains: readonly string[] } | null> {
  const known = await knownThing(db, args.key);
  if (known === null) return null;
  const { key, binding, views } = known;
  const [chain] = binding.chains;
  const world = chain === undefined ? null : await loadWorld(db, chain, args.now);
  const view = chain === undefined ? null : (views.get(chain) ?? null);
  const ancestry = await ancestryOf(db, [key]);
  const facts = {
    key,
    binding,
    container: view?.containers.find((one) => one.key === key) ?? null,
    view,
    world,
    held: holdsOn(view?.holds ?? [], ancestry).length > 0,
    entitled: args.entitled,
  };
  return { resource: args.bundle ? fhirBundle(facts) : fhirProduct(facts), chains: binding.chains };
}
