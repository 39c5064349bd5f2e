import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { allows, ROLE_NAMES, rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { parseDest } from '../subscriptions/addresses.ts';
import { NOTHING_YET } from '../subscriptions/progress.ts';
import { minRecordTimeOf, parseInitialRecordTime, parseTiming, type Subscription, type Terms } from '../subscriptions/subscription.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { styleOf } from './epcis-events.ts';
import { answerOptions, JSON_TYPES } from './epcis-headers.ts';
import { mustOwn, noSuchQuery, pathOf, QUERY_PARAMS, queryOf } from './epcis-queries.ts';
import { API_LIMITS } from './limits.ts';
import { accepted } from './negotiate.ts';
import { linkNext, PAGE_PARAMETERS, type Page, pageOf, parseCursorNumber } from './paging.ts';

const TOKEN = Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' });
const SCHEDULE = 'second, minute, hour, dayOfMonth, month, dayOfWeek (1 is Monday), as texts such as `5`, `0,30`, `[8-17]`; UTC.';
const TIME = Type.String({ format: 'date-time' });

const SUBSCRIPTION = Type.Object({
  subscriptionID: Type.String(),
  dest: Type.String(),
  createdAt: TIME,
  lastNotifiedAt: Type.Optional(TIME),
  initialRecordTime: TIME,
  minRecordTime: Type.String({ description: 'No event that is still to come was recorded before this.' }),
  epcFormat: Type.String(),
  stream: Type.Optional(Type.Literal(true)),
  schedule: Type.Optional(Type.Unknown()),
  reportIfEmpty: Type.Optional(Type.Boolean()),
  delivery: Type.Object({
    state: Type.Union([Type.Literal('well'), Type.Literal('failing'), Type.Literal('ended')]),
    failures: Type.Integer({ description: 'In a row.' }),
    failingSince: Type.Optional(TIME),
    lastError: Type.Optional(Type.String()),
    nextTryAt: Type.Optional(TIME),
    endedBecause: Type.Optional(Type.String()),
  }),
});

type OfSubscription = FastifyRequest<{ Params: { queryName: string; subscriptionID: string } }>;

/** Webhooks (epcis-2.0.md §11): what is subscribed to and how it goes. Delivering is the business of subscriptions/. */
export function subscriptionRoutes({
  settings,
  capture,
  readers,
  limits,
}: Pick<ApiDeps, 'settings' | 'capture' | 'readers' | 'limits'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('read') };
    const tags = ['EPCIS 2.0'];
    const path = '/queries/:queryName/subscriptions';
    const params = Type.Object({
      ...QUERY_PARAMS.properties,
      subscriptionID: Type.String({ maxLength: 100, description: 'From the Location of the subscription.' }),
    });

    app.options(path, { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, GET, POST'),
    );
    app.options(`${path}/:subscriptionID`, { schema: { hide: true, params }, config }, async (request: OfSubscription, reply) =>
      answerOptions(reply, 'OPTIONS, DELETE, GET', { 'gs1-query-min-record-time': minRecordTimeOf(await subscriptionOf(request)) }),
    );

    app.post(
      path,
      {
        config,
        schema: {
          tags,
          summary: 'Subscribe a webhook to a named query',
          description:
            'Events that meet the query are POSTed to `dest` as EPCISQueryDocuments, as soon as they are captured (`stream`) or at the times of a `schedule`. Identifiers come in the form that `GS1-EPC-Format` of this request asks for. What comes is described as the webhook `events`.',
          params: QUERY_PARAMS,
          body: Type.Object(
            {
              dest: Type.String({ description: 'An http or https URL without credentials, at a public address.' }),
              signatureToken: Type.Optional(TOKEN),
              secret: Type.Optional(TOKEN),
              initialRecordTime: Type.Optional(Type.String({ description: 'Events recorded from then on; now, where it is left out.' })),
              reportIfEmpty: Type.Optional(Type.Boolean({ description: 'Whether a run of the schedule is reported that finds nothing.' })),
              stream: Type.Optional(Type.Unsafe<unknown>({ description: 'true, and no schedule.' })),
              schedule: Type.Optional(Type.Unsafe<unknown>({ description: SCHEDULE })),
            },
            {
              additionalProperties: false,
              example: { dest: 'https://partner.example/epcis', signatureToken: '13df38d8275b13f05704629e5f1cf3d45d6132d5', stream: true },
            },
          ),
          response: { 201: Type.Unsafe<unknown>(SUBSCRIPTION) },
        },
      },
      async (request, reply) => {
        const type = accepted(request, JSON_TYPES);
        const { name } = await queryOf(readers, request.params.queryName);
        const { dest, signatureToken, secret, initialRecordTime, reportIfEmpty, ...timing } = request.body;
        if (signatureToken !== undefined && secret !== undefined && signatureToken !== secret)
          throw new LotlineError('REQ-FORM', 'signatureToken and secret differ', { at: '/secret', fix: 'Give one of them.' });
        parseDest(dest, { allowPrivate: settings.webhookAllowPrivate, at: '/dest' });
        if (initialRecordTime !== undefined) parseInitialRecordTime(initialRecordTime, '/initialRecordTime');
        const terms: Terms = {
          dest,
          token: signatureToken ?? secret ?? null,
          timing: parseTiming(timing, '/'),
          initialRecordTime: initialRecordTime ?? null,
          reportIfEmpty: reportIfEmpty ?? false,
          epcFormat: styleOf(request, settings.epcFormat).format,
        };
        const { subscriptions: max } = { ...API_LIMITS, ...limits };
        if ((await readers.look('keptCounts', {})).subscriptions >= max)
          throw new LotlineError('SUB-LIMIT', `${max} subscriptions are kept, and there is room for no more`, { fix: 'End one first.' });
        const id = randomUUID();
        const command = {
          kind: 'subscribe',
          id,
          query: name,
          from: initialRecordTime === undefined ? null : 0,
          terms: JSON.stringify(terms),
          progress: JSON.stringify(NOTHING_YET),
        } as const;
        const { done } = await capture.record(command, principalOf(request).id);
        const [made] = done ? await readers.look('subscriptions', { id, limit: 1 }) : [];
        if (made === undefined) throw noSuchQuery(name);
        return await reply
          .code(201)
          .header('location', `${pathOf(name)}/subscriptions/${id}`)
          .type(type)
          .send(answerOf(made));
      },
    );

    app.get(
      path,
      {
        config,
        schema: {
          tags,
          summary: 'List the subscriptions to a named query',
          description: 'Those of the key that asks, the oldest first; all of them for an admin.',
          params: QUERY_PARAMS,
          querystring: Type.Object(PAGE_PARAMETERS, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(Type.Array(SUBSCRIPTION)) },
        },
      },
      async (request, reply) => {
        const type = accepted(request, JSON_TYPES);
        const { name } = await queryOf(readers, request.params.queryName);
        const { id, roles } = principalOf(request);
        const page = pageOf(request.query);
        const found = await readers.look('subscriptions', {
          query: name,
          limit: page.limit + 1,
          ...placeOf(page),
          ...(!allows(roles, 'administer') && { actor: id }),
        });
        const list = found.slice(0, page.limit);
        const last = list.at(-1);
        if (found.length > page.limit && last !== undefined)
          linkNext(reply, `${pathOf(name)}/subscriptions`, request.query, `${last.created} ${last.id}`);
        return await reply.type(type).send(list.map(answerOf));
      },
    );

    app.get(
      `${path}/:subscriptionID`,
      {
        config,
        schema: {
          tags,
          summary: 'A subscription, and how its deliveries go',
          description: 'To the key that subscribed, or an admin. The token is never told.',
          params,
          response: { 200: Type.Unsafe<unknown>(SUBSCRIPTION) },
        },
      },
      async (request: OfSubscription, reply) => {
        const type = accepted(request, JSON_TYPES);
        return await reply.type(type).send(answerOf(await subscriptionOf(request)));
      },
    );

    app.delete(
      `${path}/:subscriptionID`,
      {
        config,
        schema: {
          tags,
          summary: 'End a subscription',
          params,
          response: { 204: Type.Unsafe<unknown>({ type: 'null', description: 'Ended.' }) },
        },
      },
      async (request: OfSubscription, reply) => {
        const { id } = await subscriptionOf(request);
        const { done } = await capture.record({ kind: 'unsubscribe', id }, principalOf(request).id);
        if (!done) throw noSuchSubscription();
        return await reply.code(204).send();
      },
    );
  };

  async function subscriptionOf(request: OfSubscription): Promise<Subscription> {
    const { queryName, subscriptionID } = request.params;
    await queryOf(readers, queryName);
    const [found] = await readers.look('subscriptions', { id: subscriptionID, query: queryName, limit: 1 });
    if (found === undefined) throw noSuchSubscription();
    mustOwn(request, found.actor);
    return found;
  }
}

