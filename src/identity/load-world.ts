import { sql } from 'drizzle-orm';
import { parseKey } from '../identifiers/index.ts';
import { eventIdOf, keysOf, wordsOf } from '../lifecycle/present.ts';
import { factsFrom } from '../lifecycle/rows.ts';
import { type Facts, type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { CoiBindingRow, CoiHoldRow, EventRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import type { Act, ActKind } from './acts.ts';
import type { PartKind } from './deciding.ts';
import { NO_FIELDS, type Told } from './event.ts';
import type { HoldView } from './view.ts';
import {
  type AnyAct,
  type Binding,
  type ChainWorld,
  isWitnessed,
  type Key,
  type Signature,
  type WorldAct,
  type WorldEvent,
} from './world.ts';

/** How an act stands in `coi_act`. */
export type StoredAct = { time: number; recorded: number; actor: string; body: Act; signatures: readonly Signature[] };

/** Everything that a judgement about a chain rests on, from what is stored. `now` is in ms. */
export async function loadWorld(db: Db, chain: string, now: number): Promise<ChainWorld> {
  const events = await eventsOfChain(db, chain, now);
  const acts = await actsOfChain(db, chain, events);
  const others = await neighbours(db, events, acts, now);
  const all = [...events, ...others];
  const aliases = await aliasesOf(db, [...keysNamed(all)]);
  const keys = new Set([...keysNamed(all), ...acts.flatMap(thingsOfAct), ...aliases.values()]);
  return {
    chain,
    events,
    acts,
    others,
    bindings: await bindingsOf(db, [...keys]),
    aliases,
    holds: await holdsOf(db, chain),
    products: await productsOf(db),
    now,
  };
}

// ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function eventsOfChain(db: Db, chain: string, now: number): Promise<WorldEvent[]> {
  const rows = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM coi_binding b CROSS JOIN event_item p ON p.item = b.node WHERE b.ref = ${chain} AND b.kind IN ('c', 'h') AND b.node > 0
        UNION SELECT p.seq FROM coi_binding b CROSS JOIN event_lot p ON p.lot = -b.node WHERE b.ref = ${chain} AND b.kind IN ('c', 'h') AND b.node < 0
        UNION SELECT p.seq FROM coi_part p WHERE p.kind = 'chain' AND p.key = ${chain}`,
  );
  const own = rows.map(({ seq }) => seq);
  // Pieces of one making under one transformation id are told in several events (domain.md §10.1).
  const pieces = await db.all<{ seq: number }>(
    sql`SELECT DISTINCT o.seq FROM ${eachNumber(own)} j CROSS JOIN event e ON e.seq = j.value AND e.transformation IS NOT NULL CROSS JOIN event o ON o.transformation = e.transformation`,
  );
  return await worldEvents(db, [...own, ...pieces.map(({ seq }) => seq)], now);
}

type Stored = Pick<EventRow, 'seq' | 'time' | 'below' | 'rank' | 'digest' | 'event_id' | 'hash' | 'utc_offset'> & {
  told: string | null;
  recorded: number;
};

const EFFECTIVE = sql`e.void_seq IS NULL AND e.twin_of IS NULL AND e.declares = 0`;

/** Effective events among these, as identity sees them, in the order of effects. */
export async function worldEvents(db: Db, seqs: readonly number[], now?: number): Promise<WorldEvent[]> {
  const rows = await db.all<Stored>(
    sql`SELECT e.seq, e.time, e.below, e.rank, e.digest, e.event_id, e.hash, e.utc_offset, c.told, n.record_time AS recorded
        FROM ${eachNumber([...new Set(seqs)])} j CROSS JOIN event e ON e.seq = j.value LEFT JOIN coi_event c ON c.seq = e.seq LEFT JOIN entry n ON n.seq = e.seq
        WHERE ${EFFECTIVE}`,
  );
  const fromFacts = await toldFromFacts(
    db,
    rows.filter(({ told }) => told === null),
  );
  return rows
    .sort(
      (a, b) =>
        a.time - b.time || (a.below < b.below ? -1 : a.below > b.below ? 1 : 0) || a.rank - b.rank || Buffer.compare(a.digest, b.digest),
    )
    .map((row) => ({
      ...(row.told === null ? (fromFacts.get(row.seq) as Told) : (JSON.parse(row.told) as Told)),
      seq: row.seq,
      eventID: eventIdOf(row),
      // An entry of the transaction in hand may not be written yet: it is known as of now.
      recorded: row.recorded == null ? (now ?? row.time) : Math.floor(row.recorded / 1000),
    }));
}

/** What events told, effective or not. */
export async function toldEvents(db: Db, seqs: readonly number[]): Promise<(Told & { readonly seq: number })[]> {
  const rows = await db.all<{ seq: number; told: string | null }>(
    sql`SELECT j.value AS seq, c.told FROM ${eachNumber(seqs)} j LEFT JOIN coi_event c ON c.seq = j.value ORDER BY 1`,
  );
  const fromFacts = await toldFromFacts(
    db,
    rows.filter(({ told }) => told === null),
  );
  return rows.flatMap(({ seq, told }) => {
    const event = told === null ? fromFacts.get(seq) : (JSON.parse(told) as Told);
    return event === undefined ? [] : [{ ...event, seq }];
  });
}

/** Of events that had nothing to do with identity when they came, and belong to a chain since: what is kept of every event. */
async function toldFromFacts(db: Db, stored: readonly { readonly seq: number }[]): Promise<Map<number, Told>> {
  if (stored.length === 0) return new Map();
  const rows = await db.all<EventRow>(
    sql`SELECT e.* FROM ${eachNumber(stored.map(({ seq }) => seq))} j CROSS JOIN event e ON e.seq = j.value`,
  );
  const words = wordsOf(db);
  const facts = await factsFrom(words, rows);
  const nodes = new Set(facts.flatMap((one) => [...Object.values(one.things).flat(), ...one.lots.map((lot) => lot.node)]));
  const keys = await keysOf(db, [...nodes]);
  const places = await words.termTexts(rows.flatMap((row) => [row.read_point, row.biz_location, row.transformation].map((id) => id ?? 0)));
  return new Map(
    facts.map((one, i) => {
      const [readPoint = null, bizLocation = null, transformationID = null] = places.slice(3 * i, 3 * i + 3);
      return [one.seq, toldOfFacts(one, keys, { readPoint, bizLocation, transformationID, offset: (rows[i] as EventRow).utc_offset })];
    }),
  );
}

function toldOfFacts(
  facts: Facts,
  keys: ReadonlyMap<Node, Key>,
  more: Pick<Told, 'readPoint' | 'bizLocation' | 'transformationID' | 'offset'>,
): Told {
  const of = (role: (typeof ROLE)[keyof typeof ROLE]) => (facts.things[role] ?? []).flatMap((node) => keys.get(node) ?? []);
  const sides = new Map<number, 'epc' | 'child' | 'input' | 'output'>([
    [ROLE.epc, 'epc'],
    [ROLE.child, 'child'],
    [ROLE.input, 'input'],
    [ROLE.output, 'output'],
  ]);
  const receiving = facts.bizStep === 'receiving' || facts.bizStep === 'accepting';
  return {
    ...more,
    type: facts.type,
    action: facts.action,
    time: facts.position.ms,
    bizStep: facts.bizStep,
    disposition: facts.disposition,
    sources: [],
    destinations: facts.party === null || !receiving ? [] : [facts.party],
    parent: of(ROLE.parent)[0] ?? null,
    epcs: of(ROLE.epc),
    children: of(ROLE.child),
    inputs: of(ROLE.input),
    outputs: of(ROLE.output),
    quantities: facts.lots.flatMap((part) => {
      const side = sides.get(part.role);
      const key = keys.get(part.node);
      return side === undefined || key === undefined ? [] : [{ key, quantity: part.quantity, uom: part.uom, side }];
    }),
    expiry: facts.expiry,
    coi: NO_FIELDS,
  };
}

/** Events of others in a space that are looked at, where no line clearance bounds them. */
const NEIGHBOURS_MAX = 200;

/**
 * Events of others in the spaces that this chain used, from the last line clearance before its first use to its last, and what its patient was given; the
 * shippers that it used are in its own events. A clearance is an act of two: an event alone clears nothing.
 */
async function neighbours(db: Db, events: readonly WorldEvent[], acts: readonly AnyAct[], now: number): Promise<WorldEvent[]> {
  const uses = new Map<string, { first: number; last: number }>();
  for (const { coi, time } of events) {
    if (coi.space === null) continue;
    const { first, last } = uses.get(coi.space) ?? { first: time, last: time };
    uses.set(coi.space, { first: Math.min(first, time), last: Math.max(last, time) });
  }
  const own = new Set(events.map(({ seq }) => seq));
  const seqs: number[] = [];
  for (const [space, { first, last }] of uses) {
    const cleared = acts.flatMap((act) =>
      act.kind === 'clearance' && act.body.space === space && isWitnessed(act) && act.time <= first ? [act.time] : [],
    );
    const rows = await db.all<{ seq: number }>(
      sql`SELECT e.seq FROM coi_part p CROSS JOIN event e ON e.seq = p.seq WHERE p.kind = 'space' AND p.key = ${space}
            AND e.time >= ${Math.max(0, ...cleared)} AND e.time <= ${last} AND ${EFFECTIVE} AND p.seq NOT IN (SELECT j.value FROM ${eachNumber([...own])} j) ORDER BY e.time DESC, e.seq DESC LIMIT ${NEIGHBOURS_MAX}`,
    );
    for (const { seq } of rows) seqs.push(seq);
  }
  const patients = [...new Set(acts.flatMap((act) => (act.kind === 'order' ? [act.body.patientRef] : [])))];
  const given = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM ${eachText(patients)} j CROSS JOIN coi_part p ON p.kind = 'patient' AND p.key = j.value CROSS JOIN coi_event c ON c.seq = p.seq`,
  );
  for (const { seq } of given) if (!own.has(seq)) seqs.push(seq);
  return seqs.length === 0 ? [] : await worldEvents(db, seqs, now);
}

