import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pdfPages, scansOf } from '../support/codes.ts';
import { problemOf, TestServer } from '../support/server.ts';

// Labels ask nothing of the store: one engine tells of both.
let server: TestServer;
const said: string[] = [];
beforeAll(async () => {
  server = await TestServer.start({}, (line) => said.push(line));
});
afterAll(() => server.close());

const PACK = '(01)09520123000110(21)7K2M9QX4TB8R(17)270831(10)L2207A';
const symbol = (query: Record<string, string>) => server.get(`/api/v1/labels/symbol?${new URLSearchParams(query).toString()}`);
const print = (layout: string, query: string, labels: unknown) =>
  server.call('POST', `/api/v1/labels/${layout}?${query}`, { body: { labels } });
/** So many packs, each with a serial of its own. */
const packs = (count: number, bad?: number) =>
  Array.from({ length: count }, (_, i) => ({
    data: `(01)0952012300011${i === bad ? 1 : 0}(21)SN${String(i).padStart(8, '0')}(17)270831(10)L1`,
    text: { product: 'Examplimab 150 mg' },
  }));

describe('a symbol', () => {
  it.each([
    ['gs1datamatrix', PACK, ']d2010952012300011021' + '7K2M9QX4TB8R\u001d1727083110L2207A'],
    ['gs1-128', '(00)195201230000000018', ']C100195201230000000018'],
    ['gs1-128', '(01)09520123000110(10)A\\(1)%_', ']C1010952012300011010A(1)%_'],
    ['gs1qr', '(01)09520123000110(10)A%1(21)x', ']Q3010952012300011010A%1\u001d21x'],
    ['dlqr', 'https://id.gs1.org/01/09520123000110/21/A%2F1?17=270831', ']Q1https://id.gs1.org/01/09520123000110/21/A%2F1?17=270831'],
  ])('%s of %s is read again as it was given (codes.md §2)', async (type, data, scan) => {
    const answer = await symbol({ type, data, format: 'png' });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'image/png']);
    expect(await scansOf(answer.rawPayload)).toEqual([scan]);
  });

  it('is an SVG of millimetres with quiet zones, without text, script or reference, byte for byte the same each time (codes.md §7)', async () => {
    const answers = await Promise.all([1, 2].map(() => symbol({ type: 'gs1datamatrix', data: PACK, format: 'svg' })));
    const [one, two] = answers.map(({ body }) => body);
    expect(one).toBe(two);
    // 22 modules of 0.38 mm, and one on each side.
    expect(one).toContain('width="9.12mm" height="9.12mm"');
    expect(one).not.toMatch(/<(?!\/?svg|rect|path)|href|url\(|09520123000110/);
    expect((await symbol({ type: 'gs1datamatrix', data: PACK, format: 'svg', xdim: '0.254' })).body).toContain('width="6.096mm"');
  });

  it.each([
    ['a wrong check digit', { data: '(01)09520123000111' }, 'ID-CHECK', '?data'],
    ['an AI that there is not', { data: '(09)1' }, 'ID-AI', '?data'],
    ['a serial without GTIN', { data: '(21)A' }, 'ID-AI', '?data'],
    ['a value outside set 82', { data: '(01)09520123000110(21)a#b' }, 'ID-CHARSET', '?data'],
    ['no brackets', { data: '0109520123000110' }, 'ID-FORM', '?data'],
    ['an X-dimension below 0.254 mm', { data: PACK, xdim: '0.2' }, 'LBL-FIT', '?xdim'],
    ['an X-dimension above 0.495 mm', { data: PACK, xdim: '0.6' }, 'LBL-FIT', '?xdim'],
    ['more than 48 characters in a GS1-128', { type: 'gs1-128', data: `${PACK}(240)${'A'.repeat(12)}` }, 'LBL-FIT', '?data'],
    ['no Digital Link', { type: 'dlqr', data: 'https://example.com/' }, 'ID-FORM', '?data'],
    ['a type that there is not', { type: 'ean13', data: PACK }, 'REQ-FORM', '?type'],
  ])('with %s is refused, and the rule named', async (_, query, code, at) => {
    const answer = await symbol({ type: 'gs1datamatrix', format: 'svg', ...query });
    expect(answer.statusCode).toBe(400);
    expect(problemOf(answer)).toMatchObject({ code, at });
  });
});

