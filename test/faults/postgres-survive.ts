import { setTimeout as sleep } from 'node:timers/promises';
import { openRandom, type Random } from '../../src/worlds/random.ts';
import type { PostgresServer } from '../support/postgres-server.ts';
import { checkStore, type StoreFigures } from './checks.ts';
import { Clients } from './clients.ts';
import { Memory } from './memory.ts';
import { askForOldAnswers } from './old-answers.ts';
import type { AppProcess, PostgresProcesses, Writer } from './postgres-processes.ts';
import type { Loss, Message, Wire } from './wire.ts';

export type Trial = {
  readonly strikes: readonly Strike[];
  readonly seed: number;
  /** Both processes are killed after so many strikes, and the store is looked into. */
  readonly lookEvery: number;
  readonly log?: (line: string) => void;
};

export type Figures = StoreFigures & {
  strikes: Record<string, number>;
  captures: number;
  bareEvents: number;
  unanswered: number;
  checkpoints: number;
  requests: number;
  /** Answers 503 and 429. */
  busy: number;
  slow: number;
  /** How often another session became the writer after a strike, and how long that took, ms. */
  takeovers: { number: number; median: number; max: number };
};

/** What can happen to a service of two processes on a database of its own, and how often, against each other. */
export const SHARES = {
  'the writer is killed': 120,
  'the writer is killed as it commits': 160,
  'the other process is killed': 70,
  'the writer is told to stop': 50,
  'the writer loses a COMMIT on the way': 60,
  'the writer loses the reply to a COMMIT': 100,
  'the reply to a document put down is lost': 60,
  "the writer's session is ended": 80,
  "the writer's backend is killed": 60,
  'the database crashes': 60,
  'the connections of a process are cut': 70,
  'the connections of a process are closed half': 40,
  'the network is slow': 30,
  'the network swallows everything': 20,
  'the disk is full': 30,
  'somebody locks a table': 20,
  'the writer sleeps': 20,
} as const;
export type Strike = keyof typeof SHARES;

/** What the server says when it has no room, said by the table. */
const DISK_FULL = `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
  CREATE TRIGGER full_disk BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION full_disk()`;
/** Longer than a writer may be silent, or wait for a lock. */
const SLEEP_MS = 13_000;
/** Somebody writes again within this time, ms. */
const TAKEOVER_MAX = 60_000;
/** What the processes said last is told when something was broken. */
const LAST_WORDS = 2_000;
/** More faults than this tell nothing new. */
const FAULTS_TOLD = 20;

/** Strikes as their shares have it. */
export function drawStrikes(count: number, seed: number): Strike[] {
  const random = openRandom(seed, 'strikes');
  const marks = (Object.keys(SHARES) as Strike[]).flatMap((name) => Array.from({ length: SHARES[name] }, () => name));
  return Array.from({ length: count }, () => random.pick(marks));
}

/**
 * Strikes at two processes on one database again and again under load, and at the database, and holds the service to its word; throws what was broken.
 * One seed means the same documents and the same strikes; what is in hand just then is up to the machine.
 */
export async function survive(service: PostgresProcesses, database: PostgresServer, trial: Trial): Promise<Figures> {
  const ordeal = new Ordeal(service, database, trial);
  try {
    return await ordeal.run();
  } catch (error) {
    await ordeal.abandon();
    throw error;
  }
}

class Ordeal {
  private readonly service: PostgresProcesses;
  private readonly database: PostgresServer;
  private readonly trial: Trial;
  private readonly memory = new Memory();
  private readonly clients: Clients;
  private readonly random: Random;
  private readonly struck: Record<string, number> = {};
  private readonly takeovers: number[] = [];

  constructor(service: PostgresProcesses, database: PostgresServer, trial: Trial) {
    this.service = service;
    this.database = database;
    this.trial = trial;
    this.random = openRandom(trial.seed, 'moments');
    this.clients = new Clients(service, this.memory, trial.seed);
  }

