import { sql } from 'drizzle-orm';
import { kindOfKey, parseKey, toDigitalLink } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf, isNow } from '../lifecycle/as-of.ts';
import { findNode, keysOf, namesOf, presentStates, type States, statesOf, wordsOf } from '../lifecycle/present.ts';
import { type Resolved, shownStatus } from '../lifecycle/resolve.ts';
import { statesFrom } from '../lifecycle/rows.ts';
import { NONE, type Node, type State } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { ThingRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { contents } from './contents.ts';
import { type Boundary, labelOf } from './graph.ts';
import { recordTimeText } from './history.ts';
import { classKeys, isPack } from './thing.ts';
import { walk } from './walk.ts';

export type ScopeAnswer = {
  of: { key: string; kind: string; label: string };
  asOf: { eventTime: string | null; recordTime: string };
  complete: boolean;
  boundaries: Boundary[];
  lots: { key: string; epcClass: string; lot: string; expiry: string | null; packs: number }[];
  packs: {
    total: number;
    observed: number;
    inferred: number;
    byStatus: { status: string | null; count: number }[];
    byHolder: { holder: string | null; name: string | null; count: number; observed: number; inferred: number }[];
    byLocation: { location: string | null; count: number }[];
  };
};

export type PackRow = {
  key: string;
  epc: string;
  lot: string | null;
  expiry: string | null;
  status: string | null;
  disposition: string | null;
  holder: string | null;
  location: string | null;
  observed: boolean;
  parent: string | null;
};

/** What a question about packs ranges over: whole lots, and serialised things reached one by one. */
type Reach = { lots: readonly Node[]; items: readonly Node[]; cut: readonly Node[] };

/** From a raw lot, a lot or a thing to the packs it became or holds: counts by lot, status, holder and place (domain.md §11, Q1 and Q2). Null when nothing names it. */
export async function scope(db: Db, args: { of: string } & AsOfArgs): Promise<ScopeAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNode(db, args.of);
  if (node === null) return null;
  const reach = await reached(db, node, args, t);
  const tally = new Tally();
  if (isNow(t)) {
    for await (const { states, groups } of presentGroups(db, reach))
      for (const { state, count } of groups) tally.add(state, states.resolve(state), count);
  } else {
    for (let after: PackCursor | null = { part: 0, id: 0 }; after !== null; ) {
      const { ids, next } = await packIds(db, reach, after, SLICE);
      const states = await statesOf(db, ids, t);
      for (const id of ids) {
        const state = states.states.get(id);
        if (state && belongs(state, reach)) tally.add(state, states.resolve(state), 1);
      }
      after = next;
    }
  }
  const lotNodes = [...tally.lots.keys()].filter((lot) => lot !== 0);
  const lotStates = await statesOf(db, lotNodes, t);
  const keys = await keysOf(db, [node, ...lotNodes, ...reach.cut]);
  const names = await namesOf(db, [
    ...[...tally.holders.keys()].filter((holder) => holder !== null),
    keys.get(node) as string,
    parseKey(keys.get(node) as string).class,
  ]);
  const boundaries = reach.cut.map((n): Boundary => ({ key: keys.get(n) as string, kind: 'limit' }));
  return {
    of: { key: args.of, kind: kindOfKey(args.of), label: labelOf(args.of, names) },
    asOf: { eventTime: args.at ?? null, recordTime: args.known ?? (await lastRecordTime(db)) },
    complete: boundaries.length === 0,
    boundaries,
    lots: lotNodes
      .map((lot) => {
        const key = keys.get(lot) as string;
        const parsed = parseKey(key) as { class: string; lot: string };
        return {
          key,
          epcClass: parsed.class,
          lot: parsed.lot,
          expiry: lotStates.states.get(lot)?.expiry ?? null,
          packs: tally.lots.get(lot) as number,
        };
      })
      .sort((a, b) => b.packs - a.packs || (a.key < b.key ? -1 : 1)),
    packs: tally.answer(lotStates, names),
  };
}

