import { sql } from 'drizzle-orm';
import { formatKey, glnOf, parseKey } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';
import type { EventRow, ThingRow } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { type AsOf, effective, isNow, stated } from './as-of.ts';
import { foldHistories, type HistorySource } from './history-fold.ts';
import { comparePositions, type Position } from './order.ts';
import { type Resolved, resolve } from './resolve.ts';
import { factsFrom, positionOf, seqsOf, statesFrom } from './rows.ts';
import { NONE, type Node, type State } from './state.ts';

/** The columns of `item` and `lot` that hold a state. */
export const STATE_COLUMNS = sql.raw(
  'parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner, custody_seq, place, place_seq, last_seq, claim_seq, flags, persistent',
);

/** Words for a reader: ids → texts. */
export function wordsOf(db: Db) {
  return {
    async termTexts(ids: readonly number[]): Promise<(string | null)[]> {
      if (ids.length === 0) return [];
      const rows = await db.all<{ id: number; text: string }>(
        sql`SELECT t.id, t.text FROM ${eachNumber(ids)} j CROSS JOIN term t ON t.id = j.value`,
      );
      const texts = new Map(rows.map((row) => [row.id, row.text]));
      return ids.map((id) => texts.get(id) ?? null);
    },
    terms(): Promise<number[]> {
      throw new Error('a reader makes no words');
    },
  };
}

/** The node of a canonical key; null when nothing here ever named it. */
export async function findNode(db: Db, key: string): Promise<Node | null> {
  const thing = parseKey(key);
  const [row] =
    'serial' in thing
      ? await db.all<{ node: number }>(
          sql`SELECT i.id AS node FROM class c CROSS JOIN item_name i ON i.class = c.id AND i.serial = ${thing.serial} WHERE c.key = ${thing.class}`,
        )
      : await db.all<{ node: number }>(
          sql`SELECT -l.id AS node FROM class c CROSS JOIN lot l ON l.class = c.id AND l.lot = ${thing.lot} WHERE c.key = ${thing.class}`,
        );
  if (row) return row.node;
  if ('serial' in thing || thing.class === 'uri') return null;
  // A class or lot may also stand among instances, in an event that names it where an EPC belongs.
  const [odd] = await db.all<{ node: number }>(
    sql`SELECT i.id AS node FROM class c CROSS JOIN item_name i ON i.class = c.id AND i.serial = ${key} WHERE c.key = 'uri'`,
  );
  return odd?.node ?? null;
}

/**
 * The node of a canonical key if it was known by then; null otherwise. What is known but had not happened yet at the event time asked for is
 * no stranger: its answers are empty.
 */
export async function findNodeAsOf(db: Db, key: string, t: AsOf): Promise<Node | null> {
  const node = await findNode(db, key);
  if (node === null || t.seq === null) return node;
  const parts = node > 0 ? sql`event_item p WHERE p.item = ${node}` : sql`event_lot p WHERE p.lot = ${-node}`;
  const rows = await db.all(
    sql`SELECT 1 AS one FROM (SELECT p.seq FROM ${parts}) p CROSS JOIN event e ON e.seq = p.seq AND ${stated({ at: null, seq: t.seq }, sql`e`)} LIMIT 1`,
  );
  return rows.length > 0 ? node : null;
}

export async function keysOf(db: Db, nodes: readonly Node[]): Promise<Map<Node, string>> {
  const keys = new Map<Node, string>();
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  if (items.length > 0) {
    const rows = await db.all<{ id: number; key: string; serial: string }>(
      sql`SELECT i.id, c.key, i.serial FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value CROSS JOIN class c ON c.id = i.class`,
    );
    for (const row of rows) keys.set(row.id, formatKey({ class: row.key, serial: row.serial }));
  }
  if (lots.length > 0) {
    const rows = await db.all<{ id: number; key: string; lot: string }>(
      sql`SELECT l.id, c.key, l.lot FROM ${eachNumber(lots)} j CROSS JOIN lot l ON l.id = j.value CROSS JOIN class c ON c.id = l.class`,
    );
    for (const row of rows) keys.set(-row.id, formatKey({ class: row.key, lot: row.lot }));
  }
  return keys;
}

async function thingRows(db: Db, nodes: readonly Node[]): Promise<ThingRow[]> {
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  return [
    ...(items.length === 0
      ? []
      : await db.all<ThingRow>(
          sql`SELECT id AS node, class, -lot AS lot, expiry, ${STATE_COLUMNS}, NULL AS balance FROM ${eachNumber(items)} j CROSS JOIN item ON id = j.value`,
        )),
    ...(lots.length === 0
      ? []
      : await db.all<ThingRow>(
          sql`SELECT -id AS node, class, NULL AS lot, expiry, ${STATE_COLUMNS}, balance FROM ${eachNumber(lots)} j CROSS JOIN lot ON id = j.value`,
        )),
  ];
}

/** States with everything that resolving them takes. */
export class States {
  readonly states: ReadonlyMap<Node, State>;
  private readonly positions: ReadonlyMap<number, Position>;

