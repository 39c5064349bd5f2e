import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, observe, packOf } from '../support/events.ts';
import { Receiver } from '../support/receiver.ts';
import { ADMIN_KEY, TestServer } from '../support/server.ts';

type Content = Record<string, { schema?: object }>;
type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean };
type Operation = {
  parameters?: Parameter[];
  requestBody?: { content: Content; required?: boolean };
  responses: Record<string, { content?: Content; headers?: Record<string, unknown> }>;
  security?: Record<string, unknown>[];
};
type Description = {
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};
type Given = { path?: Record<string, string>; query?: Record<string, string>; headers?: Record<string, string>; body?: unknown };
type Told = { status: number; headers: Headers; body: unknown };

/**
 * A client that knows of the service what its OpenAPI description says, and nothing else: it sends what is described there, and takes no answer whose
 * status, headers, media type or shape is not.
 */
class Follower {
  private readonly url: string;
  private readonly api: Description;
  private readonly ajv = new Ajv({ strict: false });

  private constructor(url: string, api: Description) {
    this.url = url;
    this.api = api;
    (addFormats as unknown as (ajv: Ajv) => void)(this.ajv);
    for (const [name, schema] of Object.entries(api.components.schemas)) this.ajv.addSchema(schema, `#/components/schemas/${name}`);
  }

  static async of(url: string): Promise<Follower> {
    return new Follower(url, (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Description);
  }

  async call(method: string, template: string, given: Given = {}): Promise<Told> {
    const operation = this.api.paths[template]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`${method} ${template} is not described`);
    for (const [place, values] of [
      ['path', given.path],
      ['query', given.query],
      ['header', given.headers],
    ] as const)
      for (const name of Object.keys(values ?? {}))
        if (!operation.parameters?.some((one) => one.in === place && one.name.toLowerCase() === name.toLowerCase()))
          throw new Error(`the ${place} parameter ${name} of ${method} ${template} is not described`);
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given.path?.[name] ?? ''));
    const search = new URLSearchParams(given.query).toString();
    return await this.send(method, `${path}${search === '' ? '' : `?${search}`}`, operation, given);
  }

  /** Follows a link of an answer, which is an operation too. */
  async follow(link: string, template: string): Promise<Told> {
    const operation = this.api.paths[template]?.['get'];
    if (operation === undefined) throw new Error(`GET ${template} is not described`);
    return await this.send('GET', link, operation, {});
  }

  /** What came by a webhook has the headers and the shape that are described. */
  checkDelivery(name: string, headers: Record<string, unknown>, body: string): void {
    const operation = this.api.webhooks[name]?.['post'];
    for (const { name: header, required } of operation?.parameters ?? [])
      if (required === true) expect(headers).toHaveProperty([header.toLowerCase()]);
    this.check(operation?.requestBody?.content['application/json']?.schema, JSON.parse(body), `the webhook ${name}`);
  }

  private async send(method: string, path: string, operation: Operation, { headers, body }: Given): Promise<Told> {
    const media = Object.keys(operation.requestBody?.content ?? {})[0];
    const request: Record<string, string> = { ...headers, ...(operation.security?.length && { authorization: `Bearer ${ADMIN_KEY}` }) };
    if (body !== undefined && media !== undefined) request['content-type'] = media;
    const answer = await fetch(this.url + path, { method, headers: request, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    const described = operation.responses[String(answer.status)] ?? operation.responses['default'];
    const what = `${method} ${path} answering ${answer.status}`;
    if (described === undefined) throw new Error(`${what} is not described`);
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] as string;
    if (described.content === undefined || text === '') return { status: answer.status, headers: answer.headers, body: null };
    const content = described.content[type];
    if (content === undefined) throw new Error(`${what} with ${type} is not described: ${text.slice(0, 200)}`);
    const told = { status: answer.status, headers: answer.headers, body: JSON.parse(text) as unknown };
    this.check(content.schema, told.body, what);
    return told;
  }

  private check(schema: object | undefined, value: unknown, what: string): void {
    if (schema === undefined) throw new Error(`${what} has no shape`);
    if (!this.ajv.validate(schema, value)) throw new Error(`${what}: ${this.ajv.errorsText()} in ${JSON.stringify(value).slice(0, 500)}`);
  }
}

