import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CBV_LISTS } from '../../src/epcis/index.ts';
import { caseOf, commission, declareError, documentOf, EPCIS_CONTEXT, observe, pack, packOf, packs, siteOf } from '../support/events.ts';
import { TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const OWN = 'http://ns.example.com/epcis/';
const GLN = 'https://id.gs1.org/414/';

describe.each(ENGINES)('the resources of the events on %s (epcis-2.0.md §7.1)', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    const wrong = observe(3, packOf(3));
    await server.capture({
      ...documentOf([
        commission(0, packs(1, 4)),
        pack(1, caseOf(1), packs(1, 2), { site: 2 }),
        { ...observe(2, packOf(1), { site: 3 }), bizStep: 'ex:polishing', disposition: `${OWN}shiny` },
        wrong,
        declareError(wrong),
        { ...observe(4, packOf(4)), type: 'ex:PolishingEvent', epcList: undefined, action: undefined, bizStep: undefined },
      ]),
      '@context': [EPCIS_CONTEXT, { ex: OWN }],
    });
  });
  afterAll(() => server.close());

  const collection = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await server.call('GET', `/epcis/${path}`, { headers });
    expect([path, answer.statusCode]).toEqual([path, 200]);
    return answer.json() as { '@context': unknown; type: string; member: string[] };
  };
  const all = async (path: string, headers: Record<string, string> = {}) => {
    const members: string[] = [];
    for (let next: string | undefined = `/epcis/${path}`; next !== undefined; ) {
      const answer = await server.call('GET', next, { headers });
      expect([next, answer.statusCode]).toEqual([next, 200]);
      members.push(...(answer.json().member as string[]));
      next = /^<(.+)>; rel="next"$/.exec(String(answer.headers.link))?.[1];
      expect(next === undefined).toBe(answer.headers['gs1-next-page-token-expires'] === undefined);
    }
    return members;
  };
  const eventCount = async (path: string) => {
    const answer = await server.get(`/epcis/${path}`);
    expect([path, answer.statusCode]).toEqual([path, 200]);
    return (answer.json().epcisBody.queryResults.resultsBody.eventList as unknown[]).length;
  };

  it('R-1: are Collections of unique members, standard words always among them', async () => {
    expect(await collection('eventTypes')).toEqual({
      '@context': EPCIS_CONTEXT,
      type: 'Collection',
      member: ['AggregationEvent', 'AssociationEvent', 'ObjectEvent', 'TransactionEvent', 'TransformationEvent', `${OWN}PolishingEvent`],
    });
    expect(await all('bizSteps')).toEqual([...[...CBV_LISTS.bizStep].sort(), `${OWN}polishing`]);
    expect(await all('dispositions?perPage=7')).toEqual([...[...CBV_LISTS.disposition].sort(), `${OWN}shiny`]);
    const sites = [1, 2, 3].flatMap((site) => [siteOf(site), siteOf(site, 'dock')]);
    for (const path of ['bizLocations', 'readPoints']) {
      const urns = await all(path, { 'GS1-EPC-Format': 'Always_EPC_URN' });
      expect(urns.length).toBeGreaterThan(1);
      expect(new Set(urns).size).toBe(urns.length);
      for (const urn of urns) expect(sites).toContain(urn);
      for (const link of await all(path)) expect(link.startsWith(GLN)).toBe(true);
    }
  });

  it('R-25: are paged without a gap or a repetition, whatever the size of a page', async () => {
    for (const resource of ['eventTypes', 'epcs', 'bizSteps', 'bizLocations', 'readPoints', 'dispositions']) {
      const whole = await all(`${resource}?perPage=1000`);
      for (const perPage of [1, 2, 5, whole.length]) expect(await all(`${resource}?perPage=${perPage}`)).toEqual(whole);
    }
  });

  it('name every EPC that an event has named, in the form asked for (V-9)', async () => {
    expect(await all('epcs?perPage=2', { 'GS1-EPC-Format': 'Always_EPC_URN' })).toEqual([...packs(1, 4), caseOf(1)]);
    expect(await all('epcs')).toContain('https://id.gs1.org/01/09520123000110/21/P1');
  });

  it('GS1-Extensions: give members in a declared namespace with its prefix, and are found by that', async () => {
    const headers = { 'GS1-Extensions': `my=${OWN}` };
    const types = await collection('eventTypes', headers);
    expect([types['@context'], types.member.at(-1)]).toEqual([[EPCIS_CONTEXT, { my: OWN }], 'my:PolishingEvent']);
    expect((await collection('bizSteps/my%3Apolishing', headers)).member).toEqual(['events']);
    expect((await server.call('GET', '/epcis/bizSteps/my%3Apolishing/events', { headers })).json().epcisBody.queryResults).toMatchObject({
      resultsBody: { eventList: [{ bizStep: 'ex:polishing' }] },
    });
  });

  it.each([
    ['eventTypes', 'ObjectEvent', 4],
    ['eventTypes', 'epcis:AggregationEvent', 1],
    ['eventTypes', 'TransformationEvent', 0],
    ['eventTypes', `${OWN}PolishingEvent`, 1],
    ['epcs', packOf(1), 3],
    ['epcs', 'https://id.gs1.org/01/09520123000110/21/P1', 3],
    ['epcs', caseOf(1), 1],
    ['bizSteps', 'packing', 1],
    ['bizSteps', 'urn:epcglobal:cbv:bizstep:packing', 1],
    ['bizSteps', 'https://ref.gs1.org/cbv/BizStep-packing', 1],
    ['bizSteps', 'destroying', 0],
    ['bizSteps', `${OWN}polishing`, 1],
    ['dispositions', `${OWN}shiny`, 1],
    ['dispositions', 'stolen', 0],
    ['readPoints', siteOf(2, 'dock'), 1],
    ['bizLocations', siteOf(2), 1],
  ])('R-2 to R-5: /%s/%s has events', async (resource, value, events) => {
    const path = `${resource}/${encodeURIComponent(value)}`;
    expect((await collection(path)).member).toEqual(['events']);
    expect(await eventCount(`${path}/events`)).toBe(events);
    expect(await eventCount(`${path}/events?EQ_action=DELETE`)).toBe(0);
  });

  it.each([
    ['eventTypes', 'NoEvent'],
    ['eventTypes', `${OWN}OtherEvent`],
    ['epcs', packOf(99)],
    ['epcs', 'no EPC'],
    ['epcs', 'urn:epc:id:sgtin:9520123.000011'],
    ['bizSteps', 'shipped'],
    ['bizSteps', `${OWN}painting`],
    ['bizSteps', 'packing|shipping'],
    ['dispositions', 'gone'],
    ['readPoints', siteOf(77)],
    ['bizLocations', 'https://example.com/nowhere'],
  ])('R-2, R-4: /%s/%s is not there', async (resource, value) => {
    for (const path of [`/epcis/${resource}/${encodeURIComponent(value)}`, `/epcis/${resource}/${encodeURIComponent(value)}/events`]) {
      const answer = await server.get(path);
      expect([path, answer.statusCode, answer.json().code]).toEqual([path, 404, 'NOT-FOUND']);
    }
  });

  it('R-3: refuse the parameter that the path fixes', async () => {
    const answer = await server.get('/epcis/bizSteps/packing/events?EQ_bizStep=shipping');
    expect([answer.statusCode, answer.json().at]).toEqual([400, '?EQ_bizStep']);
  });

  it('R-12: say with OPTIONS what may be done, to everybody with a key', async () => {
    for (const path of ['epcs', 'epcs/x', 'epcs/x/events', 'bizSteps', 'dispositions/active/events']) {
      const answer = await server.call('OPTIONS', `/epcis/${path}`, { key: server.keys.line });
      expect([path, answer.statusCode, answer.headers.allow]).toEqual([path, 204, 'OPTIONS, GET']);
      expect((await server.call('GET', `/epcis/${path}`, { key: server.keys.line })).statusCode).toBe(403);
    }
  });
});
