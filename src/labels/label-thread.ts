import { type MessagePort, parentPort } from 'node:worker_threads';
import { answerPool } from '../capture/thread-pool.ts';
import { standBack } from '../capture/threads.ts';
import type { LabelAnswer, LabelRequest, ToMaker } from './press.ts';
import { checkLabels, printLabels, readLabels } from './print.ts';
import { symbolImage } from './symbol-image.ts';

/** Makes symbols and labels, one request after the other. */
standBack('long questions');

/** A client that takes nothing for so long holds up the others. */
const STALL_MS = 30_000;

answerPool(parentPort!, async (request: LabelRequest): Promise<LabelAnswer> => {
  if (request.kind === 'symbol') return { image: symbolImage(request.order) };
  const { job, body, port, ahead } = request;
  try {
    const labels = readLabels(body, job.format);
    const problems = checkLabels(job, labels);
    if (problems.length > 0) return { problems };
    await send(port, ahead, printLabels(job, labels));
    return {};
  } finally {
    port.close();
  }
});

/** Hands chunks on as fast as they are taken; stops when nobody takes them any more. */
async function send(port: MessagePort, ahead: number, chunks: Iterable<Buffer>): Promise<void> {
  const reader = new Reader(port, ahead);
  port.postMessage({ begun: true });
  for (const chunk of chunks) {
    const bytes = new Uint8Array(chunk); // of its own, so that it is handed over and not copied again
    port.postMessage({ chunk: bytes }, [bytes.buffer]);
    if (!(await reader.mayGoOn())) return;
  }
  port.postMessage({ end: true });
}

class Reader {
  private credit: number;
  private gone = false;
  private wake = () => {};

  constructor(port: MessagePort, ahead: number) {
    this.credit = ahead;
    port.on('message', (message: ToMaker) => {
      if ('taken' in message) this.credit++;
      this.wake();
    });
    port.on('close', () => {
      this.gone = true;
      this.wake();
    });
  }

  /** False when the one who reads has gone, or stands still for too long. */
  async mayGoOn(): Promise<boolean> {
    this.credit--;
    // Its messages are heard between two chunks even where there is credit left: one of them may be that it has gone.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const stalled = Date.now() + STALL_MS;
    while (this.credit <= 0 && !this.gone && Date.now() < stalled) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, stalled - Date.now());
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.credit > 0 && !this.gone;
  }
}
