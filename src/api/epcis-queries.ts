import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { allows, ROLE_NAMES, rolesWith } from '../access/index.ts';
import { parseQueryBody, parseUrlQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import type { NamedQuery } from '../query/named-queries.ts';
import type { Readers } from '../query/readers.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { eventAnswers, searchOf } from './epcis-events.ts';
import { answerOptions, JSON_TYPES } from './epcis-headers.ts';
import { socketUpgrades } from './epcis-sockets.ts';
import { API_LIMITS } from './limits.ts';
import { accepted } from './negotiate.ts';
import { linkNext, PAGE_PARAMETERS, pageOf } from './paging.ts';

/** Names that the standard gives itself. */
const RESERVED = new Set(['SimpleEventQuery', 'SimpleMasterDataQuery']);

/** Without control characters, and without halves of a surrogate pair, which no URL can hold. */
export const QUERY_NAME = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$' });
const NAMED_QUERY = Type.Object({ name: Type.String(), query: Type.Unknown() });

export const QUERY_PARAMS = Type.Object({ queryName: Type.String({ description: 'The name of a query, percent-encoded.' }) });
type OfQuery = FastifyRequest<{ Params: { queryName: string } }>;

/** Named queries (epcis-2.0.md §7.1, R-8): views on all events, past and future, kept until they are deleted. */
export function queryRoutes(deps: Pick<ApiDeps, 'settings' | 'capture' | 'readers' | 'sockets' | 'limits'>): FastifyPluginAsyncTypebox {
  const { capture, readers } = deps;
  const events = eventAnswers(deps);

  return async (app) => {
    readSmallJson(app);
    const sockets = socketUpgrades(app, deps);
    const config = { roles: rolesWith('read') };
    const tags = ['EPCIS 2.0'];
    for (const [path, allow] of [
      ['/queries', 'OPTIONS, GET, POST'],
      ['/queries/:queryName', 'OPTIONS, GET, DELETE'],
      ['/queries/:queryName/events', 'OPTIONS, GET'],
    ] as const)
      app.options(path, { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) => answerOptions(reply, allow));

    app.get(
      '/queries',
      {
        config,
        schema: {
          tags,
          summary: 'List named queries',
          description: 'In the order of their names.',
          querystring: Type.Object(PAGE_PARAMETERS, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(Type.Array(NAMED_QUERY)) },
        },
      },
      async (request, reply) => {
        const type = accepted(request, JSON_TYPES);
        const { limit, cursor } = pageOf(request.query);
        const found = await readers.look('namedQueries', { limit: limit + 1, ...(cursor !== null && { after: cursor }) });
        const page = found.slice(0, limit);
        if (found.length > limit) linkNext(reply, '/epcis/queries', request.query, page.at(-1)?.name as string);
        return await reply.type(type).send(page.map(({ name, query }) => ({ name, query })));
      },
    );

    app.post(
      '/queries',
      {
        config,
        schema: {
          tags,
          summary: 'Name a query',
          description: 'A view on all events, past and future, kept until it is deleted. `Location` is the query.',
          body: Type.Object(
            {
              name: QUERY_NAME,
              query: Type.Unsafe<unknown>({
                type: 'object',
                additionalProperties: true,
                description: 'The parameters of SimpleEventQuery: lists as arrays, times as texts, numbers as numbers.',
              }),
            },
            { additionalProperties: false, example: { name: 'shipped', query: { EQ_bizStep: ['shipping'], eventType: ['ObjectEvent'] } } },
          ),
          response: { 201: Type.Unsafe<unknown>({ type: 'null', description: 'Kept. `Location` is the query.' }) },
        },
      },
      async (request, reply) => {
        const { name, query } = request.body;
        checkQuery(query);
        const { namedQueries: max } = { ...API_LIMITS, ...deps.limits };
        if ((await readers.look('keptCounts', {})).queries >= max)
          throw new LotlineError('QRY-LIMIT', `${max} named queries are kept, and there is room for no more`, { fix: 'Delete one first.' });
        const put = { kind: 'put-query', name, query: JSON.stringify(query) } as const;
        const { done } = RESERVED.has(name) ? { done: false } : await capture.record(put, principalOf(request).id);
        if (!done)
          throw new LotlineError('QRY-NAME-TAKEN', `there is a query with the name ${JSON.stringify(name)}`, {
            at: '/name',
            fix: 'Take another name, or delete that query first.',
          });
        return await reply.code(201).header('location', pathOf(name)).send();
      },
    );

    app.get(
      '/queries/:queryName',
      {
        config,
        schema: { tags, summary: 'A named query', params: QUERY_PARAMS, response: { 200: Type.Unsafe<unknown>(NAMED_QUERY) } },
      },
      async (request: OfQuery, reply) => {
        const type = accepted(request, JSON_TYPES);
        const { name, query } = await queryOf(readers, request.params.queryName);
        return await reply.type(type).send({ name, query });
      },
    );

    app.delete(
      '/queries/:queryName',
      {
        config,
        schema: {
          tags,
          summary: 'Delete a named query',
          description: 'Ends its subscriptions. Only the key that made it, or an admin.',
          params: QUERY_PARAMS,
          response: { 204: Type.Unsafe<unknown>({ type: 'null', description: 'Deleted.' }) },
        },
      },
      async (request: OfQuery, reply) => {
        const { name, actor } = await queryOf(readers, request.params.queryName);
        mustOwn(request, actor);
        const { done } = await capture.record({ kind: 'remove-query', name }, principalOf(request).id);
        if (!done) throw noSuchQuery(name);
        return await reply.code(204).send();
      },
    );

    app.get(
      '/queries/:queryName/events',
      {
        config,
        schema: {
          tags,
          summary: 'Events of a named query',
          description:
            'As GET /events; the URL adds nothing but paging. With an upgrade to WebSocket it subscribes: `stream=true`, or the fields of a schedule, and `initialRecordTime`, `reportIfEmpty` (docs/subscriptions.md).',
          params: QUERY_PARAMS,
        },
      },
      async (request: OfQuery, reply) => {
        const named = await queryOf(readers, request.params.queryName);
        if (sockets.isUpgrade(request)) return await sockets.subscribe(request, reply, named);
        const { name, query } = named;
        const search = searchOf(request);
        const other = [...search.keys()].find((parameter) => parameter !== 'perPage' && parameter !== 'nextPageToken');
        if (other !== undefined)
          throw new LotlineError('QRY-PARAM', `the parameter ${JSON.stringify(other)} cannot be added to a named query`, {
            at: `?${other}`,
            fix: 'Leave it out, or ask GET /epcis/events.',
          });
        return await events.page(request, reply, parseQueryBody(query), parseUrlQuery(search).page, name);
      },
    );
  };
}

export const pathOf = (name: string): string => `/epcis/queries/${encodeURIComponent(name)}`;

/** The query of this name; QRY-NAME when there is none. */
export async function queryOf(readers: Readers, name: string): Promise<NamedQuery> {
  const [query] = await readers.look('namedQueries', { name, limit: 1 });
  if (query === undefined) throw noSuchQuery(name);
  return query;
}

export function noSuchQuery(name: string): LotlineError {
  return new LotlineError('QRY-NAME', `there is no query with the name ${JSON.stringify(name.slice(0, 200))}`, {
    at: '{queryName}',
    fix: 'Take a name from GET /epcis/queries, percent-encoded.',
  });
}

/** What somebody has had kept is deleted by the same key, or by an admin. */
export function mustOwn(request: FastifyRequest, actor: string): void {
  const { id, roles } = principalOf(request);
  if (id === actor || allows(roles, 'administer')) return;
  throw new LotlineError('ACC-SCOPE', 'it was made with another key', {
    at: 'Authorization',
    fix: 'Use that key, or one with the role admin.',
  });
}

/** §8: what is wrong with a query to be named is a fault of the body that holds it. */
function checkQuery(query: unknown): void {
  try {
    parseQueryBody(query, { pointer: '/query' });
  } catch (error) {
    if (!(error instanceof LotlineError) || error.code !== 'QRY-PARAM') throw error;
    throw new LotlineError('QRY-BODY', error.message, { at: error.at, fix: error.fix, cause: error });
  }
}
