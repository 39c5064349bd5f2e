import { sql } from 'drizzle-orm';
import type { Db } from '../store/db.ts';

/** A key as others may see it: never its secret, nor the hash of it. Times are ISO 8601. */
export type KeyAnswer = { id: string; name: string; roles: string[]; created: string; ended: string | null };
type Row = { id: string; name: string; roles: string; created: number; ended: number | null };

/** The key with this hash (SHA-256, hex), ended or not. */
export async function keyByHash(db: Db, args: { hash: string }): Promise<(KeyAnswer & { hash: string }) | null> {
  const [row] = await db.all<Row>(sql`SELECT id, name, roles, created, ended FROM api_key WHERE hash = ${Buffer.from(args.hash, 'hex')}`);
  return row === undefined ? null : { ...answerOf(row), hash: args.hash };
}

/** Every key ever granted, oldest first. */
export async function listKeys(db: Db, args: { id?: string }): Promise<KeyAnswer[]> {
  const only = args.id === undefined ? sql`` : sql`WHERE id = ${args.id}`;
  return (await db.all<Row>(sql`SELECT id, name, roles, created, ended FROM api_key ${only} ORDER BY created, id`)).map(answerOf);
}

function answerOf({ id, name, roles, created, ended }: Row): KeyAnswer {
  const time = (microseconds: number) => new Date(Math.floor(microseconds / 1000)).toISOString();
  return { id, name, roles: JSON.parse(roles) as string[], created: time(created), ended: ended === null ? null : time(ended) };
}
