import { setTimeout as pause } from 'node:timers/promises';
import type { CaptureService } from '../capture/service.ts';
import type { Readers } from '../query/readers.ts';
import type { TurnTaker } from './turns.ts';
import { signatureOf, type WebhookOptions, Webhooks } from './webhook.ts';

/** Findings are looked for as soon as something was captured, and this often beside: acts of people are told by no capture. */
const LOOK_MS = 2_000;
/** After a page that was not taken: twice as long each time. */
const RETRY_MS = { first: 1_000, last: 60_000 };
const PAGES = 20;
/** Who acts when the program itself does. */
const SYSTEM = 'system';

export type PagerParts = {
  readonly readers: Readers;
  readonly capture: CaptureService;
  /** Where pages go, and the secret with which they are signed; nothing is paged where it is null. */
  readonly url: string | null;
  readonly token: string | null;
  readonly webhooks: WebhookOptions;
  readonly agent: string;
  readonly log: (line: string) => void;
  readonly retryMs?: { readonly first: number; readonly last: number };
};

/**
 * Pages people about patient safety (domain.md §21): every finding of that severity is sent to one address until it is taken, and then it is on record
 * that it was. What has not been taken is found again after a restart, so that no page is lost; one may come twice, under the same idempotency key.
 * Nothing mutes it.
 */
export class Pager implements TurnTaker {
  private readonly parts: PagerParts;
  private readonly webhooks: Webhooks;
  private turn: AbortController | null = null;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => {};

  constructor(parts: PagerParts) {
    this.parts = parts;
    this.webhooks = new Webhooks(parts.webhooks);
    parts.capture.onChange(() => this.wake());
  }

  begin(): void {
    if (this.parts.url === null || this.turn !== null) return;
    const turn = new AbortController();
    this.turn = turn;
    this.running = this.run(turn.signal);
  }

  async pause(): Promise<void> {
    this.turn?.abort();
    this.turn = null;
    this.wake();
    await this.running;
  }

  async close(): Promise<void> {
    await this.pause();
    this.webhooks.close();
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { first, last } = this.parts.retryMs ?? RETRY_MS;
    let wait = first;
    while (!signal.aborted) {
      try {
        await this.pageAll(signal);
        wait = first;
        await this.rest(LOOK_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.parts.log(`a page was not taken, and is sent again: ${(error as Error).message}`);
        await pause(wait, undefined, { ref: false, signal }).catch(() => {});
        wait = Math.min(2 * wait, last);
      }
    }
  }

  /** Until something changes, or this long. */
  private async rest(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref();
      signal.addEventListener('abort', done);
      this.wake = done;
    });
  }

  private async pageAll(signal: AbortSignal): Promise<void> {
    for (;;) {
      const due = await this.parts.readers.look('duePages', { limit: PAGES });
      for (const { id, code, seq } of due) {
        await this.send(id, signal);
        await this.parts.capture.record({ kind: 'edit-finding', code, seq, record: { paged: new Date().toISOString() } }, SYSTEM);
      }
      if (due.length < PAGES || signal.aborted) return;
    }
  }

  private async send(id: number, signal: AbortSignal): Promise<void> {
    const { readers, url, token, agent } = this.parts;
    const [finding] = (await readers.look('findings', { id, limit: 1 })).list;
    if (finding === undefined || url === null) return;
    const body = Buffer.from(JSON.stringify({ type: 'patient-safety', finding }));
    const headers = {
      'content-type': 'application/json',
      'user-agent': agent,
      'idempotency-key': `page-${finding.code}-${id}`,
      ...(token !== null && { 'gs1-signature': signatureOf(token, body, Math.floor(Date.now() / 1000)) }),
    };
    const status = await this.webhooks.post({ dest: url, headers, body }, signal);
    if (status < 200 || status > 299) throw new Error(`the pager answered ${status}`);
  }
}
