/** What is to happen in a world, in order of time; what was planned first goes first among equals. */
export type Agenda = {
  plan(at: number, action: () => void): void;
  /** The time of the action that is being done. */
  now(): number;
  /** When the next action is due; undefined when there is none. */
  next(): number | undefined;
  /** Does the next action. */
  step(): void;
};

type Item = { at: number; order: number; action: () => void };

/** A binary heap: worlds plan far ahead, a thousand pharmacies at a time. */
export function openAgenda(): Agenda {
  const heap: Item[] = [];
  let order = 0;
  let time = 0;
  const before = (a: Item, b: Item): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  return {
    plan(at, action) {
      const item = { at, order: order++, action };
      let i = heap.length;
      while (i > 0) {
        const parent = (i - 1) >>> 1;
        if (!before(item, heap[parent]!)) break;
        heap[i] = heap[parent]!;
        i = parent;
      }
      heap[i] = item;
    },
    now: () => time,
    next: () => heap[0]?.at,
    step() {
      const first = heap[0];
      if (!first) return;
      const last = heap.pop()!;
      if (heap.length > 0) {
        let i = 0;
        for (;;) {
          let child = 2 * i + 1;
          if (child >= heap.length) break;
          if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
          if (!before(heap[child]!, last)) break;
          heap[i] = heap[child]!;
          i = child;
        }
        heap[i] = last;
      }
      time = first.at;
      first.action();
    },
  };
}