  constructor(states: ReadonlyMap<Node, State>, positions: ReadonlyMap<number, Position>) {
    this.states = states;
    this.positions = positions;
  }

  readonly later = (seq: number, than: number): boolean => {
    if (seq === than || seq === NONE) return false;
    if (than === NONE) return true;
    return comparePositions(this.positions.get(seq) as Position, this.positions.get(than) as Position) > 0;
  };

  /** The same events, more states. */
  with(states: ReadonlyMap<Node, State>): States {
    return new States(states, this.positions);
  }

  /** Its container, the container of that, and so on. */
  *chain(state: State): Iterable<State> {
    for (let above = this.states.get(state.parent); above !== undefined; above = this.states.get(above.parent)) yield above;
  }

  resolve(state: State): Resolved {
    return resolve(state, this.chain(state), this.later);
  }
}

/** The states of these nodes and of all their containers, now or as of then. Nodes that did not exist by then are missing. */
export async function statesOf(db: Db, nodes: readonly Node[], t: AsOf): Promise<States> {
  return isNow(t) ? await presentStates(db, await statesFrom(wordsOf(db), await thingRows(db, nodes))) : await pastStates(db, nodes, t);
}

/** Adds containers and positions to states that were read already. */
export async function presentStates(db: Db, own: readonly State[]): Promise<States> {
  const states = new Map<Node, State>();
  for (const state of own) states.set(state.node, state);
  let missing = parentsMissing(own, states);
  while (missing.length > 0) {
    const above = await statesFrom(wordsOf(db), await thingRows(db, missing));
    for (const state of above) states.set(state.node, state);
    missing = parentsMissing(above, states);
  }
  const seqs = new Set<number>();
  for (const state of states.values()) for (const seq of seqsOf(state)) seqs.add(seq);
  return new States(states, await positionsOf(db, seqs));
}

function parentsMissing(states: readonly State[], have: ReadonlyMap<Node, State>): Node[] {
  const missing = new Set<Node>();
  for (const state of states) if (state.parent !== 0 && !have.has(state.parent)) missing.add(state.parent);
  return [...missing];
}

/** Where these events stand in the order of effects. */
export async function positionsOf(db: Db, seqs: Iterable<number>): Promise<Map<number, Position>> {
  const rows = await db.all<Pick<EventRow, 'seq' | 'time' | 'below' | 'rank' | 'digest'>>(
    sql`SELECT e.seq, e.time, e.below, e.rank, e.digest FROM ${eachNumber([...seqs])} j CROSS JOIN event e ON e.seq = j.value`,
  );
  return new Map(rows.map((row) => [row.seq, positionOf(row)]));
}

/** Things in one and the same state: `state` is that of the first of `nodes`. */
export type Alike = { readonly state: State; readonly nodes: readonly Node[] };

/**
 * The states of these nodes as of then, those together that took part in the same events in the same way: packs packed and moved together
 * have one history, so it is folded once for all of them. Nodes that did not exist by then are missing.
 */
export async function statesAlike(db: Db, nodes: readonly Node[], t: AsOf): Promise<{ states: States; alike: Alike[] }> {
  const together = await byHistory(db, nodes, t);
  const { fold, named } = await foldHistories(
    pastSource(db, t),
    together.map((list) => list[0] as Node),
  );
  const states = new Map<Node, State>();
  for (const parts of named.values()) for (const { node } of parts) states.set(node, fold.get(node));
  const alike = together.map((list) => ({ state: fold.get(list[0] as Node), nodes: list }));
  for (const { state } of alike) states.set(state.node, state);
  return { states: new States(states, fold.positions), alike };
}

async function pastStates(db: Db, nodes: readonly Node[], t: AsOf): Promise<States> {
  const { states, alike } = await statesAlike(db, nodes, t);
  const all = new Map(states.states);
  for (const { state, nodes: list } of alike) for (const node of list) if (!all.has(node)) all.set(node, { ...state, node });
  return states.with(all);
}

/** The nodes that events had named by then, grouped by class and by the events and roles. */
async function byHistory(db: Db, nodes: readonly Node[], t: AsOf): Promise<Node[][]> {
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  const parts = await db.all<{ node: number; seq: number; role: number }>(
    sql`SELECT p.item AS node, p.seq, p.role FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value
        UNION ALL SELECT -p.lot AS node, p.seq, p.role FROM ${eachNumber(lots)} j CROSS JOIN event_lot p ON p.lot = j.value`,
  );
  const seqs = new Set(parts.map((part) => part.seq));
  const rows = await db.all<{ seq: number }>(
    sql`SELECT e.seq FROM ${eachNumber([...seqs])} j CROSS JOIN event e ON e.seq = j.value WHERE ${stated(t, sql`e`)}`,
  );
  const there = new Set(rows.map((row) => row.seq));
  const histories = new Map<Node, number[]>();
  for (const { node, seq, role } of parts) {
    if (!there.has(seq)) continue;
    const history = histories.get(node);
    if (history) history.push(seq * ROLES + role);
    else histories.set(node, [seq * ROLES + role]);
  }
  const classes = await classesOf(db, items);
  const groups = new Map<string, Node[]>();
  for (const [node, history] of histories) {
    const key = node < 0 ? String(node) : `${classes.get(node)}/${history.sort((a, b) => a - b).join()}`;
    const group = groups.get(key);
    if (group) group.push(node);
    else groups.set(key, [node]);
  }
  return [...groups.values()];
}

