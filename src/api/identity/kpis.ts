import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import type { ApiDeps } from '../deps.ts';
import { wanted } from '../limits.ts';
import { audited, READ_HEADERS } from './audited.ts';
import { placeKey } from './chains.ts';

/** Reads of patient data that one answer looks at. */
const READS_MAX = 10_000;
const FROM = Type.String({ format: 'date-time', description: 'From then on.' });
const TO = Type.String({ format: 'date-time', description: 'Before then.' });

/** Figures about orders (domain.md §16). */
export function kpiRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/identity/kpis',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags: ['Chain of identity'],
          headers: READ_HEADERS,
          summary: 'Figures of chains of identity',
          description:
            'Each with its formula, numerator, denominator, what was counted and what was left out. Nothing to count is null. Needs X-Purpose.',
          querystring: Type.Object(
            {
              from: Type.Optional(FROM),
              to: Type.Optional(TO),
              site: Type.Optional(Type.String({ maxLength: 200, description: 'A location, in any spelling.' })),
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{kpis:[{kpi, formula, version, says, unit, filters, asOf, numerator, denominator, value, p90?, counted, excluded, restated}], complete}',
            }),
          },
        },
      },
      async (request) => {
        const { from, to, site } = request.query;
        await audited(deps, request);
        const period = { from: from === undefined ? null : Date.parse(from), to: to === undefined ? null : Date.parse(to) };
        const read = await deps.readers.ask(
          'reads',
          { limit: READS_MAX, ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
          wanted(request),
        );
        const due = read.list.filter(({ breakGlass }) => breakGlass !== null);
        const reads = {
          due: due.map(({ id }) => id),
          reviewed: due.filter(({ breakGlass }) => breakGlass?.approved != null).map(({ id }) => id),
        };
        const asked = { ...period, site: site === undefined ? null : placeKey(site), now: Date.now(), reads };
        const answer = await deps.readers.ask('identityKpis', asked, wanted(request));
        await audited(deps, request, { chains: answer.chains });
        return { kpis: answer.kpis, complete: answer.complete && read.next === null };
      },
    );
  };
}
