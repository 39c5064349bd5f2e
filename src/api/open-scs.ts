import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError, type Problem } from '../errors.ts';
import {
  EVENT_MESSAGES,
  type EventMessage,
  eventOf,
  isPoolMessage,
  LABELS_MAX,
  MESSAGES_MAX,
  POOL_MESSAGES,
  type PoolMessage,
} from '../integrations/open-scs.ts';
import { checkImported, refuseTwice } from '../numbers/index.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { GRANT_MAX, grantOnce, LIST_BODY_MAX, nameText, newId } from './pools.ts';

const TEXT = Type.String({ minLength: 1, maxLength: 300, pattern: '^[^\\u0000]*$' });
const GLN = Type.String({ pattern: '^\\d{13}$' });
const SERIALS = Type.Array(Type.String({ minLength: 1, maxLength: 20, pattern: '^[^\\u0000]*$' }), { minItems: 1, maxItems: LABELS_MAX });

/** One message; which members it needs depends on its name (docs/numbers.md). */
const MESSAGE = Type.Object(
  {
    message: Type.Unsafe<PoolMessage | EventMessage>({
      type: 'string',
      enum: [...Object.keys(POOL_MESSAGES), ...Object.keys(EVENT_MESSAGES)],
    }),
    pool: Type.Optional(Type.String({ maxLength: 100, description: 'Of messages about numbers.' })),
    quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: GRANT_MAX })),
    requester: Type.Optional(nameText('No personal data.')),
    run: Type.Optional(nameText('The id of a batch, or a name of your own.')),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        pattern: '^[\\x21-\\x7e]+$',
        description: 'The same request with the same key is the same grant.',
      }),
    ),
    purged: Type.Optional(Type.Boolean()),
    eventTime: Type.Optional(Type.String({ maxLength: 40 })),
    eventTimeZoneOffset: Type.Optional(Type.String({ maxLength: 10 })),
    serialFormat: Type.Optional(
      Type.Union([
        Type.Object({ gtin: Type.String({ maxLength: 40 }) }, { additionalProperties: false }),
        Type.Object({ sscc: Type.Literal(true) }, { additionalProperties: false }),
      ]),
    ),
    labels: Type.Optional(
      Type.Object(
        { serials: SERIALS, lot: Type.Optional(TEXT), expiry: Type.Optional(TEXT), madeDate: Type.Optional(TEXT) },
        { additionalProperties: false },
      ),
    ),
    parent: Type.Optional(TEXT),
    readPoint: Type.Optional(GLN),
    bizLocation: Type.Optional(GLN),
    context: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{0,30}$' }), TEXT, { additionalProperties: false, maxProperties: 20 }),
    ),
  },
  { additionalProperties: false },
);
type Message = Static<typeof MESSAGE>;

const RESULT = Type.Object({
  index: Type.Integer(),
  message: Type.String(),
  status: Type.Union([Type.Literal('accepted'), Type.Literal('repeated'), Type.Literal('refused')]),
  eventID: Type.Optional(Type.String()),
  grantId: Type.Optional(Type.String()),
  serials: Type.Optional(Type.Array(Type.String())),
  problem: Type.Optional(Type.Unsafe<Problem>({ type: 'object', description: 'RFC 9457; `at` points into the message.' })),
});
type Done = Omit<Static<typeof RESULT>, 'index' | 'message' | 'problem'>;

const LIMITS = Type.Object({ maxEventsPerCall: Type.Integer(), maxLabelsPerEvent: Type.Integer(), messages: Type.Array(Type.String()) });

