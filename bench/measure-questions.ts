import { BareProcess } from './bare-process.ts';
import { headerOf } from './client.ts';
import { commissioning, documentOf, observing, packing, packOf, rawLot, serialOf, sscc } from './documents.ts';
import { crowd, median, paced, quantile } from './load.ts';
import { EVENT_SERIALS, type Run, withProgress } from './run.ts';

/** Asks for a stored pack to be verified, by its true lot and expiry. */
function verification(run: Run): string {
  const n = Math.floor(Math.random() * run.size);
  return `/verify/gtin/09520123000110/lot/${run.lotOf(n)}/ser/${serialOf(n)}?exp=280131`;
}

/** What a thing is now. */
const VERIFY = (serial: string): string => `/api/v1/things/${encodeURIComponent(packOf(serial))}`;
const HISTORY = (serial: string): string => `${VERIFY(serial)}/history`;
const LOOK_UPS = 300;
const TRIES = 15;
const SCOPE_TRIES = 5;
/** Scans a second, and for how long. */
const SCANS_PER_SECOND = 150;
const SCAN_SECONDS = 20;
const PALLET_PACKS = 10_000;

/** Median of look-ups one after the other, over the first serials that are stored. */
export async function lookUpMedian(run: Run, stored: number): Promise<number> {
  return quantile(await crowd(LOOK_UPS, 1, async () => await run.server.get(VERIFY(serialOf(Math.floor(Math.random() * stored))))), 0.5);
}

/** From the raw lot to every pack of its lots, counted. Floor: the bare aggregate over a table of as many packs, over HTTP. */
export async function scope(run: Run): Promise<void> {
  const of = encodeURIComponent(rawLot('RAW0'));
  const ms = await medianOfGets(
    SCOPE_TRIES,
    (path) => run.server.get(path),
    () => `/api/v1/genealogy/scope?of=${of}`,
  );
  const floor = await run.floor();
  await floor.distribute(run.lotsOfFirstRawLot * run.lotPacks);
  const bare = await overBareServer(run, (server) =>
    medianOfGets(
      SCOPE_TRIES,
      (path) => server.get(path),
      () => '/scope',
    ),
  );
  run.note('scope-1m', ms, 'ms', bare);
  const firstRows = [];
  for (let i = 0; i < SCOPE_TRIES; i++) firstRows.push(await run.server.firstBytes(`/api/v1/genealogy/scope/packs?of=${of}`));
  run.note('scope-first-row', median(firstRows), 'ms');
}

/** Keyed look-ups one after the other. Floor: item by key; with its container and the events of both; the items of a container: bare, over HTTP. */
export async function lookUps(run: Run): Promise<void> {
  const serials = run.fresh(PALLET_PACKS);
  const pallet = sscc(run.freshContainer());
  await run.capture(commissioning(serials, 'TEN'), packing(pallet, serials.map(packOf)));
  const [from, to] = run.cased(0);
  const cased = () => serialOf(from + Math.floor(Math.random() * (to - from)));
  const ask = (path: string) => run.server.get(path);
  const history = await medianOfGets(LOOK_UPS, ask, () => HISTORY(cased()));
  const contents = await medianOfGets(TRIES, ask, () => `/api/v1/things/${encodeURIComponent(pallet)}/contents`);
  const look = await lookUpMedian(run, run.size);

  const floor = await run.floor();
  await floor.pack(1, PALLET_PACKS);
  const bare = await overBareServer(run, async (server) => ({
    history: await medianOfGets(
      LOOK_UPS,
      (path) => server.get(path),
      () => `/history/${serialOf(Math.floor(Math.random() * PALLET_PACKS))}`,
    ),
    contents: await medianOfGets(
      TRIES,
      (path) => server.get(path),
      () => '/contents',
    ),
    look: await medianOfGets(
      LOOK_UPS,
      (path) => server.get(path),
      () => `/item/${run.anySerial()}`,
    ),
  }));
  run.note('history', history, 'ms', bare.history);
  run.note('contents-10k', contents, 'ms', bare.contents);
  run.note('look-up-first-tenth', run.lookUpAtTenth, 'ms');
  run.note('look-up', look, 'ms', bare.look);
}

