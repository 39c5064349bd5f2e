import { sql } from 'drizzle-orm';
import { keysOf, statesOf } from '../../lifecycle/present.ts';
import { FLAG, type Node } from '../../lifecycle/state.ts';
import type { Db } from '../../store/db.ts';
import { eachText } from '../../store/sql.ts';
import { nodesOf, storedActs } from '../load-world.ts';
import type { Key } from '../world.ts';
import { boundTo, markedBy, reach } from './reach.ts';

export type LookBack = {
  readonly of: { readonly donor: string } | { readonly chain: string } | { readonly lot: Key };
  /** Donors that it is about: with a chain, those of its material (an infection in a recipient leads back to them). */
  readonly donors: readonly string[];
  readonly lots: readonly Key[];
  readonly containers: readonly Key[];
  /** Recipients; those that the question began with are among them. */
  readonly chains: readonly {
    readonly coiId: string;
    readonly patientRef: string | null;
    readonly orderId: string | null;
    readonly site: string | null;
    readonly state: string | null;
    readonly containers: readonly Key[];
  }[];
  /** What is nobody's yet and still there. */
  readonly stock: readonly { readonly key: Key; readonly status: string | null; readonly place: string | null }[];
  readonly notices: readonly { readonly noticeId: string; readonly to: string; readonly state: string; readonly chain: string | null }[];
  readonly complete: boolean;
};

const ENDED: ReadonlySet<string> = new Set(['Destroyed', 'Dispensed', 'Inactive', 'Sampled']);

/**
 * Donor → all lots → all doses → all patients and stock; chain → its donors → the sibling recipients; lot → what it became (domain.md §12.6, C-16).
 * Bindings are stored, so that a hundred recipients are one join. Null: nothing here names it.
 */
export async function lookBack(db: Db, args: LookBack['of']): Promise<LookBack | null> {
  const start = await startOf(db, args);
  if (start === null) return null;
  const { nodes, complete } = await reach(db, start.nodes, 'forwards');
  const chains = await markedBy(db, nodes, 'c');
  const donors = new Set([...start.donors, ...(await markedBy(db, nodes, 'd')).keys()]);
  const keys = await keysOf(db, [...nodes]);
  const rows = await chainRows(db, [...chains.keys()]);
  const bound = new Set([...chains.values()].flat());
  const free = [...nodes].filter((node) => node > 0 && !bound.has(node));
  const { states } = await statesOf(db, free, { at: null, seq: null });
  const notices = await storedActs(db, 'notice');
  return {
    of: args,
    donors: [...donors].sort(),
    lots: keysAmong(keys, (node) => node < 0),
    containers: keysAmong(keys, (node) => node > 0),
    chains: [...chains].map(([coiId, own]) => ({
      coiId,
      ...(rows.get(coiId) ?? { patientRef: null, orderId: null, site: null, state: null }),
      containers: own.flatMap((node) => keys.get(node) ?? []).sort(),
    })),
    stock: free.flatMap((node) => {
      const state = states.get(node);
      if (state === undefined || (state.flags & FLAG.consumed) !== 0 || ENDED.has(state.status ?? '')) return [];
      return [{ key: keys.get(node) as Key, status: state.status, place: state.place }];
    }),
    notices: notices
      .filter(
        ({ body }) =>
          (body.donor !== null && donors.has(body.donor)) ||
          (body.chain !== null && chains.has(body.chain)) ||
          ('lot' in args && body.lot === args.lot),
      )
      .map(({ body: { noticeId, to, state, chain } }) => ({ noticeId, to, state, chain })),
    complete,
  };
}

async function startOf(db: Db, args: LookBack['of']): Promise<{ nodes: Node[]; donors: string[] } | null> {
  if ('lot' in args) {
    const nodes = [...(await nodesOf(db, [args.lot])).values()];
    return nodes.length === 0 ? null : { nodes, donors: [] };
  }
  if ('donor' in args) {
    const nodes = await boundTo(db, 'd', args.donor);
    if (nodes.length > 0) return { nodes, donors: [args.donor] };
    const known = await storedActs(db, 'donor', { part: 'donor', key: args.donor });
    return known.length === 0 ? null : { nodes: [], donors: [args.donor] };
  }
  const own = await boundTo(db, 'c', args.chain);
  if (own.length === 0) {
    const rows = await chainRows(db, [args.chain]);
    return rows.size === 0 ? null : { nodes: [], donors: [] };
  }
  const donors = [...(await markedBy(db, own, 'd')).keys()];
  const nodes = new Set(own);
  for (const donor of donors) for (const node of await boundTo(db, 'd', donor)) nodes.add(node);
  return { nodes: [...nodes], donors };
}

async function chainRows(
  db: Db,
  chains: readonly string[],
): Promise<Map<string, { patientRef: string | null; orderId: string | null; site: string | null; state: string | null }>> {
  const rows = await db.all<{ chain: string; patient: string | null; order_id: string | null; site: string | null; state: string | null }>(
    sql`SELECT c.chain, c.patient, c.order_id, c.site, c.state FROM ${eachText(chains)} j CROSS JOIN coi_chain c ON c.chain = j.value ORDER BY c.chain`,
  );
  return new Map(rows.map(({ chain, patient, order_id, site, state }) => [chain, { patientRef: patient, orderId: order_id, site, state }]));
}

function keysAmong(keys: ReadonlyMap<Node, Key>, which: (node: Node) => boolean): Key[] {
  return [...keys].flatMap(([node, key]) => (which(node) ? [key] : [])).sort();
}
