import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playCoiWorld } from '../src/cli/play-coi-world.ts';
import { openService } from '../src/service.ts';
import { readSettings } from '../src/settings.ts';
import { COI_SIZES, coiWorld } from '../src/worlds/index.ts';
import { median, quantile } from './load.ts';

/**
 * `npx tsx bench/therapies.ts [S|M]`: the COI world is played into an embedded service in this process, act by act and each of them decided on; then the
 * questions of investigators are asked of it through the interface. M has 400 orders, and a donor with 140 recipients.
 */
const PURPOSE = { 'x-purpose': 'traceability' };
const TRIES = 30;
const KEY = 'bench-admin-key-0123456789abcdef';

const [, , size = 'M'] = process.argv;
if (!(size in COI_SIZES)) throw new Error(`There are no therapies of size ${size}: write ${Object.keys(COI_SIZES).join(' or ')}.`);
const folder = mkdtempSync(join(tmpdir(), 'lotline-bench-'));
const service = await openService({ ...readSettings({}, {}), data: folder, adminKey: KEY, origin: 'lotline.example/bench' });
try {
  const { capture, vault, readers } = service.deps;
  const world = coiWorld({ seed: 1, size: size as keyof typeof COI_SIZES });
  const times = { document: [] as number[], act: [] as number[] };
  const timed = async <T>(list: number[], done: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await done();
    list.push(performance.now() - started);
    return result;
  };
  const started = performance.now();
  const { refs } = await playCoiWorld(
    {
      record: async (command) => await timed(times.act, async () => await capture.record(command, 'k_bench')),
      capture: async (text) =>
        await timed(times.document, async () => {
          await capture.accept({ body: Buffer.from(text), actor: 'k_bench', behaviour: 'rollback' });
          await capture.settled();
        }),
      vault,
      chain: async (chain) => await readers.look('chainView', { chain }),
    },
    world,
  );
  const seconds = (performance.now() - started) / 1000;
  const { key } = world;
  note('steps', world.steps.length / seconds, '/s');
  times.act.sort((a, b) => a - b);
  note('act-median', median(times.act), 'ms');
  note('act-p99', quantile(times.act, 0.99), 'ms');
  note('document-median', median(times.document), 'ms');
  const donor = refs.get(key.lookBack.donorRef) as string;
  const [reagent] = [...key.reagents].sort((a, b) => b.chains.length - a.chains.length);
  const closed = key.orders.filter(({ state, infused }) => state === 'closed' && infused.length > 1);
  const any = (n: number) => closed[n % closed.length]?.coiId as string;
  await ask(`look-back-${key.lookBack.chains.length}`, () => `/lookback?donor=${donor}`);
  await ask(`look-back-lot-${reagent?.chains.length}`, () => `/lookback?lot=${encodeURIComponent(reagent?.lot as string)}`);
  await ask('chain', (n) => `/chains/${any(n)}`);
  await ask('chain-materials', (n) => `/chains/${any(n)}/materials`);
  await ask('chain-report-json', (n) => `/chains/${any(n)}/report?format=json`);

  /** Median and worst of one question, asked one after the other. */
  async function ask(name: string, path: (n: number) => string): Promise<void> {
    const list: number[] = [];
    for (let n = 0; n < TRIES; n++)
      await timed(list, async () => {
        const answer = await service.app.inject({
          method: 'GET',
          url: `/api/v1/identity${path(n)}`,
          headers: { ...PURPOSE, authorization: `Bearer ${KEY}` },
        });
        if (answer.statusCode !== 200) throw new Error(`${path(n)} answered ${answer.statusCode}: ${answer.body.slice(0, 300)}`);
      });
    note(name, median(list), 'ms');
    note(`${name}-worst`, Math.max(...list), 'ms');
  }
} finally {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
}

function note(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(28)} ${value.toFixed(value < 100 ? 1 : 0)} ${unit}`);
}
