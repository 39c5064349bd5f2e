import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type PoolLimits, ThreadPool } from './thread-pool.ts';

const LIMITS: PoolLimits = { threads: 1, waiting: 10, waitMs: 10_000, runMs: 10_000, heapMegabytes: 16 };
let pool: ThreadPool;
afterEach(() => pool.close());

/** A thread that does what a request says: `sleep` waits, `spin` never ends, `fill` takes memory without end, `block` cannot be stopped. */
const THREAD = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { openSync, readSync } from 'node:fs';
    import { parentPort, threadId } from 'node:worker_threads';
    const list = [];
    parentPort.on('message', async ({ what, ms = 0, value }) => {
      if (what === 'sleep') await new Promise((resolve) => setTimeout(resolve, ms));
      if (what === 'spin') for (;;);
      if (what === 'fill') for (;;) list.push({ list: [list.length] });
      if (what === 'block') readSync(openSync(value, 'r'), Buffer.alloc(1));
      if (what === 'throw') throw new Error('as told');
      parentPort.postMessage({ answer: { value, threadId } });
    });
    parentPort.postMessage({ ready: true });`)}`,
);

const open = (limits: Partial<PoolLimits> = {}) => {
  pool = new ThreadPool(THREAD, null, { ...LIMITS, ...limits });
};
const ask = (request: object, signal?: AbortSignal) => pool.ask<{ value: number; threadId: number }>(request, signal ? { signal } : {});
const complex = expect.objectContaining({ code: 'QRY-COMPLEX' });
const busy = expect.objectContaining({ code: 'REQ-BUSY' });

describe('a pool of threads', () => {
  it('answers each request, in order, and starts another thread only when all have work', async () => {
    open({ threads: 2 });
    const first = await ask({ value: 1 });
    const [third, fourth] = await Promise.all([ask({ what: 'sleep', ms: 50, value: 3 }), ask({ value: 4 })]);
    expect([first, third, fourth].map(({ value }) => value)).toEqual([1, 3, 4]);
    expect(third.threadId).toBe(first.threadId);
    expect(fourth.threadId).not.toBe(first.threadId);
  });

  it('lets so many wait and refuses the next', async () => {
    open({ waiting: 2 });
    const taken = [0, 1, 2].map((value) => ask({ what: 'sleep', ms: 20, value }));
    expect(pool.waiting).toBe(2);
    await expect(ask({})).rejects.toEqual(busy);
    expect((await Promise.all(taken)).map(({ value }) => value)).toEqual([0, 1, 2]);
    expect((await ask({ value: 3 })).value).toBe(3);
    expect(pool.refused).toBe(1);
  });

  it('refuses what no thread could begin in time, and goes on with the rest', async () => {
    open({ waitMs: 50 });
    const long = ask({ what: 'sleep', ms: 300, value: 1 });
    await expect(ask({})).rejects.toEqual(busy);
    expect((await long).value).toBe(1);
    expect(pool.waiting).toBe(0);
  });
});

describe('a request that asks for too much', () => {
  it('of time fails alone: who waits behind it is answered by another thread', async () => {
    open({ runMs: 300 });
    const [endless, behind] = await Promise.allSettled([ask({ what: 'spin' }), ask({ value: 1 })]);
    expect(endless).toEqual({ status: 'rejected', reason: complex });
    expect(behind).toMatchObject({ value: { value: 1 } });
    expect(pool.overruns).toBe(1);
  });

  it('of memory fails alone too', async () => {
    open();
    const [endless, behind] = await Promise.allSettled([ask({ what: 'fill' }), ask({ value: 1 })]);
    expect(endless).toEqual({ status: 'rejected', reason: complex });
    expect(behind).toMatchObject({ value: { value: 1 } });
    expect(pool.overruns).toBe(1);
  });

  it('and cannot be stopped is left to itself, but no more of them than there are threads', async () => {
    open({ runMs: 100 });
    const folder = mkdtempSync(join(tmpdir(), 'lotline-pool-'));
    // A pipe that somebody holds open: who reads from it waits in the kernel, where nothing of Node's reaches, until there is a byte for each.
    const door = join(folder, 'door');
    execFileSync('mkfifo', [door]);
    const held = openSync(door, 'r+');
    await expect(ask({ what: 'block', value: door })).rejects.toEqual(complex);
    await expect(ask({ what: 'block', value: door })).rejects.toEqual(complex);
    // Both threads are still in their statements: a third is not begun before one of them has ended.
    const late = ask({ value: 1 });
    expect(pool.waiting).toBe(1);
    writeSync(held, 'ab');
    expect((await late).value).toBe(1);
    await pool.close();
    closeSync(held);
    rmSync(folder, { recursive: true });
  });

  it('and ends its thread by a fault is answered as a fault of this program, and the next is answered', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    open();
    await expect(ask({ what: 'throw' })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(errors).toHaveBeenCalledOnce();
    errors.mockRestore();
    expect((await ask({ value: 1 })).value).toBe(1);
  });
});

describe('a request that nobody waits for any more', () => {
  it('is not begun when it has not been yet', async () => {
    open();
    const gone = new AbortController();
    const first = ask({ what: 'sleep', ms: 100, value: 1 });
    const second = ask({ what: 'spin' }, gone.signal);
    gone.abort();
    await expect(second).rejects.toEqual(busy);
    expect(pool.waiting).toBe(0);
    const [{ threadId }, after] = [await first, await ask({ value: 2 })];
    expect(after).toEqual({ value: 2, threadId });
    await expect(ask({}, gone.signal)).rejects.toEqual(busy);
  });

  it.each(['runs', 'is starting'])('stops soon when its thread %s', async (state) => {
    open({ runMs: 60_000 });
    const gone = new AbortController();
    if (state === 'runs') await ask({ value: 1 });
    const endless = ask({ what: 'spin' }, gone.signal);
    gone.abort();
    await expect(endless).rejects.toEqual(busy);
    expect((await ask({ value: 2 })).value).toBe(2);
  });
});
