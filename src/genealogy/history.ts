import { sql } from 'drizzle-orm';
import { formatExactTime } from '../epcis/index.ts';
import { type AsOf, type AsOfArgs, asOf, happened, staysAsOf } from '../lifecycle/as-of.ts';
import { eventIdOf, findNode, keysOf, wordsOf } from '../lifecycle/present.ts';
import { actionOf } from '../lifecycle/rows.ts';
import { type Node, ROLE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';
import { walk } from './walk.ts';

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
  /** The container, or the node of the lineage; null for its own events. */
  via: string | null;
  /** Declared erroneous, or an error declaration itself: shown, but without effect. */
  voided: boolean;
};
export type HistoryAnswer = { of: string; entries: HistoryEntry[] };

/** A time span in a container's life, by events: after `from`, up to and with `to` (null: to this day). */
type Span = { container: Node; from: number; to: number | null };

type Row = {
  seq: number;
  event_id: string | null;
  hash: Uint8Array;
  time: number;
  below: string;
  rank: number;
  record_time: number;
  type: number;
  action: number | null;
  biz_step: number | null;
  disposition: number | null;
  read_point: number | null;
  biz_location: number | null;
  void_seq: number | null;
  declares: number;
};

const COLUMNS = sql.raw(
  'e.seq, e.event_id, e.hash, e.time, e.below, e.rank, n.record_time, e.type, e.action, e.biz_step, e.disposition, e.read_point, e.biz_location, e.void_seq, e.declares',
);

/**
 * Everything that happened to a thing, in time order: its own events, those of its containers while it was inside, and with `lineage`
 * the transformations it came through, back to the receipts of the raw lots. Voided events are shown as such. Null when nothing names it.
 */
