import type { Action, EventType } from '../epcis/model.ts';
import type { Journal } from '../store/journal.ts';
import type { EventRow, ThingRow } from '../store/rows.ts';
import type { Position } from './order.ts';
import { type Facts, type LotPart, NONE, type Node, type Role, STATUSES, type State, type Status } from './state.ts';

/** Words as the store keeps them: looked up once a batch, then at hand without waiting. */
export type Words = Pick<Journal, 'terms' | 'termTexts'>;

const ACTIONS: readonly Action[] = ['ADD', 'OBSERVE', 'DELETE'];
export const actionCode = (action: Action | null): number | null => (action === null ? null : ACTIONS.indexOf(action));
export const actionOf = (code: number | null): Action | null => (code === null ? null : (ACTIONS[code] ?? null));

const orNone = (seq: number | null) => seq ?? NONE;
const orNull = (seq: number) => (seq === NONE ? null : seq);
const statusOf = (code: number | null): Status | null => (code === null ? null : (STATUSES[code] ?? null));
const codeOf = (status: Status | null) => (status === null ? null : STATUSES.indexOf(status));

export async function statesFrom(words: Words, rows: readonly ThingRow[]): Promise<State[]> {
  const ids = new Set<number>();
  for (const r of rows) for (const id of [r.expiry, r.disposition, r.holder, r.owner, r.place]) if (id !== null) ids.add(id);
  const list = [...ids];
  const texts = await words.termTexts(list);
  const textOf = new Map(list.map((id, i) => [id, texts[i] ?? null]));
  const text = (id: number | null) => (id === null ? null : (textOf.get(id) ?? null));
  return rows.map((r) => ({
    node: r.node,
    class: r.class,
    lot: r.lot ?? 0,
    expiry: text(r.expiry),
    parent: r.parent ?? 0,
    enteredSeq: orNone(r.entered_seq),
    status: statusOf(r.status),
    statusSeq: orNone(r.status_seq),
    before: statusOf(r.before),
    beforeSeq: orNone(r.before_seq),
    disposition: text(r.disposition),
    dispositionSeq: orNone(r.disposition_seq),
    holder: text(r.holder),
    owner: text(r.owner),
    custodySeq: orNone(r.custody_seq),
    place: text(r.place),
    placeSeq: orNone(r.place_seq),
    lastSeq: orNone(r.last_seq),
    claimSeq: orNone(r.claim_seq),
    flags: r.flags,
    persistent: r.persistent === null ? null : (JSON.parse(r.persistent) as State['persistent']),
    balance: r.balance === null ? null : (JSON.parse(r.balance) as State['balance']),
  }));
}

export async function rowsFrom(words: Words, states: readonly State[]): Promise<ThingRow[]> {
  const texts = new Set<string>();
  for (const s of states) for (const text of [s.expiry, s.disposition, s.holder, s.owner, s.place]) if (text !== null) texts.add(text);
  const list = [...texts];
  const ids = await words.terms(list);
  const idOf = new Map(list.map((text, i) => [text, ids[i] as number]));
  const term = (text: string | null) => (text === null ? null : (idOf.get(text) as number));
  return states.map((s) => ({
    node: s.node,
    class: s.class,
    lot: s.lot === 0 ? null : s.lot,
    expiry: term(s.expiry),
    parent: s.parent === 0 ? null : s.parent,
    entered_seq: orNull(s.enteredSeq),
    status: codeOf(s.status),
    status_seq: orNull(s.statusSeq),
    before: codeOf(s.before),
    before_seq: orNull(s.beforeSeq),
    disposition: term(s.disposition),
    disposition_seq: orNull(s.dispositionSeq),
    holder: term(s.holder),
    owner: term(s.owner),
    custody_seq: orNull(s.custodySeq),
    place: term(s.place),
    place_seq: orNull(s.placeSeq),
    last_seq: orNull(s.lastSeq),
    claim_seq: orNull(s.claimSeq),
    flags: s.flags,
    persistent: s.persistent === null ? null : JSON.stringify(s.persistent),
    balance: s.balance === null ? null : JSON.stringify(s.balance),
  }));
}

/** The columns that a later fold of the same history must bring out equal; `lastSeq` is only a bound (fold.ts, isLate). */
export function sameState(a: State, b: State): boolean {
  return (
    a.lot === b.lot &&
    a.expiry === b.expiry &&
    a.parent === b.parent &&
    a.enteredSeq === b.enteredSeq &&
    a.status === b.status &&
    a.statusSeq === b.statusSeq &&
    a.before === b.before &&
    a.beforeSeq === b.beforeSeq &&
    a.disposition === b.disposition &&
    a.dispositionSeq === b.dispositionSeq &&
    a.holder === b.holder &&
    a.owner === b.owner &&
    a.custodySeq === b.custodySeq &&
    a.place === b.place &&
    a.placeSeq === b.placeSeq &&
    a.claimSeq === b.claimSeq &&
    a.flags === b.flags &&
    JSON.stringify(a.persistent) === JSON.stringify(b.persistent) &&
    JSON.stringify(a.balance) === JSON.stringify(b.balance)
  );
}

