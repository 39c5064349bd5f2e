import { NONE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing, LineageStep } from '../store/rows.ts';
import { loopThrough, type Step } from './loops.ts';

/**
 * Where lineage has changed: the transformations stated, changed or voided. A voided event has no lineage left, so what it named and
 * its own number are told besides.
 */
export type Around = { readonly transformations: readonly number[]; readonly nodes: readonly number[]; readonly seqs: readonly number[] };

const later = (a: LineageStep, b: LineageStep) => a.time > b.time || (a.time === b.time && a.below > b.below);
/** The one order of effects (lifecycle/order.ts), here among transformations alone. */
const after = (a: LineageStep, b: LineageStep) =>
  later(a, b) || (a.time === b.time && a.below === b.below && Buffer.compare(a.digest, b.digest) > 0);

/**
 * GEN-TIME and GEN-REWORK-LOOP around transformations: facts of the set of events, worked out anew for these and for the ones that use what
 * they produce. Answers what now holds and is not yet stored; takes away what no longer holds.
 */
export async function checkLineage(journal: Journal, around: Around, atSeq: number): Promise<FindingThing[]> {
  if (around.transformations.length === 0) return [];
  const direct = [...new Set(around.transformations)];
  const own = await journal.lineage({ transformations: direct });
  const using = await journal.lineage({ nodes: [...new Set([...around.nodes, ...nodesOf(own, 1)])], side: 0 });
  const touched = [...new Set([...direct, ...using.map((row) => row.transformation)])];
  const faults = await timeFaults(journal, touched);
  const old = await journal.findingsAt(['GEN-TIME'], [...new Set([...faults.seqs, ...around.seqs])]);
  return [
    ...(await replace(journal, old, faults.found, atSeq)),
    ...(await checkLoops(journal, { ...around, transformations: direct }, own, atSeq)),
  ];
}

/** Every output that is older than the production of something that went into it (domain.md §10.2, rule 2); `seqs`: the events of all outputs looked at. */
async function timeFaults(journal: Journal, transformations: readonly number[]): Promise<{ found: FindingThing[]; seqs: number[] }> {
  const rows = await journal.lineage({ transformations });
  const produced = new Map<number, LineageStep>();
  for (const row of await journal.lineage({ nodes: nodesOf(rows, 0), side: 1 })) {
    const first = produced.get(row.node);
    if (first === undefined || after(first, row)) produced.set(row.node, row);
  }
  const found: FindingThing[] = [];
  const seqs = new Set<number>();
  for (const [id, mine] of byTransformation(rows)) {
    const outputs = new Map<number, LineageStep>();
    for (const row of mine) if (row.side === 1) outputs.set(row.seq, row);
    for (const seq of outputs.keys()) seqs.add(seq);
    for (const node of nodesOf(mine, 0)) {
      const made = produced.get(node);
      if (made === undefined || made.transformation === id) continue;
      for (const output of outputs.values())
        if (later(made, output)) found.push({ code: 'GEN-TIME', seq: output.seq, node, other: made.seq });
    }
  }
  return { found, seqs: [...seqs] };
}

/** A loop is told once, at the last event on it, and names what goes round (domain.md §10.2, rule 1). */
async function checkLoops(journal: Journal, around: Around, own: readonly LineageStep[], atSeq: number): Promise<FindingThing[]> {
  const old = new Map<string, FindingThing>();
  const asked = new Set<number>();
  const waiting: number[] = [...around.transformations];
  /** What was told of loops through these nodes or at these events: it is looked at again, with every transformation around it. */
  const lookAgain = async (nodes: readonly number[], seqs: readonly number[] = []) => {
    const fresh = nodes.filter((node) => !asked.has(node));
    for (const node of fresh) asked.add(node);
    const told = await journal.findingThings(['GEN-REWORK-LOOP'], fresh);
    const before = old.size;
    for (const t of await journal.findingsAt(['GEN-REWORK-LOOP'], [...new Set([...told.map((t) => t.seq), ...seqs])])) old.set(keyOf(t), t);
    if (old.size === before) return;
    const round = [...new Set([...old.values()].map((t) => t.node))];
    for (const row of await journal.lineage({ nodes: round })) waiting.push(row.transformation);
  };
  await lookAgain([...new Set([...around.nodes, ...own.map((row) => row.node)])], around.seqs);

  const graph = {
    consumers: async (list: readonly number[]) => stepsOf(await journal.lineage({ nodes: list, side: 0 }), journal),
    producers: async (list: readonly number[]) => stepsOf(await journal.lineage({ nodes: list, side: 1 }), journal),
  };
  const now: FindingThing[] = [];
  const done = new Set<number>();
  while (waiting.length > 0) {
    const ids = [...new Set(waiting.splice(0))].filter((id) => !done.has(id));
    for (const start of await stepsFrom(journal, ids)) {
      if (done.has(start.id)) continue;
      done.add(start.id);
      const loop = await loopThrough(start, graph);
      if (loop.length === 0) continue;
      for (const step of loop) done.add(step.id);
      const rows = await journal.lineage({ transformations: loop.map((step) => step.id) });
      const last = rows.reduce((a, b) => (after(b, a) ? b : a));
      const used = new Set(nodesOf(rows, 0));
      const round = nodesOf(rows, 1).filter((node) => used.has(node));
      for (const node of round) now.push({ code: 'GEN-REWORK-LOOP', seq: last.seq, node, other: NONE });
      await lookAgain(round);
    }
  }
  return await replace(journal, [...old.values()], now, atSeq);
}

const keyOf = (t: FindingThing) => `${t.code}/${t.seq}/${t.node}/${t.other}`;

/** Takes away what was found and no longer holds; answers what holds and was not found yet. */
async function replace(
  journal: Journal,
  old: readonly FindingThing[],
  now: readonly FindingThing[],
  atSeq: number,
): Promise<FindingThing[]> {
  const held = new Set(now.map(keyOf));
  await journal.removeFindingThings(
    old.filter((t) => !held.has(keyOf(t))),
    atSeq,
  );
  const stored = new Set(old.map(keyOf));
  return now.filter((t) => !stored.has(keyOf(t)));
}

async function stepsOf(rows: readonly LineageStep[], journal: Journal): Promise<Step[]> {
  return await stepsFrom(journal, [...new Set(rows.map((row) => row.transformation))]);
}

async function stepsFrom(journal: Journal, ids: readonly number[]): Promise<Step[]> {
  const rows = byTransformation(await journal.lineage({ transformations: ids }));
  return [...rows].map(([id, mine]) => ({ id, inputs: nodesOf(mine, 0), outputs: nodesOf(mine, 1) }));
}

function byTransformation(rows: readonly LineageStep[]): Map<number, LineageStep[]> {
  const map = new Map<number, LineageStep[]>();
  for (const row of rows) {
    const list = map.get(row.transformation);
    if (list) list.push(row);
    else map.set(row.transformation, [row]);
  }
  return map;
}

function nodesOf(rows: readonly LineageStep[], side: 0 | 1): number[] {
  const nodes = new Set<number>();
  for (const row of rows) if (row.side === side) nodes.add(row.node);
  return [...nodes];
}
