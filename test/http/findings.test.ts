import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bare, caseOf, commission, documentOf, pack, packOf, packs, ship } from '../support/events.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Finding = Record<string, unknown> & { id: number; due: string | null; opened: string };
const HOUR = 3_600_000;
const key = (n: number) => `01/09520123000110/21/P${n}`;

describe.each(ENGINES)('findings as records of exceptions (domain.md §7.3), on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
    await server.capture(documentOf([commission(0, packs(1, 3), { lot: 'L1' }), commission(1, packOf(1), { lot: 'L1' })]));
  });
  afterAll(async () => await server.close());

  const list = async (query: string): Promise<Finding[]> => (await server.get(`/api/v1/findings?${query}`)).json().findings;
  const open = async (body: unknown): Promise<Finding> => {
    const answer = await server.call('POST', '/api/v1/findings', { body });
    expect(answer.statusCode, answer.body).toBe(201);
    return answer.json();
  };
  const patch = async (id: number, body: unknown): Promise<Finding> => {
    const answer = await server.call('PATCH', `/api/v1/findings/${id}`, { body });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json();
  };

  it('are opened by hand with what is known of them, and told back whole', async () => {
    const before = Date.now();
    const finding = await open({
      code: 'EX-PND-1',
      things: ['(01)09520123000110(21)P2', '01/09520123000110/21/NEVERSEEN'],
      note: 'Delivery 4711 came without a file.',
      owner: 'goods-in',
      counterpart: '414/9520123000103',
      references: ['PO-1', 'DESADV-9'],
      photos: ['ab'.repeat(32)],
      readPoint: 'urn:epc:id:sgln:9520123.00002.dock',
    });
    expect(finding).toMatchObject({
      code: 'EX-PND-1',
      severity: 'major',
      state: 'open',
      stage: 'open',
      things: [key(2), '01/09520123000110/21/NEVERSEEN'],
      events: [],
      owner: 'goods-in',
      counterpart: '414/9520123000103',
      references: ['PO-1', 'DESADV-9'],
      photos: ['ab'.repeat(32)],
      note: 'Delivery 4711 came without a file.',
      messages: [],
      resolution: null,
      notification: null,
      found: { readPoint: 'urn:epc:id:sgln:9520123.00002.dock' },
    });
    // Three working days, so three to five days (EX-PND-1).
    const days = (Date.parse(finding.due as string) - before) / 86_400_000;
    expect(Math.round(days)).toBeGreaterThanOrEqual(3);
    expect(Math.round(days)).toBeLessThanOrEqual(5);
    expect((await server.get(`/api/v1/findings/${finding.id}`)).json()).toEqual(finding);
    const shown = (await server.get(`/api/v1/things/${encodeURIComponent(key(2))}`)).json();
    expect(shown.findings).toEqual([
      { id: finding.id, code: 'EX-PND-1', severity: 'major', stage: 'open', message: 'came without any data' },
    ]);
  });

  it('go from stage to stage, gather messages, and close with a reason; every change stays with who made it', async () => {
    const { id } = await open({ code: 'EX-DNP-1', count: 12, note: 'A case is missing.' });
    const waiting = await patch(id, { stage: 'waiting-partner', counterpart: '414/9520123000103', message: 'Asked the seller.' });
    expect(waiting).toMatchObject({ stage: 'waiting-partner', state: 'open', count: 12, counterpart: '414/9520123000103' });
    const more = await patch(id, { message: 'They look for it.', owner: 'claims', due: '2026-01-01T00:00:00Z' });
    expect((more['messages'] as { text: string; by: string }[]).map(({ text, by }) => [text, by !== ''])).toEqual([
      ['Asked the seller.', true],
      ['They look for it.', true],
    ]);
    expect((await list('overdue=true')).map((f) => f.id)).toEqual([id]);
    expect((await list('stage=waiting-partner')).map((f) => f.id)).toEqual([id]);
    expect((await list('owner=claims')).map((f) => f.id)).toEqual([id]);
    const closed = await patch(id, { stage: 'closed-as-suspect', note: 'Never came.' });
    expect(closed).toMatchObject({ state: 'closed', stage: 'closed-as-suspect', resolution: { note: 'Never came.' } });
    expect(await list('overdue=true')).toEqual([]);
    expect((await patch(id, { state: 'open', note: 'It came after all.' }))['stage']).toBe('open');
    expect((await patch(id, { state: 'closed' }))['stage']).toBe('resolved');
  });

  it('are asked for by severity, and those told by events have a stage too', async () => {
    const [dup] = await list('code=SN-DUP');
    expect(dup).toMatchObject({ severity: 'major', stage: 'open', things: [key(1)], owner: null });
    expect((await list('severity=major')).map((f) => f.id)).toContain(dup?.id);
    expect((await list('severity=critical')).map((f) => f.id)).not.toContain(dup?.id);
    expect(await patch(dup?.id as number, { owner: 'line 3', stage: 'waiting-us' })).toMatchObject({ owner: 'line 3', state: 'open' });
  });

  it('start the 24 hours of the notification when a product is determined to be illegitimate (§9)', async () => {
    const { id } = await open({ code: 'EX-HLD-2', things: [key(3)], stage: 'suspect' });
    const refused = await server.call('PATCH', `/api/v1/findings/${id}`, { body: { notified: { note: 'sent' } } });
    expect(problemOf(refused)).toMatchObject({ code: 'REQ-FORM', at: '/notified' });
    const determined = await patch(id, { stage: 'illegitimate' });
    const { notification, due } = determined as unknown as { notification: { determined: string; due: string; by: string }; due: string };
    expect(Date.parse(notification.due) - Date.parse(notification.determined)).toBe(24 * HOUR);
    expect(due).toBe(notification.due);
    // Said twice, the clock does not start again.
    expect((await patch(id, { stage: 'illegitimate' }))['notification']).toMatchObject({ determined: notification.determined });
    const sent = await patch(id, { notified: { at: '2026-03-02T10:00:00Z', note: 'Form 3911, two partners' } });
    expect(sent).toMatchObject({
      due: null,
      notification: { sent: { at: '2026-03-02T10:00:00.000Z', note: 'Form 3911, two partners' }, terminated: null },
    });
    const over = await patch(id, { terminated: { note: 'After consultation.' }, stage: 'resolved', note: 'Destroyed.' });
    expect(over).toMatchObject({ state: 'closed', notification: { terminated: { note: 'After consultation.' } } });
  });

  it('show in answers as of a time gone by: from when they were put on record, no earlier', async () => {
    const before = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { id } = await open({ code: 'EX-PKG-1', things: [key(2)] });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const after = new Date().toISOString();
    await server.call('POST', '/epcis/events', { body: bare(commission(5, packOf(77), { lot: 'L1' })) });
    const of = async (query: string) =>
      (await server.get(`/api/v1/things/${encodeURIComponent(key(2))}?${query}`)).json().findings.map((f: Finding) => f.id);
    expect(await of(`known=${after}`)).toContain(id);
    expect(await of(`known=${before}`)).not.toContain(id);
    expect(await of('at=2026-03-01T08:00:00Z')).not.toContain(id);
  });

  it('are found by a thing that became known only after they were raised, by its exact number', async () => {
    const { id } = await open({ code: 'EX-PND-2', things: [key(500), '01/09520123000110/21/x500'] });
    const found = async (thing: string) => (await list(`thing=${encodeURIComponent(thing)}`)).map((one) => one.id);
    expect(await found(key(500))).toEqual([id]);
    await server.call('POST', '/epcis/events', { body: bare(commission(6, packOf(500), { lot: 'L1' })) });
    expect(await found(key(500))).toEqual([id]);
    expect(await found('01/09520123000110/21/X500')).toEqual([]);
    expect(await found('01/09520123000110/21/P50')).toEqual([]);
  });

  it('say how far a pool of numbers has run low (SN-POOL-LOW)', async () => {
    const pool = await server.call('POST', '/api/v1/pools', { body: { gtin: '09520123000127', length: 6, alphabet: '0123456789' } });
    expect(pool.statusCode, pool.body).toBe(201);
    const body = { gtin: '09520123000127', lot: 'L9', expiry: '2028-01-31', line: 'line 1', planned: 5_000 };
    expect((await server.call('POST', '/api/v1/batches', { body })).statusCode).toBe(201);
    const [low] = await list('code=SN-POOL-LOW');
    expect(low?.['note']).toBe(`${pool.json().id} can grant 99 more; 0 are issued, and open batches need 5250`);
  });

  it('choose a sample by the rule of three or a tenth, and never a thing of the finding (§9)', async () => {
    await server.capture(
      documentOf([commission(7, packs(600, 630), { lot: 'L6', site: 1 }), commission(7, packs(700, 702), { lot: 'L7', site: 1 })]),
    );
    const sample = async (things: string[]) => {
      const { id } = await open({ code: 'EX-HLD-2', things });
      return (await server.get(`/api/v1/findings/${id}/sample`)).json();
    };
    const tenth = await sample([key(600)]);
    expect(tenth).toMatchObject({ similar: 30, verify: 3, packs: [key(601), key(611), key(621)], more: false });
    expect(await sample([key(700)])).toMatchObject({ similar: 2, verify: 2, packs: [key(701), key(702)] });
    expect(await sample(['01/09520123000110/10/L6'])).toMatchObject({ similar: 31, verify: 4, holders: [] });
    expect(await sample(['01/09520123000110/21/UNHEARD'])).toMatchObject({ similar: 0, verify: 0, packs: [], more: false });
  });

  it('count a container by what is inside, and a lot by its packs, on the form of the notification', async () => {
    await server.capture(
      documentOf([
        commission(8, packs(800, 803), { lot: 'L8', site: 1 }),
        pack(9, caseOf(8), packs(800, 801), { site: 1 }),
        ship(10, caseOf(8), { site: 1, from: 1, to: 2 }),
      ]),
    );
    const formOf = async (things: string[]) => {
      const { id } = await open({ code: 'EX-HLD-2', things, stage: 'suspect' });
      await patch(id, { stage: 'illegitimate' });
      return (await server.get(`/api/v1/findings/${id}/notification`)).json();
    };
    const ofCase = await formOf(['01/19520123000117/21/C8']);
    expect(ofCase.units.map((unit: { key: string }) => unit.key)).toEqual([key(800), key(801)]);
    expect(ofCase).toMatchObject({ quantity: 2, lots: [{ lot: 'L8', quantity: 2 }] });
    expect(ofCase.partners.map(({ party }: { party: string }) => party)).toEqual(['414/9520123000011', '414/9520123000028']);
    // Both packs went with the case: who shipped them is found through it.
    const ofPack = await formOf([key(800), '01/09520123000110/21/FAKE']);
    expect(ofPack.quantity).toBe(2);
    expect(ofPack.partners.find(({ party }: { party: string }) => party === '414/9520123000028').roles).toEqual(['destination']);
    expect(await formOf(['01/09520123000110/10/L8'])).toMatchObject({ quantity: 4, units: [], lots: [{ lot: 'L8', quantity: 4 }] });
  });

  it('refuse what contradicts itself, codes that people do not report, and roles that may not', async () => {
    const { id } = await open({ code: 'EX-DMG-1', count: 1 });
    const contradiction = await server.call('PATCH', `/api/v1/findings/${id}`, { body: { state: 'open', stage: 'resolved' } });
    expect(problemOf(contradiction)).toMatchObject({ code: 'REQ-FORM', at: '/stage' });
    expect(problemOf(await server.call('PATCH', `/api/v1/findings/${id}`, { body: {} })).code).toBe('REQ-FORM');
    expect(problemOf(await server.call('POST', '/api/v1/findings', { body: { code: 'SN-DUP' } })).code).toBe('REQ-FORM');
    const wrong = await server.call('POST', '/api/v1/findings', { body: { code: 'EX-PND-1', things: ['01/09520123000111/21/A'] } });
    expect(problemOf(wrong)).toMatchObject({ code: 'ID-CHECK', at: '/things/0' });
    const line = await server.call('POST', '/api/v1/findings', { key: server.keys.line, body: { code: 'EX-PND-1' } });
    expect(problemOf(line).status).toBe(403);
    expect(problemOf(await server.get('/api/v1/findings/999999')).code).toBe('NOT-FOUND');
  });
});
