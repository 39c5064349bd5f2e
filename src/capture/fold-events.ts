import { checkLineage } from '../genealogy/checks.ts';
import { dueOf } from '../lifecycle/due.ts';
import { FINDINGS, type FindingCode } from '../lifecycle/findings.ts';
import { Fold, WAITING_CODES } from '../lifecycle/fold.ts';
import { packsSeveral, repackings } from '../lifecycle/repacking.ts';
import { factsFrom, rowsFrom, seqsOf, statesFrom } from '../lifecycle/rows.ts';
import { type Facts, FLAG, type LotPart, NONE, type Node, ROLE, type State } from '../lifecycle/state.ts';
import { takesOutUnnamed } from '../lifecycle/steps.ts';
import { judgeNumbers } from '../numbers/index.ts';
import type { Journal } from '../store/journal.ts';
import type { EventRow, FindingRow, FindingThing, NewThing } from '../store/rows.ts';
import { builtOnVoided } from './dependants.ts';
import { type Accepted, isEffective, type NamedEvent, Naming } from './naming.ts';
import { type Endings, endedWithContent, givePositions, isOfFold, noteEnding, refold, standing, stayRow } from './refold.ts';
import { earlierShipments, namesLots, shippedUnderOtherLots } from './shipped-lots.ts';
import { mayBeUnfit, type Shipped, shippedUnfit } from './shipped-unfit.ts';

/**
 * When documents came: for each the number of its first entry, rising, and the record time of all. What is derived from a document came to be known
 * with its first entry.
 */
export type Moment = { readonly firsts: readonly number[]; readonly recordTime: number };

/**
 * Documents folded in one run must come to what they come to one by one. Where that is not sure, nothing of the run may be kept: the caller takes the
 * documents one by one.
 */
export class NotTogether extends Error {}

/** The first entry of the document that an entry of this run belongs to. */
function firstOf({ firsts }: Moment, seq: number): number {
  return firsts.findLast((first) => first <= seq) ?? (firsts[0] as number);
}

type LateEvent = { readonly accepted: Accepted; readonly event: NamedEvent };

/** What folding a run of events found, and the canonical keys of the things that the run names. */
export type Folded = {
  readonly found: readonly FindingThing[];
  readonly keyOf: (node: Node) => string | null;
  /** Of every event of the run, in its order. */
  readonly facts: readonly Facts[];
};

/**
 * Folds accepted events in document order and saves what they are and what they change. What goes on top of the present is folded in memory and
 * saved in bulk; from the first event on that is late, or declares another erroneous, the run is put down as rows and the histories concerned are
 * folded again, once for all of it. Runs inside the caller's transaction.
 */
export async function foldEvents(journal: Journal, accepted: readonly Accepted[], moment: Moment): Promise<Folded> {
  if (accepted.length === 0) return { found: [], keyOf: () => null, facts: [] };
  const fold = new Fold();
  const naming = await Naming.of(
    journal,
    fold,
    accepted.map((a) => a.read.event),
  );
  await load(journal, naming, accepted);
  const onTop: NamedEvent[] = [];
  const refilled = new Set<Node>();
  const late: LateEvent[] = [];
  const effective: Facts[] = [];
  const shipments: Shipped[] = [];
  const facts: Facts[] = [];
  for (const a of accepted) {
    const event = await naming.name(a);
    facts.push(event.facts);
    if (isEffective(a)) effective.push(event.facts);
    fold.positions.set(a.seq, event.facts.position);
    const ships = isEffective(a) && event.facts.bizStep === 'shipping';
    if (late.length > 0 || a.voids.length > 0 || a.voidSeq !== null || (isEffective(a) && fold.isLate(event.facts, event.named))) {
      if (moment.firsts.length > 1) throw new NotTogether();
      late.push({ accepted: a, event });
      if (ships) shipments.push({ facts: event.facts, event: a.read.event, inspect: true });
      continue;
    }
    // Before it is shipped: the shipment itself says other things of what it names.
    if (ships)
      shipments.push({ facts: event.facts, event: a.read.event, inspect: event.named.epcs.some((state) => fold.some(state, mayBeUnfit)) });
    if (isEffective(a)) {
      const { parent } = event.named;
      if (parent !== null && (parent.flags & FLAG.parent) !== 0 && packsSeveral(event.facts)) refilled.add(parent.node);
      fold.apply(event.facts, event.named);
    }
    onTop.push(event);
  }
  const found = await save(journal, naming, onTop, refilled, moment);
  // What the fold found is stored before histories are folded again: that may find it no longer so.
  await saveFindings(journal, found, moment);
  if (late.length > 0) {
    const again = await saveLate(journal, late, moment.firsts[0] as number);
    await saveFindings(journal, again, moment);
    found.push(...again);
  }
  const misused = await judgeNumbers(journal, effective);
  const unfit = await shippedUnfit(journal, shipments);
  await saveFindings(journal, [...misused, ...unfit], moment);
  found.push(...misused, ...unfit);
  return { found, keyOf: (node) => naming.keyOf(node), facts };
}

