import { type SQL, sql } from 'drizzle-orm';
import { formatKey } from '../identifiers/index.ts';
import type { Db } from '../store/db.ts';
import type { BatchRow } from '../store/rows.ts';
import type { Closing } from './batch-commands.ts';
import { type Counts, countsOf } from './counts.ts';
import { suggestedFor } from './low-water.ts';
import type { Check } from './reconcile.ts';
import { BATCH_COLUMNS, termsOf } from './stored-batch.ts';

type BatchHead = {
  id: string;
  gtin: string;
  lot: string;
  /** Canonical key of the lot. */
  of: string;
  expiry: string;
  line: string;
  planned: number;
  /** Numbers to ask for: planned and 5 % (domain.md §5.1). */
  suggested: number;
  perParent: number | null;
  yieldLimits: readonly [number, number] | null;
  clearance: { required: boolean; by: string[] | null; at: string | null };
  opened: string;
  state: 'open' | 'closed';
};

/** A key figure of domain.md §16; null where there is nothing to divide by. */
type Figure = { value: number | null; numerator: number | null; denominator: number | null; formula: string };

/** A batch with its live counts, and what the last attempt to close it came to. */
export type BatchAnswer = BatchHead &
  Counts & {
    kpis: { serialAccountability: Figure; firstPassSerialization: Figure; lineYield: Figure };
    closing: (Counts & { at: string; state: 'open' | 'closed'; reasons: string[]; checks: Check[] }) | null;
  };

export type BatchesArgs = { state?: 'open' | 'closed'; before?: number; limit: number };

/** Batches, newest first, those opened by an entry below `before`, and the entry of the last when there are more. */
export async function batches(db: Db, args: BatchesArgs): Promise<{ list: BatchHead[]; next: number | null }> {
  const of = args.state === undefined ? sql`true` : sql`state = ${args.state}`;
  const rows = await batchRows(
    db,
    sql`${of} AND seq < ${args.before ?? Number.MAX_SAFE_INTEGER} ORDER BY seq DESC LIMIT ${args.limit + 1}`,
  );
  const list: BatchHead[] = [];
  for (const row of rows.slice(0, args.limit)) list.push(await headOf(db, row));
  return { list, next: rows.length > args.limit ? (rows[args.limit - 1] as BatchRow).seq : null };
}

/** One batch; null when there is none of that id. */
export async function batch(db: Db, args: { id: string }): Promise<BatchAnswer | null> {
  const [row] = await batchRows(db, sql`id = ${args.id}`);
  if (row === undefined) return null;
  const counts = await countsOf(db, row);
  const closing = row.result === null ? null : (JSON.parse(row.result) as Closing);
  return {
    ...(await headOf(db, row)),
    ...counts,
    kpis: figuresOf(counts, closing?.theoretical ?? null),
    closing: closing && {
      ...closing.counts,
      at: isoTime(closing.at),
      state: closing.state,
      reasons: closing.reasons,
      checks: closing.checks,
    },
  };
}

async function batchRows(db: Db, where: SQL): Promise<BatchRow[]> {
  return await db.all<BatchRow>(sql`SELECT ${BATCH_COLUMNS} FROM batch WHERE ${where}`);
}

async function headOf(db: Db, row: BatchRow): Promise<BatchHead> {
  const [of] = await db.all<{ key: string }>(sql`SELECT key FROM class WHERE id = ${row.class}`);
  const { key } = of as { key: string };
  const { perParent, yieldLimits, clearance } = termsOf(row);
  const cleared = row.cleared === null ? null : (JSON.parse(row.cleared) as { by: string[]; at: number });
  return {
    id: row.id,
    gtin: key.slice('01/'.length),
    lot: row.lot,
    of: formatKey({ class: key, lot: row.lot }),
    expiry: row.expiry,
    line: row.line,
    planned: row.planned,
    suggested: suggestedFor(row.planned),
    perParent,
    yieldLimits,
    clearance: { required: clearance, by: cleared?.by ?? null, at: cleared === null ? null : isoTime(cleared.at) },
    opened: isoTime(row.opened),
    state: row.state,
  };
}

function figuresOf(counts: Counts, theoretical: number | null): BatchAnswer['kpis'] {
  const printed = counts.commissioned + counts.labelsScrapped + counts.labelsSampled;
  return {
    serialAccountability: figure(
      'serial-accountability/1: (issued − unaccounted) ÷ issued',
      counts.issued - counts.unaccounted,
      counts.issued,
    ),
    firstPassSerialization: figure(
      'first-pass-serialization/1: commissioned ÷ (commissioned + labels scrapped or sampled)',
      counts.commissioned,
      printed,
    ),
    lineYield: figure('line-yield/1: good ÷ theoretical', counts.good, theoretical),
  };
}

function figure(formula: string, numerator: number, denominator: number | null): Figure {
  return { value: denominator === null || denominator === 0 ? null : numerator / denominator, numerator, denominator, formula };
}

const isoTime = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
