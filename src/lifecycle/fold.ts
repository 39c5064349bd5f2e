import { comparePositions, type Position } from './order.ts';
import { isShared, type Resolved, resolve } from './resolve.ts';
import { type Balance, type Facts, FLAG, type LotPart, NONE, type Node, ROLE, type Role, type State, type Status } from './state.ts';
import {
  endsThings,
  findsShortage,
  isEnded,
  isRevocable,
  labelStatusOf,
  makesThings,
  REACTIVATING,
  receivesThings,
  statusOf,
  takesOutUnnamed,
} from './steps.ts';
import { canonicalQuantity } from './units.ts';

/** The stated or inferred stay of a child in a parent. */
export type Interval = {
  readonly kind: 0 | 1;
  readonly child: Node;
  readonly parent: number;
  readonly uom: string;
  readonly quantity: number | null;
  readonly fromSeq: number;
  toSeq: number;
  /** True when it ended only because the child turned up elsewhere (domain.md §6.1, rule 1). */
  inferred: boolean;
};

/** One thing that one event offends with; `other` is the second event it comes from, or NONE. */
export type Offence = { readonly code: FoldCode; readonly seq: number; readonly node: Node; readonly other: number };
export type FoldCode =
  | 'SN-DUP'
  | 'SN-CONFLICT'
  | 'SN-AFTER-END'
  | 'SN-INVALID-USED'
  | 'SN-UNKNOWN'
  | 'AGG-DOUBLE'
  | 'AGG-CYCLE'
  | 'AGG-NOTCHILD'
  | 'AGG-UNKNOWN-CHILD'
  | 'EX-DNP-3'
  | 'GEN-OVERUSE'
  | 'GEN-HELD-USED';

/** Codes that hold only until the thing's commissioning is known. */
export const WAITING_CODES: readonly FoldCode[] = ['SN-UNKNOWN', 'AGG-UNKNOWN-CHILD'];

/** The things that an event names and that this fold is about: all of them on the way in, only the affected ones when a history is folded again. */
export type Named = {
  readonly epcs: readonly State[];
  readonly parent: State | null;
  readonly children: readonly State[];
  readonly inputs: readonly State[];
  readonly outputs: readonly State[];
  readonly lots: readonly LotPart[];
};

/**
 * The fold of design.md §3: events go in by order, states change, findings and intervals come out. It never asks a database: whoever
 * calls it has put in every state that the events name, the containers above those, the content of what is fully unpacked, and the
 * position of every event those states speak of. The same code folds one new event onto the present and a whole history onto nothing.
 */
export class Fold {
  readonly states = new Map<Node, State>();
  readonly positions = new Map<number, Position>();
  readonly changed = new Set<State>();
  readonly intervals = new Map<string, Interval>();
  readonly offences: Offence[] = [];
  /** Things whose waiting findings have come true or false: their commissioning is known now. */
  readonly introduced: Node[] = [];
  /** Things that were missing (EX-DNP-3) and are seen again. */
  readonly seen: Node[] = [];
  /** Things that events had named before it came to be known of which lot they are: what those said of their lots is to be looked at again. */
  readonly lotted: Node[] = [];
  private readonly inside = new Map<number, Set<State>>();
  private readonly loose = new Map<number, Map<string, Interval>>();

  add(state: State): State {
    this.states.set(state.node, state);
    if (state.parent !== 0) this.insideOf(state.parent).add(state);
    return state;
  }

  /** An open stay of a lot or of an associated part, as it is stored: needed before an event about its parent. */
  addLoose(interval: Interval): void {
    this.looseOf(interval.parent).set(looseKey(interval.kind, interval.child, interval.uom), interval);
  }

  readonly later = (seq: number, than: number): boolean => {
    if (seq === than || seq === NONE) return false;
    if (than === NONE) return true;
    return comparePositions(this.position(seq), this.position(than)) > 0;
  };