/** OPEN-SCS messages in JSON (domain.md §4.2): what they tell goes the ordinary road, what they ask is asked of the pools. */
export function openScsRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  const grantOf = async (id: string): Promise<Done> => {
    const answer = await readers.ask('grantedNumbers', { id });
    return { status: 'accepted', grantId: id, serials: answer?.serials ?? [] };
  };
  const aboutNumbers = async (one: Message, name: PoolMessage, actor: string): Promise<Done> => {
    const pool = needed(one, 'pool');
    const { run = '', requester = actor, key = null } = one;
    const act = POOL_MESSAGES[name];
    if (name.endsWith('Allocated') && act !== 'return') needed(one, 'run');
    if (act === 'grant')
      return await grantOf(await grantOnce({ readers, capture }, { pool, quantity: needed(one, 'quantity'), requester, run, key }, actor));
    const { serials } = needed(one, 'labels');
    refuseTwice(serials, '/labels/serials');
    if (act === 'import') {
      const known = await readers.look('pool', { id: pool });
      if (known !== null) checkImported({ alphabet: known.alphabet, length: known.length, head: known.sscc ?? '' }, serials);
      const id = newId('grant');
      const grant = name === 'SNtoAllocated' ? { grant: { id, requester, run } } : {};
      await capture.record({ kind: 'import-numbers', pool, numbers: serials.map((serial) => [serial, null]), ...grant }, actor);
      return { status: 'accepted', ...(name === 'SNtoAllocated' && { grantId: id }) };
    }
    const purged = act === 'return' ? needed(one, 'purged') : false;
    const { done } = await capture.record({ kind: 'return-numbers', pool, serials, purged }, actor);
    return { status: done ? 'accepted' : 'repeated' };
  };
  const whatHappened = async (one: Message, message: EventMessage, actor: string): Promise<Done> => {
    const event = eventOf({
      ...one,
      message,
      eventTime: needed(one, 'eventTime'),
      serialFormat: needed(one, 'serialFormat'),
      labels: needed(one, 'labels'),
    });
    const { first, errors } = await capture.captureEvent({ body: Buffer.from(JSON.stringify(event)), actor });
    if (first !== null) return { status: first.duplicate ? 'repeated' : 'accepted', eventID: first.eventID };
    const [error] = errors as [Problem];
    throw new LotlineError(error.code, error.title, { at: error.at, fix: error.fix, ...(error.things && { things: error.things }) });
  };
  return async (app) => {
    readSmallJson(app, LIST_BODY_MAX);
    const tags = ['Serial numbers'];
    const config = { roles: rolesWith('numbers').filter((role) => rolesWith('capture').includes(role)) };

    app.get(
      '/open-scs',
      {
        config,
        schema: {
          tags,
          summary: 'What OPEN-SCS messages are taken',
          description: 'How many in one call, and by which names.',
          response: { 200: Type.Unsafe<unknown>(LIMITS) },
        },
      },
      async () => ({
        maxEventsPerCall: MESSAGES_MAX,
        maxLabelsPerEvent: LABELS_MAX,
        messages: [...Object.keys(POOL_MESSAGES), ...Object.keys(EVENT_MESSAGES)],
      }),
    );

    app.post(
      '/open-scs',
      {
        config,
        schema: {
          tags,
          summary: 'OPEN-SCS messages, in JSON',
          description:
            'In the order given, each with a status of its own: one that is refused does not keep back those behind it. A message that is sent again is `repeated` and has no second effect.',
          body: Type.Object(
            { messages: Type.Array(MESSAGE, { minItems: 1, maxItems: MESSAGES_MAX }) },
            {
              additionalProperties: false,
              example: {
                messages: [
                  {
                    message: 'SIDCommissioningEvent',
                    eventTime: '2026-03-01T08:00:00+01:00',
                    serialFormat: { gtin: '09520123000110' },
                    labels: { serials: ['7GX2K9QMPT4A'], lot: 'L1', expiry: '2028-02-29' },
                  },
                ],
              },
            },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ results: Type.Array(RESULT) })) },
        },
      },
      async (request) => {
        const actor = principalOf(request).id;
        const results: unknown[] = [];
        for (const [index, one] of request.body.messages.entries()) {
          const { message } = one;
          try {
            const done = isPoolMessage(message) ? await aboutNumbers(one, message, actor) : await whatHappened(one, message, actor);
            results.push({ index, message, ...done });
          } catch (error) {
            // A store that is busy, or a fault of ours, is not the message's: the caller sends them all again.
            if (!(error instanceof LotlineError) || error.code === 'REQ-BUSY') throw error;
            results.push({ index, message, status: 'refused', problem: error.toProblem() });
          }
        }
        return { results };
      },
    );
  };
}

function needed<Name extends keyof Message>(one: Message, name: Name): NonNullable<Message[Name]> {
  const value = one[name];
  if (value !== undefined && value !== null) return value as NonNullable<Message[Name]>;
  throw new LotlineError('REQ-FORM', `${one.message} needs ${name}`, {
    at: `/${name}`,
    fix: 'See docs/numbers.md for what each message has.',
  });
}
