import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TakenDocument } from '../../src/capture/capturer.ts';
import { e01 } from '../../src/worlds/index.ts';
import { documentOf, type Json, START } from '../support/events.ts';
import { anyArrival, arrive, story } from '../support/stories.ts';
import { takenDocuments } from '../support/worlds.ts';
import { capturerOn, everyRow, type Opened, openPostgres, openSqlite } from './engines.ts';

const script = readFileSync(join(import.meta.dirname, '../../docs/partitions.sql'), 'utf8');
// A few hundred rows shall lie in several partitions, too.
const narrow = script.replaceAll(/'\d{8,9}'/g, "'500'");

let embedded: Opened;
let partitioned: Opened;
beforeAll(async () => {
  embedded = await openSqlite();
  partitioned = await openPostgres(narrow);
});
afterAll(async () => {
  await embedded.close();
  await partitioned.close();
});

it('docs/partitions.sql makes a store that holds the same rows, spread over its partitions', async () => {
  const documents = takenDocuments(e01());
  for (const store of [embedded, partitioned]) {
    const capturer = await capturerOn(store.journal);
    await capturer.capture(documents.slice(0, 10));
    await capturer.capture(documents.slice(10));
  }
  expect(await everyRow(partitioned)).toEqual(await everyRow(embedded));
  const used = async (table: string) => (await partitioned.rows(`SELECT DISTINCT tableoid FROM ${table}`)).length;
  expect(await used('item')).toBeGreaterThan(4);
  expect(await used('item_name')).toBe(16);
  expect(await used('event_item')).toBeGreaterThan(4);
});

it('docs/partitions.sql makes a store in which late events and corrections come to the same, too', async () => {
  await fc.assert(
    fc.asyncProperty(story({ theme: 'everything', min: 10 }), anyArrival, async ({ events, declarations }, arrival) => {
      const groups = arrive([...events, ...declarations], arrival);
      for (const store of [embedded, partitioned]) {
        const capturer = await capturerOn(await store.emptied());
        let id = 1;
        for (const group of groups) await capturer.capture(group.map((json) => takenOf(json, id++)));
      }
      expect(await everyRow(partitioned)).toEqual(await everyRow(embedded));
    }),
    { numRuns: 8 },
  );
}, 300_000);

const takenOf = (events: readonly Json[], id: number): TakenDocument => ({
  id,
  captureID: `capture-${id}`,
  actor: 'tester',
  behaviour: 'proceed',
  kind: 'document',
  created: START,
  body: Buffer.from(JSON.stringify(documentOf(events))),
});

it('docs/partitions.sql keeps every index and column that the plain tables have, but uniqueness that a partitioned table cannot promise', async () => {
  const plain = await openPostgres();
  type Index = { tablename: string; def: string };
  const shape = async (store: Opened) => ({
    columns: await store.rows(
      `SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
       WHERE table_schema = 'lotline' AND table_name NOT SIMILAR TO '%_(\\d+|rest)' ORDER BY 1, 2`,
    ),
    indexes: (
      await store.rows(
        `SELECT tablename, regexp_replace(regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX \\S+ ON (ONLY )?', ''), ' WITH .*', '') AS def FROM pg_indexes
         WHERE schemaname = 'lotline' AND tablename NOT SIMILAR TO '%_(\\d+|rest)' ORDER BY 1, 2`,
      )
    ).map((row) => `${(row as Index).tablename} ${(row as Index).def}`),
  });
  expect(await shape(partitioned)).toEqual(await shape(plain));
  await plain.close();
});
