import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';

export type StoreCounts = {
  /** Everything in the journal. */
  entries: number;
  /** Serialised things ever named. */
  items: number;
  lots: number;
  openFindings: number;
  /** Events stored after `eventsAfter`, and up to which entry that counts. */
  newEvents: number;
  eventsUpTo: number;
  /** Jobs that ended after `jobsAfter`, oldest first, at most JOBS_MAX of them. */
  newJobs: { id: number; success: number; milliseconds: number }[];
};

/** Jobs told at once; a scrape that finds more gets the rest with the next. */
const JOBS_MAX = 20_000;

/** What the metrics tell of the store. Counts of large tables go on from where the caller has counted before. */
export async function storeCounts(db: Db, args: { eventsAfter: number; jobsAfter: number }): Promise<StoreCounts> {
  const [counts] = await db.all<{ entries: number; items: number; lots: number; openFindings: number; events: number }>(
    sql`SELECT (SELECT coalesce(max(seq) + 1, 0) FROM entry) AS entries, (SELECT coalesce(max(id), 0) FROM item) AS items,
          (SELECT coalesce(max(id), 0) FROM lot) AS lots, (SELECT count(*) FROM finding WHERE state = 'open') AS "openFindings",
          (SELECT count(*) FROM event WHERE seq > ${args.eventsAfter}) AS events`,
  );
  const { events = 0, entries = 0, items = 0, lots = 0, openFindings = 0 } = counts ?? {};
  const newJobs = await db.all<StoreCounts['newJobs'][number]>(
    sql`SELECT id, success, finished - created AS milliseconds FROM capture_job WHERE id > ${args.jobsAfter} ORDER BY id LIMIT ${JOBS_MAX}`,
  );
  return { entries, items, lots, openFindings, newEvents: events, eventsUpTo: entries - 1, newJobs };
}
