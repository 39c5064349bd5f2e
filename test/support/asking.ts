import { readMasterdataQuery } from '../../src/epcis/index.ts';
import { parseQueryBody } from '../../src/epcis/query/index.ts';
import type { AnswerStyle } from '../../src/query/event-answer.ts';
import type { QuestionName, Questions } from '../../src/query/questions.ts';
import { RESOURCES } from '../../src/query/resources.ts';
import { KEY_HASH, RECORDED } from './small-store.ts';

const STYLES: readonly AnswerStyle[] = (['Never_Translates', 'Always_EPC_URN', 'Always_GS1_Digital_Link'] as const).map((format) => ({
  format,
  creationDate: '2026-03-02T12:00:00Z',
}));
const AS_CAPTURED = STYLES[0] as AnswerStyle;

export type Then = { at?: string; known?: string };
/** What a store offers to ask about. */
export type Matter = { keys: readonly string[]; things: readonly ({ of: string } & Then)[]; eventIDs: readonly string[]; entries: number };
export type Ask = <N extends QuestionName>(
  name: N,
  args: Parameters<Questions[N]>[1],
) => Promise<Awaited<ReturnType<Questions[N]>> | undefined>;

const NO_CHAIN = 'CHA999926NONE01';
const sizes = (entries: number) => [...new Set([0, 1, 2, 3, 255, 256, 257, Math.floor(entries / 2), entries - 1, entries, entries + 1])];

