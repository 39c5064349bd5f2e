import type { AsOf } from '../lifecycle/as-of.ts';
import { findings } from '../lifecycle/list-findings.ts';
import { findNode, keysOf, type States, statesOf } from '../lifecycle/present.ts';
import { FLAG, type Node, type State } from '../lifecycle/state.ts';
import { isEnded } from '../lifecycle/steps.ts';
import type { Db } from '../store/db.ts';
import { type PackCursor, packGroups, packPage, reachOf } from './packs.ts';

/** What an investigation verifies of the stock that is like what was found (domain.md §9, the dispenser's rule). Keys are canonical. */
export type SimilarStock = {
  finding: number;
  lots: string[];
  /** In whose hands; empty: in anybody's, because the finding names lots alone. */
  holders: string[];
  /** Packs of these lots that are there, in these hands, and are not among the finding's own things. */
  similar: number;
  /** How many of them to verify: a tenth, rounded up, but three at least, and all where there are fewer. */
  verify: number;
  /** Which: spread evenly over all of them, the same whenever it is asked while nothing has moved. */
  packs: string[];
  /** `packs` ends before `verify`: there are more than an answer lists, or than are looked through for it. */
  more: boolean;
};

const LEAST = 3;
const PACKS_MAX = 1_000;
const PAGE = 5_000;
const PAGES_MAX = 20;

const NOW: AsOf = { at: null, seq: null };

export const sampleSize = (similar: number): number => Math.min(similar, Math.max(LEAST, Math.ceil(similar / 10)));

/** Null where there is no such finding. */
export async function similarStock(db: Db, args: { id: number }): Promise<SimilarStock | null> {
  const [finding] = (await findings(db, { id: args.id, limit: 1 })).list;
  if (finding === undefined) return null;
  const nodes: Node[] = [];
  for (const key of finding.things) {
    const node = await findNode(db, key);
    if (node !== null) nodes.push(node);
  }
  const states = await statesOf(db, nodes, NOW);
  const own = new Map(nodes.filter((node) => node > 0).flatMap((node) => [[node, states.states.get(node) as State] as const]));
  const holders = new Set([...own.values()].map((state) => states.resolve(state).holder).filter((holder) => holder !== null));
  const lots = new Set([...nodes.filter((node) => node < 0), ...[...own.values()].map((state) => state.lot).filter((lot) => lot !== 0)]);
  const reach = await reachOf(db, lots, []);
  const isThere = (of: States, state: State): boolean => {
    const now = of.resolve(state);
    if (isEnded(now.status) || now.status === 'InTransit' || now.status === 'AtLarge') return false;
    return own.size === 0 || (now.holder !== null && holders.has(now.holder));
  };
  let similar = 0;
  for await (const { states: all, groups } of packGroups(db, reach, NOW))
    for (const { state, count } of groups) if (isThere(all, state)) similar += count;
  for (const state of own.values()) {
    const counted = reach.lots.includes(state.lot) && (state.flags & FLAG.parent) === 0;
    if (counted && isThere(states, state)) similar--;
  }

  const verify = sampleSize(similar);
  const chosen: Node[] = [];
  let seen = 0;
  let after: PackCursor | null = { part: 0, id: 0 };
  for (let page = 0; after !== null && page < PAGES_MAX && chosen.length < Math.min(verify, PACKS_MAX); page++) {
    const found: Awaited<ReturnType<typeof packPage>> = await packPage(db, reach, after, PAGE, NOW);
    for (const state of found.packs) {
      if (own.has(state.node) || !isThere(found.states, state)) continue;
      // The i-th of the sample is the pack at ⌊i · similar ÷ verify⌋.
      if (seen === Math.floor((chosen.length * similar) / verify) && chosen.length < PACKS_MAX) chosen.push(state.node);
      seen++;
    }
    after = found.next;
  }
  const keys = await keysOf(db, [...chosen, ...lots]);
  return {
    finding: finding.id,
    lots: [...lots].map((lot) => keys.get(lot) as string).sort(),
    holders: [...holders].sort(),
    similar,
    verify,
    packs: chosen.map((node) => keys.get(node) as string),
    more: chosen.length < verify,
  };
}
