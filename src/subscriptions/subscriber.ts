import { setTimeout as pause } from 'node:timers/promises';
import { parseQueryBody } from '../epcis/query/index.ts';
import { LotlineError, type Problem } from '../errors.ts';
import type { Readers } from '../query/readers.ts';
import type { Report } from '../query/report.ts';
import type { Gate } from './gate.ts';
import { failed, halved, type Progress, type Run, type Step, taken, WELL } from './progress.ts';
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
  /** Makes and sends a message when there is room for it: it is made in here, so no more messages are in memory than are being sent. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when the client has taken the message, or asks for smaller ones; throws why it has not. */
  take(message: Message): Promise<'taken' | 'smaller'>;
  /** Keeps how far the client was told. False: it is not ours to tell any more. */
  note(state: { version: number; next: number; progress: Progress }): Promise<boolean>;
}

export type SubscriberParts = {
  readonly readers: Pick<Readers, 'ask' | 'look'>;
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
    return this.schedule === null || run !== null ? 0 : this.runDueAt(this.schedule, lastRun);
  }

  private runDueAt(schedule: Schedule, lastRun: number | null): number {
    return nextTime(schedule, lastRun ?? this.subscription.created) ?? Number.POSITIVE_INFINITY;
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
    if (this.parts.clock() < this.dueAt()) return false;
    return await this.parts.recipient.turn(async () => !this.stopped && (await this.tell()));
  }

  private async tell(): Promise<boolean> {
    let report: Report;
    try {
      report = await this.report();
    } catch (error) {
      if (isBusy(error)) throw error;
      return await this.cannotTell(error);
    }
    const run = this.schedule === null ? null : this.runOf(report);
    const message = this.messageOf(report, run);
    if (message === null) return await this.moveOn(report, run);
    if (!(await this.mayTell())) return false;
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

  /** Asked before each message. */
  private async mayTell(): Promise<boolean> {
    if (!(await this.parts.recipient.stands(this.version))) this.stopped = true;
    if (this.stopped) return false;
    if (await this.parts.mayRead(this.subscription.actor)) return true;
    this.progress = { ...this.progress, nextTry: null, ended: 'the key that subscribed was ended, or may not read any more' };
    await this.note();
    return false;
  }

  private runOf({ through, cut }: Report): Run {
    const { run } = this.progress;
    return { at: run?.at ?? this.parts.clock(), through, sent: run?.sent ?? 0, cut: cut || (run?.cut ?? false) };
  }

  private async report(): Promise<Report> {
    const { queryName, query, terms, id } = this.subscription;
    const { run, attempt, batch, reach } = this.progress;
    const args = {
      query: parseQueryBody(query, { pointer: '/query' }),
      recordedFrom: terms.initialRecordTime === null ? null : parseInitialRecordTime(terms.initialRecordTime, '/initialRecordTime'),
      from: this.next,
      through: run?.through ?? attempt,
      reach,
      run: this.schedule === null ? null : { sent: run?.sent ?? 0 },
      limit: batch,
      bytes: MESSAGE_BYTES,
      style: { format: terms.epcFormat, creationDate: new Date(this.parts.clock()).toISOString(), queryName, subscriptionID: id },
    };
    return await this.parts.reports.run(async () => await this.parts.readers.ask('report', args));
  }

  private messageOf(report: Report, run: Run | null): Message | null {
    // The time at which a run is due is the same in a process that begins it again; the time at which it began is not.
    const due = this.schedule === null ? [] : [this.runDueAt(this.schedule, this.progress.lastRun)];
    const id = [this.subscription.id, ...due, report.part].join('.');
    if (report.problem !== null) return { id, ...problemMessage(report.problem) };
    const isEmptyRun = run !== null && run.sent === 0 && !run.cut && this.subscription.terms.reportIfEmpty;
    return report.count > 0 || isEmptyRun ? { id, kind: 'events', count: report.count, body: report.body } : null;
  }

  /** What is known when a report was told. What is left of a run that was cut is a run of its own, at once. */
  private after(report: Report, run: Run | null): Step {
    const cut = run?.cut ?? report.cut;
    return {
      run: run !== null && report.more ? { ...run, sent: run.sent + report.count } : null,
      lastRun: run === null || report.more || cut ? this.progress.lastRun : run.at,
      reach: report.more || cut ? this.progress.reach : null,
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
    return report.more || (run?.cut ?? report.cut);
  }

  /** The query has no answer: the client is told why, once (S-7), and it is tried again. */
  private async cannotTell(error: unknown): Promise<boolean> {
    if (!(error instanceof LotlineError)) this.parts.log(`subscription ${this.subscription.id}: ${(error as Error).stack}`);
    const told =
      error instanceof LotlineError
        ? error
        : new LotlineError('INTERNAL', 'the query could not be answered', { fix: 'Tell the operator.' });
    const id = `${this.subscription.id}.${this.next}-problem`;
    if (this.progress.failures === 0) {
      if (!(await this.mayTell())) return false;
      await this.parts.recipient.take({ id, ...problemMessage(told.toProblem()) }).catch(() => {}); // it fails in any case
    }
    if (told.code === 'QRY-COMPLEX') await this.reachLess();
    await this.fail(`the query cannot be answered: ${told.message}`);
    return false;
  }

  /** What takes too long is tried on half as many entries, so that it comes to its end piece by piece. */
  private async reachLess(): Promise<void> {
    const { run, attempt, reach } = this.progress;
    // The place in a result that has an order is a number of events: it holds for the very same entries only.
    if (run !== null && run.sent > 0 && parseQueryBody(this.subscription.query).order !== null) return;
    const end = run?.through ?? attempt ?? (await this.parts.readers.look('journalEnd', {})).next - 1;
    const tried = Math.min(reach ?? Number.POSITIVE_INFINITY, end - this.next + 1);
    this.progress = { ...this.progress, reach: Math.max(1, Math.floor(tried / 2)) };
  }

  private async fail(why: string): Promise<void> {
    // Where it was cut off by us it is no fault of the client's; but what was sent then is sent again as it was.
    if (!this.stopped) this.progress = failed(this.progress, why, this.parts.clock(), this.parts.random());
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
