import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ROLE_NAMES } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { captureRoutes } from './epcis-capture.ts';
import { eventRoutes } from './epcis-events.ts';
import { answerOptions, checkVersionHeaders } from './epcis-headers.ts';
import { queryRoutes } from './epcis-queries.ts';
import { resourceRoutes } from './epcis-resources.ts';
import { subscriptionRoutes } from './epcis-subscriptions.ts';
import { problem } from './openapi.ts';

const CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
/** The nine top-level resources (R-1, epcis-2.0.md §7.1). */
const RESOURCES = ['events', 'eventTypes', 'epcs', 'bizSteps', 'bizLocations', 'readPoints', 'dispositions', 'capture', 'queries'];

/** The standard's REST interface. */
export function epcisRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook('onRequest', checkVersionHeaders);
    app.options('/', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) => answerOptions(reply, 'OPTIONS, GET'));
    app.get(
      '/',
      {
        config: { roles: ROLE_NAMES },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'The top-level resources',
          description: 'A Collection of the nine resources of the EPCIS 2.0 REST interface.',
          response: {
            200: Type.Unsafe<unknown>(
              Type.Object({ '@context': Type.String(), type: Type.Literal('Collection'), member: Type.Array(Type.String()) }),
            ),
          },
        },
      },
      async () => ({ '@context': CONTEXT, type: 'Collection', member: RESOURCES }),
    );
    app.options('/nextPageToken/:token', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, DELETE'),
    );
    app.delete(
      '/nextPageToken/:token',
      {
        config: { roles: ROLE_NAMES },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'Give a page token back',
          description:
            'Not supported, and not needed: a token holds all that it means, and nothing is kept here for it. It ends by itself.',
          params: Type.Object({ token: Type.String({ description: 'The nextPageToken of a Link header.' }) }),
          response: { 501: Type.Unsafe<unknown>(problem('Always.')) },
        },
      },
      () => {
        throw new LotlineError('NOT-SUPPORTED', 'page tokens are not given back', { fix: 'Let it expire: nothing is kept for it.' });
      },
    );
    await app.register(captureRoutes(deps));
    await app.register(eventRoutes(deps));
    await app.register(resourceRoutes(deps));
    await app.register(queryRoutes(deps));
    await app.register(subscriptionRoutes(deps));
  };
}
