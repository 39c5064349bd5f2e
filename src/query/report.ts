import { sql } from 'drizzle-orm';
import type { ExactTime } from '../epcis/model.ts';
import type { EventOrder, EventQuery } from '../epcis/query/index.ts';
import { LotlineError, type Problem } from '../errors.ts';
import type { Db } from '../store/db.ts';
import { type AnswerStyle, documentOf, EventWriting, type WrittenEvent } from './event-answer.ts';
import { type EventPosition, findEvents, lastEvent } from './events-sql.ts';

/** What a subscriber is told next: events that meet the query, recorded in a window of entries. */
export type Report = {
  /** An EPCISQueryDocument in UTF-8, possibly without events. */
  readonly body: Uint8Array;
  readonly count: number;
  /** Which events of the window these are: the same name, the same events. */
  readonly part: string;
  /** The last entry of the window, and the last of those that this report is about. */
  readonly through: number;
  readonly last: number;
  /** From where on the next report is to look. */
  readonly next: number;
  /** There are further events in the window. */
  readonly more: boolean;
  /** The window ends before what was asked for, because of `reach`: a report on what is behind can follow at once. */
  readonly cut: boolean;
  /** recordTime of the entry before `next`, µs; null when there is none. */
  readonly recordTime: number | null;
  /** Instead of events: why the run cannot be told. */
  readonly problem: Problem | null;
};

export type ReportArgs = {
  readonly query: EventQuery;
  /** Events recorded before this are none of the subscriber's (S-4). */
  readonly recordedFrom: ExactTime | null;
  /** The window: entries from `from` to `through`, to the last there is where that is null. */
  readonly from: number;
  readonly through: number | null;
  /** The window has no more entries than this. */
  readonly reach: number | null;
  /** Of a run of a schedule, how many events of it were told. A stream has no result that could have an order or a size. */
  readonly run: { readonly sent: number } | null;
  /** Events, and bytes unless a single event has more. */
  readonly limit: number;
  readonly bytes: number;
  readonly style: AnswerStyle;
};

/** Where the journal ends: what is recorded from now on is an entry from `next` on, and has no earlier recordTime. */
export async function journalEnd(db: Db, _args: object): Promise<{ next: number; recordTime: number | null }> {
  const [last] = await db.all<{ seq: number; record_time: number }>(sql`SELECT seq, record_time FROM entry ORDER BY seq DESC LIMIT 1`);
  return { next: (last?.seq ?? -1) + 1, recordTime: last?.record_time ?? null };
}

/** A run whose result has to be put in order may have so many events. */
export const ORDERED_MAX = 100_000;

/** Events for a subscriber, in the order in which they were recorded, or, for a run of a query with orderBy, in that order. Ask it in a reader thread. */
export async function report(db: Db, args: ReportArgs): Promise<Report> {
  const { query, run, from, style } = args;
  // The last entries may be no events.
  const end = await lastEvent(db);
  const through = Math.max(Math.min(args.through ?? end, from - 1 + (args.reach ?? Number.POSITIVE_INFINITY)), from - 1);
  const cut = args.reach !== null && through < (run === null ? end : (args.through ?? end));
  const asked = { ...query, order: null, parameters: [...query.parameters, ...recordedFrom(args.recordedFrom)] };
  const find = (limit: number): Promise<EventPosition[]> =>
    findEvents(db, asked, { after: from === 0 ? null : { seq: from - 1, time: 0, below: '' }, through, limit });
  /** In the order of an extension field, which the position of an event alone does not tell. */
  const findInOrder = async (order: EventOrder, limit: number): Promise<EventPosition[]> => {
    const recorded = recordedFrom(await recordTimeOf(db, from));
    const ordered = { ...asked, order, parameters: [...asked.parameters, ...recorded] };
    return (await findEvents(db, ordered, { after: null, through, limit })).filter(({ seq }) => seq >= from);
  };

  const whole = run === null ? null : await wholeRun(query, run.sent, find, findInOrder);
  if (whole !== null && 'status' in whole)
    return {
      ...(await windowEnd(db, through)),
      body: Buffer.alloc(0),
      count: 0,
      part: `${through}-problem`,
      through,
      cut,
      last: through,
      problem: whole,
    };
  const found = whole === null ? await find(args.limit + 1) : whole.slice(run?.sent, (run?.sent ?? 0) + args.limit + 1);

  const writing = await EventWriting.of(db, style);
  const events: WrittenEvent[] = [];
  let bytes = 0;
  for await (const event of writing.of(found.slice(0, args.limit))) {
    bytes += event.bytes;
    if (events.length > 0 && bytes > args.bytes) break;
    events.push(event);
  }
  const count = events.length;
  const more = count < found.length;
  const last = more && whole === null ? (found[count - 1] as EventPosition).seq : through;
  const part = whole === null ? `${found[0]?.seq ?? through}-${found[count - 1]?.seq ?? 'none'}` : `${through}-${run?.sent}-${count}`;
  const place = more && whole !== null ? { next: from, more, recordTime: null } : { ...(await windowEnd(db, last)), more };
  return { ...place, body: documentOf(events, style).body, count, part, through, cut, last, problem: null };
}

