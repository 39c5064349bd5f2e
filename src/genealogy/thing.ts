import { sql } from 'drizzle-orm';
import { formatExactTime } from '../epcis/index.ts';
import { kindOfKey, parseKey, toDigitalLink } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, effective } from '../lifecycle/as-of.ts';
import { eventIdOf, findNode, keysOf, namesOf, type States, statesOf } from '../lifecycle/present.ts';
import { shownStatus } from '../lifecycle/resolve.ts';
import { FLAG, NONE, type Node, type State } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';

export type ThingAnswer = {
  key: string;
  /** The Digital Link of a GS1 key, else the URI. */
  epc: string;
  kind: string;
  name: string | null;
  status: string | null;
  disposition: string | null;
  lot: string | null;
  expiry: string | null;
  /** The container it is in, and the outermost one; null outside of any. */
  parent: string | null;
  top: string | null;
  location: string | null;
  holder: string | null;
  owner: string | null;
  /** True: its own number was read where it last was; false: inferred through a container; null: no place is known. */
  observed: boolean | null;
  /** eventID of the last event that concerns it, by its own number or through a container. */
  lastEvent: string | null;
  lastEventTime: string | null;
  findings: { id: number; code: string; severity: string }[];
};

/** What a thing, lot or class is: now, or as of then. Null when nothing here names it (by then). */
export async function thing(db: Db, args: { of: string } & AsOfArgs): Promise<ThingAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNode(db, args.of);
  if (node === null) return null;
  const states = await statesOf(db, [node], t);
  const state = states.states.get(node);
  if (state === undefined) return null;
  const now = states.resolve(state);
  const chain = [...states.chain(state)];
  const keys = await keysOf(db, [node, ...chain.map((container) => container.node), ...(state.lot === 0 ? [] : [state.lot])]);
  const key = keys.get(node) as string;
  const lot = state.lot === 0 ? null : (await statesOf(db, [state.lot], t)).states.get(state.lot);
  const last = await lastEvent(db, state, states, t);
  const lotKey = node < 0 ? key : (keys.get(state.lot) ?? null);
  return {
    key,
    epc: toDigitalLink(key) ?? key,
    kind: kindOfKey(key),
    name: await nameOf(db, key),
    status: shownStatus(now, lot?.persistent ?? null),
    disposition: now.disposition,
    lot: lotKey === null ? null : lotText(lotKey),
    expiry: state.expiry ?? lot?.expiry ?? null,
    parent: chain[0] === undefined ? null : (keys.get(chain[0].node) ?? null),
    top: chain.length === 0 ? null : (keys.get((chain.at(-1) as State).node) ?? null),
    location: now.place,
    holder: now.holder,
    owner: now.owner,
    observed: now.placeSeq === NONE ? null : now.observed,
    lastEvent: last === null ? null : eventIdOf(last),
    lastEventTime: last === null ? null : formatExactTime({ ms: last.time, below: last.below }),
    findings: await openFindings(db, node),
  };
}

async function nameOf(db: Db, key: string): Promise<string | null> {
  const product = parseKey(key).class;
  const names = await namesOf(db, [key, product]);
  return names.get(key) ?? names.get(product) ?? null;
}

function lotText(key: string): string | null {
  const parsed = parseKey(key);
  return 'lot' in parsed && parsed.class !== 'uri' && parsed.lot !== '' ? parsed.lot : null;
}

type LastEvent = { seq: number; event_id: string | null; hash: Uint8Array; time: number; below: string };

/** The latest of its own events and of its containers' since it went in. */
async function lastEvent(db: Db, state: State, states: States, t: AsOf): Promise<LastEvent | null> {
  let last = await lastOwnEvent(db, state.node, t);
  let entered = state.enteredSeq;
  for (const container of states.chain(state)) {
    const theirs = await lastOwnEvent(db, container.node, t);
    const [since] = await db.all<{ later: number }>(
      sql`SELECT (a.time, a.below, a.rank, a.digest) > (b.time, b.below, b.rank, b.digest) AS later FROM event a CROSS JOIN event b WHERE a.seq = ${theirs?.seq ?? -1} AND b.seq = ${entered}`,
    );
    if (theirs !== null && since?.later && (last === null || isLater(theirs, last))) last = theirs;
    if (states.later(container.enteredSeq, entered)) entered = container.enteredSeq;
  }
  return last;
}

const isLater = (a: LastEvent, b: LastEvent) => a.time > b.time || (a.time === b.time && a.below > b.below);

async function lastOwnEvent(db: Db, node: Node, t: AsOf): Promise<LastEvent | null> {
  const parts =
    node > 0
      ? sql`event_item p CROSS JOIN event e ON e.seq = p.seq AND p.item = ${node}`
      : sql`event_lot p CROSS JOIN event e ON e.seq = p.seq AND p.lot = ${-node}`;
  const [row] = await db.all<LastEvent>(
    sql`SELECT e.seq, e.event_id, e.hash, e.time, e.below FROM ${parts} WHERE ${effective(t, sql`e`)} ORDER BY e.time DESC, e.below DESC, e.rank DESC, e.digest DESC LIMIT 1`,
  );
  return row ?? null;
}

async function openFindings(db: Db, node: Node): Promise<ThingAnswer['findings']> {
  return await db.all(
    sql`SELECT DISTINCT f.id, f.code, f.severity FROM finding_thing t CROSS JOIN finding f ON f.id = t.finding WHERE t.node = ${node} AND f.state = 'open' ORDER BY f.id`,
  );
}

/** Whether a state is a pack: a serialised GTIN that never was a parent (design.md §7). `class` is its class's key. */
export function isPack(state: Pick<State, 'node' | 'flags'>, classKey: string): boolean {
  return state.node > 0 && (state.flags & FLAG.parent) === 0 && /^01\/\d{14}$/.test(classKey);
}

export async function classKeys(db: Db, ids: readonly number[]): Promise<Map<number, string>> {
  const rows = await db.all<{ id: number; key: string }>(
    sql`SELECT c.id, c.key FROM ${eachNumber(ids)} j CROSS JOIN class c ON c.id = j.value`,
  );
  return new Map(rows.map((row) => [row.id, row.key]));
}
