import { setTimeout as sleep } from 'node:timers/promises';
import { tryDelivererLock } from '../store/postgres/lock.ts';
import { connect, hangUp, type PostgresStore } from '../store/postgres/open.ts';

/** A process whose turn it is not asks this often whether it is; whose it is looks this often whether it still has its session. */
const TAKEOVER_MS = 500;
const BEAT_MS = 2_000;
const RETRY_MS = 1_000;
const STATEMENT_MS = 10_000;
/** The server ends the session of a process that has stopped, and with it its turn. */
const SILENT_MS = 20_000;

/** What only one process on a store does at a time. */
export interface TurnTaker {
  begin(): void;
  pause(): Promise<void>;
}

/**
 * Of all processes on a database, one has its turn: the one whose session holds the lock. When that session ends, however it ends, the server gives the
 * lock to another. A process that hears late of the end of its turn can still send something twice, but not note it: progress has a version.
 */
export function takeTurns(store: PostgresStore, taker: TurnTaker): () => Promise<void> {
  const closing = new AbortController();
  const rest = async (ms: number) => await sleep(ms, undefined, { ref: false, signal: closing.signal }).catch(() => {});

  async function turn(): Promise<void> {
    const client = await connect(store, {
      application: 'lotline deliveries',
      statementTimeoutMs: STATEMENT_MS,
      more: { idle_session_timeout: SILENT_MS },
    });
    let begun = false;
    const lost = new Promise<void>((resolve) => client.once('end', () => resolve()));
    try {
      while (!closing.signal.aborted && !(await tryDelivererLock(client, store.schema))) await rest(TAKEOVER_MS);
      if (closing.signal.aborted) return;
      begun = true;
      taker.begin();
      while (!closing.signal.aborted) {
        await client.query('SELECT 1');
        await Promise.race([lost, rest(BEAT_MS)]);
      }
    } finally {
      if (begun) await taker.pause();
      await hangUp(client);
    }
  }

  const running = (async () => {
    while (!closing.signal.aborted) {
      await turn().catch(() => {}); // the capture service tells of a database that is out of reach
      await rest(RETRY_MS);
    }
  })();
  return async () => {
    closing.abort();
    await running;
  };
}
