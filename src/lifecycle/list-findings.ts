import { type SQL, sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { eachNumber, holdsText } from '../store/sql.ts';
import { type FindingRecord, type Notification, type Stage, shownStage } from './finding-record.ts';
import { FINDINGS, type FindingCode } from './findings.ts';
import { eventIds, findNode, keysOf } from './present.ts';

/** One line of the exception list (packs-wire.md). It names every thing that its events offend with. Times are ISO 8601. */
export type FindingAnswer = {
  id: number;
  code: string;
  severity: string;
  /** What the code says of the things, in words. */
  message: string;
  state: 'open' | 'closed';
  things: string[];
  events: string[];
  due: string | null;
  opened: string;
  resolution: Said | null;
  stage: Stage;
  owner: string | null;
  counterpart: string | null;
  note: string | null;
  /** How many, where the things have no numbers or these are not known. */
  count: number | null;
  references: readonly string[];
  photos: readonly string[];
  messages: { text: string; at: string; by: string }[];
  /** Who put it on record, or captured the event that tells of it. */
  found: { by: string; at: string; readPoint: string | null };
  notification: NotificationAnswer | null;
};
/** What somebody said or did, and when; `by` is the principal. */
type Said = { note: string; at: string; by: string };
export type NotificationAnswer = { determined: string; by: string; due: string; sent: Said | null; terminated: Said | null };

export type FindingsArgs = {
  id?: number;
  /** With its code: the one that this call raised. */
  token?: string;
  code?: string;
  state?: string;
  stage?: Stage;
  severity?: string;
  owner?: string;
  /** Due before this time, microseconds, and still open. */
  dueBefore?: number;
  /** canonical key */
  thing?: string;
  before?: number;
  limit: number;
};
type Row = {
  id: number;
  code: string;
  seq: number;
  severity: string;
  state: 'open' | 'closed';
  opened: number;
  due: number | null;
  resolution: string | null;
  stage: string;
  owner: string | null;
  record: string | null;
};

/** A page ends before the finding that takes it beyond so many things, whatever its number of findings; one finding always comes. */
const THINGS_MAX = 100_000;

/** Findings, newest first, those with an id below `before`, and whether there are more. */
export async function findings(db: Db, args: FindingsArgs): Promise<{ list: FindingAnswer[]; more: boolean }> {
  const where = [sql`f.id < ${args.before ?? Number.MAX_SAFE_INTEGER}`];
  let from = sql`finding f`;
  if (args.id !== undefined) where.push(sql`f.id = ${args.id}`);
  if (args.code !== undefined) where.push(sql`f.code = ${args.code}`);
  if (args.state !== undefined) where.push(sql`f.state = ${args.state}`);
  if (args.token !== undefined) where.push(sql`f.record LIKE ${`%"token":"${args.token}"%`}`);
  if (args.severity !== undefined) where.push(sql`f.severity = ${args.severity}`);
  if (args.owner !== undefined) where.push(sql`f.owner = ${args.owner}`);
  if (args.dueBefore !== undefined) where.push(sql`f.state = 'open' AND f.due < ${args.dueBefore}`);
  if (args.stage !== undefined) where.push(inStage(args.stage));
  if (args.thing !== undefined) {
    const node = await findNode(db, args.thing);
    // What nothing had named when the finding was raised is written in its record, and stays there when the thing becomes known.
    const written = sql`SELECT id FROM finding WHERE record IS NOT NULL AND ${holdsText(sql`record`, '"unnamed":[')} AND ${holdsText(sql`record`, JSON.stringify(args.thing))}`;
    from = sql`(SELECT finding FROM finding_thing WHERE node = CAST(${node} AS BIGINT) UNION ${written}) t CROSS JOIN finding f ON f.id = t.finding`;
  }
  const found = await db.all<Row>(
    sql`SELECT f.id, f.code, f.seq, f.severity, f.state, f.opened, f.due, f.resolution, f.stage, f.owner, f.record FROM ${from}
        WHERE ${sql.join(where, sql` AND `)} ORDER BY f.id DESC LIMIT ${args.limit + 1}`,
  );
  const rows = await fitting(db, found.slice(0, args.limit));
  const things = await db.all<{ finding: number; node: number; other: number }>(
    sql`SELECT t.finding, t.node, t.other FROM ${eachNumber(rows.map((row) => row.id))} j CROSS JOIN finding_thing t ON t.finding = j.value ORDER BY t.finding, t.node, t.other`,
  );
  const keys = await keysOf(db, [...new Set(things.map((t) => t.node).filter((node) => node !== 0))]);
  const seqs = [...rows.map((row) => row.seq), ...things.map((t) => t.other)].filter((seq) => seq >= 0);
  const events = await eventIds(db, [...new Set(seqs)]);
  const records = rows.map(recordOf);
  const tellers = await tellersOf(db, rows, records);
  const said = ({ note, at, seq }: { note: string; at: number; seq: number }): Said => ({ note, at: isoTime(at), by: tellers.by(seq) });
  const mine = new Map<number, typeof things>();
  for (const t of things) {
    const own = mine.get(t.finding);
    if (own === undefined) mine.set(t.finding, [t]);
    else own.push(t);
  }
  const list = rows.map((row, i): FindingAnswer => {
    const own = mine.get(row.id) ?? [];
    const { resolution, ...record } = records[i] as Recorded;
    const { notification, messages = [] } = record;
    return {
      id: row.id,
      code: row.code,
      message: FINDINGS[row.code as FindingCode].says,
      severity: row.severity,
      state: row.state,
      things: [...[...new Set(own.map((t) => t.node))].flatMap((node) => keys.get(node) ?? []), ...(record.unnamed ?? [])],
      events: [...new Set([row.seq, ...own.map((t) => t.other)])].flatMap((seq) => events.get(seq) ?? []),
      due: row.due === null ? null : isoTime(row.due),
      opened: isoTime(row.opened),
      resolution: resolution && said(resolution),
      stage: shownStage(row.state, row.stage),
      owner: row.owner,
      counterpart: record.counterpart ?? null,
      note: record.note ?? null,
      count: record.count ?? null,
      references: record.references ?? [],
      photos: record.photos ?? [],
      messages: messages.map(({ text, at, seq }) => ({ text, at: isoTime(at), by: tellers.by(seq) })),
      found: { by: tellers.by(row.seq), at: isoTime(row.opened), readPoint: record.readPoint ?? tellers.readPoint(row.seq) },
      notification: notification === undefined ? null : notificationOf(notification, tellers, said),
    };
  });
  return { list, more: found.length > rows.length };
}

type Told = { note: string; at: number; seq: number };
type Recorded = FindingRecord & { resolution: Told | null };
type Tellers = { by: (seq: number) => string; readPoint: (seq: number) => string | null };

function recordOf(row: Row): Recorded {
  const resolution = row.resolution === null ? null : (JSON.parse(row.resolution) as Told);
  return { ...(row.record === null ? {} : (JSON.parse(row.record) as FindingRecord)), resolution };
}

/** Who told what: the principals of the entries, and where the events that findings are about happened. */
async function tellersOf(db: Db, rows: readonly Row[], records: readonly Recorded[]): Promise<Tellers> {
  const seqs = new Set(rows.map((row) => row.seq));
  for (const { resolution, messages = [], notification: n } of records)
    for (const one of [resolution, ...messages, n, n?.sent, n?.terminated]) if (one) seqs.add(one.seq);
  const entries = await db.all<{ seq: number; actor: string; readPoint: string | null }>(
    sql`SELECT e.seq, e.actor, (SELECT t.text FROM event v CROSS JOIN term t ON t.id = v.read_point WHERE v.seq = e.seq) AS "readPoint"
        FROM ${eachNumber([...seqs])} j CROSS JOIN entry e ON e.seq = j.value`,
  );
  const tellers = new Map(entries.map((entry) => [entry.seq, entry]));
  return { by: (seq) => tellers.get(seq)?.actor ?? '', readPoint: (seq) => tellers.get(seq)?.readPoint ?? null };
}

function notificationOf(n: Notification, tellers: Tellers, said: (told: Told) => Said): NotificationAnswer {
  return {
    determined: isoTime(n.determined),
    by: tellers.by(n.seq),
    due: isoTime(n.due),
    sent: n.sent === undefined ? null : said(n.sent),
    terminated: n.terminated === undefined ? null : said(n.terminated),
  };
}

/** Condition: the stage shown is this one (shownStage). */
function inStage(stage: Stage): SQL {
  if (stage === 'closed-as-suspect') return sql`f.state = 'closed' AND f.stage = ${stage}`;
  if (stage === 'resolved') return sql`f.state = 'closed' AND f.stage <> 'closed-as-suspect'`;
  const also = stage === 'open' ? sql` OR f.stage IN ('resolved', 'closed-as-suspect')` : sql``;
  return sql`f.state = 'open' AND (f.stage = ${stage}${also})`;
}

/** The first of these findings, as many as a page holds. */
async function fitting(db: Db, rows: readonly Row[]): Promise<readonly Row[]> {
  const counted = await db.all<{ finding: number; things: number }>(
    sql`SELECT t.finding, count(*) AS things FROM ${eachNumber(rows.map((row) => row.id))} j CROSS JOIN finding_thing t ON t.finding = j.value GROUP BY t.finding`,
  );
  const counts = new Map(counted.map(({ finding, things }) => [finding, things]));
  const fit: Row[] = [];
  let things = 0;
  for (const row of rows) {
    things += counts.get(row.id) ?? 0;
    if (things > THINGS_MAX && fit.length > 0) break;
    fit.push(row);
  }
  return fit;
}

export type FindingPlace = {
  code: string;
  seq: number;
  state: 'open' | 'closed';
  stage: Stage /** The duty to notify runs. */;
  notifies: boolean;
};

/** What a finding is identified by in the journal, and its state. */
export async function findingPlace(db: Db, args: { id: number }): Promise<FindingPlace | null> {
  const [row] = await db.all<Row>(sql`SELECT id, code, seq, state, stage, resolution, record FROM finding WHERE id = ${args.id}`);
  if (row === undefined) return null;
  const { code, seq, state } = row;
  return { code, seq, state, stage: shownStage(state, row.stage), notifies: recordOf(row).notification !== undefined };
}

const isoTime = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
