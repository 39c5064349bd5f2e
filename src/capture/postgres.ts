import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type pg from 'pg';
import { LotlineError, type Problem } from '../errors.ts';
import { connect, type PostgresPool } from '../store/postgres/open.ts';
import type { Outcome } from './capturer.ts';

import { RETRY_MS, storeBusy } from './group.ts';
import {
  ANSWER_CHANNEL,
  channelOf,
  INTAKE_CHANNEL,
  type IntakeAnswer,
  type PostgresThreadData,
  type PostgresThreadReply,
  type PostgresThreadRequest,
} from './postgres-messages.ts';
import type { CaptureService, Command, PendingJob } from './service.ts';
import { besideThis, startThread } from './threads.ts';

/** What may wait to be folded, over all processes; more is answered 503 with Retry-After. */
const QUEUE_MAX = 10_000;
const QUEUE_BYTES_MAX = 1024 * 1024 * 1024;
/** How old a count of what waits may be. */
const COUNT_MS = 250;
/** Documents put down with one statement, in number and bytes. */
const KEEP_DOCUMENTS = 200;
const KEEP_BYTES = 8 * 1024 * 1024;
/** How long a request waits for its answer before the caller is told to come back. */
const ANSWER_MS = 60_000;
/** Without a word from the writer, answers are looked for this often all the same. */
const LOOK_MS = 500;

type Row = {
  kind: 'document' | 'event' | 'check' | 'command';
  captureID: string;
  actor: string;
  behaviour: 'rollback' | 'proceed';
  body: Uint8Array;
};
type Keeping = { row: Row; resolve: () => void; reject: (error: unknown) => void };

/**
 * Capture into PostgreSQL, from any number of processes: each takes documents into the table `intake`, where the one writer finds them, be it this
 * process or another. A thread of this process waits for the writer's lock and folds while it has it (postgres-thread.ts). Single events, dry runs
 * and commands go the same way, and the writer leaves their answers in `intake_answer`.
 */
export class PostgresCapture implements CaptureService {
  healthy = true;
  private readonly data: PostgresThreadData;
  private readonly pool: PostgresPool;
  private readonly thread: Worker;
  private readonly keeping: Keeping[] = [];
  private flushing = false;
  private readonly waiting = new Map<string, (answer: IntakeAnswer) => void>();
  private listener: pg.Client | null = null;
  private look: () => void = () => {};
  private refused = 0;
  private waitingIn = { number: 0, bytes: 0, counted: 0 };
  private closing = false;
  private readonly listening: Promise<void>;

  private constructor(data: PostgresThreadData, pool: PostgresPool, thread: Worker) {
    this.data = data;
    this.pool = pool;
    this.thread = thread;
    thread.on('message', (reply: PostgresThreadReply) => this.hear(reply));
    thread.on('error', (error) => {
      this.healthy = false;
      console.error(`the capture thread failed: ${error.stack ?? error.message}`);
    });
    this.listening = this.listen();
  }

  /** `pool` is for keeping documents and looking at what waits; the caller closes it after this. */
  static async open(data: PostgresThreadData, pool: PostgresPool): Promise<PostgresCapture> {
    const thread = startThread(besideThis('postgres-thread', import.meta.url), data);
    await new Promise<void>((resolve, reject) => {
      thread.once('error', reject);
      thread.once('message', () => resolve());
    });
    return new PostgresCapture(data, pool, thread);
  }

  async accept(request: { body: Uint8Array; actor: string; behaviour: 'rollback' | 'proceed' }): Promise<{ captureID: string }> {
    if (!this.healthy) throw storeBusy();
    await this.checkRoom();
    const captureID = randomUUID();
    await this.keep({ kind: 'document', captureID, ...request });
    return { captureID };
  }

  async captureEvent({ body, actor }: { body: Uint8Array; actor: string }): Promise<Outcome> {
    const answer = await this.ask('event', actor, body);
    if ('outcome' in answer) return answer.outcome;
    throw problemOf(answer);
  }

  async check({ body, actor }: { body: Uint8Array; actor: string }): Promise<string> {
    const answer = await this.ask('check', actor, body);
    if ('verdicts' in answer) return answer.verdicts;
    throw problemOf(answer);
  }

  async record(command: Command, actor: string): Promise<{ done: boolean }> {
    const answer = await this.ask('command', actor, Buffer.from(JSON.stringify(command)));
    if ('done' in answer) return answer;
    throw problemOf(answer);
  }

  async pending(captureID?: string): Promise<PendingJob[]> {
    const { rows } = await this.pool.lend((client) =>
      client.query<PendingJob>(
        `SELECT id, capture_id AS "captureID", actor, behaviour, created FROM intake
         WHERE kind = 'document' AND ($1::text IS NULL OR capture_id = $1) ORDER BY id DESC LIMIT ${QUEUE_MAX}`,
        [captureID ?? null],
      ),
    );
    return rows;
  }

  get waitingNow(): { documents: number; bytes: number; direct: number; refused: number } {
    return { documents: this.waitingIn.number, bytes: this.waitingIn.bytes, direct: this.waiting.size, refused: this.refused };
  }

  async settled(): Promise<void> {
    const last = await this.pool.lend((client) => client.query<{ id: number | null }>('SELECT max(id) AS id FROM intake'));
    for (const id = last.rows[0]?.id ?? null; id !== null; await pause(10)) {
      const left = await this.pool.lend((client) => client.query('SELECT 1 FROM intake WHERE id <= $1 LIMIT 1', [id]));
      if (left.rowCount === 0) return;
    }
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    const ended = new Promise<void>((resolve) => this.thread.once('exit', () => resolve()));
    this.thread.postMessage({ close: true } satisfies PostgresThreadRequest);
    await ended;
    this.look();
    await this.listener?.end().catch(() => {});
    await this.listening;
  }

