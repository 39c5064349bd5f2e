import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import type { ApiDeps } from '../deps.ts';
import { wanted } from '../limits.ts';
import { found } from '../things.ts';
import { thingKey } from './acts.ts';
import { audited, READ_HEADERS } from './audited.ts';

/** Purposes for which the source of cells is named, by pseudonym. */
const ENTITLED: ReadonlySet<string> = new Set(['treatment', 'traceability']);

/** Containers for systems that speak FHIR R5 (domain.md §12.1). Export only. */
export function fhirRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/identity/fhir/:thing',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags: ['Chain of identity'],
          headers: READ_HEADERS,
          summary: 'A container as FHIR R5',
          description:
            'BiologicallyDerivedProduct; with `bundle` also what was done to give it. `collection.sourcePatient` only for the purposes treatment and traceability. Needs X-Purpose.',
          params: Type.Object({ thing: Type.String({ maxLength: 2_000, description: 'A container, in any spelling, percent-encoded.' }) }),
          querystring: Type.Object(
            { bundle: Type.Optional(Type.Boolean({ description: 'A Bundle with BiologicallyDerivedProductDispense.' })) },
            { additionalProperties: false },
          ),
          produces: ['application/fhir+json'],
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: 'A FHIR resource.' }) },
        },
      },
      async (request, reply) => {
        const key = thingKey(request.params.thing, '{thing}');
        const purpose = await audited(deps, request);
        const args = { key, bundle: request.query.bundle === true, entitled: ENTITLED.has(purpose), now: Date.now() };
        const { resource, chains } = found(await deps.readers.ask('fhirOf', args, wanted(request)), key);
        await audited(deps, request, { chains });
        return await reply.type('application/fhir+json; charset=utf-8').send(resource);
      },
    );
  };
}