  private position(seq: number): Position {
    const position = this.positions.get(seq);
    if (position === undefined) throw new Error(`the fold was not given the position of entry ${seq}`);
    return position;
  }

  /** True when the event comes before something that one of these states has already taken in: then histories must be folded again. */
  isLate(facts: Facts, named: Named): boolean {
    const late = (state: State) => state.lastSeq !== NONE && state.lastSeq !== facts.seq && this.later(state.lastSeq, facts.seq);
    for (const list of [named.epcs, named.children, named.inputs, named.outputs]) {
      for (const state of list) {
        if (late(state)) return true;
        for (const container of this.chain(state)) if (late(container)) return true;
      }
    }
    if (named.parent) {
      if (late(named.parent)) return true;
      for (const container of this.chain(named.parent)) if (late(container)) return true;
      if (takesOutUnnamed(facts)) for (const child of this.insideOf(named.parent.node)) if (late(child)) return true;
    }
    return named.lots.some((part) => {
      const lot = this.get(part.node);
      if (part.role === ROLE.claim) return this.claimMatters(lot, facts) && late(lot);
      return late(lot) || (part.role === ROLE.input && lot.claimSeq !== NONE && this.later(lot.claimSeq, facts.seq));
    });
  }

  /**
   * Whether it matters when in the lot's history this claim comes. Lines that post side by side arrive out of order all the time, so it mostly
   * must not; but of a lot that was used it is asked whether it had expired.
   */
  claimMatters(lot: State, facts: Facts): boolean {
    return facts.expiry !== null && (lot.flags & FLAG.consumed) !== 0;
  }

  /** Applies one event. Effects never reach a thing that is not in `named`, but for what leaves a container and the containers it leaves. */
  apply(facts: Facts, named: Named): void {
    this.positions.set(facts.seq, facts.position);
    switch (facts.type) {
      case 'ObjectEvent':
        this.applyObject(facts, named);
        break;
      case 'AggregationEvent':
        this.applyAggregation(facts, named);
        break;
      case 'AssociationEvent':
        this.applyAssociation(facts, named);
        break;
      case 'TransformationEvent':
        this.applyTransformation(facts, named);
        break;
      default:
        this.seeAll([...named.epcs, ...named.children, ...(named.parent ? [named.parent] : [])], facts);
    }
    for (const part of named.lots) this.applyLot(facts, part);
  }

  // An event may name a container and what is inside it. So everything goes where it goes before anything is told: what leaves takes with it
  // what its containers told before this event, whichever of the two is named first.

  private applyObject(facts: Facts, named: Named): void {
    const standing = facts.action === 'ADD' ? named.epcs.filter((state) => this.claim(state, facts)) : named.epcs;
    if (facts.action !== 'ADD')
      for (const state of standing) if (this.labelStatus(state, facts) === null) this.expectKnown(state, facts, 'SN-UNKNOWN');
    this.seeAll(standing, facts);
  }

  private applyAggregation(facts: Facts, named: Named): void {
    const parent = named.parent;
    if (parent) this.change(parent, facts).flags |= FLAG.parent;
    if (parent && facts.action === 'ADD' && (parent.flags & FLAG.known) === 0) this.becomeKnown(parent);
    for (const child of named.children) {
      this.expectKnown(child, facts, facts.action === 'ADD' ? 'AGG-UNKNOWN-CHILD' : 'SN-UNKNOWN');
      this.expectAlive(child, facts);
      if (facts.action === 'ADD' && facts.parent !== 0) this.enter(child, facts);
      else if (facts.action === 'DELETE') {
        if (child.parent !== facts.parent) this.offend('AGG-NOTCHILD', facts, child.node, NONE);
        else this.leave(child, facts, false);
      }
    }
    if (parent && findsShortage(facts)) this.miss(parent, facts);
    for (const child of named.children) this.tell(child, facts);
    if (parent) {
      this.expectAlive(parent, facts);
      this.tell(parent, facts);
      if (facts.unpacksAll) {
        for (const child of this.insideOf(parent.node)) {
          this.leave(child, facts, false);
          if (child.placeSeq === facts.seq) child.flags |= FLAG.observed;
        }
      }
      this.applyLoose(facts, parent, 0, partsIn(facts, ROLE.child));
    }
  }

