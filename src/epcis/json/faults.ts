import type { ErrorCode } from '../../errors.ts';
import { LotlineError } from '../../errors.ts';

/** Errors told of one event at most: whoever has a hundred mends the cause, not the hundred (C-9). */
export const FAULTS_MAX = 100;

/** Collects what is wrong with one event or one header. */
export class Faults {
  readonly list: LotlineError[] = [];

  get full(): boolean {
    return this.list.length >= FAULTS_MAX;
  }

  add(code: ErrorCode, what: string, at: string, fix: string): void {
    if (!this.full) this.list.push(new LotlineError(code, what, { at, fix }));
  }

  /** Keeps an error thrown by a parser that did not know where its text stands. */
  catch(error: unknown, at: string): void {
    if (!(error instanceof LotlineError)) throw error;
    if (!this.full) this.list.push(error.within(at));
  }

  /** Runs a parser; what it refuses is noted at `at` and answered with undefined. */
  try<T>(at: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      this.catch(error, at);
      return undefined;
    }
  }
}
