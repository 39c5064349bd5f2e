import { randomUUID } from 'node:crypto';
import type { Problem } from '../../errors.ts';
import type { Sending, Spool, SpooledDocument } from '../../store/sqlite/spool.ts';
import { formatReceipt } from '../receipt.ts';
import { putTogether } from './together.ts';
import { LinkFault, type Refusal, type Upstream } from './upstream.ts';

/** One call upstream: as large as what is read before the answer there, so that what is wrong is told at once. */
const TOGETHER_BYTES = 1000 * 1024;
const TOGETHER_DOCUMENTS = 1_000;
/** Documents taken this far apart go apart: the receipt tells one time for all. */
const TOGETHER_MS = 60_000;
/** Calls that upstream keeps and has not folded yet. */
const AHEAD = 16;
const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 1_000;
/** Where nothing is to be sent, the link and the clock are looked at so often. */
const PROBE_MS = 30_000;
const RETRY_FIRST_MS = 250;
export const RETRY_MAX_MS = 30_000;
/** What became of a document can be asked for so long after it was captured. */
const OUTCOME_KEPT_MS = 7 * 86_400_000;
const FORGET_AT_ONCE = 5_000;

export type Link = {
  readonly up: boolean;
  readonly since: number;
  readonly lastError: { readonly at: number; readonly message: string } | null;
};
type Options = { spool: Spool; upstream: Upstream; name: string; stopping: AbortSignal; retryMaxMs?: number; log: (line: string) => void };

/**
 * Takes what waits in the spool upstream, oldest first, as long as the link carries. A call is written down before it is made, under an id of its own:
 * when its answer is lost, upstream is first asked for that id, and then sent the same again under it, so that nothing is captured twice. Documents are
 * handed over in the order in which they were taken; how each call ended is learned behind, and one that is refused does not hold up the others.
 */
export class Forwarder {
  link: Link = { up: false, since: Date.now(), lastError: null };
  private readonly options: Options;
  /** Kept upstream and not folded there, as far as we know. */
  private ahead: Sending[] = [];
  /** Written down, and not known to be kept upstream. */
  private unsure: Sending[] = [];
  private failures = 0;
  private wakeSender: () => void = () => {};
  private wakeFollower: () => void = () => {};

  constructor(options: Options) {
    this.options = options;
  }

  /** Something waits that did not before. */
  wake(): void {
    this.wakeSender();
  }

  /** Runs until it is told to stop. */
  async run(): Promise<void> {
    const left = this.options.spool.sendings();
    this.ahead = left.filter(({ accepted }) => accepted);
    this.unsure = left.filter(({ accepted }) => !accepted);
    await Promise.all([this.send(), this.follow()]);
  }

