import { type Fold, type FoldCode, type Interval, intervalKey, type Offence, WAITING_CODES } from '../lifecycle/fold.ts';
import { foldHistories, type HistorySource } from '../lifecycle/history-fold.ts';
import type { Position } from '../lifecycle/order.ts';
import { type Part, repackings } from '../lifecycle/repacking.ts';
import { factsFrom, positionOf, rowsFrom, sameState, seqsOf, statesFrom } from '../lifecycle/rows.ts';
import { type Facts, FLAG, NONE, type Node, ROLE, type State } from '../lifecycle/state.ts';
import { endsThings } from '../lifecycle/steps.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing, IntervalRow, ThingRow } from '../store/rows.ts';
import { builtOnVoided } from './dependants.ts';
import { namesLots, shippedUnderOtherLots } from './shipped-lots.ts';

/** Things whose histories are folded at a time: bounds the memory of a correction of 100,000 serials. */
const SLICE = 20_000;

/** The codes whose findings the fold makes and takes back. */
const FOLD_CODES: readonly FoldCode[] = [
  'SN-DUP',
  'SN-CONFLICT',
  'SN-AFTER-END',
  'SN-INVALID-USED',
  'SN-UNKNOWN',
  'AGG-DOUBLE',
  'AGG-CYCLE',
  'AGG-NOTCHILD',
  'AGG-UNKNOWN-CHILD',
  'EX-DNP-3',
  'GEN-OVERUSE',
  'GEN-HELD-USED',
];

export type Refolded = { added: FindingThing[]; removed: FindingThing[] };

/** Containers by the event that ends them. */
export type Endings = Map<number, Set<Node>>;

/** What the histories of one correction tell besides the states of things. */
type Around = { readonly endings: Endings; readonly shipments: Map<number, Facts>; readonly repacked: FindingThing[] };

/**
 * Folds histories again after events that came late, or that void others (design.md §3). Affected are the things they name and what
 * has left them since, at any depth; their containers are folded along, because content takes over what they tell. Every thing is folded
 * from nothing over all its events, so the outcome cannot depend on the order of arrival. Runs inside the caller's transaction.
 */
export async function refold(
  journal: Journal,
  start: { nodes: Iterable<Node>; emptied: readonly Node[]; ms: number; voided: readonly number[] },
  atSeq: number,
): Promise<Refolded> {
  const result: Refolded = { added: [], removed: [] };
  // What was inside a container at its end, or at its shipping, can be told only when all stays are as they should be.
  const endings: Endings = new Map();
  const told: FindingThing[] = [];
  const around: Around = { endings, shipments: new Map(), repacked: [] };
  const queue = await affectedSince(journal, [...start.nodes], start.emptied, start.ms);
  const done = new Set<Node>();
  while (queue.size > 0) {
    const slice: Node[] = [];
    for (const node of queue) {
      queue.delete(node);
      done.add(node);
      if (slice.push(node) >= SLICE) break;
    }
    const { carried, nodes } = await refoldSlice(journal, slice, atSeq, result, around);
    told.push(...(await journal.findingThings(['AGG-HASCHILDREN', 'AGG-REUSED'], nodes)));
    // A container came out differently (a cycle was opened or closed elsewhere): what has left it since is affected too.
    for (const node of await affectedSince(journal, [...carried], [], start.ms)) if (!done.has(node)) queue.add(node);
  }
  const { shipments } = around;
  told.push(...(await journal.findingsAt(['EX-PND-5'], [...shipments.keys(), ...start.voided])));
  const found = [
    ...(await endedWithContent(journal, endings)),
    ...around.repacked,
    ...(await shippedUnderOtherLots(journal, shipments.values())),
  ];
  await replaceFindings(journal, told, found, atSeq, result);
  return result;
}

/** The named things and all that has left them, or something inside them, since. `emptied` were fully unpacked: all their content counts. */
async function affectedSince(journal: Journal, named: readonly Node[], emptied: readonly Node[], ms: number): Promise<Set<Node>> {
  const affected = new Set<Node>(named);
  const walked = new Set<Node>();
  let frontier = new Set(named.filter((node) => node > 0));
  if (emptied.length > 0) {
    for (const { child } of await journal.staysSince(emptied, ms, true)) {
      affected.add(child);
      frontier.add(child);
    }
  }
  while (frontier.size > 0) {
    for (const node of frontier) walked.add(node);
    const next = new Set<Node>();
    for (const { child, told } of await journal.staysSince([...frontier], ms)) {
      if (told) affected.add(child);
      if (!walked.has(child)) next.add(child);
    }
    frontier = next;
  }
  return affected;
}

