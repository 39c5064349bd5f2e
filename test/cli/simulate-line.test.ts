import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LINE_FAULT_NAMES } from '../../src/worlds/line.ts';
import { Link } from '../support/link.ts';
import { printed, type Running, removeFolder, run, start, startService, temporaryFolder } from '../support/program.ts';

const LOCAL_KEY = 'line-key-0123456789abcdef';
const folders: string[] = [];
const closing: (() => Promise<unknown>)[] = [];
const folder = () => {
  const made = temporaryFolder();
  folders.push(made);
  return made;
};
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  for (const one of folders.splice(0)) removeFolder(one);
});

type Report = {
  counts: { issued: number; commissioned: number; good: number; scrapped: number };
  stored: number;
  closing: { state: string; unaccounted: number; commissioned: number; good: number; checks: { ok: boolean }[] };
  planted: { fault: string; ok: boolean; found: string[] }[];
  surprises: string[];
};
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Report;
const metric = async (url: string, key: string) => {
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })).text();
  return Number(/^lotline_events_total (\d+)/m.exec(text)?.[1]);
};

describe('lotline simulate-line', { timeout: 180_000 }, () => {
  it('loses and doubles nothing at 400 packs a minute while the network is pulled and the gateway killed, and closes its batch with zero (time runs 60 times faster)', async () => {
    const service = await startService(folder());
    closing.push(() => service.kill());
    const link = await Link.to(service);
    closing.push(() => link.close());
    const data = folder();
    let port = '0';
    const startGateway = async (): Promise<Running> => {
      const flags = ['--upstream', link.url, '--port', port, '--data', data, '--name', 'line 1', '--retry-max', '1'];
      const program = start(['gateway', ...flags], { LOTLINE_UPSTREAM_KEY: service.key, LOTLINE_GATEWAY_KEY: LOCAL_KEY });
      [, port] = (await printed(program, /^Ready: http:\S+:(\d+)$/m)) as unknown as [string, string];
      closing.push(async () => {
        program.process.kill('SIGKILL');
        await program.ended;
      });
      return program;
    };
    const gateway = await startGateway();
    const file = join(folder(), 'report.json');
    const line = start(
      [
        'simulate-line',
        '--url',
        service.url,
        '--through',
        `http://127.0.0.1:${port}`,
        '--planned',
        '4000',
        '--speed',
        '60',
        '--seed',
        '7',
        '--report',
        file,
      ],
      { LOTLINE_KEY: service.key, LOTLINE_GATEWAY_KEY: LOCAL_KEY },
    );
    const pause = (ms: number) => new Promise((next) => setTimeout(next, ms));
    await pause(3_000);
    link.cut();
    await pause(2_000);
    gateway.process.kill('SIGKILL');
    await gateway.ended;
    await startGateway();
    await pause(1_500);
    link.restore();
    link.loseNextAnswers(2);
    await pause(1_000);
    link.cut();
    await pause(500);
    link.restore();
    const { code, out, err } = await line.ended;
    expect(err).not.toContain('Error');
    const report = read(file);
    expect(report.surprises).toEqual([]);
    expect(report.closing).toMatchObject({ state: 'closed', unaccounted: 0, good: 4000, commissioned: report.counts.commissioned });
    expect(report.stored).toBe(report.counts.commissioned);
    expect(out).toContain('The batch is closed.');
    expect(code).toBe(0);
    const asked = await fetch(`${service.url}/api/v1/findings?perPage=100`, { headers: { authorization: `Bearer ${service.key}` } });
    const codes = ((await asked.json()) as { findings: { code: string }[] }).findings.map((finding) => finding.code);
    for (const one of ['EV-DUP', 'EV-TWIN', 'SN-DUP', 'REC-UNACCOUNTED', 'AGG-ORPHAN']) expect(codes).not.toContain(one);
    expect(await metric(service.url, service.key)).toBeGreaterThan(1_000);
  });

  it('plants every fault of domain.md §5.3, and lotline finds what it should', async () => {
    const service = await startService(folder());
    closing.push(() => service.kill());
    const file = join(folder(), 'report.json');
    const { code, out } = await run(
      ['simulate-line', '--url', service.url, '--planned', '600', '--faults', 'all', '--seed', '4', '--report', file],
      {
        LOTLINE_KEY: service.key,
      },
    );
    const report = read(file);
    expect(report.planted.map(({ fault }) => fault).sort()).toEqual([...LINE_FAULT_NAMES].sort());
    expect(report.planted.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.surprises).toEqual([]);
    // Seven packs or more under another lot text are missing from the batch: it cannot be closed.
    expect(report.closing.state).toBe('open');
    expect(out).toContain('REC-UNACCOUNTED');
    expect(code).toBe(0);
  });

  it('says what is wrong with its flags', async () => {
    const { code, err } = await run(['simulate-line', '--faults', 'gremlins']);
    expect([code, err]).toEqual([1, expect.stringContaining('there is no fault "gremlins"')]);
  });
});