  async run(): Promise<Figures> {
    const { service, clients, memory, trial } = this;
    service.launch();
    await service.ready();
    memory.vkey = ((await clients.call('GET', '/ledger/key')) as { text: string }).text.trim();
    clients.start();
    for (const [i, strike] of trial.strikes.entries()) {
      await sleep(this.random.between(100, 1_500));
      this.struck[strike] = (this.struck[strike] ?? 0) + 1;
      const takeovers = this.takeovers.length;
      await this.strike(strike);
      await askForOldAnswers(clients, memory, this.random);
      this.throwIf(memory.broken, strike);
      const took = this.takeovers.slice(takeovers).map((ms) => `, taken over in ${Math.round(ms)} ms`);
      trial.log?.(`${i + 1}: ${strike}${took.join('')}; ${memory.captures.length} captures answered`);
      if ((i + 1) % trial.lookEvery === 0) await this.look(strike);
    }
    clients.stopSending();
    await clients.settle();
    this.throwIf(memory.broken, 'at the end');
    await clients.stop();
    await service.kill('SIGTERM');
    return await this.lookAtTheEnd();
  }

  /** Leaves the store as it is; tells what was going on. */
  async abandon(): Promise<void> {
    for (const { server } of this.service.all) console.error(`process ${server.pid} said: ${server.said.slice(-LAST_WORDS)}`);
    console.error(
      `writing: ${JSON.stringify((await this.service.writer())?.session)}; waiting: ${(await this.service.queued().catch(() => [])).length}`,
    );
    for (const process of this.service.all) {
      process.wire.choke(false);
      await process.server.kill('SIGKILL').catch(() => {}); // why it may be gone already is what is being told
    }
    await this.clients.stop();
  }

  private async strike(strike: Strike): Promise<void> {
    const writer = await this.writing();
    const other = this.service.all.find((process) => process !== writer.process) as AppProcess;
    const one = this.random.pick(this.service.all);
    const wire = writer.process.wire;
    switch (strike) {
      case 'the writer is killed':
        return await this.kill(writer.process, 'SIGKILL', writer);
      case 'the writer is killed as it commits':
        await this.seen(wire, 'nothing', { session: writer.session, text: 'COMMIT\0' });
        return await this.kill(writer.process, 'SIGKILL', writer);
      case 'the other process is killed':
        return await this.kill(other, 'SIGKILL');
      case 'the writer is told to stop':
        return await this.kill(writer.process, 'SIGTERM', writer);
      case 'the writer loses a COMMIT on the way':
        await this.seen(wire, 'message', { session: writer.session, text: 'COMMIT\0' });
        return await this.takenOver(writer);
      case 'the writer loses the reply to a COMMIT':
        await this.seen(wire, 'reply', { session: writer.session, text: 'COMMIT\0' });
        return await this.takenOver(writer);
      case 'the reply to a document put down is lost':
        return await this.seen(one.wire, 'reply', { session: 'lotline intake', text: 'keep-' });
      case "the writer's session is ended":
        await this.service.endSession(writer);
        return await this.takenOver(writer);
      case "the writer's backend is killed":
        process.kill(writer.backend, 'SIGKILL');
        return await this.takenOver(writer);
      case 'the database crashes':
        await this.database.crash();
        await sleep(this.random.below(1_500));
        await this.database.restart();
        return await this.takenOver(writer);
      case 'the connections of a process are cut':
        one.wire.cut();
        return one === writer.process ? await this.takenOver(writer) : undefined;
      case 'the connections of a process are closed half':
        one.wire.halfClose();
        return one === writer.process ? await this.takenOver(writer) : undefined;
      case 'the network is slow':
        one.wire.delay(this.random.between(50, 300));
        await sleep(1_500);
        one.wire.delay(0);
        return;
      case 'the network swallows everything':
        wire.choke(true);
        await this.takenOver(writer);
        wire.choke(false);
        return;
      case 'the disk is full':
        return await this.service.meanwhile(DISK_FULL, 3_000, 'DROP TRIGGER full_disk ON entry; DROP FUNCTION full_disk()');
      case 'somebody locks a table':
        return await this.service.meanwhile('BEGIN; LOCK TABLE entry', SLEEP_MS, 'ROLLBACK');
      case 'the writer sleeps': {
        process.kill(writer.process.server.pid, 'SIGSTOP');
        const until = Date.now() + SLEEP_MS;
        await this.takenOver(writer);
        await sleep(until - Date.now());
        process.kill(writer.process.server.pid, 'SIGCONT');
      }
    }
  }