/** Folds one slice with its containers, saves what differs, and answers the containers outside the slice that came out differently. */
async function refoldSlice(
  journal: Journal,
  slice: readonly Node[],
  atSeq: number,
  result: Refolded,
  around: Around,
): Promise<{ carried: Set<Node>; nodes: readonly Node[] }> {
  let rows: readonly ThingRow[] = [];
  const source: HistorySource = {
    parts: async (among) => await journal.histories(among),
    facts: async (seqs) => await factsFrom(journal, await journal.events(seqs)),
    classes: async (all) => {
      rows = await journal.things(all);
      return new Map(rows.map((row) => [row.node, row.class]));
    },
  };
  const { fold, nodes, events: ordered, named } = await foldHistories(source, slice, { parents: 'all' });
  const list = [...nodes];
  const stored = await statesFrom(journal, rows);
  await givePositions(journal, fold, stored.flatMap(seqsOf));

  const inSlice = new Set(slice);
  const carried = new Set<Node>();
  const changed: State[] = [];
  for (const before of stored) {
    const now = fold.get(before.node);
    // lastSeq only bounds what may count as late: events that are no longer folded, or touched it from outside this slice, still count.
    if (before.lastSeq !== NONE && fold.later(before.lastSeq, now.lastSeq)) now.lastSeq = before.lastSeq;
    if (sameState(before, now)) {
      if (before.lastSeq !== now.lastSeq) changed.push(now);
      continue;
    }
    changed.push(now);
    if (!inSlice.has(now.node)) carried.add(now.node);
  }
  await journal.updateThings(await rowsFrom(journal, changed));
  for (const node of await saveStays(journal, fold, list, atSeq)) if (!inSlice.has(node)) carried.add(node);
  await saveOffences(journal, fold, list, ordered, atSeq, result);
  const parts = new Map<Node, Part[]>();
  for (const event of ordered) {
    if (namesLots(event)) around.shipments.set(event.seq, event);
    for (const { node, role } of named.get(event.seq) ?? []) {
      if (((fold.states.get(node)?.flags ?? 0) & FLAG.parent) === 0) continue;
      const own = parts.get(node);
      if (own) own.push({ facts: event, role });
      else parts.set(node, [{ facts: event, role }]);
    }
    noteEnding(
      around.endings,
      event,
      (named.get(event.seq) ?? []).filter((part) => part.role === ROLE.epc && part.node > 0).map((part) => fold.get(part.node)),
    );
  }
  for (const [node, own] of parts) around.repacked.push(...repackings(node, own));
  return { carried, nodes: list };
}

export async function givePositions(journal: Journal, fold: Fold, seqs: Iterable<number>): Promise<void> {
  const missing = new Set<number>();
  for (const seq of seqs) if (!fold.positions.has(seq)) missing.add(seq);
  for (const row of await journal.events([...missing])) fold.positions.set(row.seq, positionOf(row));
}

/**
 * Brings the stored stays in line with the folded ones. A row that turns out otherwise is kept as what was known until now; that an open one
 * has ended is no such thing. Answers the children concerned.
 */
async function saveStays(journal: Journal, fold: Fold, nodes: readonly Node[], atSeq: number): Promise<Set<Node>> {
  const items = nodes.filter((node) => node > 0);
  const stored = await journal.stays({ children: items, looseParents: items });
  const before = new Map<string, IntervalRow>();
  for (const row of stored) before.set(intervalKey({ ...row, kind: row.kind as 0 | 1, fromSeq: row.from_seq }), row);
  const put: IntervalRow[] = [];
  const retire: IntervalRow[] = [];
  const moved = new Set<Node>();
  for (const [key, stay] of fold.intervals) {
    const row = stayRow(fold, stay, atSeq);
    const old = before.get(key);
    before.delete(key);
    if (old && old.to_seq === row.to_seq && old.inferred === row.inferred && old.quantity === row.quantity) continue;
    const ends = old !== undefined && old.to_seq === null && row.to_seq !== null && row.to_seq >= atSeq && old.quantity === row.quantity;
    if (old && !ends) retire.push(old);
    put.push(row);
    moved.add(stay.child);
  }
  for (const row of before.values()) {
    retire.push(row);
    moved.add(row.child);
  }
  await journal.retireStays(retire.sort(byStay), atSeq);
  await journal.putStays(put);
  return moved;
}

