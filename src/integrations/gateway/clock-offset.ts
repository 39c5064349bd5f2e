/** Samples that are weighed together: the best of them decides, and a clock that is set is noticed with the next. */
const SAMPLES = 8;
/** How late a server may be with its Date, ms: Node writes it once a second. */
const DATE_LATE_MS = 250;

/**
 * How far this machine's clock is ahead of another's, from the `Date` of its answers. A Date tells whole seconds and was written at some moment between
 * question and answer, so each answer gives two bounds; bounds of several narrow it down to some hundred ms.
 */
export class ClockOffset {
  private samples: { readonly least: number; readonly most: number }[] = [];

  /** `sent` and `answered` by our clock, `date` as the answer has it, all in ms since 1970. */
  add(sent: number, answered: number, date: number): void {
    if (Number.isNaN(date) || answered < sent) return;
    // Theirs was in [date, date + 1 s) at some moment in [sent, answered].
    const sample = { least: sent - date - 1_000 - DATE_LATE_MS, most: answered - date };
    const together = bounds([...this.samples, sample]);
    this.samples = together === null ? [sample] : [...this.samples, sample].slice(-SAMPLES);
  }

  /** Positive: ours is ahead. Null before the first answer. */
  get ms(): number | null {
    const together = bounds(this.samples);
    return together === null ? null : Math.round((together.least + together.most) / 2);
  }
}

/** What all samples allow; null when they contradict each other, or there is none. */
function bounds(samples: readonly { least: number; most: number }[]): { least: number; most: number } | null {
  if (samples.length === 0) return null;
  const least = Math.max(...samples.map((sample) => sample.least));
  const most = Math.min(...samples.map((sample) => sample.most));
  return least <= most ? { least, most } : null;
}
