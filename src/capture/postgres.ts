import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type pg from 'pg';
import { LotlineError, type Problem } from '../errors.ts';
import { beatName } from '../store/postgres/lock.ts';
import { connect, hangUp, isPostgresFault, PostgresPool } from '../store/postgres/open.ts';
import type { Outcome } from './capturer.ts';
import { QUEUE_LIMITS, type QueueLimits } from './embedded.ts';
import { RETRY_MS, storeBusy } from './group.ts';
import type { Expectation, ShipmentTerms } from './outcome.ts';
import {
  ANSWER_CHANNEL,
  CHANGE_CHANNEL,
  channelOf,
  formatGuarded,
  formatShipment,
  INTAKE_CHANNEL,
  type IntakeAnswer,
  type PostgresThreadData,
  type PostgresThreadReply,
  type PostgresThreadRequest,
  WRITER_TIMES,
  type WriterTimes,
} from './postgres-messages.ts';
import type { Acceptance, Asked, CaptureService, Change, KeptChange, PendingJob } from './service.ts';
import { besideThis, startThread } from './threads.ts';

/** How old a count of what waits may be; counting takes a tenth of the time at most, and longer when much that was deleted is in its way. */
const COUNT_MS = 250;
const COUNT_SHARE = 10;
/** Documents put down with one statement, in number and bytes. */
const KEEP_DOCUMENTS = 200;
const KEEP_BYTES = 8 * 1024 * 1024;
/** PostgreSQL holds no more in a field, and takes no larger message. */
const BODY_BYTES_MAX = 1_000_000_000;
/** Connections over which this process puts into the intake and looks what waits there, and how long a statement of theirs may take. */
const TAKING = { application: 'lotline intake', connections: 4, statementTimeoutMs: 30_000 };
/** Answers are fetched over one more. */
const ANSWERS_STATEMENT_MS = 30_000;
/** Without a word from the writer, answers are looked for this often all the same while somebody waits; and else so often, as a sign of life. */
const LOOK_MS = 500;
const BEAT_MS = 2_000;
/** How long a stop waits for the group in hand. One that is cut off then is folded by whoever writes next. */
const CLOSE_MS = 12_000;

type Kind = 'document' | 'event' | 'guarded' | 'check' | 'shipment' | 'command';
type Row = {
  readonly kind: Kind;
  readonly captureID: string;
  readonly actor: string;
  readonly behaviour: 'rollback' | 'proceed';
  readonly body: Uint8Array;
};
type Keeping = { readonly row: Row; readonly resolve: () => void; readonly reject: (error: unknown) => void };
type Waiting = { readonly kind: Kind; readonly resolve: (answer: IntakeAnswer) => void };

/**
 * Capture into PostgreSQL, from any number of processes: each takes documents into the table `intake`, where the one writer finds them, be it this
 * process or another. A thread of this process waits for the writer's lock and folds while it has it (postgres-thread.ts). Single events, dry runs
 * and commands go the same way, and the writer leaves their answers in `intake_answer`.
 *
 * Who is told to come back (REQ-BUSY) because a connection broke may have been served all the same: then a document or event that is sent again is met
 * again, and stores nothing twice.
 */
export class PostgresCapture implements CaptureService {
  healthy = true;
  private readonly data: PostgresThreadData;
  private readonly limits: QueueLimits;
  private readonly pool: PostgresPool;
  private thread: Worker | null = null;
  private readonly keeping: Keeping[] = [];
  private flushing = false;
  private readonly waiting = new Map<string, Waiting>();
  /** Answers that were told to who waited, and are not taken out of the store yet. */
  private told: string[] = [];
  private look: () => void = () => {};
  private readonly listeners: ((what: Change) => void)[] = [];
  private refused = 0;
  private waitingIn = { number: 0, bytes: 0, until: 0 };
  /** The database took the last thing that it was asked to take. */
  private takes = true;
  private closing = false;
  private listening: Promise<void> = Promise.resolve();

  private constructor(data: PostgresThreadData, limits: QueueLimits) {
    this.data = data;
    this.limits = limits;
    this.pool = new PostgresPool(data.store, TAKING);
  }

  static async open(
    data: Omit<PostgresThreadData, 'member' | 'times'>,
    more: { limits?: Partial<QueueLimits> | undefined; times?: Partial<WriterTimes> | undefined } = {},
  ): Promise<PostgresCapture> {
    const member = randomBytes(6).toString('hex');
    const times = { ...WRITER_TIMES, ...more.times };
    const capture = new PostgresCapture({ ...data, member, times }, { ...QUEUE_LIMITS, ...more.limits });
    await capture.start();
    capture.listening = capture.listen();
    return capture;
  }

  async accept({ body, actor, behaviour, captureID = randomUUID() }: Acceptance): Promise<{ captureID: string }> {
    if (!this.healthy) throw storeBusy();
    await this.checkRoom(body.length);
    await this.keep({ kind: 'document', captureID, actor, behaviour, body });
    return { captureID };
  }

