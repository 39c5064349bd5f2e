import { sql } from 'drizzle-orm';
import { keysOf } from '../../lifecycle/present.ts';
import type { Db } from '../../store/db.ts';
import { eachNumber, eachText } from '../../store/sql.ts';
import { loadWorld, nodesOf } from '../load-world.ts';
import { stepOf } from '../steps.ts';
import type { ChainView } from '../view.ts';
import type { Key, WorldEvent } from '../world.ts';
import { boundTo, markedBy, reach } from './reach.ts';
import { iso, thingsOf } from './timeline.ts';

export type Exposed = {
  readonly coiId: string;
  readonly patientRef: string | null;
  readonly orderId: string | null;
  readonly state: string | null;
  readonly site: string | null;
  /** Of its material, what met it. */
  readonly containers: readonly Key[];
  /** Dose bags among them, with when they were infused. */
  readonly doses: readonly { readonly key: Key; readonly infused: string | null; readonly end: string | null }[];
};
export type ExposedAnswer = {
  readonly of: Key;
  readonly kind: 'material' | 'equipment' | 'donor';
  readonly chains: readonly Exposed[];
  readonly complete: boolean;
};

/** Which patients got cells that met a material, a piece of equipment or a donor (Q16), by pseudonym. Null: nothing here names it. */
export async function exposed(db: Db, args: { material: Key } | { equipment: Key } | { donor: string }): Promise<ExposedAnswer | null> {
  if ('equipment' in args) return await exposedTo(db, args.equipment);
  const kind = 'donor' in args ? 'donor' : 'material';
  const of = 'donor' in args ? args.donor : args.material;
  const start = 'donor' in args ? await boundTo(db, 'd', of) : [...(await nodesOf(db, [of])).values()];
  if (start.length === 0) return null;
  const { nodes, complete } = await reach(db, start, 'forwards');
  const chains = await markedBy(db, nodes, 'c');
  const keys = await keysOf(db, [...new Set([...chains.values()].flat())]);
  const things = new Map([...chains].map(([chain, own]) => [chain, own.flatMap((node) => keys.get(node) ?? [])]));
  return { of, kind, chains: await told(db, things), complete };
}