/** Every thing that events name. */
export function* keysNamed(events: Iterable<Told>): Iterable<Key> {
  for (const event of events) {
    if (event.parent !== null) yield event.parent;
    if (event.coi.from !== null) yield event.coi.from;
    yield* event.epcs;
    yield* event.children;
    yield* event.inputs;
    yield* event.outputs;
    yield* event.coi.alias;
    for (const { key } of event.quantities) yield key;
  }
}

// ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────────

type ActRow = { seq: number; id: string; kind: string; told: string };

const actOf = ({ seq, id, kind, told }: ActRow): AnyAct => ({ seq, id, kind, ...(JSON.parse(told) as StoredAct) }) as AnyAct;

/** Acts that name the chain, clearances of the spaces that it used, and how far the clocks of its devices were off. */
async function actsOfChain(db: Db, chain: string, events: readonly WorldEvent[]): Promise<AnyAct[]> {
  const devices = [...new Set(events.flatMap(({ coi }) => coi.offline?.device ?? []))];
  const spaces = [...new Set(events.flatMap(({ coi }) => coi.space ?? []))];
  const rows = await db.all<ActRow>(
    sql`SELECT a.seq AS seq, a.id, a.kind, a.told FROM coi_part p CROSS JOIN coi_act a ON a.seq = p.seq WHERE p.kind = 'chain' AND p.key = ${chain}
        UNION SELECT a.seq AS seq, a.id, a.kind, a.told FROM ${eachText(spaces)} j CROSS JOIN coi_part p ON p.kind = 'space' AND p.key = j.value CROSS JOIN coi_act a ON a.seq = p.seq
        UNION SELECT a.seq AS seq, a.id, a.kind, a.told FROM ${eachText(devices)} j CROSS JOIN coi_part p ON p.kind = 'device' AND p.key = j.value CROSS JOIN coi_act a ON a.seq = p.seq AND a.kind = 'clock-offset'
        UNION SELECT a.seq AS seq, a.id, a.kind, a.told FROM coi_part c CROSS JOIN coi_part d ON d.seq = c.seq AND d.kind = 'device' CROSS JOIN coi_part p ON p.kind = 'device' AND p.key = d.key
          CROSS JOIN coi_act a ON a.seq = p.seq AND a.kind = 'clock-offset' WHERE c.kind = 'chain' AND c.key = ${chain}
        ORDER BY seq`,
  );
  return rows.map(actOf);
}

