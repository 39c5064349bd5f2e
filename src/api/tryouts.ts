import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
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
/** The bytes are not parsed here, so there is no object whose shape could be checked. */
const validatorCompiler = () => () => true;

/** What can be learned of a document without capturing it. */
export function tryoutRoutes({ settings, capture, documents }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
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
              description: '{events:[{index, verdict:"ok"|"flag"|"block", findings:[{code, severity, things, message}]}]}',
            }),
          },
        },
      },
      async (request, reply) => {
        const verdicts = await capture.check({ body: bodyOf(request), actor: principalOf(request).id });
        return reply.type('application/json; charset=utf-8').send(`{"events":${verdicts}}`);
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
          description: 'With the text that it is the SHA-256 of (CBV 2.0 §8.9). Stores nothing.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          body: DOCUMENT,
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{events:[{hash, profile, prehash}]}' }) },
        },
      },
      async (request, reply) => {
        const { json, errors } = await documents.read(
          'hashEvents',
          bodyOf(request),
          { maxEvents: settings.captureMaxEvents },
          wanted(request),
        );
        if (json === null) throw new RefusedDocument(errors);
        return sendJson(reply, json);
      },
    );
  };
}
