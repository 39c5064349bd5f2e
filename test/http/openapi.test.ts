import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRAMMAR } from '../../src/epcis/query/index.ts';
import { TestServer } from '../support/server.ts';

type Said = { description?: string; schema?: { description?: string } };
type Operation = {
  summary?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: (Said & { name: string; in: string })[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, { description: string; headers?: Record<string, Said>; content?: Record<string, unknown> }>;
};

let server: TestServer;
let paths: Record<string, Record<string, Operation>>;
/** Every route of the standard's interface and of our own: method, path as it is registered. */
let routes: { method: string; path: string; operation: Operation | undefined }[];
beforeAll(async () => {
  server = await TestServer.start();
  paths = (await server.get('/api/v1/openapi.json')).json().paths;
  routes = registered(server.service.app.printRoutes({ commonPrefix: false }))
    .filter(({ path }) => /^\/(epcis|api\/v1)(\/|$)/.test(path) && path !== '/api/v1/openapi.json')
    // No calls: they say that nothing is ever merged (INV-04).
    .filter(({ path }) => !/^\/api\/v1\/identity\/\w+\/merge$/.test(path))
    .map((route) => ({ ...route, operation: paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()] }));
});
afterAll(() => server.close());

/** The routes in the tree that Fastify prints: what stands beneath a line goes on from its path. */
function registered(tree: string): { method: string; path: string }[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent, part, methods] = /^([│├└─\s]*)(\S+)(?: \((.+)\))?$/.exec(line) ?? [];
    if (indent === undefined || part === undefined) return [];
    const depth = indent.length / 4;
    above.length = depth;
    const path = `${above.at(-1) ?? ''}${part}`;
    above[depth] = path;
    return (methods ?? '').split(', ').flatMap((method) => (method === '' || method === 'HEAD' ? [] : [{ method, path }]));
  });
}

const without = (list: typeof routes, missing: (operation: Operation) => boolean) =>
  list.filter(({ operation }) => operation === undefined || missing(operation)).map(({ method, path }) => `${method} ${path}`);

