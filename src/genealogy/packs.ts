import { type SQL, sql } from 'drizzle-orm';
import { type AsOf, isNow } from '../lifecycle/as-of.ts';
import { keysOf, presentStates, STATE_COLUMNS, type States, statesAlike, statesOf, wordsOf } from '../lifecycle/present.ts';
import { statesFrom } from '../lifecycle/rows.ts';
import { FLAG, type Node, type State } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { ThingRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { claimed } from './members.ts';

/** What a question about packs ranges over: whole lots, and serialised things reached one by one; both in order of id. */
export type Reach = { readonly lots: readonly Node[]; readonly items: readonly Node[] };

/** Packs in one state: those packed and moved together have one, so a million packs are some thousand groups. */
export type PackGroup = { readonly state: State; readonly count: number };

/** Single things read, or packs of a lot folded as of then, at a time. */
const SLICE = 20_000;

/** Prepares what a question ranges over: only lots of a GTIN have packs. */
export async function reachOf(db: Db, lots: Iterable<Node>, items: Iterable<Node>): Promise<Reach> {
  const all = [...lots];
  const keys = await keysOf(db, all);
  return {
    lots: all.filter((lot) => /^01\/\d{14}(\/10\/|$)/.test(keys.get(lot) as string)).sort((a, b) => b - a),
    items: [...new Set(items)].sort((a, b) => a - b),
  };
}

/** All packs of a reach, grouped by what the answers show of them. */
export async function* packGroups(db: Db, reach: Reach, t: AsOf): AsyncGenerator<{ states: States; groups: readonly PackGroup[] }> {
  const packs = new Packs(db, reach);
  for (const lot of reach.lots) {
    if (isNow(t)) yield* present(db, sql`item WHERE lot = ${-lot} AND lot IS NOT NULL AND (flags & 1) = 0`, sql``);
    else for (const slice of slices(await claimed(db, lot, t))) yield await past(db, slice, t, (state) => isPackOf(state, lot));
  }
  for (const slice of slices(reach.items)) {
    const found = isNow(t)
      ? present(db, sql`${eachNumber(slice)} j CROSS JOIN item ON id = j.value WHERE true`, sql`class, lot, `)
      : [await past(db, slice, t, () => true)];
    for await (const { states, groups } of found) {
      await packs.know(groups.map(({ state }) => state));
      yield { states, groups: groups.filter(({ state }) => packs.isAlone(state)) };
    }
  }
}

function* slices(nodes: readonly Node[]): Iterable<Node[]> {
  for (let i = 0; i < nodes.length; i += SLICE) yield nodes.slice(i, i + SLICE);
}

/**
 * Packs by themselves group by what is shown of them, though each may have been dispensed by an event of its own. Of packs in a container
 * also counts which event told what, since the later one wins; disposition, custody and place come whole from the events that told them,
 * so those stand for them. Sorting few columns is what makes this quick: the rest is read from the first of each group.
 */
async function* present(db: Db, from: SQL, more: SQL): AsyncGenerator<{ states: States; groups: PackGroup[] }> {
  for (const [where, alike] of [
    [sql`parent IS NULL`, sql`status, disposition, holder, place, flags, persistent`],
    [sql`parent IS NOT NULL`, sql`parent, entered_seq, status, status_seq, disposition_seq, custody_seq, place_seq, flags, persistent`],
  ] as const) {
    const rows = await db.all<ThingRow & { count: number }>(
      sql`SELECT i.id AS node, class, -lot AS lot, expiry, ${STATE_COLUMNS}, NULL AS balance, g.count
          FROM (SELECT min(id) AS id, count(*) AS count FROM ${from} AND ${where} GROUP BY ${more}${alike}) g CROSS JOIN item i ON i.id = g.id`,
    );
    const list = await statesFrom(wordsOf(db), rows);
    yield {
      states: await presentStates(db, list),
      groups: list.map((state, i) => ({ state, count: (rows[i] as { count: number }).count })),
    };
  }
}

async function past(
  db: Db,
  nodes: readonly Node[],
  t: AsOf,
  counts: (state: State) => boolean,
): Promise<{ states: States; groups: PackGroup[] }> {
  const { states, alike } = await statesAlike(db, nodes, t);
  return { states, groups: alike.filter(({ state }) => counts(state)).map(({ state, nodes: list }) => ({ state, count: list.length })) };
}

/** A pack is a serialised GTIN that never was a parent (design.md §7). The lot is one of a GTIN, and a lot and its members are of one class. */
function isPackOf(state: State, lot: Node): boolean {
  return state.lot === lot && (state.flags & FLAG.parent) === 0;
}

/** Tells packs among single things. */
class Packs {
  private readonly db: Db;
  private readonly lots: ReadonlySet<Node>;
  private readonly gtins = new Map<number, boolean>();

  constructor(db: Db, reach: Reach) {
    this.db = db;
    this.lots = new Set(reach.lots);
  }

  /** Looks up the classes of these things. */
  async know(states: Iterable<State>): Promise<void> {
    const ids = new Set<number>();
    for (const state of states) if (!this.gtins.has(state.class)) ids.add(state.class);
    if (ids.size === 0) return;
    const rows = await this.db.all<{ id: number; key: string }>(
      sql`SELECT c.id, c.key FROM ${eachNumber([...ids])} j CROSS JOIN class c ON c.id = j.value`,
    );
    for (const { id, key } of rows) this.gtins.set(id, /^01\/\d{14}$/.test(key));
  }

  /** A pack that no reached lot counts already. */
  isAlone(state: State): boolean {
    return state.node > 0 && (state.flags & FLAG.parent) === 0 && this.gtins.get(state.class) === true && !this.lots.has(state.lot);
  }
}

/** Where a page of packs ended: the lot and the pack of it, `part` 0 before the first lot and SINGLE among the single things. */
export type PackCursor = { part: number; id: number };
const SINGLE = Number.MAX_SAFE_INTEGER;

/**
 * The packs of a reach in a fixed order: lot by lot in order of lot id, then the single things, each in order of id. A new pack or lot moves
 * none of those before it, so pages neither repeat nor skip. A page may hold fewer than `limit` and still have a next one.
 */
export async function packPage(
  db: Db,
  reach: Reach,
  after: PackCursor,
  limit: number,
  t: AsOf,
): Promise<{ states: States; packs: State[]; next: PackCursor | null }> {
  const { ids, next } = await candidates(db, reach, after, limit, t);
  const states = await statesOf(
    db,
    ids.map(({ id }) => id),
    t,
  );
  const packs = new Packs(db, reach);
  await packs.know(states.states.values());
  const counts = (state: State, lot: Node | null) => (lot === null ? packs.isAlone(state) : isPackOf(state, lot));
  const list = ids.map(({ id, lot }) => ({ state: states.states.get(id), lot }));
  return { states, packs: list.flatMap(({ state, lot }) => (state !== undefined && counts(state, lot) ? [state] : [])), next };
}

type Candidate = { id: Node; lot: Node | null };

async function candidates(
  db: Db,
  reach: Reach,
  after: PackCursor,
  limit: number,
  t: AsOf,
): Promise<{ ids: Candidate[]; next: PackCursor | null }> {
  const ids: Candidate[] = [];
  const last = () => (ids.at(-1) as Candidate).id;
  for (const lot of reach.lots) {
    if (-lot < after.part) continue;
    const from = -lot === after.part ? after.id : 0;
    const found = isNow(t) ? await packsOf(db, lot, from, limit - ids.length) : (await claimed(db, lot, t)).filter((id) => id > from);
    for (const id of found.slice(0, limit - ids.length)) ids.push({ id, lot });
    if (ids.length === limit) return { ids, next: { part: -lot, id: last() } };
  }
  const from = after.part === SINGLE ? after.id : 0;
  for (const id of reach.items) {
    if (id <= from) continue;
    ids.push({ id, lot: null });
    if (ids.length === limit) return { ids, next: { part: SINGLE, id } };
  }
  return { ids, next: null };
}

async function packsOf(db: Db, lot: Node, after: Node, limit: number): Promise<Node[]> {
  const rows = await db.all<{ id: number }>(
    sql`SELECT i.id FROM item i WHERE i.lot = ${-lot} AND i.lot IS NOT NULL AND (i.flags & 1) = 0 AND i.id > ${after} ORDER BY i.id LIMIT ${limit}`,
  );
  return rows.map((row) => row.id);
}

/** How many packs each of these lots has; lots without any are missing. */
export async function packCounts(db: Db, lots: readonly Node[], t: AsOf): Promise<Map<Node, number>> {
  const counts = new Map<Node, number>();
  const reach = await reachOf(db, lots, []);
  if (isNow(t)) {
    const rows = await db.all<{ lot: number; packs: number }>(
      sql`SELECT j.value AS lot, (SELECT count(*) FROM item i WHERE i.lot = j.value AND i.lot IS NOT NULL AND (i.flags & 1) = 0) AS packs FROM ${eachNumber(reach.lots.map((lot) => -lot))} j`,
    );
    for (const { lot, packs } of rows) if (packs > 0) counts.set(-lot, packs);
    return counts;
  }
  for await (const { groups } of packGroups(db, reach, t))
    for (const { state, count } of groups) counts.set(state.lot, (counts.get(state.lot) ?? 0) + count);
  return counts;
}
