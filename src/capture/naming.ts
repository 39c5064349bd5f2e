import type { EpcisEvent, Quantity, ReadEvent } from '../epcis/model.ts';
import { formatKey } from '../identifiers/index.ts';
import type { Thing, ThingLot } from '../identifiers/thing.ts';
import type { Fold, Named } from '../lifecycle/fold.ts';
import { rankOf } from '../lifecycle/order.ts';
import { partiesOf } from '../lifecycle/party.ts';
import { actionCode, latin1, statesFrom, storedFacts } from '../lifecycle/rows.ts';
import { RULES_VERSION } from '../lifecycle/rules-version.ts';
import { type Facts, type LotPart, type Node, newState, ROLE, type Role, type State } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { EventRow, FieldRow, LineageRow, PartRow } from '../store/rows.ts';
import type { Standing } from './sameness.ts';

/** An event that is going to be stored, with what sameness has found out about it. */
export type Accepted = Standing & { readonly read: ReadEvent; readonly seq: number };

/** One event with its things looked up: what the fold takes, and the rows that keep it. */
export type NamedEvent = {
  readonly facts: Facts;
  readonly named: Named;
  readonly row: EventRow;
  readonly items: readonly (readonly [item: number, seq: number, role: number])[];
  readonly parts: readonly PartRow[];
  readonly lineage: readonly LineageRow[];
  readonly fields: readonly FieldRow[];
};

/** Whether an event changes states: error declarations, voided events and twins do not. */
export const isEffective = (a: Accepted): boolean => a.twinOf === null && a.voidSeq === null && a.read.event.errorDeclaration === null;

/**
 * Looks up, in bulk, every thing that a run of events names, and gives new things their ids one event at a time, in document order:
 * so that ids depend on the stored entries alone, not on how captures were grouped.
 */
export class Naming {
  /** Things that came into being here and have no row yet. */
  readonly fresh: { state: State; name: string }[] = [];
  private readonly keys = new Map<Node, string>();
  private readonly items = new Map<string, Map<string, State>>();
  private readonly lots = new Map<string, Map<string, State>>();
  private readonly journal: Journal;
  readonly fold: Fold;

  private constructor(journal: Journal, fold: Fold) {
    this.journal = journal;
    this.fold = fold;
  }

  static async of(journal: Journal, fold: Fold, events: readonly EpcisEvent[]): Promise<Naming> {
    const naming = new Naming(journal, fold);
    const items = new Map<string, Set<string>>();
    const lots = new Map<string, Set<string>>();
    const want = (map: Map<string, Set<string>>, key: string, name: string) => {
      const set = map.get(key);
      if (set) set.add(name);
      else map.set(key, new Set([name]));
    };
    for (const event of events) {
      for (const [, things] of thingsOf(event)) for (const thing of things) want(items, thing.class, thing.serial);
      for (const [, parts] of partsOf(event)) for (const part of parts) want(lots, part.of.class, part.of.lot);
      for (const lot of claimedLots(event)) want(lots, lot.class, lot.lot);
    }
    await naming.load(items, naming.items, (names) => journal.itemsByName(names));
    await naming.load(lots, naming.lots, (names) => journal.lotsByName(names));
    return naming;
  }

  private async load(
    wanted: ReadonlyMap<string, ReadonlySet<string>>,
    into: Map<string, Map<string, State>>,
    find: Journal['itemsByName'],
  ): Promise<void> {
    // A class is made only when its event is named, so that its id too depends on the order of events alone.
    const keys = [...wanted.keys()];
    const classIds = await this.journal.knownClasses(keys);
    const names = new Map<number, string[]>();
    const mapOf = new Map<number, Map<string, State>>();
    for (const [i, key] of keys.entries()) {
      const map = new Map<string, State>();
      into.set(key, map);
      const classId = classIds[i];
      if (classId === null || classId === undefined) continue;
      names.set(classId, [...(wanted.get(key) as ReadonlySet<string>)].sort());
      mapOf.set(classId, map);
    }
    const rows = await find(names);
    const states = await statesFrom(this.journal, rows);
    for (const [i, row] of rows.entries()) mapOf.get(row.class)?.set(row.name, this.fold.add(states[i] as State));
  }

