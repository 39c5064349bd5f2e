import { sql } from 'drizzle-orm';
import { formatExactTime } from '../epcis/index.ts';
import { type AsOf, type AsOfArgs, asOf, notRepeated, stated, staysAsOf } from '../lifecycle/as-of.ts';
import { DEPTH_MAX } from '../lifecycle/fold.ts';
import { comparePositions, type Position } from '../lifecycle/order.ts';
import { eventIdOf, findNodeAsOf, keysOf, partyNames, positionsOf, wordsOf } from '../lifecycle/present.ts';
import { actionOf, positionOf } from '../lifecycle/rows.ts';
import { type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { EventRow } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';
import { type Walk, walk } from './walk.ts';

export type HistoryEntry = {
  seq: number;
  eventID: string;
  eventTime: string;
  recordTime: string;
  type: string;
  action: string | null;
  bizStep: string | null;
  disposition: string | null;
  readPoint: string | null;
  bizLocation: string | null;
  /** Its own number or lot, a container it was inside, or a transformation it came through. */
  why: 'own' | 'inside' | 'lineage';
  /** The container, or the node of the lineage that the event made or brought in; null for its own events. */
  via: string | null;
  /** Declared erroneous, or an error declaration itself: shown, but without effect. */
  voided: boolean;
  /** The set of rules by which it was judged (docs/rules.md). */
  rules: number;
};
/** `names`: what master data calls the places, by `414/<gln>`. */
export type HistoryAnswer = { of: string; entries: HistoryEntry[]; names: Record<string, string> };

type Row = Pick<
  EventRow,
  | 'seq'
  | 'event_id'
  | 'hash'
  | 'time'
  | 'below'
  | 'rules'
  | 'rank'
  | 'digest'
  | 'type'
  | 'action'
  | 'biz_step'
  | 'disposition'
  | 'read_point'
  | 'biz_location'
  | 'void_seq'
  | 'declares'
> & { record_time: number };

const COLUMNS = sql.raw(
  'e.seq, e.event_id, e.hash, e.time, e.below, e.rank, e.digest, n.record_time, e.type, e.action, e.biz_step, e.disposition, e.read_point, e.biz_location, e.void_seq, e.declares, e.rules',
);

type Reason = { seq: number; why: HistoryEntry['why']; via: Node | null };

/**
 * Everything that happened to a thing, in time order: its own events, those of its containers while it was inside, and with `lineage`
 * the transformations it came through, back to how the first of it came in. Voided events are shown as such. Null when nothing names it.
 */
export async function history(db: Db, args: { of: string; lineage?: boolean } & AsOfArgs): Promise<HistoryAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNodeAsOf(db, args.of, t);
  if (node === null) return null;
  const reasons = new Map<number, Reason>();
  const add = (reason: Reason) => {
    if (!reasons.has(reason.seq)) reasons.set(reason.seq, reason);
  };
  for (const seq of await ownEvents(db, node)) add({ seq, why: 'own', via: null });
  for (const { seq, container } of await eventsInside(db, node, t)) add({ seq, why: 'inside', via: container });
  if (args.lineage) for (const { seq, via } of await lineageOf(db, node, t)) add({ seq, why: 'lineage', via });

  const rows = await db.all<Row>(
    sql`SELECT ${COLUMNS} FROM ${eachNumber([...reasons.keys()])} j CROSS JOIN event e ON e.seq = j.value CROSS JOIN entry n ON n.seq = e.seq
        WHERE ${stated(t, sql`e`)} AND ${notRepeated(t, sql`e`)}`,
  );
  const ordered = rows
    .map((row) => ({ row, position: positionOf(row) }))
    .sort((a, b) => comparePositions(a.position, b.position) || a.row.seq - b.row.seq);
  const entries = await told(
    db,
    ordered.map(({ row }) => ({ row, reason: reasons.get(row.seq) as Reason })),
    t,
  );
  const places = entries.flatMap((entry) => [entry.bizLocation, entry.readPoint]);
  return { of: args.of, entries, names: await partyNames(db, places, t) };
}

async function ownEvents(db: Db, node: Node): Promise<number[]> {
  const rows = await db.all<{ seq: number }>(
    node > 0 ? sql`SELECT DISTINCT seq FROM event_item WHERE item = ${node}` : sql`SELECT DISTINCT seq FROM event_lot WHERE lot = ${-node}`,
  );
  return rows.map((row) => row.seq);
}

