import { Readable } from 'node:stream';
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox';
import { rolesWith } from '../access/index.ts';
import type { PackCursor, PackRow } from '../genealogy/index.ts';
import type { Readers } from '../query/readers.ts';
import { csvHeader, csvLine } from './csv.ts';
import type { ApiDeps } from './deps.ts';
import { accepted } from './negotiate.ts';
import { AS_OF, found, keyIn } from './things.ts';

const QUESTION = Type.Object(
  { of: Type.String({ description: 'A raw lot, lot or thing, in any spelling.', example: '01/09520123000110/10/L1' }), ...AS_OF },
  { additionalProperties: false },
);
const GRAPH = Type.Unsafe<unknown>({
  type: 'object',
  description:
    '{of, direction, nodes:[{key, kind, label, quantity?, uom?, packs?, depth}], edges:[{from, to, event, role, quantity?, uom?}], boundaries, complete}',
});

/** Rows of the first page of a stream, so that it starts at once, and of those that follow. */
const FIRST_ROWS = 200;
const MORE_ROWS = 2_000;
const CSV_COLUMNS = [
  'key',
  'epc',
  'lot',
  'expiry',
  'status',
  'disposition',
  'holder',
  'location',
  'observed',
  'parent',
] as const satisfies readonly (keyof PackRow)[];

/** What became what: the questions that walk (design.md §7). */
export function genealogyRoutes({ readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { roles: rolesWith('read') };
    const tags = ['Genealogy'];

    app.get(
      '/genealogy/where-from',
      { config, schema: { tags, summary: 'What a thing came from', querystring: QUESTION, response: { 200: GRAPH } } },
      async ({ query }) => {
        const of = keyIn(query.of, '?of');
        return found(await readers.ask('whereFrom', { ...query, of }), of);
      },
    );

    app.get(
      '/genealogy/where-used',
      { config, schema: { tags, summary: 'What a thing became', querystring: QUESTION, response: { 200: GRAPH } } },
      async ({ query }) => {
        const of = keyIn(query.of, '?of');
        return found(await readers.ask('whereUsed', { ...query, of }), of);
      },
    );

    app.get(
      '/genealogy/scope',
      {
        config,
        schema: {
          tags,
          summary: 'Every pack that a lot or thing became, counted',
          description: 'Finished lots; packs by status, holder and location, each observed or inferred.',
          querystring: QUESTION,
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description: '{of, asOf, complete, boundaries, lots, packs:{total, observed, inferred, byStatus, byHolder, byLocation}}',
            }),
          },
        },
      },
      async ({ query }) => {
        const of = keyIn(query.of, '?of');
        return found(await readers.ask('scope', { ...query, of }), of);
      },
    );

    app.get(
      '/genealogy/scope/packs',
      {
        config,
        exposeHeadRoute: false, // counting the bytes would mean to walk them all
        schema: {
          tags,
          summary: 'Every pack that a lot or thing became, one by one',
          description:
            'A stream: NDJSON, or CSV with `Accept: text/csv`. A stream that is cut off ended early: the last chunk of a whole one closes it.',
          querystring: QUESTION,
          produces: ['application/x-ndjson', 'text/csv'],
          response: { 200: Type.Unsafe<unknown>({ type: 'string', description: CSV_COLUMNS.join(', ') }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const of = keyIn(query.of, '?of');
        const type = accepted(request, ['application/x-ndjson', 'application/ndjson', 'application/json', 'text/csv']);
        const csv = type === 'text/csv';
        // The first page is read before the answer begins: an unknown thing is still a 404.
        const first = found(await readers.ask('packsPage', { ...query, of, after: null, limit: FIRST_ROWS }), of);
        const stream = Readable.from(packLines(readers, { ...query, of }, first, csv), { objectMode: true, highWaterMark: 1 });
        return await reply.type(csv ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson').send(stream);
      },
    );
  };
}

/** Page after page as text; the next page is asked for when the one before has been taken. */
async function* packLines(
  readers: Readers,
  question: { of: string; at?: string; known?: string },
  first: { rows: PackRow[]; next: PackCursor | null },
  csv: boolean,
): AsyncGenerator<string> {
  if (csv) yield csvHeader(CSV_COLUMNS);
  for (let page: typeof first | null = first; page !== null; ) {
    if (page.rows.length > 0)
      yield page.rows.map(csv ? (row) => csvLine(CSV_COLUMNS.map((column) => row[column])) : (row) => `${JSON.stringify(row)}\n`).join('');
    page = page.next === null ? null : await readers.ask('packsPage', { ...question, after: page.next, limit: MORE_ROWS });
  }
}