  /**
   * What is inside and not on the list of what came out is at large, wherever it was last (EX-DNP-3). It leaves before the unpacking is told of the
   * container, so that nothing of that is taken to have happened to it.
   */
  private miss(parent: State, facts: Facts): void {
    const listed = new Set(facts.things[ROLE.child]);
    for (const child of this.insideOf(parent.node)) {
      if (listed.has(child.node)) continue;
      this.offend('EX-DNP-3', facts, child.node, child.enteredSeq);
      this.leave(child, facts, false);
      if (child.status === 'AtLarge') this.bringBack(child); // with its container, until this moment
      this.takeStatus(child, 'AtLarge', facts);
    }
  }

  private applyAssociation(facts: Facts, named: Named): void {
    this.seeAll(named.parent ? [...named.children, named.parent] : named.children, facts);
    // What is built into something, a logger or a sensor, is introduced by that: nobody commissions it.
    if (facts.action === 'ADD') for (const child of named.children) if ((child.flags & FLAG.known) === 0) this.becomeKnown(child);
    if (!named.parent) return;
    const parts = (facts.things[ROLE.child] ?? []).map((node): LotPart => ({ role: ROLE.child, node, quantity: null, uom: null }));
    this.applyLoose(facts, named.parent, 1, [...parts, ...partsIn(facts, ROLE.child)]);
  }

  private applyTransformation(facts: Facts, named: Named): void {
    for (const state of named.inputs) {
      this.expectKnown(state, facts, 'SN-UNKNOWN');
      this.expectAlive(state, facts);
      this.expectUsable(state, facts);
      this.change(state, facts).flags |= FLAG.consumed;
    }
    for (const state of named.inputs) this.tell(state, facts, ROLE.input);
    for (const state of named.outputs) {
      if (this.conflicts(state, facts)) this.offend('SN-CONFLICT', facts, state.node, state.claimSeq);
      else this.takeLot(state, facts, state.lastSeq !== NONE);
      this.expectUnspent(state, facts);
      this.change(state, facts).flags |= FLAG.produced;
      this.becomeKnown(state);
      this.expectAlive(state, facts);
      this.tell(state, facts, ROLE.output);
    }
  }

  // ── serial numbers (domain.md §4) ─────────────────────────────────────────────────────────────────────────

  /** Of two claims to one number the first in order stands; the second is flagged and changes nothing of the thing. */
  private claim(state: State, facts: Facts): boolean {
    const named = state.lastSeq !== NONE;
    this.change(state, facts);
    if (state.claimSeq !== NONE && state.claimSeq !== facts.seq) {
      this.offend(this.conflicts(state, facts) ? 'SN-CONFLICT' : 'SN-DUP', facts, state.node, state.claimSeq);
      if (state.status === 'Destroyed') this.offend('SN-AFTER-END', facts, state.node, state.statusSeq);
      return false;
    }
    if (this.conflicts(state, facts)) this.offend('SN-CONFLICT', facts, state.node, NONE);
    else this.takeLot(state, facts, named);
    this.expectUnspent(state, facts);
    state.claimSeq = facts.seq;
    state.flags |= FLAG.introduced;
    this.becomeKnown(state);
    return true;
  }

  private conflicts(state: State, facts: Facts): boolean {
    const lot = facts.lotOf.get(state.class);
    return (
      (lot !== undefined && state.lot !== 0 && state.lot !== lot) ||
      (facts.expiry !== null && state.expiry !== null && state.expiry !== facts.expiry)
    );
  }

  private takeLot(state: State, facts: Facts, named: boolean): void {
    const lot = state.lot === 0 ? (facts.lotOf.get(state.class) ?? 0) : 0;
    if (lot !== 0) {
      state.lot = lot;
      if (named) this.lotted.push(state.node);
    }
    state.expiry ??= facts.expiry;
  }

