import { NONE } from '../lifecycle/state.ts';
import type { Journal } from '../store/journal.ts';
import type { FindingThing, LineageRow } from '../store/rows.ts';
import { loopThrough, type Step } from './loops.ts';

type Row = LineageRow & { time: number; below: string };

const later = (a: Row, b: Row) => a.time > b.time || (a.time === b.time && a.below > b.below);

/**
 * GEN-TIME and GEN-REWORK-LOOP around transformations that were stated, changed or voided: facts of the set of events, worked out anew
 * for these and for the ones that use what they produce. Answers what now holds and is not yet stored; takes away what no longer holds.
 */
export async function checkLineage(journal: Journal, transformations: readonly number[], atSeq: number): Promise<FindingThing[]> {
  if (transformations.length === 0) return [];
  const direct = [...new Set(transformations)];
  const own = await journal.lineage({ transformations: direct });
  const outputs = nodesOf(own, 1);
  const using = await journal.lineage({ nodes: outputs, side: 0 });
  const touched = [...new Set([...direct, ...using.map((row) => row.transformation)])];
  const added = await compare(journal, 'GEN-TIME', await timeFaults(journal, touched), await outputSeqs(journal, touched, own), atSeq);
  added.push(...(await checkLoops(journal, direct, own, atSeq)));
  return added;
}

/** Every output that is older than the production of something that went into it (domain.md §10.2, rule 2). */
async function timeFaults(journal: Journal, transformations: readonly number[]): Promise<FindingThing[]> {
  const rows = await journal.lineage({ transformations });
  const inputs = nodesOf(rows, 0);
  const produced = new Map<number, Row>();
  for (const row of await journal.lineage({ nodes: inputs, side: 1 })) {
    const first = produced.get(row.node);
    if (first === undefined || later(first, row)) produced.set(row.node, row);
  }
  const found: FindingThing[] = [];
  for (const id of transformations) {
    const mine = rows.filter((row) => row.transformation === id);
    const outputSeqs = new Map<number, Row>();
    for (const row of mine) if (row.side === 1) outputSeqs.set(row.seq, row);
    for (const node of nodesOf(mine, 0)) {
      const made = produced.get(node);
      if (made === undefined || made.transformation === id) continue;
      for (const output of outputSeqs.values())
        if (later(made, output)) found.push({ code: 'GEN-TIME', seq: output.seq, node, other: made.seq });
    }
  }
  return found;
}

async function outputSeqs(journal: Journal, transformations: readonly number[], own: readonly Row[]): Promise<number[]> {
  const rows = await journal.lineage({ transformations, side: 1 });
  // A voided stand-alone transformation has no rows left; its own seq is its id.
  return [...new Set([...rows, ...own].map((row) => row.seq).concat(transformations.filter((id) => id >= 0)))];
}

async function checkLoops(journal: Journal, direct: readonly number[], own: readonly Row[], atSeq: number): Promise<FindingThing[]> {
  const nodes = [...new Set(own.map((row) => row.node))];
  const old = await journal.findingThings(['GEN-REWORK-LOOP'], nodes);
  const oldAll = await journal.findingsAt(['GEN-REWORK-LOOP'], [...new Set(old.map((t) => t.seq).concat(direct.filter((id) => id >= 0)))]);
  const concerned = new Set(direct);
  if (oldAll.length > 0)
    for (const row of await journal.lineage({ nodes: [...new Set(oldAll.map((t) => t.node))] })) concerned.add(row.transformation);

  const around = {
    consumers: async (list: readonly number[]) => stepsOf(journal, await journal.lineage({ nodes: list, side: 0 })),
    producers: async (list: readonly number[]) => stepsOf(journal, await journal.lineage({ nodes: list, side: 1 })),
  };
  const now: FindingThing[] = [];
  const done = new Set<number>();
  for (const start of await stepsFrom(journal, [...concerned])) {
    if (done.has(start.id)) continue;
    // Nothing made only here can come back: only outputs that something uses can close a loop.
    const loop = await loopThrough(start, around);
    if (loop.length === 0) continue;
    for (const step of loop) done.add(step.id);
    const rows = await journal.lineage({ transformations: loop.map((step) => step.id) });
    const last = rows.reduce((a, b) => (later(b, a) || (!later(a, b) && b.seq > a.seq) ? b : a));
    const used = new Set(nodesOf(rows, 0));
    for (const node of nodesOf(rows, 1)) if (used.has(node)) now.push({ code: 'GEN-REWORK-LOOP', seq: last.seq, node, other: NONE });
  }
  const key = (t: FindingThing) => `${t.seq}/${t.node}`;
  const held = new Set(now.map(key));
  const gone = oldAll.filter((t) => !held.has(key(t)));
  await journal.removeFindingThings(gone, atSeq);
  const stored = new Set(oldAll.map(key));
  return now.filter((t) => !stored.has(key(t)));
}

async function compare(
  journal: Journal,
  code: string,
  now: readonly FindingThing[],
  seqs: readonly number[],
  atSeq: number,
): Promise<FindingThing[]> {
  const key = (t: FindingThing) => `${t.seq}/${t.node}/${t.other}`;
  const old = await journal.findingsAt([code], seqs);
  const held = new Set(now.map(key));
  await journal.removeFindingThings(
    old.filter((t) => !held.has(key(t))),
    atSeq,
  );
  const stored = new Set(old.map(key));
  return now.filter((t) => !stored.has(key(t)));
}

async function stepsOf(journal: Journal, rows: readonly Row[]): Promise<Step[]> {
  return await stepsFrom(journal, [...new Set(rows.map((row) => row.transformation))]);
}

async function stepsFrom(journal: Journal, ids: readonly number[]): Promise<Step[]> {
  const rows = await journal.lineage({ transformations: ids });
  return ids.map((id) => {
    const mine = rows.filter((row) => row.transformation === id);
    return { id, inputs: nodesOf(mine, 0), outputs: nodesOf(mine, 1) };
  });
}

function nodesOf(rows: readonly Row[], side: 0 | 1): number[] {
  const nodes = new Set<number>();
  for (const row of rows) if (row.side === side) nodes.add(row.node);
  return [...nodes];
}