  /** All states loaded so far, for the containers and positions that they ask for. */
  *loaded(): Iterable<State> {
    for (const map of [...this.items.values(), ...this.lots.values()]) yield* map.values();
  }

  /** The item with this class and serial, if it is stored already. */
  nodeOf(key: string, serial: string): Node | null {
    return this.items.get(key)?.get(serial)?.node ?? null;
  }

  async name(accepted: Accepted): Promise<NamedEvent> {
    const { read, seq } = accepted;
    const event = read.event;
    const { party, owner } = partiesOf(event);
    const things: Partial<Record<Role, number[]>> = {};
    const states: Partial<Record<Role, State[]>> = {};
    const items: [number, number, number][] = [];
    for (const [role, list] of thingsOf(event)) {
      if (list.length === 0) continue;
      const found = await this.itemStates(list);
      states[role] = found;
      const ids = found.map((state) => state.node);
      things[role] = ids;
      for (const id of ids) items.push([id, seq, role]);
    }
    const lots: LotPart[] = [];
    for (const [role, list] of partsOf(event)) {
      for (const part of list) lots.push({ role, node: (await this.lotState(part.of)).node, quantity: part.quantity, uom: part.uom });
    }
    const lotOf = new Map<number, Node>();
    for (const lot of claimedLots(event)) {
      const state = await this.lotState(lot);
      lotOf.set(state.class, state.node);
      lots.push({ role: ROLE.claim, node: state.node, quantity: null, uom: null });
    }
    const facts: Facts = {
      seq,
      position: { ...event.eventTime, rank: rankOf(event.type, event.action), digest: latin1(read.identityDigest) },
      type: event.type,
      action: event.action,
      bizStep: event.bizStep,
      disposition: event.disposition,
      persistentSet: event.persistentSet,
      persistentUnset: event.persistentUnset,
      place: event.bizLocation ?? event.readPoint,
      party,
      owner,
      parent: states[ROLE.parent]?.[0]?.node ?? 0,
      unpacksAll:
        event.action === 'DELETE' && event.childEPCs.length === 0 && event.childQuantityList.length === 0 && event.parentID !== null,
      lotOf,
      expiry: event.ilmdExpiry,
      lots,
      things,
    };
    const { row, fields } = await this.rowsOf(accepted, facts);
    const transformation = row.transformation === null ? seq : -row.transformation;
    return {
      facts,
      named: {
        epcs: states[ROLE.epc] ?? [],
        parent: states[ROLE.parent]?.[0] ?? null,
        children: states[ROLE.child] ?? [],
        inputs: states[ROLE.input] ?? [],
        outputs: states[ROLE.output] ?? [],
        lots,
      },
      row,
      items,
      parts: lots.map((part) => ({ lot: -part.node, seq, role: part.role, quantity: part.quantity, uom: part.uom })),
      lineage: event.type === 'TransformationEvent' && event.errorDeclaration === null ? lineageRows(transformation, facts) : [],
      fields,
    };
  }

  private async itemStates(things: readonly Thing[]): Promise<State[]> {
    const states: State[] = [];
    for (const thing of things) {
      const map = this.items.get(thing.class) as Map<string, State>;
      let state = map.get(thing.serial);
      if (state === undefined) {
        const [classId] = await this.journal.classes([thing.class]);
        state = this.fold.add(newState(this.journal.nextItem(), classId as number));
        map.set(thing.serial, state);
        this.fresh.push({ state, name: thing.serial });
      }
      states.push(state);
    }
    return states;
  }

  private async lotState(lot: ThingLot): Promise<State> {
    const map = this.lots.get(lot.class) as Map<string, State>;
    let state = map.get(lot.lot);
    if (state === undefined) {
      const [classId] = await this.journal.classes([lot.class]);
      state = this.fold.add(newState(this.journal.nextLot(), classId as number));
      map.set(lot.lot, state);
      this.fresh.push({ state, name: lot.lot });
    }
    return state;
  }

