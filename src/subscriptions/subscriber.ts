import { setTimeout as pause } from 'node:timers/promises';
import { parseQueryBody } from '../epcis/query/index.ts';
import { LotlineError, type Problem } from '../errors.ts';
import type { Readers } from '../query/readers.ts';
import type { Report } from '../query/report.ts';
import type { Gate } from './gate.ts';
import { failed, halved, type Progress, type Run, taken, WELL } from './progress.ts';
import { nextTime, parseSchedule, type Schedule } from './schedule.ts';
import { parseInitialRecordTime, type Subscription } from './subscription.ts';

/** Bytes of one message, unless a single event has more. */
const MESSAGE_BYTES = 1024 * 1024;
/** Without a word that something was captured, it is looked all the same after this time; and clocks are set right meanwhile. */
const LOOK_MS = 30_000;
/** What is full now is asked again after this time. */
const BUSY_MS = 1_000;
/** After so many entries without anything to tell, or so long, it is noted how far they were looked at: a restart does not begin with them again. */
const NOTE_ENTRIES = 10_000;
const NOTE_MS = 60_000;

/** What is told to a client at once. */
export type Message = {
  /** The same for the same events, however often they are sent. */
  readonly id: string;
  readonly kind: 'events' | 'problem';
  readonly count: number;
  readonly body: Uint8Array;
};

/** Who is told. */
export interface Recipient {
  /** Asked before each message: whether the subscription is there, and told by nobody else meanwhile. */
  stands(version: number): Promise<boolean>;
  /** Resolves when the client has taken the message, or asks for smaller ones; throws why it has not. */
  take(message: Message): Promise<'taken' | 'smaller'>;
  /** Keeps how far the client was told. False: it is not ours to tell any more. */
  note(state: { version: number; next: number; progress: Progress }): Promise<boolean>;
}

export type SubscriberParts = {
  readonly readers: Pick<Readers, 'ask'>;
  readonly recipient: Recipient;
  /** Whether who has subscribed may still read. */
  readonly mayRead: (actor: string) => Promise<boolean>;
  /** So many reports are made at once for all subscribers: questions of people have room beside them. */
  readonly reports: Gate;
  readonly clock: () => number;
  readonly random: () => number;
  readonly log: (line: string) => void;
};

/**
 * Tells one subscription what it asked for, one message after the other: the next begins when the one before was taken and that was noted. So the order
 * holds, nothing is left out, and what was taken is not sent again; only where an answer was lost, or its note, the same message comes twice.
 */
export class Subscriber {
  private readonly subscription: Subscription;
  private readonly parts: SubscriberParts;
  private readonly schedule: Schedule | null;
  private next: number;
  private version: number;
  private progress: Progress;
  private noted: { readonly next: number; readonly at: number };
  private stopped = false;
  private woken = false;
  private rouse: () => void = () => {};
  /** Resolves when nothing is told any more. */
  readonly done: Promise<void>;

  constructor(subscription: Subscription, parts: SubscriberParts) {
    this.subscription = subscription;
    this.parts = parts;
    const { timing } = subscription.terms;
    this.schedule = 'schedule' in timing ? parseSchedule(timing.schedule, '/schedule') : null;
    this.next = subscription.next;
    this.version = subscription.version;
    this.progress = subscription.progress;
    this.noted = { next: this.next, at: parts.clock() };
    this.done = this.serve();
  }

  /** Why it ended, if it has. */
  get endedBecause(): string | null {
    return this.progress.ended;
  }

  get failing(): boolean {
    return this.progress.failures > 0;
  }

  /** Something was captured. */
  wake(): void {
    this.woken = true;
    this.rouse();
  }

  /** Begins nothing any more. */
  stop(): void {
    this.stopped = true;
    this.rouse();
  }

  private async serve(): Promise<void> {
    while (!this.stopped && this.progress.ended === null) {
      this.woken = false;
      try {
        if (await this.step()) continue;
      } catch (error) {
        if (!isBusy(error)) this.parts.log(`subscription ${this.subscription.id} failed: ${(error as Error).stack}`);
        await this.rest(BUSY_MS);
        continue;
      }
      if (!this.woken && this.progress.ended === null) await this.rest(this.waitMs());
    }
  }

  /** When there may be something to tell, ms. */
  private dueAt(): number {
    const { nextTry, run, lastRun } = this.progress;
    if (nextTry !== null) return nextTry;
    if (this.schedule === null || run !== null) return 0;
    return nextTime(this.schedule, lastRun ?? this.subscription.created) ?? Number.POSITIVE_INFINITY;
  }

  private waitMs(): number {
    const wait = this.dueAt() - this.parts.clock();
    return wait <= 0 ? LOOK_MS : Math.min(LOOK_MS, wait);
  }

  private async rest(ms: number): Promise<void> {
    const waiting = new AbortController();
    const roused = new Promise<void>((resolve) => {
      this.rouse = resolve;
    });
    if (!this.stopped) await Promise.race([roused, pause(ms, undefined, { ref: false, signal: waiting.signal })]);
    waiting.abort();
  }

