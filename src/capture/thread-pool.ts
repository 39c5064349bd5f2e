import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { LotlineError, type Problem } from '../errors.ts';
import { ownsMemory, startThread } from './threads.ts';

export type PoolLimits = {
  /** Threads at most; each is started when there is work and the others have theirs. */
  readonly threads: number;
  /** Requests that may wait for a thread; more are refused with REQ-BUSY. */
  readonly waiting: number;
  /** A request that no thread could begin within this many ms is refused with REQ-BUSY. */
  readonly waitMs: number;
  /** A request may keep a thread this many ms; then its thread is ended, and it alone fails, with QRY-COMPLEX. */
  readonly runMs: number;
  /** Objects of one thread, in megabytes; a request that takes more fails like one that takes too long. */
  readonly heapMegabytes: number;
};

type PoolReply = { ready: true } | { answer: unknown } | { problem: Problem };
type Job = {
  readonly request: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: LotlineError) => void;
  timer: NodeJS.Timeout | undefined;
  abandoned: boolean;
};

/** A thread that is not ready after this time will never be: its module cannot be loaded, or its store not be opened. */
const START_MS = 30_000;
/** A request that nobody waits for any more may go on for this long: ending a thread costs more than a short question. */
const ABANDONED_MS = 1_000;

/**
 * Threads that answer requests, each one after the other; what waits for them is bounded by number and by time. A thread that cannot be
 * stopped at once, because the engine is amid a statement, is left to itself and another takes its place; there are never more such than threads.
 */
export class ThreadPool {
  /** Requests refused since the start, and threads ended because a request took too long or too much. */
  refused = 0;
  overruns = 0;
  private readonly limits: PoolLimits;
  private readonly begin: () => Worker;
  private readonly idle: Worker[] = [];
  private readonly ready = new WeakSet<Worker>();
  private readonly busy = new Map<Worker, Job>();
  private readonly ending = new Set<Worker>();
  private readonly queue = new Set<Job>();
  private closed = false;

  constructor(url: URL, workerData: unknown, limits: PoolLimits) {
    this.limits = limits;
    this.begin = () => startThread(url, workerData, limits);
  }

  /** Requests that wait for a thread. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Sends a request to a thread. Once `signal` aborts, nobody waits for the answer: the promise rejects, and the work stops soon. */
  async ask<Answer>(request: unknown, more: { transfer?: readonly Transferable[]; signal?: AbortSignal } = {}): Promise<Answer> {
    const { transfer = [], signal } = more;
    if (signal?.aborted) throw abandoned();
    if (this.closed || (this.queue.size >= this.limits.waiting && !this.mayRun()))
      throw this.refuse('too many requests wait for an answer');
    return await new Promise<Answer>((resolve, reject) => {
      const abort = () => this.abandon(job);
      const settled = () => {
        clearTimeout(job.timer);
        signal?.removeEventListener('abort', abort);
      };
      const job: Job = {
        request,
        transfer,
        resolve: (answer) => {
          settled();
          resolve(answer as Answer);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
        timer: undefined,
        abandoned: false,
      };
      signal?.addEventListener('abort', abort);
      this.queue.add(job);
      this.work();
      if (this.queue.has(job)) job.timer = setTimeout(() => this.giveUp(job), this.limits.waitMs);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const job of [...this.queue, ...this.busy.values()]) {
      job.reject(new LotlineError('REQ-BUSY', 'the service is stopping', { fix: 'Ask again when it runs.' }));
    }
    this.queue.clear();
    await Promise.all([...this.idle, ...this.busy.keys(), ...this.ending].map((worker) => worker.terminate()));
  }

  private mayRun(): boolean {
    const { threads } = this.limits;
    const alive = this.busy.size + this.idle.length;
    return this.idle.length > 0 || (alive < threads && alive + this.ending.size < 2 * threads);
  }

  private work(): void {
    for (const job of this.queue) {
      if (this.closed || !this.mayRun()) return;
      this.queue.delete(job);
      const worker = this.idle.pop() ?? this.start();
      this.busy.set(worker, job);
      this.give(worker, job, this.ready.has(worker) ? this.limits.runMs : START_MS);
      worker.postMessage(job.request, job.transfer);
    }
  }

  private start(): Worker {
    const worker = this.begin();
    worker.on('message', (reply: PoolReply) => this.hear(worker, reply));
    worker.on('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') console.error(`a thread of lotline failed: ${error.stack ?? error.message}`);
      this.lose(worker, error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooComplex('more memory than one request may take') : failed());
    });
    worker.on('exit', () => {
      this.ending.delete(worker);
      this.lose(worker, failed());
    });
    return worker;
  }

