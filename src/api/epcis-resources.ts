import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ROLE_NAMES, rolesWith } from '../access/index.ts';
import { expandCurie } from '../epcis/index.ts';
import { parseUrlQuery } from '../epcis/query/index.ts';
import { LotlineError } from '../errors.ts';
import { RESOURCES, type Resource } from '../query/resources.ts';
import type { ApiDeps } from './deps.ts';
import { eventAnswers, extensionsOf, searchOf, styleOf } from './epcis-events.ts';
import { answerOptions, JSON_TYPES } from './epcis-headers.ts';
import { wanted } from './limits.ts';
import { accepted } from './negotiate.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';

/** What a path fixes, and what its resource is called. */
const FIXED: Readonly<Record<Resource, { readonly parameter: string; readonly what: string }>> = {
  eventTypes: { parameter: 'eventType', what: 'event type' },
  epcs: { parameter: 'MATCH_anyEPC', what: 'EPC' },
  bizSteps: { parameter: 'EQ_bizStep', what: 'business step' },
  bizLocations: { parameter: 'EQ_bizLocation', what: 'business location' },
  readPoints: { parameter: 'EQ_readPoint', what: 'read point' },
  dispositions: { parameter: 'EQ_disposition', what: 'disposition' },
};

const COLLECTION = Type.Object({ '@context': Type.Unknown(), type: Type.Literal('Collection'), member: Type.Array(Type.String()) });
const CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';

type OfValue = FastifyRequest<{ Params: { value: string } }>;

/** The resources beneath which events are found by one of their values (epcis-2.0.md §7.1, R-1 to R-5). */
export function resourceRoutes(deps: Pick<ApiDeps, 'settings' | 'readers'>): FastifyPluginAsyncTypebox {
  const { settings, readers } = deps;
  const events = eventAnswers(deps);

  return async (app) => {
    for (const resource of RESOURCES) {
      const { parameter, what } = FIXED[resource];
      const common = { config: { roles: rolesWith('read') }, schema: { tags: ['EPCIS 2.0'] } };
      const value = Type.Object({ value: Type.String({ description: `The ${what} in any of its spellings, percent-encoded.` }) });
      for (const path of [`/${resource}`, `/${resource}/:value`, `/${resource}/:value/events`])
        app.options(path, { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
          answerOptions(reply, 'OPTIONS, GET'),
        );

      app.get(
        `/${resource}`,
        {
          ...common,
          schema: {
            ...common.schema,
            summary: `List every ${what}`,
            description:
              'A Collection, each member once. `GS1-EPC-Format` says in which form identifiers come; members in a namespace that `GS1-Extensions` declares come with its prefix.',
            querystring: Type.Object(PAGE_PARAMETERS, { additionalProperties: false }),
            response: { 200: Type.Unsafe<unknown>(COLLECTION) },
          },
        },
        async (request, reply) => {
          const page = pageOf(request.query);
          const { format } = styleOf(request, settings.epcFormat);
          const args = { resource, after: numberCursor(page) ?? 0, limit: page.limit, format };
          const { members, next } = await readers.ask('resourceMembers', args, wanted(request));
          if (next !== null) linkNext(reply, `/epcis/${resource}`, request.query, String(next));
          return await sendCollection(request, reply, members);
        },
      );

      app.get(
        `/${resource}/:value`,
        {
          ...common,
          schema: {
            ...common.schema,
            summary: `What there is of one ${what}`,
            params: value,
            response: { 200: Type.Unsafe<unknown>(COLLECTION) },
          },
        },
        async (request: OfValue, reply) => {
          await mustBeThere(request, resource);
          return await sendCollection(request, reply, ['events']);
        },
      );

      app.get(
        `/${resource}/:value/events`,
        {
          ...common,
          schema: {
            ...common.schema,
            summary: `Events of one ${what}`,
            description: `As GET /events, with every query parameter but ${parameter}, which the path gives.`,
            params: value,
          },
        },
        async (request: OfValue, reply) => {
          const search = searchOf(request);
          if (search.has(parameter))
            throw new LotlineError('QRY-PARAM', `the query parameter ${parameter} is given by the path`, {
              at: `?${parameter}`,
              fix: 'Leave it out.',
            });
          await mustBeThere(request, resource);
          search.set(parameter, request.params.value);
          const { query, page } = parseUrlQuery(search, { prefixes: extensionsOf(request) });
          return await events.page(request, reply, query, page);
        },
      );
    }
  };

  async function mustBeThere(request: OfValue, resource: Resource): Promise<void> {
    const value = expandCurie(request.params.value, extensionsOf(request));
    // In a query it would be two values; no identifier holds it unescaped.
    const there = !value.includes('|') && (await readers.ask('hasMember', { resource, value }, wanted(request)));
    if (!there)
      throw new LotlineError('NOT-FOUND', `no event here has the ${FIXED[resource].what} ${JSON.stringify(value.slice(0, 200))}`, {
        fix: `Take one from GET /epcis/${resource}, percent-encoded.`,
      });
  }
}

/** R-1; prefixes that the client has declared stand for their namespaces where a member begins with one (§7.3, GS1-Extensions). */
async function sendCollection(request: FastifyRequest, reply: FastifyReply, members: readonly string[]): Promise<FastifyReply> {
  const type = accepted(request, JSON_TYPES);
  const used = new Map<string, string>();
  const declared = [...extensionsOf(request)].filter(([, namespace]) => namespace !== '' && !namespace.startsWith('https://ref.gs1.org/'));
  const member = members.map((one) => {
    const found = declared.find(([, namespace]) => one.startsWith(namespace) && /^[A-Za-z_][\w.-]*$/.test(one.slice(namespace.length)));
    if (found === undefined) return one;
    const [prefix, namespace] = found;
    used.set(prefix, namespace);
    return `${prefix}:${one.slice(namespace.length)}`;
  });
  const context = used.size === 0 ? CONTEXT : [CONTEXT, Object.fromEntries(used)];
  return await reply.type(type).send(JSON.stringify({ '@context': context, type: 'Collection', member }));
}