  // ── taking ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Refuses when too much waits. The count is of all processes, and a little old. */
  private async checkRoom(): Promise<void> {
    const now = Date.now();
    if (now - this.waitingIn.counted > COUNT_MS) {
      this.waitingIn.counted = now;
      const counted = await this.onStore((client) =>
        client.query<{ number: number; bytes: number }>(
          'SELECT count(*) AS number, coalesce(sum(octet_length(body)), 0) AS bytes FROM intake',
        ),
      );
      this.waitingIn = { ...(counted.rows[0] as { number: number; bytes: number }), counted: now };
    }
    if (this.waitingIn.number < QUEUE_MAX && this.waitingIn.bytes < QUEUE_BYTES_MAX) return;
    this.refused++;
    throw new LotlineError('REQ-BUSY', `${this.waitingIn.number} captures are waiting`, { fix: 'Send it again in a little while.' });
  }

  /** Resolves when the row is durable. What comes while one statement runs goes together into the next. */
  private async keep(row: Row): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.keeping.push({ row, resolve, reject });
      if (!this.flushing) void this.flush();
    });
  }

  private async flush(): Promise<void> {
    this.flushing = true;
    while (this.keeping.length > 0) {
      let bytes = 0;
      let count = 0;
      for (const { row } of this.keeping) {
        if (count === KEEP_DOCUMENTS || (count > 0 && bytes + row.body.length > KEEP_BYTES)) break;
        bytes += row.body.length;
        count++;
      }
      const batch = this.keeping.splice(0, count);
      try {
        await this.onStore((client) =>
          insertRows(
            client,
            batch.map(({ row }) => row),
            channelOf(INTAKE_CHANNEL, this.data.store),
          ),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.flushing = false;
  }

  /** Whatever the database has against it, the caller is to come again: nothing of it is lost, at worst it was kept and is met again. */
  private async onStore<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    try {
      return await this.pool.lend(work);
    } catch (error) {
      console.error(`the database did not take it: ${(error as Error).message}`);
      throw storeBusy();
    }
  }

  // ── answers ───────────────────────────────────────────────────────────────────────────────────────────────

  private async ask(kind: 'event' | 'check' | 'command', actor: string, body: Uint8Array): Promise<IntakeAnswer> {
    if (!this.healthy) throw storeBusy();
    await this.checkRoom();
    const captureID = randomUUID();
    const answered = new Promise<IntakeAnswer>((resolve) => this.waiting.set(captureID, resolve));
    const late = new AbortController();
    try {
      await this.keep({ kind, captureID, actor, behaviour: 'rollback', body });
      const answer = await Promise.race([answered, pause(ANSWER_MS, null, { signal: late.signal })]);
      if (answer === null) throw storeBusy();
      return answer;
    } finally {
      late.abort();
      this.waiting.delete(captureID);
    }
  }

  /** Takes answers away as the writer leaves them, until this is closed. */
  private async listen(): Promise<void> {
    while (!this.closing) {
      try {
        this.listener = await connect(this.data.store, { application: 'lotline answers', statementTimeoutMs: 30_000 });
        this.listener.on('notification', () => this.look());
        await this.listener.query(`LISTEN "${channelOf(ANSWER_CHANNEL, this.data.store)}"`);
        while (!this.closing) await this.takeAnswers(this.listener);
      } catch {
        if (!this.closing) await pause(RETRY_MS); // the next try tells whether the database is back
      } finally {
        await this.listener?.end().catch(() => {});
        this.listener = null;
      }
    }
  }

  private async takeAnswers(client: pg.Client): Promise<void> {
    const told = new Promise<void>((resolve) => {
      this.look = resolve;
    });
    if (this.waiting.size > 0) {
      const { rows } = await client.query<{ capture_id: string; answer: string }>({
        name: 'answers',
        text: 'DELETE FROM intake_answer WHERE capture_id = ANY($1) RETURNING capture_id, answer',
        values: [[...this.waiting.keys()]],
      });
      for (const row of rows) this.waiting.get(row.capture_id)?.(JSON.parse(row.answer) as IntakeAnswer);
    }
    await Promise.race([told, pause(LOOK_MS)]);
  }

  private hear(reply: PostgresThreadReply): void {
    if ('healthy' in reply) {
      this.healthy = reply.healthy;
      if (!reply.healthy) console.error(`the database is out of reach or refuses to write, trying again: ${reply.message}`);
    }
  }
}

async function insertRows(client: pg.ClientBase, rows: readonly Row[], channel: string): Promise<void> {
  const values: unknown[] = [channel, Date.now()];
  const tuples = rows.map((row) => {
    const from = values.push(row.kind, row.captureID, row.actor, row.behaviour, row.body) - 4;
    return `($2::bigint, $${from}, $${from + 1}, $${from + 2}, $${from + 3}, $${from + 4}::bytea)`;
  });
  // The statement commits by itself, and the word goes out with it.
  await client.query({
    name: `keep-${rows.length}`,
    text: `WITH kept AS (INSERT INTO intake (created, kind, capture_id, actor, behaviour, body) VALUES ${tuples.join(', ')} RETURNING id)
           SELECT count(*), pg_notify($1, '') FROM kept`,
    values,
  });
}

function problemOf(answer: IntakeAnswer): LotlineError {
  const problem = (answer as { problem: Problem }).problem;
  return new LotlineError(problem.code, problem.title, {
    at: problem.at,
    fix: problem.fix,
    ...(problem.things && { things: problem.things }),
  });
}
