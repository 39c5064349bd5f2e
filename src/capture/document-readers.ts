import { type ReadingName, readings } from './reading.ts';
import { type PoolLimits, ThreadPool } from './thread-pool.ts';
import { besideThis, ownBuffer } from './threads.ts';

export type ReadingRequest = { name: ReadingName; body: Uint8Array; options: unknown };
type Options<Name extends ReadingName> = Parameters<(typeof readings)[Name]>[1];
/** What was told of a document, and the document. */
type Read<Name extends ReadingName> = ReturnType<(typeof readings)[Name]> & { body: Uint8Array };

/** Documents up to this size are read at once, in a millisecond or two: a thread would take them no sooner. */
export const READ_HERE_MAX = 16 * 1024;

/**
 * One thread reads faster than the fold takes. What waits is in memory, so the budget of bodies bounds it; a document that cannot be read in
 * half a minute is none.
 */
export const READING_LIMITS: PoolLimits = { threads: 1, waiting: 500, waitMs: 20_000, runMs: 30_000, heapMegabytes: 1_024 };

/** Reads documents where it holds up nobody. */
export class DocumentReaders {
  private readonly threads: ThreadPool;

  constructor(limits: Partial<PoolLimits> = {}) {
    this.threads = new ThreadPool(besideThis('reading-thread', import.meta.url), null, { ...READING_LIMITS, ...limits });
  }

  /** The bytes are handed over, and given back with the answer: whoever goes on with the document takes those. */
  async read<Name extends ReadingName>(
    name: Name,
    body: Uint8Array,
    options: Options<Name>,
    wanted: { signal?: AbortSignal } = {},
  ): Promise<Read<Name>> {
    if (body.length <= READ_HERE_MAX) {
      const read = readings[name] as (body: Uint8Array, options: Options<Name>) => ReturnType<(typeof readings)[Name]>;
      return { ...read(body, options), body };
    }
    const own = ownBuffer(body);
    return await this.threads.ask({ name, body: own, options } satisfies ReadingRequest, { ...wanted, transfer: [own.buffer] });
  }

  get figures(): { readonly waiting: number; readonly refused: number; readonly overruns: number } {
    return this.threads;
  }

  async close(): Promise<void> {
    await this.threads.close();
  }
}
