import { readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Starts a thread of this program. Sources run through tsx, which a thread has to ask for itself; the built program runs as it is. */
export function startThread(url: URL, workerData: unknown, more: { heapMegabytes?: number } = {}): Worker {
  const options = {
    workerData,
    ...(more.heapMegabytes !== undefined && { resourceLimits: { maxOldGenerationSizeMb: more.heapMegabytes } }),
  };
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options);
  const tsx = new URL('dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))).href;
  const start = `import { register } from ${JSON.stringify(tsx)}; register(); await import(${JSON.stringify(url.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), { ...options, execArgv: [] });
}

/** The name of a module beside this one, in the form this program runs in. */
export const besideThis = (name: string, here: string): URL => new URL(`./${name}${here.endsWith('.ts') ? '.ts' : '.js'}`, here);

/**
 * Lets this thread stand back behind the others of the process where there are fewer cores than work: what somebody waits for in milliseconds
 * comes before what takes seconds anyhow. On Linux a thread has a priority of its own; elsewhere all have the same.
 */
export function standBack(work: 'folding' | 'long questions'): void {
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(id, work === 'folding' ? 5 : 10);
  } catch {
    // no Linux, or not allowed to
  }
}

/** Bytes that may be handed to another thread: themselves, or a copy where they share their memory with others, as Node's small buffers do. */
export function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return (ownsMemory(bytes) ? bytes : new Uint8Array(bytes)) as Uint8Array<ArrayBuffer>;
}

export const ownsMemory = (bytes: Uint8Array): boolean => bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
