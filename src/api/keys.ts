import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { ROLE_NAMES, type Role, rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { SITES, sitesIn } from './people.ts';

const KEY = Type.Object({
  id: Type.String(),
  name: Type.String(),
  roles: Type.Array(Type.String()),
  sites: Type.Array(Type.String({ description: 'Canonical keys. None: everywhere.' })),
  created: Type.String({ format: 'date-time' }),
  ended: Type.Union([Type.Null(), Type.String({ format: 'date-time' })]),
});

/** API keys: granted, listed, ended. The secret is shown once. */
export function keyRoutes({ keys }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('administer') };
    const tags = ['Keys'];

    app.post(
      '/keys',
      {
        config,
        schema: {
          tags,
          summary: 'Grant a key',
          description: 'The answer is the only place where its secret ever stands.',
          body: Type.Object(
            {
              name: Type.String({
                minLength: 1,
                maxLength: 200,
                pattern: '^[^\\u0000]*$',
                description: 'What the key is for; no personal data.',
              }),
              roles: Type.Array(Type.Unsafe<Role>({ type: 'string', enum: ROLE_NAMES }), { minItems: 1, uniqueItems: true }),
              sites: Type.Optional(SITES),
            },
            { additionalProperties: false, example: { name: 'packaging line 3', roles: ['line'] } },
          ),
          response: { 201: Type.Unsafe<unknown>(Type.Object({ id: Type.String(), key: Type.String() })) },
        },
      },
      async (request, reply) => {
        const { name, roles, sites = [] } = request.body;
        const granted = await keys.grant({ name, roles, sites: sitesIn(sites) }, principalOf(request).id);
        return await reply.code(201).header('location', `/api/v1/keys/${granted.id}`).send(granted);
      },
    );

    app.get(
      '/keys',
      {
        config,
        schema: {
          tags,
          summary: 'List keys',
          description: 'All that were ever granted, without secrets.',
          response: { 200: Type.Unsafe<unknown>(Type.Object({ keys: Type.Array(KEY) })) },
        },
      },
      async () => ({ keys: await keys.list() }),
    );

    app.delete(
      '/keys/:id',
      {
        config,
        schema: {
          tags,
          summary: 'End a key',
          description: 'It stops working at once and never works again.',
          params: Type.Object({ id: Type.String({ maxLength: 100, description: 'From GET /api/v1/keys.' }) }),
          response: { 204: Type.Unsafe<unknown>({ type: 'null', description: 'Ended.' }) },
        },
      },
      async (request, reply) => {
        if (!(await keys.end(request.params.id, principalOf(request).id)))
          throw new LotlineError('NOT-FOUND', 'there is no such key in force', { at: '{id}', fix: 'Take an id from GET /api/v1/keys.' });
        return await reply.code(204).send();
      },
    );
  };
}
