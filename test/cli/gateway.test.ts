import { afterEach, describe, expect, it } from 'vitest';
import { bare, caseOf, commission, documentOf, pack, packs } from '../support/events.ts';
import { Link } from '../support/link.ts';
import { printed, type Running, removeFolder, type Service, start, startService, temporaryFolder } from '../support/program.ts';

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

type Job = { running: boolean; success: boolean; errors: { code: string; title: string }[] };
type Status = {
  link: string;
  waiting: { documents: number; events: number; bytes: number };
  forwarded: { documents: number; events: number };
  refused: number;
  clockOffsetMs: number | null;
  lastError: { message: string } | null;
};

class GatewayProcess {
  readonly url: string;
  readonly program: Running;
  constructor(url: string, program: Running) {
    this.url = url;
    this.program = program;
  }

  static async start(upstream: string, data: string, key: string, more: string[] = []): Promise<GatewayProcess> {
    const args = ['gateway', '--upstream', upstream, '--port', '0', '--data', data, '--name', 'line 1', '--retry-max', '1', ...more];
    const program = start(args, { LOTLINE_UPSTREAM_KEY: key, LOTLINE_GATEWAY_KEY: LOCAL_KEY });
    const [, url] = await printed(program, /^Ready: (http:\S+)$/m);
    const gateway = new GatewayProcess(url as string, program);
    closing.push(() => gateway.end('SIGKILL'));
    return gateway;
  }

  async end(signal: NodeJS.Signals) {
    this.program.process.kill(signal);
    return await this.program.ended;
  }

