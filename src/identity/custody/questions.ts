import { sql } from 'drizzle-orm';
import type { Db } from '../../store/db.ts';
import { eachNumber } from '../../store/sql.ts';
import { nodesOf, storedActs } from '../load-world.ts';
import { chainView } from '../questions/acts.ts';
import type { CustodyView } from '../view.ts';
import type { Key } from '../world.ts';
import { sealKey } from './seals.ts';

/** A shipment as its carrier knows it: nothing of whose it is. Times in ms. */
export type ShipmentSeen = { readonly shipment: Key; readonly seals: readonly string[]; readonly time: number; readonly place: string };

/** Shipments that were handed over under a seal, as they were last (C-14). */
export async function shipmentsBySeal(db: Db, { seal }: { seal: string }): Promise<ShipmentSeen[]> {
  const found = new Map<Key, ShipmentSeen>();
  for (const { time, body } of await storedActs(db, 'handover', { part: 'thing', key: sealKey(seal) }))
    for (const shipment of body.shipment === null ? body.containers : [body.shipment]) {
      const before = found.get(shipment);
      if (before === undefined || before.time <= time) found.set(shipment, { shipment, seals: body.seals, time, place: body.place });
    }
  return [...found.values()];
}

type Handover = Omit<CustodyView['handovers'][number], 'things'>;

/** Who had a thing, and where nobody vouches for it; told without the chain that it belongs to, and what else was handed over. */
export async function custodyOf(db: Db, { thing }: { thing: Key }): Promise<{ handovers: Handover[]; gaps: number } | null> {
  const acts = await storedActs(db, 'handover', { part: 'thing', key: thing });
  const handovers = new Map<string, Handover>();
  const ids = acts.map(({ body }) => body.handoverId);
  for (const chain of await chainsOf(db, thing)) {
    const view = await chainView(db, { chain });
    for (const one of view?.custody.handovers ?? [])
      if (ids.includes(one.handoverId) || one.things.includes(thing)) {
        const { handoverId, seq, time, giver, receiver, place, seals, gap } = one;
        handovers.set(handoverId, { handoverId, seq, time, giver, receiver, place, seals, gap });
      }
  }
  for (const { body, seq, time } of acts)
    if (!handovers.has(body.handoverId)) {
      const { handoverId, giver, receiver, place, seals } = body;
      handovers.set(handoverId, { handoverId, seq, time, giver, receiver, place, seals, gap: null });
    }
  if (handovers.size === 0) return null;
  const list = [...handovers.values()].sort((a, b) => a.time - b.time || a.seq - b.seq);
  return { handovers: list, gaps: list.filter(({ gap }) => gap !== null).length };
}

/** Chains whose material it is, or that it holds or has held. */
async function chainsOf(db: Db, thing: Key): Promise<string[]> {
  const nodes = [...(await nodesOf(db, [thing])).values()];
  const rows = await db.all<{ ref: string }>(
    sql`SELECT DISTINCT b.ref FROM ${eachNumber(nodes)} j CROSS JOIN coi_binding b ON b.node = j.value AND b.kind IN ('c', 'h') ORDER BY b.ref`,
  );
  return rows.map(({ ref }) => ref);
}
