import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { PACK_COLUMNS, type PackLines } from '../query/pack-lines.ts';
import type { Readers, Wanted } from '../query/readers.ts';
import type { ApiDeps } from './deps.ts';
import { sendJson, wanted } from './limits.ts';
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
/** What became what: the questions that walk (design.md §7). */
export function genealogyRoutes({ readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { roles: rolesWith('read') };
    const tags = ['Genealogy'];

    app.get(
      '/genealogy/where-from',
      { config, schema: { tags, summary: 'What a thing came from', querystring: QUESTION, response: { 200: GRAPH } } },
      async (request, reply) => {
        const { query } = request;
        const of = keyIn(query.of, '?of');
        return sendJson(reply, found(await readers.askJson('whereFrom', { ...query, of }, wanted(request)), of));
      },
    );

    app.get(
      '/genealogy/where-used',
      { config, schema: { tags, summary: 'What a thing became', querystring: QUESTION, response: { 200: GRAPH } } },
      async (request, reply) => {
        const { query } = request;
        const of = keyIn(query.of, '?of');
        return sendJson(reply, found(await readers.askJson('whereUsed', { ...query, of }, wanted(request)), of));
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
      async (request, reply) => {
        const { query } = request;
        const of = keyIn(query.of, '?of');
        return sendJson(reply, found(await readers.askJson('scope', { ...query, of }, wanted(request)), of));
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
          response: { 200: Type.Unsafe<unknown>({ type: 'string', description: PACK_COLUMNS.join(', ') }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const of = keyIn(query.of, '?of');
        const type = accepted(request, ['application/x-ndjson', 'application/ndjson', 'application/json', 'text/csv']);
        const form = type === 'text/csv' ? 'csv' : 'ndjson';
        const question = { ...query, of, form } as const;
        // The first page is read before the answer begins: an unknown thing is still a 404.
        const first = found(await readers.ask('packLines', { ...question, after: null, limit: FIRST_ROWS }, wanted(request)), of);
        const stream = Readable.from(pages(readers, question, first, wanted(request)), { objectMode: true, highWaterMark: 1 });
        return await reply.type(form === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson').send(stream);
      },
    );
  };
}

/** Page after page as text; the next page is asked for when the one before has been taken. */
async function* pages(
  readers: Readers,
  question: { of: string; form: 'ndjson' | 'csv'; at?: string; known?: string },
  first: PackLines,
  asked: Wanted,
): AsyncGenerator<Uint8Array> {
  for (let page: PackLines | null = first; page !== null; ) {
    if (page.text.length > 0) yield page.text;
    page = page.next === null ? null : await readers.ask('packLines', { ...question, after: page.next, limit: MORE_ROWS }, asked);
  }
}
