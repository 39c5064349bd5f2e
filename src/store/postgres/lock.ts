import type pg from 'pg';
import { connect, type PostgresStore, SCHEMA } from './open.ts';

/** Says that a lock of ours is meant; the second number says whose. */
const WRITER = 0x6c6f;
const STARTER = 0x6c70;

/**
 * Tries to become the one writer of a store. The lock belongs to the session that also writes: when that ends, however it ends, the server takes back
 * what was not committed and gives the lock to the next who asks. So there are never two writers, not even for a moment. Needs a session of its own:
 * a pooler that hands out transactions would share it.
 */
export async function tryWriterLock(client: pg.ClientBase, schema: string = SCHEMA): Promise<boolean> {
  const { rows } = await client.query<{ mine: number }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS mine', [WRITER, schema]);
  return rows[0]?.mine === 1;
}

/** Runs `work` while no other process does so on this store: what is made at the first start is made once. */
export async function startAlone<T>(store: PostgresStore, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(store, { application: 'lotline start', statementTimeoutMs: 0 });
  try {
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [STARTER, store.schema ?? SCHEMA]);
    return await work(client);
  } finally {
    await client.end();
  }
}
