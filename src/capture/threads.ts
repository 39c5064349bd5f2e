import { readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { pathToFileURL } from 'node:url';
import { type MessagePort, Worker } from 'node:worker_threads';
import { LotlineError, type Problem } from '../errors.ts';
import { asDamage } from '../store/sqlite/damage.ts';

/**
 * Starts a thread of this program. Sources run through tsx, which a thread has to ask for itself and takes its time, unless LOTLINE_BUILT names a folder
 * where they stand built, as in tests; the built program runs as it is.
 */
export function startThread(url: URL, workerData: unknown, more: { heapMegabytes?: number } = {}): Worker {
  const options = {
    workerData,
    ...(more.heapMegabytes !== undefined && { resourceLimits: { maxOldGenerationSizeMb: more.heapMegabytes } }),
  };
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options);
  const built = process.env['LOTLINE_BUILT'];
  if (built !== undefined) {
    const place = url.href.slice(new URL('..', import.meta.url).href.length).replace(/\.ts$/, '.js');
    return new Worker(new URL(place, pathToFileURL(`${built}/`)), options);
  }
  const tsx = new URL('dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))).href;
  const start = `import { register } from ${JSON.stringify(tsx)}; register(); await import(${JSON.stringify(url.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), { ...options, execArgv: [] });
}

/** The first word of a thread: it is ready, or why it never will be. An error that is thrown across threads loses all but its message. */
export type FirstWord = { ready: true } | { cannot: Problem };

/** In a thread: does what has to be done before it is ready. Where the store does not let it, that is its last word, too. */
export async function prepare<T>(port: MessagePort, file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const told = asRefusal(file, asDamage(file, error));
    if (!(told instanceof LotlineError)) throw error;
    port.postMessage({ cannot: told.toProblem() } satisfies FirstWord);
    return process.exit(); // of this thread
  }
}

/** What SQLite says of a disk that is full or that it may not write to. */
function asRefusal(file: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error;
  return new LotlineError('REQ-BUSY', `The store ${file} cannot be opened (${message})`, {
    fix: 'Make room, or let this program write there, and start it again.',
  });
}

/** Waits for the first word of a thread. */
export async function ready(thread: Worker): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (word: FirstWord) => {
      if ('cannot' in word) reject(fromProblem(word.cannot));
      else resolve();
    });
  });
}

/** A problem that another thread told, as the error that it was. */
export function fromProblem(problem: Problem): LotlineError {
  return new LotlineError(problem.code, problem.title, {
    at: problem.at,
    fix: problem.fix,
    ...(problem.things && { things: problem.things }),
    ...(problem.unmet && { unmet: problem.unmet }),
  });
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
