import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { stopInTime } from '../../src/cli/serve.ts';
import { documentOf, objectEvent, sgtin } from '../support/epcis-documents.ts';
import { ADMIN_KEY, printed, removeFolder, run, type Service, start, startService, temporaryFolder } from '../support/program.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder);
});
const folderOf = () => {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
};

/** A line that sends until it is refused or cut off, and remembers what was acknowledged. */
class Line {
  readonly acknowledged: { serial: string; job: string | null }[] = [];
  private readonly service: Service;
  private readonly name: string;
  private readonly road: 'capture' | 'events';

  constructor(service: Service, name: string, road: 'capture' | 'events') {
    this.service = service;
    this.name = name;
    this.road = road;
  }

  async run(serials: number): Promise<void> {
    for (let i = 0; ; i++) {
      const epcList = Array.from({ length: serials }, (_, k) => sgtin(`${this.name}-${i}-${k}`));
      const event = { ...objectEvent(), epcList };
      const body = this.road === 'capture' ? documentOf([event]) : { '@context': documentOf([])['@context'], ...event };
      try {
        const answer = await this.post(JSON.stringify(body));
        if (answer.status === 503) {
          expect(answer.headers.get('retry-after')).toBe('2');
          return;
        }
        expect(answer.status).toBe(this.road === 'capture' ? 202 : 201);
        this.acknowledged.push({ serial: epcList.at(-1) as string, job: this.road === 'capture' ? answer.headers.get('location') : null });
      } catch (error) {
        if (error instanceof TypeError) return; // cut off, or nobody listens any more
        throw error;
      }
    }
  }

  private async post(body: string): Promise<Response> {
    return await fetch(`${this.service.url}/epcis/${this.road}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.service.key}`, 'content-type': 'application/ld+json' },
      body,
    });
  }
}

const get = async (service: Service, path: string) =>
  await fetch(service.url + path, { headers: { authorization: `Bearer ${service.key}` } });

describe('SIGTERM under load', () => {
  it('ends with 0, closes the files, and loses nothing that was acknowledged', { timeout: 240_000 }, async () => {
    const folder = folderOf();
    const first = await startService(folder);
    const lines = [
      ...Array.from({ length: 4 }, (_, i) => new Line(first, `S${i}`, 'capture')),
      new Line(first, 'L', 'capture'),
      new Line(first, 'E', 'events'),
    ];
    const sending = Promise.all(lines.map((line) => line.run(line === lines[4] ? 1_000 : 1)));
    while (lines.some((line) => line.acknowledged.length < 5)) await wait(20);
    const ended = await first.stop();
    await sending;
    expect(ended.code, ended.err).toBe(0);
    expect(ended.out).toContain('Stopped.');
    expect(ended.err).toBe('');
    for (const file of ['journal.db', 'intake.db']) expect(existsSync(join(folder, `${file}-wal`)), file).toBe(false);

    const verified = await run(['verify-log', '--data', folder]);
    expect(verified.code, verified.err + verified.out).toBe(0);

    const second = await startService(folder);
    for (const { serial, job } of lines.flatMap((line) => line.acknowledged)) {
      for (;;) {
        const answer = (job === null ? null : await (await get(second, job)).json()) as { running: boolean; success: boolean } | null;
        if (answer?.running) continue;
        if (answer !== null) expect(answer).toMatchObject({ success: true });
        break;
      }
      expect((await get(second, `/api/v1/things/${encodeURIComponent(serial)}`)).status, serial).toBe(200);
    }
    expect((await second.stop()).code).toBe(0);
  });
});

describe('stopping', () => {
  it('waits for a client that is slow to send, until a second signal ends it at once', { timeout: 120_000 }, async () => {
    const program = start(['serve', '--port', '0', '--data', folderOf()], { LOTLINE_ADMIN_KEY: ADMIN_KEY });
    const [, port] = await printed(program, /^Ready: http:\S+:(\d+)$/m);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /epcis/capture HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    );
    const metrics = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
    while (!/what="documents"} 9$/m.test(await (await fetch(`http://127.0.0.1:${port}/metrics`, metrics)).text())) await wait(20);
    program.process.kill('SIGTERM');
    await printed(program, /Stopping/);
    program.process.kill('SIGINT');
    expect((await program.ended).signal).toBe('SIGINT');
    socket.destroy();
  });

  it('does not take longer than it may: what is amid a fold is done anew at the next start', async () => {
    let ended = 0;
    void stopInTime(() => new Promise(() => {}), { ms: 10, end: () => ended++ });
    await wait(50);
    expect(ended).toBe(1);
    await stopInTime(async () => {}, { ms: 10, end: () => ended++ });
    await wait(50);
    expect(ended).toBe(1);
  });
});
