import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifySchemaCompiler } from 'fastify';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { checkForeignHashId, HASH_PROFILES, type HashProfile } from '../epcis/index.ts';
import { RULES_VERSION } from '../lifecycle/rules-version.ts';
import { principalOf } from './authenticate.ts';
import { bodyOf } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { JSON_TYPES, XML_TYPES } from './epcis-headers.ts';
import { sendJson, wanted } from './limits.ts';
import { RefusedDocument } from './problems.ts';

const DOCUMENT = Type.Unsafe<Buffer>({
  type: 'object',
  description: 'An EPCIS document or a bare event, in JSON or XML.',
  additionalProperties: true,
});
/** A dry run holds up the fold, and what is told of a document is larger than itself: so one has the size of a group of captures, and no more. */
const TRYOUT_BYTES_MAX = 16 * 1024 * 1024;
const HASH_QUERY = Type.Object(
  {
    profile: Type.Optional(
      Type.Unsafe<HashProfile>({ type: 'string', enum: HASH_PROFILES, description: 'How an event is written before it is hashed.' }),
    ),
    verify: Type.Optional(
      Type.String({ description: 'An event hash ID, in any profile and of any of the usual digests, to hold the events to.' }),
    ),
  },
  { additionalProperties: false },
);

/** What can be learned of a document without capturing it. */
export function tryoutRoutes({ settings, capture, documents }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    /** The bytes are not parsed here, so there is no object whose shape could be checked. */
    const validatorCompiler: FastifySchemaCompiler<unknown> = (part) =>
      part.httpPart === 'body' ? () => true : (app.validatorCompiler as FastifySchemaCompiler<unknown>)(part);
    app.post(
      '/check',
      {
        config: { roles: rolesWith('read') },
        bodyLimit: TRYOUT_BYTES_MAX,
        validatorCompiler,
        schema: {
          tags: ['Capture aids'],
          summary: 'Dry run of a capture',
          description: 'What each event would come to under the rules in force, the earlier ones counting as stored. Stores nothing.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          body: DOCUMENT,
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description: '{rules, events:[{index, verdict:"ok"|"flag"|"block", findings:[{code, severity, things, message}]}]}',
            }),
          },
        },
      },
      async (request, reply) => {
        const verdicts = await capture.check({ body: bodyOf(request), actor: principalOf(request).id });
        return reply.type('application/json; charset=utf-8').send(`{"rules":${RULES_VERSION},"events":${verdicts}}`);
      },
    );

    app.post(
      '/ship/check',
      {
        config: { roles: rolesWith('read') },
        bodyLimit: TRYOUT_BYTES_MAX,
        validatorCompiler,
        schema: {
          tags: ['Capture aids'],
          summary: 'Dry run of a shipment',
          description:
            'What stands against shipping, looked for inside of all containers, and whether the data of the shipment are whole (docs/rules.md); the earlier events count as stored. Stores nothing.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          body: DOCUMENT,
          querystring: Type.Object(
            {
              minimumLife: Type.Optional(
                Type.Integer({ minimum: 0, maximum: 36_500, description: 'Days before its expiry that everything must still have.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{rules, events:[{index, verdict:"ok"|"flag"|"block", findings:[{code, severity, things, message}], completeness?:[{line, name, ok, missing}]}]}',
            }),
          },
        },
      },
      async (request, reply) => {
        const shipment = { minimumLifeMs: (request.query.minimumLife ?? 0) * 86_400_000 };
        const verdicts = await capture.check({ body: bodyOf(request), actor: principalOf(request).id, shipment });
        return reply.type('application/json; charset=utf-8').send(`{"rules":${RULES_VERSION},"events":${verdicts}}`);
      },
    );

    app.post(
      '/hash',
      {
        config: { roles: rolesWith('read') },
        bodyLimit: TRYOUT_BYTES_MAX,
        validatorCompiler,
        schema: {
          tags: ['Capture aids'],
          summary: 'The event hash of each event',
          description:
            'With the text that it is the SHA-256 of (CBV 2.0 §8.9), in profile P unless another is asked for. An ID given as verify, else the eventID of an event that is a hash, is held to every profile in use: matched says which one gives it. Stores nothing.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          body: DOCUMENT,
          querystring: HASH_QUERY,
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description: '{events:[{hash, profile, prehash, verified?:{id, matched:"P"|"T"|"O2.0"|"O2.1"|null, tried:[…]}}]}',
            }),
          },
        },
      },
      async (request, reply) => {
        const { profile, verify } = request.query;
        if (verify !== undefined) checkForeignHashId(verify, '?verify');
        const { json, errors } = await documents.read(
          'hashEvents',
          bodyOf(request),
          { maxEvents: settings.captureMaxEvents, ...(profile && { profile }), verify },
          wanted(request),
        );
        if (json === null) throw new RefusedDocument(errors);
        return sendJson(reply, json);
      },
    );
  };
}
