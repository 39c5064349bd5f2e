import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDigit } from '../../src/identifiers/index.ts';
import { caseOf, commission, decommission, destroy, documentOf, type Json, observe, pack, palletOf } from '../support/events.ts';
import { type Answer, problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

type Check = {
  name: string;
  of: string;
  expected: number | null;
  actual: number | null;
  difference: number | null;
  ok: boolean;
  things?: string[];
};

let items = 500;
let cases = 1;

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
  });
  afterAll(() => server.close());

  const post = async (url: string, body: unknown): Promise<Answer> =>
    await server.call('POST', `/api/v1${url}`, { body, key: server.keys.line });
  const capture = async (events: readonly Json[]) => expect(await server.capture(documentOf(events))).toMatchObject({ success: true });
  const findingsOf = async (code: string, thing: string) =>
    (await server.get(`/api/v1/findings?code=${code}&thing=${encodeURIComponent(thing)}`)).json().findings as {
      things: string[];
      state: string;
    }[];

  /** A run of a product of its own: `numbers` granted to it, of which the first `commissioned` are on packs of lot L1. */
  async function run(o: { numbers: number; commissioned: number; perParent?: number; yieldLimits?: [number, number]; planned?: number }) {
    const item = String(items++).padStart(5, '0');
    const data = `09520123${item}`;
    const gtin = data + checkDigit(data);
    const sgtin = (serial: string) => `urn:epc:id:sgtin:9520123.0${item}.${serial}`;
    const keyOf = (serial: string) => `01/${gtin}/21/${serial}`;
    const { perParent, yieldLimits } = o;
    const batch = (
      await post('/batches', {
        gtin,
        lot: 'L1',
        expiry: '2028-02-29',
        line: 'line 3',
        planned: o.planned ?? o.numbers,
        perParent,
        yieldLimits,
      })
    ).json().id as string;
    const pool = (await post('/pools', { gtin, length: 12 })).json().id as string;
    const { serials } = (await post(`/pools/${pool}/grants`, { quantity: o.numbers, requester: 'line 3', run: batch })).json() as {
      serials: string[];
    };
    const packs = serials.slice(0, o.commissioned);
    for (let from = 0; from < packs.length; from += 1_000)
      await capture([commission(from, packs.slice(from, from + 1_000).map(sgtin), { lot: 'L1', expiry: '2028-02-29' })]);
    const now = async () => (await server.get(`/api/v1/batches/${batch}`)).json();
    const close = async (counters: object) => {
      const answer = await post(`/batches/${batch}/close`, { counters });
      expect(answer.statusCode, answer.body).toBe(200);
      return answer.json() as { state: string; reasons: string[]; checks: Check[]; good: number };
    };
    const giveBack = async (list: readonly string[], purged = true) =>
      expect((await post(`/pools/${pool}/returns`, { serials: list, purged })).statusCode).toBe(200);
    /** Packs these into cases of `size`, and answers the cases. */
    const aggregate = async (list: readonly string[], size: number): Promise<string[]> => {
      const parents: string[] = [];
      const events: Json[] = [];
      for (let from = 0; from < list.length; from += size) {
        const parent = caseOf(cases++);
        parents.push(parent);
        events.push(pack(10_000 + from, parent, list.slice(from, from + size).map(sgtin)));
      }
      await capture(events);
      return parents;
    };
    return { gtin, lot: `01/${gtin}/10/L1`, sgtin, keyOf, batch, pool, serials, packs, now, close, giveBack, aggregate };
  }
  const failing = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name);
  const named = (checks: readonly Check[], name: string) => checks.filter((check) => check.name === name);

  it('reconciles E-01: 4,200 issued, 150 returned, 30 labels scrapped, 4,020 commissioned, 12 sampled, 8 destroyed: 0 unaccounted, 4,000 good', {
    timeout: 120_000,
  }, async () => {
    const line = await run({ numbers: 4_200, commissioned: 4_020, perParent: 80, yieldLimits: [0.95, 1], planned: 4_000 });
    expect(await line.now()).toMatchObject({
      planned: 4_000,
      suggested: 4_200,
      issued: 4_200,
      commissioned: 4_020,
      unaccounted: 180,
      state: 'open',
      closing: null,
    });
    const rest = line.serials.slice(4_020);
    await capture([destroy(5_000, rest.slice(0, 30).map(line.sgtin))]); // labels: never on a pack
    const [sampled, destroyed, good] = [line.packs.slice(0, 12), line.packs.slice(12, 20), line.packs.slice(20)];
    await capture([observe(5_001, sampled.map(line.sgtin), { step: 'sampling' }), destroy(5_002, destroyed.map(line.sgtin))]);
    const parents = await line.aggregate(good, 80);
    expect(parents).toHaveLength(50);
    await capture([pack(20_000, palletOf(cases++), parents.slice(0, 48)), pack(20_001, palletOf(cases++), parents.slice(48))]);
    const counters = {
      goodPrints: 4_020,
      finishedPacks: 4_000,
      loose: [],
      partial: [],
      rejected: [...sampled, ...destroyed],
      theoretical: 4_100,
    };

    // The line has not given the unused numbers back yet.
    const early = await line.close(counters);
    expect(early).toMatchObject({ state: 'open', unaccounted: 150 });
    expect(early.reasons).toHaveLength(1);
    expect(early.reasons[0]).toContain('REC-UNACCOUNTED');
    expect(named(early.checks, 'REC-UNACCOUNTED')[0]?.things).toEqual(rest.slice(30).sort().map(line.keyOf));

    await line.giveBack(rest.slice(30));
    const table = await line.close(counters);
    expect(table).toMatchObject({
      issued: 4_200, returned: 150, invalid: 30, labelsScrapped: 30, commissioned: 4_020, sampled: 12, destroyed: 8, inactive: 0, good: 4_000, unaccounted: 0,
      parents: 50, contained: 4_000, uncontained: 0, state: 'closed', reasons: [],
    }); // biome-ignore format: a table
    expect(table.checks.map(({ name, expected, actual, difference }) => [name, expected, actual, difference])).toEqual([
      ['REC-UNACCOUNTED', 0, 0, 0],
      ['REC-COUNTER', 4_020, 4_020, 0],
      ['REC-COUNTER', 4_000, 4_000, 0],
      ['REC-YIELD', 4_100, 4_000, -100],
      ['AGG-ORPHAN', 0, 0, 0],
      ['AGG-COUNT', 0, 0, 0],
      ['AGG-MIXED', 0, 0, 0],
      ['REJ-ESCAPED', 0, 0, 0],
    ]);
    expect(failing(table.checks)).toEqual([]);
    expect(await findingsOf('REC-UNACCOUNTED', line.lot)).toMatchObject([{ state: 'closed' }]);
    const after = await line.now();
    expect(after).toMatchObject({ state: 'closed', good: 4_000, closing: { state: 'closed', unaccounted: 0 } });
    expect(after.kpis).toMatchObject({
      serialAccountability: { value: 1, numerator: 4_200, denominator: 4_200 },
      firstPassSerialization: { value: 4_020 / 4_050, numerator: 4_020, denominator: 4_050 },
      lineYield: { value: 4_000 / 4_100, numerator: 4_000, denominator: 4_100 },
    });
    expect(problemOf(await post(`/batches/${line.batch}/close`, { counters }))).toMatchObject({ status: 409, code: 'REC-STATE' });
  });

  describe('what does not agree at the end of a run (domain.md §5.2)', () => {
    it('REC-COUNTER: the counters of prints and of packs, told with the difference; it closes all the same', async () => {
      const line = await run({ numbers: 10, commissioned: 10 });
      await line.aggregate(line.packs, 10);
      const table = await line.close({ goodPrints: 11, finishedPacks: 8 });
      expect(named(table.checks, 'REC-COUNTER').map(({ expected, actual, difference, ok }) => [expected, actual, difference, ok])).toEqual([
        [11, 10, -1, false],
        [8, 10, 2, false],
      ]);
      expect(table.state).toBe('closed');
      expect(await findingsOf('REC-COUNTER', line.lot)).toMatchObject([{ state: 'open', things: [line.lot] }]);
    });

    it('a counter that was not told is no agreement', async () => {
      const line = await run({ numbers: 5, commissioned: 5 });
      await line.aggregate(line.packs, 5);
      const table = await line.close({});
      expect(named(table.checks, 'REC-COUNTER').map(({ expected, difference, ok }) => [expected, difference, ok])).toEqual([
        [null, null, false],
        [null, null, false],
      ]);
    });

    it('REC-YIELD: outside of its limits, and where nothing is told to measure it by', async () => {
      const counters = { goodPrints: 9, finishedPacks: 9 };
      for (const [theoretical, ok] of [[9, true], [10, true], [11, false], [8, false], [0, false], [undefined, false]] as const) {
        const line = await run({ numbers: 9, commissioned: 9, yieldLimits: [0.9, 1] });
        await line.aggregate(line.packs, 9);
        const table = await line.close({ ...counters, ...(theoretical !== undefined && { theoretical }) });
        expect([theoretical, named(table.checks, 'REC-YIELD')[0]?.ok]).toEqual([theoretical, ok]);
        expect((await line.now()).kpis.lineYield.value).toBe(theoretical ? 9 / theoretical : null);
      } // biome-ignore format: pairs
    }, 30_000);

    it('AGG-ORPHAN: good packs inside of nothing that were not declared loose, each named', async () => {
      const line = await run({ numbers: 10, commissioned: 10 });
      await line.aggregate(line.packs.slice(0, 6), 6);
      await capture([decommission(30_000, line.sgtin(line.packs[9] as string))]);
      // One is declared by its serial, one spelled out; the one that was ended is no orphan.
      const table = await line.close({ goodPrints: 10, finishedPacks: 9, loose: [line.packs[6], line.sgtin(line.packs[7] as string)] });
      expect(named(table.checks, 'AGG-ORPHAN')).toMatchObject([
        { actual: 1, difference: 1, things: [line.keyOf(line.packs[8] as string)] },
      ]);
      expect(table).toMatchObject({ good: 9, inactive: 1 });
      expect(await findingsOf('AGG-ORPHAN', line.keyOf(line.packs[8] as string))).toHaveLength(1);
    });

    it('AGG-COUNT: a container with another number than a full one, unless it was declared partial', async () => {
      const line = await run({ numbers: 25, commissioned: 25, perParent: 10 });
      const parents = await line.aggregate(line.packs.slice(0, 20), 10);
      parents.push(...(await line.aggregate(line.packs.slice(20), 5)));
      const counters = { goodPrints: 25, finishedPacks: 25 };
      await capture([decommission(30_000, line.sgtin(line.packs[0] as string))]);
      const first = await line.close({ ...counters, finishedPacks: 24, partial: [parents[2]] });
      const key = (await server.get(`/api/v1/things/${encodeURIComponent(parents[0] as string)}`)).json().key;
      expect(named(first.checks, 'AGG-COUNT')).toMatchObject([{ actual: 1, things: [key] }]);
    });

    it('AGG-MIXED: a container that holds another lot as well', async () => {
      const line = await run({ numbers: 12, commissioned: 10 });
      const others = line.serials.slice(10);
      await capture([commission(9_000, line.sgtin(others[0] as string), { lot: 'L2', expiry: '2028-02-29' })]);
      const [parent] = await line.aggregate([...line.packs.slice(0, 5), others[0] as string], 6);
      await line.aggregate(line.packs.slice(5), 5);
      await line.giveBack([others[1] as string]);
      const table = await line.close({ goodPrints: 10, finishedPacks: 10 });
      const key = (await server.get(`/api/v1/things/${encodeURIComponent(parent as string)}`)).json().key;
      expect(named(table.checks, 'AGG-MIXED')).toMatchObject([{ actual: 1, things: [key] }]);
      // One of its numbers is on a pack of another lot: that is not accounted for here.
      expect(table).toMatchObject({ unaccounted: 1, state: 'open' });
    });

    it('REJ-ESCAPED: rejected by the camera and still good, which is critical and keeps the batch open', async () => {
      const line = await run({ numbers: 6, commissioned: 6 });
      await line.aggregate(line.packs, 6);
      const counters = { goodPrints: 6, finishedPacks: 6, rejected: [line.packs[2], 'NEVERSEEN'] };
      const table = await line.close(counters);
      expect(named(table.checks, 'REJ-ESCAPED')).toMatchObject([{ actual: 1, things: [line.keyOf(line.packs[2] as string)] }]);
      expect(table.state).toBe('open');
      // An account that leaves it out makes it no better.
      const again = await line.close({ ...counters, rejected: [] });
      expect(again.state).toBe('open');
      expect(named(again.checks, 'REJ-ESCAPED')).toMatchObject([{ actual: 1, things: [line.keyOf(line.packs[2] as string)] }]);
      await capture([destroy(40_000, line.sgtin(line.packs[2] as string))]);
      expect(await line.close({ ...counters, finishedPacks: 5 })).toMatchObject({ state: 'closed', good: 5, destroyed: 1 });
      expect(await findingsOf('REJ-ESCAPED', line.keyOf(line.packs[2] as string))).toMatchObject([
        { state: 'closed' },
        { state: 'closed' },
      ]);
    });

    it('a number that is lost stays lost when a pack from elsewhere makes up the sum', async () => {
      const line = await run({ numbers: 5, commissioned: 4 });
      await capture([commission(9_400, line.sgtin('FROMELSEWHERE'), { lot: 'L1', expiry: '2028-02-29' })]);
      const table = await line.close({ goodPrints: 5, finishedPacks: 5 });
      expect(named(table.checks, 'REC-UNACCOUNTED')).toMatchObject([
        { actual: 0, ok: false, things: [line.keyOf(line.serials[4] as string)] },
      ]);
      expect(table.state).toBe('open');
    });

    it('anything critical about its packs keeps it open, until somebody has resolved it', async () => {
      const line = await run({ numbers: 4, commissioned: 3 });
      await line.giveBack([line.serials[3] as string], false);
      await capture([commission(9_500, line.sgtin(line.serials[3] as string), { lot: 'L1', expiry: '2028-02-29' })]);
      await line.aggregate(line.serials, 4);
      const counters = { goodPrints: 4, finishedPacks: 4 };
      const table = await line.close(counters);
      // It was declared invalid, and it is on a pack: counted twice, and critical by itself.
      expect(table).toMatchObject({ state: 'open', unaccounted: -1, invalid: 1 });
      expect(table.reasons.map((reason) => reason.split(':')[0])).toEqual(['REC-UNACCOUNTED', 'SN-INVALID-USED']);
    });

    it('numbers that are unaccounted for are all named, those that were never seen too', async () => {
      const line = await run({ numbers: 8, commissioned: 5 });
      await line.aggregate(line.packs, 5);
      await capture([observe(9_600, line.sgtin(line.serials[5] as string), { step: 'inspecting' })]);
      const table = await line.close({ goodPrints: 5, finishedPacks: 5 });
      expect(named(table.checks, 'REC-UNACCOUNTED')).toMatchObject([{ actual: 3, things: line.serials.slice(5).sort().map(line.keyOf) }]);
      expect(await findingsOf('REC-UNACCOUNTED', line.keyOf(line.serials[5] as string))).toMatchObject([{ state: 'open' }]);
    });
  });

  it('cases and pallets have levels of their own: their numbers are not those of the packs', async () => {
    const line = await run({ numbers: 4, commissioned: 4 });
    const pallets = (await post('/pools', { sscc: '59520123' })).json().id;
    await post(`/pools/${pallets}/grants`, { quantity: 7, requester: 'line 3', run: line.batch });
    expect(await line.now()).toMatchObject({ issued: 4, unaccounted: 0 });
  });

  it('a batch that is closed takes no more numbers', async () => {
    const line = await run({ numbers: 4, commissioned: 4 });
    await line.aggregate(line.packs, 4);
    expect((await line.close({ goodPrints: 4, finishedPacks: 4 })).state).toBe('closed');
    const answer = await post(`/pools/${line.pool}/grants`, { quantity: 1, requester: 'line 3', run: line.batch });
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'REC-STATE', at: '/run' });
  });

  it('commissioning before a line clearance that was required is flagged; one by two is recorded (domain.md §5.1, step 2)', async () => {
    const data = `09520123${String(items++).padStart(5, '0')}`;
    const gtin = data + checkDigit(data);
    const sgtin = (serial: string) => `urn:epc:id:sgtin:9520123.0${data.slice(8)}.${serial}`;
    const body = { gtin, lot: 'L1', expiry: '2028-02-29', line: 'line 3', planned: 2, clearance: { required: true } };
    const batch = (await post('/batches', body)).json().id;
    await capture([commission(0, sgtin('A'), { lot: 'L1', expiry: '2028-02-29' })]);
    expect(await findingsOf('LINE-NOCLEAR', `01/${gtin}/10/L1`)).toHaveLength(1);
    const two = (await server.get('/api/v1/keys'))
      .json()
      .keys.filter((key: { ended: string | null }) => key.ended === null)
      .map((key: { id: string }) => key.id);
    const clear = (by: unknown) => post(`/batches/${batch}/clearance`, { by });
    expect(problemOf(await clear([two[0], two[0]])).code).toBe('REQ-FORM');
    expect(problemOf(await clear([two[0], 'nobody'])).code).toBe('NOT-FOUND');
    expect((await clear(two.slice(0, 2))).json().clearance).toMatchObject({ required: true, by: two.slice(0, 2) });
    await capture([commission(1, sgtin('B'), { lot: 'L1', expiry: '2028-02-29' })]);
    expect(await findingsOf('LINE-NOCLEAR', `01/${gtin}/10/L1`)).toHaveLength(1);
  });

  it('a lot has one batch; what there is not is a 404, and no signing token a 409', async () => {
    const line = await run({ numbers: 1, commissioned: 0 });
    const again = problemOf(await post('/batches', { gtin: line.gtin, lot: 'L1', expiry: '2028-02-29', line: 'line 4', planned: 1 }));
    expect(again).toMatchObject({ status: 409, code: 'REC-STATE', at: '/lot' });
    expect(again.detail).toContain(line.batch);
    expect(problemOf(await post('/batches/none/close', { counters: {} })).code).toBe('NOT-FOUND');
    expect((await server.get('/api/v1/batches/none')).statusCode).toBe(404);
    expect(problemOf(await post(`/batches/${line.batch}/close`, { counters: {}, signatures: ['t'] })).code).toBe('SIG-MISSING');
    expect(problemOf(await post(`/batches/${line.batch}/close`, { counters: { partial: ['urn:epc:id:sscc:1'] } })).at).toBe(
      '/counters/partial/0',
    );
    const listed = (await server.get('/api/v1/batches?state=open&perPage=1', { key: server.keys.reader })).json().batches;
    expect(listed).toMatchObject([{ id: line.batch, state: 'open' }]);
  });

  it.each([
    ['a lot with a trailing space', { lot: 'L1 ' }, 'ID-CHARSET'],
    ['a lot of 21 characters', { lot: 'L'.repeat(21) }, 'ID-CHARSET'],
    ['a wrong GTIN', { gtin: '09520123000111' }, 'ID-CHECK'],
    ['an expiry that is none', { expiry: 'soon' }, 'REQ-FORM'],
    ['a day that there is not', { expiry: '2028-02-30' }, 'ID-FORM'],
    ['limits the wrong way round', { yieldLimits: [1, 0.9] }, 'REQ-FORM'],
    ['nothing planned', { planned: 0 }, 'REQ-FORM'],
  ])('a batch with %s is refused', async (_, odd, code) => {
    const body = { gtin: '09520123000110', lot: 'L1', expiry: '2028-02-29', line: 'line 3', planned: 1, ...odd };
    expect(problemOf(await post('/batches', body))).toMatchObject({ status: 400, code });
  });
});
