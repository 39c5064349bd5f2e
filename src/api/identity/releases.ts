import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { newId, postAct, thingKey } from './acts.ts';
import { audited } from './audited.ts';

/** The release gate of a patient's lot (domain.md §15; INV-08, 14, 17, 19). */
export function releaseRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];

    app.post(
      '/identity/releases',
      {
        config: { roles: rolesWith('release') },
        schema: {
          tags,
          summary: 'Release doses for use',
          description:
            'Signed by who has reviewed (`reviewed`) and by a Qualified Person (`released`), neither of whom made or checked it. 409 REL-MISSING lists in `unmet` everything that it waits for.',
          body: Type.Object(
            {
              orderId: Type.String({ minLength: 1, maxLength: 100 }),
              containers: Type.Array(Type.String({ minLength: 1, maxLength: 300, description: 'Any spelling.' }), {
                minItems: 1,
                maxItems: 200,
              }),
              signatures: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' })),
            },
            { additionalProperties: false },
          ),
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{releaseId, ok, entry, findings, holds}' }) },
        },
      },
      async (request, reply) => {
        const { orderId, signatures = [] } = request.body;
        const containers = request.body.containers.map((one, i) => thingKey(one, `/containers/${i}`));
        const releaseId = newId('rl');
        const answer = await postAct(deps, request, {
          kind: 'release',
          id: releaseId,
          body: { releaseId, orderId, containers },
          tokens: signatures,
        });
        return await reply.code(201).send({ releaseId, ...answer });
      },
    );

    app.get(
      '/identity/orders/:orderId/release',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags,
          summary: 'What a release waits for',
          description: 'The gate, without asking to pass it. Needs X-Purpose.',
          params: Type.Object({ orderId: Type.String({ maxLength: 100, description: 'From POST or GET /api/v1/identity/orders.' }) }),
          response: {
            200: Type.Unsafe<unknown>({ type: 'object', description: '{ready, unmet:[{code, step?, things, message}], released}' }),
          },
        },
      },
      async (request) => {
        const gate = await deps.readers.ask('releaseGate', { orderId: request.params.orderId, now: Date.now() });
        if (gate === null)
          throw new LotlineError('NOT-FOUND', 'there is no such order', {
            at: '{orderId}',
            fix: 'Take an id from GET /api/v1/identity/orders.',
          });
        const { chain, ...answer } = gate;
        await audited(deps, request, { what: 'release gate', chains: [chain] });
        return answer;
      },
    );
  };
}