/** Of a run whose query counts or orders its result: all of it, or why there is none. Null where it can be read in the order of recording. */
async function wholeRun(
  query: EventQuery,
  sent: number,
  find: (limit: number) => Promise<EventPosition[]>,
  findInOrder: (order: EventOrder, limit: number) => Promise<EventPosition[]>,
): Promise<EventPosition[] | Problem | null> {
  const { order, maxEventCount, eventCountLimit } = query;
  if (maxEventCount !== null && sent === 0 && (await find(maxEventCount + 1)).length > maxEventCount) return tooMany(maxEventCount);
  if (order === null) return null;
  const all = await find(ORDERED_MAX + 1);
  if (all.length === 0) return [];
  if (all.length > ORDERED_MAX) return tooMany(ORDERED_MAX);
  // Besides these, only what was recorded in the very microsecond in which the window begins.
  const sorted = order.by === 'extension' ? await findInOrder(order, 2 * ORDERED_MAX) : all.sort(inOrder(order));
  return sorted.slice(0, eventCountLimit ?? sorted.length);
}

function tooMany(max: number): Problem {
  const fix = 'Narrow the query, or let the schedule run more often.';
  return new LotlineError('QRY-LARGE', `more than ${max} events meet the query since its last run`, { fix }).toProblem();
}

function inOrder({ by, direction }: EventOrder): (a: EventPosition, b: EventPosition) => number {
  const sign = direction === 'DESC' ? -1 : 1;
  const byTime = (a: EventPosition, b: EventPosition) => a.time - b.time || (a.below < b.below ? -1 : a.below > b.below ? 1 : 0);
  return (a, b) => sign * ((by === 'eventTime' ? byTime(a, b) : 0) || a.seq - b.seq);
}

function recordedFrom(time: ExactTime | null): EventQuery['parameters'] {
  return time === null ? [] : [{ name: 'GE_recordTime', tail: null, value: time }];
}

async function recordTimeOf(db: Db, seq: number): Promise<ExactTime | null> {
  const [row] = await db.all<{ record_time: number }>(sql`SELECT record_time FROM entry WHERE seq = ${seq}`);
  if (row === undefined) return null;
  const ms = Math.floor(row.record_time / 1000);
  return {
    ms,
    below: String(row.record_time - ms * 1000)
      .padStart(3, '0')
      .replace(/0+$/, ''),
  };
}

async function windowEnd(db: Db, last: number): Promise<Pick<Report, 'next' | 'more' | 'recordTime'>> {
  const [row] = await db.all<{ record_time: number }>(sql`SELECT record_time FROM entry WHERE seq = ${last}`);
  return { next: last + 1, more: false, recordTime: row?.record_time ?? null };
}