/** What is kept of the past gets its number in this order, and not in the order in which an engine has told of it. */
function byStay(a: IntervalRow, b: IntervalRow): number {
  return a.child - b.child || a.from_seq - b.from_seq || a.parent - b.parent || a.kind - b.kind || (a.uom < b.uom ? -1 : 1);
}

export function stayRow(fold: Fold, stay: Interval, knownSeq: number): IntervalRow {
  return {
    child: stay.child,
    from_seq: stay.fromSeq,
    parent: stay.parent,
    kind: stay.kind,
    uom: stay.uom,
    quantity: stay.quantity,
    to_time: stay.toSeq === NONE ? null : (fold.positions.get(stay.toSeq) as Position).ms,
    to_seq: stay.toSeq === NONE ? null : stay.toSeq,
    inferred: stay.inferred ? 1 : 0,
    known_seq: knownSeq,
  };
}

/** Offences that still hold once the whole history is known: who waits for a commissioning that came, or is missing and was seen, has been answered. */
export function standing(fold: Fold): Offence[] {
  return fold.offences.filter((o) => {
    const state = fold.states.get(o.node);
    if (o.code === 'EX-DNP-3') return state?.status === 'AtLarge' && state.statusSeq === o.seq;
    return !WAITING_CODES.includes(o.code) || ((state?.flags ?? 0) & FLAG.known) === 0;
  });
}

async function saveOffences(
  journal: Journal,
  fold: Fold,
  nodes: readonly Node[],
  ordered: readonly Facts[],
  atSeq: number,
  result: Refolded,
): Promise<void> {
  // Findings about lots and associated parts come out of their parent's history, so they are compared by event.
  const loose = ordered.filter((event) => event.parent !== 0 && (event.lots.length > 0 || event.type === 'AssociationEvent'));
  const built = new Set(loose.filter((event) => event.type === 'AssociationEvent').map((event) => event.seq));
  const old = [
    ...(await journal.findingThings([...FOLD_CODES, 'DEP-VOIDED'], nodes)).filter(isOfFold),
    ...(
      await journal.findingsAt(
        ['AGG-NOTCHILD'],
        loose.map((event) => event.seq),
      )
    ).filter((t) => t.node < 0 || built.has(t.seq)),
  ];
  const stands = standing(fold);
  await replaceFindings(journal, old, [...stands, ...(await builtOnVoided(journal, stands))], atSeq, result);
}

/** Codes that people and other rooms raise too; what the fold found then names the second event that it comes from, and is the fold's to take back. */
const SHARED_CODES: ReadonlySet<string> = new Set<FoldCode>(['SN-INVALID-USED', 'EX-DNP-3']);
export const isOfFold = (t: FindingThing) => t.other !== NONE || !SHARED_CODES.has(t.code);

const findingKey = (t: FindingThing) => `${t.code}/${t.seq}/${t.node}/${t.other}`;

async function replaceFindings(
  journal: Journal,
  old: readonly FindingThing[],
  found: readonly FindingThing[],
  atSeq: number,
  result: Refolded,
): Promise<void> {
  const now = new Map(found.map((t) => [findingKey(t), t]));
  const kept = new Set<string>();
  const removed = new Map<string, FindingThing>();
  for (const t of old) {
    const key = findingKey(t);
    if (now.has(key)) kept.add(key);
    else removed.set(key, t);
  }
  await journal.removeFindingThings([...removed.values()], atSeq);
  for (const [key, t] of now) if (!kept.has(key)) result.added.push(t);
  for (const t of removed.values()) result.removed.push(t);
}

/** Notes which of the things that an event is about are containers that end with it. */
export function noteEnding(endings: Endings, event: Facts, things: readonly State[]): void {
  if (!endsThings(event)) return;
  const containers = things.filter((state) => (state.flags & FLAG.parent) !== 0).map((state) => state.node);
  if (containers.length > 0) endings.set(event.seq, new Set([...(endings.get(event.seq) ?? []), ...containers]));
}

/** AGG-HASCHILDREN: a container that ends with content does not end its content (domain.md §6.1, rule 6), and somebody should look. */
export async function endedWithContent(journal: Journal, endings: Endings): Promise<FindingThing[]> {
  const found: FindingThing[] = [];
  for (const [seq, containers] of endings) {
    for (const node of await journal.holding(seq, [...containers])) found.push({ code: 'AGG-HASCHILDREN', seq, node, other: NONE });
  }
  return found;
}
