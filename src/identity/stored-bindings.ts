import { sql } from 'drizzle-orm';
import { keysOf } from '../lifecycle/present.ts';
import type { Node } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { CoiBindingRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { chainMark, type Making, type Mark, originMarks, solveBindings } from './bindings.ts';
import { canonicalKey, nodesOf, storedActs, worldEvents } from './load-world.ts';
import type { Key, WorldEvent } from './world.ts';

/** Of what is made from something else, at most so much is bound anew with one entry: a donor's lots and doses. */
const REACH_MAX = 200_000;

type Changed = { readonly nodes: ReadonlySet<Node>; readonly chains: ReadonlySet<string> };

/**
 * Binds anew these nodes and everything that was made from them, from all that is stored of how they were made. Answers which nodes are bound otherwise
 * than before, and the chains that came or went.
 */
export async function bindAnew(journal: Journal, dirty: Iterable<Node>): Promise<Changed> {
  const nodes = await reach(journal, dirty);
  if (nodes.size === 0) return { nodes, chains: new Set() };
  const makings = await makingsOf(journal, nodes);
  const sources = makings.flatMap(({ from }) => from).filter((node) => !nodes.has(node));
  const given = await stored(journal, sources);
  const before = await stored(journal, [...nodes]);
  const made = new Set(makings.flatMap(({ to, alias }) => (alias ? [] : to)));
  const origins = await originsOf(journal, nodes, made);
  const after = solveBindings(nodes, makings, origins, given);
  return await save(journal, before, after);
}

/** These nodes and all that was made from them: by transformation, as samples, as other keys of one container, as packs of a lot. */
async function reach({ db }: Journal, dirty: Iterable<Node>): Promise<Set<Node>> {
  const reached = new Set<Node>();
  let frontier = [...new Set(dirty)];
  while (frontier.length > 0 && reached.size < REACH_MAX) {
    for (const node of frontier) reached.add(node);
    const next = new Set<Node>();
    const rows = await db.all<{ node: Node }>(
      sql`SELECT DISTINCT o.node FROM ${eachNumber(frontier)} j CROSS JOIN lineage i ON i.node = j.value AND i.side = 0
          CROSS JOIN lineage o ON o.transformation = i.transformation AND o.side = 1`,
    );
    for (const { node } of rows) next.add(node);
    const lots = frontier.filter((node) => node < 0).map((node) => -node);
    if (lots.length > 0) {
      const packs = await db.all<{ id: Node }>(
        sql`SELECT i.id FROM ${eachNumber(lots)} j CROSS JOIN item i ON i.lot = j.value AND (i.flags & 1) = 0 LIMIT ${REACH_MAX}`,
      );
      for (const { id } of packs) next.add(id);
    }
    const keys = [...(await keysOf(db, frontier)).values()];
    for (const node of (await nodesOf(db, await keysFrom(db, keys))).values()) next.add(node);
    frontier = [...next].filter((node) => !reached.has(node));
  }
  return reached;
}

/** Samples of these, and other keys of the same containers. */
async function keysFrom(db: Journal['db'], keys: readonly Key[]): Promise<Key[]> {
  const samples = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM ${eachText(keys)} j CROSS JOIN coi_part p ON p.kind = 'from' AND p.key = j.value`,
  );
  const events = await worldEvents(
    db,
    samples.map(({ seq }) => seq),
  );
  const aliases = await db.all<{ key: Key }>(
    sql`SELECT a.alias AS key FROM ${eachText(keys)} j CROSS JOIN coi_alias a ON a.key = j.value
        UNION SELECT a.key FROM ${eachText(keys)} j CROSS JOIN coi_alias a ON a.alias = j.value`,
  );
  return [...events.flatMap(({ epcs }) => epcs), ...aliases.map(({ key }) => key)];
}

/** An alias is no making: who only has another key for a container was not made from it. */
type StoredMaking = Making<Node> & { readonly alias: boolean };

async function makingsOf(journal: Journal, nodes: ReadonlySet<Node>): Promise<StoredMaking[]> {
  const { db } = journal;
  const outputs = await journal.lineage({ nodes: [...nodes], side: 1 });
  const transformations = [...new Set(outputs.map(({ transformation }) => transformation))];
  const lines = await journal.lineage({ transformations });
  const byTransformation = new Map<number, { from: Node[]; to: Node[]; alias: false }>();
  for (const { transformation, side, node } of lines) {
    const making = byTransformation.get(transformation) ?? { from: [], to: [], alias: false };
    (side === 0 ? making.from : making.to).push(node);
    byTransformation.set(transformation, making);
  }
  const makings: StoredMaking[] = [...byTransformation.values()];
  const packs = await db.all<{ id: Node; lot: number }>(
    sql`SELECT i.id, i.lot FROM ${eachNumber([...nodes].filter((node) => node > 0))} j CROSS JOIN item i ON i.id = j.value WHERE i.lot IS NOT NULL`,
  );
  for (const { id, lot } of packs) makings.push({ from: [-lot], to: [id], alias: true });
  const events = await eventsNaming(db, nodes);
  const taken = events.filter(({ coi }) => coi.from !== null);
  const keys = await keysOf(db, [...nodes]);
  const names = [...keys.values()];
  const aliases = await db.all<{ alias: Key; key: Key }>(
    sql`SELECT a.alias, a.key FROM ${eachText(names)} j CROSS JOIN coi_alias a ON a.alias = j.value
        UNION SELECT a.alias, a.key FROM ${eachText(names)} j CROSS JOIN coi_alias a ON a.key = j.value`,
  );
  const nodeOf = await nodesOf(db, [
    ...taken.flatMap(({ coi, epcs }) => [coi.from as Key, ...epcs]),
    ...aliases.flatMap(({ alias, key }) => [alias, key]),
  ]);
  const there = (list: readonly Key[]) => list.flatMap((key) => nodeOf.get(key) ?? []);
  for (const { coi, epcs } of taken) {
    // Where the source goes by another key than the one it is bound under, it is the same container all the same.
    makings.push({ from: there([coi.from as Key, await canonicalKey(db, coi.from as Key)]), to: there(epcs), alias: false });
  }
  for (const { alias, key } of aliases) {
    makings.push({ from: there([alias]), to: there([key]), alias: true }, { from: there([key]), to: there([alias]), alias: true });
  }
  return makings;
}

/** Effective events with something to say of identity that name these nodes. */
async function eventsNaming(db: Journal['db'], nodes: ReadonlySet<Node>): Promise<WorldEvent[]> {
  const rows = await db.all<{ seq: number }>(
    sql`SELECT DISTINCT p.seq FROM ${eachNumber([...nodes].filter((node) => node > 0))} j CROSS JOIN event_item p ON p.item = j.value CROSS JOIN coi_event c ON c.seq = p.seq
        UNION SELECT p.seq FROM ${eachNumber([...nodes].filter((node) => node < 0).map((node) => -node))} j CROSS JOIN event_lot p ON p.lot = j.value CROSS JOIN coi_event c ON c.seq = p.seq`,
  );
  return await worldEvents(
    db,
    rows.map(({ seq }) => seq),
  );
}

/** Things that only carry: a statement about what is inside of them is none about them. */
const CARRIES = /^(?:00|8003|8004)\//;

/**
 * What nodes are of themselves. A collection states it; so does the first event that meets what nobody here has made. Acts bind too: an allocation in
 * force, a rebinding.
 */
async function originsOf({ db }: Journal, nodes: ReadonlySet<Node>, made: ReadonlySet<Node>): Promise<Map<Node, Set<Mark>>> {
  const keys = await keysOf(db, [...nodes]);
  const nodeOf = new Map([...keys].map(([node, key]) => [key, node]));
  const origins = new Map<Node, Set<Mark>>();
  const add = (node: Node, marks: readonly Mark[]) => {
    const own = origins.get(node) ?? new Set<Mark>();
    for (const mark of marks) own.add(mark);
    origins.set(node, own);
  };
  const met = new Set<Node>();
  const events = await eventsNaming(db, nodes);
  const isCollection = ({ type, action }: WorldEvent) => type === 'ObjectEvent' && action === 'ADD';
  const collected = new Set(events.filter(isCollection).flatMap(({ epcs }) => epcs));
  for (const event of events) {
    const marks = originMarks(event);
    if (event.type !== 'ObjectEvent' || marks.length === 0) continue;
    for (const key of [...event.epcs, ...event.quantities.filter(({ side }) => side === 'epc').map((part) => part.key)]) {
      const node = nodeOf.get(key);
      if (node === undefined || made.has(node)) continue;
      if (isCollection(event)) add(node, marks);
      else if (!collected.has(key) && !met.has(node) && !CARRIES.test(key)) add(node, marks);
      met.add(node);
    }
  }
  for (const [key, node] of nodeOf) {
    const rebound = await storedActs(db, 'rebinding', { part: 'thing', key });
    for (const { body } of rebound) add(node, [chainMark(body.chain)]);
    const allocations = await storedActs(db, 'allocation', { part: 'thing', key });
    if (allocations.length === 0) continue;
    const freed = new Set((await storedActs(db, 'deallocation', { part: 'thing', key })).map(({ body }) => body.allocationId));
    for (const { body } of allocations) {
      if (freed.has(body.allocationId)) continue;
      const [row] = await db.all<{ chain: string }>(sql`SELECT chain FROM coi_chain WHERE order_id = ${body.orderId}`);
      if (row !== undefined) add(node, [chainMark(row.chain)]);
    }
  }
  return origins;
}

async function stored({ db }: Journal, nodes: readonly Node[]): Promise<Map<Node, Set<Mark>>> {
  const rows = await db.all<CoiBindingRow>(
    sql`SELECT b.node, b.kind, b.ref FROM ${eachNumber([...new Set(nodes)])} j CROSS JOIN coi_binding b ON b.node = j.value WHERE b.kind <> 'h'`,
  );
  const marks = new Map<Node, Set<Mark>>();
  for (const { node, kind, ref } of rows) {
    const own = marks.get(node) ?? new Set<Mark>();
    own.add(`${kind}:${ref}`);
    marks.set(node, own);
  }
  return marks;
}

async function save(
  { db }: Journal,
  before: ReadonlyMap<Node, ReadonlySet<Mark>>,
  after: ReadonlyMap<Node, ReadonlySet<Mark>>,
): Promise<Changed> {
  const nodes = new Set<Node>();
  const chains = new Set<string>();
  const note = (node: Node, mark: Mark) => {
    nodes.add(node);
    if (mark.startsWith('c:')) chains.add(mark.slice(2));
  };
  for (const [node, marks] of after) {
    const old = before.get(node) ?? new Set<Mark>();
    for (const mark of marks) {
      if (old.has(mark)) continue;
      note(node, mark);
      await db.run(sql`INSERT INTO coi_binding (node, kind, ref) VALUES (${node}, ${mark.slice(0, 1)}, ${mark.slice(2)})`);
    }
    for (const mark of old) {
      if (marks.has(mark)) continue;
      note(node, mark);
      await db.run(sql`DELETE FROM coi_binding WHERE node = ${node} AND kind = ${mark.slice(0, 1)} AND ref = ${mark.slice(2)}`);
    }
  }
  return { nodes, chains };
}

/**
 * Notes what has held material of a chain, or went with what holds it: shippers and what they were in, loggers. Once noted it stays, for what was told of
 * them then belongs to the chain; rules look at the times. Answers the carriers that are new to a chain.
 */
export async function noteCarriers({ db }: Journal, nodes: Iterable<Node>): Promise<Set<Node>> {
  const fresh = new Set<Node>();
  let frontier = [...new Set(nodes)].filter((node) => node !== 0);
  while (frontier.length > 0) {
    const rows = await db.all<{ node: Node; ref: string }>(
      sql`SELECT DISTINCT c.parent AS node, b.ref FROM ${eachNumber(frontier)} j CROSS JOIN coi_binding b ON b.node = j.value AND b.kind IN ('c', 'h') CROSS JOIN containment c ON c.child = j.value
          UNION SELECT c.child AS node, b.ref FROM ${eachNumber(frontier)} j CROSS JOIN coi_binding b ON b.node = j.value AND b.kind = 'h' CROSS JOIN containment c ON c.parent = j.value AND c.kind = 1
          ORDER BY 1, 2`,
    );
    const next = new Set<Node>();
    for (const { node, ref } of rows) {
      const there = await db.all(sql`SELECT 1 AS one FROM coi_binding WHERE node = ${node} AND ref = ${ref} AND kind IN ('c', 'h')`);
      if (there.length > 0) continue;
      await db.run(sql`INSERT INTO coi_binding (node, kind, ref) VALUES (${node}, 'h', ${ref})`);
      fresh.add(node);
      next.add(node);
    }
    frontier = [...next];
  }
  return fresh;
}
