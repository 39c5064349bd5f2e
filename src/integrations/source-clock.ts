/** How far a clock may be off before it counts as wrong (domain.md §5.3: minutes, or exactly an hour). */
export const OFF_MS_MAX = 5 * 60_000;
/** Events that come late are no sign of a clock. A clock that is behind shows itself by a lag that stays the same while time goes on. */
const STEADY_MS = 60_000;
const STEADY_FOR_MS = 10 * 60_000;
const STEADY_DOCUMENTS = 10;

/** `offMs` > 0: ahead. Times in ms since 1970. */
export type ClockFault = { readonly offMs: number; readonly eventTime: number; readonly at: number };
type Verdict = 'right' | 'wrong still' | ClockFault;

/**
 * Whether a source has the right time, from when its newest events say they happened and when they were taken. Nothing is taken before it happened, so
 * one event from the future is enough. One that is late may have waited: only a lag of the same minute over ten documents and ten minutes is a clock.
 */
export class SourceClock {
  private wrong = false;
  /** The lag of the documents since `from` lies between these. */
  private steady: { from: number; documents: number; least: number; most: number } | null = null;

  /** A document whose latest event happened at `eventTime` by the source's clock was taken at `at`. */
  saw(eventTime: number, at: number): Verdict {
    const offMs = eventTime - at;
    const behind = this.isBehind(offMs, at);
    if (offMs > OFF_MS_MAX || behind) {
      if (this.wrong) return 'wrong still';
      this.wrong = true;
      return { offMs, eventTime, at };
    }
    if (offMs > -OFF_MS_MAX) this.wrong = false;
    return 'right';
  }

  private isBehind(offMs: number, at: number): boolean {
    const { steady } = this;
    if (offMs > -OFF_MS_MAX) {
      this.steady = null;
      return false;
    }
    const least = Math.min(steady?.least ?? offMs, offMs);
    const most = Math.max(steady?.most ?? offMs, offMs);
    if (steady === null || most - least > STEADY_MS) {
      this.steady = { from: at, documents: 1, least: offMs, most: offMs };
      return false;
    }
    this.steady = { ...steady, documents: steady.documents + 1, least, most };
    return this.steady.documents >= STEADY_DOCUMENTS && at - steady.from >= STEADY_FOR_MS;
  }
}
