import { sql } from 'drizzle-orm';
import { formatExactTime } from '../epcis/index.ts';
import type { EpcisEvent } from '../epcis/model.ts';
import { formatKey } from '../identifiers/index.ts';
import type { Thing } from '../identifiers/thing.ts';
import { type AsOf, asOf } from '../lifecycle/as-of.ts';
import { expiredFrom } from '../lifecycle/expiry.ts';
import { FINDINGS, type FindingCode } from '../lifecycle/findings.ts';
import { partiesOf } from '../lifecycle/party.ts';
import { findNode, keysOf, statesOf } from '../lifecycle/present.ts';
import { type Resolved, shownStatus } from '../lifecycle/resolve.ts';
import { FLAG, type Node, type State } from '../lifecycle/state.ts';
import { isEnded } from '../lifecycle/steps.ts';
import type { Db } from '../store/db.ts';
import { eachNumber, eachText } from '../store/sql.ts';
import { nodesInside } from './contents.ts';
import { batchStates } from './release.ts';
import { recallOf } from './thing.ts';

/** What stands against a shipment, by code: each names everything that offends, wherever inside it is. */
export type ShipmentFinding = { code: FindingCode; severity: string; things: string[]; message: string };

/** What a shipment holds, for what is asked of it further (completeness.ts). */
export type Shipment = {
  readonly t: AsOf;
  /** What is neither a container nor unknown: the units that are sold, and the containers that they come in. */
  readonly units: readonly Inspected[];
  readonly containers: number;
  /** Canonical keys of what was never heard of, and of containers of unknown content. */
  readonly unknown: readonly string[];
  readonly opaque: readonly string[];
  readonly findings: readonly ShipmentFinding[];
  /** What the findings name, by canonical key. */
  readonly nodes: ReadonlyMap<string, Node>;
};
export type Inspected = { readonly key: string; readonly class: number; readonly lot: Node; readonly expiry: string | null };

/** Dispositions of what may not be sold. */
export const HELD: ReadonlySet<string> = new Set([
  'damaged', 'needs_replacement', 'no_pedigree_match', 'non_conformant', 'non_sellable_other', 'unavailable',
]); // biome-ignore format: a list

const isHeld = (word: string | null) => word !== null && HELD.has(word);

/**
 * Looks into a planned shipment, through all its containers, as of its eventTime and before it (domain.md §7.2): what is recalled, on hold, expired
 * or will be within the promised life, not released, ended, unknown, in transit already or in somebody else's hands. `minimumLifeMs` is that life.
 * Of a shipment that is stored, `before` is its entry: what was known before it.
 */
export async function inspectShipment(db: Db, event: EpcisEvent, options: { minimumLifeMs: number; before?: number }): Promise<Shipment> {
  const t: AsOf =
    options.before === undefined
      ? await asOf(db, { at: formatExactTime(event.eventTime) })
      : { at: event.eventTime, seq: options.before - 1 };
  const named = await nodesNamed(db, event.epcList);
  const nodes = new Set<Node>(named.values());
  const filled = new Set<Node>();
  for (const { child, parent } of await nodesInside(db, [...nodes], 'all', t)) {
    nodes.add(child);
    filled.add(parent);
  }
  const states = await statesOf(db, [...nodes], t);
  const lotNodes = new Map<string, Node>();
  for (const { of } of event.quantityList) {
    const node = await findNode(db, formatKey(of));
    if (node !== null) lotNodes.set(formatKey(of), node);
  }
  const lotsWanted = new Set([...lotNodes.values(), ...[...states.states.values()].map((state) => state.lot).filter((lot) => lot !== 0)]);
  const lots = (await statesOf(db, [...lotsWanted], t)).states;
  const keys = await keysOf(db, [...nodes]);
  const suspect = await suspected(db, [...nodes, ...lots.keys()]);
  const batches = await batchStates(db, [...lotsWanted], t);
  const { party, owner } = partiesOf(event);
  const sellers = new Set([party, owner].filter((one) => one !== null));
  const found = new Found();
  const units: Inspected[] = [];
  const unknown: string[] = [];
  const opaque: string[] = [];
  let containers = 0;
  for (const thing of event.epcList) {
    const key = formatKey(thing);
    const node = named.get(key);
    const state = node === undefined ? undefined : states.states.get(node);
    if (state === undefined || (state.flags & FLAG.known) === 0) unknown.push(key);
  }
  for (const node of nodes) {
    const key = keys.get(node) as string;
    const state = states.states.get(node);
    if (state === undefined || node < 0) continue;
    const lot = lots.get(state.lot);
    const expiry = state.expiry ?? lot?.expiry ?? null;
    if ((state.flags & FLAG.parent) !== 0 || filled.has(node)) containers++;
    else if (!key.startsWith('00/')) units.push({ key, class: state.class, lot: state.lot, expiry });
    if (!filled.has(node) && ((state.flags & FLAG.parent) !== 0 || key.startsWith('00/'))) opaque.push(key);
    const now = states.resolve(state);
    for (const code of against(now, lot, { suspect: suspect.has(node) || suspect.has(state.lot), sellers })) found.add(code, key);
    if (batches.get(state.lot) === 'open' && !isEnded(now.status)) found.add('SHIP-NOTREL', key);
    const end = expiry === null ? null : expiredFrom(expiry);
    if (end !== null && end <= event.eventTime.ms + options.minimumLifeMs) found.add('SHIP-EXPIRED', key);
  }
  for (const key of unknown) found.add('SN-UNKNOWN', key);
  for (const { of } of event.quantityList) {
    const lot = lotNodes.get(formatKey(of));
    if (lot !== undefined && recallOf(lots.get(lot)) !== null) found.add('SHIP-RECALLED', formatKey(of));
  }
  const byKey = new Map([...keys].map(([node, key]) => [key, node]));
  return { t, units, containers, unknown, opaque, findings: found.list, nodes: new Map([...lotNodes, ...byKey]) };
}