  async captureEvent({ body, actor, expect }: { body: Uint8Array; actor: string; expect?: Expectation }): Promise<Outcome> {
    const answer =
      expect === undefined ? await this.ask('event', actor, body) : await this.ask('guarded', actor, formatGuarded(body, expect));
    if ('outcome' in answer) return answer.outcome;
    throw problemOf(answer);
  }

  async check({ body, actor, shipment }: { body: Uint8Array; actor: string; shipment?: ShipmentTerms }): Promise<string> {
    const { checks } = this.limits;
    const running = [...this.waiting.values()].filter(({ kind }) => kind === 'check' || kind === 'shipment').length;
    if (running >= checks) throw this.full(`${checks} dry runs are waiting`);
    const answer = await (shipment === undefined
      ? this.ask('check', actor, body)
      : this.ask('shipment', actor, formatShipment(body, shipment)));
    if ('verdicts' in answer) return answer.verdicts;
    throw problemOf(answer);
  }

  async record(command: Asked | KeptChange, actor: string): Promise<{ done: boolean }> {
    const answer = await this.ask('command', actor, Buffer.from(JSON.stringify(command)));
    if ('done' in answer) return answer;
    throw problemOf(answer);
  }

  onChange(listener: (what: Change) => void): void {
    this.listeners.push(listener);
  }

  private changed(what: Change): void {
    for (const listener of this.listeners) listener(what);
  }

  async pending(captureID?: string): Promise<PendingJob[]> {
    const { rows } = await this.onStore((client) =>
      client.query<PendingJob>(
        `SELECT id, capture_id AS "captureID", actor, behaviour, created FROM intake
         WHERE kind = 'document' AND ($1::text IS NULL OR capture_id = $1) ORDER BY id DESC LIMIT $2`,
        [captureID ?? null, this.limits.documents],
      ),
    );
    return rows;
  }

  get waitingNow(): { documents: number; bytes: number; direct: number; refused: number } {
    return { documents: this.waitingIn.number, bytes: this.waitingIn.bytes, direct: this.waiting.size, refused: this.refused };
  }

  async settled(): Promise<void> {
    const last = await this.onStore((client) => client.query<{ id: number | null }>('SELECT max(id) AS id FROM intake'));
    for (const id = last.rows[0]?.id ?? null; id !== null; await pause(10)) {
      const left = await this.onStore((client) => client.query('SELECT 1 FROM intake WHERE id <= $1 LIMIT 1', [id]));
      if (left.rowCount === 0) return;
    }
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    const { thread } = this;
    if (thread !== null) {
      const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
      thread.postMessage({ close: true } satisfies PostgresThreadRequest);
      await Promise.race([ended, pause(CLOSE_MS, undefined, { ref: false })]);
      await thread.terminate();
    }
    this.look();
    await this.listening;
    await this.pool.close();
  }

  // ── the writer's thread ───────────────────────────────────────────────────────────────────────────────────