  async call(method: string, path: string, body?: unknown, key: string | null = LOCAL_KEY): Promise<Response> {
    return await fetch(this.url + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  async capture(document: unknown): Promise<string> {
    const answer = await this.call('POST', '/epcis/capture', document);
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
    return answer.headers.get('location') as string;
  }

  async status(): Promise<Status> {
    return (await (await this.call('GET', '/status')).json()) as Status;
  }

  async until(what: (status: Status) => boolean, ms = 30_000): Promise<Status> {
    for (const end = Date.now() + ms; ; ) {
      const status = await this.status();
      if (what(status)) return status;
      if (Date.now() > end) throw new Error(`the gateway did not come to it: ${JSON.stringify(status)}`);
      await new Promise((next) => setTimeout(next, 30));
    }
  }
}

async function ask<T>(service: { url: string; key: string }, path: string): Promise<T> {
  const answer = await fetch(service.url + path, { headers: { authorization: `Bearer ${service.key}` } });
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
async function eventCount(service: Service): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.key}` } })).text();
  return Number(/^lotline_events_total (\d+)/m.exec(text)?.[1]);
}
async function findings(service: Service, code: string): Promise<{ events: string[] }[]> {
  return (await ask<{ findings: { events: string[] }[] }>(service, `/api/v1/findings?code=${code}`)).findings;
}

/** One pack an event, an event a document, as lines send them. */
const one = (n: number) => documentOf([commission(n / 60, packs(n, n), { lot: 'L1', expiry: '2028-02-29' })]);

async function plant(more: { data?: string } = {}): Promise<{ service: Service; link: Link; gateway: GatewayProcess; data: string }> {
  const service = await startService(folder());
  closing.push(() => service.kill());
  const link = await Link.to(service);
  closing.push(() => link.close());
  const data = more.data ?? folder();
  const gateway = await GatewayProcess.start(link.url, data, service.key);
  return { service, link, gateway, data };
}

describe('lotline gateway', { timeout: 120_000 }, () => {
  it('forwards what it took, and its jobs end as they end upstream', async () => {
    const { service, gateway } = await plant();
    const job = await gateway.capture(documentOf([commission(0, packs(1, 3), { lot: 'L1' }), pack(1, caseOf(1), packs(1, 3))]));
    const event = await gateway.call('POST', '/epcis/events', bare(commission(2, packs(4, 4), { lot: 'L1' })));
    expect(event.status).toBe(202);
    await gateway.until(({ waiting }) => waiting.documents === 0);
    expect(await (await gateway.call('GET', job)).json()).toMatchObject({ running: false, success: true, errors: [] });
    expect(await (await gateway.call('GET', event.headers.get('location') as string)).json()).toMatchObject({
      running: false,
      success: true,
    });
    expect(await eventCount(service)).toBe(3);
    const status = await gateway.status();
    expect(status).toMatchObject({ link: 'up', forwarded: { documents: 2, events: 3 }, refused: 0 });
    expect(Math.abs(status.clockOffsetMs as number)).toBeLessThan(2_000);
  });

  it('takes no call without its key, and refuses what is wrong before it takes it', async () => {
    const { gateway } = await plant();
    expect((await gateway.call('POST', '/epcis/capture', one(1), null)).status).toBe(401);
    expect((await gateway.call('GET', '/status', undefined, 'another-key-0123456789')).status).toBe(401);
    const noZone = documentOf([{ ...commission(0, packs(1, 1)), eventTime: '2026-03-01T08:00:00' }]);
    const refused = await gateway.call('POST', '/epcis/capture', noZone);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'EV-TIMEZONE', at: '/epcisBody/eventList/0/eventTime' });
    expect((await gateway.call('POST', '/epcis/capture', '{"half":')).status).toBe(400);
    expect((await gateway.call('POST', '/epcis/events', commission(0, packs(1, 1)))).status).toBe(400);
    expect((await gateway.call('GET', '/epcis/capture/00000000-0000-4000-8000-000000000000')).status).toBe(404);
    expect((await gateway.status()).waiting.documents).toBe(0);
    const page = await gateway.call('GET', '/', undefined, null);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('lotline gateway');
  });

  it('keeps what comes while the link is cut, through a kill -9, and forwards it once, in its order', async () => {
    const { service, link, gateway, data } = await plant();
    await gateway.until(({ link }) => link === 'up');
    link.cut();
    for (let n = 1; n <= 40; n++) await gateway.capture(one(n));
    expect((await gateway.until(({ link }) => link === 'down')).waiting.documents).toBe(40);
    await gateway.end('SIGKILL');
    const again = await GatewayProcess.start(link.url, data, service.key);
    expect((await again.status()).waiting).toMatchObject({ documents: 40, events: 40 });
    for (let n = 41; n <= 60; n++) await again.capture(one(n));
    link.restore();
    await again.until(({ waiting }) => waiting.documents === 0);
    expect(await eventCount(service)).toBe(60);
    const { epcisBody } = await ask<{ epcisBody: { queryResults: { resultsBody: { eventList: { epcList: string[] }[] } } } }>(
      service,
      '/epcis/events?orderBy=recordTime&orderDirection=ASC&perPage=100',
    );
    const serials = epcisBody.queryResults.resultsBody.eventList.map(({ epcList }) => Number(/P(\d+)$/.exec(epcList[0] as string)?.[1]));
    expect(serials).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    for (const code of ['EV-DUP', 'EV-TWIN', 'EV-LATE']) expect(await findings(service, code), code).toEqual([]);
  });

  it('doubles nothing when answers are lost, connections are half open, and either side is killed amid the forwarding', async () => {
    const folderOfService = folder();
    let service = await startService(folderOfService);
    closing.push(() => service.kill());
    const link = await Link.to(() => service.url);
    closing.push(() => link.close());
    const data = folder();
    let gateway = await GatewayProcess.start(link.url, data, service.key);
    link.loseNextAnswers(3);
    for (let n = 1; n <= 100; n++) await gateway.capture(one(n));
    await gateway.until(({ waiting }) => waiting.documents === 0);
    for (let round = 0; round < 3; round++) {
      const first = 101 + round * 100;
      const sending = (async () => {
        for (let n = first; n < first + 100; n++) await gateway.capture(one(n));
      })();
      await new Promise((next) => setTimeout(next, 40));
      if (round === 0) link.cut();
      if (round === 1) await service.kill();
      if (round === 2) link.loseNextAnswers(2);
      await sending;
      if (round === 1) service = await startService(folderOfService);
      await gateway.end('SIGKILL');
      link.restore();
      gateway = await GatewayProcess.start(link.url, data, service.key);
      await gateway.until(({ waiting }) => waiting.documents === 0);
    }
    expect(await eventCount(service)).toBe(400);
    expect((await gateway.status()).forwarded).toEqual({ documents: 400, events: 400 });
    for (const code of ['EV-DUP', 'EV-TWIN']) expect(await findings(service, code), code).toEqual([]);
  });

  it('notices a link that swallows everything, and goes on when it is restored', async () => {
    const { service, link, gateway } = await plant();
    await gateway.until(({ link }) => link === 'up');
    link.swallow();
    for (let n = 1; n <= 5; n++) await gateway.capture(one(n));
    await gateway.until(({ lastError }) => lastError?.message.startsWith('nothing is heard') === true, 60_000);
    link.restore();
    await gateway.until(({ waiting }) => waiting.documents === 0);
    expect(await eventCount(service)).toBe(5);
  });

  it('sets aside what the service refuses, and what comes behind it goes on', async () => {
    const service = await startService(folder(), { LOTLINE_RULES: 'enforce' });
    closing.push(() => service.kill());
    const link = await Link.to(service);
    closing.push(() => link.close());
    const gateway = await GatewayProcess.start(link.url, folder(), service.key);
    link.cut();
    const first = await gateway.capture(one(1));
    const twice = await gateway.capture(documentOf([commission(9, packs(1, 1), { lot: 'L1', expiry: '2028-02-29' })]));
    const behind = await gateway.capture(one(2));
    link.restore();
    await gateway.until(({ waiting }) => waiting.documents === 0);
    expect((await (await gateway.call('GET', first)).json()) as Job).toMatchObject({ success: true });
    expect((await (await gateway.call('GET', behind)).json()) as Job).toMatchObject({ success: true });
    const job = (await (await gateway.call('GET', twice)).json()) as Job;
    expect(job).toMatchObject({ running: false, success: false, errors: [{ code: 'SN-DUP' }] });
    const { refused } = (await (await gateway.call('GET', '/refused')).json()) as { refused: { captureID: string; errors: unknown[] }[] };
    expect(refused.map(({ captureID }) => `/epcis/capture/${captureID}`)).toEqual([twice]);
    const kept = await gateway.call('GET', `/refused/${refused[0]?.captureID}/document`);
    expect(await kept.json()).toMatchObject({ type: 'EPCISDocument' });
    // The operator has it tried again: it is refused again, under a capture of its own.
    expect((await gateway.call('POST', `/refused/${refused[0]?.captureID}/forward`)).status).toBe(202);
    await gateway.until(({ waiting, refused: count }) => waiting.documents === 0 && count === 1);
    expect(await eventCount(service)).toBe(2);
  });
});