/** Every event that a state speaks of: the fold needs their positions. */
export function seqsOf(state: State): number[] {
  const seqs = [
    state.enteredSeq,
    state.statusSeq,
    state.beforeSeq,
    state.dispositionSeq,
    state.custodySeq,
    state.placeSeq,
    state.lastSeq,
    state.claimSeq,
  ];
  for (const [, seq] of state.persistent ?? []) seqs.push(seq);
  return seqs.filter((seq) => seq !== NONE);
}

export function positionOf(row: Pick<EventRow, 'time' | 'below' | 'rank' | 'digest'>): Position {
  return { ms: row.time, below: row.below, rank: row.rank, digest: latin1(row.digest) };
}

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** `Facts` without the columns that the event row has anyway; short names because there is one for each event. */
type StoredFacts = {
  p?: number;
  o?: number;
  s?: number[];
  u?: number[];
  x?: string;
  a?: 1;
  l?: [classId: number, lot: Node][];
  q?: [role: Role, node: Node, quantity: number | null, uom: string | null][];
  t?: Partial<Record<Role, number[]>>;
};

/** Ids as runs, `[first, count, first, count, …]`: what was packed together lies together, so a thousand serials are two numbers. */
export function packRuns(ids: readonly number[]): number[] {
  const runs: number[] = [];
  for (const id of ids) {
    const last = runs.length - 2;
    if (last >= 0 && (runs[last] as number) + (runs[last + 1] as number) === id) (runs[last + 1] as number)++;
    else runs.push(id, 1);
  }
  return runs;
}
export function unpackRuns(runs: readonly number[]): number[] {
  const ids: number[] = [];
  for (let i = 0; i < runs.length; i += 2) for (let k = 0; k < (runs[i + 1] as number); k++) ids.push((runs[i] as number) + k);
  return ids;
}

export async function storedFacts(words: Words, facts: Facts): Promise<string> {
  const idOf = async (text: string | null) => (text === null ? undefined : (await words.terms([text]))[0]);
  const party = await idOf(facts.party);
  const owner = await idOf(facts.owner);
  const stored: StoredFacts = {
    ...(party !== undefined && { p: party }),
    ...(owner !== undefined && { o: owner }),
    ...(facts.persistentSet.length > 0 && { s: await words.terms(facts.persistentSet) }),
    ...(facts.persistentUnset.length > 0 && { u: await words.terms(facts.persistentUnset) }),
    ...(facts.expiry !== null && { x: facts.expiry }),
    ...(facts.unpacksAll && { a: 1 as const }),
    ...(facts.lotOf.size > 0 && { l: [...facts.lotOf] }),
    ...(facts.lots.length > 0 && {
      q: facts.lots.map((p): [Role, Node, number | null, string | null] => [p.role, p.node, p.quantity, p.uom]),
    }),
    t: Object.fromEntries(Object.entries(facts.things).map(([role, ids]) => [role, packRuns(ids)])),
  };
  return JSON.stringify(stored);
}

export async function factsFrom(words: Pick<Words, 'termTexts'>, rows: readonly EventRow[]): Promise<Facts[]> {
  const parsed = rows.map((row) => JSON.parse(row.facts) as StoredFacts);
  const ids = new Set<number>();
  rows.forEach((row, i) => {
    const f = parsed[i] as StoredFacts;
    for (const id of [
      row.type,
      row.biz_step,
      row.disposition,
      row.read_point,
      row.biz_location,
      f.p,
      f.o,
      ...(f.s ?? []),
      ...(f.u ?? []),
    ]) {
      if (id !== null && id !== undefined) ids.add(id);
    }
  });
  const list = [...ids];
  const texts = await words.termTexts(list);
  const textOf = new Map(list.map((id, i) => [id, texts[i] ?? null]));
  const text = (id: number | null | undefined) => (id === null || id === undefined ? null : (textOf.get(id) ?? null));
  return rows.map((row, i) => {
    const f = parsed[i] as StoredFacts;
    let things: Facts['things'] | undefined;
    return {
      seq: row.seq,
      position: positionOf(row),
      type: text(row.type) as EventType,
      action: actionOf(row.action),
      bizStep: text(row.biz_step),
      disposition: text(row.disposition),
      persistentSet: (f.s ?? []).map((id) => text(id) as string),
      persistentUnset: (f.u ?? []).map((id) => text(id) as string),
      place: text(row.biz_location ?? row.read_point),
      party: text(f.p),
      owner: text(f.o),
      parent: row.parent ?? 0,
      unpacksAll: f.a === 1,
      lotOf: new Map(f.l ?? []),
      expiry: f.x ?? null,
      lots: (f.q ?? []).map(([role, node, quantity, uom]): LotPart => ({ role, node, quantity, uom })),
      get things() {
        things ??= Object.fromEntries(Object.entries(f.t ?? {}).map(([role, runs]) => [role, unpackRuns(runs as number[])]));
        return things as Facts['things'];
      },
    };
  });
}
