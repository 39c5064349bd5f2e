import type pg from 'pg';
import { LotlineError } from '../../errors.ts';
import { connect, ENDED_WHEN_STOPPED, hangUp, type PostgresStore, SCHEMA, whereIs } from './open.ts';

/** Says that a lock of ours is meant; the second number says whose. */
const WRITER = 0x6c6f;
const STARTER = 0x6c70;
const DELIVERER = 0x6c71;

/**
 * Tries to become the one writer of a store. The lock belongs to the session that also writes: when that ends, however it ends, the server takes back
 * what was not committed and gives the lock to the next who asks. So there are never two writers, not even for a moment. Needs a session of its own:
 * a pooler that hands out transactions would share it.
 */
export async function tryWriterLock(client: pg.ClientBase, schema: string = SCHEMA): Promise<boolean> {
  return await tryLock(client, WRITER, schema);
}

/** Tries to become the one process that delivers to webhooks, for as long as the session lives. */
export async function tryDelivererLock(client: pg.ClientBase, schema: string = SCHEMA): Promise<boolean> {
  return await tryLock(client, DELIVERER, schema);
}

async function tryLock(client: pg.ClientBase, what: number, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ mine: number }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS mine', [what, schema]);
  return rows[0]?.mine === 1;
}

/** What sessions of one process call themselves: by this it is seen whether a writer's process lives. */
export const writerName = (member: string): string => `${WRITER_NAME}${member}`;
export const beatName = (member: string): string => `${BEAT_NAME}${member}`;
const WRITER_NAME = 'lotline writer ';
const BEAT_NAME = 'lotline answers ';

/**
 * Ends the session of a writer whose process has stopped (its machine sleeps, or is cut off) while the server waits for it: neither of that session nor
 * of the one that beats beside it anything was heard for `silentMs`, by the server's clock. A process that folds for long beats all the same.
 */
export async function endStoppedWriter(client: pg.ClientBase, silentMs: number, schema: string = SCHEMA): Promise<void> {
  await client.query({
    name: 'end-stopped-writer',
    text: `WITH stopped AS MATERIALIZED (
             SELECT w.pid FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid
             LEFT JOIN pg_stat_activity b ON b.application_name = '${BEAT_NAME}' || substr(w.application_name, ${WRITER_NAME.length + 1})
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
             AND l.classid = $1::oid AND l.objid = (hashtext($2)::bigint & 4294967295)::oid
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND w.application_name LIKE '${WRITER_NAME}%' AND w.wait_event_type = 'Client'
             GROUP BY w.pid, w.state_change
             HAVING clock_timestamp() - greatest(w.state_change, max(b.state_change)) > $3 * interval '1 ms')
           SELECT pg_terminate_backend(pid) FROM stopped`,
    values: [WRITER, schema, silentMs],
  });
}

/** How long a start waits for the start of another process. */
const START_MS = 120_000;
/** The server's way of giving up the wait for a lock. */
const LOCK_NOT_AVAILABLE = '55P03';

/** Runs `work` while no other process does so on this store: what is made at the first start is made once. */
export async function startAlone<T>(store: PostgresStore, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const more = { lock_timeout: START_MS, ...ENDED_WHEN_STOPPED };
  const client = await connect(store, { application: 'lotline start', statementTimeoutMs: 0, more });
  try {
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [STARTER, store.schema ?? SCHEMA]).catch((cause: unknown) => {
      if ((cause as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw cause;
      throw new LotlineError('CFG-VALUE', `Another process has been starting on ${whereIs(store)} for ${START_MS / 1000} s`, {
        at: 'LOTLINE_DATABASE_URL',
        fix: 'See what holds it up, end it, and start again.',
        cause,
      });
    });
    return await work(client);
  } finally {
    await hangUp(client);
  }
}
