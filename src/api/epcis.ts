import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { ROLE_NAMES } from '../access/index.ts';
import type { ApiDeps } from './deps.ts';
import { captureRoutes } from './epcis-capture.ts';
import { eventRoutes } from './epcis-events.ts';
import { answerOptions, checkVersionHeaders } from './epcis-headers.ts';
import { queryRoutes } from './epcis-queries.ts';
import { resourceRoutes } from './epcis-resources.ts';
import { subscriptionRoutes } from './epcis-subscriptions.ts';

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
        },
      },
      async () => ({ '@context': CONTEXT, type: 'Collection', member: RESOURCES }),
    );
    await app.register(captureRoutes(deps));
    await app.register(eventRoutes(deps));
    await app.register(resourceRoutes(deps));
    await app.register(queryRoutes(deps));
    await app.register(subscriptionRoutes(deps));
  };
}
