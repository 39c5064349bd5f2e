import type { Journal } from '../store/journal.ts';
import { FINDINGS, type FindingCode } from './findings.ts';
import { findNode } from './present.ts';
import { NONE } from './state.ts';

/**
 * Puts a finding on the list that no event tells of: what a person reports, or what is noticed outside of the fold, such as a guessing caller. Its
 * `seq` is that of its own entry. Things are canonical keys; those that nothing here ever named are left to `note`.
 */
export type RaiseFinding = {
  kind: 'raise-finding';
  code: FindingCode;
  things: readonly string[];
  /** Why, in words; no personal data. */
  note: string;
  /** Microseconds since 1970; null: no clock runs. */
  due: number | null;
};

/** A command of a domain room: the kind of its entry, and what it changes, the same when the journal is replayed. */
export const raiseFinding = {
  entry: 'finding',
  async apply(journal: Journal, command: RaiseFinding, seq: number, recordTime: number): Promise<boolean> {
    const { code, due } = command;
    const nodes = new Set<number>();
    for (const key of command.things) nodes.add((await findNode(journal.db, key)) ?? 0);
    if (nodes.size === 0) nodes.add(0);
    if (nodes.size > 1) nodes.delete(0);
    await journal.addFindings(
      [{ code, seq, severity: FINDINGS[code].severity, opened: recordTime, due }],
      [...nodes].map((node) => ({ code, seq, node, other: NONE })),
    );
    return true;
  },
} as const;