/** More than there are roles: a participation is one number. */
const ROLES = 8;

async function classesOf(db: Db, nodes: readonly Node[]): Promise<Map<Node, number>> {
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  const rows = await db.all<{ node: Node; class: number }>(
    sql`SELECT i.id AS node, i.class FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value
        UNION ALL SELECT -l.id AS node, l.class FROM ${eachNumber(lots)} j CROSS JOIN lot l ON l.id = j.value`,
  );
  return new Map(rows.map((row) => [row.node, row.class]));
}

/** The histories of nodes as far as they had happened and were known. */
function pastSource(db: Db, t: AsOf): HistorySource {
  return {
    async parts(nodes) {
      const items = nodes.filter((node) => node > 0);
      const lots = nodes.filter((node) => node < 0).map((node) => -node);
      return [
        ...(await db.all<{ node: number; seq: number; role: number }>(
          sql`SELECT p.item AS node, p.seq, p.role FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value CROSS JOIN event e ON e.seq = p.seq AND ${effective(t, sql`e`)}`,
        )),
        ...(await db.all<{ node: number; seq: number; role: number }>(
          sql`SELECT -p.lot AS node, p.seq, p.role FROM ${eachNumber(lots)} j CROSS JOIN event_lot p ON p.lot = j.value CROSS JOIN event e ON e.seq = p.seq AND ${effective(t, sql`e`)}`,
        )),
      ];
    },
    async facts(seqs) {
      return await factsFrom(
        wordsOf(db),
        await db.all<EventRow>(sql`SELECT e.* FROM ${eachNumber(seqs)} j CROSS JOIN event e ON e.seq = j.value`),
      );
    },
    async classes(nodes) {
      return await classesOf(db, nodes);
    },
  };
}

/** Names from master data as it was known then, by canonical key; a party is found under its party and its location number. */
export async function namesOf(db: Db, keys: readonly string[], t: AsOf): Promise<Map<string, string>> {
  const spellings = new Map<string, string>();
  for (const key of keys) {
    spellings.set(key, key);
    if (key.startsWith('414/')) spellings.set(`417/${key.slice(4)}`, key);
  }
  const rows = await db.all<{ type: string; id: string; attributes: string }>(
    sql`SELECT m.type, m.id, m.attributes FROM ${eachText([...spellings.keys()])} j CROSS JOIN masterdata m ON m.id = j.value
        ${t.seq === null ? sql`` : sql`WHERE m.seq <= ${t.seq}`} ORDER BY m.seq, m.type`,
  );
  // What was told of an element last replaces what was told before (MD-7), a name included.
  const newest = new Map(rows.map((row) => [JSON.stringify([row.type, row.id]), row]));
  const names = new Map<string, string>();
  for (const row of rows) {
    if (newest.get(JSON.stringify([row.type, row.id])) !== row) continue;
    const attributes = JSON.parse(row.attributes) as Record<string, unknown>;
    for (const wanted of ['name', 'regulatedProductName', 'descriptionShort']) {
      const entry = Object.entries(attributes).find(
        ([name, value]) => name.replace(/^.*[#:/]/, '') === wanted && typeof value === 'string' && value !== '',
      );
      if (entry) {
        names.set(spellings.get(row.id) as string, entry[1] as string);
        break;
      }
    }
  }
  return names;
}

/** Names of parties and places for an answer, by the key of their GLN; those without a name are left out. */
export async function partyNames(db: Db, keys: readonly (string | null)[], t: AsOf): Promise<Record<string, string>> {
  return Object.fromEntries(await namesOf(db, glnKeys(keys), t));
}

/** The keys under which the names of parties and places are told. */
export function glnKeys(keys: readonly (string | null)[]): string[] {
  const wanted = new Set<string>();
  for (const key of keys) {
    const gln = key === null ? null : glnOf(key);
    if (gln !== null) wanted.add(`414/${gln}`);
  }
  return [...wanted];
}

/** Event ids as they go by: as sent, else the hash in its `ni:` form. */
export function eventIdOf(row: { event_id: string | null; hash: Uint8Array }): string {
  return row.event_id ?? `ni:///sha-256;${Buffer.from(row.hash).toString('hex')}?ver=CBV2.0`;
}

export async function eventIds(db: Db, seqs: readonly number[]): Promise<Map<number, string>> {
  const rows = await db.all<{ seq: number; event_id: string | null; hash: Uint8Array }>(
    sql`SELECT e.seq, e.event_id, e.hash FROM ${eachNumber(seqs)} j CROSS JOIN event e ON e.seq = j.value`,
  );
  return new Map(rows.map((row) => [row.seq, eventIdOf(row)]));
}
