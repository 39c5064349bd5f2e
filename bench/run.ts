import { Presets, SingleBar } from 'cli-progress';
import { documentOf, rawLot, rawLotInto, serialOf, serialsFrom } from './documents.ts';
import type { Engine } from './engine.ts';
import type { Floor } from './floor.ts';
import { crowd, timed } from './load.ts';
import type { BenchServer } from './server.ts';

export type Measure = { name: string; value: number; unit: string; floor: number | null; ratio: number | null };

/** Serials of one commissioning event. */
export const EVENT_SERIALS = 1000;
/** Lots made of one raw lot, and packs of one lot unless the run is small. */
const LOTS_OF_RAW_LOT = 10;
const LOT_PACKS = 100_000;
/** Of each lot, the part that leaves the line in no case: 1 in 25. */
const LOOSE_PART = 25;

/**
 * One run: a service on an engine with `size` serials commissioned, a floor with as many, and what was measured. Serials go by their number:
 * 0 to `size` are the lots of the run, what a measure needs besides comes after.
 */
export class Run {
  readonly engine: Engine;
  readonly size: number;
  /** Events of single packs that queries are asked among. */
  readonly events: number;
  readonly server: BenchServer;
  readonly measures: Measure[] = [];
  readonly lotPacks: number;
  readonly lots: number;
  /** Serials a second at which commissioning went, for loads that are a part of it. */
  commissionRate = 0;
  /** The same of the first tenth and of the last. */
  commissionTenths: [first: number, last: number] = [0, 0];
  /** Median of a look-up when a tenth was stored, in ms. */
  lookUpAtTenth = 0;
  /** Events a transaction, as the service grouped them while the lots were commissioned. */
  commissionGroups: number[] = [];
  private serials: number;
  private containers = 0;
  private filled: Promise<Floor> | null = null;
  /** How long each group of the floor took, in ms. */
  floorTimes: { serials: number; ms: number }[] = [];

  constructor(engine: Engine, size: number, server: BenchServer, events: number) {
    this.engine = engine;
    this.size = size;
    this.events = events;
    this.server = server;
    this.lotPacks = Math.min(LOT_PACKS, size / LOTS_OF_RAW_LOT);
    this.lots = Math.ceil(size / this.lotPacks);
    this.serials = size;
  }

  note(name: string, value: number, unit: string, floor: number | null = null): void {
    // How much of the floor's speed (or thrift) is kept, for rates and for times alike.
    const ratio = floor === null ? null : unit.endsWith('/s') ? value / floor : floor / value;
    this.measures.push({ name, value, unit, floor, ratio });
    console.log(
      `${name.padEnd(28)} ${value.toFixed(value < 100 ? 1 : 0)} ${unit}${ratio === null ? '' : `, ${ratio.toFixed(2)} of the floor`}`,
    );
  }

  lotOf(n: number): string {
    return `L${Math.floor(n / this.lotPacks)}`;
  }

  /** Raw lots received, each turned into ten lots: `RAW0` is what `scope-1m` asks for. */
  rawLotDocuments(): Buffer[] {
    const documents: Buffer[] = [];
    for (let lot = 0; lot < this.lots; lot += LOTS_OF_RAW_LOT) {
      const lots = Array.from({ length: Math.min(LOTS_OF_RAW_LOT, this.lots - lot) }, (_, i) => `L${lot + i}`);
      documents.push(documentOf(...rawLotInto(rawLot(`RAW${lot / LOTS_OF_RAW_LOT}`), lots, this.lotPacks)));
    }
    return documents;
  }

  /** The number of lots that come from `RAW0`. */
  get lotsOfFirstRawLot(): number {
    return Math.min(LOTS_OF_RAW_LOT, this.lots);
  }

  /** The packs of a lot that go into cases, from one number up to another: all but the loose ones at its end. */
  cased(lot: number): [from: number, to: number] {
    const from = lot * this.lotPacks;
    return [from, from + this.lotPacks - Math.floor(this.lotPacks / LOOSE_PART)];
  }

  /** Numbers of loose packs, taken from all lots in turn. */
  looseNumbers(count: number): number[] {
    return Array.from({ length: count }, (_, k) => (k % this.lots) * this.lotPacks + this.lotPacks - 1 - Math.floor(k / this.lots));
  }

  get looseCount(): number {
    return this.lots * Math.floor(this.lotPacks / LOOSE_PART);
  }

  /** Serials that were not used before. */
  fresh(count: number): string[] {
    this.serials += count;
    return serialsFrom(this.serials - count, this.serials);
  }

  freshContainer(): number {
    return this.containers++;
  }

  /** Any serial of the lots. */
  anySerial(): string {
    return serialOf(Math.floor(Math.random() * this.size));
  }

  /** Captures one document and answers how long it took until its job had ended, in ms. */
  async capture(...events: readonly object[]): Promise<number> {
    const body = documentOf(...events);
    return (await timed(async () => await this.server.ended([await this.server.capture(body)])))[0];
  }

  /**
   * Captures documents, each made just before it is sent, by a number of clients. Answers how long it took until the last job had ended, and how
   * long each 202 took, sorted. Fails unless the log has grown by all their events.
   */
  async captureAll(
    documents: { count: number; events: number; make: (i: number) => Buffer },
    clients: number,
    progress?: (done: number) => void,
  ): Promise<{ ms: number; accepted: number[] }> {
    const before = await this.server.logSize();
    const last: string[] = [];
    let done = 0;
    const [ms, accepted] = await timed(async () => {
      const times = await crowd(documents.count, clients, async (i) => {
        last[i % (2 * clients)] = await this.server.capture(documents.make(i));
        progress?.(++done);
      });
      await this.server.ended(last);
      return times;
    });
    const stored = (await this.server.logSize()) - before;
    if (stored !== documents.count * documents.events)
      throw new Error(`of ${documents.count * documents.events} events ${stored} were stored`);
    return { ms, accepted };
  }

  /** Events a transaction since the log had this size. */
  async groupsSince(logSize: number): Promise<number[]> {
    const sizes = [logSize, ...(await this.server.store.checkpoints(logSize))];
    return sizes.slice(1).map((size, i) => size - (sizes[i] as number));
  }

  /** The floor, filled with as many serials as the service, in the same groups. */
  async floor(): Promise<Floor> {
    this.filled ??= this.fillFloor();
    return await this.filled;
  }

  private async fillFloor(): Promise<Floor> {
    const floor = await this.engine.openFloor();
    await withProgress('floor', this.size, async (progress) => {
      let from = 0;
      for (const events of this.commissionGroups) {
        const to = Math.min(this.size, from + events * EVENT_SERIALS);
        const serials = serialsFrom(from, to);
        const [ms] = await timed(() => floor.commission(serials, EVENT_SERIALS));
        this.floorTimes.push({ serials: serials.length, ms });
        from = to;
        progress(from);
      }
    });
    return floor;
  }

  /** Ends the floor and the service, whichever runs. */
  async end(): Promise<void> {
    await (await this.filled)?.end();
    await this.server.stop();
  }
}

/** Shows how far a long piece of work is. */
export async function withProgress<T>(title: string, total: number, work: (progress: (done: number) => void) => Promise<T>): Promise<T> {
  const bar = new SingleBar(
    { format: `${title} {bar} {value}/{total} {eta_formatted}`, clearOnComplete: true, etaBuffer: 100 },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  try {
    return await work((done) => bar.update(done));
  } finally {
    bar.stop();
  }
}
