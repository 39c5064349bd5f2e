import { type SQL, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commission, documentOf, packs } from '../../test/support/events.ts';
import { questionsOf } from '../../test/support/questions.ts';
import { rebuilt } from '../../test/support/rebuilt.ts';
import { type AnyTestStore, ENGINES, memoryStore, storeOf } from '../../test/support/test-store.ts';
import { carryOut } from '../capture/commands.ts';
import type { Command } from '../capture/service.ts';
import type { Db } from '../store/db.ts';
import { linksOf, resolved } from './questions.ts';

const PRODUCT = '01/09520123000110';
const put = (thing: string, href: string): Command => ({
  kind: 'put-links',
  thing,
  links: [{ linkType: 'https://gs1.org/voc/pip', href, title: 'a', hreflang: [], type: null }],
  default: null,
});

describe.each(ENGINES)('following a link to one serial of very many on %s', (engine) => {
  let store: AnyTestStore;
  beforeAll(async () => {
    store = await storeOf(engine);
    await store.capture(documentOf([commission(0, packs(1, 2_000), { lot: 'L1' }), commission(1, packs(2_001, 2_010), { lot: 'L2' })]));
    for (const thing of [PRODUCT, `${PRODUCT}/10/L1`]) await carryOut(store.capturer, put(thing, `https://example.com/${thing}`), 'k_1');
  });
  afterAll(() => store.close());

  it('goes by an index in every statement, and by a handful of them, however many serials there are', async () => {
    const db = questionsOf(store);
    const scans: string[] = [];
    let statements = 0;
    const watched: Db = {
      snapshot: (work) => db.snapshot(work),
      all: async <Row>(query: SQL) => {
        statements++;
        const plan = await db.all<Record<string, string>>(engine === 'sqlite' ? sql`EXPLAIN QUERY PLAN ${query}` : sql`EXPLAIN ${query}`);
        const lines = plan.map((row) => row['detail'] ?? row['QUERY PLAN'] ?? '');
        // `j` is the list of keys that was asked for.
        scans.push(
          ...lines.filter((line) => (engine === 'sqlite' ? /^SCAN (?!j\b|json_each|value\b|\(?subquery)/ : /Seq Scan on/).test(line)),
        );
        return await db.all<Row>(query);
      },
    };
    const levels = (serial: string) => [`${PRODUCT}/21/${serial}`, PRODUCT];
    const found = await resolved(watched, { levels: levels('P1777') });
    expect(found).toMatchObject({ known: `${PRODUCT}/21/P1777`, levels: [{ thing: `${PRODUCT}/10/L1` }, { thing: PRODUCT }] });
    expect((await resolved(watched, { levels: levels('P2005') })).levels.map(({ thing }) => thing)).toEqual([PRODUCT]);
    expect((await resolved(watched, { levels: levels('NONE') })).known).toBe(PRODUCT);
    expect(scans).toEqual([]);
    expect(statements).toBeLessThan(24);
  });
});

it('links come out of a rebuild as they were, those that were replaced or removed too', async () => {
  const store = await memoryStore();
  await store.capture(documentOf([commission(0, packs(1, 2))]));
  for (const command of [
    put(PRODUCT, 'https://example.com/1'),
    put(PRODUCT, 'https://example.com/2'),
    put(`${PRODUCT}/21/P1`, 'https://example.com/3'),
    { kind: 'remove-links', thing: `${PRODUCT}/21/P1` } as const,
  ])
    expect(await carryOut(store.capturer, command, 'k_1')).toBe(true);
  expect(await carryOut(store.capturer, { kind: 'remove-links', thing: 'none' }, 'k_1')).toBe(false);
  expect(await linksOf(questionsOf(store), { of: PRODUCT })).toMatchObject({ links: [{ href: 'https://example.com/2' }] });
  const { tables, ...report } = await rebuilt(store.db);
  expect(report).toMatchObject({ equal: true });
  expect(tables.find(({ table }) => table === 'link')).toMatchObject({ rows: 1, differing: 0 });
  await store.close();
});