describe('labels', () => {
  it('come as PDF, a page each, the same bytes each time', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => print('pack', 'format=pdf', packs(7))));
    expect(one!.headers['content-type']).toBe('application/pdf');
    expect(pdfPages(one!.rawPayload)).toHaveLength(7);
    expect(one!.rawPayload.equals(two!.rawPayload)).toBe(true);
  });

  it.each([
    ['svg', 'image/svg+xml; charset=utf-8', /^<svg /],
    ['png', 'image/png', /^\x89PNG/],
    ['zpl', 'application/zpl; charset=utf-8', /^\^XA\n\^CI28\n/],
  ])('come as %s', async (format, type, begins) => {
    const answer = await print('pack', `format=${format}`, packs(1));
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.rawPayload.toString('latin1')).toMatch(begins);
  });

  it('are all checked before one is made: every fault with its place', async () => {
    const labels = [
      ...packs(17),
      { data: '(01)09520123000111' },
      { data: PACK, text: { product: 'Ex\u0007' } },
      { data: '(01)09520123000110(37)5' },
    ];
    const answer = await print('pack', 'format=pdf', labels);
    expect(answer.statusCode).toBe(400);
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ code: 'ID-CHECK', at: '/labels/17/data' });
    expect(problem.errors?.map(({ code, at }) => [code, at])).toEqual([
      ['ID-CHECK', '/labels/17/data'],
      ['LBL-TEXT', '/labels/18/text/product'],
      ['ID-AI', '/labels/19/data'],
    ]);
  });

  it('tell a hundred faults at most', async () => {
    const answer = await print(
      'pack',
      'format=zpl',
      Array.from({ length: 150 }, () => ({ data: '(01)1' })),
    );
    expect(problemOf(answer).errors).toHaveLength(100);
  });

  const long = 'Wort '.repeat(40);
  it.each<[string, string, string, unknown, number, string, string]>([
    [
      'a text too long for its place',
      'pack',
      'format=pdf',
      [{ data: PACK, text: { product: long } }],
      400,
      'LBL-FIT',
      '/labels/0/text/product',
    ],
    [
      'a character without a glyph',
      'pack',
      'format=pdf',
      [{ data: PACK, text: { product: '薬' } }],
      400,
      'LBL-TEXT',
      '/labels/0/text/product',
    ],
    [
      'a script that runs from right to left',
      'pack',
      'format=pdf',
      [{ data: PACK, text: { product: 'תרופה' } }],
      400,
      'LBL-TEXT',
      '/labels/0/text/product',
    ],
    ['a logistic label without SSCC', 'sscc', 'format=pdf', [{ data: PACK }], 400, 'ID-AI', '/labels/0/data'],
    ['content without SSCC (codes.md §7)', 'case', 'format=pdf', [{ data: '(02)09520123000110(37)5' }], 400, 'ID-AI', '/labels/0/data'],
    [
      'a lot too wide for any logistic label',
      'sscc',
      'format=pdf',
      [{ data: `(00)195201230000000018(02)19520123000117(37)1(10)${'A'.repeat(20)}` }],
      400,
      'LBL-FIT',
      '/labels/0/data',
    ],
    ['a donation number of the wrong form', 'bag', 'format=pdf', [{ data: '(=)A99992500001' }], 400, 'ID-LENGTH', '/labels/0/data'],
    ['several labels in one SVG', 'pack', 'format=svg', packs(2), 400, 'REQ-FORM', '/labels'],
    ['none', 'pack', 'format=pdf', [], 400, 'REQ-FORM', '/labels'],
    ['a label without data', 'pack', 'format=pdf', [{ text: {} }], 400, 'REQ-FORM', '/labels/0/data'],
    ['a text that is no text', 'pack', 'format=pdf', [{ data: PACK, text: { product: 5 } }], 400, 'REQ-FORM', '/labels/0/text/product'],
    ['an unknown member', 'pack', 'format=pdf', [{ data: PACK, texts: {} }], 400, 'REQ-FORM', '/labels/0/texts'],
    ['more than ten thousand', 'pack', 'format=pdf', Array.from({ length: 10_001 }, () => ({ data: '' })), 413, 'REQ-LIMIT', '/labels'],
    ['no format', 'pack', '', packs(1), 400, 'REQ-FORM', '?format'],
    ['a layout that there is not', 'poster', 'format=pdf', packs(1), 400, 'REQ-FORM', '?layout'],
  ])('%s: refused, with what, where and how to mend it', async (_, layout, query, labels, status, code, at) => {
    const answer = await print(layout, query, labels);
    expect(answer.statusCode).toBe(status);
    expect(problemOf(answer)).toMatchObject({ code, at });
  });

  it('refuse what is no JSON, and never repeat a text: it may be a patient’s', async () => {
    const broken = await server.call('POST', '/api/v1/labels/pack?format=pdf', { body: '{"labels":' });
    expect(problemOf(broken)).toMatchObject({ code: 'EV-SYNTAX' });
    const answer = await print('bag', 'format=pdf', [{ data: PACK, text: { patient: 'Erika Muster\u0000' } }]);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).not.toContain('Erika');
    expect(said.join()).not.toContain('Erika');
  });

  it('are for those who may print', async () => {
    const call = { body: { labels: packs(1) } };
    expect((await server.call('POST', '/api/v1/labels/pack?format=zpl', { ...call, key: server.keys.line })).statusCode).toBe(200);
    expect((await server.call('POST', '/api/v1/labels/pack?format=zpl', { ...call, key: null })).statusCode).toBe(401);
  });
});

