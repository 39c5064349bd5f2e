import { createHmac, randomBytes } from 'node:crypto';
import type { CaptureService } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import type { VerificationRow } from '../store/rows.ts';

/** What has not been put down yet; beyond it requests are refused, so that none is answered and forgotten. */
const WAITING_MAX = 20_000;
/** Rows of one batch, and how long the first of them waits for others: as much is lost when the process is killed. */
const BATCH = 500;
export const BATCH_MS = 250;
const COUNT_MAX = 1_000_000_000;
/** A store that refuses to write is tried again after this long. */
const RETRY_MS = 1_000;

/** Puts requests down through the one writer, in batches, behind their answers. */
export class VerificationLog {
  private readonly capture: CaptureService;
  private readonly secret: Uint8Array;
  private readonly after: (rows: readonly VerificationRow[], serials: readonly string[]) => Promise<void>;
  private waiting: { row: VerificationRow; serial: string }[] = [];
  private count = 0;
  private readonly tail = randomBytes(6).toString('hex');
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> = Promise.resolve();
  private closing = false;

  /** `after` is called with each batch once it is stored, the serial numbers beside it in clear. */
  constructor(
    capture: CaptureService,
    secret: Uint8Array,
    after: (rows: readonly VerificationRow[], serials: readonly string[]) => Promise<void>,
  ) {
    this.capture = capture;
    this.secret = secret;
    this.after = after;
  }

  /** Refuses to go on when too much waits: what cannot be put down is not answered. */
  expectRoom(): void {
    if (this.waiting.length >= WAITING_MAX)
      throw new LotlineError('REQ-BUSY', 'it could not be checked: verifications wait to be put down', {
        fix: 'Ask again in a little while.',
      });
  }

  put(row: Omit<VerificationRow, 'id'>, serial: string): void {
    // In the order in which they came, as far as one process goes.
    const count = String(this.count++ % COUNT_MAX).padStart(9, '0');
    const id = `${String(row.at).padStart(13, '0')}-${count}-${this.tail}`;
    this.waiting.push({ row: { id, ...row }, serial });
    if (this.waiting.length >= BATCH) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Of a text that is not to stand in the log, as a serial number that did not match. `what` it is, such as its product, keeps equal texts apart. */
  hash(what: string, text: string): string {
    return createHmac('sha256', this.secret).update(`${what}\n${text}`).digest('hex');
  }

  /** Waits until everything that was put here before is stored. */
  async settled(): Promise<void> {
    this.flush();
    await this.flushing;
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.settled();
  }

  private flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.flushing = this.flushing.then(() => this.write());
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, BATCH);
      const rows = batch.map(({ row }) => row);
      try {
        await this.capture.record({ kind: 'put-verifications', rows }, 'lotline');
      } catch (error) {
        console.error(`verifications could not be put down: ${(error as Error).message}`);
        if (this.closing) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      this.waiting.splice(0, batch.length);
      try {
        await this.after(
          rows,
          batch.map(({ serial }) => serial),
        );
      } catch (error) {
        console.error(`verifications could not be looked over: ${(error as Error).message}`);
      }
    }
  }
}
