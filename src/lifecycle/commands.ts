import { sql } from 'drizzle-orm';
import type { Journal } from '../store/journal.ts';
import { NOTIFICATION_MICROSECONDS } from './due.ts';
import { type FindingRecord, isClosing, type Stage } from './finding-record.ts';
import { FINDINGS, type FindingCode } from './findings.ts';
import { findNode } from './present.ts';
import { NONE } from './state.ts';

/**
 * Puts a finding on the list that no event tells of: what a person reports, or what is noticed outside of the fold, such as a guessing caller. Its
 * `seq` is that of its own entry. Things are canonical keys; those that nothing here ever named are kept as they are told.
 */
export type RaiseFinding = {
  kind: 'raise-finding';
  code: FindingCode;
  things: readonly string[];
  /** Why, in words; no personal data. */
  note: string;
  /** Microseconds since 1970; null: no clock runs. */
  due: number | null;
  stage?: Stage;
  owner?: string;
  counterpart?: string;
  references?: readonly string[];
  photos?: readonly string[];
  count?: number;
  readPoint?: string;
  token?: string;
};

/** A command of a domain room: the kind of its entry, and what it changes, the same when the journal is replayed. */
export const raiseFinding = {
  entry: 'finding',
  async apply(journal: Journal, command: RaiseFinding, seq: number, recordTime: number): Promise<boolean> {
    const { kind: _, code, due, things, stage, owner, ...rest } = command;
    const nodes = new Set<number>();
    const unnamed: string[] = [];
    for (const key of things) {
      const node = await findNode(journal.db, key);
      if (node === null) unnamed.push(key);
      else nodes.add(node);
    }
    if (nodes.size === 0) nodes.add(0);
    await journal.addFindings(
      [{ code, seq, severity: FINDINGS[code].severity, opened: recordTime, due }],
      [...nodes].map((node) => ({ code, seq, node, other: NONE })),
    );
    const record: FindingRecord = { ...rest, ...(unnamed.length > 0 && { unnamed }) };
    await editFinding.apply(
      journal,
      { kind: 'edit-finding', code, seq, record, stage: stage ?? 'open', ...(owner && { owner }) },
      seq,
      recordTime,
    );
    return true;
  },
} as const;

/** What a person changes of a finding; what is left out stays. Its place is `code` and `seq`, for numbers of findings are no part of the journal. */
export type EditFinding = {
  kind: 'edit-finding';
  code: string;
  seq: number;
  stage?: Stage;
  /** Why it was closed or opened again; with a stage that does neither, nothing. */
  note?: string;
  owner?: string | null;
  /** Microseconds. */
  due?: number | null;
  message?: string;
  record?: Omit<FindingRecord, 'messages' | 'notification'>;
  /** What was done about the duty to notify; only where it runs. */
  notified?: { at: number; note: string };
  terminated?: { at: number; note: string };
};

type Row = { state: 'open' | 'closed'; stage: string; due: number | null; record: string | null };

export const editFinding = {
  entry: 'resolution',
  async apply(journal: Journal, command: EditFinding, seq: number, recordTime: number): Promise<boolean> {
    const { code, stage, note = '', message } = command;
    const here = sql`code = ${code} AND seq = ${command.seq}`;
    const [row] = await journal.db.all<Row>(sql`SELECT state, stage, due, record FROM finding WHERE ${here}`);
    if (row === undefined) return false;
    const record: FindingRecord = { ...(row.record === null ? {} : (JSON.parse(row.record) as FindingRecord)), ...command.record };
    let due = command.due === undefined ? row.due : command.due;
    if (message !== undefined) record.messages = [...(record.messages ?? []), { text: message, at: recordTime, seq }];
    if (stage === 'illegitimate' && record.notification === undefined) {
      due = recordTime + NOTIFICATION_MICROSECONDS;
      record.notification = { determined: recordTime, seq, due };
    }
    const { notified, terminated } = command;
    if (record.notification !== undefined && notified !== undefined) {
      if (due === record.notification.due) due = null;
      record.notification = { ...record.notification, sent: { ...notified, seq } };
    }
    if (record.notification !== undefined && terminated !== undefined)
      record.notification = { ...record.notification, terminated: { ...terminated, seq } };
    const state = stage === undefined ? row.state : isClosing(stage) ? 'closed' : 'open';
    if (stage !== undefined && (state !== row.state || isClosing(stage)))
      await journal.resolveFinding(code, command.seq, state, JSON.stringify({ note, at: recordTime, seq }), seq);
    await journal.db.run(
      sql`UPDATE finding SET stage = ${stage ?? row.stage}, due = CAST(${due} AS BIGINT), record = ${Object.keys(record).length === 0 ? null : JSON.stringify(record)}
          ${command.owner === undefined ? sql`` : sql`, owner = ${command.owner}`} WHERE ${here}`,
    );
    return true;
  },
} as const;
