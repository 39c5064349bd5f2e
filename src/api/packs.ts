import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { gs1Date } from '../identifiers/index.ts';
import { REASONS, type Reason } from '../verification/operations.ts';
import type { PackQuestion } from '../verification/pack-operations.ts';
import { expectGln } from '../verification/verification.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { borneIn, keyIn } from './things-in-hand.ts';
import { callerOf, isPack, tellingWhen } from './verify.ts';

const PACK = Type.Object({
  thing: Type.String({
    description:
      'The pack, percent-encoded. What a bracketed element string or Digital Link bears of lot (10) and expiry (17) is compared.',
    example: '01/09520123000110/21/ABC',
  }),
});
const IN_HAND = {
  lot: Type.Optional(Type.String({ minLength: 1, maxLength: 20, description: 'The lot on the pack.' })),
  expiry: Type.Optional(Type.String({ description: 'The expiry on the pack: YYMMDD or YYYY-MM-DD.' })),
};
const SITE = Type.String({ description: 'GLN of the location that asks.' });
const ANSWER = Type.Unsafe<unknown>(
  Type.Object({
    ok: Type.Boolean(),
    state: Type.String({ description: 'active, inactive or unknown' }),
    status: Type.Union([Type.Null(), Type.String()]),
    code: Type.Optional(Type.String({ description: 'Why not.' })),
    alias: Type.Optional(Type.String({ description: 'The return code of the national systems.' })),
    hub: Type.Optional(Type.String({ description: 'The code of the European hub.' })),
    info: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String({ description: 'For what it was decommissioned.' })),
  }),
);

/** The European operations on a pack (domain.md §8.3): a refusal is an answer of 200 with ok false. */
export function packRoutes({ packs }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('verify') };
    const tags = ['Packs'];
    const response = { 200: ANSWER };

    app.post(
      '/packs/:thing/verify',
      {
        config,
        schema: {
          tags,
          summary: 'Verify a pack before it is supplied',
          params: PACK,
          body: Type.Object(
            { ...IN_HAND, site: Type.Optional(SITE) },
            { additionalProperties: false, example: { lot: 'L1', expiry: '280131' } },
          ),
          response,
        },
      },
      async (request, reply) => {
        const pack = packOf(request.params.thing, request.body);
        return await tellingWhen(reply, () => packs.verify(pack, callerOf(request)));
      },
    );

    app.post(
      '/packs/:thing/decommission',
      {
        config,
        schema: {
          tags,
          summary: 'Decommission a pack',
          description:
            'Writes an ordinary event, by which the pack ends. Of two sites that do it at once exactly one is answered ok. A container is decommissioned with its content, and only with cascade.',
          params: PACK,
          body: Type.Object(
            {
              ...IN_HAND,
              reason: Type.Unsafe<Reason>({ type: 'string', enum: REASONS }),
              site: SITE,
              cascade: Type.Optional(Type.Boolean({ description: 'With everything that is inside.' })),
            },
            { additionalProperties: false, example: { reason: 'supply', site: '9520123000011' } },
          ),
          response,
        },
      },
      async (request, reply) => {
        const { reason, cascade = false } = request.body;
        const pack = atSite(packOf(request.params.thing, request.body));
        return await tellingWhen(reply, () => packs.decommission(pack, { reason, cascade }, callerOf(request)));
      },
    );

    app.post(
      '/packs/:thing/reactivate',
      {
        config,
        schema: {
          tags,
          summary: 'Undo the decommissioning of a pack',
          description:
            'By the location that decommissioned it, within 10 days (240 h), and only of what is not expired, recalled, stolen or to be destroyed (domain.md §8.4).',
          params: PACK,
          body: Type.Object({ ...IN_HAND, site: SITE }, { additionalProperties: false, example: { site: '9520123000011' } }),
          response,
        },
      },
      async (request, reply) => {
        const pack = atSite(packOf(request.params.thing, request.body));
        return await tellingWhen(reply, () => packs.reactivate(pack, callerOf(request)));
      },
    );
  };
}

/** The pack that a path names, with what its spelling and the body tell that it bears; they must not tell two things. */
function packOf(thing: string, body: { lot?: string; expiry?: string; site?: string }): PackQuestion {
  const key = keyIn(thing, '{thing}');
  if (!isPack(key)) throw new LotlineError('ID-FORM', `${key} is no pack`, { at: '{thing}', fix: 'Name a GTIN with its serial number.' });
  const borne = borneIn(thing, '{thing}');
  const expiry = body.expiry === undefined ? null : dateIn(body.expiry);
  return {
    key,
    inHand: { lot: one(borne.lot, body.lot ?? null, '/lot'), expiry: one(borne.expiry, expiry, '/expiry') },
    site: body.site === undefined ? null : expectGln(body.site, '/site'),
  };
}

const atSite = (pack: PackQuestion) => ({ ...pack, site: pack.site as string });

function one(inThing: string | null, inBody: string | null, at: string): string | null {
  if (inThing !== null && inBody !== null && inThing !== inBody)
    throw new LotlineError('REQ-FORM', 'the path and the body tell two different values', { at, fix: 'Leave it out of the body.' });
  return inBody ?? inThing;
}

/** YYMMDD of a date in either form. */
function dateIn(text: string): string {
  const [, year, month, day] = /^\d\d(\d\d)-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const digits = year === undefined ? text : `${year}${month}${day}`;
  try {
    gs1Date(digits, new Date().getUTCFullYear());
    return digits;
  } catch (error) {
    throw error instanceof LotlineError
      ? new LotlineError(error.code, error.message, { at: '/expiry', fix: error.fix, cause: error })
      : error;
  }
}
