import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { wanted } from '../limits.ts';
import { found } from '../things.ts';
import { newId, postAct, thingKey } from './acts.ts';
import { audited, READ_HEADERS } from './audited.ts';
import { temperatureChart } from './temperature-chart.ts';

/** Temperatures of cell shipments (domain.md §14): what is told of them, and quality's verdict. */
export function excursionRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];

    app.post(
      '/identity/excursions',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          summary: 'A verdict on the temperatures of a shipment',
          description:
            'By quality (`approved` or `resolved`), and by nobody who handed it over. After `accept` what was told of it before is found no longer, and the minutes stay used up; holds are lifted by themselves.',
          body: Type.Object(
            {
              shipment: Type.String({ minLength: 1, maxLength: 300, description: 'The shipper, in any spelling.' }),
              verdict: Type.Union([Type.Literal('accept'), Type.Literal('reject')]),
              reason: Type.String({ minLength: 1, maxLength: 2_000, pattern: '^[^\\u0000]*$', description: 'No personal data.' }),
              signatures: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' })),
            },
            { additionalProperties: false },
          ),
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{excursionId, ok, entry, findings, holds}' }) },
        },
      },
      async (request, reply) => {
        const { verdict, reason, signatures = [] } = request.body;
        const excursionId = newId('ex');
        const body = { excursionId, shipment: thingKey(request.body.shipment, '/shipment'), verdict, reason };
        const answer = await postAct(deps, request, { kind: 'excursion', id: excursionId, body, tokens: signatures });
        return await reply.code(201).send({ excursionId, ...answer });
      },
    );

    app.get(
      '/identity/shipments/:thing/temperature',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'The temperatures of a shipment',
          description:
            'Each series summed up, with its excursions and gaps, what was inside then, and what was not, with the reason; minutes used up over the life of each container; verdicts. `format=svg` draws it. Needs X-Purpose.',
          params: Type.Object({ thing: Type.String({ maxLength: 2_000, description: 'The shipper, in any spelling, percent-encoded.' }) }),
          querystring: Type.Object(
            { format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('svg')], { description: 'json when not given.' })) },
            { additionalProperties: false },
          ),
          produces: ['application/json', 'image/svg+xml'],
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{shipment, chains, series:[{subject, device, stage, limits, from, to, readings, periodSeconds, min, max, mean, mkt, excursions, gaps, tilts, calibratedUntil, events, points}], budgets, findings, verdicts, complete}',
            }),
          },
        },
      },
      async (request, reply) => {
        const thing = thingKey(request.params.thing, '{thing}');
        await audited(deps, request);
        const answer = found(await deps.readers.ask('shipmentTemperature', { thing, now: Date.now() }, wanted(request)), thing);
        await audited(deps, request, { chains: answer.chains });
        if (request.query.format === 'svg')
          return await reply
            .type('image/svg+xml; charset=utf-8')
            .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
            .send(temperatureChart(answer));
        const iso = (ms: number) => new Date(ms).toISOString();
        const instant = (ms: number | null) => (ms === null ? null : iso(ms));
        const outs = (list: (typeof answer.series)[number]['excursions']) =>
          list.map((one) => ({ ...one, from: iso(one.from), to: iso(one.to) }));
        return {
          ...answer,
          series: answer.series.map(({ periodMs, ...one }) => ({
            ...one,
            from: instant(one.from),
            to: instant(one.to),
            periodSeconds: periodMs === null ? null : periodMs / 1_000,
            excursions: outs(one.excursions),
            gaps: outs(one.gaps),
            tilts: one.tilts.map(iso),
            calibratedUntil: instant(one.calibratedUntil),
            points: one.points.map(([ms, celsius]) => [iso(ms), celsius]),
          })),
          verdicts: answer.verdicts.map((one) => ({ ...one, time: iso(one.time) })),
        };
      },
    );
  };
}