  private becomeKnown(state: State): void {
    state.flags |= FLAG.known;
    if ((state.flags & FLAG.waiting) === 0) return;
    state.flags &= ~FLAG.waiting;
    this.introduced.push(state.node);
  }

  private expectKnown(state: State, facts: Facts, code: 'SN-UNKNOWN' | 'AGG-UNKNOWN-CHILD'): void {
    if ((state.flags & FLAG.known) !== 0) return;
    this.change(state, facts).flags |= FLAG.waiting;
    this.offend(code, facts, state.node, NONE);
  }

  /** The number of a label that was sampled or scrapped is never used (domain.md §4). */
  private expectUnspent(state: State, facts: Facts): void {
    if (state.status === 'LabelSampled' || state.status === 'LabelScrapped')
      this.offend('SN-INVALID-USED', facts, state.node, state.statusSeq);
  }

  /** What an event tells of the label that bears the number of a thing that was not commissioned yet; null when it tells of a thing. */
  private labelStatus(state: State, facts: Facts): Status | null {
    return (state.flags & FLAG.known) === 0 ? labelStatusOf(facts, state.status) : null;
  }

  /** Nothing happens to what is destroyed, and what is inactive is not shipped. */
  private expectAlive(state: State, facts: Facts): void {
    const ended = state.status === 'Destroyed' || (isEnded(state.status) && facts.bizStep === 'shipping');
    if (ended && state.statusSeq !== facts.seq) this.offend('SN-AFTER-END', facts, state.node, state.statusSeq);
  }

  /** GEN-HELD-USED: a transformation takes in what is on hold, recalled or past its expiry (domain.md §10.2, rule 4). */
  private expectUsable(state: State, facts: Facts): void {
    const now = this.resolved(state);
    for (const container of this.chain(state)) this.change(container, facts); // read, so what comes about it later may be late
    const recalled = now.disposition === 'recalled' || (now.persistent?.some(([word]) => word === 'recalled') ?? false);
    const expired =
      state.expiry !== null && /^\d{4}-\d\d-\d\d$/.test(state.expiry) && Date.parse(state.expiry) + 86_400_000 <= facts.position.ms;
    if (now.status === 'Quarantined' || recalled || expired) this.offend('GEN-HELD-USED', facts, state.node, now.statusSeq);
  }

  // ── aggregation (domain.md §6.1) ──────────────────────────────────────────────────────────────────────────

  private enter(child: State, facts: Facts): void {
    const parent = facts.parent;
    if (child.parent === parent) return;
    if (parent === child.node || this.isInside(parent, child.node)) {
      this.offend('AGG-CYCLE', facts, child.node, NONE);
      return;
    }
    if (child.parent !== 0) {
      this.offend('AGG-DOUBLE', facts, child.node, child.enteredSeq);
      this.leave(child, facts, true);
    }
    this.change(child, facts);
    child.parent = parent;
    child.enteredSeq = facts.seq;
    this.insideOf(parent).add(child);
    this.open({ kind: 0, child: child.node, parent, uom: '', quantity: null, fromSeq: facts.seq, toSeq: NONE, inferred: false });
  }

  /** The child goes out and takes with it what its containers had told of it. They are touched, so that a later arrival about them is seen to be late. */
  private leave(child: State, facts: Facts, inferred: boolean): void {
    const taken = this.resolved(child);
    for (const container of this.chain(child)) this.change(container, facts);
    this.insideOf(child.parent).delete(child);
    this.close(0, child.node, child.parent, '', child.enteredSeq, null, facts, inferred);
    this.change(child, facts);
    child.parent = 0;
    child.enteredSeq = NONE;
    child.status = taken.status;
    child.statusSeq = taken.statusSeq;
    child.before = taken.before;
    child.beforeSeq = taken.beforeSeq;
    child.disposition = taken.disposition;
    child.dispositionSeq = taken.dispositionSeq;
    child.holder = taken.holder;
    child.owner = taken.owner;
    child.custodySeq = taken.custodySeq;
    if (taken.received) child.flags |= FLAG.received;
    if (!taken.observed) child.flags &= ~FLAG.observed;
    child.place = taken.place;
    child.placeSeq = taken.placeSeq;
    child.persistent = taken.persistent;
  }

