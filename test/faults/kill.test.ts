import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltProgram, buildProgram } from './built-program.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { KILLS, LONG, SEED } from './form.ts';
import { survive } from './survive.ts';

let program: BuiltProgram;
beforeAll(async () => {
  program = await buildProgram();
});
afterAll(() => program.remove());

describe('a service on the embedded store that is killed again and again under load', () => {
  const timeout = 60_000 + KILLS * 20_000;
  it('keeps what it has answered, whole and once, and a log that continues every checkpoint it ever showed', { timeout }, async () => {
    console.log(`${KILLS} kills, LOTLINE_FAULTS_SEED=${SEED}`);
    const server = new EmbeddedServer([process.execPath, program.main]);
    const figures = await survive(server, { kills: KILLS, seed: SEED, lookEvery: LONG ? 25 : 4, log: (line) => console.log(line) });
    console.log(JSON.stringify(figures));
    expect(figures.captures).toBeGreaterThan(KILLS);
    expect(figures.checkpoints).toBeGreaterThan(KILLS);
    await server.dispose(); // what failed is left to be looked at
  });
});
