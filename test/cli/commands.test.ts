import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openForWriting } from '../../src/store/sqlite/open.ts';
import { e01, e01Key } from '../../src/worlds/index.ts';
import { printed, type Running, removeFolder, run, start, temporaryFolder } from '../support/program.ts';

/** One demo, stopped before the commands that need its folder for themselves. */
const folder = temporaryFolder();
const key = e01Key();
let demo: Running;
let url: string;
let reader: string;

beforeAll(async () => {
  demo = start(['demo', '--size', 'none', '--port', '0', '--data', folder]);
  [, url] = (await printed(demo, /^ {2}Page +(http:\S+)\/$/m)) as unknown as [string, string];
  [, reader] = (await printed(demo, /^ {2}Reader key +(\S+)$/m)) as unknown as [string, string];
});
afterAll(async () => {
  demo.process.kill('SIGTERM');
  await demo.ended;
  removeFolder(folder);
});

describe('lotline demo', () => {
  it('prints requests that answer with the numbers of the scenario (domain.md §20, E-01)', async () => {
    const requests = [...demo.out().matchAll(/curl -s -H 'Authorization: (Bearer \S+)' '(http:\S+)'/g)];
    expect(requests).toHaveLength(4);
    const answers: unknown[] = [];
    for (const [, authorization, address] of requests) {
      const response = await fetch(address as string, { headers: { authorization: authorization as string } });
      expect(response.status).toBe(200);
      answers.push(await response.json());
    }
    const [scope, used, history, proof] = answers as [
      { packs: { total: number; byHolder: { holder: string; count: number; observed: number; inferred: number }[] } },
      { edges: unknown[]; complete: boolean },
      { entries: { bizStep: string }[] },
      { hashes: string[]; text: string },
    ];
    expect(scope.packs.total).toBe(key.packs.total);
    expect(scope.packs.byHolder).toEqual(
      expect.arrayContaining(key.packs.byHolder.map((holder) => expect.objectContaining(holder) as object)),
    );
    expect(used.complete).toBe(true);
    expect(history.entries.map((entry) => entry.bizStep)).toContain('receiving');
    expect(proof.text).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });

  it('leaves the answer key in the folder, and offers the page and an admin key', () => {
    const answers = JSON.parse(readFileSync(join(folder, 'answer-key.json'), 'utf8')) as {
      e01: unknown;
      world: unknown;
      therapies: unknown;
    };
    expect(answers).toEqual({ e01: JSON.parse(JSON.stringify(key)) as unknown, world: null, therapies: null });
    expect(demo.out()).toMatch(/Admin key +lk_\S{43}\n/);
  });
});

