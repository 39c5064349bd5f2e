import { createServer, type ServerResponse } from 'node:http';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { serialsFrom } from './documents.ts';
import type { Floor, LookUps } from './floor.ts';
import { paced } from './load.ts';

/**
 * The least that could answer over HTTP: node:http, and the bare statements over the tables of a floor. It also writes as the service captures, in a
 * thread of its own, when told to. Built by the bench, because measuring how it starts must not measure tsx.
 *
 *     node bare-server.js <sqlite|postgres> <file or URL> <port>
 */
type Writing = { engine: string; target: string; perSecond: number; perEvent: number; events: number };

if (isMainThread) await serve();
else await write(workerData as Writing);

async function serve(): Promise<void> {
  const [engine = '', target = '', port] = process.argv.slice(2);
  const lookUps = await openLookUps(engine, target);
  const answer = async (url: URL, response: ServerResponse) => {
    const [, question, of = ''] = url.pathname.split('/');
    if (question === 'write') {
      const number = (name: string) => Number(url.searchParams.get(name));
      const writing: Writing = { engine, target, perSecond: number('perSecond'), perEvent: number('perEvent'), events: number('events') };
      new Worker(new URL(import.meta.url), { workerData: writing });
    }
    const body = Buffer.from(JSON.stringify(await rowsFor(lookUps, question ?? '', of)));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  };
  createServer((request, response) => {
    answer(new URL(request.url ?? '/', 'http://127.0.0.1'), response).catch((error: Error) => {
      response.writeHead(500, { 'content-length': Buffer.byteLength(error.message) }).end(error.message);
    });
  }).listen(Number(port), '127.0.0.1');
}

async function rowsFor(lookUps: LookUps, question: string, of: string): Promise<unknown> {
  switch (question) {
    case 'item':
      return await lookUps.item(of);
    case 'history':
      return await lookUps.history(of);
    case 'contents':
      return await lookUps.contents();
    case 'scope':
      return await lookUps.scope();
    default:
      return {};
  }
}

/** Commissions at a fixed rate, an event a transaction. */
async function write({ engine, target, perSecond, perEvent, events }: Writing): Promise<void> {
  const floor = await openFloor(engine, target);
  let turn: Promise<void> = Promise.resolve();
  await paced(events, perSecond / perEvent, (i) => {
    const serials = serialsFrom(FAR + i * perEvent, FAR + (i + 1) * perEvent);
    turn = turn.then(() => floor.commission(serials, perEvent));
    return turn;
  });
  await floor.end();
}

/** Numbers that the bench does not come to. */
const FAR = 1e12;

async function openLookUps(engine: string, target: string): Promise<LookUps> {
  return engine === 'sqlite'
    ? (await import('./floor-sqlite.ts')).openLookUps(target)
    : (await import('./floor-postgres.ts')).openLookUps(target);
}

async function openFloor(engine: string, target: string): Promise<Floor> {
  if (engine === 'sqlite') return new (await import('./floor-sqlite.ts')).SqliteFloor(target, FAR);
  return await (await import('./floor-postgres.ts')).PostgresFloor.open(target, FAR);
}
