import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRandom } from '../../src/worlds/random.ts';
import { EPCIS_CONTEXT, observe, packOf, withID } from '../support/events.ts';
import { freshDatabase } from '../support/postgres.ts';
import { MAIN } from '../support/program.ts';
import { eventsOf, Receiver } from '../support/receiver.ts';
import { LONG, SEED } from './form.ts';
import { ServedProcess } from './served-process.ts';

const KILLS = LONG ? 40 : 3;
/** Events sent between two kills, one after the other. */
const EVENTS = 12;

/** Processes on one store that may be killed; a request goes to any that answers, and again until one does. */
class Processes {
  private readonly all: readonly ServedProcess[];
  private turn = 0;

  constructor(all: readonly ServedProcess[]) {
    this.all = all;
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string; location: string | null }> {
    for (;;) {
      const { url, adminKey } = this.all[this.turn++ % this.all.length] as ServedProcess;
      try {
        const answer = await fetch(`${url ?? 'http://127.0.0.1:1'}${path}`, {
          method,
          headers: { authorization: `Bearer ${adminKey}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        if (answer.status < 500) return { status: answer.status, text: await answer.text(), location: answer.headers.get('location') };
      } catch {
        // It was killed, or is not up yet.
      }
      await sleep(20);
    }
  }

  /** Of all processes, those that deliver. */
  async delivering(): Promise<ServedProcess[]> {
    const found: ServedProcess[] = [];
    for (const one of this.all) {
      const answer = await fetch(`${one.url}/metrics`, { headers: { authorization: `Bearer ${one.adminKey}` } });
      const subscriptions = [...(await answer.text()).matchAll(/^lotline_subscriptions\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
      if (subscriptions.some((count) => count > 0)) found.push(one);
    }
    return found;
  }
}

async function start(engine: string): Promise<{ all: ServedProcess[]; dispose: () => Promise<void> }> {
  const command = [process.execPath, MAIN];
  const env = { LOTLINE_WEBHOOK_ALLOW_PRIVATE: 'on' };
  const database = engine === 'postgres' ? await freshDatabase() : null;
  const more = database === null ? {} : { LOTLINE_DATABASE_URL: database.url };
  const all = [new ServedProcess(command, { env: { ...env, ...more } })];
  const [first] = all as [ServedProcess];
  first.launch();
  await first.ready();
  if (database !== null) {
    const second = new ServedProcess(command, { env: { ...env, ...more }, folder: first.folder });
    all.push(second);
    second.launch();
    await second.ready();
  }
  const dispose = async () => {
    for (const one of all) await one.dispose();
    await database?.drop();
  };
  return { all, dispose };
}

describe.each(['the embedded store', 'postgres'])(
  'a webhook of a service on %s whose process that delivers is killed again and again',
  (engine) => {
    const timeout = 120_000 + KILLS * 20_000;
    it('is told everything, in the order of recording, and again only what it had in hand (S-8, S-12)', { timeout }, async () => {
      const random = openRandom(SEED, 'deliveries');
      const receiver = await Receiver.listen();
      const { all, dispose } = await start(engine);
      const service = new Processes(all);
      await service.call('POST', '/epcis/queries', { name: 'every', query: {} });
      const { location } = await service.call('POST', '/epcis/queries/every/subscriptions', { dest: receiver.url, stream: true });

      let sent = 0;
      for (let kills = 0; kills < KILLS; kills++) {
        let delivering = await service.delivering();
        while (delivering.length === 0) delivering = await service.delivering(); // the turn is taken within seconds
        expect(delivering).toHaveLength(1);
        const [victim] = delivering as [ServedProcess];
        const killAt = random.between(1, EVENTS - 1);
        for (let i = 0; i < EVENTS; i++) {
          const event = { '@context': [EPCIS_CONTEXT], ...withID(observe(sent, packOf(sent)), sent) };
          const capturing = service.call('POST', '/epcis/events', event);
          if (i === killAt) {
            await sleep(random.below(30));
            await victim.kill('SIGKILL');
            if (engine !== 'postgres') victim.launch(); // else the other one is there
          }
          expect((await capturing).status).toBe(201);
          sent++;
        }
        if (engine === 'postgres') victim.launch();
        await victim.ready();
      }

      const unseen = () => {
        const ids = new Set(receiver.taken.map(({ eventID }) => eventID));
        return ids.size < sent;
      };
      await receiver.until(() => !unseen());
      const recorded = JSON.parse((await service.call('GET', '/epcis/events?orderBy=recordTime&orderDirection=ASC&perPage=1000')).text);
      const inOrder = (recorded.epcisBody.queryResults.resultsBody.eventList as { eventID: string }[]).map(({ eventID }) => eventID);
      expect(inOrder).toHaveLength(sent);
      const seen = new Set<string>();
      let repetitions = 0;
      for (const { body } of receiver.received) {
        const ids = eventsOf(body).map(({ eventID }) => eventID);
        if (ids.some((id) => seen.has(id))) repetitions++;
        for (const id of ids) seen.add(id);
      }
      expect([...seen]).toEqual(inOrder);
      expect(repetitions).toBeLessThanOrEqual(KILLS);
      expect(JSON.parse((await service.call('GET', location as string)).text).delivery.state).toBe('well');
      await receiver.close();
      await dispose(); // what failed is left to be looked at
    });
  },
);
