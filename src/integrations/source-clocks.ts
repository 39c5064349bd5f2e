import type { LatestEvent } from '../capture/reading.ts';
import type { CaptureService } from '../capture/service.ts';
import type { Readers } from '../query/readers.ts';
import { type ClockFault, SourceClock } from './source-clock.ts';

/** What was taken from a source: by a gateway for it, or by this service. */
export type Sighting = {
  /** The gateway's name, or the id of the key. */
  readonly source: string;
  /** When it was taken, by this service's clock, ms. */
  readonly at: number;
  readonly events: number;
  readonly latest: LatestEvent;
  readonly captureID: string;
};

/** Sources that are watched: more than any plant has lines. The one that was silent longest makes room. */
const SOURCES_MAX = 5_000;
/** A finding names what came in this time after the first that was wrong, and things that are stored by then. */
const GATHER_MS = 2_000;
const FOLD_POLL_MS = 250;
const FOLD_MS_MAX = 60_000;
/** Who acts when the program itself does. */
const SYSTEM = 'system';
const THINGS_MAX = 20;

type Stretch = { readonly fault: ClockFault; documents: number; events: number; readonly things: Set<string>; lastCapture: string };

/**
 * Watches the clocks of whoever sends events (domain.md §5.3, E-11), off the road of the capture: a source is a read point as told by one gateway or
 * key. One finding `LINE-CLOCK` a stretch of wrong time, raised some seconds after it begins. What is known of clocks is in memory alone: after a
 * restart a stretch that goes on is flagged once more.
 */
export class SourceClocks {
  private readonly deps: { readers: Readers; capture: CaptureService; log: (line: string) => void };
  private readonly gatherMs: number;
  private readonly sources = new Map<string, SourceClock>();
  private readonly stretches = new Map<string, Stretch>();
  private readonly raising = new Set<Promise<void>>();
  private readonly closing = new AbortController();

  constructor(deps: { readers: Readers; capture: CaptureService; log: (line: string) => void; gatherMs?: number }) {
    this.deps = deps;
    this.gatherMs = deps.gatherMs ?? GATHER_MS;
  }

  saw(sighting: Sighting): void {
    const { latest, at } = sighting;
    const name = `${sighting.source}\n${latest.readPoint ?? ''}`;
    const clock = this.sources.get(name) ?? new SourceClock();
    this.sources.delete(name);
    this.sources.set(name, clock); // the map's order is that of the last word
    if (this.sources.size > SOURCES_MAX) this.sources.delete(this.sources.keys().next().value as string);
    const verdict = clock.saw(latest.ms, at);
    if (verdict === 'right') return;
    const gathering = this.stretches.get(name);
    if (gathering !== undefined) add(gathering, sighting);
    if (gathering !== undefined || verdict === 'wrong still') return;
    const stretch: Stretch = { fault: verdict, documents: 0, events: 0, things: new Set(), lastCapture: sighting.captureID };
    add(stretch, sighting);
    this.stretches.set(name, stretch);
    const raised = this.raise(name, sighting, stretch).catch((error: Error) => {
      if (!this.closing.signal.aborted) this.deps.log(`LINE-CLOCK of ${sighting.source} could not be put on record: ${error.message}`);
    });
    this.raising.add(raised);
    void raised.finally(() => this.raising.delete(raised));
  }

  /** Waits for what is being put on record. */
  async settled(): Promise<void> {
    await Promise.all(this.raising);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.settled();
  }

  private async raise(name: string, { source, latest }: Sighting, stretch: Stretch): Promise<void> {
    await this.pause(this.gatherMs);
    this.stretches.delete(name);
    // What names a thing that nobody has heard of yet would not find it.
    for (let waited = 0; waited < FOLD_MS_MAX && !(await this.isFolded(stretch.lastCapture)); waited += FOLD_POLL_MS)
      await this.pause(FOLD_POLL_MS);
    const note = noteOf(source, latest.readPoint, stretch);
    await this.deps.capture.record({ kind: 'raise-finding', code: 'LINE-CLOCK', things: [...stretch.things], note, due: null }, SYSTEM);
  }

  private async isFolded(captureID: string): Promise<boolean> {
    return (await this.deps.readers.look('captureJobs', { captureID, limit: 1 })).length > 0;
  }

  private async pause(ms: number): Promise<void> {
    const { signal } = this.closing;
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(new Error('the service is stopping'));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, ms);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }
}

function add(stretch: Stretch, { events, latest, captureID }: Sighting): void {
  stretch.documents++;
  stretch.events += events;
  stretch.lastCapture = captureID;
  for (const thing of latest.things) if (stretch.things.size < THINGS_MAX) stretch.things.add(thing);
}

/** Whose clock, by how much, since when, and with what: an operator corrects it by these (docs/gateway.md). */
function noteOf(source: string, readPoint: string | null, { fault, documents, events }: Stretch): string {
  const { offMs, eventTime, at } = fault;
  const minutes = Math.round(Math.abs(offMs) / 6_000) / 10;
  const iso = (ms: number) => new Date(ms).toISOString();
  return (
    `The clock of ${source}${readPoint === null ? '' : ` at read point ${readPoint}`} is ${minutes} min ${offMs > 0 ? 'ahead' : 'behind'}: ` +
    `an event of ${iso(eventTime)} was taken at ${iso(at)}. It began with ${events} events in ${documents} documents; those that follow are not told again.`
  );
}
