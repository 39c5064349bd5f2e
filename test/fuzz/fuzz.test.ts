import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRandom } from '../../src/worlds/random.ts';
import { documentOf, everyEvent } from '../support/epcis-documents.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { removeFolder, run, type Service, startService } from '../support/program.ts';
import { ENGINES } from '../support/test-store.ts';
import { type Answer, isCutOff, send } from './client.ts';
import { type Call, callsOf, type FuzzRequest, makeRequest } from './requests.ts';
import { readSeeds } from './seeds.ts';

/** LOTLINE_FUZZ_MINUTES=10 goes on for so long, from seed to seed; LOTLINE_FUZZ_SEED and LOTLINE_FUZZ_CASE do one of them, or one request of it, again. */
const MINUTES = Number(process.env['LOTLINE_FUZZ_MINUTES'] ?? 0);
const SEED = Number(process.env['LOTLINE_FUZZ_SEED'] ?? 1);
const CASE = process.env['LOTLINE_FUZZ_CASE'];

const CASES = 2_500;
const CLIENTS = 4;
/** Every answer comes within this time, on a machine that has other things to do. */
const BOUND_MS = 20_000;
/** What the process may have more after a run than it had after its first requests: caches that fill, not requests that stay. */
const GROWTH_BYTES = 300 * 1024 * 1024;

let service: Service;
let database: TestDatabase | null;
let calls: Call[];
const seeds = readSeeds();

/** Where the store lies, for a command. */
const place = () => (database === null ? ['--data', service.folder] : ['--database-url', database.url]);

const bearer = (): readonly [string, string] => ['Authorization', `Bearer ${service.key}`];
const ask = async (request: FuzzRequest) => await send(service.url, request, BOUND_MS);
const get = async (target: string) => await ask({ method: 'GET', target, headers: [bearer()], body: null });

async function capture(document: unknown): Promise<Answer> {
  const headers = [bearer(), ['Content-Type', 'application/json'], ['GS1-Capture-Error-Behaviour', 'proceed']] as const;
  return await ask({ method: 'POST', target: '/epcis/capture', headers, body: Buffer.from(JSON.stringify(document)) });
}

/** What is wrong with an answer, whatever was asked; null when nothing is. */
function faultOf({ status, contentType, body }: Answer, request: FuzzRequest): string | null {
  if (status === null) return isCutOff(request) ? null : 'the connection ended without an answer';
  if (status >= 500 && status !== 501) return `status ${status}`;
  if (request.method === 'HEAD') return null;
  if (status < 400)
    return contentType.includes('json') && !contentType.includes('ndjson') && !isJson(body) ? 'the answer is no JSON' : null;
  if (contentType.startsWith('application/problem+xml')) return null;
  if (!contentType.startsWith('application/problem+json')) return `a problem of type ${contentType}`;
  const { code, at, fix } = (isJson(body) ? JSON.parse(body) : {}) as Record<string, unknown>;
  return typeof code === 'string' && typeof at === 'string' && typeof fix === 'string' && fix !== ''
    ? null
    : 'a problem without code, place or remedy';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const shown = ({ method, target, headers, body }: FuzzRequest) =>
  `${method} ${target.slice(0, 2_000)}\n${headers.map((pair) => pair.join(': ').slice(0, 300)).join('\n')}\n\n${(body ?? '').toString().slice(0, 6_000)}`;

/** One seed's requests, several at a time. Answers what went wrong, with what is needed to see it again. */
async function fuzz(seed: number, cases: readonly number[]): Promise<string[]> {
  const faults: string[] = [];
  const left = [...cases].reverse();
  const client = async () => {
    for (let number = left.pop(); number !== undefined && faults.length < 10; number = left.pop()) {
      const request = makeRequest(openRandom(seed, `case ${number}`), calls, seeds, service.key);
      const again = `LOTLINE_FUZZ_SEED=${seed} LOTLINE_FUZZ_CASE=${number}`;
      try {
        const answer = await ask(request);
        const fault = faultOf(answer, request);
        if (fault !== null) faults.push(`${fault} (${again})\n${shown(request)}\n→ ${answer.status} ${answer.body.slice(0, 500)}`);
      } catch (error) {
        faults.push(`${(error as Error).message} (${again})\n${shown(request)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return faults;
}

const residentBytes = async () => Number(/^lotline_process_resident_bytes (\d+)/m.exec((await get('/metrics')).body)?.[1]);

async function settled(): Promise<void> {
  for (let waits = 0; waits < 600; waits++) {
    if (!(await get('/epcis/capture?perPage=1000')).body.includes('"running":true')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('captures are still waiting a minute after the last request');
}

describe.each(ENGINES)('the service on %s, asked all manner of things', (engine) => {
  const rounds = CASE === undefined ? Array.from({ length: CASES }, (_, i) => i) : CASE.split(',').map(Number);

  beforeAll(async () => {
    database = engine === 'postgres' ? await freshDatabase() : null;
    service = await startService(undefined, database === null ? {} : { LOTLINE_DATABASE_URL: database.url });
    calls = callsOf(JSON.parse((await ask({ method: 'GET', target: '/api/v1/openapi.json', headers: [], body: null })).body));
    for (const document of seeds.documents) await capture(document);
  });
  afterAll(async () => {
    await service.kill();
    removeFolder(service.folder);
    await database?.drop();
  });

  it('answers each in time and never with a fault of its own, keeps no more memory for it, and goes on as before (R-10, E-1, J-9)', {
    timeout: (MINUTES + 10) * 60_000,
  }, async () => {
    expect(calls.length).toBeGreaterThan(40);
    const until = Date.now() + (MINUTES / ENGINES.length) * 60_000;
    expect(await fuzz(SEED, rounds.slice(0, 500))).toEqual([]);
    await settled();
    const before = await residentBytes();
    expect(await fuzz(SEED, rounds.slice(500))).toEqual([]);
    for (let seed = SEED + 1; Date.now() < until; seed++) expect(await fuzz(seed, rounds)).toEqual([]);
    await settled();
    expect((await residentBytes()) - before).toBeLessThan(GROWTH_BYTES);
    expect((await get('/health/ready')).status).toBe(200);
    expect((await capture(documentOf(everyEvent()))).status).toBe(202);
    await settled();
    expect((await get('/epcis/events?perPage=1')).status).toBe(200);
  });

  it('leaves a log that verifies, and a store that follows from its entries', { timeout: 600_000 }, async () => {
    const { code, err, out } = await service.stop();
    expect([code, `${out}${err}`.split('\n').filter((line) => /failed|Error/.test(line))]).toEqual([0, []]);
    const key = join(service.folder, 'log.key');
    const verified = await run(['verify-log', ...place(), ...(database === null ? [] : ['--log-key-file', key])]);
    expect([verified.code, verified.err]).toEqual([0, expect.any(String)]);
    const rebuilt = await run(['rebuild', ...place()]);
    expect([rebuilt.code, rebuilt.out]).toEqual([0, expect.stringContaining('Equal')]);
  });
});