function noSuchSubscription(): LotlineError {
  return new LotlineError('NOT-FOUND', 'the query has no such subscription', {
    at: '{subscriptionID}',
    fix: 'Take a subscriptionID from GET /epcis/queries/{queryName}/subscriptions.',
  });
}

function placeOf({ cursor }: Page): { after?: { created: number; id: string } } {
  if (cursor === null) return {};
  const [created = '', id = ''] = cursor.split(' ');
  return { after: { created: parseCursorNumber(created), id } };
}

/** Everything but the token (S-2). */
function answerOf(subscription: Subscription): Record<string, unknown> {
  const { id, terms, created, progress } = subscription;
  const { failures, failingSince, lastError, nextTry, lastNotified, ended } = progress;
  return {
    subscriptionID: id,
    dest: terms.dest,
    createdAt: timeOf(created),
    ...(lastNotified !== null && { lastNotifiedAt: timeOf(lastNotified) }),
    initialRecordTime: terms.initialRecordTime ?? timeOf(created),
    minRecordTime: minRecordTimeOf(subscription),
    epcFormat: terms.epcFormat,
    ...terms.timing,
    ...('schedule' in terms.timing && { reportIfEmpty: terms.reportIfEmpty }),
    delivery: {
      state: ended !== null ? 'ended' : failures > 0 ? 'failing' : 'well',
      failures,
      ...(failingSince !== null && { failingSince: timeOf(failingSince) }),
      ...(lastError !== null && { lastError }),
      ...(nextTry !== null && { nextTryAt: timeOf(nextTry) }),
      ...(ended !== null && { endedBecause: ended }),
    },
  };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();
