import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openForReading } from '../../src/store/sqlite/open.ts';
import { e01, world } from '../../src/worlds/index.ts';
import { commission, documentOf, packs } from '../support/events.ts';
import { type Ended, removeFolder, run, type Service, start, startService, temporaryFolder } from '../support/program.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder);
});

function folderOf(documents: Iterable<{ name: string; text: string }>): string {
  const folder = temporaryFolder();
  folders.push(folder);
  for (const { name, text } of documents) writeFileSync(join(folder, name), text);
  return folder;
}

/** The figures of the closing table. */
function figures({ out }: Ended): Record<string, number> {
  return Object.fromEntries(
    [...out.matchAll(/│ +([A-Za-z ]+?) +│ +([\d,]+) │/g)].map(([, name, n]) => [name, Number((n as string).replaceAll(',', ''))]),
  );
}

describe('lotline capture, against a running service', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(async () => {
    await service.stop();
    removeFolder(service.folder);
  });
  const capture = (...args: string[]) => run(['capture', '--url', service.url, ...args], { LOTLINE_KEY: service.key });
  const stored = () => {
    const db = openForReading(join(service.folder, 'journal.db'));
    const count = db.prepare("SELECT count(*) FROM entry WHERE kind = 'event'").pluck().get() as number;
    db.close();
    return count;
  };

  it('captures a folder in the order of names, and a second run finds it all captured before', async () => {
    const documents = [...e01()];
    const folder = folderOf(documents);
    mkdirSync(join(folder, 'deep'));
    cpSync(join(folder, documents[0]?.name as string), join(folder, 'deep', 'again.jsonld'));
    writeFileSync(join(folder, 'notes.txt'), 'not a document');
    const first = await capture(folder);
    expect(first.code).toBe(0);
    // The first document lies there twice, and has one event.
    expect(figures(first)).toMatchObject({ Documents: documents.length + 1, failed: 0, Events: 84, 'in the store now': 84 });
    expect(stored()).toBe(83);
    const second = await capture(folder);
    expect(second.code).toBe(0);
    expect(figures(second)['captured before']).toBe(documents.length + 1);
    expect(stored()).toBe(83);
  });

  it('goes on where it was killed: everything is captured, and what was done is not sent again', async () => {
    const size = { batches: 2, packsPerLot: [200, 300], packsPerBigLot: 300, perEvent: 50, perCase: 40, casesPerPallet: 4 } as const;
    const seeded = world({ seed: 11, size: { ...size, packsPerDocument: 50, msPerPack: 3000, openedPerMille: 220, delivery: [4, 24] } });
    const documents = [...seeded.documents];
    expect(documents.length).toBeGreaterThan(100);
    const folder = folderOf(documents);
    const before = stored();
    const state = join(folder, '.lotline-capture.json');
    const done = () => (existsSync(state) ? (readFileSync(state, 'utf8').match(/"ended": true/g) ?? []).length : 0);
    const killed = start(['capture', '--url', service.url, '--key', service.key, folder]);
    while (done() < 20 && killed.process.exitCode === null) await new Promise((next) => setTimeout(next, 2));
    killed.process.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');
    const interrupted = done();
    expect(interrupted).toBeLessThan(documents.length);
    const again = figures(await capture(folder));
    const refused = seeded.key().defects.filter((defect) => defect.verdict === 'refused').length;
    expect(again['Documents']).toBe(documents.length);
    expect(again['captured before']).toBeGreaterThanOrEqual(interrupted - refused);
    expect(again['failed']).toBe(refused);
    expect(stored() - before).toBe(seeded.key().events);
  });

  it('ends with 1 and says file, place and remedy of what failed; the good documents beside it are stored', async () => {
    const folder = folderOf([
      { name: '1.json', text: JSON.stringify(documentOf([commission(0, packs(900, 901))])) },
      {
        name: '2.json',
        text: JSON.stringify(documentOf([commission(1, packs(902, 903)), { ...commission(2, packs(904, 905)), eventTime: 'noon' }])),
      },
      { name: '3.json', text: '{"@context": [' },
    ]);
    const before = stored();
    const ended = await capture(folder);
    expect(ended.code).toBe(1);
    expect(figures(ended)).toMatchObject({ Documents: 3, failed: 2, 'in the store now': 1 });
    expect(ended.out).toContain('2.json');
    expect(ended.out).toMatch(/2\.json +│ \/epcisBody\/eventList\/1\/eventTime +│ .*│ Write the time as/);
    expect(stored() - before).toBe(1);
    const proceeding = await capture('--proceed', join(folder, '2.json'), '--state', join(folder, 'state.json'));
    expect(proceeding.code).toBe(1);
    expect(figures(proceeding)).toMatchObject({ Documents: 1, failed: 1, Events: 2, 'in the store now': 1 });
    expect(stored() - before).toBe(2);
  });

  it('says what is missing: a key, a server, documents', async () => {
    const folder = folderOf([{ name: '1.json', text: JSON.stringify(documentOf([commission(0, packs(950, 951))])) }]);
    const unknown = await run(['capture', folder, '--url', service.url, '--key', 'lk_wrong']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('ACC-DENIED (--key): The key is not known there')]);
    const nowhere = await run(['capture', folder, '--url', 'http://127.0.0.1:9']);
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('No lotline answers at http://127.0.0.1:9')]);
    const nothing = await run(['capture', folderOf([])]);
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('no .json, .jsonld or .xml file')]);
  });
});

describe('lotline capture, against a busy service', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().once('end', () => answer(request, response));
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  });
  afterAll(() => server.close());
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it.each([503, 429])('waits as long as Retry-After asks for on %i, then sends the document again', async (status) => {
    const times: number[] = [];
    answer = (request, response) => {
      if (request.method === 'GET') {
        response.setHeader('content-type', 'application/json').end('{"running":false,"success":true,"errors":[]}');
        return;
      }
      times.push(Date.now());
      if (times.length === 1) response.writeHead(status, { 'retry-after': '1' }).end();
      else response.writeHead(202, { location: '/epcis/capture/abc' }).end();
    };
    const folder = folderOf([{ name: '1.json', text: JSON.stringify(documentOf([commission(0, packs(1, 2))])) }]);
    const ended = await run(['capture', folder, '--url', url(), '--key', 'lk_any']);
    expect(ended.code).toBe(0);
    expect(times).toHaveLength(2);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(950);
  });

  it('follows the job of a document that was sent before the interruption, in place of sending it again', async () => {
    const folder = folderOf([{ name: '1.json', text: JSON.stringify(documentOf([commission(0, packs(1, 2))])) }]);
    const asked: string[] = [];
    let running = 2;
    answer = (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') response.writeHead(202, { location: '/epcis/capture/abc' }).end();
      else if (running-- > 0) response.setHeader('content-type', 'application/json').end('{"running":true,"success":true,"errors":[]}');
      else response.setHeader('content-type', 'application/json').end('{"running":false,"success":true,"errors":[]}');
    };
    const stopped = start(['capture', folder, '--url', url(), '--key', 'lk_any']);
    running = Number.POSITIVE_INFINITY;
    while (asked.length < 3) await new Promise((next) => setTimeout(next, 5));
    stopped.process.kill('SIGKILL');
    await stopped.ended;
    running = 1;
    asked.length = 0;
    expect((await run(['capture', folder, '--url', url(), '--key', 'lk_any'])).code).toBe(0);
    expect(asked).toEqual(['GET /epcis/capture/abc', 'GET /epcis/capture/abc']);
  });
});
