import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';
import { eachNumber } from '../store/sql.ts';
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
  resolution: { note: string; at: string; by: string } | null;
};

export type FindingsArgs = {
  id?: number;
  code?: string;
  state?: string /** canonical key */;
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
  if (args.thing !== undefined) {
    const node = await findNode(db, args.thing);
    if (node === null) return { list: [], more: false };
    from = sql`(SELECT DISTINCT finding FROM finding_thing WHERE node = ${node}) t CROSS JOIN finding f ON f.id = t.finding`;
  }
  const found = await db.all<Row>(
    sql`SELECT f.id, f.code, f.seq, f.severity, f.state, f.opened, f.due, f.resolution FROM ${from}
        WHERE ${sql.join(where, sql` AND `)} ORDER BY f.id DESC LIMIT ${args.limit + 1}`,
  );
  const rows = await fitting(db, found.slice(0, args.limit));
  const things = await db.all<{ finding: number; node: number; other: number }>(
    sql`SELECT t.finding, t.node, t.other FROM ${eachNumber(rows.map((row) => row.id))} j CROSS JOIN finding_thing t ON t.finding = j.value ORDER BY t.finding, t.node, t.other`,
  );
  const keys = await keysOf(db, [...new Set(things.map((t) => t.node).filter((node) => node !== 0))]);
  const seqs = [...rows.map((row) => row.seq), ...things.map((t) => t.other)].filter((seq) => seq >= 0);
  const events = await eventIds(db, [...new Set(seqs)]);
  const resolutions = rows.map((row) =>
    row.resolution === null ? null : (JSON.parse(row.resolution) as { note: string; at: number; seq: number }),
  );
  const actors = new Map(
    (
      await db.all<{ seq: number; actor: string }>(
        sql`SELECT e.seq, e.actor FROM ${eachNumber(resolutions.flatMap((r) => (r === null ? [] : [r.seq])))} j CROSS JOIN entry e ON e.seq = j.value`,
      )
    ).map((row) => [row.seq, row.actor]),
  );
  const mine = new Map<number, typeof things>();
  for (const t of things) {
    const own = mine.get(t.finding);
    if (own === undefined) mine.set(t.finding, [t]);
    else own.push(t);
  }
  const list = rows.map((row, i): FindingAnswer => {
    const own = mine.get(row.id) ?? [];
    const resolution = resolutions[i] ?? null;
    return {
      id: row.id,
      code: row.code,
      message: FINDINGS[row.code as FindingCode].says,
      severity: row.severity,
      state: row.state,
      things: [...new Set(own.map((t) => t.node))].flatMap((node) => keys.get(node) ?? []),
      events: [...new Set([row.seq, ...own.map((t) => t.other)])].flatMap((seq) => events.get(seq) ?? []),
      due: row.due === null ? null : isoTime(row.due),
      opened: isoTime(row.opened),
      resolution: resolution && { note: resolution.note, at: isoTime(resolution.at), by: actors.get(resolution.seq) ?? '' },
    };
  });
  return { list, more: found.length > rows.length };
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

/** What a finding is identified by in the journal, and its state. */
export async function findingPlace(db: Db, args: { id: number }): Promise<{ code: string; seq: number } | null> {
  const [row] = await db.all<{ code: string; seq: number }>(sql`SELECT code, seq FROM finding WHERE id = ${args.id}`);
  return row ?? null;
}

const isoTime = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