  private async send(): Promise<void> {
    let idle = false;
    while (!this.stopped) {
      const woken = new Promise<void>((resolve) => {
        this.wakeSender = resolve;
      });
      try {
        if (!this.link.up || idle) await this.options.upstream.probe();
        this.heard();
        idle = !(await this.sendSome());
        if (!idle) continue;
        this.options.spool.forget(Date.now() - OUTCOME_KEPT_MS, FORGET_AT_ONCE);
        idle = !(await this.rest(PROBE_MS, woken));
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  /** False when there is nothing to send, or upstream has enough in hand. */
  private async sendSome(): Promise<boolean> {
    const [first] = this.unsure;
    if (first !== undefined) {
      if ((await this.options.upstream.job(first.captureID)) === null) await this.hand(first);
      else this.accepted(first, first.captureID);
      this.unsure.shift();
      return true;
    }
    if (this.ahead.length >= AHEAD) return false;
    const documents = this.nextTogether();
    const [oldest] = documents;
    if (oldest === undefined) return false;
    // One document keeps its name upstream, so that it is found there by the id that the line was told; unless a refused capture has it there.
    const captureID = documents.length === 1 && !oldest.refusedBefore ? oldest.captureID : randomUUID();
    const sending = this.options.spool.begin(captureID, documents);
    this.unsure.push(sending);
    await this.hand(sending);
    this.unsure.shift();
    return true;
  }

  private nextTogether(): SpooledDocument[] {
    const waiting = this.options.spool.next(TOGETHER_DOCUMENTS);
    const [first] = waiting;
    if (first === undefined || first.envelope === null || first.behaviour === 'proceed') return waiting.slice(0, 1);
    let bytes = 0;
    const end = waiting.findIndex((document, i) => {
      bytes += document.length;
      const joins = document.envelope === first.envelope && document.behaviour === first.behaviour;
      return i > 0 && (!joins || bytes > TOGETHER_BYTES || Math.abs(document.received - first.received) > TOGETHER_MS);
    });
    return end < 0 ? waiting : waiting.slice(0, end);
  }

  private async hand(sending: Sending): Promise<void> {
    const { spool, upstream, name } = this.options;
    const last = sending.documents.at(-1);
    if (last === undefined) return;
    const bodies = sending.documents.map((document) => spool.bodyOf(document) as Uint8Array);
    const answer = await upstream.capture({
      body: putTogether(bodies),
      behaviour: last.behaviour,
      captureID: sending.captureID,
      receipt: formatReceipt({ name, received: last.received, offsetMs: upstream.clock.ms ?? 0 }),
    });
    if ('captureID' in answer) this.accepted(sending, answer.captureID);
    else await this.refused(sending, answer);
  }

  private accepted(sending: Sending, captureID: string): void {
    this.ahead.push(this.options.spool.name(sending, captureID, true));
    this.wakeFollower();
  }

  private async refused(sending: Sending, refusal: Refusal): Promise<void> {
    if (refusal.at !== CAPTURE_ID) return this.settleRefused(sending, refusal.errors);
    // Another key of ours has used the id: it cannot be told whether that was this document. Upstream knows its events.
    const renamed = this.options.spool.name(sending, randomUUID(), false);
    // Where the link breaks now, it is this id that has to be asked for: under the other one stands somebody else's.
    this.unsure[0] = renamed;
    await this.hand(renamed);
  }

  /** Documents that are named by an error, or all where none is named, travel alone from now on; one that already did is refused. */
  private settleRefused(sending: Sending, errors: readonly (Problem & { index?: number })[]): void {
    const { spool, log } = this.options;
    const { documents } = sending;
    if (documents.length === 1) {
      spool.refuse(sending, errors, Date.now());
      log(`refused upstream: capture ${documents[0]?.captureID}, ${errors[0]?.title ?? 'no reason told'} (see /refused)`);
      return;
    }
    const named = new Set(errors.flatMap(({ index }) => (index === undefined ? [] : [documentOf(documents, index)])));
    spool.takeApart(sending, named.size > 0 ? named : new Set(documents.map(({ id }) => id)));
    this.wakeSender();
  }

  /** Learns how calls ended, oldest first. */
  private async follow(): Promise<void> {
    let pause = POLL_FIRST_MS;
    while (!this.stopped) {
      const [oldest] = this.ahead;
      if (oldest === undefined) {
        const woken = new Promise<void>((resolve) => {
          this.wakeFollower = resolve;
        });
        await this.rest(PROBE_MS, woken);
        continue;
      }
      try {
        const job = await this.options.upstream.job(oldest.captureID);
        this.heard();
        if (job?.running === true) {
          await this.rest(pause);
          pause = Math.min(pause * 1.5, POLL_MAX_MS);
          continue;
        }
        pause = POLL_FIRST_MS;
        if (job === null) this.lost(oldest);
        else if (job.success) this.options.spool.captured(oldest, Date.now());
        else this.settleRefused(oldest, job.errors);
        this.ahead.shift();
        this.wakeSender();
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  /** Upstream kept it and does not know it any more: its store was put back, or we have another key. It knows the events that it has. */
  private lost(sending: Sending): void {
    this.options.log(`upstream does not know capture ${sending.captureID} any more: it is sent again`);
    this.options.spool.takeApart(sending, new Set());
  }

  private heard(): void {
    this.failures = 0;
    if (!this.link.up) this.link = { ...this.link, up: true, since: Date.now() };
  }

  /** Waits as long as is fit after a fault of the link, of upstream, or of our own disk. */
  private async failed(error: unknown): Promise<void> {
    if (this.stopped) return;
    const { message } = error as Error;
    const up = error instanceof LinkFault && !error.busy ? false : this.link.up;
    this.link = {
      up,
      since: up === this.link.up ? this.link.since : Date.now(),
      lastError: { at: Date.now(), message },
    };
    if (!(error instanceof LinkFault)) this.options.log(`forwarding failed, trying again: ${message}`);
    const most = this.options.retryMaxMs ?? RETRY_MAX_MS;
    const backOff = Math.min(RETRY_FIRST_MS * 2 ** Math.min(this.failures++, 20), most) * (0.5 + Math.random() / 2);
    await this.rest(Math.max(backOff, error instanceof LinkFault ? error.waitMs : 0));
  }

  private get stopped(): boolean {
    return this.options.stopping.aborted;
  }

  /** Waits; true when something else came first. A stop ends every wait. */
  private async rest(ms: number, woken?: Promise<void>): Promise<boolean> {
    const { stopping } = this.options;
    let end = () => {};
    const waited = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      const stop = () => resolve(true);
      stopping.addEventListener('abort', stop, { once: true });
      if (stopping.aborted) stop();
      end = () => {
        clearTimeout(timer);
        stopping.removeEventListener('abort', stop);
      };
    });
    try {
      return await (woken === undefined ? waited : Promise.race([waited, woken.then(() => true)]));
    } finally {
      end();
    }
  }
}

const CAPTURE_ID = 'Lotline-Capture-ID';

/** The document that an event of the whole came in. */
function documentOf(documents: readonly SpooledDocument[], index: number): number {
  let first = 0;
  for (const { id, events } of documents) {
    first += events;
    if (index < first) return id;
  }
  return (documents.at(-1) as SpooledDocument).id;
}