/** Acts of a kind, in entry order: all of them, or those that name this. */
export async function storedActs<K extends ActKind>(db: Db, kind: K, where?: { part: PartKind; key: string }): Promise<WorldAct<K>[]> {
  const part = where ?? { part: 'kind' as const, key: kind };
  const rows = await db.all<ActRow>(
    sql`SELECT a.seq, a.id, a.kind, a.told FROM coi_part p CROSS JOIN coi_act a ON a.seq = p.seq
        WHERE p.kind = ${part.part} AND p.key = ${part.key} AND a.kind = ${kind} ORDER BY a.seq`,
  );
  return rows.map(actOf) as unknown as WorldAct<K>[];
}

export async function storedAct(db: Db, id: string): Promise<AnyAct | null> {
  const [row] = await db.all<ActRow>(sql`SELECT seq, id, kind, told FROM coi_act WHERE id = ${id}`);
  return row === undefined ? null : actOf(row);
}

export async function chainOfOrder(db: Db, orderId: string): Promise<string | null> {
  const [row] = await db.all<{ chain: string }>(sql`SELECT chain FROM coi_chain WHERE order_id = ${orderId}`);
  return row?.chain ?? null;
}

/** Identifiers of checks whose values are keys of things. */
const BY_KEY: ReadonlySet<string> = new Set(['container', 'sample', 'shipper']);