/**
 * The events of these things and of their containers while they were inside, each once. What shares its stays shares the events of its
 * containers, so those are looked up once for all of a case.
 */
export async function eventsAround(db: Db, nodes: readonly Node[], t: AsOf): Promise<number[]> {
  const seqs = new Set<number>();
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  const own = await db.all<{ seq: number }>(
    sql`SELECT p.seq FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value
        UNION SELECT p.seq FROM ${eachNumber(lots)} j CROSS JOIN event_lot p ON p.lot = j.value`,
  );
  for (const { seq } of own) seqs.add(seq);
  const stays = await db.all<{ child: Node; parent: Node; from_seq: number; to_seq: number | null }>(
    sql`SELECT child, parent, from_seq, to_seq FROM ${staysAsOf(t, { children: items })} s ORDER BY child, from_seq, parent`,
  );
  const staysOf = new Map<Node, string>();
  for (const { child, parent, from_seq, to_seq } of stays)
    staysOf.set(child, `${staysOf.get(child) ?? ''}${parent} ${from_seq} ${to_seq}/`);
  const together = new Map([...staysOf].map(([node, shared]) => [shared, node]));
  for (const node of together.values()) for (const { seq } of await eventsInside(db, node, t)) seqs.add(seq);
  return [...seqs];
}

/** A time in a container: after `from`, up to and with `to` (null: to this day). */
type Span = { container: Node; from: Position; to: Position | null };

/** The events of the containers that a thing was in, each while it was, the innermost first. */
async function eventsInside(db: Db, node: Node, t: AsOf): Promise<{ seq: number; container: Node }[]> {
  const spans = new Map<Node, Span[]>();
  for (const span of await spansOf(db, node, t)) {
    const list = spans.get(span.container);
    if (list) list.push(span);
    else spans.set(span.container, [span]);
  }
  const rows = await db.all<Pick<EventRow, 'seq' | 'time' | 'below' | 'rank' | 'digest'> & { container: Node }>(
    sql`SELECT j.value AS container, e.seq, e.time, e.below, e.rank, e.digest FROM ${eachNumber([...spans.keys()])} j
        CROSS JOIN event_item p ON p.item = j.value CROSS JOIN event e ON e.seq = p.seq`,
  );
  const byContainer = new Map<Node, { seq: number; container: Node }[]>([...spans.keys()].map((container) => [container, []]));
  for (const row of rows) {
    const position = positionOf(row);
    const during = (span: Span) =>
      comparePositions(position, span.from) > 0 && (span.to === null || comparePositions(position, span.to) <= 0);
    if ((spans.get(row.container) as Span[]).some(during)) byContainer.get(row.container)?.push({ seq: row.seq, container: row.container });
  }
  return [...byContainer.values()].flat();
}

/** Its stays in containers, and, for each, the container's own stays that overlap: what happened to a pallet happened to the pack in its case. */
async function spansOf(db: Db, node: Node, t: AsOf): Promise<Span[]> {
  const spans: Span[] = [];
  let frontier: { node: Node; from: Position | null; to: Position | null }[] = [{ node, from: null, to: null }];
  for (let depth = 0; frontier.length > 0 && depth < DEPTH_MAX && spans.length < SPANS_MAX; depth++) {
    const children = [...new Set(frontier.map((inner) => inner.node))];
    const rows = await db.all<{ child: Node; parent: Node; from_seq: number; to_seq: number | null }>(
      sql`SELECT child, parent, from_seq, to_seq FROM ${staysAsOf(t, { children })} s ORDER BY child, from_seq, parent`,
    );
    const positions = await positionsOf(db, new Set(rows.flatMap((row) => [row.from_seq, row.to_seq]).filter((seq) => seq !== null)));
    const stays = new Map<Node, Span[]>(children.map((child) => [child, []]));
    for (const row of rows) {
      const to = row.to_seq === null ? null : (positions.get(row.to_seq) as Position);
      stays.get(row.child)?.push({ container: row.parent, from: positions.get(row.from_seq) as Position, to });
    }
    const next: typeof frontier = [];
    for (const inner of frontier) {
      for (const stay of stays.get(inner.node) as Span[]) {
        const from = inner.from !== null && comparePositions(inner.from, stay.from) > 0 ? inner.from : stay.from;
        const to = inner.to === null || (stay.to !== null && comparePositions(stay.to, inner.to) < 0) ? stay.to : inner.to;
        if (to !== null && comparePositions(from, to) >= 0) continue;
        spans.push({ container: stay.container, from, to });
        next.push({ node: stay.container, from, to });
      }
    }
    frontier = next;
  }
  return spans;
}

