import { describe, expect, it } from 'vitest';
import { LotlineError } from '../errors.ts';
import type { Report, ReportArgs } from '../query/report.ts';
import { Gate } from './gate.ts';
import { NOTHING_YET, type Progress } from './progress.ts';
import { type Message, Subscriber } from './subscriber.ts';
import type { Subscription, Timing } from './subscription.ts';

type Note = { version: number; next: number; progress: Progress };

/** A journal of events 0, 1, 2 …, a client, and a clock that the test moves. */
class World {
  entries = 0;
  now = Date.parse('2026-03-01T00:00:00.500Z');
  readonly taken: string[] = [];
  readonly tried: { id: string; events: string; kind: string }[] = [];
  readonly notes: Note[] = [];
  readonly log: string[] = [];
  allowed = true;
  stands = true;
  readonly room = new Gate(1);
  client: (message: Message) => 'taken' | 'smaller' = () => 'taken';
  noting: (note: Note) => boolean = () => true;
  asking: (entries: number) => void = () => {};
  private watcher: () => void = () => {};

  subscribe(timing: Timing, more: Partial<Subscription> = {}, query: object = {}): Subscriber {
    const subscription: Subscription = {
      id: 's',
      queryName: 'q',
      query,
      actor: 'k_1',
      created: this.now,
      terms: { dest: '', token: null, timing, initialRecordTime: null, reportIfEmpty: false, epcFormat: 'No_Preference' },
      next: 0,
      version: 0,
      progress: NOTHING_YET,
      ...more,
    };
    return new Subscriber(subscription, {
      readers: {
        ask: (async (_name: string, args: ReportArgs) => this.report(args)) as never,
        look: (async () => ({ next: this.entries, recordTime: null })) as never,
      },
      recipient: {
        stands: async () => this.stands,
        turn: async (work) => await this.room.run(work),
        take: async (message) => {
          const events = Buffer.from(message.body).toString();
          this.tried.push({ id: message.id, events, kind: message.kind });
          this.watcher();
          const answer = this.client(message);
          if (answer === 'taken') this.taken.push(events);
          this.watcher();
          return answer;
        },
        note: async (note) => {
          this.notes.push(note);
          this.watcher();
          return this.noting(note);
        },
      },
      mayRead: async () => this.allowed,
      reports: new Gate(1),
      clock: () => this.now,
      random: () => 1,
      log: (line) => this.log.push(line),
    });
  }

  private report({ from, through, reach, limit, run }: ReportArgs): Report {
    const whole = Math.max(through ?? this.entries - 1, from - 1);
    const end = reach === null ? whole : Math.min(whole, from + reach - 1);
    this.asking(end - from + 1);
    const last = Math.min(end, from + limit - 1);
    const events = Array.from({ length: last - from + 1 }, (_, i) => from + i).join(' ');
    const part = `${from}-${last}`;
    const common = {
      cut: end < whole,
      through: end,
      last,
      next: last + 1,
      more: last < end,
      recordTime: last < 0 ? null : last,
      problem: null,
    };
    return { ...common, body: Buffer.from(events), count: last - from + 1, part: run === null ? part : `r${part}` };
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.watcher = resolve;
      });
    }
  }
}

const STREAM: Timing = { stream: true };
const busy = () => new LotlineError('REQ-BUSY', 'full', { fix: 'Wait.' });