  private async rowsOf(accepted: Accepted, facts: Facts): Promise<{ row: EventRow; fields: FieldRow[] }> {
    const { read, seq } = accepted;
    const { event } = read;
    const names = [...new Set(read.fields.map(({ field }) => field))];
    const words = [
      event.type,
      event.bizStep,
      event.disposition,
      event.readPoint,
      event.bizLocation,
      event.transformationID,
      facts.party,
      facts.owner,
      event.ilmdExpiry,
    ];
    const known = words.filter((word) => word !== null);
    const ids = await this.journal.terms([...known, ...names]);
    const idOf = new Map(names.map((name, i) => [name, ids[known.length + i] as number]));
    let next = 0;
    const [type, bizStep, disposition, readPoint, bizLocation, transformation] = words.map((word) =>
      word === null ? null : (ids[next++] as number),
    );
    const row: EventRow = {
      seq,
      type: type as number,
      action: actionCode(event.action),
      time: event.eventTime.ms,
      below: event.eventTime.below,
      rank: facts.position.rank,
      utc_offset: event.offset,
      event_id: event.eventID,
      hash: read.hash,
      digest: read.identityDigest,
      biz_step: bizStep as number | null,
      disposition: disposition as number | null,
      read_point: readPoint as number | null,
      biz_location: bizLocation as number | null,
      parent: facts.parent === 0 ? null : facts.parent,
      transformation: transformation as number | null,
      declares: event.errorDeclaration === null ? 0 : 1,
      void_seq: accepted.voidSeq,
      twin_of: accepted.twinOf,
      facts: await storedFacts(this.journal, facts),
      rules: RULES_VERSION,
    };
    return { row, fields: read.fields.map(({ field, key, part }) => ({ field: idOf.get(field) as number, key, seq, part })) };
  }

  /** The canonical key of a thing that these events name, for an answer. */
  keyOf(node: Node): string | null {
    if (this.keys.size === 0) {
      for (const [key, map] of this.items) for (const [serial, state] of map) this.keys.set(state.node, formatKey({ class: key, serial }));
      for (const [key, map] of this.lots) for (const [lot, state] of map) this.keys.set(state.node, formatKey({ class: key, lot }));
    }
    return this.keys.get(node) ?? null;
  }
}

function thingsOf(event: EpcisEvent): [Role, readonly Thing[]][] {
  return [
    [ROLE.epc, event.epcList],
    [ROLE.parent, event.parentID === null ? [] : [event.parentID]],
    [ROLE.child, event.childEPCs],
    [ROLE.input, event.inputEPCList],
    [ROLE.output, event.outputEPCList],
  ];
}

function partsOf(event: EpcisEvent): [Role, readonly Quantity[]][] {
  return [
    [ROLE.epc, event.quantityList],
    [ROLE.child, event.childQuantityList],
    [ROLE.input, event.inputQuantityList],
    [ROLE.output, event.outputQuantityList],
  ];
}

/** Lots that ilmd states of the serialised things that an event brings into being. A key without a class level (an SSCC, a URI) has no lot. */
function claimedLots(event: EpcisEvent): ThingLot[] {
  const lot = event.ilmdLot;
  if (lot === null || lot === '') return [];
  const classes = new Set<string>();
  for (const thing of event.type === 'TransformationEvent' ? event.outputEPCList : event.epcList)
    if (thing.class.includes('/')) classes.add(thing.class);
  return [...classes].map((key) => ({ class: key, lot }));
}

function lineageRows(transformation: number, facts: Facts): LineageRow[] {
  const rows: LineageRow[] = [];
  const add = (side: 0 | 1, node: Node, quantity: number | null, uom: string | null) =>
    rows.push({ transformation, side, node, seq: facts.seq, quantity, uom });
  for (const node of facts.things[ROLE.input] ?? []) add(0, node, null, null);
  for (const node of facts.things[ROLE.output] ?? []) add(1, node, null, null);
  for (const part of facts.lots) {
    if (part.role === ROLE.input) add(0, part.node, part.quantity, part.uom);
    if (part.role === ROLE.output) add(1, part.node, part.quantity, part.uom);
  }
  return rows;
}