/** A page of the packs that scope counts, in a fixed order; `after` is the cursor of the page before, null for the first. */
export async function packsPage(
  db: Db,
  args: { of: string; after: PackCursor | null; limit: number } & AsOfArgs,
): Promise<{ rows: PackRow[]; next: PackCursor | null } | null> {
  const t = await asOf(db, args);
  const node = await findNode(db, args.of);
  if (node === null) return null;
  const reach = await reached(db, node, args, t);
  const { ids, next } = await packIds(db, reach, args.after ?? { part: 0, id: 0 }, Math.min(args.limit, SLICE));
  const states = await statesOf(db, ids, t);
  const list = ids.map((id) => states.states.get(id)).filter((state) => state !== undefined && belongs(state, reach)) as State[];
  const lots = new Set(list.map((state) => state.lot).filter((lot) => lot !== 0));
  const lotStates = await statesOf(db, [...lots], t);
  const keys = await keysOf(db, [...new Set(list.flatMap((state) => [state.node, state.lot, state.parent]).filter((n) => n !== 0))]);
  const rows = list.map((state): PackRow => {
    const now = states.resolve(state);
    const key = keys.get(state.node) as string;
    const lot = lotStates.states.get(state.lot);
    return {
      key,
      epc: toDigitalLink(key) ?? key,
      lot: state.lot === 0 ? null : (parseKey(keys.get(state.lot) as string) as { lot: string }).lot,
      expiry: state.expiry ?? lot?.expiry ?? null,
      status: shownStatus(now, lot?.persistent ?? null),
      disposition: now.disposition,
      holder: now.holder,
      location: now.place,
      observed: now.observed,
      parent: state.parent === 0 ? null : (keys.get(state.parent) ?? null),
    };
  });
  return { rows, next };
}

/** Things folded or listed at a time. */
const SLICE = 5_000;

const belongs = (state: State, reach: Reach) => reach.lots.includes(state.lot) || reach.items.includes(state.node);

async function reached(db: Db, node: Node, args: { of: string } & AsOfArgs, t: AsOf): Promise<Reach> {
  const walked = await walk(db, [node], 'forwards', t);
  const shown = [...walked.depth.keys()];
  const items = new Set<Node>([...shown.filter((n) => n > 0), ...walked.produced]);
  // A container stands for what is inside it.
  if (node > 0) {
    const inside = await contents(db, { ...args, depth: 'all' });
    for (const member of inside?.members ?? []) {
      const found = await findNode(db, member.key);
      if (found !== null) items.add(found);
    }
  }
  const lots = await gtinLots(
    db,
    shown.filter((n) => n < 0),
  );
  return { lots, items: await packsAmong(db, [...items], lots), cut: walked.cut };
}

/** Packs are serialised GTINs, so only lots of a GTIN have any. */
async function gtinLots(db: Db, lots: readonly Node[]): Promise<Node[]> {
  const keys = await keysOf(db, lots);
  return lots.filter((lot) => /^01\/\d{14}(\/10\/|$)/.test(keys.get(lot) as string));
}

/** Of single things, the packs that no reached lot counts already, in order of id. */
async function packsAmong(db: Db, items: readonly Node[], lots: readonly Node[]): Promise<Node[]> {
  if (items.length === 0) return [];
  const rows = await db.all<{ id: number; class: number; lot: number | null; flags: number }>(
    sql`SELECT i.id, i.class, i.lot, i.flags FROM ${eachNumber(items)} j CROSS JOIN item i ON i.id = j.value ORDER BY i.id`,
  );
  const keys = await classKeys(db, [...new Set(rows.map((row) => row.class))]);
  const counted = new Set(lots);
  return rows
    .filter(
      (row) => isPack({ node: row.id, flags: row.flags }, keys.get(row.class) as string) && (row.lot === null || !counted.has(-row.lot)),
    )
    .map((row) => row.id);
}

export type PackCursor = { part: number; id: number };

/** Ids of packs, lot by lot along the index and then the single things. */
async function packIds(db: Db, reach: Reach, after: PackCursor, limit: number): Promise<{ ids: Node[]; next: PackCursor | null }> {
  const ids: Node[] = [];
  let { part, id } = after;
  while (ids.length < limit && part < reach.lots.length) {
    const rows = await db.all<{ id: number }>(
      sql`SELECT i.id FROM item i WHERE i.lot = ${-(reach.lots[part] as number)} AND i.lot IS NOT NULL AND (i.flags & 1) = 0 AND i.id > ${id} ORDER BY i.id LIMIT ${limit - ids.length}`,
    );
    ids.push(...rows.map((row) => row.id));
    if (ids.length < limit) {
      part++;
      id = 0;
    } else id = (rows.at(-1) as { id: number }).id;
  }
  if (ids.length < limit && part === reach.lots.length) {
    const from = id;
    const rest = reach.items.filter((item) => item > from).slice(0, limit - ids.length);
    ids.push(...rest);
    if (ids.length < limit) return { ids, next: null };
    id = rest.at(-1) as number;
  }
  return { ids, next: { part, id } };
}