  /** Tells one message, if there is one. True: there may be more at once. */
  private async step(): Promise<boolean> {
    const now = this.parts.clock();
    if (now < this.dueAt()) return false;
    let report: Report;
    try {
      report = await this.report();
    } catch (error) {
      if (isBusy(error)) throw error;
      return await this.cannotTell(error);
    }
    const run =
      this.schedule === null ? null : { at: this.progress.run?.at ?? now, through: report.through, sent: this.progress.run?.sent ?? 0 };
    const message = this.messageOf(report, run);
    if (message === null) return await this.moveOn(report, run);
    if (!(await this.parts.recipient.stands(this.version))) {
      this.stopped = true;
      return false;
    }
    if (!(await this.parts.mayRead(this.subscription.actor))) {
      this.progress = { ...this.progress, nextTry: null, ended: 'the key that subscribed was ended, or may not read any more' };
      await this.note();
      return false;
    }
    let answer: 'taken' | 'smaller';
    try {
      answer = await this.parts.recipient.take(message);
      if (answer === 'smaller' && report.count < 2) throw new Error('the client asks for less than one event');
    } catch (error) {
      this.progress = { ...this.progress, run, attempt: run === null ? report.last : null };
      await this.fail((error as Error).message);
      return false;
    }
    if (answer === 'smaller') {
      this.progress = { ...halved(this.progress, report.count), run };
      return true;
    }
    this.progress = taken(this.progress, this.after(report, run), report.count, this.parts.clock());
    this.next = report.next;
    await this.note();
    return true;
  }

  private async report(): Promise<Report> {
    const { queryName, query, terms, id } = this.subscription;
    const { run, attempt, batch } = this.progress;
    const args = {
      query: parseQueryBody(query, { pointer: '/query' }),
      recordedFrom: terms.initialRecordTime === null ? null : parseInitialRecordTime(terms.initialRecordTime, '/initialRecordTime'),
      from: this.next,
      through: run?.through ?? attempt,
      run: this.schedule === null ? null : { sent: run?.sent ?? 0 },
      limit: batch,
      bytes: MESSAGE_BYTES,
      style: { format: terms.epcFormat, creationDate: new Date(this.parts.clock()).toISOString(), queryName, subscriptionID: id },
    };
    return await this.parts.reports.run(async () => await this.parts.readers.ask('report', args));
  }

  private messageOf(report: Report, run: Run | null): Message | null {
    const id = [this.subscription.id, ...(run === null ? [] : [run.at]), report.part].join('.');
    if (report.problem !== null) return { id, ...problemMessage(report.problem) };
    const isEmptyRun = run !== null && run.sent === 0 && this.subscription.terms.reportIfEmpty;
    return report.count > 0 || isEmptyRun ? { id, kind: 'events', count: report.count, body: report.body } : null;
  }

  /** What is known when a report was told. */
  private after(report: Report, run: Run | null): Pick<Progress, 'run' | 'lastRun' | 'minRecordTime'> {
    return {
      run: run !== null && report.more ? { ...run, sent: run.sent + report.count } : null,
      lastRun: run === null || report.more ? this.progress.lastRun : run.at,
      minRecordTime: report.recordTime ?? this.progress.minRecordTime,
    };
  }

  /** There is nothing to tell of these entries. */
  private async moveOn(report: Report, run: Run | null): Promise<boolean> {
    const { failing } = this; // the query had no answer, and has one again
    this.progress = { ...this.progress, ...this.after(report, run), ...WELL };
    this.next = report.next;
    const late = run !== null && this.parts.clock() - this.noted.at >= NOTE_MS;
    if (failing || late || this.next - this.noted.next >= NOTE_ENTRIES) await this.note();
    return report.more;
  }

  /** The query has no answer: the client is told why, once (S-7), and it is tried again. */
  private async cannotTell(error: unknown): Promise<boolean> {
    if (!(error instanceof LotlineError)) this.parts.log(`subscription ${this.subscription.id}: ${(error as Error).stack}`);
    const told =
      error instanceof LotlineError
        ? error
        : new LotlineError('INTERNAL', 'the query could not be answered', { fix: 'Tell the operator.' });
    const id = `${this.subscription.id}.${this.next}-problem`;
    if (this.progress.failures === 0) await this.parts.recipient.take({ id, ...problemMessage(told.toProblem()) }).catch(() => {}); // it fails in any case
    await this.fail(`the query cannot be answered: ${told.message}`);
    return false;
  }

  private async fail(why: string): Promise<void> {
    if (this.stopped) return; // cut off, and no fault of the client's
    this.progress = failed(this.progress, why, this.parts.clock(), this.parts.random());
    await this.note();
  }

  /** Until that is kept nothing else is told: what was taken is not to be sent again. */
  private async note(): Promise<void> {
    for (;;) {
      try {
        const ours = await this.parts.recipient.note({ version: this.version, next: this.next, progress: this.progress });
        if (!ours) this.stopped = true;
        this.version++;
        this.noted = { next: this.next, at: this.parts.clock() };
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (this.stopped) return;
        await pause(BUSY_MS, undefined, { ref: false });
      }
    }
  }
}

const isBusy = (error: unknown): boolean => error instanceof LotlineError && error.code === 'REQ-BUSY';

function problemMessage(problem: Problem): Omit<Message, 'id'> {
  return { kind: 'problem', count: 0, body: Buffer.from(JSON.stringify(problem)) };
}