/** Stays of one thing beyond this are a data fault; its history says what it can. */
const SPANS_MAX = 10_000;

/** The transformations that a thing came through, and how what is at the far end came in. */
async function lineageOf(db: Db, node: Node, t: AsOf): Promise<{ seq: number; via: Node }[]> {
  const walked = await walk(db, node, 'backwards', t, { for: 'graph' });
  const via = new Map<number, Node>();
  // What an event made says best why it is here; of one that only states inputs, those do.
  for (const side of [1, 0])
    for (const line of walked.lines)
      if (line.side === side && walked.depth.has(line.node) && !via.has(line.seq)) via.set(line.seq, line.node);
  for (const { seq, node: first } of await receipts(db, firstOf(walked, node))) if (!via.has(seq)) via.set(seq, first);
  return [...via].map(([seq, through]) => ({ seq, via: through }));
}

/** Where a walk backwards ended: nothing made these. */
function firstOf(walked: Walk, start: Node): Node[] {
  const made = new Set(walked.lines.filter((line) => line.side === 1).map((line) => line.node));
  const members = new Set(walked.members.map(({ item }) => item));
  return [...walked.depth.keys()].filter((n) => n !== start && !made.has(n) && !members.has(n));
}

/** Events that bring these in: made here first, or received. */
async function receipts(db: Db, nodes: readonly Node[]): Promise<{ node: Node; seq: number }[]> {
  const brings = sql`(e.action = 0 OR e.biz_step IN (SELECT id FROM term WHERE text IN ('receiving', 'accepting')))`;
  const items = nodes.filter((node) => node > 0);
  const lots = nodes.filter((node) => node < 0).map((node) => -node);
  return await db.all(
    sql`SELECT p.item AS node, p.seq AS seq FROM ${eachNumber(items)} j CROSS JOIN event_item p ON p.item = j.value AND p.role = ${ROLE.epc} CROSS JOIN event e ON e.seq = p.seq AND ${brings}
        UNION ALL SELECT -p.lot AS node, p.seq FROM ${eachNumber(lots)} j CROSS JOIN event_lot p ON p.lot = j.value AND p.role = ${ROLE.epc} CROSS JOIN event e ON e.seq = p.seq AND ${brings}
        ORDER BY seq, node`,
  );
}

async function told(db: Db, list: readonly { row: Row; reason: Reason }[], t: AsOf): Promise<HistoryEntry[]> {
  const ids = new Set<number>();
  for (const { row } of list)
    for (const id of [row.type, row.biz_step, row.disposition, row.read_point, row.biz_location]) if (id !== null) ids.add(id);
  const words = [...ids];
  const texts = await wordsOf(db).termTexts(words);
  const textOf = new Map(words.map((id, i) => [id, texts[i] ?? null]));
  const text = (id: number | null) => (id === null ? null : (textOf.get(id) ?? null));
  const keys = await keysOf(db, [...new Set(list.map(({ reason }) => reason.via).filter((via) => via !== null))]);
  return list.map(({ row, reason: { why, via } }) => ({
    seq: row.seq,
    eventID: eventIdOf(row),
    eventTime: formatExactTime({ ms: row.time, below: row.below }),
    recordTime: recordTimeText(row.record_time),
    type: text(row.type) ?? '',
    action: actionOf(row.action),
    bizStep: text(row.biz_step),
    disposition: text(row.disposition),
    readPoint: text(row.read_point),
    bizLocation: text(row.biz_location),
    why,
    via: via === null ? null : (keys.get(via) ?? null),
    rules: row.rules,
    voided: row.declares === 1 || (row.void_seq !== null && (t.seq === null || row.void_seq <= t.seq)),
  }));
}

/** Microseconds since 1970 as UTC with six decimals. */
export function recordTimeText(microseconds: number): string {
  const ms = Math.floor(microseconds / 1000);
  return `${new Date(ms).toISOString().slice(0, 23)}${String(microseconds - ms * 1000).padStart(3, '0')}Z`;
}
