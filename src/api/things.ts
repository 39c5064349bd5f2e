import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { formatKey, parseThing } from '../identifiers/index.ts';
import type { ApiDeps } from './deps.ts';
import { sendJson, wanted } from './limits.ts';

/** The two times of every question (design.md §7). */
export const AS_OF = {
  at: Type.Optional(Type.String({ description: 'As of this event time: a date-time with zone. Now when not given.' })),
  known: Type.Optional(Type.String({ description: 'As it was known at this record time: a date-time with zone.' })),
};

/** The canonical key of the thing that a path or a parameter names, however it is written; what is wrong with it is told at `at`. */
export function keyIn(text: string, at: string): string {
  try {
    return formatKey(parseThing(text));
  } catch (error) {
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at, fix: error.fix, cause: error }) : error;
  }
}

/** The answer of a question about one thing, or a 404. */
export function found<Answer>(answer: Answer | null, key: string): Answer {
  if (answer !== null) return answer;
  throw new LotlineError('NOT-FOUND', `${key} is not known here`, { fix: 'Check the identifier, or the time that you ask for.' });
}

const THING = Type.Object({
  thing: Type.String({
    description: 'EPC URN, Digital Link, bracketed element string or canonical key, percent-encoded.',
    example: '01/09520123000110/21/ABC',
  }),
});
const PATH = '{thing}';

/** What a thing is, what happened to it, what is inside it. */
export function thingRoutes({ readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { roles: rolesWith('read') };

    app.get(
      '/things/:thing',
      {
        config,
        schema: {
          tags: ['Things'],
          summary: 'What a thing is, now or then',
          params: THING,
          querystring: Type.Object(AS_OF, { additionalProperties: false }),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{key, epc, kind, status, disposition, lot, expiry, expired, released, parent, top, location, holder, owner, names, observed, lastEvent, findings}',
            }),
          },
        },
      },
      async (request, reply) => {
        const { params, query } = request;
        const of = keyIn(params.thing, PATH);
        // What it is now is kept; what it was then is folded from its history.
        if (query.at === undefined && query.known === undefined) return found(await readers.look('thing', { of }), of);
        return sendJson(reply, found(await readers.askJson('thing', { of, ...query }, wanted(request)), of));
      },
    );

    app.get(
      '/things/:thing/history',
      {
        config,
        schema: {
          tags: ['Things'],
          summary: 'What happened to a thing',
          description: 'Its own events and those of its containers while it was inside, in time order, each with the reason it is here.',
          params: THING,
          querystring: Type.Object(
            { ...AS_OF, lineage: Type.Optional(Type.Boolean({ description: 'Also the transformations that it came through.' })) },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{of, entries:[{seq, eventID, eventTime, recordTime, type, action, bizStep, disposition, readPoint, why, via, voided}]}',
            }),
          },
        },
      },
      async (request, reply) => {
        const of = keyIn(request.params.thing, PATH);
        return sendJson(reply, found(await readers.askJson('history', { of, ...request.query }, wanted(request)), of));
      },
    );

    app.get(
      '/things/:thing/contents',
      {
        config,
        schema: {
          tags: ['Things'],
          summary: 'What is inside a thing',
          params: THING,
          querystring: Type.Object(
            {
              ...AS_OF,
              depth: Type.Optional(
                Type.String({ pattern: '^([1-9]\\d{0,2}|all)$', description: 'How many levels, or all; 1 when not given.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{of, at, members:[{key, epc, depth, parent}], count}' }) },
        },
      },
      async (request, reply) => {
        const of = keyIn(request.params.thing, PATH);
        const { depth: levels = '1', ...times } = request.query;
        const depth = levels === 'all' ? 'all' : Number(levels);
        return sendJson(reply, found(await readers.askJson('contents', { of, depth, ...times }, wanted(request)), of));
      },
    );
  };
}