  /** Whether it holds of a thing or of one of its containers. */
  some(state: State, holds: (one: State) => boolean): boolean {
    if (holds(state)) return true;
    for (const container of this.chain(state)) if (holds(container)) return true;
    return false;
  }

  private *chain(state: State): Iterable<State> {
    let above = state.parent;
    for (let depth = 0; above !== 0 && depth < DEPTH_MAX; depth++) {
      const container = this.get(above);
      yield container;
      above = container.parent;
    }
  }

  private isInside(node: Node, container: Node): boolean {
    for (const above of this.chain(this.get(node))) if (above.node === container) return true;
    return false;
  }

  private resolved(state: State): Resolved {
    return resolve(state, this.chain(state), this.later);
  }

  /** Lots and associated parts inside a parent: any number of parents at a time, so the stay belongs to the parent. */
  private applyLoose(facts: Facts, parent: State, kind: 0 | 1, parts: readonly LotPart[]): void {
    const held = this.looseOf(parent.node);
    if (facts.action === 'DELETE' && facts.unpacksAll) {
      for (const [key, stay] of held) if (stay.kind === kind) this.endLoose(held, key, stay, facts);
      return;
    }
    for (const part of parts) {
      const uom = part.uom ?? '';
      const key = looseKey(kind, part.node, uom);
      const stay = held.get(key);
      if (facts.action === 'ADD') {
        if (stay && part.quantity === null) continue;
        if (stay) this.endLoose(held, key, stay, facts);
        this.openLoose(held, key, { ...part, uom }, (stay?.quantity ?? 0) + (part.quantity ?? 0), kind, parent, facts);
      } else if (facts.action === 'DELETE') {
        if (!stay) {
          this.offend('AGG-NOTCHILD', facts, part.node, NONE);
          continue;
        }
        this.endLoose(held, key, stay, facts);
        const left = (stay.quantity ?? 0) - (part.quantity ?? stay.quantity ?? 0);
        if (left > 0) this.openLoose(held, key, { ...part, uom }, left, kind, parent, facts);
      }
    }
  }

  private openLoose(
    held: Map<string, Interval>,
    key: string,
    part: LotPart & { uom: string },
    quantity: number,
    kind: 0 | 1,
    parent: State,
    facts: Facts,
  ): void {
    const stay: Interval = {
      kind,
      child: part.node,
      parent: parent.node,
      uom: part.uom,
      quantity: quantity > 0 ? quantity : null,
      fromSeq: facts.seq,
      toSeq: NONE,
      inferred: false,
    };
    held.set(key, stay);
    this.open(stay);
  }

  private endLoose(held: Map<string, Interval>, key: string, stay: Interval, facts: Facts): void {
    held.delete(key);
    this.close(stay.kind, stay.child, stay.parent, stay.uom, stay.fromSeq, stay.quantity, facts, false);
  }

  private open(interval: Interval): void {
    this.intervals.set(intervalKey(interval), { ...interval });
  }

  private close(
    kind: 0 | 1,
    child: Node,
    parent: number,
    uom: string,
    fromSeq: number,
    quantity: number | null,
    facts: Facts,
    inferred: boolean,
  ): void {
    this.intervals.set(intervalKey({ kind, child, parent, uom, fromSeq }), {
      kind,
      child,
      parent,
      uom,
      quantity,
      fromSeq,
      toSeq: facts.seq,
      inferred,
    });
  }

  // ── lots ──────────────────────────────────────────────────────────────────────────────────────────────────