/** What was in a space, at a location, or handled where an event names that place. */
async function exposedTo(db: Db, equipment: Key): Promise<ExposedAnswer | null> {
  const rows = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM coi_part p WHERE p.kind = 'space' AND p.key = ${equipment}
        UNION SELECT e.seq FROM term t CROSS JOIN event e ON e.biz_location = t.id WHERE t.text = ${equipment}
        UNION SELECT e.seq FROM term t CROSS JOIN event e ON e.read_point = t.id WHERE t.text = ${equipment}`,
  );
  if (rows.length === 0) return null;
  const nodes = await db.all<{ node: number }>(
    sql`SELECT p.item AS node FROM ${eachNumber(rows.map(({ seq }) => seq))} j CROSS JOIN event e ON e.seq = j.value CROSS JOIN event_item p ON p.seq = e.seq
        WHERE e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0
        UNION SELECT -p.lot AS node FROM ${eachNumber(rows.map(({ seq }) => seq))} j CROSS JOIN event e ON e.seq = j.value CROSS JOIN event_lot p ON p.seq = e.seq
        WHERE e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0`,
  );
  const chains = await markedBy(
    db,
    nodes.map(({ node }) => node),
    'c',
  );
  const keys = await keysOf(db, [...new Set([...chains.values()].flat())]);
  const things = new Map([...chains].map(([chain, own]) => [chain, own.flatMap((node) => keys.get(node) ?? [])]));
  return { of: equipment, kind: 'equipment', chains: await told(db, things), complete: true };
}

async function told(db: Db, things: ReadonlyMap<string, readonly Key[]>): Promise<Exposed[]> {
  const rows = await db.all<OrderRow & { chain: string; view: string }>(
    sql`SELECT c.chain, c.patient, c.order_id, c.site, c.state, c.view FROM ${eachText([...things.keys()])} j CROSS JOIN coi_chain c ON c.chain = j.value`,
  );
  const known = new Map(rows.map((row) => [row.chain, row]));
  return [...things]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([chain, keys]) => {
      const row = known.get(chain);
      const view = row === undefined || row.view === '{}' ? null : (JSON.parse(row.view) as ChainView);
      return exposedOf(chain, keys, row ?? null, view);
    });
}

type OrderRow = {
  readonly patient: string | null;
  readonly order_id: string | null;
  readonly site: string | null;
  readonly state: string | null;
};

/** What one chain has to do with it. */
function exposedOf(chain: string, keys: readonly Key[], order: OrderRow | null, view: ChainView | null): Exposed {
  const met = new Set(keys);
  const doses = (view?.containers ?? []).filter(({ kind, key }) => kind === 'dose' && met.has(key));
  return {
    coiId: chain,
    patientRef: order?.patient ?? null,
    orderId: order?.order_id ?? null,
    state: order?.state ?? null,
    site: order?.site ?? null,
    containers: [...met].sort(),
    doses: doses.map(({ key, end, given }) => ({
      key,
      infused: end?.kind === 'infused' ? iso(end.time) : null,
      end: end?.kind ?? (given === null ? null : 'partly given'),
    })),
  };
}

/** Chains as they were folded last. */
export async function viewsOf(db: Db, chains: readonly string[]): Promise<Map<string, ChainView>> {
  const rows = await db.all<{ chain: string; view: string }>(
    sql`SELECT c.chain, c.view FROM ${eachText(chains)} j CROSS JOIN coi_chain c ON c.chain = j.value WHERE c.view <> '{}' ORDER BY c.chain`,
  );
  return new Map(rows.map(({ chain, view }) => [chain, JSON.parse(view) as ChainView]));
}

export type MaterialsAnswer = {
  readonly coiId: string;
  /** Everything that its material was made from, and its material; quantities as they were used. */
  readonly materials: readonly {
    readonly key: Key;
    readonly binding: 'own' | 'donor' | 'none';
    readonly used: readonly { readonly quantity: number | null; readonly uom: string | null; readonly seq: number }[];
  }[];
  readonly donors: readonly string[];
  readonly steps: readonly {
    readonly seq: number;
    readonly step: string | null;
    readonly bizStep: string | null;
    readonly eventTime: string;
    readonly things: readonly Key[];
  }[];
  readonly people: readonly {
    readonly person: string;
    readonly name: string;
    readonly meanings: readonly string[];
    readonly acts: readonly string[];
  }[];
  /** Line-cleared spaces, and read points and locations. */
  readonly equipment: readonly string[];
  readonly shipments: readonly {
    readonly thing: Key;
    readonly from: string | null;
    readonly to: string | null;
    readonly shipped: string | null;
    readonly received: string | null;
  }[];
  readonly results: readonly {
    readonly resultId: string;
    readonly sample: Key;
    readonly test: string;
    readonly verdict: string;
    readonly eventTime: string;
  }[];
  readonly complete: boolean;
};

/** From a patient back to everything (Q17). Null: no such chain. `now` in ms. */
export async function materials(db: Db, args: { chain: string; now: number }): Promise<MaterialsAnswer | null> {
  const own = await boundTo(db, 'c', args.chain);
  const world = await loadWorld(db, args.chain, args.now);
  if (own.length === 0 && world.events.length === 0 && world.acts.length === 0) return null;
  const { nodes, complete } = await reach(db, own, 'backwards');
  const keys = await keysOf(db, [...nodes]);
  const mine = new Set(own);
  const donors = await markedBy(db, nodes, 'd');
  const donated = new Set([...donors.values()].flat());
  const uses = usesOf(world.events);
  return {
    coiId: args.chain,
    materials: [...keys]
      .map(([node, key]) => ({
        key,
        binding: mine.has(node) ? ('own' as const) : donated.has(node) ? ('donor' as const) : ('none' as const),
        used: uses.get(key) ?? [],
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    donors: [...donors.keys()].sort(),
    steps: world.events.map((event) => ({
      seq: event.seq,
      step: stepOf(event, world),
      bizStep: event.bizStep,
      eventTime: iso(event.time),
      things: thingsOf(event),
    })),
    people: peopleOf(world.acts),
    equipment: [...new Set(world.events.flatMap((event) => placesOf(event, world.bindings, args.chain)))].sort(),
    shipments: shipmentsOf(world.events),
    results: world.acts.flatMap((act) =>
      act.kind === 'result'
        ? [
            {
              resultId: act.id,
              sample: act.body.sample,
              test: act.body.test,
              verdict: act.body.computed === 'oos' ? 'oos' : act.body.verdict,
              eventTime: iso(act.time),
            },
          ]
        : [],
    ),
    complete,
  };
}

/** Where an event happened to material of the chain; what only a shipper of it went through is not meant. */
function placesOf(event: WorldEvent, bindings: ReadonlyMap<Key, { readonly chains: readonly string[] }>, chain: string): string[] {
  if (!thingsOf(event).some((key) => bindings.get(key)?.chains.includes(chain) === true)) return [];
  return [event.coi.space, event.bizLocation, event.readPoint].filter((place): place is string => place !== null);
}

function usesOf(events: readonly WorldEvent[]): Map<Key, { quantity: number | null; uom: string | null; seq: number }[]> {
  const uses = new Map<Key, { quantity: number | null; uom: string | null; seq: number }[]>();
  for (const { seq, quantities } of events)
    for (const { key, quantity, uom, side } of quantities)
      if (side === 'input') uses.set(key, [...(uses.get(key) ?? []), { quantity, uom, seq }]);
  return uses;
}

function peopleOf(acts: Awaited<ReturnType<typeof loadWorld>>['acts']): MaterialsAnswer['people'] {
  const people = new Map<string, { person: string; name: string; meanings: Set<string>; acts: Set<string> }>();
  for (const { id, signatures } of acts)
    for (const { person, name, meaning } of signatures) {
      const one = people.get(person) ?? { person, name, meanings: new Set<string>(), acts: new Set<string>() };
      one.meanings.add(meaning);
      one.acts.add(id);
      people.set(person, one);
    }
  return [...people.values()].map((one) => ({ ...one, meanings: [...one.meanings].sort(), acts: [...one.acts] }));
}

function shipmentsOf(events: readonly WorldEvent[]): MaterialsAnswer['shipments'] {
  const shipped = events.filter(({ bizStep }) => bizStep === 'shipping');
  const received = events.filter(({ bizStep }) => bizStep === 'receiving');
  return shipped.flatMap((event) =>
    event.epcs.map((thing) => {
      const arrival = received.find(({ epcs, time }) => epcs.includes(thing) && time >= event.time);
      return {
        thing,
        from: event.sources[0] ?? event.readPoint,
        to: event.destinations[0] ?? null,
        shipped: iso(event.time),
        received: arrival === undefined ? null : iso(arrival.time),
      };
    }),
  );
}
