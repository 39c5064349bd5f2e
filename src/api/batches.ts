import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { contentDigest, rolesWith, twoPeople } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { expiryIn, gtinIn, lotIn } from '../numbers/index.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';
import { SIGNATURE, SIGNATURE_TOKENS } from './people.ts';
import { LIST_BODY_MAX, NAMED_MAX, nameText, newId, READING } from './pools.ts';
import { keyIn } from './things.ts';

const STATE = Type.Union([Type.Literal('open'), Type.Literal('closed')]);
const AMOUNT = Type.Union([Type.Null(), Type.Number()]);
const COUNTS = {
  issued: Type.Integer(),
  returned: Type.Integer(),
  invalid: Type.Integer(),
  labelsScrapped: Type.Integer(),
  labelsSampled: Type.Integer(),
  commissioned: Type.Integer(),
  sampled: Type.Integer(),
  destroyed: Type.Integer(),
  inactive: Type.Integer(),
  good: Type.Integer(),
  unaccounted: Type.Integer(),
  parents: Type.Integer(),
  contained: Type.Integer(),
  uncontained: Type.Integer(),
};
const CLOSING = {
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      of: Type.String(),
      expected: AMOUNT,
      actual: AMOUNT,
      difference: AMOUNT,
      ok: Type.Boolean(),
      things: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  state: STATE,
  reasons: Type.Array(Type.String()),
};
const HEAD = {
  id: Type.String(),
  gtin: Type.String(),
  lot: Type.String(),
  of: Type.String({ description: 'Canonical key of the lot.' }),
  expiry: Type.String(),
  line: Type.String(),
  planned: Type.Integer(),
  suggested: Type.Integer({ description: 'Numbers to ask for: planned and 5 %.' }),
  perParent: Type.Union([Type.Null(), Type.Integer()]),
  yieldLimits: Type.Union([Type.Null(), Type.Array(Type.Number())]),
  clearance: Type.Object({
    required: Type.Boolean(),
    by: Type.Union([Type.Null(), Type.Array(Type.String())]),
    at: Type.Union([Type.Null(), Type.String()]),
  }),
  opened: Type.String(),
  state: STATE,
};
const FIGURE = Type.Object({ value: AMOUNT, numerator: AMOUNT, denominator: AMOUNT, formula: Type.String() });
const BATCH = Type.Object({
  ...HEAD,
  ...COUNTS,
  kpis: Type.Object({ serialAccountability: FIGURE, firstPassSerialization: FIGURE, lineYield: FIGURE }),
  closing: Type.Union([Type.Null(), Type.Object({ ...COUNTS, ...CLOSING, at: Type.String() })]),
  signatures: Type.Array(SIGNATURE, { description: 'Of every attempt to close it, oldest first.' }),
});

const PATH = Type.Object({ id: Type.String({ maxLength: 100, description: 'From GET /api/v1/batches.' }) });
const THING = Type.String({ minLength: 1, maxLength: 300, pattern: '^[^\\u0000]*$' });
/** A line has part-filled containers at its end, not by the thousand. */
const PARTIAL_MAX = 1_000;

