import { setTimeout as sleep } from 'node:timers/promises';
import { openRandom, type Random } from '../../src/worlds/random.ts';
import { checkStore, type StoreFigures } from './checks.ts';
import { Clients } from './clients.ts';
import { Memory } from './memory.ts';
import { askForOldAnswers } from './old-answers.ts';
import type { ServerUnderTest } from './server-under-test.ts';

export type Trial = {
  readonly kills: number;
  readonly seed: number;
  /** The store of the dead service is looked into after so many kills; over HTTP it is asked after every start. */
  readonly lookEvery: number;
  readonly log?: (line: string) => void;
};

export type Figures = StoreFigures & {
  /** How often it was killed, by the moment. */
  kills: Record<string, number>;
  /** Documents answered 202, bare events answered 201, and contents that were sent and not answered. */
  captures: number;
  bareEvents: number;
  unanswered: number;
  keys: number;
  /** Different checkpoints that were seen. */
  checkpoints: number;
  requests: number;
  /** Answers 503 and 429. */
  busy: number;
};

/** When it is killed, and how many times in a thousand. */
const MOMENTS: readonly (readonly [moment: string, share: number])[] = [
  ['while it starts', 300],
  ['just after its start', 150],
  ['under load', 350],
  ['with a deep queue', 150],
  ['while it stops', 50],
];
/** Documents in a burst: more than one group. */
const BURST = 700;
/** More faults than this tell nothing new. */
const FAULTS_TOLD = 20;

/**
 * Kills a service again and again under load and holds it to its word; throws what was broken. One seed means the same documents and the
 * same moments; what the service has in hand just then is up to the machine.
 */
export async function survive(server: ServerUnderTest, trial: Trial): Promise<Figures> {
  const ordeal = new Ordeal(server, trial);
  try {
    return await ordeal.run();
  } catch (error) {
    await ordeal.abandon();
    throw error;
  }
}

class Ordeal {
  private readonly server: ServerUnderTest;
  private readonly trial: Trial;
  private readonly memory = new Memory();
  private readonly clients: Clients;
  private readonly random: Random;
  private readonly kills: Record<string, number> = {};
  /** How long a start takes, ms. */
  private startMs = 0;

  constructor(server: ServerUnderTest, trial: Trial) {
    this.server = server;
    this.trial = trial;
    this.random = openRandom(trial.seed, 'kills');
    this.clients = new Clients(server, this.memory, trial.seed);
  }

  async run(): Promise<Figures> {
    const { server, clients, trial } = this;
    await this.firstStart();
    clients.start();
    let moment = 'under load';
    for (let kill = 1; kill <= trial.kills; kill++) {
      await this.strike(moment);
      if (kill % trial.lookEvery === 0) this.throwIf((await checkStore(server, this.memory, false)).faults);
      this.throwIf(this.memory.broken);
      server.launch();
      // What a deep queue left behind is best cut short while it is taken up again.
      moment = moment === 'with a deep queue' ? 'while it starts' : this.draw();
      if (kill % 10 === 0)
        trial.log?.(`${kill} kills, ${this.memory.captures.length} captures answered, ${this.memory.checkpoints.size} checkpoints seen`);
    }
    await server.ready();
    await askForOldAnswers(clients, this.memory, this.random);
    clients.stopSending();
    await clients.settle();
    this.throwIf(this.memory.broken);
    await clients.stop();
    await server.kill('SIGTERM');
    return await this.lookAtTheEnd();
  }

  /** Leaves the store as it is. */
  async abandon(): Promise<void> {
    await this.server.kill('SIGKILL').catch(() => {}); // why it may be gone already is what is being told
    await this.clients.stop();
  }

  private async firstStart(): Promise<void> {
    const from = performance.now();
    this.server.launch();
    await this.server.ready();
    this.startMs = Math.ceil(performance.now() - from);
    const answer = await this.clients.call('GET', '/ledger/key');
    this.memory.vkey = (answer as { text: string }).text.trim();
  }

  private draw(): string {
    const mark = this.random.below(1_000);
    let passed = 0;
    for (const [moment, share] of MOMENTS) {
      passed += share;
      if (mark < passed) return moment;
    }
    throw new Error('the shares of the moments do not come to a thousand');
  }

  private async strike(moment: string): Promise<void> {
    const { server, clients, random } = this;
    this.kills[moment] = (this.kills[moment] ?? 0) + 1;
    if (moment === 'while it starts') {
      await sleep(random.below(Math.floor(this.startMs * 1.3)));
      return await server.kill('SIGKILL');
    }
    await server.ready();
    await askForOldAnswers(clients, this.memory, random);
    if (moment === 'just after its start') await sleep(random.below(300));
    else if (moment === 'under load') await sleep(random.between(200, 2_000));
    else if (moment === 'with a deep queue') {
      clients.burst(BURST);
      await sleep(random.between(100, 900));
    } else {
      await sleep(random.below(1_000));
      const stopped = server.kill('SIGTERM');
      // Some stops are cut short, some are not.
      await Promise.race([stopped, sleep(random.below(400))]);
    }
    await server.kill('SIGKILL');
  }

  private async lookAtTheEnd(): Promise<Figures> {
    const { server, memory } = this;
    const { faults, figures } = await checkStore(server, memory, true);
    this.throwIf([...memory.broken, ...faults]);
    const { equal, tables } = await server.rebuild();
    if (!equal) this.throwIf(tables.flatMap(({ differences }) => differences.map((difference) => JSON.stringify(difference))));
    const sent = [...memory.sent.values()];
    const sum = (count: (one: (typeof sent)[number]) => number) => sent.reduce((total, one) => total + count(one), 0);
    return {
      ...figures,
      kills: this.kills,
      captures: memory.captures.length,
      bareEvents: sum((one) => one.answered201),
      unanswered: sum((one) => one.unanswered),
      keys: memory.keys.length,
      checkpoints: memory.checkpoints.size,
      requests: memory.requests,
      busy: memory.busy,
    };
  }

  private throwIf(faults: readonly string[]): void {
    if (faults.length === 0) return;
    const kills = Object.values(this.kills).reduce((a, b) => a + b, 0);
    throw new Error(`${this.server.name}, after ${kills} kills, seed ${this.trial.seed}:\n${faults.slice(0, FAULTS_TOLD).join('\n')}`);
  }
}
