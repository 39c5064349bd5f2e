import { sql } from 'drizzle-orm';
import { kindOfKey, parseKey, toDigitalLink } from '../identifiers/index.ts';
import { type AsOf, type AsOfArgs, asOf } from '../lifecycle/as-of.ts';
import { findNodeAsOf, keysOf, namesOf, statesOf } from '../lifecycle/present.ts';
import { type Resolved, shownStatus } from '../lifecycle/resolve.ts';
import { NONE, type Node, type State } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { nodesInside } from './contents.ts';
import { type Boundary, labelOf } from './graph.ts';
import { recordTimeText } from './history.ts';
import { type PackCursor, packGroups, packPage, type Reach, reachOf } from './packs.ts';
import { recallOf } from './thing.ts';
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

/** From a raw lot, a lot or a thing to the packs it became or holds: counts by lot, status, holder and place (domain.md §11, Q1 and Q2). Null when nothing names it. */
export async function scope(db: Db, args: { of: string } & AsOfArgs): Promise<ScopeAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const { reach, cut } = await reached(db, node, t);
  const tally = new Tally();
  for await (const { states, groups } of packGroups(db, reach, t))
    for (const { state, count } of groups) tally.add(state, states.resolve(state), count);
  const lots = [...tally.lots.keys()].filter((lot) => lot !== 0);
  const lotStates = (await statesOf(db, lots, t)).states;
  const keys = await keysOf(db, [...lots, ...cut]);
  const holders = [...tally.holders.keys()].filter((holder) => holder !== null);
  const names = await namesOf(db, [...holders, args.of, parseKey(args.of).class], t);
  return {
    of: { key: args.of, kind: kindOfKey(args.of), label: labelOf(args.of, names) },
    asOf: { eventTime: args.at ?? null, recordTime: args.known ?? (await lastRecordTime(db)) },
    complete: cut.length === 0,
    boundaries: cut.map((n): Boundary => ({ key: keys.get(n) as string, kind: 'limit' })),
    lots: lots
      .map((lot) => {
        const key = keys.get(lot) as string;
        const parsed = parseKey(key) as { class: string; lot: string };
        const expiry = lotStates.get(lot)?.expiry ?? null;
        return { key, epcClass: parsed.class, lot: parsed.lot, expiry, packs: tally.lots.get(lot) as number };
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
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const { reach } = await reached(db, node, t);
  const { states, packs, next } = await packPage(db, reach, args.after ?? { part: 0, id: 0 }, Math.min(args.limit, PAGE_MAX), t);
  const lots = new Set(packs.map((state) => state.lot).filter((lot) => lot !== 0));
  const lotStates = (await statesOf(db, [...lots], t)).states;
  const keys = await keysOf(db, [...new Set(packs.flatMap((state) => [state.node, state.lot, state.parent]).filter((n) => n !== 0))]);
  const rows = packs.map((state): PackRow => {
    const now = states.resolve(state);
    const key = keys.get(state.node) as string;
    const lot = lotStates.get(state.lot);
    return {
      key,
      epc: toDigitalLink(key) ?? key,
      lot: state.lot === 0 ? null : (parseKey(keys.get(state.lot) as string) as { lot: string }).lot,
      expiry: state.expiry ?? lot?.expiry ?? null,
      status: shownStatus(now, recallOf(lot)),
      disposition: now.disposition,
      holder: now.holder,
      location: now.place,
      observed: now.observed,
      parent: state.parent === 0 ? null : (keys.get(state.parent) ?? null),
    };
  });
  return { rows, next };
}

/** Rows of one page. */
const PAGE_MAX = 5_000;

async function reached(db: Db, node: Node, t: AsOf): Promise<{ reach: Reach; cut: readonly Node[] }> {
  const { depth, partly, produced, cut } = await walk(db, node, 'forwards', t, { for: 'scope' });
  const shown = [...depth.keys()];
  const lots = shown.filter((n) => n < 0 && !partly.has(n));
  const items = shown.filter((n) => n > 0);
  // A container stands for what is inside it.
  const inside = node > 0 ? (await nodesInside(db, node, 'all', t)).map((member) => member.child).filter((child) => child > 0) : [];
  return { reach: await reachOf(db, lots, [...items, ...produced, ...inside]), cut };
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
  /** By lot, because a recalled lot shows on its packs: the status of each pack by itself and under such a lot. */
  private readonly byStatus = new Map<string, { lot: Node; own: string | null; recalled: string | null; count: number }>();

  add(state: State, now: Resolved, count: number): void {
    this.lots.set(state.lot, (this.lots.get(state.lot) ?? 0) + count);
    const holder = this.holders.get(now.holder) ?? { observed: 0, inferred: 0 };
    if (now.placeSeq !== NONE && now.observed) holder.observed += count;
    else holder.inferred += count;
    this.holders.set(now.holder, holder);
    this.places.set(now.place, (this.places.get(now.place) ?? 0) + count);
    const own = shownStatus(now);
    const recalled = shownStatus(now, RECALLED);
    const key = `${state.lot}/${own}/${recalled}`;
    const status = this.byStatus.get(key) ?? { lot: state.lot, own, recalled, count: 0 };
    status.count += count;
    this.byStatus.set(key, status);
  }

  answer(lots: ReadonlyMap<Node, State>, names: ReadonlyMap<string, string>): ScopeAnswer['packs'] {
    const statuses = new Map<string | null, number>();
    for (const { lot, own, recalled, count } of this.byStatus.values()) {
      const status = recallOf(lots.get(lot)) === null ? own : recalled;
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
      byStatus: inOrder(
        [...statuses].map(([status, count]) => ({ status, count })),
        (row) => row.status,
      ),
      byHolder: inOrder(byHolder, (row) => row.holder),
      byLocation: inOrder(
        [...this.places].map(([location, count]) => ({ location, count })),
        (row) => row.location,
      ),
    };
  }
}

const RECALLED: State['persistent'] = [['recalled', NONE]];

/** The largest first, equals by name: the same counts are the same answer, whichever way they were gathered. */
function inOrder<Row extends { count: number }>(rows: Row[], name: (row: Row) => string | null): Row[] {
  return rows.sort((a, b) => b.count - a.count || ((name(a) ?? '') < (name(b) ?? '') ? -1 : 1));
}