/** Batches of a packaging line: opened, watched, reconciled and closed (domain.md §5). */
export function batchRoutes({ readers, capture, keys, signatures }: ApiDeps): FastifyPluginAsyncTypebox {
  const batchAt = async (id: string) => {
    const answer = await readers.ask('batch', { id });
    if (answer === null)
      throw new LotlineError('NOT-FOUND', 'there is no such batch', { at: '{id}', fix: 'Take an id from GET /api/v1/batches.' });
    return { ...answer, signatures: await readers.look('signaturesAbout', { about: `batch/${id}` }) };
  };
  return async (app) => {
    readSmallJson(app, LIST_BODY_MAX);
    const tags = ['Serial numbers'];
    const config = { roles: rolesWith('numbers') };

    app.post(
      '/batches',
      {
        config,
        schema: {
          tags,
          summary: 'Open a batch',
          description: 'Its id is the `run` of the grants for it. A lot of a GTIN has one batch: what is commissioned with it counts.',
          body: Type.Object(
            {
              gtin: Type.String({ maxLength: 40 }),
              lot: Type.String({ maxLength: 40 }),
              expiry: Type.String({ pattern: '^(\\d{4}-\\d{2}(-\\d{2})?|\\d{6})$', description: 'YYYY-MM-DD, YYYY-MM or YYMMDD.' }),
              line: nameText('No personal data.'),
              planned: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
              perParent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'Packs in a full container.' })),
              yieldLimits: Type.Optional(
                Type.Array(Type.Number({ minimum: 0, maximum: 10 }), {
                  minItems: 2,
                  maxItems: 2,
                  description: 'Of good ÷ theoretical: lowest, highest.',
                }),
              ),
              clearance: Type.Optional(Type.Object({ required: Type.Boolean() }, { additionalProperties: false })),
            },
            {
              additionalProperties: false,
              example: {
                gtin: '09520123000110',
                lot: 'L1',
                expiry: '2028-01-31',
                line: 'line 3',
                planned: 4000,
                perParent: 80,
                yieldLimits: [0.95, 1],
              },
            },
          ),
          response: { 201: Type.Unsafe<unknown>(BATCH) },
        },
      },
      async (request, reply) => {
        const { gtin, lot, expiry, line, planned, perParent = null, yieldLimits, clearance } = request.body;
        const limits = yieldLimits === undefined ? null : (yieldLimits as [number, number]);
        if (limits !== null && limits[0] > limits[1])
          throw new LotlineError('REQ-FORM', 'the lower limit of the yield is above the upper one', {
            at: '/yieldLimits',
            fix: 'Write [low, high].',
          });
        const id = newId('batch');
        const terms = { perParent, yieldLimits: limits, clearance: clearance?.required ?? false };
        await capture.record(
          { kind: 'open-batch', id, gtin: gtinIn(gtin), lot: lotIn(lot), expiry: expiryIn(expiry), line, planned, terms },
          principalOf(request).id,
        );
        return await reply
          .code(201)
          .header('location', `/api/v1/batches/${id}`)
          .send(await batchAt(id));
      },
    );

    app.get(
      '/batches',
      {
        config: { roles: READING },
        schema: {
          tags,
          summary: 'List batches',
          description: 'Newest first.',
          querystring: Type.Object(
            {
              state: Type.Optional(
                Type.Unsafe<'open' | 'closed'>({ type: 'string', enum: ['open', 'closed'], description: 'Both when not given.' }),
              ),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ batches: Type.Array(Type.Object(HEAD)) })) },
        },
      },
      async (request, reply) => {
        const page = pageOf(request.query);
        const before = numberCursor(page);
        const { state } = request.query;
        const args = { limit: page.limit, ...(before !== undefined && { before }), ...(state !== undefined && { state }) };
        const { list, next } = await readers.ask('batches', args, wanted(request));
        if (next !== null) linkNext(reply, '/api/v1/batches', request.query, String(next));
        return { batches: list };
      },
    );

    app.get(
      '/batches/:id',
      {
        config: { roles: READING },
        schema: {
          tags,
          summary: 'One batch, as it stands',
          description: 'Its numbers and packs are counted now; `closing` is what the last attempt to close it came to.',
          params: PATH,
          response: { 200: Type.Unsafe<unknown>(BATCH) },
        },
      },
      async (request) => await batchAt(request.params.id),
    );

    app.post(
      '/batches/:id/close',
      {
        config,
        schema: {
          tags,
          summary: 'Reconcile a batch and close it',
          description:
            'It stays open, with the reasons, where a number is unaccounted for or anything about its packs is critical. What does not agree becomes a finding. What the line does not tell is no agreement. Signatures, where given, are of two people.',
          params: PATH,
          body: Type.Object(
            {
              counters: Type.Object(
                {
                  goodPrints: Type.Optional(Type.Integer({ minimum: 0 })),
                  finishedPacks: Type.Optional(Type.Integer({ minimum: 0 })),
                  loose: Type.Optional(
                    Type.Array(THING, { maxItems: NAMED_MAX, description: 'Serials of good packs that are inside of nothing.' }),
                  ),
                  partial: Type.Optional(
                    Type.Array(THING, { maxItems: PARTIAL_MAX, description: 'Containers that were closed part-filled.' }),
                  ),
                  rejected: Type.Optional(Type.Array(THING, { maxItems: NAMED_MAX, description: 'Serials that the camera rejected.' })),
                  theoretical: Type.Optional(Type.Number({ minimum: 0, description: 'Packs that the bulk was enough for.' })),
                },
                { additionalProperties: false },
              ),
              signatures: Type.Optional(SIGNATURE_TOKENS),
            },
            {
              additionalProperties: false,
              example: { counters: { goodPrints: 4020, finishedPacks: 4000, loose: [], partial: [], rejected: [], theoretical: 4100 } },
            },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ ...COUNTS, ...CLOSING })) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const { counters, signatures: tokens = [] } = request.body;
        const content = contentDigest(request.body);
        const { signatures: signed, digests } = await signatures.resolve(tokens, { content });
        if (signed.length > 0) twoPeople(signed);
        const { goodPrints = null, finishedPacks = null, theoretical = null, loose = [], rejected = [] } = counters;
        const partial = (counters.partial ?? []).map((one, i) => keyIn(one, `/counters/partial/${i}`));
        const told = { goodPrints, finishedPacks, theoretical, loose, rejected, partial };
        await capture.record(
          {
            kind: 'close-batch',
            id,
            counters: told,
            ...(signed.length > 0 && { signatures: signed, content, live: { tokens: digests } }),
          },
          principalOf(request).id,
        );
        const { closing } = await batchAt(id);
        return closing;
      },
    );

    app.post(
      '/batches/:id/clearance',
      {
        config,
        schema: {
          tags,
          summary: 'Record the line clearance',
          description: 'By two, named by the ids of their keys. Where it was required, commissioning before it is flagged LINE-NOCLEAR.',
          params: PATH,
          body: Type.Object(
            { by: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 2, maxItems: 2 }) },
            { additionalProperties: false, example: { by: ['k_1', 'k_2'] } },
          ),
          response: { 200: Type.Unsafe<unknown>(BATCH) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const by = request.body.by as [string, string];
        if (by[0] === by[1])
          throw new LotlineError('REQ-FORM', 'a line is cleared by two, and both are the same', { at: '/by', fix: 'Name two keys.' });
        const inForce = new Set((await keys.list()).filter((key) => key.ended === null).map((key) => key.id));
        for (const [i, key] of by.entries())
          if (!inForce.has(key))
            throw new LotlineError('NOT-FOUND', 'there is no such key in force', { at: `/by/${i}`, fix: 'Name two keys by their ids.' });
        await capture.record({ kind: 'clear-line', id, by }, principalOf(request).id);
        return await batchAt(id);
      },
    );
  };
}
