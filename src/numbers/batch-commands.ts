import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import { FINDINGS } from '../lifecycle/findings.ts';
import { NONE } from '../lifecycle/state.ts';
import type { Db } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import type { BatchRow, FindingRow, FindingThing } from '../store/rows.ts';
import { type Counts, lotOfBatch } from './counts.ts';
import { noteLevel } from './low-water.ts';
import { type Check, type Counters, type Judged, reconcile } from './reconcile.ts';
import { storedBatch, type Terms } from './stored-batch.ts';

export type OpenBatch = {
  kind: 'open-batch';
  id: string;
  gtin: string;
  lot: string;
  /** A date, or a month. */
  expiry: string;
  line: string;
  planned: number;
  terms: Terms;
};
export type CloseBatch = { kind: 'close-batch'; id: string; counters: Counters };
/** Two persons, by the ids of their keys. */
export type ClearLine = { kind: 'clear-line'; id: string; by: readonly [string, string] };

/** What an attempt to close a batch came to. Open: the reasons say why. */
export type Closing = {
  counts: Counts;
  checks: Check[];
  state: 'open' | 'closed';
  reasons: string[];
  at: number;
  theoretical: number | null;
};

/** The numbers commissioned for a batch are the packs of its lot, so a lot has one batch. */
export const openBatch = {
  entry: 'batch',
  async apply(journal: Journal, command: OpenBatch, seq: number, recordTime: number): Promise<boolean> {
    const { db } = journal;
    const { id, gtin, lot, expiry, line, planned, terms } = command;
    const [classId] = await journal.classes([`01/${gtin}`]);
    const [there] = await db.all<{ id: string }>(sql`SELECT id FROM batch WHERE class = ${classId} AND lot = ${lot}`);
    if (there !== undefined)
      throw new LotlineError('REC-STATE', `lot ${lot} of GTIN ${gtin} has a batch already, ${there.id}`, {
        at: '/lot',
        fix: 'Go on with that one, or correct the lot.',
      });
    await db.run(
      sql`INSERT INTO batch (seq, id, class, lot, expiry, line, planned, terms, opened, state, cleared, close_seq, result)
          VALUES (${seq}, ${id}, ${classId}, ${lot}, ${expiry}, ${line}, ${planned}, ${JSON.stringify(terms)}, ${recordTime}, 'open', NULL, NULL, NULL)`,
    );
    await noteLevel(journal, classId as number, seq, recordTime);
    return true;
  },
} as const;

/**
 * Reconciles a batch and closes it, unless a number is unaccounted for or anything about its packs is critical (domain.md §5.2). What does not agree
 * becomes a finding; those of an earlier attempt are superseded.
 */
export const closeBatch = {
  entry: 'batch',
  async apply(journal: Journal, command: CloseBatch, seq: number, recordTime: number): Promise<boolean> {
    const { db } = journal;
    const batch = await storedBatch(db, command.id);
    if (batch.state === 'closed') throw isClosed(batch);
    const escaped = await stillEscaped(db, batch);
    await supersede(journal, batch, seq, recordTime);
    const { counts, judged } = await reconcile(db, batch, command.counters, escaped);
    await raise(journal, batch, judged, seq, recordTime);
    const reasons = await reasonsFor(db, batch, judged);
    const state = reasons.length === 0 ? 'closed' : 'open';
    const { theoretical } = command.counters;
    const closing: Closing = { counts, checks: judged.map(({ check }) => check), state, reasons, at: recordTime, theoretical };
    await db.run(sql`UPDATE batch SET state = ${state}, close_seq = ${seq}, result = ${JSON.stringify(closing)} WHERE seq = ${batch.seq}`);
    await noteLevel(journal, batch.class, seq, recordTime);
    return true;
  },
} as const;

/** Line clearance, witnessed by two (domain.md §5.1, step 2). */
export const clearLine = {
  entry: 'batch',
  async apply(journal: Journal, command: ClearLine, _seq: number, recordTime: number): Promise<boolean> {
    const batch = await storedBatch(journal.db, command.id);
    if (batch.state === 'closed') throw isClosed(batch);
    const cleared = JSON.stringify({ by: command.by, at: recordTime });
    await journal.db.run(sql`UPDATE batch SET cleared = ${cleared} WHERE seq = ${batch.seq}`);
    return true;
  },
} as const;

const isClosed = ({ id }: BatchRow) =>
  new LotlineError('REC-STATE', `batch ${id} is closed`, { at: '{id}', fix: 'See GET /api/v1/batches/{id} for what it came to.' });

/** Packs that the attempt before found rejected and good, of which nobody has said that it is in order. */
async function stillEscaped(db: Db, batch: BatchRow): Promise<number[]> {
  if (batch.close_seq === null) return [];
  const rows = await db.all<{ node: number }>(
    sql`SELECT t.node FROM finding f CROSS JOIN finding_thing t ON t.finding = f.id
        WHERE f.code = 'REJ-ESCAPED' AND f.seq = ${batch.close_seq} AND f.state = 'open' AND t.node > 0 ORDER BY t.node`,
  );
  return rows.map(({ node }) => node);
}

/** Findings of the attempt before: this one finds anew what still holds. */
async function supersede(journal: Journal, batch: BatchRow, seq: number, recordTime: number): Promise<void> {
  if (batch.close_seq === null) return;
  const resolution = JSON.stringify({ note: 'The batch was reconciled again.', at: recordTime, seq });
  const rows = await journal.db.all<{ code: string }>(
    sql`SELECT code FROM finding WHERE seq = ${batch.close_seq} AND state = 'open' AND code <> 'SN-POOL-LOW' ORDER BY code`,
  );
  for (const { code } of rows) await journal.resolveFinding(code, batch.close_seq, 'closed', resolution, seq);
}

/** One finding a code, naming every thing; the lot itself where there is none to name. */
async function raise(journal: Journal, batch: BatchRow, judged: readonly Judged[], seq: number, recordTime: number): Promise<void> {
  const lot = await lotOfBatch(journal.db, batch);
  const rows = new Map<string, FindingRow>();
  const things = new Map<string, FindingThing>();
  for (const { check, nodes } of judged) {
    if (check.ok) continue;
    const { name: code } = check;
    rows.set(code, { code, seq, severity: FINDINGS[code].severity, opened: recordTime, due: null });
    for (const node of nodes.length > 0 ? nodes : [lot === null ? 0 : -lot])
      things.set(`${code}/${node}`, { code, seq, node, other: NONE });
  }
  if (rows.size > 0) await journal.addFindings([...rows.values()], [...things.values()]);
}

/** Why a batch cannot be closed: critical findings, of this reconciliation or about its packs. */
async function reasonsFor(db: Db, batch: BatchRow, judged: readonly Judged[]): Promise<string[]> {
  const failed = judged
    .filter(({ check }) => !check.ok && FINDINGS[check.name].severity === 'critical')
    .map(({ check }) => check.name as string);
  const lot = await lotOfBatch(db, batch);
  const open =
    lot === null
      ? []
      : await db.all<{ code: string }>(
          sql`SELECT DISTINCT f.code FROM finding f CROSS JOIN finding_thing t ON t.finding = f.id CROSS JOIN item i ON i.id = t.node
              WHERE f.state = 'open' AND f.severity IN ('critical', 'patient-safety') AND i.lot = ${lot} ORDER BY f.code`,
        );
  return [...new Set([...failed, ...open.map((row) => row.code)])].map(
    (code) => `${code}: ${FINDINGS[code as keyof typeof FINDINGS].says}`,
  );
}