function thingsOfAct(act: AnyAct): Key[] {
  const { body } = act as { body: Record<string, unknown> };
  const read = act.kind === 'check' ? act.body.reads.filter((one) => BY_KEY.has(one.identifier)).map(({ value }) => value) : [];
  return [body['containers'], body['container'], body['things'], body['sample'], read]
    .flat()
    .filter((one): one is string => typeof one === 'string');
}

/** The newest profile of each product. */
async function productsOf(db: Db): Promise<Map<string, Act<'product'>>> {
  return new Map((await storedActs(db, 'product')).map(({ body }) => [body.product, body]));
}

// ── things ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Alias → the key by which its container goes, for aliases and containers among these. Who relabelled twice has the last label's. */
export async function aliasesOf(db: Db, keys: readonly Key[]): Promise<Map<Key, Key>> {
  const next = new Map<Key, Key>();
  const seen = new Set<Key>();
  for (let asked = [...new Set(keys)]; asked.length > 0; ) {
    for (const key of asked) seen.add(key);
    const rows = await db.all<{ alias: Key; key: Key }>(
      sql`SELECT a.alias AS alias, a.key FROM ${eachText(asked)} j CROSS JOIN coi_alias a ON a.alias = j.value
          UNION SELECT a.alias AS alias, a.key FROM ${eachText(asked)} j CROSS JOIN coi_alias a ON a.key = j.value ORDER BY alias`,
    );
    for (const { alias, key } of rows) next.set(alias, key);
    asked = [...new Set(rows.flatMap(({ alias, key }) => [alias, key]))].filter((key) => !seen.has(key));
  }
  return new Map([...next.keys()].map((alias) => [alias, lastOf(next, alias)]));
}

export async function canonicalKey(db: Db, key: Key): Promise<Key> {
  return (await aliasesOf(db, [key])).get(key) ?? key;
}