  /** Waits for a message that comes again and again under load. */
  private async seen(wire: Wire, lose: Loss, message: Message): Promise<void> {
    const late = sleep(TAKEOVER_MAX, 'late', { ref: false });
    if ((await Promise.race([wire.lose(lose, message), late])) === 'late')
      throw new Error(`${message.session} has said nothing of ${message.text} in ${TAKEOVER_MAX} ms`);
  }

  private async writing(): Promise<Writer & { process: AppProcess }> {
    await this.service.ready();
    for (const end = Date.now() + TAKEOVER_MAX; Date.now() < end; await sleep(20)) {
      const writer = await this.service.writer();
      if (writer !== null) return writer;
    }
    throw new Error(`nobody has written for ${TAKEOVER_MAX} ms`);
  }

  private async kill(process: AppProcess, signal: 'SIGKILL' | 'SIGTERM', writer?: Writer): Promise<void> {
    const gone = process.server.kill(signal);
    if (writer !== undefined) await this.takenOver(writer);
    await gone;
    process.server.launch();
    await process.server.ready();
  }

  /** Waits until another session writes, of the same process or another. */
  private async takenOver(before: Writer): Promise<void> {
    const from = performance.now();
    for (;;) {
      const writer = await this.writing();
      if (writer.session !== before.session || writer.backend !== before.backend) break;
      if (performance.now() - from > TAKEOVER_MAX) throw new Error(`${before.session} has not been taken over in ${TAKEOVER_MAX} ms`);
      await sleep(10);
    }
    this.takeovers.push(performance.now() - from);
  }

  private async look(strike: Strike): Promise<void> {
    await this.service.kill('SIGKILL');
    this.throwIf((await checkStore(this.service, this.memory, false)).faults, strike);
    this.service.launch();
    await this.service.ready();
  }

  private async lookAtTheEnd(): Promise<Figures> {
    const { service, memory } = this;
    const { faults, figures } = await checkStore(service, memory, true);
    this.throwIf([...memory.broken, ...faults], 'at the end');
    const { equal, tables } = await service.rebuild();
    if (!equal)
      this.throwIf(
        tables.flatMap(({ differences }) => differences.map((difference) => JSON.stringify(difference))),
        'at the end',
      );
    const sent = [...memory.sent.values()];
    const sum = (count: (one: (typeof sent)[number]) => number) => sent.reduce((total, one) => total + count(one), 0);
    const times = this.takeovers.map(Math.round).sort((a, b) => a - b);
    return {
      ...figures,
      strikes: this.struck,
      captures: memory.captures.length,
      bareEvents: sum((one) => one.answered201),
      unanswered: sum((one) => one.unanswered),
      checkpoints: memory.checkpoints.size,
      requests: memory.requests,
      busy: memory.busy,
      slow: memory.slow,
      takeovers: { number: times.length, median: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 },
    };
  }

  private throwIf(faults: readonly string[], when: string): void {
    if (faults.length === 0) return;
    throw new Error(`${this.service.name}, ${when}, seed ${this.trial.seed}:\n${faults.slice(0, FAULTS_TOLD).join('\n')}`);
  }
}
