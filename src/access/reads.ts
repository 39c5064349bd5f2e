import { type SQL, sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Db } from '../store/db.ts';
import type { Journal } from '../store/journal.ts';
import { newId } from './secrets.ts';

/** Somebody read what is linked to a patient (INV-29): who is the entry's actor. References only, no identity. */
export type NoteRead = {
  kind: 'note-read';
  id: string;
  purpose: string;
  /** The call, such as `GET /api/v1/identity/chains/{coiId}`. */
  what: string;
  chains: readonly string[];
  patients: readonly string[];
  donors: readonly string[];
  /** Why it was read past what is needed: open until a second person has approved it. */
  breakGlass: string | null;
};
/** A second person has looked at a break-glass read. */
export type ApproveRead = { kind: 'approve-read'; id: string };
export type ReadCommand = NoteRead | ApproveRead;

export const newReadId = (): string => newId('rd');

type SubjectKind = 'chain' | 'patient' | 'donor';

export const readCommands = {
  entry: 'read',
  async apply({ db }: Pick<Journal, 'db'>, command: ReadCommand, seq: number, recordTime: number, actor: string): Promise<boolean> {
    if (command.kind === 'approve-read') {
      const rows = await db.all(
        sql`UPDATE read_log SET approved_seq = ${seq} WHERE id = ${command.id} AND break_glass IS NOT NULL AND approved_seq IS NULL RETURNING id`,
      );
      if (rows.length > 0) return true;
      throw new LotlineError('NOT-FOUND', 'there is no such read that waits for approval', {
        at: '{id}',
        fix: 'Take an id from GET /api/v1/reads?open=true.',
      });
    }
    const { id, purpose, what, chains, patients, donors, breakGlass } = command;
    await db.run(
      sql`INSERT INTO read_log (seq, id, at, actor, purpose, what, break_glass, approved_seq)
          VALUES (${seq}, ${id}, ${recordTime}, ${actor}, ${purpose}, ${what}, ${breakGlass}, NULL)`,
    );
    const subjects: [SubjectKind, readonly string[]][] = [
      ['chain', chains],
      ['patient', patients],
      ['donor', donors],
    ];
    for (const [kind, refs] of subjects)
      for (const ref of new Set(refs)) await db.run(sql`INSERT INTO read_subject (kind, ref, seq) VALUES (${kind}, ${ref}, ${seq})`);
    return true;
  },
} as const;

export type ReadsAsked = {
  chain?: string;
  patient?: string;
  donor?: string;
  /** Id of a person or key. */
  person?: string;
  purpose?: string;
  /** ISO 8601; from inclusive, to exclusive. */
  from?: string;
  to?: string;
  /** Break-glass reads that nobody has approved. */
  open?: boolean;
  limit: number;
  /** Older than this entry. */
  before?: number;
};
export type ReadAnswer = {
  id: string;
  seq: number;
  at: string;
  /** Id of the person or key, and its name while it is known. */
  by: string;
  name: string | null;
  purpose: string;
  what: string;
  chains: string[];
  patients: string[];
  donors: string[];
  breakGlass: { reason: string; approved: { seq: number; at: string; by: string | null } | null } | null;
};
type Row = {
  seq: number;
  id: string;
  at: number;
  actor: string;
  name: string | null;
  purpose: string;
  what: string;
  break_glass: string | null;
  approved_seq: number | null;
  approved_at: number | null;
  approver: string | null;
};

/** Who read what of whom, newest first (INV-29). `next` is the `before` of the next page. */
export async function reads(db: Db, asked: ReadsAsked): Promise<{ list: ReadAnswer[]; next: number | null }> {
  const of = subjectOf(asked);
  const conditions: SQL[] = [sql`r.seq < ${asked.before ?? Number.MAX_SAFE_INTEGER}`];
  if (asked.person !== undefined) conditions.push(sql`r.actor = ${asked.person}`);
  if (asked.purpose !== undefined) conditions.push(sql`r.purpose = ${asked.purpose}`);
  if (asked.from !== undefined) conditions.push(sql`r.at >= ${Date.parse(asked.from) * 1000}`);
  if (asked.to !== undefined) conditions.push(sql`r.at < ${Date.parse(asked.to) * 1000}`);
  if (asked.open === true) conditions.push(sql`r.break_glass IS NOT NULL AND r.approved_seq IS NULL`);
  const source =
    of === null
      ? sql`read_log r`
      : sql`read_subject u CROSS JOIN read_log r ON r.seq = u.seq AND u.kind = ${of.kind} AND u.ref = ${of.ref}`;
  const rows = await db.all<Row>(
    sql`SELECT r.seq, r.id, r.at, r.actor, r.purpose, r.what, r.break_glass, r.approved_seq,
          coalesce((SELECT p.name FROM person p WHERE p.id = r.actor), (SELECT k.name FROM api_key k WHERE k.id = r.actor)) AS name,
          (SELECT e.record_time FROM entry e WHERE e.seq = r.approved_seq) AS approved_at,
          (SELECT s.person FROM signature s WHERE s.seq = r.approved_seq ORDER BY s.place LIMIT 1) AS approver
        FROM ${source} WHERE ${sql.join(conditions, sql` AND `)} ORDER BY r.seq DESC LIMIT ${asked.limit + 1}`,
  );
  const page = rows.slice(0, asked.limit);
  const list: ReadAnswer[] = [];
  for (const row of page) list.push(await answerOf(db, row));
  return { list, next: rows.length > page.length ? (page.at(-1)?.seq ?? null) : null };
}

/** One read, by its id. */
export async function read(db: Db, { id }: { id: string }): Promise<ReadAnswer | null> {
  const [row] = await db.all<{ seq: number }>(sql`SELECT seq FROM read_log WHERE id = ${id}`);
  return row === undefined ? null : ((await reads(db, { limit: 1, before: row.seq + 1 })).list[0] ?? null);
}

function subjectOf({ chain, patient, donor }: ReadsAsked): { kind: SubjectKind; ref: string } | null {
  if (chain !== undefined) return { kind: 'chain', ref: chain };
  if (patient !== undefined) return { kind: 'patient', ref: patient };
  return donor === undefined ? null : { kind: 'donor', ref: donor };
}

async function answerOf(db: Db, row: Row): Promise<ReadAnswer> {
  const subjects = await db.all<{ kind: SubjectKind; ref: string }>(
    sql`SELECT kind, ref FROM read_subject WHERE seq = ${row.seq} ORDER BY kind, ref`,
  );
  const refs = (kind: SubjectKind) => subjects.filter((one) => one.kind === kind).map((one) => one.ref);
  const time = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
  const { id, seq, at, actor, name, purpose, what, break_glass: reason, approved_seq, approved_at, approver } = row;
  const approved = approved_seq === null ? null : { seq: approved_seq, at: time(approved_at as number), by: approver };
  return {
    id,
    seq,
    at: time(at),
    by: actor,
    name,
    purpose,
    what,
    chains: refs('chain'),
    patients: refs('patient'),
    donors: refs('donor'),
    breakGlass: reason === null ? null : { reason, approved },
  };
}