  private hear(worker: Worker, reply: PoolReply): void {
    const job = this.busy.get(worker);
    if (job === undefined) return; // of a thread that is being ended
    if ('ready' in reply) {
      this.ready.add(worker);
      if (!job.abandoned) this.give(worker, job, this.limits.runMs);
      return;
    }
    this.busy.delete(worker);
    this.idle.push(worker);
    clearTimeout(job.timer); // of a request that was abandoned
    if ('problem' in reply) {
      const { code, title, at, fix, things } = reply.problem;
      job.reject(new LotlineError(code, title, { at, fix, ...(things && { things }) }));
    } else job.resolve(reply.answer);
    this.work();
  }

  /** A thread that is gone, or has to go: its request fails, the others do not notice. */
  private lose(worker: Worker, error: LotlineError): void {
    const job = this.busy.get(worker);
    this.busy.delete(worker);
    const at = this.idle.indexOf(worker);
    if (at >= 0) this.idle.splice(at, 1);
    if (job !== undefined) {
      clearTimeout(job.timer);
      if (error.code === 'QRY-COMPLEX') this.overruns++;
      job.reject(error);
    }
    this.work();
  }

  /** From now on, so much time. */
  private give(worker: Worker, job: Job, ms: number): void {
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.overrun(worker), ms);
  }

  private overrun(worker: Worker): void {
    this.ending.add(worker);
    void worker.terminate(); // an open read transaction goes with it
    this.lose(worker, tooComplex(`more than ${this.limits.runMs / 1000} s`));
  }

  private giveUp(job: Job): void {
    if (this.queue.delete(job)) job.reject(this.refuse(`no thread was free for ${this.limits.waitMs / 1000} s`));
  }

  private abandon(job: Job): void {
    job.abandoned = true;
    job.reject(abandoned());
    if (this.queue.delete(job)) return;
    for (const [worker, running] of this.busy) if (running === job) this.give(worker, job, Math.min(ABANDONED_MS, this.limits.runMs));
  }

  private refuse(what: string): LotlineError {
    this.refused++;
    return new LotlineError('REQ-BUSY', what, { fix: 'Ask again in a little while.' });
  }
}

/** The other side: answers the requests that a pool sends to this thread. An answer's own buffers are handed over, not copied. */
export function answerPool<Request>(port: MessagePort, work: (request: Request) => Promise<unknown>): void {
  const answerOne = async (request: Request) => {
    try {
      const answer = await work(request);
      port.postMessage({ answer } satisfies PoolReply, buffersOf(answer));
    } catch (error) {
      if (!(error instanceof LotlineError)) console.error(error);
      port.postMessage({ problem: (error instanceof LotlineError ? error : failed()).toProblem() } satisfies PoolReply);
    }
  };
  port.on('message', (request: Request) => void answerOne(request));
  port.postMessage({ ready: true } satisfies PoolReply);
}

/** The bytes of an answer, or of its members, where they do not share their memory with others (Node's pool of small buffers does). */
function buffersOf(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return [];
  const parts = answer instanceof Uint8Array ? [answer] : Object.values(answer).filter((part) => part instanceof Uint8Array);
  return parts.filter(ownsMemory).map((part) => part.buffer as ArrayBuffer);
}

const tooComplex = (what: string) =>
  new LotlineError('QRY-COMPLEX', `the request takes ${what}`, {
    fix: 'Ask for less: a thing or lot further down, fewer values, a smaller page, a shorter time.',
  });
const failed = () => new LotlineError('INTERNAL', 'the request could not be answered', { fix: 'Report it with the request.' });
const abandoned = () => new LotlineError('REQ-BUSY', 'the one who asked has gone', { fix: 'Ask again.' });
