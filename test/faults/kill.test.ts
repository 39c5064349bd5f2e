import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRandom } from '../../src/worlds/random.ts';
import { MAIN } from '../support/program.ts';
import { checkStore } from './checks.ts';
import { Clients } from './clients.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { KILLS, LONG, SEED } from './form.ts';
import { Memory } from './memory.ts';
import { survive } from './survive.ts';

describe('a service whose first starts are cut short', () => {
  const rounds = LONG ? 30 : 1;
  it('starts all the same, under the key and the name that it began with', { timeout: 60_000 + rounds * 60_000 }, async () => {
    const random = openRandom(SEED, 'first starts');
    for (let round = 0; round < rounds; round++) {
      const server = new EmbeddedServer([process.execPath, MAIN]);
      for (let cut = 0; cut < 4; cut++) {
        server.launch();
        await sleep(random.between(300, 2_000));
        await server.kill('SIGKILL');
      }
      server.launch();
      await server.ready();
      const memory = new Memory();
      const clients = new Clients(server, memory, SEED);
      memory.vkey = (await clients.call('GET', '/ledger/key'))?.text.trim() ?? null;
      await clients.sendSingle();
      await server.kill('SIGTERM');
      expect([...memory.broken, ...(await checkStore(server, memory, true)).faults]).toEqual([]);
      await server.dispose();
    }
  });
});

describe('a service on the embedded store that is killed again and again under load', () => {
  const timeout = 60_000 + KILLS * 20_000;
  it('keeps what it has answered, whole and once, and a log that continues every checkpoint it ever showed', { timeout }, async () => {
    console.log(`${KILLS} kills, LOTLINE_FAULTS_SEED=${SEED}`);
    const server = new EmbeddedServer([process.execPath, MAIN]);
    const figures = await survive(server, { kills: KILLS, seed: SEED, lookEvery: LONG ? 25 : 4, log: (line) => console.log(line) });
    console.log(JSON.stringify(figures));
    expect(figures.captures).toBeGreaterThan(KILLS);
    expect(figures.checkpoints).toBeGreaterThan(KILLS);
    await server.dispose(); // what failed is left to be looked at
  });
});
