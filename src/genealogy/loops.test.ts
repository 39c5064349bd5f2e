import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loopThrough, type Step } from './loops.ts';

function graph(steps: readonly Step[]) {
  const asked: number[] = [];
  const around = {
    consumers: async (nodes: readonly number[]) => {
      asked.push(...nodes);
      return steps.filter((step) => step.inputs.some((node) => nodes.includes(node)));
    },
    producers: async (nodes: readonly number[]) => steps.filter((step) => step.outputs.some((node) => nodes.includes(node))),
  };
  return {
    asked,
    loop: async (id: number) => (await loopThrough(steps.find((s) => s.id === id) as Step, around)).map((s) => s.id).sort((a, b) => a - b),
  };
}
const step = (id: number, inputs: number[], outputs: number[]): Step => ({ id, inputs, outputs });

describe('rework loops (domain.md §10.2, rule 1)', () => {
  it('are found from any step on them, and hold no step beside them', async () => {
    const { loop } = graph([step(1, [10], [11]), step(2, [11], [12]), step(3, [12, 20], [10]), step(4, [12], [13]), step(5, [21], [20])]);
    expect(await loop(1)).toEqual([1, 2, 3]);
    expect(await loop(3)).toEqual([1, 2, 3]);
    expect(await loop(4)).toEqual([]);
    expect(await loop(5)).toEqual([]);
  });

  it('may be one step that takes what it gives', async () => {
    expect(await graph([step(1, [10], [10, 11])]).loop(1)).toEqual([1]);
  });

  it('ask for a node once', async () => {
    const { loop, asked } = graph([step(1, [10], [11, 12]), step(2, [11, 12], [11, 12]), step(3, [12], [10])]);
    await loop(1);
    expect(asked.length).toBe(new Set(asked).size);
  });

  it('are the steps that can be come from and gone to', async () => {
    const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 });
    const steps = fc.array(fc.tuple(nodes, nodes), { minLength: 1, maxLength: 7 }).map((list) => list.map(([i, o], id) => step(id, i, o)));
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        // Warshall: from which step to which one comes.
        const reach = list.map((a) => list.map((b) => a.outputs.some((node) => b.inputs.includes(node))));
        for (const k of list.keys())
          for (const i of list.keys()) for (const j of list.keys()) if (reach[i]?.[k] && reach[k]?.[j]) (reach[i] as boolean[])[j] = true;
        for (const a of list) {
          const expected = reach[a.id]?.[a.id] ? list.filter((b) => reach[a.id]?.[b.id] && reach[b.id]?.[a.id]).map((b) => b.id) : [];
          expect(await graph(list).loop(a.id)).toEqual(expected);
        }
      }),
    );
  });
});
