import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { checkImported, type GrantKnown, keyOf, numberingOf, type PoolAnswer, refuseTwice } from '../numbers/index.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { sendJson, wanted } from './limits.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';

/** Numbers in one call that names them, and in one grant. */
export const NAMED_MAX = 100_000;
export const GRANT_MAX = 1_000_000;
/** Holds a hundred thousand serials, each with a crypto tail. */
export const LIST_BODY_MAX = 16 * 1024 * 1024;
const TAIL_MAX = 200;

const POOL = Type.Object({
  id: Type.String(),
  gtin: Type.Optional(Type.String()),
  sscc: Type.Optional(Type.String()),
  length: Type.Integer(),
  alphabet: Type.String(),
  site: Type.Union([Type.Null(), Type.String()]),
  granted: Type.Integer(),
  returned: Type.Integer(),
  imported: Type.Integer(),
  issued: Type.Integer({ description: 'Numbers that are out, of all pools of the GTIN.' }),
  space: Type.Number(),
  guessChance: Type.Number({ description: 'issued ÷ space.' }),
  chance: Type.Union([Type.Null(), Type.String({ description: '1 : n' })]),
  remaining: Type.Number({ description: 'What can still be granted below 1 : 10,000.' }),
  low: Type.Boolean(),
  exact: Type.Object({ space: Type.String(), remaining: Type.String() }, { description: 'The digits of what may be beyond 2^53.' }),
});
const GRANT = Type.Object({
  grantId: Type.String(),
  serials: Type.Array(Type.String()),
  tails: Type.Optional(Type.Array(Type.Union([Type.Null(), Type.String()]))),
});

/** Who may read of numbers: those who ask for them, and readers. */
export const READING = [...new Set([...rolesWith('numbers'), ...rolesWith('read')])];
/** An id of our own: nobody has to guess it, nobody can. */
export const newId = (of: 'pool' | 'grant' | 'batch'): string => `${of}_${randomBytes(12).toString('base64url')}`;
/** What a person or a machine calls something: no personal data. */
export const nameText = (description: string) => Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000]*$', description });

const PATH = Type.Object({ id: Type.String({ maxLength: 100, description: 'From GET /api/v1/pools.' }) });
const SERIAL = Type.String({ minLength: 1, maxLength: 20, pattern: '^[^\\u0000]*$' });

