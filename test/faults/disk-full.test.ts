import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MAIN } from '../support/program.ts';
import { checkStore } from './checks.ts';
import { Clients } from './clients.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { LONG, SEED } from './form.ts';
import { Memory } from './memory.ts';
import { limitFileSize, mountSmallDisk, type Part, type SmallDisk } from './small-disk.ts';

/** A full disk is noticed, and room that came back is used, within this time, ms. */
const NOTICED_MAX = 30_000;

/** A service under load, on a disk that can be filled. */
class Trial {
  readonly server: EmbeddedServer;
  readonly memory = new Memory();
  readonly clients: Clients;
  private readonly disk: SmallDisk;

  constructor(disk: SmallDisk) {
    this.disk = disk;
    this.server = new EmbeddedServer([process.execPath, MAIN], { folder: disk.folder });
    this.clients = new Clients(this.server, this.memory, SEED);
  }

  async start(): Promise<void> {
    this.server.launch();
    await this.server.ready();
    this.memory.vkey = (await this.get('/ledger/key')).text.trim();
  }

  fill(parts: readonly Part[]): void {
    this.disk.fill(parts, this.server.pid);
  }

  free(): void {
    this.disk.free(this.server.pid);
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const answer = await this.clients.call('GET', path);
    if (answer === null) throw new Error(`GET ${path} was not answered: ${this.server.said}`);
    return answer;
  }

  /** Waits for what must come about by itself. */
  async until(what: string, come: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + NOTICED_MAX; !(await come()); await sleep(50)) {
      expect(this.memory.broken).toEqual([]);
      if (Date.now() > end) throw new Error(`not within ${NOTICED_MAX} ms: ${what}. The service said: ${this.server.said}`);
    }
  }

  /** Everything that was answered is there, once the last of it is folded. */
  async expectNothingLost(): Promise<void> {
    this.clients.stopSending();
    await this.clients.settle();
    await this.clients.stop();
    await this.server.kill('SIGTERM');
    const { faults } = await checkStore(this.server, this.memory, true);
    expect([...this.memory.broken, ...faults]).toEqual([]);
    expect((await this.server.rebuild()).equal).toBe(true);
  }

  async end(): Promise<void> {
    await this.server.kill('SIGKILL').catch(() => {});
    await this.clients.stop();
    this.disk.remove();
  }
}

async function onDisk(disk: SmallDisk, story: (trial: Trial) => Promise<void>): Promise<void> {
  const trial = new Trial(disk);
  try {
    await trial.start();
    await story(trial);
  } finally {
    await trial.end();
  }
}

async function readsGoOn(trial: Trial): Promise<void> {
  const known = trial.memory.captures[0]!.captureID;
  for (const path of ['/ledger/checkpoint', `/epcis/capture/${known}`, '/epcis/events?perPage=1', '/api/v1/findings', '/health/live'])
    expect((await trial.get(path)).status, path).toBe(200);
}

/** Sends a little under load, fills the disk, waits for a 503, looks around, makes room, and waits for a capture that goes through. */
const filled = (parts: readonly Part[]) => async (trial: Trial) => {
  const { memory, clients } = trial;
  clients.start();
  await trial.until('some captures', () => memory.captures.filter(({ ended }) => ended).length > 20);
  trial.fill(parts);
  const busy = memory.busy;
  await trial.until('a 503', () => memory.busy > busy + 3); // that each has Retry-After is seen to by the clients
  await readsGoOn(trial);
  await sleep(1_500); // longer than between two tries
  await readsGoOn(trial);
  trial.free();
  const before = memory.captures.length;
  await trial.until('captures that end', () => memory.captures.slice(before).some(({ ended }) => ended));
  await trial.until('to be ready', async () => (await trial.get('/health/ready')).status === 200);
  await trial.expectNothingLost();
};

const disk = mountSmallDisk();
disk?.remove();
const limited = limitFileSize();
limited?.remove();
if (disk === null)
  console.log(
    `No small file system can be mounted here: the disk is full by ${limited ? 'prlimit alone' : 'no means, and this is not tried'}.`,
  );

describe('on a full disk, captures are answered 503 with Retry-After, reads go on, nothing is lost, and room that comes back is used', () => {
  it
    .skipIf(disk === null)
    .each<{ what: string; parts: Part[] }>([
      { what: 'the journal', parts: ['journal'] },
      { what: 'the intake', parts: ['intake'] },
      ...(LONG ? [{ what: 'either', parts: ['journal', 'intake'] as Part[] }] : []),
    ])('where $what cannot grow', { timeout: 180_000 }, async ({ parts }) => {
    await onDisk(mountSmallDisk() as SmallDisk, filled(parts));
  });

  it.skipIf(limited === null || (disk !== null && !LONG))('where the process may make no file longer', { timeout: 180_000 }, async () => {
    await onDisk(limitFileSize() as SmallDisk, filled(['journal', 'intake']));
  });

  it.skipIf(disk === null && limited === null)(
    'when nothing waits to be folded that would be tried again',
    { timeout: 180_000 },
    async () => {
      await onDisk((mountSmallDisk() ?? limitFileSize()) as SmallDisk, async (trial) => {
        const { clients, memory } = trial;
        const answered = () => [...memory.sent.values()].filter((sent) => sent.answered201 > 0).length;
        await clients.sendSingle();
        expect(answered()).toBe(1);
        trial.fill(['journal', 'intake']);
        await trial.until('a 503', async () => {
          await clients.sendSingle();
          return memory.busy > 0;
        });
        trial.free();
        const before = answered();
        await trial.until('an event that is taken', async () => {
          await clients.sendSingle();
          return answered() > before;
        });
        await trial.expectNothingLost();
      });
    },
  );

  it.skipIf(disk === null || !LONG)('when it is killed while the disk is full', { timeout: 180_000 }, async () => {
    await onDisk(mountSmallDisk() as SmallDisk, async (trial) => {
      const { clients, memory, server } = trial;
      clients.start();
      await trial.until('some captures', () => memory.captures.length > 20);
      trial.fill(['journal']);
      await trial.until('a 503', () => memory.busy > 0);
      await server.kill('SIGKILL');
      trial.free();
      server.launch();
      await server.ready();
      await trial.expectNothingLost();
    });
  });
});