/** Observations of single packs, as distributors send them, in documents of a thousand. */
const OBSERVATIONS = 1_000;
const QUERY = '/epcis/events?EQ_bizStep=stocking&perPage=30';
const FAR_PAGE = 200;

/**
 * What queries of events take with `run.events` of them stored besides all others: the first page of what half of them meet and page 200 of it, and the
 * events of one pack by MATCH_anyEPC. They are to take the same however many there are.
 */
export async function eventQueries(run: Run): Promise<void> {
  const count = Math.ceil(run.events / OBSERVATIONS);
  const make = () =>
    documentOf(
      ...Array.from({ length: OBSERVATIONS }, (_, i) =>
        observing(i % 2 === 0 ? 'stocking' : 'inspecting', 'in_progress', [packOf(run.anySerial())]),
      ),
    );
  await withProgress('events', count * OBSERVATIONS, (progress) =>
    run.captureAll({ count, events: OBSERVATIONS, make }, 4, (done) => progress(done * OBSERVATIONS)),
  );
  run.note('query-events-stored', await run.server.logSize(), 'events');
  const ask = (path: string) => run.server.get(path);
  run.note('query-page-1', await medianOfGets(TRIES, ask, () => QUERY), 'ms');
  let path = QUERY;
  for (let page = 1; page < FAR_PAGE; page++) {
    const next = /<([^>]+)>; rel="next"/.exec(headerOf((await ask(path)).head, 'link') ?? '')?.[1];
    if (next === undefined) throw new Error(`there are only ${page} pages: run with more --events`);
    path = next;
  }
  run.note('query-page-200', await medianOfGets(TRIES, ask, () => path), 'ms');
  run.note('query-match-any-epc', await medianOfGets(LOOK_UPS, ask, () => `/epcis/events?MATCH_anyEPC=${packOf(run.anySerial())}`), 'ms');
  run.note('query-ilmd-lot', await medianOfGets(TRIES, ask, () => `/epcis/events?EQ_ILMD_cbvmda:lotNumber=${run.lotOf(0)}`), 'ms');
}

/**
 * Scans at a fixed rate, each timed from when it was due, while capture runs at half the speed that commissioning had in this run. Floor: the
 * same scans of the bare server while it inserts as many serials a second.
 */
export async function verifyUnderLoad(run: Run): Promise<void> {
  const perSecond = run.commissionRate / 2;
  const count = Math.floor((perSecond / EVENT_SERIALS) * SCAN_SECONDS);
  // Made beforehand: what makes them must not hold up the scans of the same process.
  const documents = Array.from({ length: count }, () => documentOf(commissioning(run.fresh(EVENT_SERIALS), 'VERIFY')));
  const captured: string[] = [];
  const scans = SCANS_PER_SECOND * SCAN_SECONDS;
  const [times] = await Promise.all([
    paced(scans, SCANS_PER_SECOND, async () => await run.server.get(verification(run))),
    paced(count, perSecond / EVENT_SERIALS, async (i) => {
      captured.push(await run.server.capture(documents[i] as Buffer));
    }),
  ]);
  await run.server.ended(captured.slice(-1));

  await run.floor();
  const bare = await overBareServer(run, async (server) => {
    await server.get(`/write?perSecond=${perSecond}&perEvent=${EVENT_SERIALS}&events=${count}`);
    return await paced(scans, SCANS_PER_SECOND, async () => await server.get(`/item/${run.anySerial()}`));
  });
  run.note('verify-under-load-p99', quantile(times, 0.99), 'ms', quantile(bare, 0.99));
  run.note('verify-under-load-p50', quantile(times, 0.5), 'ms', quantile(bare, 0.5));
}

async function medianOfGets(times: number, get: (path: string) => Promise<unknown>, path: () => string): Promise<number> {
  return quantile(await crowd(times, 1, async () => await get(path())), 0.5);
}

async function overBareServer<T>(run: Run, work: (server: BareProcess) => Promise<T>): Promise<T> {
  const [server] = await BareProcess.start(run.engine.name, (await run.floor()).target);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}
