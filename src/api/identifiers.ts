import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { describeIdentifier } from '../identifiers/index.ts';

/** Every form of an identifier; asks nothing of the store. */
export function identifierRoutes(): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/identifiers',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags: ['Identifiers'],
          summary: 'Every form of one identifier',
          description:
            'A broken identifier is a 400 that names the rule. A URN is never guessed: without the length of the company prefix it is null.',
          querystring: Type.Object(
            {
              of: Type.String({
                description: 'EPC URN, Digital Link, bracketed element string, scan or canonical key.',
                example: 'urn:epc:id:sgtin:9520123.000011.ABC',
              }),
              companyPrefixLength: Type.Optional(
                Type.Integer({ minimum: 6, maximum: 12, description: 'Digits of the company prefix, without which a link has no URN.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({ type: 'object', description: '{key, kind, epcUrn|null, digitalLink|null, elementString|null}' }),
          },
        },
      },
      async ({ query: { of, companyPrefixLength } }) => {
        try {
          return describeIdentifier(of, companyPrefixLength === undefined ? {} : { companyPrefixLength });
        } catch (error) {
          throw error instanceof LotlineError
            ? new LotlineError(error.code, error.message, { at: '?of', fix: error.fix, cause: error })
            : error;
        }
      },
    );
  };
}