describe('the description of the interface (R-12, R-15, R-22)', () => {
  it('has every route, with what it is for', () => {
    expect(routes.length).toBeGreaterThan(60);
    expect(without(routes, ({ summary, tags }) => !summary || !tags?.length)).toEqual([]);
  });

  it('says of every parameter and header what it means, and names every part of a path', () => {
    expect(without(routes, ({ parameters = [] }) => parameters.some((one) => !one.description && !one.schema?.description))).toEqual([]);
    for (const { path, method, operation } of routes) {
      const named = (operation?.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
      expect(named, `${method} ${path}`).toEqual([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
    }
  });

  it('says of every answer what it is, and how it is refused', () => {
    const vague = /^(Default Response|The answer\.)?$/;
    expect(without(routes, ({ responses }) => Object.values(responses).some(({ description }) => vague.test(description)))).toEqual([]);
    for (const status of ['401', '403', 'default'])
      expect(
        without(
          // By a call that is free of access somebody proves who they are: it may refuse them, but asks for no role.
          routes.filter(({ operation }) => status !== '403' || operation?.security?.length !== 0),
          ({ responses }) => responses[status]?.content?.['application/problem+json'] === undefined,
        ),
      ).toEqual([]);
    const succeeding = routes.filter(({ path }) => !path.startsWith('/epcis/nextPageToken/'));
    expect(without(succeeding, ({ responses }) => !Object.keys(responses).some((status) => status < '300'))).toEqual([]);
  });

  it('shows what every POST and PATCH takes', () => {
    const taking = routes.filter(({ method }) => method === 'POST' || method === 'PATCH');
    expect(without(taking, ({ requestBody }) => requestBody?.content === undefined)).toEqual([]);
  });

  it('names the headers of the standard in questions and answers (§7.3)', () => {
    const epcis = routes.filter(({ path }) => path.startsWith('/epcis'));
    const asked = (name: string) =>
      without(epcis, ({ parameters = [] }) => !parameters.some((one) => one.name === name && one.in === 'header'));
    for (const name of ['GS1-EPCIS-Min', 'GS1-EPCIS-Max', 'GS1-CBV-Min', 'GS1-CBV-Max']) expect(asked(name)).toEqual([]);
    const answered = (name: string) =>
      without(epcis, ({ responses }) => !Object.entries(responses).some(([status, { headers = {} }]) => status < '600' && name in headers));
    expect(answered('GS1-EPCIS-Version')).toEqual([]);
    const paged = routes.filter(({ operation }) => operation?.parameters?.some(({ name }) => name === 'nextPageToken'));
    expect(paged.length).toBeGreaterThan(12);
    for (const name of ['Link', 'GS1-Next-Page-Token-Expires'])
      expect(without(paged, ({ responses }) => !(name in (responses['200']?.headers ?? {})))).toEqual([]);
    expect(paths['/epcis/capture']?.['post']?.responses['202']?.headers).toHaveProperty('Location');
    expect(paths['/epcis/capture']?.['options']?.responses['204']?.headers).toHaveProperty('GS1-EPCIS-Capture-Limit');
  });

  it('names the parameters of event queries wherever events are asked for (R-3)', () => {
    const plain = Object.entries<{ takes: string; tail?: string }>(GRAMMAR).flatMap(([name, { tail }]) =>
      tail === undefined ? [name] : [],
    );
    expect(plain.length).toBeGreaterThan(15);
    for (const path of ['/epcis/events', '/epcis/readPoints/{value}/events'])
      expect(paths[path]?.['get']?.parameters?.map(({ name }) => name)).toEqual(
        expect.arrayContaining([...plain, 'EQ_quantity_{uom}', 'orderBy', 'orderDirection', 'eventCountLimit', 'maxEventCount', 'perPage']),
      );
  });
});

it('names the parameters of a master data query, the family of attributes among them (MD-8)', () => {
  expect(paths['/api/v1/masterdata']?.['get']?.parameters?.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['vocabularyName', 'EQ_name', 'WD_name', 'HASATTR', 'EQATTR_{name}', 'maxElementCount', 'nextPageToken']),
  );
});

describe('OPTIONS', () => {
  it('says of every resource exactly which methods it has, and what is supported (R-12)', async () => {
    const resources = new Map<string, string[]>();
    // What can be done with a subscription is answered for those that there are.
    for (const { path, method } of routes.filter((one) => one.path.startsWith('/epcis') && !one.path.endsWith('/:subscriptionID')))
      resources.set(path, [...(resources.get(path) ?? []), method]);
    expect(resources.size).toBeGreaterThan(20);
    // Of a subscription OPTIONS tells how far it is, so there has to be one.
    await server.call('POST', '/epcis/queries', { body: { name: 'none', query: {} } });
    const subscription = { dest: 'https://example.com/hook', schedule: { hour: '3' } };
    const { headers } = await server.call('POST', '/epcis/queries/none/subscriptions', { body: subscription });
    const subscribed = String(headers.location);
    for (const [path, methods] of resources) {
      const answer = await server.call('OPTIONS', path.endsWith('/:subscriptionID') ? subscribed : path.replace(/:\w+/g, 'none'));
      expect([path, answer.statusCode, answer.body]).toEqual([path, 204, '']);
      expect([path, String(answer.headers.allow).split(', ').sort()]).toEqual([path, methods.sort()]);
      for (const name of Object.keys(paths['/epcis']?.['options']?.responses['204']?.headers ?? {}))
        expect([path, name, answer.headers[name.toLowerCase()]]).toEqual([path, name, expect.any(String)]);
    }
  });
});

describe('the service itself', () => {
  it('is a Collection of the nine resources (R-1)', async () => {
    const answer = await server.get('/epcis');
    expect(answer.json()).toMatchObject({
      type: 'Collection',
      member: ['events', 'eventTypes', 'epcs', 'bizSteps', 'bizLocations', 'readPoints', 'dispositions', 'capture', 'queries'],
    });
  });

  it('takes no page token back, and says that this is not supported (R-7)', async () => {
    const answer = await server.call('DELETE', '/epcis/nextPageToken/abc');
    expect([answer.statusCode, answer.json()]).toMatchObject([
      501,
      { code: 'NOT-SUPPORTED', type: 'epcisException:ImplementationException' },
    ]);
  });
});
