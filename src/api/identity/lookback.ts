import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import type { LookBack } from '../../identity/answers/look-back.ts';
import { chainKey } from '../../identity/vocabulary.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { wanted } from '../limits.ts';
import { found } from '../things.ts';
import { newId, postAct, thingKey } from './acts.ts';
import { audited, READ_HEADERS } from './audited.ts';
import { lookBackOf } from './chains.ts';

const OF = {
  donor: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'A donorRef.' })),
  chain: Type.Optional(Type.String({ minLength: 6, maxLength: 32, description: 'A coiId: leads back to its donors and to the siblings.' })),
  lot: Type.Optional(Type.String({ maxLength: 2_000, description: 'A lot or thing, in any spelling.' })),
};
const LOOK_BACK = {
  type: 'object',
  description: '{of, donors, lots, containers, chains:[{coiId, patientRef, orderId, site, state, containers}], stock, notices, complete}',
};
const SIGNATURES = Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10, description: 'Signing tokens.' });
const WORDS = Type.String({ minLength: 1, maxLength: 2_000, description: 'No personal data.' });

/** Look-backs (domain.md §12.6, C-16, C-18): whom a donor's cells or a lot have reached, what is held, who was told. */
export function lookBackRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  const { readers } = deps;
  const scopeOf = (answer: LookBack) => ({ chains: answer.chains.map(({ coiId }) => coiId), donors: answer.donors });
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];

    app.get(
      '/identity/lookback',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Whom a donor, a lot or a recipient leads to',
          description: 'Donor → lots → doses → patients and stock; chain → its donors → siblings. Name one of the three. Needs X-Purpose.',
          querystring: Type.Object(OF, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(LOOK_BACK) },
        },
      },
      async (request) => {
        const of = lookBackOf(request.query, '?');
        await audited(deps, request);
        const answer = found(await readers.ask('lookBack', of, wanted(request)), Object.values(of)[0] as string);
        await audited(deps, request, scopeOf(answer));
        return answer;
      },
    );

    app.post(
      '/identity/lookbacks',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Hold all that a look-back finds',
          description: 'One hold on every lot and container found. Lifting it is one act, by quality. Needs X-Purpose.',
          body: Type.Object({ ...OF, reason: WORDS, signatures: Type.Optional(SIGNATURES) }, { additionalProperties: false }),
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{ok, entry, findings, holds, holdId, lookback}' }) },
        },
      },
      async (request, reply) => {
        const { reason, signatures = [], ...named } = request.body;
        const of = lookBackOf(named, '/');
        await audited(deps, request);
        const lookback = found(await readers.ask('lookBack', of, wanted(request)), Object.values(of)[0] as string);
        await audited(deps, request, scopeOf(lookback));
        const holdId = newId('hd');
        const body = { holdId, things: [...lookback.lots, ...lookback.containers], chain: null, reason };
        const answer = await postAct(deps, request, { kind: 'hold', id: holdId, body, tokens: signatures });
        return await reply.code(201).send({ ...answer, holdId, lookback });
      },
    );

    app.post(
      '/identity/notices',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          summary: 'Note that somebody was told, or has answered',
          body: Type.Object(
            {
              noticeId: Type.Optional(Type.String({ pattern: '^nt_[a-z2-7]{26}$', description: 'Of the notice that is answered.' })),
              ...OF,
              to: Type.String({ minLength: 1, maxLength: 200, description: 'A site or role, not a person.' }),
              state: Type.Union([Type.Literal('sent'), Type.Literal('answered')]),
              note: Type.Optional(Type.String({ maxLength: 2_000, description: 'No personal data.' })),
              signatures: Type.Optional(SIGNATURES),
            },
            { additionalProperties: false },
          ),
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{ok, entry, findings, holds, noticeId}' }) },
        },
      },
      async (request, reply) => {
        const { donor, chain, lot, to, state, note = '', signatures = [] } = request.body;
        const noticeId = request.body.noticeId ?? newId('nt');
        const body = {
          noticeId,
          donor: donor ?? null,
          chain: chain === undefined ? null : chainKey(chain),
          lot: lot === undefined ? null : thingKey(lot, '/lot'),
          to,
          state,
          note,
        };
        // An answer is an act of its own: the notice that it answers stays as it was sent.
        const answer = await postAct(deps, request, { kind: 'notice', id: newId('nt'), body, tokens: signatures });
        return await reply.code(201).send({ ...answer, noticeId });
      },
    );
  };
}
