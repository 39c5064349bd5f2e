import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { sendEvents } from './epcis-events.ts';
import { boundsRelease, checkVersionHeaders, eventForm, JSON_TYPES, tellRelease, XML_TYPES } from './epcis-headers.ts';
import { wanted } from './limits.ts';

const DOCUMENT = { description: 'An EPCIS document.', schema: { type: 'object' } };

/** Captured documents, whole: what partners sent, in the form in which somebody needs it. */
export function capturedRoutes({ readers }: Pick<ApiDeps, 'readers'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/captures/:captureID/document',
      {
        config: { roles: rolesWith('read') },
        onRequest: checkVersionHeaders,
        schema: {
          tags: ['Capture aids'],
          summary: 'The document of a capture',
          description:
            'As it was sent, byte for byte, unless `Accept` asks for another form: JSON, or XML, of 1.2 where `GS1-EPCIS-Max` says so. What a form cannot hold as it was is told in `Lotline-Notes`.',
          params: Type.Object({ captureID: Type.String({ description: 'From the Location of the capture.' }) }),
          headers: Type.Object({
            'GS1-EPCIS-Max': Type.Optional(Type.String({ description: 'The newest version of EPCIS that the client reads.' })),
          }),
          response: {
            200: Type.Unsafe<unknown>({
              description: 'The document.',
              content: Object.fromEntries([...JSON_TYPES, ...XML_TYPES].map((type) => [type, DOCUMENT])),
            }),
          },
        },
      },
      async (request, reply) => {
        const { captureID } = request.params;
        const { accept = '*/*' } = request.headers;
        const asSent = /^\s*(\*\/\*)?\s*$/.test(accept) && !boundsRelease(request);
        const { type, xml } = eventForm(request, reply);
        const form = asSent ? 'as sent' : xml === null ? 'json' : xml.version === '1.2' ? 'xml-1.2' : 'xml';
        const document = await readers.ask('capturedDocument', { captureID, form, now: new Date().toISOString() }, wanted(request));
        if (document === null)
          throw new LotlineError('NOT-FOUND', 'nothing of such a capture is stored', {
            fix: 'Use the Location of a capture that has succeeded.',
          });
        if (!asSent) return await sendEvents(reply, type, document);
        tellRelease(reply, document.form === 'xml-1.2' ? '1.2' : '2.0');
        return await sendEvents(reply, document.form === 'json' ? 'application/ld+json' : 'application/xml', document);
      },
    );
  };
}
