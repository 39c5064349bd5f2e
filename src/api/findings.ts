import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { FindingsArgs } from '../lifecycle/list-findings.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';
import { keyIn } from './things.ts';

const FINDING = Type.Object({
  id: Type.Integer(),
  code: Type.String(),
  severity: Type.String(),
  state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  things: Type.Array(Type.String()),
  events: Type.Array(Type.String()),
  due: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
  opened: Type.String({ format: 'date-time' }),
  resolution: Type.Union([Type.Null(), Type.Object({ note: Type.String(), at: Type.String(), by: Type.String() })]),
});

/** The exception list (packs-wire.md). */
export function findingRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Findings'];

    app.get(
      '/findings',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags,
          summary: 'List findings',
          description:
            'Newest first. One finding names every thing that one event offends with; a page with very many things ends before `perPage`.',
          querystring: Type.Object(
            {
              code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9-]{1,40}$', description: 'Such as SN-DUP.' })),
              state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')], { description: 'Both when not given.' })),
              thing: Type.Optional(Type.String({ description: 'A thing or lot, in any spelling.' })),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ findings: Type.Array(FINDING) })) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const page = pageOf(query);
        const before = numberCursor(page);
        const args: FindingsArgs = {
          limit: page.limit,
          ...(before !== undefined && { before }),
          ...(query.code !== undefined && { code: query.code }),
          ...(query.state !== undefined && { state: query.state }),
          ...(query.thing !== undefined && { thing: keyIn(query.thing, '?thing') }),
        };
        const { list, more } = await readers.ask('findings', args, wanted(request));
        const last = list.at(-1);
        if (more && last !== undefined) linkNext(reply, '/api/v1/findings', query, String(last.id));
        return { findings: list };
      },
    );

    app.patch(
      '/findings/:id',
      {
        config: { roles: rolesWith('resolve') },
        schema: {
          tags,
          summary: 'Resolve a finding, or open it again',
          description: 'The resolution is an entry of the journal and survives a rebuild.',
          params: Type.Object({
            id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'From GET /api/v1/findings.' }),
          }),
          body: Type.Object(
            {
              state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
              note: Type.String({ maxLength: 2_000, default: '', description: 'Why; no personal data.' }),
            },
            { additionalProperties: false, example: { state: 'closed', note: 'Label reprinted, both packs destroyed.' } },
          ),
          response: { 200: Type.Unsafe<unknown>(FINDING) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const unknown = () =>
          new LotlineError('NOT-FOUND', 'there is no such finding', { at: '{id}', fix: 'Take an id from GET /api/v1/findings.' });
        const place = await readers.look('findingPlace', { id });
        if (place === null) throw unknown();
        const { done } = await capture.record({ kind: 'resolve-finding', ...place, ...request.body }, principalOf(request).id);
        const { list } = await readers.ask('findings', { id, limit: 1 });
        const [finding] = list;
        if (!done || finding === undefined) throw unknown();
        return finding;
      },
    );
  };
}
