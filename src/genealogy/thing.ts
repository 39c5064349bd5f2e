import { type SQL, sql } from 'drizzle-orm';
import { formatExactTime } from '../epcis/index.ts';
import { kindOfKey, parseKey, toDigitalLink } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, effective, isNow, stated, staysAsOf } from '../lifecycle/as-of.ts';
import { expiredFrom } from '../lifecycle/expiry.ts';
import { shownStage } from '../lifecycle/finding-record.ts';
import { FINDINGS, type FindingCode } from '../lifecycle/findings.ts';
import { comparePositions } from '../lifecycle/order.ts';
import { eventIdOf, findNodeAsOf, glnKeys, keysOf, namesOf, positionsOf, type States, statesOf } from '../lifecycle/present.ts';
import { type Resolved, shownStatus } from '../lifecycle/resolve.ts';
import { positionOf } from '../lifecycle/rows.ts';
import { NONE, type Node, ROLE, type State } from '../lifecycle/state.ts';
import { RELEASING } from '../lifecycle/steps.ts';
import type { Db } from '../store/db.ts';
import type { EventRow } from '../store/rows.ts';
import { batchStates } from './release.ts';

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
  /** Whether the expiry had passed by the time asked about; null where none is known. */
  expired: boolean | null;
  /** Whether it has left production's care: it or a container was shipped or received, or its lot was released, or its batch closed (domain.md §4, 7→11). */
  released: boolean;
  /** The container it is in, and the outermost one; null outside of any. */
  parent: string | null;
  top: string | null;
  location: string | null;
  holder: string | null;
  owner: string | null;
  /** What master data calls the holder, the owner and the place, by `414/<gln>`; and the thing, its lot, its product and its place, by their keys. */
  names: Record<string, string>;
  /** True: its own number was read where it last was; false: inferred through a container; null: no place is known. */
  observed: boolean | null;
  /** eventID of the last event that concerns it, by its own number or through a container. */
  lastEvent: string | null;
  lastEventTime: string | null;
  /** Those that are open, about events of that time; what a finding named before it was taken back is not kept. */
  findings: { id: number; code: string; severity: string; stage: string; message: string }[];
};

/** What a thing, lot or class is: now, or as of then. Null when nothing here names it (by then). */
export async function thing(db: Db, args: { of: string } & AsOfArgs): Promise<ThingAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const states = await statesOf(db, [node], t);
  const state = states.states.get(node);
  if (state === undefined) return null; // known, but nothing had happened to it by then
  const now = states.resolve(state);
  const chain = [...states.chain(state)];
  const keys = await keysOf(db, [node, ...chain.map((container) => container.node), ...(state.lot === 0 ? [] : [state.lot])]);
  const key = keys.get(node) as string;
  const lot = state.lot === 0 ? undefined : (await statesOf(db, [state.lot], t)).states.get(state.lot);
  const last = await lastEvent(db, state, states, t);
  const expiry = state.expiry ?? lot?.expiry ?? null;
  const lotKey = node < 0 ? key : (keys.get(state.lot) ?? null);
  const product = parseKey(key).class;
  const named = [key, lotKey, product, now.place, ...glnKeys([now.holder, now.owner, now.place])];
  const names = await namesOf(db, [...new Set(named.filter((one) => one !== null))], t);
  return {
    key,
    epc: toDigitalLink(key) ?? key,
    kind: kindOfKey(key),
    name: names.get(key) ?? (lotKey === null ? undefined : names.get(lotKey)) ?? names.get(product) ?? null,
    status: shownStatus(now, recallOf(lot)),
    disposition: now.disposition,
    lot: lotKey === null ? null : lotText(lotKey),
    expiry,
    expired: expiry === null ? null : isExpired(expiry, t),
    released: movedOut(now) || (await isReleased(db, node < 0 ? node : state.lot, t)),
    parent: chain[0] === undefined ? null : (keys.get(chain[0].node) ?? null),
    top: chain.length === 0 ? null : (keys.get((chain.at(-1) as State).node) ?? null),
    location: now.place,
    holder: now.holder,
    owner: now.owner,
    names: Object.fromEntries(names),
    observed: now.placeSeq === NONE ? null : now.observed,
    lastEvent: last === null ? null : eventIdOf(last),
    lastEventTime: last === null ? null : formatExactTime({ ms: last.time, below: last.below }),
    findings: await openFindings(db, node, t),
  };
}

/** What a lot lays upon its packs: a recall, by a persistent disposition or by the last one (design.md §7). */
export function recallOf(lot: State | undefined): State['persistent'] {
  const recalls = lot?.disposition === 'recalled' || (lot?.persistent?.some(([word]) => word === 'recalled') ?? false);
  return recalls ? [['recalled', NONE]] : null;
}

function isExpired(expiry: string, t: AsOf): boolean | null {
  const from = expiredFrom(expiry);
  return from === null ? null : from <= (t.at?.ms ?? Date.now());
}

const AWAY: ReadonlySet<string | null> = new Set(['InTransit', 'Received', 'Returned']);
const movedOut = (now: Resolved): boolean => now.received || AWAY.has(now.status) || AWAY.has(now.before);