type Group = { state: State; count: number };

/** Packs of the reached lots by what they share: those packed and moved together have one state, so a million packs are some thousand groups. */
async function* presentGroups(db: Db, reach: Reach): AsyncGenerator<{ states: States; groups: Group[] }> {
  const columns = sql.raw(
    'class, lot, expiry, parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner, custody_seq, place, place_seq, flags, persistent',
  );
  const grouped = async (from: ReturnType<typeof sql>): Promise<{ states: States; groups: Group[] }> => {
    const rows = await db.all<ThingRow & { count: number }>(
      sql`SELECT min(node) AS node, -lot AS lot, class, expiry, parent, entered_seq, status, status_seq, before, before_seq, disposition, disposition_seq, holder, owner,
            custody_seq, place, place_seq, NULL AS last_seq, NULL AS claim_seq, flags, persistent, NULL AS balance, count(*) AS count
          FROM (${from}) i GROUP BY ${columns}`,
    );
    const list = await statesFrom(wordsOf(db), rows);
    return {
      states: await presentStates(db, list),
      groups: list.map((state, i) => ({ state, count: (rows[i] as { count: number }).count })),
    };
  };
  for (const lot of reach.lots)
    yield await grouped(sql`SELECT id AS node, ${columns} FROM item WHERE lot = ${-lot} AND lot IS NOT NULL AND (flags & 1) = 0`);
  for (let i = 0; i < reach.items.length; i += SLICE) {
    yield await grouped(
      sql`SELECT id AS node, ${columns} FROM ${eachNumber(reach.items.slice(i, i + SLICE))} j CROSS JOIN item ON id = j.value`,
    );
  }
}

async function lastRecordTime(db: Db): Promise<string> {
  const [row] = await db.all<{ t: number }>(sql`SELECT record_time AS t FROM entry ORDER BY seq DESC LIMIT 1`);
  return recordTimeText(row?.t ?? 0);
}

/** Counts by everything that an answer shows. */
class Tally {
  readonly lots = new Map<Node, number>();
  readonly holders = new Map<string | null, { observed: number; inferred: number }>();
  private readonly places = new Map<string | null, number>();
  /** By lot, because a recalled lot shows on its packs. */
  private readonly byStatus = new Map<string, { lot: Node; now: Pick<Resolved, 'status' | 'disposition' | 'persistent'>; count: number }>();

  add(state: State, now: Resolved, count: number): void {
    this.lots.set(state.lot, (this.lots.get(state.lot) ?? 0) + count);
    const holder = this.holders.get(now.holder) ?? { observed: 0, inferred: 0 };
    if (now.placeSeq !== NONE && now.observed) holder.observed += count;
    else holder.inferred += count;
    this.holders.set(now.holder, holder);
    this.places.set(now.place, (this.places.get(now.place) ?? 0) + count);
    const key = `${state.lot}/${now.status}/${now.disposition === 'recalled'}/${JSON.stringify(now.persistent)}`;
    const status = this.byStatus.get(key) ?? { lot: state.lot, now, count: 0 };
    status.count += count;
    this.byStatus.set(key, status);
  }

  answer(lots: States, names: ReadonlyMap<string, string>): ScopeAnswer['packs'] {
    const statuses = new Map<string | null, number>();
    for (const { lot, now, count } of this.byStatus.values()) {
      const status = shownStatus(now, lots.states.get(lot)?.persistent ?? null);
      statuses.set(status, (statuses.get(status) ?? 0) + count);
    }
    const byHolder = [...this.holders].map(([holder, { observed, inferred }]) => ({
      holder,
      name: holder === null ? null : (names.get(holder) ?? null),
      count: observed + inferred,
      observed,
      inferred,
    }));
    const sumOf = (pick: (h: (typeof byHolder)[number]) => number) => byHolder.reduce((total, h) => total + pick(h), 0);
    return {
      total: sumOf((h) => h.count),
      observed: sumOf((h) => h.observed),
      inferred: sumOf((h) => h.inferred),
      byStatus: [...statuses].map(([status, count]) => ({ status, count })).sort((a, b) => b.count - a.count),
      byHolder: byHolder.sort((a, b) => b.count - a.count),
      byLocation: [...this.places].map(([location, count]) => ({ location, count })).sort((a, b) => b.count - a.count),
    };
  }
}