/** Stores findings; one that is there already takes in what is new to it. */
export async function saveFindings(journal: Journal, found: readonly FindingThing[], moment: Moment): Promise<void> {
  if (found.length === 0) return;
  const rows = new Map<string, FindingRow>();
  for (const { code, seq } of found) {
    rows.set(`${code}/${seq}`, {
      code,
      seq,
      severity: FINDINGS[code as FindingCode].severity,
      opened: moment.recordTime,
      due: dueOf(code as FindingCode, moment.recordTime),
    });
  }
  await journal.addFindings([...rows.values()], found);
}

/** Puts into the fold what the run needs besides the things it names: containers, content about to be unpacked, positions. */
async function load(journal: Journal, naming: Naming, accepted: readonly Accepted[]): Promise<void> {
  const { fold } = naming;
  const states = [...naming.loaded()];
  const parents = new Set<Node>();
  const emptied = new Set<Node>();
  for (const { read } of accepted) {
    const { parentID, type, action, childEPCs, disposition } = read.event;
    const parent = parentID === null ? null : naming.nodeOf(parentID.class, parentID.serial);
    if (parent === null) continue;
    parents.add(parent);
    if (type === 'AggregationEvent' && action === 'DELETE' && (childEPCs.length === 0 || disposition === 'mismatch_quantity'))
      emptied.add(parent);
  }
  const add = (more: readonly State[]) => {
    for (const state of more) if (!fold.states.has(state.node)) states.push(fold.add(state));
  };
  add(await statesFrom(journal, await journal.content([...emptied])));
  const inside = states.filter((state) => state.node > 0 && state.parent !== 0).map((state) => state.node);
  add(await statesFrom(journal, await journal.containers(inside)));
  const seqs = new Set(states.flatMap(seqsOf));
  for (const stay of await journal.looseContent([...parents])) {
    const { child, parent, uom, quantity } = stay;
    fold.addLoose({ kind: stay.kind as 0 | 1, child, parent, uom, quantity, fromSeq: stay.from_seq, toSeq: NONE, inferred: false });
    seqs.add(stay.from_seq);
  }
  await givePositions(journal, fold, seqs);
}

/** Saves what was folded on top of the present. */
async function save(
  journal: Journal,
  naming: Naming,
  events: readonly NamedEvent[],
  refilled: ReadonlySet<Node>,
  moment: Moment,
): Promise<FindingThing[]> {
  const { fold } = naming;
  const atSeq = moment.firsts[0] as number;
  const { introduced, seen } = fold;
  const answered = [
    ...(introduced.length === 0 ? [] : await journal.findingThings([...WAITING_CODES, 'DEP-VOIDED'], introduced)),
    ...(seen.length === 0 ? [] : (await journal.findingThings(['EX-DNP-3'], seen)).filter(isOfFold)),
  ];
  const stands = standing(fold);
  // One by one, a finding is told with its document and closes with a later one; in one run it would never have been told.
  if (moment.firsts.length > 1 && (answered.length > 0 || stands.length < fold.offences.length || fold.lotted.length > 0))
    throw new NotTogether();
  const fresh = new Set(naming.fresh.map((thing) => thing.state));
  await insertFresh(journal, naming);
  await journal.updateThings(
    await rowsFrom(
      journal,
      [...fold.changed].filter((state) => !fresh.has(state)),
    ),
  );
  await insertEvents(journal, events);
  await journal.putStays([...fold.intervals.values()].map((stay) => stayRow(fold, stay, firstOf(moment, stay.fromSeq))));
  const effective = events.filter(({ row }) => row.declares === 0 && row.void_seq === null && row.twin_of === null);
  await journal.removeFindingThings(answered, atSeq);
  const endings: Endings = new Map();
  for (const { facts, named } of effective) noteEnding(endings, facts, named.epcs);
  const transformations = effective.flatMap(({ lineage }) => lineage[0]?.transformation ?? []);
  return [
    ...stands,
    ...(await builtOnVoided(journal, stands)),
    ...(await endedWithContent(journal, endings)),
    ...(await refillings(journal, [...refilled], atSeq)),
    ...(await shippedUnderOtherLots(journal, effective.map(({ facts }) => facts).filter(namesLots))),
    ...(await lateLots(journal, fold.lotted)),
    ...(await checkLineage(journal, { transformations, nodes: [], seqs: [] }, atSeq)),
  ];
}

/** EX-PND-5 of things whose lot came to be known, and was told of, after they had been shipped. */
async function lateLots(journal: Journal, lotted: readonly Node[]): Promise<FindingThing[]> {
  if (lotted.length === 0) return [];
  const nodes = new Set(lotted);
  const found = await shippedUnderOtherLots(journal, await earlierShipments(journal, lotted));
  return found.filter(({ node }) => nodes.has(node));
}

