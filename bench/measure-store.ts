import { deflateRawSync } from 'node:zlib';
import { BareProcess } from './bare-process.ts';
import { commissioning, documentOf, observing, packing, packOf, serialsFrom, sscc } from './documents.ts';
import { median } from './load.ts';
import { EVENT_SERIALS, Run } from './run.ts';
import { BenchServer } from './server.ts';

const STARTS = 3;
const WEIGHED = 200_000;
const CASE = 80;
const LINES = 8;

/** From starting the process until it says that it is ready, with everything stored that this run has stored. Floor: a bare server, until it answers. */
export async function startToReady(run: Run): Promise<void> {
  const times: number[] = [];
  const bare: number[] = [];
  const { target } = await run.floor();
  for (let i = 0; i < STARTS; i++) {
    times.push(await run.server.restart());
    const [server, ms] = await BareProcess.start(run.engine.name, target);
    bare.push(ms);
    await server.stop();
  }
  run.note('start-to-ready', median(times), 'ms', median(bare));
}

/**
 * What one serial adds to the store, documents and indexes included, in a store of its own: commissioned (1,000 a document), packed (80 a document) and seen
 * once more by its own number (1,000). Floor: items with their index, three event references each, and the documents deflated.
 */
export async function bytesPerSerial(run: Run): Promise<void> {
  const count = Math.min(WEIGHED, run.size);
  const groups = Array.from({ length: count / EVENT_SERIALS }, (_, i) => serialsFrom(i * EVENT_SERIALS, (i + 1) * EVENT_SERIALS));
  const cases = Array.from({ length: count / CASE }, (_, i) => serialsFrom(i * CASE, (i + 1) * CASE));
  const steps = [
    { list: groups, make: (serials: string[]) => commissioning(serials, 'WEIGHED') },
    { list: cases, make: (serials: string[], i: number) => packing(sscc(i), serials.map(packOf)) },
    { list: groups, make: (serials: string[]) => observing('storing', 'in_progress', serials.map(packOf)) },
  ];
  const server = new BenchServer(await run.engine.openStore());
  server.profileFolder = run.server.profileFolder;
  await server.start();
  await server.stop();
  const empty = await server.store.bytes();
  await server.start();
  const floor = await run.engine.openFloor();
  try {
    const weighed = new Run(run.engine, count, server, 0);
    const emptyFloor = await floor.bytes();
    for (const { list, make } of steps) {
      const documents = list.map((serials, i) => documentOf(make(serials, i)));
      await weighed.captureAll({ count: documents.length, events: 1, make: (i) => documents[i] as Buffer }, LINES);
      await floor.store(documents.map((document) => deflateRawSync(document)));
    }
    for (const serials of groups) await floor.commission(serials, EVENT_SERIALS);
    for (const size of [CASE, EVENT_SERIALS]) for (let from = 1; from <= count; from += size) await floor.refer(from, size);
    await server.stop();
    run.note('bytes-per-serial', ((await server.store.bytes()) - empty) / count, 'bytes', ((await floor.bytes()) - emptyFloor) / count);
  } finally {
    await floor.end();
    await server.stop();
  }
}