describe('a subscriber', () => {
  it('is told everything in turn, and notes each before the next', async () => {
    const world = new World();
    world.entries = 3;
    const subscriber = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 1);
    world.entries = 5;
    subscriber.wake();
    await world.until(() => world.notes.length === 2);
    subscriber.stop();
    await subscriber.done;
    expect(world.taken).toEqual(['0 1 2', '3 4']);
    expect(world.notes.map(({ version, next }) => [version, next])).toEqual([[0, 3], [1, 5]]); // biome-ignore format: pairs
  });

  it('is not told again what it has taken when that cannot be noted at once (S-8)', async () => {
    const world = new World();
    world.entries = 1;
    let refusals = 1;
    world.noting = () => {
      if (refusals-- > 0) throw busy();
      return true;
    };
    const subscriber = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 2);
    subscriber.stop();
    await subscriber.done;
    expect(world.taken).toEqual(['0']);
    expect(world.notes[1]).toEqual(world.notes[0]);
  });

  it('is left to whoever else tells it, when the note says that somebody does', async () => {
    const world = new World();
    world.entries = 1;
    world.noting = () => false;
    await world.subscribe(STREAM).done;
    expect(world.tried).toHaveLength(1);
  });

  it('is told nothing once it was deleted, or is told by somebody else (S-12)', async () => {
    const world = new World();
    world.entries = 1;
    world.stands = false;
    await world.subscribe(STREAM).done;
    expect([world.tried, world.notes]).toEqual([[], []]);
  });

  it('is told a failed message again as it was, and what has come since with the next (S-8)', async () => {
    const world = new World();
    world.entries = 2;
    world.client = () => {
      throw new Error('the client answered 500');
    };
    const first = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 1);
    world.entries = 4;
    first.wake(); // before its time: nothing
    first.stop();
    await first.done;
    expect(world.tried).toHaveLength(1);
    const { next, progress } = world.notes[0] as Note;
    expect(progress).toMatchObject({ failures: 1, attempt: 1, nextTry: world.now + 1_000, lastError: 'the client answered 500' });

    // After a restart.
    world.client = () => 'taken';
    world.now += 1_000;
    const second = world.subscribe(STREAM, { next, progress, version: 1 });
    await world.until(() => world.taken.length === 2);
    second.stop();
    await second.done;
    expect(world.taken).toEqual(['0 1', '2 3']);
    expect(world.tried[1]?.id).toBe(world.tried[0]?.id);
    expect(world.tried[2]?.id).not.toBe(world.tried[0]?.id);
  });

  it('is told half as much when it asks for less, down to single events; one that is refused alone has failed (S-8)', async () => {
    const world = new World();
    world.entries = 4;
    world.client = () => 'smaller';
    const subscriber = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 1);
    subscriber.stop();
    await subscriber.done;
    expect(world.tried.map(({ events }) => events)).toEqual(['0 1 2 3', '0 1', '0']);
    expect(world.notes[0]?.progress).toMatchObject({ failures: 1, batch: 1 });
  });

  it('is told of a run when it is due, of all that was there when it began, and once of all runs that were missed (S-4)', async () => {
    const world = new World();
    world.entries = 3;
    const timing: Timing = { schedule: { minute: '[0-59]' } };
    const waiting = world.subscribe(timing);
    waiting.wake();
    waiting.stop();
    await waiting.done;
    expect(world.tried).toEqual([]);
    world.now += 10 * 60_000;
    const progress = { ...NOTHING_YET, batch: 2 };
    let first = true;
    world.client = () => {
      if (first) world.entries = 5; // during the run
      first = false;
      return 'taken';
    };
    const due = world.subscribe(timing, { progress, created: world.now - 10 * 60_000 });
    await world.until(() => world.notes.length === 2);
    due.wake();
    due.stop();
    await due.done;
    expect(world.taken).toEqual(['0 1', '2']);
    expect(world.notes[0]?.progress.run).toEqual({ at: world.now, through: 2, sent: 2, cut: false });
    expect(world.notes[1]?.progress).toMatchObject({ run: null, lastRun: world.now });
  });

  it('is told once why its query has no answer, and it is tried again (S-7)', async () => {
    const world = new World();
    world.asking = () => {
      throw new LotlineError('QRY-COMPLEX', 'it takes too long', { fix: 'Ask for less.' });
    };
    const first = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 1);
    first.stop();
    await first.done;
    world.now += 1_000;
    const again = world.subscribe(STREAM, { version: 1, progress: (world.notes[0] as Note).progress });
    await world.until(() => world.notes.length === 2);
    again.stop();
    await again.done;
    expect(world.tried.map(({ kind }) => kind)).toEqual(['problem']);
    expect(JSON.parse(world.tried[0]?.events ?? '')).toMatchObject({ type: 'epcisException:QueryTooComplexException' });
    expect(world.notes[1]?.progress).toMatchObject({ failures: 2, ended: null });
  });

  it('is told piece by piece what takes too long at once, on half as many entries with each try (S-7)', async () => {
    const world = new World();
    world.entries = 9;
    world.asking = (entries) => {
      if (entries > 3) throw new LotlineError('QRY-COMPLEX', 'it takes too long', { fix: 'Ask for less.' });
    };
    const first = world.subscribe(STREAM);
    await world.until(() => world.notes.length === 1);
    first.stop();
    await first.done;
    world.now += 1_000;
    const second = world.subscribe(STREAM, { version: 1, progress: (world.notes[0] as Note).progress });
    await world.until(() => world.notes.length === 2);
    second.stop();
    await second.done;
    expect(world.notes.map(({ progress }) => progress.reach)).toEqual([4, 2]);
    world.now += 2_000;
    const third = world.subscribe(STREAM, { version: 2, progress: (world.notes[1] as Note).progress });
    await world.until(() => world.notes.length === 7);
    third.stop();
    await third.done;
    expect(world.taken.slice(1)).toEqual(['0 1', '2 3', '4 5', '6 7', '8']);
    expect(world.notes.at(-1)?.progress).toMatchObject({ reach: null, failures: 0 });
  });

  it('is told of a run in pieces where it takes too long at once: all of them at once, and the next run when it is due (S-4)', async () => {
    const world = new World();
    world.entries = 4;
    const created = world.now;
    world.now += 10 * 60_000;
    const progress = { ...NOTHING_YET, reach: 3 };
    const subscriber = world.subscribe({ schedule: { minute: '[0-59]' } }, { progress, created });
    await world.until(() => world.notes.length === 2);
    subscriber.stop();
    await subscriber.done;
    expect(world.taken).toEqual(['0 1 2', '3']);
    expect(world.notes.map(({ progress }) => [progress.lastRun, progress.reach])).toEqual([[null, 3], [world.now, null]]); // biome-ignore format: pairs
  });

  it('is told of no problem once it was deleted, or its key was ended (S-12)', async () => {
    for (const gone of ['stands', 'allowed'] as const) {
      const world = new World();
      world[gone] = false;
      world.asking = () => {
        throw new LotlineError('QRY-COMPLEX', 'it takes too long', { fix: 'Ask for less.' });
      };
      await world.subscribe(STREAM).done;
      expect(world.tried).toEqual([]);
    }
  });

  it('is told nothing that waited for room when it was stopped, and nothing is made for it meanwhile', async () => {
    const world = new World();
    world.entries = 1;
    let asked = 0;
    world.asking = () => asked++;
    let leave = () => {};
    const full = world.room.run(async () => await new Promise<void>((resolve) => (leave = resolve)));
    const subscriber = world.subscribe(STREAM);
    await new Promise((resolve) => setImmediate(resolve));
    subscriber.stop();
    leave();
    await Promise.all([full, subscriber.done]);
    expect([asked, world.tried]).toEqual([0, []]);
  });

  it('has it noted what was being sent when it was stopped: that is sent again under the same id (S-8)', async () => {
    for (const timing of [STREAM, { schedule: { minute: '[0-59]' } }] as const) {
      const world = new World();
      world.entries = 2;
      const created = world.now;
      world.now += 60_000;
      world.client = () => {
        first.stop();
        throw new Error('cut off');
      };
      const first = world.subscribe(timing, { created });
      await first.done;
      const [note] = world.notes as [Note];
      expect(note.progress.failures).toBe(0);
      world.entries = 4;
      world.now += 500;
      world.client = () => 'taken';
      const second = world.subscribe(timing, { created, version: 1, progress: note.progress });
      await world.until(() => world.taken.length === 1);
      second.stop();
      await second.done;
      expect(world.tried[1]).toEqual(world.tried[0]);
    }
  });

  it('is told of a run under the time at which it was due: the same where nothing of it was noted (S-6)', async () => {
    const world = new World();
    world.entries = 1;
    const created = world.now;
    for (const late of [60_000, 1_000]) {
      world.now += late;
      const subscriber = world.subscribe({ schedule: { minute: '[0-59]' } }, { created });
      const count = world.taken.length + 1;
      await world.until(() => world.taken.length === count);
      subscriber.stop();
      await subscriber.done;
    }
    expect(world.tried[1]?.id).toBe(world.tried[0]?.id);
  });

  it('is well again when its query has an answer again, though there is nothing to tell', async () => {
    const world = new World();
    const progress = { ...NOTHING_YET, failures: 3, failingSince: 1, lastError: 'the query cannot be answered', nextTry: world.now };
    const subscriber = world.subscribe(STREAM, { progress });
    await world.until(() => world.notes.length === 1);
    subscriber.stop();
    await subscriber.done;
    expect([world.notes[0]?.progress, world.tried]).toEqual([NOTHING_YET, []]);
  });

  it('waits where there is too much to do, and nobody has failed', async () => {
    const world = new World();
    world.entries = 1;
    let refusals = 1;
    world.asking = () => {
      if (refusals-- > 0) throw busy();
    };
    const subscriber = world.subscribe(STREAM);
    await world.until(() => world.taken.length === 1);
    subscriber.stop();
    await subscriber.done;
    expect(world.notes.every(({ progress }) => progress.failures === 0)).toBe(true);
  });

  it('is told nothing any more when its key is ended, and that is noted', async () => {
    const world = new World();
    world.entries = 1;
    world.allowed = false;
    const subscriber = world.subscribe(STREAM);
    await subscriber.done;
    expect(world.tried).toEqual([]);
    expect(subscriber.endedBecause).toMatch(/key/);
    expect(world.notes[0]?.progress.ended).toMatch(/key/);
  });

  it('has it noted how far was looked in vain, now and then: a restart does not look there again', async () => {
    const world = new World();
    const subscriber = world.subscribe(STREAM);
    (world as unknown as { report: (args: ReportArgs) => Report }).report = ({ from }) => ({
      cut: false, body: Buffer.alloc(0), count: 0, part: '', through: from + 5_999, last: from + 5_999, next: from + 6_000, more: from < 12_000, recordTime: 7, problem: null,
    }); // biome-ignore format: in the order of its type
    subscriber.wake();
    await world.until(() => world.notes.length === 1);
    subscriber.stop();
    await subscriber.done;
    expect([world.notes[0]?.next, world.tried]).toEqual([12_000, []]);
  });
});
