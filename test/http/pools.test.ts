import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDigit } from '../../src/identifiers/index.ts';
import { commission, documentOf } from '../support/events.ts';
import { type Answer, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

const DIGITS = '0123456789';
let items = 100;
/** A GTIN that no other test here uses. */
function freshGtin(): { gtin: string; sgtin: (serial: string) => string } {
  const item = String(items++).padStart(5, '0');
  const data = `09520123${item}`;
  return { gtin: data + checkDigit(data), sgtin: (serial) => `urn:epc:id:sgtin:9520123.0${item}.${serial}` };
}

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
  });
  afterAll(() => server.close());

  const post = async (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    await server.call('POST', `/api/v1${url}`, { body, headers, key: server.keys.line });
  const open = async (body: object): Promise<string> => {
    const answer = await post('/pools', body);
    expect(answer.statusCode, answer.body).toBe(201);
    expect(answer.headers.location).toBe(`/api/v1/pools/${answer.json().id}`);
    return answer.json().id;
  };
  const poolOf = async (id: string) => (await server.get(`/api/v1/pools/${id}`)).json();
  const grant = async (pool: string, quantity: number, more: object = {}): Promise<string[]> => {
    const answer = await post(`/pools/${pool}/grants`, { quantity, requester: 'line 3', run: 'run-1', ...more });
    expect(answer.statusCode, answer.body.slice(0, 300)).toBe(201);
    return answer.json().serials;
  };
  const findings = async (code: string) =>
    (await server.get(`/api/v1/findings?code=${code}&perPage=1000`)).json().findings as { things: string[]; events: string[] }[];

  describe('a pool (domain.md §4.1)', () => {
    it('refuses what could be guessed in 1 of 10,000 tries, and says beforehand how many it still gives', async () => {
      const { gtin } = freshGtin();
      const id = await open({ gtin, length: 7, alphabet: DIGITS });
      expect(await poolOf(id)).toMatchObject({ gtin, issued: 0, space: 10_000_000, guessChance: 0, chance: null, remaining: 999 });
      const refused = problemOf(await post(`/pools/${id}/grants`, { quantity: 2_000, requester: 'line 3', run: 'run-1' }));
      expect(refused).toMatchObject({ status: 409, code: 'SN-GUESSABLE', at: '/quantity' });
      const serials = await grant(id, 999);
      expect(new Set(serials).size).toBe(999);
      expect(serials.every((serial) => /^\d{7}$/.test(serial))).toBe(true);
      expect(await poolOf(id)).toMatchObject({ issued: 999, guessChance: 0.0000999, chance: '1 : 10010', remaining: 0, low: true });
      expect((await post(`/pools/${id}/grants`, { quantity: 1, requester: 'line 3', run: 'run-1' })).statusCode).toBe(409);
    });

    it('counts all pools of its GTIN, and of no other', async () => {
      const { gtin } = freshGtin();
      const first = await open({ gtin, length: 7, alphabet: DIGITS });
      const second = await open({ gtin, length: 7, alphabet: DIGITS });
      const early = await grant(first, 900);
      expect(await poolOf(second)).toMatchObject({ granted: 0, issued: 900, remaining: 99 });
      expect(problemOf(await post(`/pools/${second}/grants`, { quantity: 100, requester: 'l', run: 'r' })).code).toBe('SN-GUESSABLE');
      const late = await grant(second, 99);
      expect(new Set([...early, ...late]).size).toBe(999);
      const other = await open({ gtin: freshGtin().gtin, length: 7, alphabet: DIGITS });
      expect(await poolOf(other)).toMatchObject({ issued: 0, remaining: 999 });
    });

    it('shows a large space exactly: 12 of 32 characters are 1.15 × 10^18', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12 });
      const pool = await poolOf(id);
      expect(pool).toMatchObject({ space: 32 ** 12, exact: { space: '1152921504606846976', remaining: '115292150460684' } });
      await grant(id, 4_000);
      expect(await poolOf(id)).toMatchObject({ issued: 4_000, guessChance: 4_000 / 32 ** 12, chance: '1 : 288230376151711' });
    });

    it('gives numbers in no order, and every character equally often', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12, alphabet: 'ABCDEFGHIJ' });
      const serials = await grant(id, 20_000);
      const rising = serials.slice(1).filter((serial, i) => serial > (serials[i] as string)).length;
      expect(rising / serials.length).toBeGreaterThan(0.45);
      expect(rising / serials.length).toBeLessThan(0.55);
      const counts = new Map<string, number>();
      for (const c of serials.join('')) counts.set(c, (counts.get(c) ?? 0) + 1);
      expect(counts.size).toBe(10);
      // 240,000 characters: five standard deviations around a tenth of them.
      for (const n of counts.values()) expect(Math.abs(n - 24_000)).toBeLessThan(5 * Math.sqrt(24_000 * 0.9));
    });

    it('of SSCCs gives 18 digits in order, each with its check digit, past those that are in use', async () => {
      const id = await open({ sscc: '39520123' });
      const used = `39520123${'000000002'}`;
      await server.capture(documentOf([commission(0, 'urn:epc:id:sscc:9520123.3000000002')]));
      const serials = await grant(id, 4);
      const expected = ['000000000', '000000001', '000000003', '000000004'].map((reference) => `39520123${reference}`);
      expect(serials).toEqual(expected.map((data) => data + checkDigit(data)));
      expect(serials).not.toContain(used + checkDigit(used));
      expect(await poolOf(id)).toMatchObject({ sscc: '39520123', length: 9, space: 10 ** 9, issued: 4 });
      expect(await grant(id, 1)).toEqual([`39520123000000005${checkDigit('39520123000000005')}`]);
    });

    it('never grants a number that a pack bears already, whoever gave it', async () => {
      const { gtin, sgtin } = freshGtin();
      // A space of 2^14: one may be granted. All the rest are in use.
      const id = await open({ gtin, length: 14, alphabet: 'AB' });
      const word = (n: number) => n.toString(2).padStart(14, '0').replaceAll('0', 'A').replaceAll('1', 'B');
      const free = new Set([word(9_999)]);
      const inUse = Array.from({ length: 16_384 }, (_, n) => word(n)).filter((serial) => !free.has(serial));
      for (let from = 0; from < inUse.length; from += 20_000)
        await server.capture(documentOf([commission(from, inUse.slice(from, from + 20_000).map(sgtin))]));
      expect(new Set(await grant(id, 1))).toEqual(free);
    });
  });

  describe('a grant', () => {
    it('is repeated by the same Idempotency-Key with the same body, and refused with another (packs-wire.md)', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12 });
      const body = { quantity: 50, requester: 'line 3', run: 'run-7' };
      const key = { 'idempotency-key': randomBytes(8).toString('hex') };
      const first = (await post(`/pools/${id}/grants`, body, key)).json();
      const again = (await post(`/pools/${id}/grants`, body, key)).json();
      expect(again).toEqual(first);
      expect(problemOf(await post(`/pools/${id}/grants`, { ...body, quantity: 51 }, key))).toMatchObject({
        status: 422,
        code: 'REQ-REPEAT',
      });
      expect(await poolOf(id)).toMatchObject({ granted: 50 });
      // Without a key each call is its own.
      expect((await post(`/pools/${id}/grants`, body)).json().grantId).not.toBe(first.grantId);
      expect(await poolOf(id)).toMatchObject({ granted: 100 });
    });

    it('is one grant where ten requests with one key come at once', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12 });
      const headers = { 'idempotency-key': 'at-once' };
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => post(`/pools/${id}/grants`, { quantity: 20, requester: 'l', run: 'r' }, headers)),
      );
      expect(new Set(answers.map((answer) => answer.json().grantId)).size).toBe(1);
      expect(await poolOf(id)).toMatchObject({ granted: 20 });
    });

    it('shares no number with any other, with 50 requesters at once', async () => {
      const { gtin } = freshGtin();
      const pools = [await open({ gtin, length: 8, alphabet: DIGITS }), await open({ gtin, length: 8, alphabet: DIGITS })];
      const all = await Promise.all(Array.from({ length: 50 }, (_, i) => grant(pools[i % 2] as string, 100, { requester: `line ${i}` })));
      expect(new Set(all.flat()).size).toBe(5_000);
      expect(await poolOf(pools[0] as string)).toMatchObject({ granted: 2_500, issued: 5_000, remaining: 4_999 });
    });

    it('is of at most a million, and refused from a pool that there is not', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12 });
      expect((await post(`/pools/${id}/grants`, { quantity: 1_000_001, requester: 'l', run: 'r' })).statusCode).toBe(400);
      expect(problemOf(await post('/pools/none/grants', { quantity: 1, requester: 'l', run: 'r' })).code).toBe('NOT-FOUND');
    });

    it('needs a key that may give numbers; readers see pools and take none', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 12 });
      const { reader } = server.keys;
      expect((await server.get(`/api/v1/pools/${id}`, { key: reader })).statusCode).toBe(200);
      expect((await server.call('POST', `/api/v1/pools/${id}/grants`, { key: reader, body: { quantity: 1 } })).statusCode).toBe(403);
    });
  });

  describe('numbers that are given back', () => {
    it('come back purged, and are never granted again', async () => {
      const { gtin } = freshGtin();
      const id = await open({ gtin, length: 7, alphabet: DIGITS });
      const serials = await grant(id, 900);
      const answer = await post(`/pools/${id}/returns`, { serials: serials.slice(0, 400), purged: true });
      expect(answer.json()).toMatchObject({ granted: 900, returned: 400, issued: 500, remaining: 499 });
      // Told again, it is done already.
      expect((await post(`/pools/${id}/returns`, { serials: serials.slice(0, 400), purged: true })).json()).toMatchObject({
        returned: 400,
      });
      const more = await grant(id, 499);
      expect(more.filter((serial) => serials.includes(serial))).toEqual([]);
    });

    it('are invalid for good where the line did not confirm the purge', async () => {
      const { gtin, sgtin } = freshGtin();
      const id = await open({ gtin, length: 12 });
      const [first, second] = (await grant(id, 2)) as [string, string];
      expect((await post(`/pools/${id}/returns`, { serials: [first], purged: false })).json()).toMatchObject({ returned: 0, issued: 2 });
      const again = problemOf(await post(`/pools/${id}/returns`, { serials: [first], purged: true }));
      expect(again).toMatchObject({ status: 409, code: 'SN-STATE', things: [`01/${gtin}/21/${first}`] });
      // What came back purged may still turn out to be in the line.
      await post(`/pools/${id}/returns`, { serials: [second], purged: true });
      expect((await post(`/pools/${id}/returns`, { serials: [second], purged: false })).json()).toMatchObject({ returned: 0 });
      await server.capture(documentOf([commission(0, [first, second].map(sgtin), { lot: 'L1', expiry: '2028-01-31' })]));
      const used = (await findings('SN-INVALID-USED')).find(({ things }) => things.includes(`01/${gtin}/21/${first}`));
      expect(used?.things.sort()).toEqual([first, second].map((serial) => `01/${gtin}/21/${serial}`).sort());
    });

    it('come back all or none: one that was never granted, or is in use, is named', async () => {
      const { gtin, sgtin } = freshGtin();
      const id = await open({ gtin, length: 12 });
      const serials = await grant(id, 5);
      await server.capture(documentOf([commission(0, sgtin(serials[0] as string), { lot: 'L1', expiry: '2028-01-31' })]));
      const inUse = problemOf(await post(`/pools/${id}/returns`, { serials, purged: true }));
      expect(inUse).toMatchObject({ status: 409, code: 'SN-STATE', things: [`01/${gtin}/21/${serials[0]}`] });
      expect(inUse.detail).toContain(serials[0]);
      const never = problemOf(await post(`/pools/${id}/returns`, { serials: [...serials, 'NEVER', 'EITHER'], purged: true }));
      expect(never.things).toEqual(['NEVER', 'EITHER', serials[0]].map((serial) => `01/${gtin}/21/${serial}`));
      expect(await poolOf(id)).toMatchObject({ returned: 0 });
      expect((await post(`/pools/${id}/returns`, { serials: serials.slice(1), purged: true })).json()).toMatchObject({ returned: 4 });
      expect(problemOf(await post(`/pools/${id}/returns`, { serials: ['A', 'A'], purged: true })).code).toBe('REQ-FORM');
    });
  });

  describe('numbers from outside', () => {
    it('are given out in their order, with what came with them, and no others', async () => {
      const { gtin } = freshGtin();
      const id = await open({ gtin, length: 13, alphabet: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' });
      const numbers = ['5aaaaaaaaaaaa', '5ccccccccccc1', '5bbbbbbbbbbbb'];
      const answer = await post(`/pools/${id}/imports`, {
        numbers: [{ serial: numbers[0], tail: '91EE06' }, numbers[1], { serial: numbers[2] }],
      });
      expect(answer.json()).toMatchObject({ imported: 3, remaining: 3, issued: 0 });
      const granted = (await post(`/pools/${id}/grants`, { quantity: 2, requester: 'l', run: 'r' })).json();
      expect(granted).toMatchObject({ serials: numbers.slice(0, 2), tails: ['91EE06', null] });
      expect(problemOf(await post(`/pools/${id}/grants`, { quantity: 2, requester: 'l', run: 'r' })).code).toBe('SN-GUESSABLE');
      expect(problemOf(await post(`/pools/${id}/imports`, { numbers: [numbers[1]] }))).toMatchObject({
        code: 'SN-STATE',
        things: [`01/${gtin}/21/${numbers[1]}`],
      });
      expect(problemOf(await post(`/pools/${id}/imports`, { numbers: ['short'] }))).toMatchObject({ status: 400, code: 'ID-FORM' });
      expect(await poolOf(id)).toMatchObject({ imported: 3, granted: 2, remaining: 1 });
    });

    it('do not go into a pool that has made its own', async () => {
      const id = await open({ gtin: freshGtin().gtin, length: 8, alphabet: DIGITS });
      await grant(id, 1);
      expect(problemOf(await post(`/pools/${id}/imports`, { numbers: ['12345678'] })).code).toBe('SN-STATE');
    });
  });

  describe('what commissionings tell of numbers (domain.md §4)', () => {
    it('is SN-FOREIGN where no pool of the product granted it, and nothing where the product has no pool', async () => {
      const [own, none] = [freshGtin(), freshGtin()];
      const id = await open({ gtin: own.gtin, length: 12 });
      const [granted] = (await grant(id, 1)) as [string];
      const { success } = await server.capture(
        documentOf([
          commission(0, [own.sgtin(granted), own.sgtin('MADEUP1'), own.sgtin('MADEUP2')], { lot: 'L1', expiry: '2028-01-31' }),
          commission(1, [none.sgtin('MADEUP1')], { lot: 'L1', expiry: '2028-01-31' }),
        ]),
      );
      expect(success).toBe(true);
      const mine = (await findings('SN-FOREIGN')).filter(({ things }) =>
        things.some((thing) => thing.includes(own.gtin) || thing.includes(none.gtin)),
      );
      expect(mine.map(({ things }) => things)).toEqual([[`01/${own.gtin}/21/MADEUP1`, `01/${own.gtin}/21/MADEUP2`]]);
    });

    it('is SN-FOREIGN where it was granted to the batch of another lot', async () => {
      const { gtin, sgtin } = freshGtin();
      const id = await open({ gtin, length: 12 });
      const batch = (lot: string) => post('/batches', { gtin, lot, expiry: '2028-01-31', line: 'line 3', planned: 10 });
      const run = (await batch('L1')).json().id;
      await batch('L2');
      const [first, second] = (await grant(id, 2, { run })) as [string, string];
      await server.capture(
        documentOf([
          commission(0, sgtin(first), { lot: 'L1', expiry: '2028-01-31' }),
          commission(1, sgtin(second), { lot: 'L2', expiry: '2028-01-31' }),
        ]),
      );
      const mine = (await findings('SN-FOREIGN')).filter(({ things }) => things.some((thing) => thing.includes(gtin)));
      expect(mine.map(({ things }) => things)).toEqual([[`01/${gtin}/21/${second}`]]);
    });
  });

  it('a pool that runs low is told once, until it has recovered', async () => {
    const { gtin } = freshGtin();
    const id = await open({ gtin, length: 7, alphabet: DIGITS });
    const told = async () => (await findings('SN-POOL-LOW')).length;
    const before = await told();
    const serials = await grant(id, 799);
    expect([(await poolOf(id)).low, await told()]).toEqual([false, before]);
    serials.push(...(await grant(id, 1)), ...(await grant(id, 1)));
    expect([(await poolOf(id)).low, await told()]).toEqual([true, before + 1]);
    await post(`/pools/${id}/returns`, { serials: serials.slice(0, 300), purged: true });
    expect((await poolOf(id)).low).toBe(false);
    // Open batches need more than there is.
    await post('/batches', { gtin, lot: 'BIG', expiry: '2028-01-31', line: 'line 3', planned: 1_000 });
    expect([(await poolOf(id)).low, await told()]).toEqual([true, before + 2]);
  });

  it.each([
    ['neither gtin nor sscc', { length: 8 }, 400, 'REQ-FORM'],
    ['both', { gtin: '09520123000110', sscc: '09520123', length: 8 }, 400, 'REQ-FORM'],
    ['a wrong check digit', { gtin: '09520123000111', length: 8 }, 400, 'ID-CHECK'],
    ['letters for a GTIN', { gtin: 'GTIN', length: 8 }, 400, 'ID-FORM'],
    ['21 characters', { gtin: '09520123000110', length: 21 }, 400, 'ID-LENGTH'],
    ['no length', { gtin: '09520123000110' }, 400, 'ID-LENGTH'],
    ['an alphabet of one', { gtin: '09520123000110', length: 8, alphabet: 'A' }, 400, 'REQ-FORM'],
    ['a character twice', { gtin: '09520123000110', length: 8, alphabet: 'ABA' }, 400, 'REQ-FORM'],
    ['a space in the alphabet', { gtin: '09520123000110', length: 8, alphabet: 'A B' }, 400, 'ID-CHARSET'],
    ['half a prefix', { sscc: '0952' }, 400, 'ID-FORM'],
    ['a length that an SSCC has not', { sscc: '09520123', length: 8 }, 400, 'ID-LENGTH'],
    ['an unknown member', { gtin: '09520123000110', length: 8, colour: 'red' }, 400, 'REQ-FORM'],
  ])('a pool with %s is refused with what is wrong', async (_, body, status, code) => {
    expect(problemOf(await post('/pools', body))).toMatchObject({ status, code });
  });

  it('pools are listed newest first, page by page, by GTIN', async () => {
    const { gtin } = freshGtin();
    const ids = [await open({ gtin, length: 8 }), await open({ gtin, length: 9 }), await open({ gtin, length: 10 })];
    const first = await server.get(`/api/v1/pools?gtin=${gtin}&perPage=2`);
    expect(first.json().pools.map((pool: { id: string }) => pool.id)).toEqual([ids[2], ids[1]]);
    const next = /<([^>]+)>/.exec(String(first.headers.link))?.[1] as string;
    expect((await server.get(next)).json().pools.map((pool: { id: string }) => pool.id)).toEqual([ids[0]]);
  });
});
