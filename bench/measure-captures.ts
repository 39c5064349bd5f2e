import {
  commissioning,
  documentOf,
  nextTime,
  observing,
  packing,
  packOf,
  receiving,
  serialOf,
  serialsFrom,
  sscc,
  unpacking,
} from './documents.ts';
import type { Floor } from './floor.ts';
import { median, quantile, timed } from './load.ts';
import { lookUpMedian } from './measure-questions.ts';
import { EVENT_SERIALS, type Run, withProgress } from './run.ts';

/** Documents of a line that are on their way at once. */
const LINES = 8;
const SCANNERS = 32;
/** Single captures, and how many of them before the queue is let run empty: fewer than may wait. */
const SINGLE_MAX = 40_000;
const SINGLE_ROUND = 8_000;
const CASE = 80;
const PALLET_CASES = 48;
/** Packing events of one document. */
const CASES_A_DOCUMENT = 12;
const WHOLESALERS = 5;
/** Of five pallets four have arrived. */
const ARRIVED = 0.8;
const LARGE = 100_000;
const LATE_TRIES = 5;
const LARGE_TRIES = 3;

/**
 * Fills the store: every serial of the run is commissioned, 1,000 an event, an event a document, eight documents on their way. The first and the last
 * tenth are timed by themselves. Floor: bare inserts of item and event reference, in the groups that the service made of it.
 */
export async function commission(run: Run): Promise<void> {
  const before = await run.server.logSize();
  const raw = run.rawLotDocuments();
  await run.captureAll({ count: raw.length, events: 2, make: (i) => raw[i] as Buffer }, 1);
  const start = await run.server.logSize();
  if (before !== start - 2 * raw.length) throw new Error('somebody else captures here');
  const tenth = run.size / 10;
  const part = async (from: number, to: number, progress: (done: number) => void) =>
    (
      await run.captureAll(
        {
          count: (to - from) / EVENT_SERIALS,
          events: 1,
          make: (i) => {
            const first = from + i * EVENT_SERIALS;
            return documentOf(commissioning(serialsFrom(first, first + EVENT_SERIALS), run.lotOf(first)));
          },
        },
        LINES,
        (done) => progress(from + done * EVENT_SERIALS),
      )
    ).ms;
  const [first, rest, last, lookUp] = await withProgress('commission', run.size, async (progress) => {
    const ms = await part(0, tenth, progress);
    const look = await lookUpMedian(run, tenth);
    return [ms, await part(tenth, run.size - tenth, progress), await part(run.size - tenth, run.size, progress), look];
  });
  run.commissionRate = perSecond(run.size, first + rest + last);
  run.commissionGroups = await run.groupsSince(start);
  run.commissionTenths = [perSecond(tenth, first), perSecond(tenth, last)];
  run.lookUpAtTenth = lookUp;
}

export async function noteCommission(run: Run): Promise<void> {
  await run.floor();
  const rate = (times: typeof run.floorTimes) =>
    perSecond(
      times.reduce((sum, t) => sum + t.serials, 0),
      times.reduce((sum, t) => sum + t.ms, 0),
    );
  const tenth = run.size / 10;
  const upTo = (times: typeof run.floorTimes, serials: number) => {
    let sum = 0;
    return times.filter((t) => {
      sum += t.serials;
      return sum <= serials + t.serials / 2;
    });
  };
  run.note('commission', run.commissionRate, 'serials/s', rate(run.floorTimes));
  const [first, last] = run.commissionTenths;
  run.note('commission-first-tenth', first, 'serials/s', rate(upTo(run.floorTimes, tenth)));
  run.note('commission-last-tenth', last, 'serials/s', rate(upTo([...run.floorTimes].reverse(), tenth)));
  run.note(
    'commission-group',
    (run.commissionGroups.reduce((sum, n) => sum + n, 0) / run.commissionGroups.length) * EVENT_SERIALS,
    'serials',
  );
}

/**
 * Single events by 32 clients, until the last job has ended: loose packs all over the store are dispensed. Floor: two threads could share it, so the
 * slower of keeping documents, 32 a transaction, and of an event reference with its item rewritten, in the groups that the service made; for
 * the 202, the time of one transaction of 32 documents.
 */