describe('ten thousand labels', () => {
  let at: AddressInfo;
  let url: string;
  beforeAll(async () => {
    url = await server.service.app.listen({ host: '127.0.0.1', port: 0 });
    at = server.service.app.server.address() as AddressInfo;
  });
  const request = (body: string) =>
    fetch(`${url}/api/v1/labels/pack?format=pdf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.keys.admin}`, 'content-type': 'application/json' },
      body,
    });

  it('begin to come before all are made, hold up nobody meanwhile, and stop when nobody reads them', async () => {
    let longest = 0;
    let beat = performance.now();
    const heart = setInterval(() => {
      longest = Math.max(longest, performance.now() - beat);
      beat = performance.now();
    }, 5);
    const answer = await request(JSON.stringify({ labels: packs(10_000) }));
    const reader = answer.body!.getReader();
    const first = await reader.read();
    expect(Buffer.from(first.value!).toString('latin1', 0, 5)).toBe('%PDF-');
    // A symbol in between does not wait for them.
    expect((await symbol({ type: 'gs1datamatrix', data: PACK, format: 'svg' })).statusCode).toBe(200);
    clearInterval(heart);
    // What held the thread last has not been told by a beat.
    longest = Math.max(longest, performance.now() - beat);
    expect(longest).toBeLessThan(250); // of a machine that does much else
    await reader.cancel();
    // The thread is free again: the next large job is done whole.
    let next = await request(JSON.stringify({ labels: packs(300) }));
    for (let tries = 0; next.status === 503 && tries < 20; tries++) {
      await pause(1_000);
      next = await request(JSON.stringify({ labels: packs(300) }));
    }
    expect(next.status).toBe(200);
    expect(pdfPages(Buffer.from(await next.arrayBuffer()))).toHaveLength(300);
  });

  it('are answered 503 when too many large jobs wait', async () => {
    const body = JSON.stringify({ labels: packs(10_000) });
    const sockets = Array.from({ length: 7 }, () => {
      const socket = connect(at.port, at.address);
      socket.write(
        `POST /api/v1/labels/pack?format=pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.keys.admin}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return socket;
    });
    const heads = await Promise.race([
      Promise.all(
        sockets
          .slice(0, 7)
          .map((socket) => new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data).slice(0, 40))))),
      ),
      pause(60_000, []),
    ]);
    for (const socket of sockets) socket.destroy();
    expect(heads.filter((head) => head.startsWith('HTTP/1.1 503')).length).toBeGreaterThanOrEqual(2);
    expect(heads.filter((head) => head.startsWith('HTTP/1.1 200')).length).toBeGreaterThanOrEqual(1);
  });
});