/** How each question is asked. One that is missing here does not compile. */
export const asking: { [N in QuestionName]: (ask: Ask, matter: Matter) => Promise<void> } = {
  async actAnswer(ask) {
    for (const id of ['none']) await ask('actAnswer', { id });
  },
  async orders(ask) {
    await ask('orders', { limit: 10 });
    await ask('orders', { limit: 10, state: 'draft', product: 'none', site: '414/9520123000011', patient: 'pr_none', after: 'A' });
  },
  async allocationOf(ask) {
    await ask('allocationOf', { id: 'al_none' });
  },
  async labelJob(ask) {
    await ask('labelJob', { jobId: 'lj_none' });
  },
  async products(ask) {
    await ask('products', {});
  },
  async orderChain(ask) {
    await ask('orderChain', { orderId: 'or_none' });
  },
  async releaseGate(ask) {
    await ask('releaseGate', { orderId: 'or_none', now: 0 });
  },
  async chainView(ask) {
    await ask('chainView', { chain: 'CHA999926NONE01' });
  },
  async chainsOfOrders(ask) {
    await ask('chainsOfOrders', { orders: ['or_none'] });
  },
  async checkFacts(ask) {
    const reads = ['coiId', 'din', 'container', 'orderId', 'patientRef'].map((identifier) => ({
      source: 'bag',
      identifier,
      value: 'none',
    }));
    await ask('checkFacts', { checkpoint: 'bedside', orderId: null, containers: ['urn:none:1'], reads });
    await ask('checkFacts', { checkpoint: 'bedside', orderId: 'or_none', containers: [], reads: [] });
  },
  async custodyOf(ask) {
    await ask('custodyOf', { thing: 'urn:none:1' });
  },
  async deviceState(ask) {
    await ask('deviceState', { device: 'dv_none' });
  },
  async dryAct(ask) {
    await ask('dryAct', { act: 'device', body: { device: 'dv_none', name: 'x', publicKey: 'x' }, actor: 'tester', now: RECORDED });
  },
  async entryTold(ask) {
    for (const seq of [0, 1, 1_000_000]) await ask('entryTold', { seq });
  },
  async postThawMinutes(ask) {
    await ask('postThawMinutes', { product: 'none' });
  },
  async shipmentTemperature(ask) {
    for (const thing of ['urn:none:1', '8004/9520123NONE']) await ask('shipmentTemperature', { thing, now: 0 });
  },
  async shipmentsBySeal(ask) {
    await ask('shipmentsBySeal', { seal: 'none' });
  },
  async syncedBefore(ask) {
    await ask('syncedBefore', { id: 'sy_none' });
  },
  async vaultCheck(ask) {
    await ask('vaultCheck', {});
  },
  async vaultErasures(ask) {
    await ask('vaultErasures', {});
  },
  async vaultInUse(ask) {
    await ask('vaultInUse', {});
  },
  async vaultKnows(ask) {
    for (const tokens of [[], ['none', 'neither']]) await ask('vaultKnows', { tokens });
  },
  async vaultLinks(ask) {
    await ask('vaultLinks', { ref: 'pr_none' });
  },
  async vaultRow(ask) {
    await ask('vaultRow', { ref: 'pr_none' });
  },
  async vaultSalt(ask) {
    await ask('vaultSalt', { ref: 'pr_none', commitment: 'hmac:00' });
  },
  async chainTimeline(ask) {
    await ask('chainTimeline', { chain: NO_CHAIN, now: 0 });
  },
  async chainReport(ask) {
    await ask('chainReport', { chain: NO_CHAIN, now: 0, vkey: '' });
  },
  async chainCoPresence(ask) {
    await ask('chainCoPresence', { chain: NO_CHAIN, now: 0 });
  },
  async containerIdentity(ask, { keys }) {
    for (const key of keys.slice(0, 20)) await ask('containerIdentity', { key });
  },
  async exposed(ask, { keys }) {
    for (const key of keys.slice(0, 20)) await ask('exposed', { material: key });
    await ask('exposed', { equipment: 'urn:none' });
    await ask('exposed', { donor: 'dr_none' });
  },
  async materials(ask) {
    await ask('materials', { chain: NO_CHAIN, now: 0 });
  },
  async lookBack(ask, { keys }) {
    for (const key of keys.slice(0, 20)) await ask('lookBack', { lot: key });
    await ask('lookBack', { donor: 'dr_none' });
    await ask('lookBack', { chain: NO_CHAIN });
  },
  async fhirOf(ask, { keys }) {
    for (const key of keys.slice(0, 5)) await ask('fhirOf', { key, bundle: true, entitled: false, now: 0 });
  },
  async identityKpis(ask) {
    await ask('identityKpis', { from: null, to: null, site: null, now: 0 });
    await ask('identityKpis', { from: 0, to: 1, site: '414/9520123000004', now: 0 });
  },
  async missingIdentityChecks(ask) {
    await ask('missingIdentityChecks', { now: 0 });
    await ask('missingIdentityChecks', { chain: NO_CHAIN, now: 0 });
  },
  async duePages(ask) {
    await ask('duePages', { limit: 10 });
  },
  async safetyFindings(ask) {
    for (const after of [null, 0, 3]) await ask('safetyFindings', { after, limit: 10 });
  },
  async batch(ask) {
    const { list = [] } = (await ask('batches', { limit: 100 })) ?? {};
    for (const id of [...list.map((one) => one.id), 'none']) await ask('batch', { id });
  },
  async batches(ask) {
    for (const args of [
      { limit: 10 },
      { limit: 1 },
      { limit: 5, state: 'open' as const },
      { limit: 5, state: 'closed' as const },
      { limit: 5, before: 20 },
    ])
      await ask('batches', args);
  },
  async captureJobs(ask) {
    for (const args of [{ limit: 1_000 }, { limit: 2, before: 4 }, { limit: 5, actor: 'tester' }, { limit: 5, actor: 'nobody' }])
      await ask('captureJobs', args);
    const jobs = await ask('captureJobs', { limit: 3 });
    for (const { captureID } of jobs ?? []) await ask('captureJobs', { captureID, limit: 1 });
  },
  async capturedDocument(ask) {
    const jobs = await ask('captureJobs', { limit: 100 });
    for (const captureID of [...(jobs ?? []).map((job) => job.captureID), 'none'])
      for (const form of ['as sent', 'json', 'xml', 'xml-1.2'] as const)
        await ask('capturedDocument', { captureID, form, now: '2026-03-02T12:00:00Z' });
  },
  async consistency(ask, { entries }) {
    for (const size of sizes(entries)) for (const args of [{ from: size }, { from: 2, to: size }]) await ask('consistency', args);
  },
  async contents(ask, { things }) {
    for (const thing of things) for (const depth of [1, 'all'] as const) await ask('contents', { ...thing, depth });
  },
  async entryBundle(ask, { entries }) {
    for (const width of sizes(entries)) if (width > 0 && width <= 256) await ask('entryBundle', { index: 0, width });
    for (const index of [1, 2, Math.floor(entries / 256), 2 ** 40]) await ask('entryBundle', { index, width: 7 });
  },
  async eventDocument(ask, { eventIDs }) {
    for (const eventID of eventIDs) for (const style of STYLES) await ask('eventDocument', { eventID, style });
  },
  async eventIDOf(ask, { entries }) {
    for (const seq of sizes(entries)) await ask('eventIDOf', { seq });
  },
  async eventPage(ask) {
    for (const style of STYLES) await ask('eventPage', { query: parseQueryBody({}), perPage: 1_000, start: null, style });
    for (const body of [
      {},
      { orderBy: 'eventTime' },
      { orderBy: 'eventTime', orderDirection: 'ASC', eventCountLimit: 7 },
      { orderBy: 'recordTime' },
      { orderBy: 'http://ns.example.com/epcis/#result' },
    ]) {
      const query = parseQueryBody(body);
      for (let start = null, pages = 0; pages < 20; pages++) {
        const page: Awaited<ReturnType<Questions['eventPage']>> | undefined = await ask('eventPage', {
          query,
          perPage: 4,
          start,
          style: AS_CAPTURED,
        });
        start = page?.next ?? null;
        if (start === null) break;
      }
    }
    await ask('eventPage', { query: parseQueryBody({ maxEventCount: 2 }), perPage: 1, start: null, style: AS_CAPTURED });
  },
  async findingPlace(ask) {
    for (const id of [0, 1, 2, 10_000]) await ask('findingPlace', { id });
  },
  async findings(ask, { keys }) {
    const all = (await ask('findings', { limit: 1_000 }))?.list;
    for (const args of [
      { limit: 3 },
      { limit: 3, before: 5 },
      { limit: 50, state: 'open' },
      { limit: 50, state: 'closed' },
      { limit: 5, code: 'NONE' },
    ])
      await ask('findings', args);
    for (const code of new Set(all?.map((finding) => finding.code))) await ask('findings', { limit: 50, code });
    for (const { id } of (all ?? []).slice(0, 5)) await ask('findings', { limit: 1, id });
    for (const thing of keys) await ask('findings', { limit: 50, thing });
  },
  async grantKnown(ask) {
    for (const args of [{ id: 'grant_1' }, { id: 'none' }, { key: 'pool_1/again' }, { key: 'none' }, {}]) await ask('grantKnown', args);
  },
  async grantedNumbers(ask) {
    for (const id of ['grant_1', 'grant_2', 'grant_3', 'none']) await ask('grantedNumbers', { id });
  },
  async hasMember(ask, { keys }) {
    for (const resource of RESOURCES)
      for (const value of [...keys.slice(0, 5), 'shipping', 'in_transit', 'ObjectEvent', 'nonsense', 'http://ns.example.com/own'])
        await ask('hasMember', { resource, value });
  },
  async history(ask, { things }) {
    for (const thing of things) for (const lineage of [false, true]) await ask('history', { ...thing, lineage });
  },
  async inclusion(ask, { eventIDs, entries }) {
    for (const event of [...eventIDs, ...sizes(entries).map(String), '0', 'ni:///sha-256;00?ver=CBV2.0']) await ask('inclusion', { event });
  },
  async journalEnd(ask) {
    await ask('journalEnd', {});
  },
  async keptCounts(ask) {
    await ask('keptCounts', {});
  },
  async keyByHash(ask) {
    for (const hash of [KEY_HASH, '00'.repeat(32), '']) await ask('keyByHash', { hash });
  },
  async latestCheckpoint(ask) {
    await ask('latestCheckpoint', {});
  },
  async endReason(ask, { entries }) {
    for (const seq of sizes(entries)) await ask('endReason', { seq });
  },
  async licencesKept(ask) {
    await ask('licencesKept', {});
  },
  async makerOf(ask) {
    for (const product of ['01/09520123000110', '01/09520123000127', 'none']) await ask('makerOf', { product });
  },
  async otherProduct(ask) {
    for (const key of ['01/09520123000110/21/P1', '01/09520123000127/21/P1', '01/09520123000110']) await ask('otherProduct', { key });
  },
  async packFacts(ask, { keys }) {
    for (const key of [...keys, '01/09520123000110/21/p1', '01/09520123000110/21/none', '01/09520123999999/21/P1'])
      for (const more of [{}, { lot: 'L1', site: '9520123000103' }]) await ask('packFacts', { key, ...more });
  },
  async sealedContent(ask, { keys }) {
    for (const of of keys) await ask('sealedContent', { of });
  },
  async sessionByHash(ask) {
    await ask('sessionByHash', { hash: '00'.repeat(32), now: RECORDED });
  },
  async signature(ask) {
    for (const id of ['sg_1', 'none']) await ask('signature', { id });
  },
  async signaturesAbout(ask) {
    for (const about of ['read/rd_2', 'none']) await ask('signaturesAbout', { about });
  },
  async signingTokens(ask) {
    for (const digests of [[], ['00'.repeat(32), 'x']]) await ask('signingTokens', { digests });
  },
  async sightingsOf(ask, { keys }) {
    for (const since of [0, 2 ** 43]) await ask('sightingsOf', { things: keys, since });
  },
  async verificationByCorr(ask) {
    for (const corr of ['c-1', 'none']) for (const since of [0, 2 ** 43]) await ask('verificationByCorr', { caller: 'k_1', corr, since });
  },
  async verifications(ask) {
    for (const args of [
      { since: 0, limit: 10 },
      { since: 0, limit: 1, outcome: 'true' },
      { since: 0, limit: 5, thing: '01/09520123000110/21/P1' },
      { since: 2 ** 43, limit: 5 },
      { since: 0, limit: 5, before: '0' },
    ])
      await ask('verifications', args);
  },
  async listKeys(ask) {
    for (const args of [{}, { id: 'k_1' }, { id: "'; --" }]) await ask('listKeys', args);
  },
  async namedQueries(ask) {
    for (const args of [{ limit: 10 }, { limit: 1 }, { limit: 10, after: 'all' }, { limit: 1, name: 'all' }, { limit: 1, name: 'none' }])
      await ask('namedQueries', args);
  },
  async notificationForm(ask) {
    const all = (await ask('findings', { limit: 1_000 }))?.list ?? [];
    const determined = all.filter((finding) => finding.notification !== null);
    for (const { id } of [...determined, ...all.slice(0, 2), { id: 10_000 }]) await ask('notificationForm', { id });
  },
  async similarStock(ask) {
    const all = (await ask('findings', { limit: 1_000 }))?.list ?? [];
    for (const { id } of [...all.slice(0, 10), { id: 10_000 }]) await ask('similarStock', { id });
  },
  async linksOf(ask, { keys }) {
    for (const of of ['01/09520123000110', '01/09520123000110/10/L1', 'none', ...keys.slice(0, 3)]) await ask('linksOf', { of });
  },
  async masterdata(ask, { things }) {
    const location = 'urn:epc:id:sgln:9520123.00010.0';
    const known = things.flatMap((thing) => thing.known ?? [])[0];
    for (const parameters of [
      {},
      { vocabularyName: ['Location', 'Party'], includeChildren: false },
      { vocabularyName: ['urn:x:none'] },
      { includeAttributes: false },
      { attributeNames: ['name', 'cbvmda:city'] },
      { EQ_name: [location, 'urn:epc:id:pgln:9520123.00010', 'https://id.gs1.org/414/9520123000103'] },
      { WD_name: [location] },
      { WD_name: [location], EQ_name: ['urn:epc:id:sgln:9520123.00010.7', location] },
      { HASATTR: ['name', 'urn:epcglobal:cbv:mda:city'] },
      { HASATTR: ['urn:x:none'] },
      { EQATTR: new Map([['countryCode', ['DE', 'FR']]]) },
      { EQATTR: new Map([['countryCode', ['DE', 'AT', 'FR', 'CH']], ['urn:x:none', ['']]]) }, // biome-ignore format: a pair
      { maxElementCount: 2 },
      { maxElementCount: 1_000 },
    ] satisfies Parameters<typeof readMasterdataQuery>[0][]) {
      const query = readMasterdataQuery(parameters);
      for (const limit of [1_000, 3])
        for (const then of [{}, ...(known === undefined ? [] : [{ known }])])
          for (let after = null, pages = 0; pages < 30; pages++) {
            const page: Awaited<ReturnType<Questions['masterdata']>> | undefined = await ask('masterdata', {
              query,
              after,
              limit,
              ...then,
            });
            after = page?.next ?? null;
            if (after === null) break;
          }
    }
  },
  async masterdataElement(ask) {
    for (const of of [{}, { known: '2000-01-01T00:00:00Z' }, { known: 'then' }])
      for (const key of ['414/9520123000103', 'urn:x:none'])
        await ask('masterdataElement', { type: 'urn:epcglobal:epcis:vtype:Location', key, ...of });
  },
  async masterdataHistory(ask) {
    for (const of of [{}, { before: 0 }, { before: 10_000 }])
      for (const limit of [1, 10])
        await ask('masterdataHistory', {
          type: 'urn:epcglobal:epcis:vtype:Location',
          key: '414/9520123000103',
          limit,
          ...of,
        });
  },
  async packLines(ask, { things }) {
    for (const thing of things)
      for (let after = null, pages = 0; pages < 4; pages++) {
        const page: Awaited<ReturnType<Questions['packLines']>> | undefined = await ask('packLines', {
          ...thing,
          after,
          form: pages % 2 === 0 ? 'ndjson' : 'csv',
          limit: 2 + pages * 7,
        });
        after = page?.next ?? null;
        if (after === null) break;
      }
  },
  async people(ask) {
    for (const args of [{ now: RECORDED }, { now: RECORDED, id: 'pe_1' }, { now: RECORDED, id: 'none' }]) await ask('people', args);
  },
  async personWithSecret(ask) {
    for (const by of [{ login: 'nurse-1' }, { login: 'none' }, { id: 'pe_2' }, { id: 'none' }])
      await ask('personWithSecret', { ...by, now: RECORDED });
  },
  async pool(ask) {
    const { list = [] } = (await ask('pools', { limit: 100 })) ?? {};
    for (const id of [...list.map((one) => one.id), 'none']) await ask('pool', { id });
  },
  async pools(ask) {
    for (const args of [
      { limit: 10 },
      { limit: 1 },
      { limit: 5, gtin: '09520123000110' },
      { limit: 5, gtin: '00000000000000' },
      { limit: 5, before: 30 },
    ])
      await ask('pools', args);
  },
  async read(ask) {
    for (const id of ['rd_1', 'rd_2', 'none']) await ask('read', { id });
  },
  async reads(ask) {
    for (const args of [
      {},
      { chain: 'CH1' },
      { patient: 'pr_1' },
      { donor: 'dr_1' },
      { person: 'k_2', purpose: 'treatment' },
      { open: true },
      { from: '2026-01-01T00:00:00Z', to: '2026-12-31T00:00:00Z' },
      { to: '2020-01-01T00:00:00Z' },
    ])
      await ask('reads', { ...args, limit: 2 });
    await ask('reads', { limit: 1, before: 40 });
  },
  async report(ask, { entries }) {
    for (const run of [null, { sent: 0 }, { sent: 3 }])
      for (const body of [
        {},
        { EQ_bizStep: ['packing', 'shipping'] },
        { orderBy: 'eventTime', eventCountLimit: 5 },
        { orderBy: 'recordTime' },
        { maxEventCount: 3 },
      ])
        for (const [from, through, reach, limit] of [
          [0, null, null, 4],
          [2, null, null, 1_000],
          [2, null, 4, 1_000],
          [3, 9, null, 2],
          [entries, null, 4, 5],
        ] as const)
          for (const recordedFrom of [null, { ms: RECORDED + 180_000, below: '' }])
            await ask('report', {
              query: parseQueryBody(body),
              recordedFrom,
              from,
              through,
              reach,
              run,
              limit,
              bytes: 4_000,
              style: AS_CAPTURED,
            });
  },
  async resolved(ask, { keys }) {
    const product = '01/09520123000110';
    const lot = `${product}/10/L1`;
    for (const levels of [
      [product],
      [lot, product],
      [`${product}/21/P1`, product],
      [`${product}/21/P1`, `${product}/10/OTHER`, product],
      [`${product}/21/NONE`, lot, product],
      ['01/09520123999998'],
      ['414/9520123000103'],
      ['414/9520123000103/254/7', '414/9520123000103'],
      ...keys.map((key) => [key]),
    ])
      await ask('resolved', { levels });
  },
  async resourceMembers(ask) {
    for (const resource of RESOURCES)
      for (const { format } of STYLES)
        for (const args of [
          { after: 0, limit: 1_000 },
          { after: 0, limit: 2 },
          { after: 3, limit: 3 },
          { after: 42, limit: 1 },
        ])
          await ask('resourceMembers', { resource, format, ...args });
  },
  async scope(ask, { things }) {
    for (const thing of things) await ask('scope', thing);
  },
  async restored(ask) {
    await ask('restored', {});
  },
  async storeCounts(ask) {
    for (const args of [
      { eventsAfter: -1, jobsAfter: 0 },
      { eventsAfter: 5, jobsAfter: 3 },
      { eventsAfter: 2 ** 40, jobsAfter: 2 ** 40 },
    ])
      await ask('storeCounts', args);
  },
  async subscriptions(ask) {
    for (const args of [
      { limit: 10 },
      { limit: 1 },
      { limit: 10, query: 'all' },
      { limit: 10, actor: 'k_2' },
      { limit: 10, actor: 'none' },
      { limit: 1, id: 's-2' },
    ])
      await ask('subscriptions', args);
    const [first] = (await ask('subscriptions', { limit: 1 })) ?? [];
    if (first !== undefined) await ask('subscriptions', { limit: 10, after: { created: first.created, id: first.id } });
  },
  async thing(ask, { things }) {
    for (const thing of things) await ask('thing', thing);
  },
  async tile(ask, { entries }) {
    for (const level of [0, 1, 63])
      for (const index of [0, Math.floor(entries / 256)])
        for (const width of sizes(entries)) if (width > 0 && width <= 256) await ask('tile', { level, index, width });
  },
  async whereFrom(ask, { things }) {
    for (const thing of things) await ask('whereFrom', thing);
  },
  async whereUsed(ask, { things }) {
    for (const thing of things) await ask('whereUsed', thing);
  },
};