export async function smallCaptures(run: Run): Promise<void> {
  const numbers = run.looseNumbers(Math.min(SINGLE_MAX, run.looseCount));
  const document = (i: number) => documentOf(observing('dispensing', 'dispensed', [packOf(serialOf(numbers[i] as number))]));
  const start = await run.server.logSize();
  const accepted: number[] = [];
  let total = 0;
  for (let from = 0; from < numbers.length; from += SINGLE_ROUND) {
    const count = Math.min(SINGLE_ROUND, numbers.length - from);
    const round = await run.captureAll({ count, events: 1, make: (i) => document(from + i) }, SCANNERS);
    total += round.ms;
    accepted.push(...round.accepted);
  }
  accepted.sort((a, b) => a - b);

  const floor = await run.floor();
  const keeping: number[] = [];
  for (let from = 0; from < numbers.length; from += SCANNERS) {
    const documents = numbers.slice(from, from + SCANNERS).map((_, i) => document(from + i));
    keeping.push((await timed(() => floor.keep(documents)))[0]);
  }
  let observing_ = 0;
  let from = 0;
  for (const group of await run.groupsSince(start)) {
    const items = numbers.slice(from, from + group).map((n) => n + 1);
    observing_ += (await timed(() => floor.observe(items)))[0];
    from += group;
  }
  const floorMs = Math.max(
    keeping.reduce((sum, ms) => sum + ms, 0),
    observing_,
  );
  run.note('small-captures', perSecond(numbers.length, total), 'captures/s', perSecond(numbers.length, floorMs));
  keeping.sort((a, b) => a - b);
  run.note('small-captures-p99', quantile(accepted, 0.99), 'ms', quantile(keeping, 0.99));
}

/**
 * What the questions are asked about: the packs of the first raw lot's lots in cases of 80, on pallets of 48 cases, shipped, and four of five
 * pallets received by one of five wholesalers. Floor of the packing: event references of packs, in the groups of the service.
 */
export async function distribute(run: Run): Promise<void> {
  const cases: { id: number; from: number; to: number }[] = [];
  for (let lot = 0; lot < run.lotsOfFirstRawLot; lot++) {
    const [start, end] = run.cased(lot);
    for (let from = start; from < end; from += CASE) cases.push({ id: run.freshContainer(), from, to: Math.min(end, from + CASE) });
  }
  const pallets: { id: number; cases: string[] }[] = [];
  for (let i = 0; i < cases.length; i += PALLET_CASES)
    pallets.push({ id: run.freshContainer(), cases: cases.slice(i, i + PALLET_CASES).map(({ id }) => sscc(id)) });

  const start = await run.server.logSize();
  const packed = await withProgress('packing', cases.length, async (progress) => {
    const part = async (list: typeof cases, events: number) =>
      (
        await run.captureAll(
          {
            count: list.length / events,
            events,
            make: (i) =>
              documentOf(
                ...list.slice(i * events, (i + 1) * events).map((c) => packing(sscc(c.id), serialsFrom(c.from, c.to).map(packOf))),
              ),
          },
          LINES,
          (done) => progress(done * events),
        )
      ).ms;
    const whole = cases.length - (cases.length % CASES_A_DOCUMENT);
    return (await part(cases.slice(0, whole), CASES_A_DOCUMENT)) + (await part(cases.slice(whole), 1));
  });
  const groups = await run.groupsSince(start);
  const arrived = pallets.slice(0, Math.floor(pallets.length * ARRIVED));
  // One step after the other: an event that overtook another would be a late one.
  for (const make of [
    (i: number) => documentOf(packing(sscc((pallets[i] as { id: number }).id), (pallets[i] as { cases: string[] }).cases)),
    (i: number) => documentOf(observing('shipping', 'in_transit', [sscc((pallets[i] as { id: number }).id)])),
  ])
    await run.captureAll({ count: pallets.length, events: 1, make }, LINES);
  const receive = (i: number) => documentOf(receiving(i % WHOLESALERS, [sscc((arrived[i] as { id: number }).id)]));
  await run.captureAll({ count: arrived.length, events: 1, make: receive }, LINES);

  const floor = await run.floor();
  let floorMs = 0;
  let from = 1;
  for (const group of groups) {
    floorMs += (await timed(() => floor.refer(from, group * CASE)))[0];
    from += group * CASE;
  }
  const packs = cases.reduce((sum, c) => sum + c.to - c.from, 0);
  run.note('packing', perSecond(packs, packed), 'serials/s', perSecond(packs, floorMs));
}

