import { sql } from 'drizzle-orm';
import type { Db } from '../../store/db.ts';
import { storedAct, storedActs } from '../load-world.ts';

/** A device that works offline, and what it has done so far. */
export type DeviceState = {
  readonly device: string;
  readonly name: string;
  readonly publicKey: string;
  /** By person: the key that they made on the device last. */
  readonly people: Readonly<Record<string, string>>;
  readonly counters: readonly number[];
};

/** Null: there is no such device. */
export async function deviceState(db: Db, { device }: { device: string }): Promise<DeviceState | null> {
  const act = await storedAct(db, device);
  if (act?.kind !== 'device') return null;
  const where = { part: 'device', key: device } as const;
  const people: Record<string, string> = {};
  for (const { body } of await storedActs(db, 'device-person', where)) people[body.person] = body.publicKey;
  const counters = (await storedActs(db, 'sync', where)).map(({ body }) => body.counter);
  return { device, name: act.body.name, publicKey: act.body.publicKey, people, counters };
}

/** What an entry that is an event came to: its leaf, and the findings about it. */
export async function entryTold(
  db: Db,
  { seq }: { seq: number },
): Promise<{ entry: { seq: number; leaf: string }; findings: { code: string; severity: string }[] } | null> {
  const [row] = await db.all<{ leaf: Uint8Array }>(sql`SELECT e.leaf_hash AS leaf FROM entry e WHERE e.seq = ${seq}`);
  if (row === undefined) return null;
  const findings = await db.all<{ code: string; severity: string }>(
    sql`SELECT f.code, f.severity FROM finding f WHERE f.seq = ${seq} AND f.state = 'open' ORDER BY f.id`,
  );
  return { entry: { seq, leaf: Buffer.from(row.leaf).toString('hex') }, findings };
}

/** What came of an offline act before, by the id of its synchronisation; null: it has not come yet. */
export async function syncedBefore(db: Db, { id }: { id: string }): Promise<{ act: string | null; conflicts: readonly string[] } | null> {
  const act = await storedAct(db, id);
  return act?.kind === 'sync' ? { act: act.body.act, conflicts: act.body.conflicts } : null;
}

/** Minutes after thawing within which a product may be given, by its newest profile; null: not said. */
export async function postThawMinutes(db: Db, { product }: { product: string }): Promise<number | null> {
  const profiles = await storedActs(db, 'product');
  return profiles.findLast(({ body }) => body.product === product)?.body.postThawMinutes ?? null;
}