function lastOf(next: ReadonlyMap<Key, Key>, alias: Key): Key {
  const met = new Set<Key>();
  let key = alias;
  for (let to = next.get(key); to !== undefined && !met.has(to); to = next.get(key)) {
    met.add(to);
    key = to;
  }
  return key;
}

/** The nodes of canonical keys; those that nothing here ever named are missing. */
export async function nodesOf(db: Db, keys: readonly Key[]): Promise<Map<Key, Node>> {
  const items: { class: string; name: string; key: Key }[] = [];
  const lots: typeof items = [];
  for (const key of new Set(keys)) {
    try {
      const thing = parseKey(key);
      if ('serial' in thing) items.push({ class: thing.class, name: thing.serial, key });
      else lots.push({ class: thing.class, name: thing.lot, key });
    } catch {
      // no key of any thing
    }
  }
  const found = new Map<Key, Node>();
  for (const { class: owner, names } of byClass(items)) {
    const rows = await db.all<{ node: Node; name: string }>(
      sql`SELECT n.id AS node, n.serial AS name FROM class c CROSS JOIN ${eachText([...names.keys()])} j ON true CROSS JOIN item_name n ON n.class = c.id AND n.serial = j.value WHERE c.key = ${owner}`,
    );
    for (const { node, name } of rows) found.set(names.get(name) as Key, node);
  }
  for (const { class: owner, names } of byClass(lots)) {
    const rows = await db.all<{ node: Node; name: string }>(
      sql`SELECT -l.id AS node, l.lot AS name FROM class c CROSS JOIN ${eachText([...names.keys()])} j ON true CROSS JOIN lot l ON l.class = c.id AND l.lot = j.value WHERE c.key = ${owner}`,
    );
    for (const { node, name } of rows) found.set(names.get(name) as Key, node);
  }
  return found;
}

function byClass(list: readonly { class: string; name: string; key: Key }[]): { class: string; names: Map<string, Key> }[] {
  const classes = new Map<string, Map<string, Key>>();
  for (const { class: owner, name, key } of list) {
    const names = classes.get(owner) ?? new Map<string, Key>();
    names.set(name, key);
    classes.set(owner, names);
  }
  return [...classes].map(([owner, names]) => ({ class: owner, names }));
}

/** Whose these things are; those of nobody are missing. A pack of a lot is its lot's donor's. */
export async function bindingsOf(db: Db, keys: readonly Key[]): Promise<Map<Key, Binding>> {
  const nodes = await nodesOf(db, keys);
  const keyOf = new Map([...nodes].map(([key, node]) => [node, key]));
  const rows = await db.all<Pick<CoiBindingRow, 'node' | 'kind' | 'ref'>>(
    sql`SELECT b.node, b.kind, b.ref FROM ${eachNumber([...nodes.values()])} j CROSS JOIN coi_binding b ON b.node = j.value WHERE b.kind <> 'h' ORDER BY b.node, b.kind, b.ref`,
  );
  const bindings = new Map<Key, { chains: string[]; donors: string[] }>();
  for (const { node, kind, ref } of rows) {
    const key = keyOf.get(node) as Key;
    const binding = bindings.get(key) ?? { chains: [], donors: [] };
    (kind === 'c' ? binding.chains : binding.donors).push(ref);
    bindings.set(key, binding);
  }
  return bindings;
}

/** Holds on a chain, or with '' on material of none; lifted ones too, in the order in which they were placed. */
export async function holdsOf(db: Db, chain: string): Promise<HoldView[]> {
  const rows = await db.all<CoiHoldRow>(sql`SELECT id, chain, told, seq, lifted FROM coi_hold WHERE chain = ${chain} ORDER BY seq, id`);
  return rows.map(({ id, told, seq, lifted }) => ({
    id,
    seq,
    lifted,
    ...(JSON.parse(told) as Pick<HoldView, 'scope' | 'things' | 'codes' | 'reason'>),
  }));
}