/** One call of 100,000 serials, until its job has ended; memory at its highest, above that of a service just started. Floor: one transaction of as many bare inserts. */
export async function captureLarge(run: Run): Promise<void> {
  await run.server.restart();
  const idle = run.server.memory();
  run.server.forgetPeak();
  const times: number[] = [];
  for (let i = 0; i < LARGE_TRIES; i++) {
    times.push(await run.capture(commissioning(run.fresh(LARGE), `BULK${i}`)));
    const peak = run.server.memory();
    if (i === 0 && idle && peak) run.note('capture-100k-memory', Math.max(0, peak.peak - idle.now) / 1e6, 'MB');
  }
  const floor = await run.floor();
  const bare: number[] = [];
  for (let i = 0; i < LARGE_TRIES; i++) {
    const serials = run.fresh(LARGE);
    bare.push((await timed(() => floor.commission(serials, LARGE)))[0]);
  }
  run.note('capture-100k', median(times), 'ms', median(bare));
}

/**
 * An event that comes late for a pallet of 48 cases with 3,840 packs: it was stored somewhere before it was shipped. Once with the packs still in it (the
 * event is the pallet's own, and its content is resolved when asked), once when all of them have been unpacked since and have taken over what it
 * tells. Floor: one transaction that refers one item to one event; one that reads and writes 3,840 rows.
 */
export async function lateEvent(run: Run): Promise<void> {
  const inside: number[] = [];
  const unpacked: number[] = [];
  for (let i = 0; i < LATE_TRIES; i++) inside.push(await lateFor(run, await loadPallet(run), []));
  for (let i = 0; i < LATE_TRIES; i++) {
    const pallet = await loadPallet(run);
    unpacked.push(await lateFor(run, pallet, [unpacking(pallet.id), ...pallet.cases.map((id) => unpacking(id))]));
  }
  const floor = await run.floor();
  const one = await medianOf(LATE_TRIES, (i) => floor.observe([i + 1]));
  const all = await medianOf(LATE_TRIES, () => floor.rewrite(1, PALLET_CASES * CASE));
  run.note('late-event-3840', median(inside), 'ms', one);
  run.note('late-event-3840-unpacked', median(unpacked), 'ms', all);
}

type Pallet = { id: string; cases: string[] };

async function loadPallet(run: Run): Promise<Pallet> {
  const pallet = { id: sscc(run.freshContainer()), cases: Array.from({ length: PALLET_CASES }, () => sscc(run.freshContainer())) };
  const serials = run.fresh(PALLET_CASES * CASE);
  await run.capture(
    commissioning(serials, 'LATE'),
    ...pallet.cases.map((id, i) => packing(id, serials.slice(i * CASE, (i + 1) * CASE).map(packOf))),
    packing(pallet.id, pallet.cases),
  );
  return pallet;
}

async function lateFor(run: Run, pallet: Pallet, afterwards: readonly object[]): Promise<number> {
  const eventTime = nextTime();
  await run.capture(observing('shipping', 'in_transit', [pallet.id]), ...afterwards);
  return await run.capture({ ...observing('storing', 'in_progress', [pallet.id]), eventTime });
}

/** An error declaration that voids the commissioning of 100,000 serials. Floor: one transaction that reads and writes as many rows. */
export async function voidLarge(run: Run): Promise<void> {
  const wrong = { ...commissioning(run.fresh(LARGE), 'VOID'), eventID: 'urn:uuid:00000000-0000-4000-8000-000000000001' };
  await run.capture(wrong);
  const declaration = { errorDeclaration: { declarationTime: nextTime(), reason: 'did_not_occur' } };
  const ms = await run.capture({ ...wrong, ...declaration });
  const floor: Floor = await run.floor();
  run.note('void-100k', ms, 'ms', await medianOf(1, () => floor.rewrite(1, Math.min(LARGE, run.size))));
}

async function medianOf(times: number, work: (i: number) => Promise<void>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push((await timed(() => work(i)))[0]);
  return median(all);
}

const perSecond = (count: number, ms: number): number => count / (ms / 1000);
