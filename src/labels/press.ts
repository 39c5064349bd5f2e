import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type PoolLimits, ThreadPool } from '../capture/thread-pool.ts';
import { besideThis, ownBuffer } from '../capture/threads.ts';
import { LotlineError, type Problem } from '../errors.ts';
import type { PrintJob } from './print.ts';
import type { SymbolOrder } from './symbol-image.ts';

/** What a thread is asked; labels come through the port, for they are many. */
export type LabelRequest =
  | { kind: 'symbol'; order: SymbolOrder }
  | { kind: 'labels'; job: PrintJob; body: Uint8Array; port: MessagePort; ahead: number };
export type LabelAnswer = { image?: Uint8Array; problems?: Problem[] };
export type FromMaker = { begun: true } | { chunk: Uint8Array } | { end: true };
export type ToMaker = { taken: true };

/** Jobs up to this size, a hundred labels or two, go where symbols go: they never wait for a large one, nor for their own reader. */
const SMALL_BODY = 16 * 1024;
/** Chunks of a large job, of some 64 KiB, that are on their way before one has been taken. */
const AHEAD = 4;
/** Ten thousand labels take half a minute; a slow client may take as long as it goes on. */
const SMALL_LIMITS: PoolLimits = { threads: 1, waiting: 100, waitMs: 10_000, runMs: 60_000, heapMegabytes: 512 };
const LARGE_LIMITS: PoolLimits = { threads: 1, waiting: 4, waitMs: 10_000, runMs: 600_000, heapMegabytes: 512 };

type Wanted = { readonly signal?: AbortSignal };

/** Makes labels beside the main thread: one job large, one small, and few that wait; more are refused with REQ-BUSY. */
export class LabelPress {
  private readonly small: ThreadPool;
  private readonly large: ThreadPool;

  constructor(limits: { small?: Partial<PoolLimits>; large?: Partial<PoolLimits> } = {}) {
    const thread = besideThis('label-thread', import.meta.url);
    this.small = new ThreadPool(thread, null, { ...SMALL_LIMITS, ...limits.small });
    this.large = new ThreadPool(thread, null, { ...LARGE_LIMITS, ...limits.large });
  }

  async symbol(order: SymbolOrder, wanted: Wanted = {}): Promise<Buffer> {
    const { image } = await this.small.ask<LabelAnswer>({ kind: 'symbol', order } satisfies LabelRequest, wanted);
    return Buffer.from(image as Uint8Array);
  }

  /**
   * Labels of a JSON body, made as they are taken: nothing is made ahead of a slow reader but some hundred kilobytes, and nothing any more once
   * the stream is returned. Problems when there are any: then nothing is made. The body is handed over.
   */
  async labels(
    job: PrintJob,
    body: Uint8Array,
    wanted: Wanted = {},
  ): Promise<{ problems: Problem[] } | { chunks: AsyncGenerator<Uint8Array> }> {
    const { port1: port, port2: theirs } = new MessageChannel();
    const mailbox = new Mailbox(port);
    const own = ownBuffer(body);
    const small = body.length <= SMALL_BODY;
    const pool = small ? this.small : this.large;
    const request: LabelRequest = { kind: 'labels', job, body: own, port: theirs, ahead: small ? Number.POSITIVE_INFINITY : AHEAD };
    const done = pool.ask<LabelAnswer>(request, { ...wanted, transfer: [own.buffer, theirs] });
    done.catch((error: unknown) => mailbox.fail(error));
    const first = await Promise.race([mailbox.next(), done]).catch((error: unknown) => {
      port.close();
      throw error;
    });
    if ('problems' in first) {
      port.close();
      return { problems: first.problems as Problem[] };
    }
    return { chunks: chunksOf(mailbox, port) };
  }

  async close(): Promise<void> {
    await Promise.all([this.small.close(), this.large.close()]);
  }
}

async function* chunksOf(mailbox: Mailbox, port: MessagePort): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const message = await mailbox.next();
      if ('end' in message) return;
      if (!('chunk' in message)) continue;
      yield message.chunk;
      port.postMessage({ taken: true } satisfies ToMaker);
    }
  } finally {
    port.close();
  }
}

/** Messages in their order; the failure of the sender, or its silence for good, behind them. */
class Mailbox {
  private readonly messages: FromMaker[] = [];
  private failure: unknown = null;
  private wake = () => {};

  constructor(port: MessagePort) {
    port.on('message', (message: FromMaker) => {
      this.messages.push(message);
      this.wake();
    });
    port.on('close', () =>
      this.fail(new LotlineError('REQ-BUSY', 'the labels were not taken in time', { fix: 'Ask again, and read on.' })),
    );
  }

  fail(error: unknown): void {
    this.failure ??= error;
    this.wake();
  }

  async next(): Promise<FromMaker> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      if (this.failure !== null) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
