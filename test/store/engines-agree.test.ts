import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TakenDocument } from '../../src/capture/capturer.ts';
import { e01, world } from '../../src/worlds/index.ts';
import { commission, documentOf, type Json, observe, observeLot, packOf, quantityOf, START } from '../support/events.ts';
import { anyArrival, arrive, story, themes } from '../support/stories.ts';
import { takenDocuments } from '../support/worlds.ts';
import { capturerOn, everyRow, type Opened, openPostgres, openSqlite } from './engines.ts';

/** LOTLINE_LONG=1 looks harder. */
const LONG = process.env['LOTLINE_LONG'] === '1';

let embedded: Opened;
let server: Opened;
beforeAll(async () => {
  embedded = await openSqlite();
  server = await openPostgres();
});
afterAll(async () => {
  await embedded.close();
  await server.close();
});

/** Captures the same groups of documents into both engines. */
async function both(groups: readonly (readonly TakenDocument[])[]): Promise<void> {
  const [here, there] = [await capturerOn(await embedded.emptied()), await capturerOn(await server.emptied())];
  for (const group of groups) expect(await there.capture(group)).toEqual(await here.capture(group));
  expect(await everyRow(server)).toEqual(await everyRow(embedded));
}

function* firstOf<T>(all: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const one of all) {
    if (++count > most) return;
    yield one;
  }
}

describe('both engines', () => {
  it('hold the same rows under the same ids after the world of E-01', async () => {
    const documents = takenDocuments(e01());
    await both([documents.slice(0, 3), documents.slice(3, 4), documents.slice(4)]);
  }, 60_000);

  it('hold the same rows after a seeded world with its defects, document by document and in groups', async () => {
    const documents = takenDocuments(firstOf(world({ seed: 11, size: 'S' }).documents, LONG ? Number.POSITIVE_INFINITY : 30));
    const groups: TakenDocument[][] = [];
    for (let from = 0, size = 1; from < documents.length; from += size, size = (size % 7) + 1)
      groups.push(documents.slice(from, from + size));
    await both(groups);
  }, 600_000);

  it('keep the longest names that are taken, of letters that no index can shorten', async () => {
    const random = (bytes: number, seed: string) => {
      let text = '';
      for (let i = 0; text.length < bytes; i++) text += createHash('sha256').update(`${seed}${i}`).digest('base64url');
      return text.slice(0, bytes);
    };
    const uri = (bytes: number, seed: string) => `urn:x:${random(bytes - 6, seed)}`;
    const events = [
      observe(1, uri(2_048, 'thing')),
      commission(2, [packOf(1)], { lot: random(2_048, 'lot') }),
      observeLot(3, [quantityOf(uri(2_048, 'class'), 1)], {}, { readPoint: { id: uri(2_048, 'place') } }),
    ];
    const element = { id: uri(2_048, 'element'), attributes: [] };
    const header = { epcisMasterData: { vocabularyList: [{ type: uri(512, 'type'), vocabularyElementList: [element] }] } };
    const document = documentOf(events, { epcisHeader: header });
    await both([
      [
        {
          id: 1,
          captureID: 'c',
          actor: 'k',
          behaviour: 'rollback',
          kind: 'document',
          created: START,
          body: Buffer.from(JSON.stringify(document)),
        },
      ],
    ]);
    expect(await server.rows('SELECT success, stored FROM capture_job')).toEqual([{ success: 1, stored: 3 }]);
    expect(await server.rows('SELECT octet_length(type) + octet_length(id) AS bytes FROM masterdata')).toEqual([{ bytes: 2_560 }]);
  });

  it.each(themes)(
    'hold the same rows after stories of %s, however these arrive',
    async (theme) => {
      await fc.assert(
        fc.asyncProperty(story({ theme }), anyArrival, async ({ events, declarations }, arrival) => {
          let id = 1;
          const taken = (json: readonly Json[]): TakenDocument => ({
            id: id++,
            captureID: `capture-${id}`,
            actor: 'tester',
            behaviour: 'proceed',
            kind: 'document',
            created: START,
            body: Buffer.from(JSON.stringify(documentOf(json))),
          });
          await both(arrive([...events, ...declarations], arrival).map((group) => group.map(taken)));
        }),
        { numRuns: LONG ? 200 : 8 },
      );
    },
    600_000,
  );
});
