/** How long something took, in ms, and what it answered. */
export async function timed<T>(work: () => Promise<T>): Promise<[ms: number, answer: T]> {
  const from = performance.now();
  const answer = await work();
  return [performance.now() - from, answer];
}

/** A number of clients, each with its next task as soon as the one before is done (closed loop). Answers the times in ms, sorted. */
export async function crowd(count: number, clients: number, task: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) {
        const i = next++;
        times.push((await timed(() => task(i)))[0]);
      }
    }),
  );
  return times.sort((a, b) => a - b);
}

/**
 * Tasks at a fixed rate, whether those before are done or not (open loop): a service that stalls is not asked less for it. Each time counts from
 * the moment the task was due. Answers them in ms, sorted.
 */
export async function paced(count: number, perSecond: number, task: (i: number) => Promise<unknown>): Promise<number[]> {
  const start = performance.now();
  const due = (i: number) => start + (i * 1000) / perSecond;
  const running: Promise<number>[] = [];
  while (running.length < count) {
    const i = running.length;
    if (performance.now() < due(i)) await new Promise((resolve) => setTimeout(resolve, due(i) - performance.now()));
    const one = task(i).then(() => performance.now() - due(i));
    one.catch(() => {}); // it is told below, when all have been sent
    running.push(one);
  }
  return (await Promise.all(running)).sort((a, b) => a - b);
}

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number;
export const median = (times: readonly number[]): number =>
  quantile(
    [...times].sort((a, b) => a - b),
    0.5,
  );