describe('lotline trace', () => {
  const tree = [
    'What it became',
    'Active substance R1  01/09520123000318/10/R1 · 20 KGM',
    '└─ Blend B1  01/09520123000219/10/B1 · 100 KGM',
    '   ├─ Tablets, compressed C1  01/09520123000226/10/C1 · 50 KGM',
    '   │  └─ Tablets, bulk K1  01/09520123000233/10/K1 · 100 KGM',
    '   │     └─ Tablets 10 mg, pack of 30 L1  01/09520123000110/10/L1 · 4,020 · 4,020 packs',
    '   └─ Tablets, compressed C2  01/09520123000226/10/C2 · 50 KGM',
    '      └─ Tablets, bulk K1  01/09520123000233/10/K1 · 100 KGM (drawn above)',
    'Complete: every branch ends where it may.',
    '',
    'Packs: 4,020, of them 260 observed where they are, 3,760 inferred',
  ].join('\n');

  it('draws what a raw lot became, from the folder in place while the service runs, and over HTTP the same', async () => {
    const inPlace = await run(['trace', key.lots.R1, '--used', '--data', folder]);
    expect(inPlace.err).toBe('');
    expect(inPlace.out.startsWith(tree)).toBe(true);
    expect(inPlace.out).toMatch(/414\/9520123000059 +│ Wholesaler W +│ +3,740 │ +140 │ +3,600 │/);
    const overHttp = await run(['trace', key.lots.R1, '--used', '--url', url, '--key', reader]);
    expect(overHttp.out).toBe(inPlace.out);
  });

  it('draws where a pack came from, named by its element string', async () => {
    const serial = key.onePackAtPharmacy.split('/').at(-1) as string;
    const { out } = await run(['trace', `(01)09520123000110(21)${serial}`, '--from', '--data', folder]);
    for (const raw of ['R1', 'R2', 'R3']) expect(out).toMatch(new RegExp(`[├└]─ .* ${raw} .* · \\[origin\\]`));
    expect(out).not.toContain('What it became');
  });

  it('answers as of a time: before the line ran there was a lot and no pack', async () => {
    const texts = [...e01()].map((document) => document.text);
    const [, commissioned] =
      /"eventTime":"([^"]+)"[^\n]*"bizStep":"commissioning"/.exec(texts.find((text) => text.includes('"ilmd"')) ?? '') ?? [];
    const before = new Date(Date.parse(commissioned as string) - 1).toISOString();
    const { out } = await run(['trace', key.lots.K1, '--used', '--data', folder, '--at', before]);
    expect(out).toContain('Tablets, bulk K1');
    expect(out).toContain('Packs: 0');
  });

  it.each([
    [['nonsense'], 'ID-FORM'],
    [['01/09520123000318/10/NOBODY'], 'NOT-FOUND'],
    [['01/09520123000318/10/R1', '--at', 'yesterday'], 'REQ-FORM'],
  ])('says what is wrong with %j, and ends with 1', async (args, code) => {
    const { code: exit, err } = await run(['trace', ...args, '--data', folder]);
    expect([exit, err]).toEqual([1, expect.stringContaining(code)]);
  });
});

describe('lotline rebuild', () => {
  it('does not touch a folder that is in use, and compares it all the same', async () => {
    const busy = await run(['rebuild', '--replace', '--data', folder]);
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining('CFG-VALUE')]);
    const { code, out } = await run(['rebuild', '--data', folder]);
    expect(out).toMatch(/Equal: all derived tables follow from \d+ entries\./);
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'journal.rebuilt.db'))).toBe(false);
  });

  it('puts the new store in place of one with an altered row, when the operator insists, and all is good again', async () => {
    demo.process.kill('SIGTERM');
    expect((await demo.ended).code).toBe(0);
    const db = openForWriting(join(folder, 'journal.db'));
    const serial = key.onePackAtPharmacy.split('/').at(-1) as string;
    expect(db.prepare('UPDATE item SET status = 2 WHERE serial = ?').run(serial).changes).toBe(1);
    db.close();
    const refused = await run(['rebuild', '--replace', '--data', folder]);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^item id=\d+: status is 2 and should be 7$/m);
    expect(refused.out).toContain('Nothing was replaced');
    const forced = await run(['rebuild', '--replace', '--force', '--data', folder]);
    expect(forced.out).toContain('The new store is in place');
    expect(existsSync(join(folder, 'journal.db.bak'))).toBe(true);
    const again = await run(['rebuild', '--keep', '--data', folder]);
    expect([again.code, existsSync(join(folder, 'journal.rebuilt.db'))]).toEqual([0, true]);
    const verified = await run(['verify-log', '--data', folder]);
    expect(verified.out).toMatch(/^Good: /m);
    const kept = start(['demo', '--keep', '--port', '0', '--data', folder]);
    const [, where] = await printed(kept, /(http:\S+\/genealogy\/scope\S+)'/);
    const [, secret] = await printed(kept, /Reader key +(\S+)/);
    const response = await fetch(where as string, { headers: { authorization: `Bearer ${secret}` } });
    expect(((await response.json()) as { packs: { total: number } }).packs.total).toBe(key.packs.total);
    kept.process.kill('SIGTERM');
    expect((await kept.ended).code).toBe(0);
  });
});