/** AGG-REUSED of events from entry `fromSeq` on, by the whole histories of these containers. */
async function refillings(journal: Journal, containers: readonly Node[], fromSeq: number): Promise<FindingThing[]> {
  if (containers.length === 0) return [];
  const parts = await journal.histories(containers);
  const events = await factsFrom(journal, await journal.events([...new Set(parts.map(({ seq }) => seq))]));
  const factsOf = new Map(events.map((facts) => [facts.seq, facts]));
  return containers
    .flatMap((node) => {
      const own = parts.filter((part) => part.node === node);
      return repackings(
        node,
        own.map(({ seq, role }) => ({ facts: factsOf.get(seq) as Facts, role })),
      );
    })
    .filter(({ seq }) => seq >= fromSeq);
}

/** Puts down as rows the rest of a run, from the first event on that is late or declares another erroneous, and folds again what that changes. */
async function saveLate(journal: Journal, late: readonly LateEvent[], atSeq: number): Promise<FindingThing[]> {
  await insertEvents(
    journal,
    late.map(({ event }) => event),
  );
  const found: FindingThing[] = [];
  const start = { nodes: new Set<Node>(), emptied: [] as Node[], ms: Number.POSITIVE_INFINITY, voided: [] as number[] };
  const around = { transformations: [] as number[], nodes: [] as Node[], seqs: [] as number[] };
  const claims = new Map<Node, Facts[]>();
  const concern = (facts: Facts, parts: readonly LotPart[]) => {
    for (const ids of Object.values(facts.things)) for (const id of ids) start.nodes.add(id);
    for (const part of parts) start.nodes.add(part.node);
    if (takesOutUnnamed(facts)) start.emptied.push(facts.parent);
    start.ms = Math.min(start.ms, facts.position.ms);
  };
  for (const { accepted, event } of late) {
    if (isEffective(accepted)) {
      const { facts } = event;
      concern(
        facts,
        facts.lots.filter((part) => part.role !== ROLE.claim),
      );
      for (const part of facts.lots) if (part.role === ROLE.claim) claims.set(part.node, [...(claims.get(part.node) ?? []), facts]);
      if (event.lineage[0]) around.transformations.push(event.lineage[0].transformation);
      const items = event.items.map(([item]) => item);
      for (const node of await journal.lateFor(facts.seq, items)) found.push({ code: 'EV-LATE', seq: facts.seq, node, other: NONE });
    }
    // Whoever waits for a making that was declared erroneous before it came is told so.
    if (accepted.voidSeq !== null) concern(event.facts, []);
    if (accepted.voids.length === 0) continue;
    await journal.setVoid(accepted.voids, accepted.seq);
    start.voided.push(...accepted.voids);
    for (const heir of accepted.heirs) await journal.setTwin(heir.seq, heir.twinOf);
    const rows = await journal.events([...accepted.voids, ...accepted.heirs.map((heir) => heir.seq)]);
    for (const [i, facts] of (await factsFrom(journal, rows)).entries()) {
      concern(facts, facts.lots);
      if (facts.type !== 'TransformationEvent') continue;
      const { transformation } = rows[i] as EventRow;
      around.transformations.push(transformation === null ? facts.seq : -transformation);
      around.seqs.push(facts.seq);
      for (const role of [ROLE.input, ROLE.output]) around.nodes.push(...(facts.things[role] ?? []));
      for (const part of facts.lots) if (part.role !== ROLE.claim) around.nodes.push(part.node);
    }
  }
  await claimLots(journal, claims, start.nodes);
  if (start.nodes.size > 0) found.push(...(await refold(journal, start, atSeq)).added);
  found.push(...(await checkLineage(journal, around, atSeq)));
  return found;
}

/** Late claims of lots change what is known of the lot and need no history, unless it matters when they come: then the lot is folded again. */
async function claimLots(journal: Journal, claims: ReadonlyMap<Node, readonly Facts[]>, again: Set<Node>): Promise<void> {
  const fold = new Fold();
  const lots = [...claims.keys()].filter((node) => !again.has(node));
  const states = await statesFrom(journal, await journal.things(lots));
  await givePositions(journal, fold, states.flatMap(seqsOf));
  for (const lot of states) {
    for (const facts of claims.get(lot.node) ?? []) {
      if (fold.claimMatters(lot, facts)) again.add(lot.node);
      else fold.claimLot(lot, facts);
    }
  }
  const changed = [...fold.changed].filter((lot) => !again.has(lot.node));
  await journal.updateThings(await rowsFrom(journal, changed));
}

async function insertFresh(journal: Journal, naming: Naming): Promise<void> {
  const rows = await rowsFrom(
    journal,
    naming.fresh.map((thing) => thing.state),
  );
  await journal.insertThings(rows.map((row, i): NewThing => Object.assign(row, { name: (naming.fresh[i] as { name: string }).name })));
}

async function insertEvents(journal: Journal, events: readonly NamedEvent[]): Promise<void> {
  await journal.insertEvents(
    events.map((e) => e.row),
    events.flatMap((e) => e.items),
    events.flatMap((e) => e.parts),
    events.flatMap((e) => e.lineage),
    events.flatMap((e) => e.fields),
  );
}