/** Pools of serial numbers (domain.md §4.1, packs-wire.md). */
export function poolRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  const poolAt = async (id: string): Promise<PoolAnswer> => {
    const answer = await readers.look('pool', { id });
    if (answer === null)
      throw new LotlineError('NOT-FOUND', 'there is no such pool', { at: '{id}', fix: 'Take an id from GET /api/v1/pools.' });
    return answer;
  };
  return async (app) => {
    readSmallJson(app, LIST_BODY_MAX);
    const tags = ['Serial numbers'];
    const config = { roles: rolesWith('numbers') };

    app.post(
      '/pools',
      {
        config,
        schema: {
          tags,
          summary: 'Open a pool',
          description:
            'Serials of a GTIN are drawn at random; SSCCs (`sscc` is extension digit and company prefix) come in order. A GTIN may have several pools: the chance to guess a number counts them all.',
          body: Type.Object(
            {
              gtin: Type.Optional(Type.String({ maxLength: 40 })),
              sscc: Type.Optional(Type.String({ maxLength: 40, description: 'Extension digit and company prefix.' })),
              length: Type.Optional(Type.Integer({ description: 'Characters of a serial, 1 to 20.' })),
              alphabet: Type.Optional(
                Type.String({ maxLength: 82, description: 'The characters themselves; 32 that nobody takes for another when not given.' }),
              ),
              site: Type.Optional(Type.String({ pattern: '^\\d{13}$', description: 'A GLN.' })),
            },
            { additionalProperties: false, example: { gtin: '09520123000110', length: 12, alphabet: '23456789ABCDEFGHJKLMNPQRSTUVWXYZ' } },
          ),
          response: { 201: Type.Unsafe<unknown>(POOL) },
        },
      },
      async (request, reply) => {
        const { site = null, ...asked } = request.body;
        const { of, numbering } = numberingOf(asked);
        const id = newId('pool');
        const { length, alphabet } = numbering;
        await capture.record({ kind: 'make-pool', id, of, length, alphabet, site }, principalOf(request).id);
        return await reply
          .code(201)
          .header('location', `/api/v1/pools/${id}`)
          .send(await poolAt(id));
      },
    );

    app.get(
      '/pools',
      {
        config: { roles: READING },
        schema: {
          tags,
          summary: 'List pools',
          description: 'Newest first.',
          querystring: Type.Object(
            { gtin: Type.Optional(Type.String({ pattern: '^\\d{14}$', description: 'All 14 digits.' })), ...PAGE_PARAMETERS },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ pools: Type.Array(POOL) })) },
        },
      },
      async (request, reply) => {
        const page = pageOf(request.query);
        const before = numberCursor(page);
        const { gtin } = request.query;
        const args = { limit: page.limit, ...(before !== undefined && { before }), ...(gtin !== undefined && { gtin }) };
        const { list, next } = await readers.ask('pools', args, wanted(request));
        if (next !== null) linkNext(reply, '/api/v1/pools', request.query, String(next));
        return { pools: list };
      },
    );

    app.get(
      '/pools/:id',
      {
        config: { roles: READING },
        schema: {
          tags,
          summary: 'One pool',
          description: 'What is out, and how likely a guess hits.',
          params: PATH,
          response: { 200: Type.Unsafe<unknown>(POOL) },
        },
      },
      async (request) => await poolAt(request.params.id),
    );

    app.post(
      '/pools/:id/grants',
      {
        config,
        schema: {
          tags,
          summary: 'Grant numbers',
          description:
            'All that are asked for, or none: above 1 : 10,000 a 409 SN-GUESSABLE. No number is ever granted twice. The same Idempotency-Key with the same body is the same grant; without one each call is its own.',
          params: PATH,
          headers: Type.Object({
            'idempotency-key': Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 200,
                pattern: '^[\\x21-\\x7e]+$',
                description: 'Names this request among those to this pool.',
              }),
            ),
          }),
          body: Type.Object(
            {
              quantity: Type.Integer({ minimum: 1, maximum: GRANT_MAX }),
              requester: Type.Optional(nameText('Who asks, such as a line; the key when not given. No personal data.')),
              run: Type.Optional(nameText('What they are for: the id of a batch, or a name of your own.')),
            },
            { additionalProperties: false, example: { quantity: 4200, requester: 'line 3', run: 'batch_…' } },
          ),
          response: { 201: Type.Unsafe<unknown>(GRANT) },
        },
      },
      async (request, reply) => {
        const { id: pool } = request.params;
        const actor = principalOf(request).id;
        const { quantity, requester = actor, run = '' } = request.body;
        const key = request.headers['idempotency-key'] ?? null;
        const id = newId('grant');
        const wish = { quantity, requester, run };
        const before = await grantOf(pool, key);
        if (before === null) {
          const seed = randomBytes(32).toString('hex');
          await capture.record({ kind: 'grant-numbers', id, pool, ...wish, key, seed }, actor);
        }
        // Of two requests with one key that came at once, the other may have been first.
        const granted = before ?? (await readers.look('grantKnown', { id })) ?? (await grantOf(pool, key));
        if (granted === null) throw new Error(`grant ${id} was recorded and is not there`);
        if (granted.quantity !== quantity || granted.requester !== requester || granted.run !== run)
          throw new LotlineError('REQ-REPEAT', 'this Idempotency-Key was used for another request', {
            at: 'Idempotency-Key',
            fix: 'Repeat the request as it was, or give this one a key of its own.',
          });
        const bytes = (await readers.askJson('grantedNumbers', { id: granted.id }, wanted(request))) as Uint8Array;
        return sendJson(reply.code(201), bytes);
      },
    );

    app.post(
      '/pools/:id/returns',
      {
        config,
        schema: {
          tags,
          summary: 'Give numbers back',
          description:
            'All of them or none; told again, it is done already. `purged`: the line has confirmed that it holds none of them any more; otherwise they are invalid for good. A number that was never granted, or is in use, is a 409 that names it.',
          params: PATH,
          body: Type.Object(
            { serials: Type.Array(SERIAL, { minItems: 1, maxItems: NAMED_MAX }), purged: Type.Boolean() },
            { additionalProperties: false, example: { serials: ['7GX2K9QMPT4A'], purged: true } },
          ),
          response: { 200: Type.Unsafe<unknown>(POOL) },
        },
      },
      async (request) => {
        const { id: pool } = request.params;
        const { serials, purged } = request.body;
        refuseTwice(serials, '/serials');
        await capture.record({ kind: 'return-numbers', pool, serials, purged }, principalOf(request).id);
        return await poolAt(pool);
      },
    );

    app.post(
      '/pools/:id/imports',
      {
        config,
        schema: {
          tags,
          summary: 'Take in numbers from outside',
          description:
            'Where an authority hands out the numbers. The pool then gives out these, in their order, and makes none of its own. `tail` is what came with a number, such as a crypto code.',
          params: PATH,
          body: Type.Object(
            {
              numbers: Type.Array(
                Type.Union([
                  SERIAL,
                  Type.Object(
                    { serial: SERIAL, tail: Type.Optional(Type.String({ minLength: 1, maxLength: TAIL_MAX, pattern: '^[^\\u0000]*$' })) },
                    { additionalProperties: false },
                  ),
                ]),
                { minItems: 1, maxItems: NAMED_MAX },
              ),
            },
            { additionalProperties: false, example: { numbers: [{ serial: '7GX2K9QMPT4A', tail: '91EE06' }] } },
          ),
          response: { 200: Type.Unsafe<unknown>(POOL) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const numbers = request.body.numbers.map((one): [string, string | null] =>
          typeof one === 'string' ? [one, null] : [one.serial, one.tail ?? null],
        );
        const { alphabet, length, sscc = '' } = await poolAt(id);
        checkImported(
          { alphabet, length, head: sscc },
          numbers.map(([serial]) => serial),
        );
        await capture.record({ kind: 'import-numbers', pool: id, numbers }, principalOf(request).id);
        return await poolAt(id);
      },
    );
  };

  async function grantOf(pool: string, key: string | null): Promise<GrantKnown | null> {
    const repeatKey = keyOf({ pool, key });
    return repeatKey === null ? null : await readers.look('grantKnown', { key: repeatKey });
  }
}
