import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../src/cli/serve.ts';
import { readSettings } from '../src/settings.ts';

const run = promisify(execFile);
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const KEY = 'readme-admin-key-0123456789';

/** Fenced blocks of one language, in order. */
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((m) => m[1] as string);

const hasShell =
  ['/bin/bash', '/usr/bin/bash'].some(existsSync) && (process.env['PATH'] ?? '').split(':').some((dir) => existsSync(join(dir, 'curl')));

// The commands of the README, as they stand there, against a server that has just been started for the first time.
describe.skipIf(!hasShell)('README (needs bash and curl)', () => {
  const commands = blocks('sh').filter((block) => block.includes('curl'));
  let server: RunningServer;
  let folder: string;

  const paste = async (command: string): Promise<string> =>
    (await run('bash', ['-c', command], { env: { ...process.env, LOTLINE_URL: server.url, LOTLINE_KEY: KEY }, encoding: 'utf8' })).stdout;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lotline-readme-'));
    server = await startServer(readSettings({ port: '0', data: folder, adminKey: KEY }, {}));
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('names the variables that its commands read', () => {
    expect(blocks('sh')[0]).toMatch(/^export LOTLINE_URL=http:\/\/127\.0\.0\.1:8080 LOTLINE_KEY=/);
  });

  it('captures a first document', async () => {
    const answer = await paste(commands[0] as string);
    expect(answer).toMatch(/^HTTP\/1\.1 202/);
    await server.deps.capture.settled();
    const location = /^location: (\S+)/im.exec(answer)?.[1] as string;
    const job = await fetch(server.url + location, { headers: { authorization: `Bearer ${KEY}` } });
    expect(await job.json()).toMatchObject({ running: false, success: true, errors: [] });
  });

  it('answers where the first lot was used with what the README shows', async () => {
    expect(JSON.parse(await paste(commands[1] as string))).toEqual(JSON.parse(blocks('json')[0] as string));
  });

  it('counts the three packs and lists their serials', async () => {
    const [scope, ...packs] = (await paste(commands[2] as string)).split(/(?<=\})\n?(?=\{"key")/);
    expect(JSON.parse(scope as string)).toMatchObject({ packs: { total: 3, byStatus: [{ status: 'Commissioned', count: 3 }] } });
    expect(packs.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(
      ['A7K2', 'B8M3', 'C9N4'].map((serial) => `01/09520123009113/21/${serial}`),
    );
  });

  it('hands out the proof of an event', async () => {
    const proof = JSON.parse(await paste(commands[3] as string)) as { text: string };
    expect(proof.text).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });

  it('links to files that are there', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((m) => m[1] as string);
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((link) => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([]);
  });
});