/** Whether its batch was closed, or an event has released the lot: an OBSERVE of its LGTIN with a business step that CBV has no word for. Not while a batch is open. */
async function isReleased(db: Db, lot: Node, t: AsOf): Promise<boolean> {
  if (lot === 0) return false;
  const batch = (await batchStates(db, [lot], t)).get(lot);
  if (batch !== undefined) return batch === 'closed';
  const [step] = await db.all<{ id: number }>(sql`SELECT id FROM term WHERE text = ${RELEASING}`);
  if (step === undefined) return false;
  const rows = await db.all(
    sql`SELECT 1 AS one FROM event_lot p CROSS JOIN event e ON e.seq = p.seq AND e.biz_step = ${step.id} AND ${effective(t, sql`e`)} WHERE p.lot = ${-lot} AND p.role = ${ROLE.epc} LIMIT 1`,
  );
  return rows.length > 0;
}

function lotText(key: string): string | null {
  const parsed = parseKey(key);
  return 'lot' in parsed && parsed.class !== 'uri' && parsed.lot !== '' ? parsed.lot : null;
}

type LastEvent = Pick<EventRow, 'seq' | 'event_id' | 'hash' | 'time' | 'below' | 'rank' | 'digest'>;
const EVENT = sql.raw('e.seq, e.event_id, e.hash, e.time, e.below, e.rank, e.digest');

/**
 * The latest in order of its own events, of the full unpacks by which it left a container without being named, and of all that happened so
 * to its containers since it went in.
 */
async function lastEvent(db: Db, state: State, states: States, t: AsOf): Promise<LastEvent | null> {
  const line = [state, ...states.chain(state)];
  const entries = await positionsOf(
    db,
    line.map((one) => one.enteredSeq).filter((seq) => seq !== NONE),
  );
  const events = await lastEventsOf(
    db,
    line.map((one) => one.node),
    t,
  );
  let last: LastEvent | null = null;
  let entered = null;
  for (const one of line) {
    for (const event of events) {
      if (event.node !== one.node) continue;
      const position = positionOf(event);
      const since = entered === null || comparePositions(position, entered) > 0;
      if (since && (last === null || comparePositions(position, positionOf(last)) > 0)) last = event;
    }
    const entry = entries.get(one.enteredSeq);
    if (entry !== undefined && (entered === null || comparePositions(entry, entered) > 0)) entered = entry;
  }
  return last;
}

/** Of each thing the last event that names it, and the last end of a stay. */
async function lastEventsOf(db: Db, nodes: readonly Node[], t: AsOf): Promise<(LastEvent & { node: Node })[]> {
  const last = (node: Node, from: SQL) =>
    sql`SELECT * FROM (SELECT CAST(${node} AS BIGINT) AS node, ${EVENT} FROM ${from} ORDER BY e.time DESC, e.below DESC, e.rank DESC, e.digest DESC LIMIT 1) l`;
  const questions = nodes.flatMap((node) => {
    const parts = node > 0 ? sql`event_item p WHERE p.item = ${node}` : sql`event_lot p WHERE p.lot = ${-node}`;
    const named = last(node, sql`(SELECT p.seq FROM ${parts}) p CROSS JOIN event e ON e.seq = p.seq AND ${effective(t, sql`e`)}`);
    return node < 0 ? [named] : [named, last(node, sql`${staysAsOf(t, { children: [node] })} s CROSS JOIN event e ON e.seq = s.to_seq`)];
  });
  return await db.all(sql.join(questions, sql` UNION ALL `));
}

async function openFindings(db: Db, node: Node, t: AsOf): Promise<ThingAnswer['findings']> {
  return (await openRows(db, node, t)).map((row) => ({ ...row, stage: shownStage('open', row.stage), message: FINDINGS[row.code].says }));
}

async function openRows(db: Db, node: Node, t: AsOf): Promise<{ id: number; code: FindingCode; severity: string; stage: string }[]> {
  if (isNow(t)) {
    return await db.all(
      sql`SELECT DISTINCT f.id, f.code, f.severity, f.stage FROM finding_thing t CROSS JOIN finding f ON f.id = t.finding WHERE t.node = ${node} AND f.state = 'open' ORDER BY f.id`,
    );
  }
  const open =
    t.seq === null
      ? sql`f.state = 'open'`
      : sql`(f.state = 'open' OR f.closed_seq > ${t.seq}) AND f.opened <= (SELECT record_time FROM entry WHERE seq = ${t.seq})`;
  // What no event tells of has its place by when it was put on record.
  const raised = sql`${t.seq === null ? sql`true` : sql`f.seq <= ${t.seq}`} AND ${t.at === null ? sql`true` : sql`f.opened <= ${(t.at.ms + 1) * 1000 - 1}`}`;
  return await db.all(
    sql`SELECT DISTINCT f.id, f.code, f.severity, f.stage FROM finding_thing t CROSS JOIN finding f ON f.id = t.finding
        WHERE t.node = ${node} AND ${open} AND (EXISTS (SELECT 1 FROM event e WHERE e.seq = f.seq AND ${stated(t, sql`e`)})
          OR (NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = f.seq) AND ${raised})) ORDER BY f.id`,
  );
}
