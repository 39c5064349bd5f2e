import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { allows, rolesWith } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Act } from '../../identity/acts.ts';
import { BIZ_STEP } from '../../identity/vocabulary.ts';
import { principalOf } from '../authenticate.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { bareEvent } from './act-events.ts';
import { type ActAnswer, newId, postAct, thingKey } from './acts.ts';
import { placeIn } from './checks.ts';
import { requireSite } from './site-scope.ts';
import { instantIn, offsetIn } from './times.ts';

const text = (description: string, maxLength = 300) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const THINGS_MAX = 500;
const SEALS_MAX = 50;

export const HANDOVER = {
  containers: Type.Optional(Type.Array(text('Any spelling.'), { maxItems: THINGS_MAX })),
  shipment: Type.Optional(text('The shipper or logistic unit, any spelling.')),
  giver: text('The personId of who gives it.', 100),
  receiver: text('The personId of who takes it.', 100),
  place: text('An SGLN, any spelling.'),
  seals: Type.Optional(Type.Array(text('The number of a seal.', 100), { maxItems: SEALS_MAX })),
  condition: Type.Optional(text('What it looked like. No personal data.', 500)),
  eventTime: Type.Optional(Type.String({ description: 'With zone; now when not given.' })),
};
const BODY = Type.Object(
  {
    ...HANDOVER,
    signatures: Type.Optional(
      Type.Array(Type.String({ maxLength: 500 }), {
        maxItems: 10,
        description: 'Signing tokens: of the giver (handed_over) and the receiver (received).',
      }),
    ),
  },
  { additionalProperties: false },
);
export type AskedHandover = Omit<Type.Static<typeof BODY>, 'signatures'>;

/** A hand-over as it is to be put on record, and the event that tells of it. */
export function readyHandover(
  asked: AskedHandover,
  { handoverId, time }: { handoverId: string; time: number },
): { body: Act<'handover'>; event: object } {
  const containers = (asked.containers ?? []).map((one, i) => thingKey(one, `/containers/${i}`));
  const shipment = asked.shipment === undefined ? null : thingKey(asked.shipment, '/shipment');
  const place = placeIn(asked.place) as string;
  const { giver, receiver, seals = [], condition = null } = asked;
  if (containers.length === 0 && shipment === null)
    throw new LotlineError('REQ-FORM', 'nothing is handed over', { at: '/containers', fix: 'Name the containers or the shipment.' });
  const body = { handoverId, containers, shipment, giver, receiver, place, seals, condition };
  const event = bareEvent({
    bizStep: BIZ_STEP.handingOver,
    time,
    offset: offsetIn(asked.eventTime),
    things: shipment === null ? containers : [shipment],
    place,
    coi: {},
  });
  return { body, event };
}

/** Custody: who had it, from hand to hand (INV-17). Whoever carries knows shipments and seals, and nothing of whose they are. */
export function handoverRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];
    const config = { roles: rolesWith('custody') };
    const seesChains = (roles: readonly string[]) => allows(roles, 'identity');

    app.post(
      '/identity/handovers',
      {
        config,
        schema: {
          tags,
          summary: 'Hand over',
          description: 'Both parties sign. Gaps and other seals are flagged, not refused.',
          body: BODY,
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{handoverId, ok, entry, findings, holds}' }) },
        },
      },
      async (request, reply) => {
        const { signatures = [], ...asked } = request.body;
        const time = instantIn(asked.eventTime, '/eventTime') ?? Date.now();
        const handoverId = newId('ho');
        const { body, event } = readyHandover(asked, { handoverId, time });
        requireSite(request, body.place);
        const answer = await postAct(deps, request, { kind: 'handover', id: handoverId, body, time, tokens: signatures, event });
        const named = new Set([...body.containers, body.shipment]);
        return await reply.code(201).send({ handoverId, ...(seesChains(principalOf(request).roles) ? answer : forCarrier(answer, named)) });
      },
    );

    app.get(
      '/identity/shipments',
      {
        config,
        schema: {
          tags,
          summary: 'Find shipments by the number of a seal',
          description: 'As they were handed over last. Nothing of whose they are.',
          querystring: Type.Object({ seal: text('Without case and spaces.', 100) }, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{shipments:[{shipment, seals, time, place}]}' }) },
        },
      },
      async (request) => {
        const shipments = await deps.readers.look('shipmentsBySeal', { seal: request.query.seal });
        return { shipments: shipments.map(({ time, ...one }) => ({ ...one, time: new Date(time).toISOString() })) };
      },
    );

    app.get(
      '/identity/custody/:thing',
      {
        config,
        schema: {
          tags,
          summary: 'Who had a shipment or container, and the gaps',
          params: Type.Object({ thing: text('Percent-encoded, any spelling.') }),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description: '{thing, handovers:[{handoverId, seq, time, giver, receiver, place, seals, gap}], gaps}',
            }),
          },
        },
      },
      async (request) => {
        const thing = thingKey(request.params.thing, '{thing}');
        const custody = await deps.readers.look('custodyOf', { thing });
        if (custody === null)
          throw new LotlineError('NOT-FOUND', 'no hand-over of it is on record', {
            at: '{thing}',
            fix: 'Check the identifier, or the seal.',
          });
        const handovers = custody.handovers.map(({ time, ...one }) => ({ ...one, time: new Date(time).toISOString() }));
        return { thing, handovers, gaps: custody.gaps };
      },
    );
  };
}

/** To who carries it: that something is wrong with what they named, and nothing of what is inside or of whom it is. */
function forCarrier(answer: ActAnswer, named: ReadonlySet<string | null>): ActAnswer {
  const findings = answer.findings.map((one) => ({ ...one, things: one.things.filter((thing) => named.has(thing)) }));
  return { ...answer, findings, holds: [] };
}
