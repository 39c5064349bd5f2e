import { sql } from 'drizzle-orm';
import type { EpcisEvent } from '../epcis/model.ts';
import { HELD, inspectShipment } from '../genealogy/shipment.ts';
import { expiredFrom } from '../lifecycle/expiry.ts';
import { statesFrom } from '../lifecycle/rows.ts';
import { type Facts, NONE, type Node, ROLE, STATUSES, type State } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing } from '../store/rows.ts';
import { eachNumber, eachText } from '../store/sql.ts';

/** A shipment that did happen. `inspect`: something about what it names says already that it has to be looked into. */
export type Shipped = { readonly facts: Facts; readonly event: EpcisEvent; readonly inspect: boolean };

const CODES: ReadonlySet<string> = new Set(['SHIP-RECALLED', 'SHIP-HELD', 'SHIP-EXPIRED']);
const WORDS: readonly string[] = [...HELD, 'recalled', 'expired'];

/** Whether this state, or that of its lot, could stand against a shipment: cheap, and rather once too often. */
export const mayBeUnfit = (state: State): boolean =>
  state.status === 'Quarantined' || state.status === 'AtLarge' || state.persistent !== null || WORDS.includes(state.disposition ?? '');

/**
 * SHIP-RECALLED, SHIP-HELD and SHIP-EXPIRED of shipments that did happen (domain.md §7.2), inside of containers, too: as it was at the eventTime, by what
 * was known when the shipment came. Findings of arrival: a recall that comes later does not make an earlier shipment one of recalled goods. What is
 * inside is asked of the whole run at once; only a shipment in which something could offend is looked into by history.
 */
export async function shippedUnfit(journal: Journal, shipments: readonly Shipped[]): Promise<FindingThing[]> {
  const found: FindingThing[] = [];
  const odd = await oddRoots(journal, shipments);
  for (const { facts, event, inspect } of shipments) {
    const roots = facts.things[ROLE.epc] ?? [];
    const lots = facts.lots.filter(({ role }) => role === ROLE.epc).map(({ node }) => node);
    if (!inspect && ![...roots, ...lots].some((node) => odd(node, facts))) continue;
    const { findings, nodes } = await inspectShipment(journal.db, event, { minimumLifeMs: 0, before: facts.seq });
    for (const { code, things } of findings)
      if (CODES.has(code)) for (const key of things) found.push({ code, seq: facts.seq, node: nodes.get(key) as Node, other: NONE });
  }
  return found;
}

type Kinds = { root: number; lot: number | null; expiry: number | null; odd: number; last: number | null };

/** Tells, of what shipments name, whether something in it or in its lot could offend. */
async function oddRoots(journal: Journal, shipments: readonly Shipped[]): Promise<(node: Node, facts: Facts) => boolean> {
  const rest = shipments.filter(({ inspect }) => !inspect);
  const roots = new Set(rest.flatMap(({ facts }) => facts.things[ROLE.epc] ?? []));
  const named = rest.flatMap(({ facts }) => facts.lots.filter(({ role }) => role === ROLE.epc).map(({ node }) => node));
  if (roots.size + named.length === 0) return () => false;
  const since = Math.min(...rest.map(({ facts }) => facts.position.ms));
  const statuses = ['Quarantined', 'AtLarge'].map((status) => STATUSES.indexOf(status as 'Quarantined'));
  const kinds = await journal.db.all<Kinds>(
    sql`WITH RECURSIVE inside(root, id) AS (
          SELECT CAST(value AS BIGINT), CAST(value AS BIGINT) FROM ${eachNumber([...roots])} j
          UNION SELECT n.root, CAST(c.child AS BIGINT) FROM inside n
            CROSS JOIN containment c ON c.parent = n.id AND c.kind = 0 AND c.child > 0 AND (c.to_time IS NULL OR c.to_time >= ${since}))
        SELECT n.root, i.lot, i.expiry, MAX(e.time) AS last, MAX(CASE
            WHEN i.status IN (${statuses[0]}, ${statuses[1]}) OR i.persistent IS NOT NULL THEN 1
            WHEN i.disposition IN (SELECT t.id FROM term t WHERE t.text IN (SELECT value FROM ${eachText(WORDS)} w)) THEN 1
            WHEN EXISTS (SELECT 1 FROM finding_thing h CROSS JOIN finding f ON f.id = h.finding AND f.state = 'open' AND f.stage IN ('suspect', 'illegitimate')
                         WHERE h.node = i.id) THEN 1
            ELSE 0 END) AS odd
        FROM inside n CROSS JOIN item i ON i.id = n.id LEFT JOIN event e ON e.seq = i.last_seq
        GROUP BY n.root, i.lot, i.expiry ORDER BY n.root, i.lot, i.expiry`,
  );
  const lotNodes = [...new Set([...named, ...kinds.flatMap(({ lot }) => (lot === null ? [] : [-lot]))])];
  const lots = new Map((await statesFrom(journal, await journal.things(lotNodes))).map((lot) => [lot.node, lot]));
  const suspect = await journal.db.all<{ node: number }>(
    sql`SELECT DISTINCT t.node FROM ${eachNumber(lotNodes)} j CROSS JOIN finding_thing t ON t.node = j.value
        CROSS JOIN finding f ON f.id = t.finding AND f.state = 'open' AND f.stage IN ('suspect', 'illegitimate')`,
  );
  const suspects = new Set(suspect.map(({ node }) => node));
  const ids = [...new Set(kinds.flatMap(({ expiry }) => expiry ?? []))];
  const texts = await journal.termTexts(ids);
  const expiries = new Map(ids.map((id, i) => [id, texts[i] as string]));
  const ended = (expiry: string | null | undefined, facts: Facts) => ((expiry && expiredFrom(expiry)) || Infinity) <= facts.position.ms;
  const lotIsOdd = (node: Node, facts: Facts): boolean => {
    const lot = lots.get(node);
    return lot !== undefined && (mayBeUnfit(lot) || suspects.has(node) || ended(lot.expiry, facts));
  };
  const ofRoot = new Map<Node, Kinds[]>();
  for (const one of kinds) ofRoot.set(one.root, [...(ofRoot.get(one.root) ?? []), one]);
  return (node, facts) =>
    node < 0
      ? lotIsOdd(node, facts)
      : (ofRoot.get(node) ?? []).some(
          ({ odd, lot, expiry, last }) =>
            odd === 1 ||
            (last ?? 0) > facts.position.ms ||
            (lot !== null && lotIsOdd(-lot, facts)) ||
            (expiry !== null && ended(expiries.get(expiry), facts)),
        );
}