  private applyLot(facts: Facts, part: LotPart): void {
    const lot = this.get(part.node);
    if (part.role === ROLE.claim) {
      this.claimLot(lot, facts);
      return;
    }
    this.change(lot, facts);
    const comesIn =
      part.role === ROLE.output ||
      (part.role === ROLE.epc && (facts.action === 'ADD' || (receivesThings(facts) && facts.type === 'ObjectEvent')));
    const goesOut = part.role === ROLE.input || (part.role === ROLE.epc && (facts.action === 'DELETE' || facts.bizStep === 'shipping'));
    if (part.role === ROLE.input) {
      this.expectUsable(lot, facts);
      lot.flags |= FLAG.consumed;
    }
    if (part.role === ROLE.output) lot.flags |= FLAG.produced | FLAG.known;
    if (part.role === ROLE.epc && comesIn) lot.flags |= FLAG.introduced | FLAG.known;
    if (comesIn && facts.action !== 'OBSERVE') this.takeExpiry(lot, facts);
    if (comesIn || goesOut) this.weigh(lot, facts, part, comesIn);
    this.tell(lot, facts, part.role);
  }

  /** Something of this lot came into being. Of no matter in which order such events come, so a late one needs nothing folded again. */
  claimLot(lot: State, facts: Facts): void {
    this.positions.set(facts.seq, facts.position);
    lot.flags |= FLAG.introduced | FLAG.known;
    this.changed.add(lot);
    this.takeExpiry(lot, facts);
  }

  /** A lot's expiry is what the first event in order says that says one. */
  private takeExpiry(lot: State, facts: Facts): void {
    if (facts.expiry === null || (lot.claimSeq !== NONE && this.later(facts.seq, lot.claimSeq))) return;
    lot.expiry = facts.expiry;
    lot.claimSeq = facts.seq;
  }

  /** GEN-OVERUSE: more used than came in, where it is known what came in (domain.md §10.2, rule 3). Never refused: real scales disagree. */
  private weigh(lot: State, facts: Facts, part: LotPart, comesIn: boolean): void {
    if (part.quantity === null) return;
    const { kind, amount } = canonicalQuantity(part.quantity, part.uom);
    const balance: Record<string, Balance[string]> = { ...lot.balance };
    const sum = balance[kind] ?? { in: 0, out: 0 };
    const next = comesIn ? { in: sum.in + amount, out: sum.out } : { in: sum.in, out: sum.out + amount };
    balance[kind] = next;
    lot.balance = balance;
    if (part.role === ROLE.input && next.in > 0 && next.out > next.in * (1 + 1e-9)) this.offend('GEN-OVERUSE', facts, lot.node, NONE);
  }

  // ── what an event tells of a thing it names (design.md §7) ────────────────────────────────────────────────

  private seeAll(states: readonly State[], facts: Facts): void {
    const ends = endsThings(facts);
    for (const state of states) {
      this.expectAlive(state, facts);
      if (ends && state.parent !== 0) this.leave(state, facts, false);
    }
    for (const state of states) this.tell(state, facts);
  }

  private tell(state: State, facts: Facts, role: Role = ROLE.epc): void {
    this.change(state, facts);
    if (state.status === 'AtLarge') this.find(state);
    this.tellStatus(state, facts, role);
    if (facts.disposition !== null) {
      state.disposition = facts.disposition;
      state.dispositionSeq = facts.seq;
    }
    if (facts.persistentSet.length > 0 || facts.persistentUnset.length > 0) {
      const kept = (state.persistent ?? []).filter(
        ([word]) => !facts.persistentUnset.includes(word) && !facts.persistentSet.includes(word),
      );
      const list = [...kept, ...facts.persistentSet.map((word) => [word, facts.seq] as const)];
      state.persistent = list.length > 0 ? list : null;
    }
    if (receivesThings(facts)) {
      state.flags |= FLAG.introduced;
      if (facts.party !== null || facts.owner !== null) {
        this.takeCustody(state, facts);
        state.flags |= FLAG.received;
      }
    } else if (state.custodySeq === NONE && makesThings(facts, role)) this.takeCustody(state, facts);
    if (facts.place !== null) {
      state.place = facts.place;
      state.placeSeq = facts.seq;
      state.flags |= FLAG.observed;
    }
  }