export async function history(db: Db, args: { of: string; lineage?: boolean } & AsOfArgs): Promise<HistoryAnswer | null> {
  const t = await asOf(db, args);
  const node = await findNode(db, args.of);
  if (node === null) return null;
  const found = new Map<number, { row: Row; why: HistoryEntry['why']; via: Node | null }>();
  const add = (row: Row, why: HistoryEntry['why'], via: Node | null) => {
    if (!found.has(row.seq)) found.set(row.seq, { row, why, via });
  };
  for (const row of await eventsOf(db, node, t)) add(row, 'own', null);
  if (node > 0)
    for (const span of await spansOf(db, node, t)) for (const row of await eventsIn(db, span, t)) add(row, 'inside', span.container);
  if (args.lineage) for (const { row, via } of await lineageOf(db, node, t)) add(row, 'lineage', via);

  const list = [...found.values()].sort(
    (a, b) => a.row.time - b.row.time || compare(a.row.below, b.row.below) || a.row.rank - b.row.rank || a.row.seq - b.row.seq,
  );
  return { of: args.of, entries: await told(db, list, t) };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const known = (t: AsOf) => (t.seq === null ? sql`` : sql` AND e.seq <= ${t.seq}`);

async function eventsOf(db: Db, node: Node, t: AsOf): Promise<Row[]> {
  const parts =
    node > 0
      ? sql`(SELECT DISTINCT seq FROM event_item WHERE item = ${node})`
      : sql`(SELECT DISTINCT seq FROM event_lot WHERE lot = ${-node})`;
  return await db.all<Row>(
    sql`SELECT ${COLUMNS} FROM ${parts} p CROSS JOIN event e ON e.seq = p.seq CROSS JOIN entry n ON n.seq = e.seq WHERE e.twin_of IS NULL${known(t)}${happened(t, sql`e`)}`,
  );
}

/** Its stays in containers, and, for each, the container's own stays that overlap: what happened to a pallet happened to the pack in its case. */
async function spansOf(db: Db, node: Node, t: AsOf): Promise<Span[]> {
  const spans: Span[] = [];
  let frontier: { node: Node; from: number | null; to: number | null }[] = [{ node, from: null, to: null }];
  for (let depth = 0; frontier.length > 0 && depth < 64 && spans.length < SPANS_MAX; depth++) {
    const next: typeof frontier = [];
    for (const inner of frontier) {
      const stays = staysAsOf(t, sql`child = ${inner.node} AND kind = 0`);
      const rows = await db.all<{ parent: Node; from_seq: number; to_seq: number | null }>(
        sql`SELECT parent, from_seq, to_seq FROM ${stays} s`,
      );
      for (const row of rows) {
        const from = await laterOf(db, inner.from, row.from_seq);
        const to = await earlierOf(db, inner.to, row.to_seq);
        if (to !== null && !(await isBefore(db, from, to))) continue;
        spans.push({ container: row.parent, from, to });
        next.push({ node: row.parent, from, to });
      }
    }
    frontier = next;
  }
  return spans;
}

/** Stays of one thing beyond this are a data fault; its history says what it can. */
const SPANS_MAX = 10_000;

async function isBefore(db: Db, a: number, b: number): Promise<boolean> {
  const [row] = await db.all<{ before: number }>(
    sql`SELECT (x.time, x.below, x.rank, x.digest) < (y.time, y.below, y.rank, y.digest) AS before FROM event x CROSS JOIN event y WHERE x.seq = ${a} AND y.seq = ${b}`,
  );
  return Boolean(row?.before);
}
async function laterOf(db: Db, a: number | null, b: number): Promise<number> {
  return a !== null && (await isBefore(db, b, a)) ? a : b;
}
async function earlierOf(db: Db, a: number | null, b: number | null): Promise<number | null> {
  if (a === null || b === null) return a ?? b;
  return (await isBefore(db, a, b)) ? a : b;
}

async function eventsIn(db: Db, span: Span, t: AsOf): Promise<Row[]> {
  const until =
    span.to === null
      ? sql``
      : sql` AND (e.time, e.below, e.rank, e.digest) <= (SELECT u.time, u.below, u.rank, u.digest FROM event u WHERE u.seq = ${span.to})`;
  return await db.all<Row>(
    sql`SELECT DISTINCT ${COLUMNS} FROM event_item p CROSS JOIN event e ON e.seq = p.seq CROSS JOIN entry n ON n.seq = e.seq
        WHERE p.item = ${span.container} AND e.twin_of IS NULL${known(t)}${happened(t, sql`e`)}
          AND (e.time, e.below, e.rank, e.digest) > (SELECT f.time, f.below, f.rank, f.digest FROM event f WHERE f.seq = ${span.from})${until}`,
  );
}

/** The transformations that a thing came through, and how the lots at the far end came in. */
async function lineageOf(db: Db, node: Node, t: AsOf): Promise<{ row: Row; via: Node }[]> {
  const walked = await walk(db, [node], 'backwards', t);
  const via = new Map<number, Node>();
  for (const line of walked.lines) if (!via.has(line.seq)) via.set(line.seq, line.node);
  const produced = new Set(walked.lines.filter((line) => line.side === 1).map((line) => line.node));
  const first = [...walked.depth.keys()].filter((n) => n !== node && n < 0 && !produced.has(n)).map((n) => -n);
  const receipts = await db.all<{ lot: number; seq: number }>(
    sql`SELECT p.lot, p.seq FROM ${eachNumber(first)} j CROSS JOIN event_lot p ON p.lot = j.value AND p.role = ${ROLE.epc} CROSS JOIN event e ON e.seq = p.seq
        WHERE (e.action = 0 OR e.biz_step IN (SELECT id FROM term WHERE text IN ('receiving', 'accepting')))`,
  );
  for (const { lot, seq } of receipts) if (!via.has(seq)) via.set(seq, -lot);
  const rows = await db.all<Row>(
    sql`SELECT ${COLUMNS} FROM ${eachNumber([...via.keys()])} j CROSS JOIN event e ON e.seq = j.value CROSS JOIN entry n ON n.seq = e.seq WHERE e.twin_of IS NULL${known(t)}${happened(t, sql`e`)}`,
  );
  return rows.map((row) => ({ row, via: via.get(row.seq) as Node }));
}

async function told(db: Db, list: readonly { row: Row; why: HistoryEntry['why']; via: Node | null }[], t: AsOf): Promise<HistoryEntry[]> {
  const ids = new Set<number>();
  for (const { row } of list)
    for (const id of [row.type, row.biz_step, row.disposition, row.read_point, row.biz_location]) if (id !== null) ids.add(id);
  const words = [...ids];
  const texts = await wordsOf(db).termTexts(words);
  const textOf = new Map(words.map((id, i) => [id, texts[i] ?? null]));
  const text = (id: number | null) => (id === null ? null : (textOf.get(id) ?? null));
  const keys = await keysOf(db, [...new Set(list.map(({ via }) => via).filter((via) => via !== null))]);
  return list.map(({ row, why, via }) => ({
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
    voided: row.declares === 1 || (row.void_seq !== null && (t.seq === null || row.void_seq <= t.seq)),
  }));
}

/** Microseconds since 1970 as UTC with six decimals. */
export function recordTimeText(microseconds: number): string {
  const ms = Math.floor(microseconds / 1000);
  return `${new Date(ms).toISOString().slice(0, 23)}${String(microseconds - ms * 1000).padStart(3, '0')}Z`;
}