  /** Starts the thread, and again should it fail: what it had in hand is in the intake. */
  private async start(): Promise<void> {
    const thread = startThread(besideThis('postgres-thread', import.meta.url), this.data);
    this.thread = thread;
    thread.on('message', (reply: PostgresThreadReply) => this.hear(reply));
    thread.on('error', (error) => console.error(`the capture thread failed: ${error.stack ?? error.message}`));
    await new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('exit', () => {
        reject(new Error('the capture thread did not start'));
        this.thread = null;
        this.healthy = false;
        if (!this.closing) setTimeout(() => this.restart(), RETRY_MS);
      });
    });
  }

  private restart(): void {
    if (!this.closing) this.start().catch((error: Error) => console.error(error.message));
  }

  private hear(reply: PostgresThreadReply): void {
    this.healthy = 'ready' in reply || reply.healthy;
    if ('message' in reply) console.error(`the database is out of reach or refuses to write, trying again: ${reply.message}`);
  }

  // ── taking ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Refuses when too much waits, besides one document, which always has room. The count is of all processes, and a little old. */
  private async checkRoom(length: number): Promise<void> {
    if (length > BODY_BYTES_MAX)
      throw new LotlineError('REQ-LIMIT', `the document has more than ${BODY_BYTES_MAX} bytes, and the database takes no more`, {
        fix: 'Send it in smaller parts.',
      });
    const now = performance.now();
    if (now > this.waitingIn.until) {
      this.waitingIn.until = now + COUNT_MS;
      const counted = await this.onStore((client) =>
        client.query<{ number: number; bytes: number }>(
          'SELECT count(*) AS number, coalesce(sum(octet_length(body)), 0) AS bytes FROM intake',
        ),
      );
      const until = now + Math.max(COUNT_MS, (performance.now() - now) * COUNT_SHARE);
      this.waitingIn = { ...(counted.rows[0] as { number: number; bytes: number }), until };
    }
    const { number, bytes } = this.waitingIn;
    if (number >= this.limits.documents) throw this.full(`${number} captures are waiting`);
    if (number > 0 && bytes + length > this.limits.bytes) throw this.full(`captures of ${bytes} bytes are waiting`);
  }

  private full(what: string): LotlineError {
    this.refused++;
    return new LotlineError('REQ-BUSY', what, { fix: 'Send it again in a little while.' });
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
        const rows = batch.map(({ row }) => row);
        await this.onStore((client) => insertRows(client, rows, channelOf(INTAKE_CHANNEL, this.data.store)));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Those behind would find the same; nobody is to wait for one time limit after the other.
        for (const { reject } of [...batch, ...this.keeping.splice(0)]) reject(error);
      }
    }
    this.flushing = false;
  }

  /** What the database has against it now passes, and the caller is to come again. */
  private async onStore<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    try {
      const answer = await this.pool.lend(work);
      this.takes = true;
      return answer;
    } catch (error) {
      if (!isPostgresFault(error) && !(error instanceof LotlineError)) throw error;
      if (this.takes)
        console.error(
          `the database does not take it: ${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message}`,
        );
      this.takes = false;
      throw storeBusy();
    }
  }

  // ── answers ───────────────────────────────────────────────────────────────────────────────────────────────

  private async ask(kind: Exclude<Kind, 'document'>, actor: string, body: Uint8Array): Promise<IntakeAnswer> {
    if (!this.healthy) throw storeBusy();
    const { direct, answerMs } = this.limits;
    if (this.waiting.size >= direct) throw this.full(`${direct} requests wait for the fold`);
    const captureID = randomUUID();
    const late = new AbortController();
    const answered = new Promise<IntakeAnswer>((resolve) => this.waiting.set(captureID, { kind, resolve }));
    if (this.waiting.size === 1) this.look(); // answers are looked for more often from now on
    const asked = async () => {
      await this.checkRoom(body.length);
      await this.keep({ kind, captureID, actor, behaviour: 'rollback', body });
      return await answered;
    };
    try {
      const answer = await Promise.race([asked(), pause(answerMs, null, { signal: late.signal })]);
      if (answer !== null) return answer;
      throw new LotlineError('REQ-BUSY', `it was not folded within ${answerMs / 1000} s`, {
        fix: 'Send it again in a little while: an event that was stored all the same is not stored twice.',
      });
    } finally {
      late.abort();
      this.waiting.delete(captureID);
    }
  }

  /** Fetches answers as the writer leaves them, until this is closed. */
  private async listen(): Promise<void> {
    const { store, member } = this.data;
    while (!this.closing) {
      let client: pg.Client | undefined;
      try {
        client = await connect(store, { application: beatName(member), statementTimeoutMs: ANSWERS_STATEMENT_MS });
        client.on('notification', ({ channel, payload }) => {
          if (channel === channelOf(ANSWER_CHANNEL, store)) this.look();
          else this.changed(payload as Change);
        });
        for (const channel of [ANSWER_CHANNEL, CHANGE_CHANNEL]) await client.query(`LISTEN "${channelOf(channel, store)}"`);
        for (const what of ['captured', 'kept'] as const) this.changed(what); // while nobody listened
        while (!this.closing) await this.fetchAnswers(client);
      } catch {
        if (!this.closing) await pause(RETRY_MS); // the next try tells whether the database is back
      } finally {
        if (client !== undefined) await hangUp(client);
      }
    }
  }

  /** An answer goes out of the store when the one after it is fetched: a reply that is lost on the way to us can be asked for again. */
  private async fetchAnswers(client: pg.Client): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.look = resolve;
    });
    const { told } = this;
    const { rows } = await client.query<{ capture_id: string; answer: string }>({
      name: 'answers',
      text: `WITH gone AS (DELETE FROM intake_answer WHERE capture_id = ANY($2))
             SELECT capture_id, answer FROM intake_answer WHERE capture_id = ANY($1)`,
      values: [[...this.waiting.keys()], told],
    });
    this.told = rows.map((row) => row.capture_id);
    for (const row of rows) {
      this.waiting.get(row.capture_id)?.resolve(JSON.parse(row.answer) as IntakeAnswer);
      this.waiting.delete(row.capture_id);
    }
    if (this.told.length === 0 || this.waiting.size > 0)
      await Promise.race([woken, pause(this.waiting.size > 0 ? LOOK_MS : BEAT_MS, undefined, { ref: false })]);
  }
}

async function insertRows(client: pg.ClientBase, rows: readonly Row[], channel: string): Promise<void> {
  const values: unknown[] = [channel];
  const tuples = rows.map((row) => {
    const from = values.push(row.kind, row.captureID, row.actor, row.behaviour, row.body) - 4;
    return `((extract(epoch FROM clock_timestamp()) * 1000)::bigint, $${from}, $${from + 1}, $${from + 2}, $${from + 3}, $${from + 4}::bytea)`;
  });
  // The statement commits by itself, and the word goes out with it.
  await client.query({
    name: `keep-${rows.length}`,
    text: `WITH kept AS (INSERT INTO intake (created, kind, capture_id, actor, behaviour, body) VALUES ${tuples.join(', ')}
                        ON CONFLICT (capture_id) DO NOTHING RETURNING id)
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
    ...(problem.unmet && { unmet: problem.unmet }),
  });
}
