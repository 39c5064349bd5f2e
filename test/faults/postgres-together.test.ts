import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRandom } from '../../src/worlds/random.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { MAIN } from '../support/program.ts';
import { checkStore } from './checks.ts';
import { Clients } from './clients.ts';
import { LONG, SEED } from './form.ts';
import { Line } from './made-documents.ts';
import { Memory } from './memory.ts';
import { PostgresProcesses } from './postgres-processes.ts';

/** How long captures are taken, ms; somewhere in the middle third of it a process is killed. */
const LASTS = LONG ? 60_000 : 5_000;
/** Captures that each process takes while both are there, and the one that is left afterwards, of those that are sent to it by itself. */
const ENOUGH = 3;

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

type Job = { captureID: string; running: boolean; success: boolean; finishedAt?: string };

/** What each process is asked for by itself. */
class Sides {
  /** Captures that a process was sent and took, by process. */
  readonly taken = [0, 0];
  /** Jobs as they were told when they had ended. */
  readonly ended = new Map<string, string>();
  private readonly service: PostgresProcesses;
  private readonly memory: Memory;

  constructor(service: PostgresProcesses, memory: Memory) {
    this.service = service;
    this.memory = memory;
  }

  /** Null when there is no answer, or the process is busy. */
  async call(side: number, path: string, body?: string): Promise<Response | null> {
    const { url, adminKey } = this.service.all[side]?.server ?? { url: null };
    if (url === null) return null;
    try {
      const answer = await fetch(url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body }),
      });
      return answer.status === 503 ? null : answer;
    } catch {
      return null;
    }
  }

  /** Sends a document to one process, and asks both for its job until it has ended: from the first moment both know it, and both tell the same. */
  async capture(side: number, line: Line): Promise<void> {
    const made = line.small();
    const sent = this.memory.send(made);
    const answer = await this.call(side, '/epcis/capture', made.body);
    if (answer === null) return;
    expect(answer.status).toBe(202);
    this.taken[side] = (this.taken[side] as number) + 1;
    const captureID = (answer.headers.get('location') as string).split('/').at(-1) as string;
    this.memory.taken(sent, captureID);
    while (!this.ended.has(captureID)) for (const asked of [1 - side, side]) await this.askForJob(asked, captureID);
  }

  private async askForJob(side: number, captureID: string): Promise<void> {
    const answer = await this.call(side, `/epcis/capture/${captureID}`);
    if (answer === null) return await sleep(20);
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    if ((JSON.parse(text) as Job).running) expect(this.ended.get(captureID)).toBeUndefined();
    else if (this.ended.has(captureID)) expect(text).toBe(this.ended.get(captureID));
    else this.ended.set(captureID, text);
  }

  /** All jobs, as one process lists them. */
  async jobs(side: number): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let path: string | undefined = '/epcis/capture?perPage=100'; path !== undefined; ) {
      const answer: Response = (await this.call(side, path)) as Response;
      jobs.push(...((await answer.json()) as Job[]));
      const next = /<([^>]+)>; *rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
      path = next === undefined ? undefined : new URL(next, 'http://here').pathname + new URL(next, 'http://here').search;
    }
    return jobs;
  }
}

describe(`two processes on one database that take captures at the same time for ${LASTS / 1000} s, one of which is killed`, () => {
  it('lose nothing: log, jobs and states are right', { timeout: LASTS + 180_000 }, async () => {
    const service = await PostgresProcesses.open([process.execPath, MAIN], database.url);
    const memory = new Memory();
    const clients = new Clients(service, memory, SEED);
    const sides = new Sides(service, memory);
    const random = openRandom(SEED, 'sides');
    service.launch();
    await service.ready();
    memory.vkey = ((await clients.call('GET', '/ledger/key')) as { text: string }).text.trim();
    const begun = Date.now();
    clients.start();
    let killed: { side: number; before: readonly number[] } | null = null;
    /** On a busy machine it takes longer: until each has taken enough while both are there, and the one that is left afterwards. */
    const goesOn = (side: number) => {
      if (killed === null) return true;
      const enough = (killed.before[side] as number) + ENOUGH;
      return killed.side !== side && (Date.now() < begun + LASTS || (sides.taken[side] as number) < enough);
    };
    const crosswise = [0, 1].map(async (side) => {
      const line = new Line(random.fork(`side ${side}`), `9${side}`, () => null);
      while (goesOn(side)) await sides.capture(side, line);
    });
    await sleep(random.between(LASTS / 3, (LASTS * 2) / 3));
    while (Math.min(...sides.taken) < ENOUGH) await sleep(20);
    let writer = await service.writer();
    while (writer === null) writer = await service.writer();
    killed = { side: service.all.indexOf(writer.process), before: [...sides.taken] };
    await writer.process.server.kill('SIGKILL');
    const from = performance.now();
    let next = await service.writer();
    while (next === null || next.session === writer.session) next = await service.writer();
    const tookMs = Math.round(performance.now() - from);
    await Promise.all(crosswise);
    clients.stopSending();
    await clients.settle();
    expect(memory.broken).toEqual([]);

    writer.process.server.launch();
    await service.ready();
    const [one, other] = [await sides.jobs(0), await sides.jobs(1)];
    expect(one).toEqual(other);
    const listed = new Map(one.map((job) => [job.captureID, job]));
    expect(listed.size).toBe(one.length);
    for (const { captureID, sent } of memory.captures)
      expect(listed.get(captureID)).toMatchObject({ running: false, success: sent.made.success });
    for (const [captureID, text] of sides.ended) expect(listed.get(captureID)).toEqual(JSON.parse(text));

    await clients.stop();
    await service.kill('SIGTERM');
    const { faults, figures } = await checkStore(service, memory, true);
    expect([...memory.broken, ...faults]).toEqual([]);
    const { equal, tables } = await service.rebuild();
    expect(tables.flatMap(({ differences }) => differences)).toEqual([]);
    expect(equal).toBe(true);
    console.log(
      JSON.stringify({ ...figures, captures: memory.captures.length, checkpoints: memory.checkpoints.size, busy: memory.busy, tookMs }),
    );
    await service.dispose();
  });
});