  private takeCustody(state: State, facts: Facts): void {
    if (facts.party === null && facts.owner === null) return;
    state.holder = facts.party;
    state.owner = facts.owner;
    state.custodySeq = facts.seq;
  }

  private tellStatus(state: State, facts: Facts, role: Role): void {
    if (facts.bizStep === 'void_shipping') {
      this.voidShipping(state, facts);
      return;
    }
    if (facts.bizStep === REACTIVATING) {
      if (isRevocable(state.status)) this.bringBack(state);
      return;
    }
    const status = this.labelStatus(state, facts) ?? statusOf(facts, role);
    if (status === null) return;
    this.takeStatus(state, status, facts);
  }

  private takeStatus(state: State, status: Status, facts: Facts): void {
    // What a void or a reactivation brings back, and, under an end of the container's own, what its content still takes from it.
    const ends = isEnded(status) && !isEnded(state.status) && (state.before === null || (state.flags & FLAG.parent) === 0);
    if (status === 'InTransit' || status === 'AtLarge' || isShared(state.status) || ends) {
      state.before = state.status;
      state.beforeSeq = state.statusSeq;
    }
    state.status = status;
    state.statusSeq = facts.seq;
  }

  /** As before the shipping, and told by the event that told it then: so content that something else has happened to meanwhile keeps that. */
  private voidShipping(state: State, facts: Facts): void {
    if (state.status !== 'InTransit') {
      // It was not shipped itself: what the container it is inside of tells of a shipping is not true of it.
      if (state.parent !== 0) state.statusSeq = facts.seq;
      return;
    }
    this.bringBack(state);
  }

  /** What was missing is seen again: it is what it was before, unless this event makes something else of it. */
  private find(state: State): void {
    this.bringBack(state);
    this.seen.push(state.node);
  }

  private bringBack(state: State): void {
    state.status = state.before;
    state.statusSeq = state.beforeSeq;
    state.before = null;
    state.beforeSeq = NONE;
  }

  // ── bookkeeping ───────────────────────────────────────────────────────────────────────────────────────────

  get(node: Node): State {
    const state = this.states.get(node);
    if (state === undefined) throw new Error(`the fold was not given the state of node ${node}`);
    return state;
  }

  private change(state: State, facts: Facts): State {
    if (state.lastSeq !== facts.seq && (state.lastSeq === NONE || this.later(facts.seq, state.lastSeq))) state.lastSeq = facts.seq;
    this.changed.add(state);
    return state;
  }

  private offend(code: FoldCode, facts: Facts, node: Node, other: number): void {
    this.offences.push({ code, seq: facts.seq, node, other });
  }

  private insideOf(parent: number): Set<State> {
    let set = this.inside.get(parent);
    if (set === undefined) {
      set = new Set();
      this.inside.set(parent, set);
    }
    return set;
  }

  private looseOf(parent: number): Map<string, Interval> {
    let map = this.loose.get(parent);
    if (map === undefined) {
      map = new Map();
      this.loose.set(parent, map);
    }
    return map;
  }
}

/** A pallet in a container in a ship is four deep; more than this is a data fault, and the fold stops climbing. */
export const DEPTH_MAX = 64;

export function intervalKey(i: Pick<Interval, 'kind' | 'child' | 'parent' | 'uom' | 'fromSeq'>): string {
  return `${i.child}/${i.fromSeq}/${i.parent}/${i.kind}/${i.uom}`;
}

function looseKey(kind: 0 | 1, child: Node, uom: string): string {
  return `${kind}/${child}/${uom}`;
}

function partsIn(facts: Facts, role: Role): LotPart[] {
  return facts.lots.filter((part) => part.role === role);
}