describe('a client that follows only the description of the interface', () => {
  let server: TestServer;
  let client: Follower;
  let receiver: Receiver;
  beforeAll(async () => {
    server = await TestServer.start({ webhookAllowPrivate: true });
    const url = await server.service.app.listen({ host: '127.0.0.1', port: 0 });
    client = await Follower.of(url);
    receiver = await Receiver.listen();
  });
  afterAll(async () => {
    await receiver.close();
    await server.close();
  });

  it('captures, follows the job, pages, queries by name, subscribes, and gets signed events (R-16, R-22, S-1, S-7, S-9)', {
    timeout: 60_000,
  }, async () => {
    const capture = async (packs: readonly number[], minute: number) => {
      const body = documentOf(packs.map((n, i) => observe(minute + i, packOf(n), { step: 'inspecting' })));
      const taken = await client.call('POST', '/epcis/capture', { body, headers: { 'GS1-Capture-Error-Behaviour': 'proceed' } });
      expect(taken.status).toBe(202);
      const captureID = taken.headers.get('location')?.split('/').at(-1) as string;
      for (;;) {
        const job = (await client.call('GET', '/epcis/capture/{captureID}', { path: { captureID } })).body as {
          running: boolean;
          success: boolean;
        };
        if (!job.running) return expect(job.success).toBe(true);
        await pause(20);
      }
    };
    await capture([1, 2, 3, 4, 5], 0);

    const eventsOf = ({ body }: Told) =>
      (body as { epcisBody: { queryResults: { resultsBody: { eventList: { eventID: string }[] } } } }).epcisBody.queryResults.resultsBody
        .eventList;
    const found: string[] = [];
    let page = await client.call('GET', '/epcis/events', {
      query: { EQ_bizStep: 'inspecting', perPage: '2' },
      headers: { 'GS1-EPC-Format': 'Always_EPC_URN' },
    });
    for (let pages = 1; ; pages++) {
      found.push(...eventsOf(page).map(({ eventID }) => eventID));
      const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
      if (next === undefined) {
        expect(pages).toBe(3);
        break;
      }
      page = await client.follow(next, '/epcis/events');
    }
    expect(new Set(found).size).toBe(5);

    expect(
      (await client.call('POST', '/epcis/queries', { body: { name: 'inspected', query: { EQ_bizStep: ['inspecting'] } } })).status,
    ).toBe(201);
    const path = { queryName: 'inspected' };
    expect(eventsOf(await client.call('GET', '/epcis/queries/{queryName}/events', { path }))).toHaveLength(5);

    const signatureToken = 'a-token-of-the-client';
    const body = { dest: receiver.url, stream: true, signatureToken };
    const subscribed = await client.call('POST', '/epcis/queries/{queryName}/subscriptions', { path, body });
    expect(subscribed.status).toBe(201);
    await capture([6, 7], 10);
    await receiver.until(() => receiver.taken.length >= 2);
    expect(receiver.taken.map(({ epcList }) => epcList?.[0]?.split('/').at(-1))).toEqual(['P6', 'P7']);
    for (const { headers, body: delivered } of receiver.received) {
      client.checkDelivery('events', headers, delivered);
      const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['gs1-signature'])) ?? [];
      expect(createHmac('sha256', signatureToken).update(`${seconds}.${delivered}`).digest('hex')).toBe(hex);
    }

    const { subscriptionID } = subscribed.body as { subscriptionID: string };
    const ended = await client.call('DELETE', '/epcis/queries/{queryName}/subscriptions/{subscriptionID}', {
      path: { ...path, subscriptionID },
    });
    expect(ended.status).toBe(204);
    expect((await client.call('DELETE', '/epcis/queries/{queryName}', { path })).status).toBe(204);
  });

  it('is refused as the description says', async () => {
    const refused = await client.call('GET', '/epcis/events', { query: { EQ_action: 'LOOK' } });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ type: 'epcisException:QueryParameterException' });
    expect((await client.call('GET', '/epcis/capture/{captureID}', { path: { captureID: 'none' } })).status).toBe(404);
  });
});
