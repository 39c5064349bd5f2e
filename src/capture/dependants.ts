import { sql } from 'drizzle-orm';
import type { ReadEvent } from '../epcis/model.ts';
import { keysOf } from '../epcis/query/field-key.ts';
import { WAITING_CODES } from '../lifecycle/fold.ts';
import { ROLE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing } from '../store/rows.ts';
import { eachNumber } from '../store/sql.ts';

/**
 * DEP-VOIDED (domain.md §7.4): events about things whose making was declared erroneous, and not told anew. Such things are unknown where something
 * happens to them, so this follows from what was found of that kind: `other` is the making that no longer stands. It closes with a new commissioning.
 */
export async function builtOnVoided(journal: Journal, found: readonly FindingThing[]): Promise<FindingThing[]> {
  const unknown = found.filter(({ code, node }) => node > 0 && (WAITING_CODES as readonly string[]).includes(code));
  if (unknown.length === 0) return [];
  const rows = await journal.db.all<{ node: number; seq: number }>(
    sql`SELECT DISTINCT p.item AS node, p.seq FROM ${eachNumber([...new Set(unknown.map(({ node }) => node))])} j
        CROSS JOIN event_item p ON p.item = j.value AND p.role IN (${ROLE.epc}, ${ROLE.output})
        CROSS JOIN event v ON v.seq = p.seq AND v.void_seq IS NOT NULL AND (p.role = ${ROLE.output} OR v.action = 0)
        ORDER BY p.item, p.seq`,
  );
  const made = new Map<number, number[]>();
  for (const { node, seq } of rows) made.set(node, [...(made.get(node) ?? []), seq]);
  return unknown.flatMap(({ seq, node }) =>
    (made.get(node) ?? []).map((other): FindingThing => ({ code: 'DEP-VOIDED', seq, node, other })),
  );
}

/** A list of things, or `all`. In the declaration, because the rest repeats the event that it voids, and its hash. */
const ACKNOWLEDGES = 'ERROR_DECLARATION_urn:lotline:packs:#acknowledges';

/** Of what a declaration makes DEP-VOIDED, what it does not say that it knows of (domain.md §7.4). `voids`: the events that it voids. */
export function unacknowledged(
  { fields }: ReadEvent,
  found: readonly FindingThing[],
  voids: readonly number[],
  keyOf: (node: number) => string | null,
): FindingThing[] {
  const dependants = voids.length === 0 ? [] : found.filter(({ code, other }) => code === 'DEP-VOIDED' && voids.includes(other));
  if (dependants.length === 0) return [];
  const known = new Set(fields.filter(({ field }) => field === ACKNOWLEDGES).map(({ key }) => key));
  if (keysOf('all').some((key) => known.has(key))) return [];
  return dependants.filter(({ node }) => !known.has(`u${keyOf(node)}`));
}
