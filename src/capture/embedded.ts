import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { LotlineError } from '../errors.ts';
import { INTAKE_FILE, openForReading } from '../store/sqlite/open.ts';
import type { CaptureReply, CaptureRequest, CaptureThreadData } from './capture-thread.ts';
import type { Outcome } from './capturer.ts';
import type { IntakeReply, IntakeRequest } from './intake-thread.ts';
import type { Expectation, ShipmentTerms } from './outcome.ts';
import type { Acceptance, Asked, CaptureService, Change, KeptChange, PendingJob } from './service.ts';
import { besideThis, fromProblem, ownBuffer, ready, startThread } from './threads.ts';

export type QueueLimits = {
  /** Documents that may wait to be folded, in number and bytes; more are refused with REQ-BUSY. */
  readonly documents: number;
  readonly bytes: number;
  /** Single events and commands that may wait for their answer, and dry runs, which hold up the fold and store nothing. */
  readonly direct: number;
  readonly checks: number;
  /** How long one of those waits before its sender is told to come back, ms. What has not been begun by then is dropped. */
  readonly answerMs: number;
};

/** As much as is folded in some minutes; on disk, so the bytes bound the disk and not the memory. */
export const QUEUE_LIMITS: QueueLimits = { documents: 10_000, bytes: 1024 * 1024 * 1024, direct: 1_000, checks: 16, answerMs: 60_000 };

type Waiting<T> = { resolve: (value: T) => void; reject: (error: LotlineError) => void };
/** `job` is null while it is being written down; `kept` resolves when that is done. */
type Queued = { readonly bytes: number; job: PendingJob | null; kept: Promise<void> };

/**
 * Capture into an embedded store: the intake thread keeps documents, the capture thread owns the journal and folds. This side only
 * passes buffers and remembers who waits for what. One instance a folder.
 */
export class EmbeddedCapture implements CaptureService {
  healthy = true;
  private readonly intake: Worker;
  private readonly thread: Worker;
  private readonly intakeGone: Promise<void>;
  private readonly threadGone: Promise<void>;
  private readonly waiting = new Map<number, Waiting<never>>();
  /** What is taken and not folded yet, by captureID. */
  private readonly queued = new Map<string, Queued>();
  private queuedBytes = 0;
  private direct = 0;
  private checks = 0;
  private refused = 0;
  private settling: (() => void)[] = [];
  private readonly listeners: ((what: Change) => void)[] = [];
  private next = 1;
  private closing = false;
  private readonly folder: string;
  private readonly limits: QueueLimits;

