import { sql } from 'drizzle-orm';
import { signedBy, twoPeople } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Db } from '../../store/db.ts';
import { eachNumber } from '../../store/sql.ts';
import type { Decide, Deciding } from '../deciding.ts';
import { aliasesOf, canonicalKey, nodesOf, worldEvents } from '../load-world.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import type { Key, WorldAct } from '../world.ts';
import { orderOf } from './decide-order.ts';
import { ENDED } from './state-machine.ts';

const QUALITY = ['qaReviewer', 'qp'];

const refused = (what: string, fix: string, things: readonly string[], at = '/container') =>
  new LotlineError('COI-ALLOC', what, { at, fix, things: [...things] });

/** Whether a container was thawed or opened: used up, or taken from, by any event. */
async function isOpened({ db }: Deciding, container: Key): Promise<boolean> {
  const keys = await allKeys(db, container);
  const nodes = [...(await nodesOf(db, keys)).values()];
  const rows = await db.all<{ seq: number }>(
    sql`SELECT DISTINCT p.seq FROM ${eachNumber(nodes)} j CROSS JOIN event_item p ON p.item = j.value`,
  );
  const events = await worldEvents(
    db,
    rows.map(({ seq }) => seq),
  );
  return events.some(
    (event) => event.bizStep === BIZ_STEP.thawing || event.bizStep === BIZ_STEP.infusing || event.inputs.some((key) => keys.includes(key)),
  );
}

/**
 * INV-07, INV-26: a donor-bound container goes to one order at a time, and to none after it was opened. Cells bound to a patient by where they came from are
 * never given to another; there is no override.
 */
export const decideAllocation: Decide<'allocation'> = async (context, { container, orderId }) => {
  const { view, order } = await orderOf(context, orderId);
  if (ENDED.has(order.state) || order.state === 'closed')
    throw new LotlineError('ORD-CANCELLED', `the order is ${order.state}`, { at: '/orderId', fix: 'Allocate to an order that goes on.' });
  const { chains, donors } = await context.binding(await context.canonical(container));
  const other = chains.filter((chain) => chain !== view.chain);
  const inForce = await allocationsOf(context, container);
  if (inForce.some(({ orderId: of }) => of !== orderId))
    throw refused('it is allocated to another order', 'Have that allocation released first, with a signature.', [container]);
  if (other.length > 0) throw refused("these are another patient's cells, and never anybody else's", 'Take other material.', [container]);
  if (donors.length === 0 && chains.length === 0)
    throw refused('nobody knows whose cells these are', 'Only donor-bound material is allocated.', [container]);
  if (await isOpened(context, container)) throw refused('it was opened or thawed', 'Take a container that was not.', [container]);
  signedBy(context.signatures, 'approved');
};

/** A signed release of an allocation: only before it was opened for the order. */
export const decideDeallocation: Decide<'deallocation'> = async (context, { container, allocationId }) => {
  const inForce = await allocationsOf(context, container);
  if (!inForce.some((one) => one.allocationId === allocationId))
    throw new LotlineError('NOT-FOUND', 'there is no such allocation in force', {
      at: '{id}',
      fix: 'Take an id from POST /api/v1/identity/allocations.',
    });
  if (await isOpened(context, container)) throw refused('it was opened or thawed for its order', 'It stays with that order.', [container]);
  signedBy(context.signatures, 'approved', [...QUALITY, 'coiCoordinator']);
};

/** All keys by which a container goes: it is the same one under each. */
async function allKeys(db: Db, container: Key): Promise<Key[]> {
  const aliases = await aliasesOf(db, [await canonicalKey(db, container)]);
  return [...new Set([container, ...aliases.keys(), ...aliases.values()])];
}

async function allocationsOf(context: Deciding, container: Key): Promise<{ allocationId: string; orderId: string }[]> {
  const all: WorldAct<'allocation'>[] = [];
  const freed = new Set<string>();
  for (const key of await allKeys(context.db, container)) {
    all.push(...(await context.acts('allocation', { part: 'thing', key })));
    for (const { body } of await context.acts('deallocation', { part: 'thing', key })) freed.add(body.allocationId);
  }
  return all.map(({ body }) => body).filter(({ allocationId }) => !freed.has(allocationId));
}

/** INV-06, C-10: what belongs to nobody is bound by two people, one of quality, on two different pieces of evidence; where it lay alone is none. */
export const decideRebinding: Decide<'rebinding'> = async (context, { container, chain, evidence }) => {
  const view = await context.view(chain);
  if (view.order === null)
    throw new LotlineError('COI-ORDER', 'no order has this chain', { at: '/chain', fix: 'Name the chain of an order.', things: [chain] });
  const key = await context.canonical(container);
  if ((await nodesOf(context.db, [container, key])).size === 0)
    throw new LotlineError('NOT-FOUND', 'no event names this container', {
      at: '/container',
      fix: 'Post the event by which it was found first.',
      things: [container],
    });
  const { chains, donors } = await context.binding(key);
  if (donors.length > 0)
    throw refused("these are a donor's cells", 'Allocate them to the order: POST /api/v1/identity/allocations.', [container]);
  if (chains.length > 0)
    throw new LotlineError('COI-UNBOUND', 'it is bound already, and a binding is never changed', {
      at: '/container',
      fix: 'Only what belongs to nobody is bound anew.',
      things: [container],
    });
  const kinds = new Set(evidence.filter(({ text }) => text.trim() !== '').map(({ kind }) => kind.trim().toLowerCase()));
  if (kinds.size < 2 || [...kinds].every((kind) => kind === 'position'))
    throw new LotlineError('COI-UNBOUND', 'this takes two pieces of evidence of different kinds', {
      at: '/evidence',
      fix: 'Add evidence that does not follow from the other, such as the cassette, the weight, a marker of the cells.',
      things: [container],
    });
  twoPeople(context.signatures);
  signedBy(context.signatures, 'approved', QUALITY);
};
