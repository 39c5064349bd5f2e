/** A transformation as a step of the graph: what went in, what came out. */
export type Step = { readonly id: number; readonly inputs: readonly number[]; readonly outputs: readonly number[] };

/**
 * The steps that lie on a loop through `start`: from its outputs one comes back to its inputs (domain.md §10.2, rule 1). Empty when it lies on none.
 * `consumers` and `producers` answer the steps around a node; they are asked once a node.
 */
export async function loopThrough(
  start: Step,
  around: {
    consumers: (nodes: readonly number[]) => Promise<readonly Step[]>;
    producers: (nodes: readonly number[]) => Promise<readonly Step[]>;
  },
): Promise<Step[]> {
  const forward = await reach(start, (step) => step.outputs, around.consumers);
  if (!forward.has(start.id)) return [];
  const backward = await reach(start, (step) => step.inputs, around.producers);
  return [...forward.values()].filter((step) => backward.has(step.id));
}

async function reach(
  start: Step,
  next: (step: Step) => readonly number[],
  steps: (nodes: readonly number[]) => Promise<readonly Step[]>,
): Promise<Map<number, Step>> {
  const found = new Map<number, Step>();
  const asked = new Set<number>();
  let frontier = [...next(start)];
  while (frontier.length > 0 && found.size < STEPS_MAX) {
    for (const node of frontier) asked.add(node);
    const reached = (await steps(frontier)).filter((step) => !found.has(step.id));
    for (const step of reached) found.set(step.id, step);
    frontier = [...new Set(reached.flatMap((step) => [...next(step)]))].filter((node) => !asked.has(node));
  }
  return found;
}

/** A material that went through more steps than this from one of them is a data fault, not a genealogy; the search stops there. */
export const STEPS_MAX = 10_000;