type Around = { readonly suspect: boolean; readonly sellers: ReadonlySet<string> };

/** What a thing is in the way of, by what it is and what its lot lays upon it. */
function* against(now: Resolved, lot: State | undefined, { suspect, sellers }: Around): Iterable<FindingCode> {
  const words = [now.disposition, ...(now.persistent ?? []).map(([word]) => word)];
  if (isEnded(now.status)) {
    yield 'SN-AFTER-END';
    return;
  }
  if (shownStatus(now, recallOf(lot)) === 'Recalled') yield 'SHIP-RECALLED';
  if (now.status === 'Quarantined' || now.status === 'AtLarge' || suspect || words.some(isHeld)) yield 'SHIP-HELD';
  if (words.includes('expired')) yield 'SHIP-EXPIRED';
  const ofLot = [lot?.disposition ?? null, ...(lot?.persistent ?? []).map(([word]) => word)];
  if (ofLot.some(isHeld) || lot?.status === 'Quarantined') yield 'SHIP-NOTREL';
  const elsewhere = now.received && sellers.size > 0 && ![now.holder, now.owner].some((one) => one !== null && sellers.has(one));
  if (now.status === 'InTransit' || elsewhere) yield 'SHIP-TWICE';
}

/** Findings by code, each with its things. */
class Found {
  private readonly byCode = new Map<FindingCode, Set<string>>();

  add(code: FindingCode, thing: string): void {
    const things = this.byCode.get(code);
    if (things) things.add(thing);
    else this.byCode.set(code, new Set([thing]));
  }

  get list(): ShipmentFinding[] {
    return [...this.byCode].map(([code, things]) => ({
      code,
      severity: FINDINGS[code].severity,
      things: [...things],
      message: FINDINGS[code].says,
    }));
  }
}

/** Items by their canonical keys; those that nothing ever named are missing. */
async function nodesNamed(db: Db, things: readonly Thing[]): Promise<Map<string, Node>> {
  const byClass = new Map<string, string[]>();
  for (const { class: key, serial } of things) byClass.set(key, [...(byClass.get(key) ?? []), serial]);
  const named = new Map<string, Node>();
  for (const [key, serials] of byClass) {
    const rows = await db.all<{ id: number; serial: string }>(
      sql`SELECT i.id, i.serial FROM ${eachText(serials)} j CROSS JOIN class c ON c.key = ${key} CROSS JOIN item_name i ON i.class = c.id AND i.serial = j.value`,
    );
    for (const row of rows) named.set(formatKey({ class: key, serial: row.serial }), row.id);
  }
  return named;
}

/** Of these nodes, those with an open finding that somebody holds to be suspect or has determined to be illegitimate. */
async function suspected(db: Db, nodes: readonly Node[]): Promise<Set<Node>> {
  const rows = await db.all<{ node: number }>(
    sql`SELECT DISTINCT t.node FROM ${eachNumber(nodes)} j CROSS JOIN finding_thing t ON t.node = j.value
        CROSS JOIN finding f ON f.id = t.finding AND f.state = 'open' AND (f.stage IN ('suspect', 'illegitimate') OR f.code IN ('EX-HLD-1', 'EX-HLD-2', 'EX-HLD-4'))`,
  );
  return new Set(rows.map((row) => row.node));
}
