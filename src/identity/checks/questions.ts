import { sql } from 'drizzle-orm';
import { readBagKey } from '../../identifiers/index.ts';
import type { Db } from '../../store/db.ts';
import { eachText } from '../../store/sql.ts';
import type { CheckAct } from '../acts.ts';
import { aliasesOf, bindingsOf, canonicalKey, chainOfOrder } from '../load-world.ts';
import { chainView } from '../questions/acts.ts';
import { type Key, UNBOUND } from '../world.ts';
import type { Strength, Truth, Weighed } from './compare.ts';
import { truthOf, weigh } from './decide-check.ts';
import { strengthAt } from './demands.ts';

/** What a check is weighed by, before it is written; the decision about it asks again. Of personal reads only who is meant is told. */
export type CheckFacts = {
  readonly orderId: string | null;
  readonly chain: string | null;
  readonly truth: Truth;
  readonly reads: readonly Weighed[];
  readonly strength: Strength;
  /** Whose identity personal reads are compared with: the patient of the order, else the one donor of the containers. */
  readonly person: string | null;
  /** Other chains that the reads belong to. */
  readonly met: readonly string[];
  /** Of the containers, those that events have brought into being here. */
  readonly known: readonly Key[];
};

export async function checkFacts(
  db: Db,
  args: Pick<CheckAct, 'checkpoint' | 'orderId' | 'containers'> & { reads: readonly Pick<Weighed, 'source' | 'identifier' | 'value'>[] },
): Promise<CheckFacts> {
  const binding = async (key: Key) => (await bindingsOf(db, [key])).get(key) ?? UNBOUND;
  const canonical = (key: Key) => canonicalKey(db, key);
  const keys = await Promise.all(args.containers.map(canonical));
  const orderId = args.orderId ?? (await orderOf(db, keys));
  const chain = orderId === null ? null : await chainOfOrder(db, orderId);
  const view = chain === null ? null : await chainView(db, { chain });
  const context = { chainOfOrder: async () => chain, view: async () => view as never, canonical, binding };
  const truth = await truthOf(context, { orderId, containers: args.containers });
  const reads = await weigh(context, args.reads);
  const known = (view?.containers ?? []).filter(({ key }) => keys.includes(key)).map(({ key }) => key);
  return {
    orderId,
    chain,
    truth,
    reads,
    strength: strengthAt(view?.order?.template ?? null, args.checkpoint),
    person: truth.patientRef ?? (truth.donors.length === 1 ? (truth.donors[0] as string) : null),
    met: await chainsMet(db, reads, chain),
    known,
  };
}

/** The order that all of the containers are of, where that is one. */
async function orderOf(db: Db, keys: readonly Key[]): Promise<string | null> {
  const chains = new Set([...(await bindingsOf(db, keys)).values()].flatMap((one) => one.chains));
  if (chains.size !== 1) return null;
  const [row] = await db.all<{ id: string | null }>(sql`SELECT order_id AS id FROM coi_chain WHERE chain = ${[...chains][0] as string}`);
  return row?.id ?? null;
}

/** Chains that what was read belongs to, but for the one that is checked (C-02): by number, by order, by container, by donation. */
async function chainsMet(db: Db, reads: readonly Weighed[], own: string | null): Promise<string[]> {
  const valuesOf = (...identifiers: string[]) => [
    ...new Set(reads.filter(({ identifier }) => identifiers.includes(identifier)).map(({ canonical }) => canonical)),
  ];
  const met = new Set<string>();
  const named = await db.all<{ chain: string }>(
    sql`SELECT c.chain FROM ${eachText(valuesOf('coiId'))} j CROSS JOIN coi_chain c ON c.chain = j.value
        UNION SELECT c.chain FROM ${eachText(valuesOf('orderId'))} j CROSS JOIN coi_chain c ON c.order_id = j.value
        UNION SELECT c.chain FROM ${eachText(valuesOf('patientRef'))} j CROSS JOIN coi_chain c ON c.patient = j.value`,
  );
  for (const { chain } of named) met.add(chain);
  const keys = [...valuesOf('container', 'sample', 'shipper'), ...(await bagsOfDonations(db, valuesOf('din')))];
  const canonical = await aliasesOf(db, keys);
  const bindings = await bindingsOf(
    db,
    keys.map((key) => canonical.get(key) ?? key),
  );
  for (const { chains } of bindings.values()) for (const chain of chains) met.add(chain);
  if (own !== null) met.delete(own);
  return [...met].sort();
}

/** A donation has few bags. */
const BAGS_MAX = 100;

async function bagsOfDonations(db: Db, dins: readonly string[]): Promise<Key[]> {
  const keys: Key[] = [];
  for (const din of dins) {
    const stem = `urn:lotline:isbt128:bag:${din}:`;
    const rows = await db.all<{ serial: string }>(
      sql`SELECT n.serial FROM class c CROSS JOIN item_name n ON n.class = c.id AND n.serial >= ${stem} AND n.serial < ${`${stem.slice(0, -1)};`}
          WHERE c.key = 'uri' LIMIT ${BAGS_MAX}`,
    );
    keys.push(...rows.map(({ serial }) => serial).filter((serial) => readBagKey(serial)?.din === din));
  }
  return keys;
}
