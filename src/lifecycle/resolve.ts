import { FLAG, NONE, type State, type Status } from './state.ts';

/** What a thing is when its containers are taken into account, and which event told each aspect. */
export type Resolved = {
  status: Status | null;
  statusSeq: number;
  /** What it was before: a void of its shipping brings it back. */
  before: Status | null;
  beforeSeq: number;
  disposition: string | null;
  dispositionSeq: number;
  holder: string | null;
  owner: string | null;
  custodySeq: number;
  received: boolean;
  place: string | null;
  placeSeq: number;
  observed: boolean;
  persistent: readonly (readonly [string, number])[] | null;
};

/** True when the first event is later in order than the second; an event is later than none. */
export type Later = (seq: number, than: number) => boolean;

/** What happens to a container happens to its content, but its own making and its own end do not (domain.md §6.1, rule 6). */
const SHARED: ReadonlySet<Status | null> = new Set<Status>(['InTransit', 'Received', 'Returned', 'Stocked', 'Quarantined', 'AtLarge']);
export const isShared = (status: Status | null): boolean => SHARED.has(status);

/**
 * Inference at read: of each aspect, what was told last, by the thing's own events or by those of its containers since it went in.
 * `chain` is the container, its container, and so on. Equal for the present, for a time gone by, and for what is written when a thing leaves.
 */
export function resolve(own: State, chain: Iterable<State>, later: Later): Resolved {
  const r: Resolved = {
    status: own.status,
    statusSeq: own.statusSeq,
    before: own.before,
    beforeSeq: own.beforeSeq,
    disposition: own.disposition,
    dispositionSeq: own.dispositionSeq,
    holder: own.holder,
    owner: own.owner,
    custodySeq: own.custodySeq,
    received: (own.flags & FLAG.received) !== 0,
    place: own.place,
    placeSeq: own.placeSeq,
    observed: own.placeSeq !== NONE && (own.flags & FLAG.observed) !== 0,
    persistent: own.persistent,
  };
  let entered = own.enteredSeq;
  for (const container of chain) {
    const counts = (seq: number, than: number) => seq !== NONE && later(seq, entered) && later(seq, than);
    const shared = SHARED.has(container.status);
    const status = shared ? container.status : container.before;
    const statusSeq = shared ? container.statusSeq : container.beforeSeq;
    if (SHARED.has(status) && counts(statusSeq, r.statusSeq)) {
      const fromContainer = shared && SHARED.has(container.before) && counts(container.beforeSeq, r.statusSeq);
      const before = fromContainer ? container.before : r.status;
      if (status === 'InTransit' || status === 'AtLarge' || SHARED.has(before)) {
        r.before = before;
        r.beforeSeq = fromContainer ? container.beforeSeq : r.statusSeq;
      }
      r.status = status;
      r.statusSeq = statusSeq;
    }
    const ofItself = !shared && container.status !== null && container.dispositionSeq === container.statusSeq;
    if (!ofItself && counts(container.dispositionSeq, r.dispositionSeq)) {
      r.disposition = container.disposition;
      r.dispositionSeq = container.dispositionSeq;
    }
    if ((container.flags & FLAG.received) !== 0 && counts(container.custodySeq, r.custodySeq)) {
      r.holder = container.holder;
      r.owner = container.owner;
      r.custodySeq = container.custodySeq;
      r.received = true;
    }
    if (counts(container.placeSeq, r.placeSeq)) {
      r.place = container.place;
      r.placeSeq = container.placeSeq;
      r.observed = false;
    }
    for (const entry of container.persistent ?? []) {
      if (later(entry[1], entered) && !r.persistent?.some(([word]) => word === entry[0])) r.persistent = [...(r.persistent ?? []), entry];
    }
    if (container.enteredSeq !== NONE && later(container.enteredSeq, entered)) entered = container.enteredSeq;
  }
  return r;
}

/** The status shown: Recalled stands over all but what has ended (design.md §7). `lotPersistent` are the lot's own persistent dispositions. */
export function shownStatus(
  r: Pick<Resolved, 'status' | 'disposition' | 'persistent'>,
  lotPersistent: State['persistent'] = null,
): string | null {
  if (r.status === 'Destroyed' || r.status === 'Inactive' || r.status === 'Dispensed') return r.status;
  const recalled = (list: State['persistent']) => list?.some(([word]) => word === 'recalled') ?? false;
  return r.disposition === 'recalled' || recalled(r.persistent) || recalled(lotPersistent) ? 'Recalled' : r.status;
}