  private constructor(folder: string, intake: Worker, thread: Worker, limits: QueueLimits) {
    this.folder = folder;
    this.limits = limits;
    this.intake = intake;
    this.thread = thread;
    const gone = (worker: Worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.intakeGone = gone(intake);
    this.threadGone = gone(thread);
    intake.on('message', (reply: IntakeReply) => this.hearIntake(reply));
    thread.on('message', (reply: CaptureReply) => this.hearThread(reply));
    for (const worker of [intake, thread]) {
      worker.on('error', (error) => {
        this.healthy = false;
        console.error(`a thread of lotline failed: ${error.stack ?? error.message}`);
        for (const waiting of this.waiting.values()) waiting.reject(stopped());
        this.waiting.clear();
      });
    }
  }

  static async open(data: CaptureThreadData, limits: Partial<QueueLimits> = {}): Promise<EmbeddedCapture> {
    const intake = startThread(besideThis('intake-thread', import.meta.url), { file: join(data.folder, INTAKE_FILE) });
    await ready(intake); // the capture thread reads the intake's file, so that must be there first
    const thread = startThread(besideThis('capture-thread', import.meta.url), data);
    try {
      await ready(thread);
    } catch (error) {
      await intake.terminate();
      throw error;
    }
    const capture = new EmbeddedCapture(data.folder, intake, thread, { ...QUEUE_LIMITS, ...limits });
    for (const { bytes, ...job } of capture.leftOver()) capture.enqueue(job.captureID, { bytes, job, kept: Promise.resolve() });
    return capture;
  }

  async accept(request: Acceptance): Promise<{ captureID: string }> {
    const { captureID = randomUUID() } = request;
    const before = this.queued.get(captureID);
    if (before !== undefined) {
      await before.kept;
      return { captureID };
    }
    if (!this.healthy) throw busy();
    const { documents, bytes } = this.limits;
    if (this.queued.size >= documents) throw this.full(`${documents} captures are waiting`);
    // One document always has room, however large it may be.
    if (this.queued.size > 0 && this.queuedBytes + request.body.length > bytes)
      throw this.full(`captures of ${this.queuedBytes} bytes are waiting`);
    const queued: Queued = { bytes: request.body.length, job: null, kept: Promise.resolve() };
    this.enqueue(captureID, queued);
    queued.kept = this.keep(queued, { ...request, captureID });
    await queued.kept;
    return { captureID };
  }

  private async keep(queued: Queued, { captureID, actor, behaviour, body: sent }: Required<Acceptance>): Promise<void> {
    const created = Date.now();
    const body = ownBuffer(sent);
    try {
      const id = await this.ask<number>((keep) =>
        this.intake.postMessage({ keep, captureID, actor, behaviour, created, body } satisfies IntakeRequest, [body.buffer]),
      );
      queued.job = { id, captureID, actor, behaviour, created };
    } catch (error) {
      this.ended([captureID]);
      throw error;
    }
    this.thread.postMessage({ wake: true } satisfies CaptureRequest);
  }

  async captureEvent({ actor, expect, ...request }: { body: Uint8Array; actor: string; expect?: Expectation }): Promise<Outcome> {
    const body = ownBuffer(request.body);
    return await this.askSoon((event, until) =>
      this.send({ event, until, captureID: randomUUID(), body, actor, ...(expect && { expect }) }, [body.buffer]),
    );
  }

  async check(request: { body: Uint8Array; actor: string; shipment?: ShipmentTerms }): Promise<string> {
    if (this.checks >= this.limits.checks) throw this.full(`${this.limits.checks} dry runs are waiting`);
    const body = ownBuffer(request.body);
    this.checks++;
    try {
      return await this.askSoon((check, until) =>
        this.send({ check, until, body, actor: request.actor, terms: request.shipment ?? null }, [body.buffer]),
      );
    } finally {
      this.checks--;
    }
  }

  async record(command: Asked | KeptChange, actor: string): Promise<{ done: boolean }> {
    return { done: await this.askSoon<boolean>((record, until) => this.send({ record, until, command, actor })) };
  }

  onChange(listener: (what: Change) => void): void {
    this.listeners.push(listener);
  }

  private changed(what: Change): void {
    for (const listener of this.listeners) listener(what);
  }

  async pending(captureID?: string): Promise<PendingJob[]> {
    const jobs = captureID === undefined ? [...this.queued.values()] : [this.queued.get(captureID)];
    return jobs.flatMap((queued) => queued?.job ?? []).sort((a, b) => b.id - a.id);
  }

  get waitingNow(): { documents: number; bytes: number; direct: number; refused: number } {
    return { documents: this.queued.size, bytes: this.queuedBytes, direct: this.direct, refused: this.refused };
  }

  /** What an earlier run took and did not get to fold. */
  private leftOver(): (PendingJob & { bytes: number })[] {
    const db = openForReading(join(this.folder, INTAKE_FILE), { cacheMegabytes: 1 });
    try {
      return db
        .prepare('SELECT id, capture_id AS captureID, actor, behaviour, created, length(body) AS bytes FROM document')
        .all() as (PendingJob & {
        bytes: number;
      })[];
    } finally {
      db.close();
    }
  }

  async settled(): Promise<void> {
    while (this.queued.size > 0) await new Promise<void>((resolve) => this.settling.push(resolve));
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.send({ close: true });
    await this.threadGone;
    this.intake.postMessage({ close: true } satisfies IntakeRequest);
    await this.intakeGone;
  }

  private full(what: string): LotlineError {
    this.refused++;
    return new LotlineError('REQ-BUSY', what, { fix: 'Send it again in a little while.' });
  }

  private enqueue(captureID: string, queued: Queued): void {
    this.queued.set(captureID, queued);
    this.queuedBytes += queued.bytes;
  }

  private send(request: CaptureRequest, transfer: ArrayBuffer[] = []): void {
    this.thread.postMessage(request, transfer);
  }

  private async ask<T>(post: (id: number) => void): Promise<T> {
    const id = this.next++;
    return await new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject } as Waiting<never>);
      post(id);
    });
  }

  /** Asks the capture thread for what somebody waits for. */
  private async askSoon<T>(post: (id: number, until: number) => void): Promise<T> {
    if (!this.healthy) throw busy();
    const { direct, answerMs } = this.limits;
    if (this.direct >= direct) throw this.full(`${direct} requests wait for the fold`);
    this.direct++;
    let late: NodeJS.Timeout | undefined;
    try {
      return await this.ask<T>((id) => {
        // The thread drops what it meets after `until`; what it has begun by then ends without anybody waiting for it.
        late = setTimeout(() => this.fail(id, tooLate(answerMs)), answerMs);
        post(id, Date.now() + answerMs);
      });
    } finally {
      clearTimeout(late);
      this.direct--;
    }
  }

  private hearIntake(reply: IntakeReply): void {
    if ('kept' in reply) this.answer(reply.kept, reply.id);
    else if ('failed' in reply) this.fail(reply.failed, busy());
  }

  private hearThread(reply: CaptureReply): void {
    if ('ended' in reply) {
      this.intake.postMessage({ forget: reply.ended } satisfies IntakeRequest);
      this.ended(reply.ended);
      this.changed('captured');
    } else if ('answer' in reply) {
      if ('problem' in reply) this.fail(reply.answer, fromProblem(reply.problem));
      else if ('outcome' in reply) {
        this.answer(reply.answer, reply.outcome);
        this.changed('captured');
      } else if ('verdicts' in reply) this.answer(reply.answer, reply.verdicts);
      else {
        this.answer(reply.answer, reply.done);
        if (reply.kept) this.changed('kept'); // also where nobody waits for the answer any more
      }
    } else if ('healthy' in reply) {
      this.healthy = reply.healthy;
      if (!reply.healthy) console.error(`the store refuses to write, trying again: ${reply.message}`);
    }
  }

  private ended(captureIDs: readonly string[]): void {
    for (const id of captureIDs) {
      this.queuedBytes -= this.queued.get(id)?.bytes ?? 0;
      this.queued.delete(id);
    }
    if (this.queued.size > 0) return;
    const waiting = this.settling;
    this.settling = [];
    for (const resolve of waiting) resolve();
  }

  private answer(id: number, value: unknown): void {
    this.waiting.get(id)?.resolve(value as never);
    this.waiting.delete(id);
  }

  private fail(id: number, error: LotlineError): void {
    this.waiting.get(id)?.reject(error);
    this.waiting.delete(id);
  }
}

function busy(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the store cannot take anything now', { fix: 'Try again in a little while; reading goes on.' });
}

function tooLate(ms: number): LotlineError {
  return new LotlineError('REQ-BUSY', `it was not folded within ${ms / 1000} s`, {
    fix: 'Send it again in a little while: an event that was stored all the same is not stored twice.',
  });
}

function stopped(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the capture thread has stopped', {
    fix: 'Restart the service; what was answered 202 is kept and goes on then.',
  });
}
