import { formatHashId } from '../epcis/index.ts';
import type { ReadEvent } from '../epcis/model.ts';
import { LotlineError, type Problem } from '../errors.ts';
import type { Outcome, TakenDocument } from './outcome.ts';

/** Errors of one capture that are told; the rest is counted. */
const ERRORS_MAX = 1_000;

/** One document on its way: what of it was stored, and what was wrong with it. `taken` is null in a dry run. */
export class DocumentRun {
  readonly actor: string;
  readonly taken: TakenDocument | null;
  /** The number of its first entry: all that it changes came to be known with this one, however its events are grouped. */
  readonly firstSeq: number;
  readonly errors: Problem[] = [];
  readonly refusals: Problem[] = [];
  /** Where the stored events lie in the document, in its order. */
  readonly spans: { seq: number; start: number; end: number }[] = [];
  /** Under which number the document is kept; given when its first entry is appended. */
  capture: { number: number; id: string } | null = null;
  first: Outcome['first'] = null;
  /** The document as a whole was refused. */
  whole = false;
  private unlisted = 0;

  constructor(actor: string, taken: TakenDocument | null, firstSeq: number) {
    this.firstSeq = firstSeq;
    this.actor = actor;
    this.taken = taken;
  }

  get stored(): number {
    return this.spans.length;
  }

  store(seq: number, read: ReadEvent): void {
    this.spans.push({ seq, start: read.start, end: read.end });
    this.first ??= { seq, eventID: read.event.eventID ?? formatHashId(read.hash), duplicate: false };
  }

  met(seq: number, read: ReadEvent): void {
    this.first ??= { seq, eventID: read.event.eventID ?? formatHashId(read.hash), duplicate: true };
  }

  /** Answers what forgets the events stored from now on. */
  mark(): () => void {
    const { capture, first } = this;
    const stored = this.spans.length;
    return () => {
      this.capture = capture;
      this.first = first;
      this.spans.length = stored;
    };
  }

  fail(error: LotlineError, index?: number): void {
    if (this.errors.length >= ERRORS_MAX) this.unlisted++;
    else this.errors.push({ ...error.toProblem(), ...(index !== undefined && { index }) } as Problem);
  }

  /** An error of the rules in force, which is recorded besides. */
  refuse(error: LotlineError, index: number): void {
    this.fail(error, index);
    if (this.refusals.length < ERRORS_MAX) this.refusals.push({ ...error.toProblem(), index } as Problem);
  }

  problems(): Problem[] {
    if (this.unlisted === 0) return this.errors;
    const rest = new LotlineError('EV-SCHEMA', `${this.unlisted} more errors are not listed`, {
      fix: 'Mend those listed and send the document again.',
    });
    return [...this.errors, rest.toProblem()];
  }
}
