import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { LotlineError, type Problem } from '../errors.ts';
import { INTAKE_FILE, openForReading } from '../store/sqlite/open.ts';
import type { CaptureReply, CaptureRequest, CaptureThreadData } from './capture-thread.ts';
import type { EventVerdict, Outcome } from './capturer.ts';
import type { IntakeReply, IntakeRequest } from './intake-thread.ts';
import type { CaptureService, Command, PendingJob } from './service.ts';
import { besideThis, ownBuffer, startThread } from './threads.ts';

export { besideThis, startThread };

/** Documents that may wait to be folded; more are answered 503 with Retry-After. */
export const QUEUE_MAX = 10_000;

type Waiting<T> = { resolve: (value: T) => void; reject: (error: LotlineError) => void };

/**
 * Capture into an embedded store: the intake thread keeps documents, the capture thread owns the journal and folds. This side only
 * passes buffers and remembers who waits for what. One instance a folder.
 */
export class EmbeddedCapture implements CaptureService {
  healthy = true;
  private readonly intake: Worker;
  private readonly thread: Worker;
  private readonly waiting = new Map<number, Waiting<never>>();
  /** What is taken and not folded yet, by captureID; null while it is being written down. */
  private readonly queued = new Map<string, PendingJob | null>();
  private settling: (() => void)[] = [];
  private next = 1;
  private closing = false;
  private readonly folder: string;

  private constructor(folder: string, intake: Worker, thread: Worker) {
    this.folder = folder;
    this.intake = intake;
    this.thread = thread;
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

  static async open(data: CaptureThreadData): Promise<EmbeddedCapture> {
    const intake = startThread(besideThis('intake-thread', import.meta.url), { file: join(data.folder, INTAKE_FILE) });
    await ready(intake); // the capture thread reads the intake's file, so that must be there first
    const thread = startThread(besideThis('capture-thread', import.meta.url), data);
    await ready(thread);
    const capture = new EmbeddedCapture(data.folder, intake, thread);
    for (const job of capture.leftOver()) capture.queued.set(job.captureID, job);
    return capture;
  }

  async accept(request: { body: Uint8Array; actor: string; behaviour: 'rollback' | 'proceed' }): Promise<{ captureID: string }> {
    if (!this.healthy) throw busy();
    if (this.queued.size >= QUEUE_MAX)
      throw new LotlineError('REQ-BUSY', `${QUEUE_MAX} captures are waiting`, { fix: 'Send it again in a little while.' });
    const captureID = randomUUID();
    this.queued.set(captureID, null);
    const { actor, behaviour } = request;
    const created = Date.now();
    const body = ownBuffer(request.body);
    try {
      const id = await this.ask<number>((keep) =>
        this.intake.postMessage({ keep, captureID, actor, behaviour, created, body } satisfies IntakeRequest, [body.buffer as ArrayBuffer]),
      );
      // It may have been folded before this word came.
      if (this.queued.has(captureID)) this.queued.set(captureID, { id, captureID, actor, behaviour, created });
    } catch (error) {
      this.ended([captureID]);
      throw error;
    }
    this.thread.postMessage({ wake: true } satisfies CaptureRequest);
    return { captureID };
  }

  async captureEvent(request: { body: Uint8Array; actor: string }): Promise<Outcome> {
    if (!this.healthy) throw busy();
    const body = ownBuffer(request.body);
    return await this.ask((event) =>
      this.send({ event, captureID: randomUUID(), body, actor: request.actor }, [body.buffer as ArrayBuffer]),
    );
  }

  async check(request: { body: Uint8Array; actor: string }): Promise<EventVerdict[]> {
    const body = ownBuffer(request.body);
    return await this.ask((check) => this.send({ check, body, actor: request.actor }, [body.buffer as ArrayBuffer]));
  }

  async record(command: Command, actor: string): Promise<{ done: boolean }> {
    return { done: await this.ask<boolean>((record) => this.send({ record, command, actor })) };
  }

  async pending(): Promise<PendingJob[]> {
    return [...this.queued.values()].filter((job) => job !== null).sort((a, b) => b.id - a.id);
  }

  /** What an earlier run took and did not get to fold. */
  private leftOver(): PendingJob[] {
    const db = openForReading(join(this.folder, INTAKE_FILE), { cacheMegabytes: 1 });
    try {
      return db.prepare('SELECT id, capture_id AS captureID, actor, behaviour, created FROM document').all() as PendingJob[];
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
    const exit = (worker: Worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const threadDone = exit(this.thread);
    this.send({ close: true });
    await threadDone;
    const intakeDone = exit(this.intake);
    this.intake.postMessage({ close: true } satisfies IntakeRequest);
    await intakeDone;
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

  private hearIntake(reply: IntakeReply): void {
    if ('kept' in reply) this.answer(reply.kept, reply.id);
    else if ('failed' in reply) this.fail(reply.failed, busy());
  }

  private hearThread(reply: CaptureReply): void {
    if ('ended' in reply) {
      this.intake.postMessage({ forget: reply.forget } satisfies IntakeRequest);
      this.ended(reply.forget);
    } else if ('answer' in reply) {
      if ('problem' in reply) this.fail(reply.answer, fromProblem(reply.problem));
      else if ('outcome' in reply) this.answer(reply.answer, reply.outcome);
      else if ('verdicts' in reply) this.answer(reply.answer, reply.verdicts);
      else this.answer(reply.answer, reply.done);
    } else if ('healthy' in reply) {
      this.healthy = reply.healthy;
      if (!reply.healthy) console.error(`the store refuses to write, trying again: ${reply.message}`);
    }
  }

  private ended(captureIDs: readonly string[]): void {
    for (const id of captureIDs) this.queued.delete(id);
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

/** A thread's first word is that it is ready. */
async function ready(thread: Worker): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', () => resolve());
  });
}

function fromProblem(problem: Problem): LotlineError {
  return new LotlineError(problem.code, problem.title, {
    at: problem.at,
    fix: problem.fix,
    ...(problem.things && { things: problem.things }),
  });
}

function busy(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the store cannot take anything now', { fix: 'Try again in a little while; reading goes on.' });
}

function stopped(): LotlineError {
  return new LotlineError('REQ-BUSY', 'the capture thread has stopped', {
    fix: 'Restart the service; what was answered 202 is kept and goes on then.',
  });
}
