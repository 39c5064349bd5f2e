import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { PURPOSES, type Purpose, rolesWith } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { LookBack } from '../../identity/answers/look-back.ts';
import { chainKey } from '../../identity/vocabulary.ts';
import { reportPdf } from '../../query/report-pdf.ts';
import type { ApiDeps } from '../deps.ts';
import { wanted } from '../limits.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from '../paging.ts';
import { found } from '../things.ts';
import { thingKey } from './acts.ts';
import { audited, READ_HEADERS } from './audited.ts';

const CHAIN = Type.Object({
  coiId: Type.String({ minLength: 6, maxLength: 32, description: 'Identifier of the chain; compared without case.' }),
});
const THING = Type.Object({
  thing: Type.String({ maxLength: 2_000, description: 'A container or any thing, in any spelling, percent-encoded.' }),
});
const ANSWER = (description: string) => ({ 200: Type.Unsafe<unknown>({ type: 'object', description }) });
const FROM = Type.String({ format: 'date-time', description: 'From then on.' });
const TO = Type.String({ format: 'date-time', description: 'Before then.' });

/** Questions about chains of identity (identity-wire.md §4, domain.md §11). */
export function chainRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  const { readers } = deps;
  return async (app) => {
    const config = { roles: rolesWith('identity') };
    const tags = ['Chain of identity'];

    app.get(
      '/identity/chains/:coiId',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'What happened on a chain',
          description: 'Events, checks, hand-overs, releases, states and findings in order of time. Needs X-Purpose.',
          params: CHAIN,
          response: ANSWER(
            '{coiId, orderId, state, timeline:[{seq, kind, eventTime, recordTime, step?, result?, signatures, things, place?, offline?, correctedTime?}], findings, holds, view}',
          ),
        },
      },
      async (request) => {
        const chain = chainKey(request.params.coiId);
        await audited(deps, request, { chains: [chain] });
        return found(await readers.ask('chainTimeline', { chain, now: Date.now() }, wanted(request)), chain);
      },
    );

    app.get(
      '/identity/containers/:thing',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Whose material a container is',
          description: 'By its genealogy (`computed`), and as events state it (`stated`); a mix has several chains. Needs X-Purpose.',
          params: THING,
          response: ANSWER(
            '{key, binding:{kind, chain|donor, stated, computed}, aliases, kind, from, attempt, volume, bag, expiry, place, end, holds, rebound}',
          ),
        },
      },
      async (request) => {
        const key = thingKey(request.params.thing, '{thing}');
        await audited(deps, request);
        const answer = found(await readers.ask('containerIdentity', { key }, wanted(request)), key);
        await audited(deps, request, { chains: [answer.binding.chain ?? []].flat() });
        return answer;
      },
    );

    app.get(
      '/identity/chains/:coiId/report',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'The COI/COC report of a chain',
          description: 'As JSON it can be verified offline (`lotline verify-report`); as PDF it can be filed. Needs X-Purpose.',
          params: CHAIN,
          querystring: Type.Object(
            { format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('pdf')], { description: 'json when not given.' })) },
            { additionalProperties: false },
          ),
          produces: ['application/json', 'application/pdf'],
          response: ANSWER('{report, version, question, scope, asOf, sources, sections, log, unsigned, world, entries, attachments}'),
        },
      },
      async (request, reply) => {
        const chain = chainKey(request.params.coiId);
        await audited(deps, request, { chains: [chain] });
        const report = found(await readers.ask('chainReport', { chain, now: Date.now(), vkey: deps.vkey }, wanted(request)), chain);
        if (request.query.format !== 'pdf') return report;
        const pdf = await reportPdf(report);
        return await reply.type('application/pdf').header('content-disposition', `inline; filename="${chain}.pdf"`).send(pdf);
      },
    );

    app.get(
      '/identity/chains/:coiId/copresence',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Whose material was in the same place at the same time',
          description: 'Spaces, locations and containers (shippers, freezers) of this chain, and of others at the time. Needs X-Purpose.',
          params: CHAIN,
          querystring: Type.Object(
            { step: Type.Optional(Type.String({ maxLength: 40, description: 'Only where this step was done.' })) },
            { additionalProperties: false },
          ),
          response: ANSWER('{coiId, stays, together:[{coiId, kind, place, own, other, from, until, minutes}], complete}'),
        },
      },
      async (request) => {
        const chain = chainKey(request.params.coiId);
        await audited(deps, request, { chains: [chain] });
        const answer = await readers.ask('chainCoPresence', { chain, ...request.query, now: Date.now() }, wanted(request));
        return found(answer, chain);
      },
    );

    app.get(
      '/identity/chains/:coiId/reads',
      {
        config: { roles: rolesWith('audit') },
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Who looked at a chain, and why',
          description: 'Newest first; this read is on record with the next. Needs X-Purpose.',
          params: CHAIN,
          querystring: Type.Object(
            {
              person: Type.Optional(Type.String({ maxLength: 100, description: 'Id of a person or key.' })),
              purpose: Type.Optional(Type.Unsafe<Purpose>({ type: 'string', enum: PURPOSES, description: 'What it was read for.' })),
              from: Type.Optional(FROM),
              to: Type.Optional(TO),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: ANSWER('{coiId, reads:[{id, seq, at, by, name, purpose, what, chains, patients, donors, breakGlass}]}'),
        },
      },
      async (request, reply) => {
        const chain = chainKey(request.params.coiId);
        await audited(deps, request);
        found(await readers.look('chainView', { chain }), chain);
        const page = pageOf(request.query);
        const before = numberCursor(page);
        const { person, purpose, from, to } = request.query;
        const args = {
          chain,
          limit: page.limit,
          ...(before !== undefined && { before }),
          ...(person !== undefined && { person }),
          ...(purpose !== undefined && { purpose }),
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
        };
        const { list, next } = await readers.ask('reads', args, wanted(request));
        await audited(deps, request, { chains: [chain] });
        if (next !== null) linkNext(reply, `/api/v1/identity/chains/${chain}/reads`, request.query, String(next));
        return { coiId: chain, reads: list };
      },
    );

    app.get(
      '/identity/chains/:coiId/materials',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Everything that went into a chain',
          description:
            'Materials, donors, steps, people, equipment, shipments and results, backwards from the patient. The inverse of /identity/exposed. Needs X-Purpose.',
          params: CHAIN,
          response: ANSWER('{coiId, materials, donors, steps, people, equipment, shipments, results, complete}'),
        },
      },
      async (request) => {
        const chain = chainKey(request.params.coiId);
        await audited(deps, request, { chains: [chain] });
        return found(await readers.ask('materials', { chain, now: Date.now() }, wanted(request)), chain);
      },
    );

    app.get(
      '/identity/exposed',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Whose cells met a material, equipment or donor',
          description: 'Chains by pseudonym, with dose, date and site. Name one of the three. Needs X-Purpose.',
          querystring: Type.Object(
            {
              material: Type.Optional(Type.String({ maxLength: 2_000, description: 'A lot or thing, in any spelling.' })),
              equipment: Type.Optional(Type.String({ maxLength: 2_000, description: 'A space, read point or location.' })),
              donor: Type.Optional(Type.String({ maxLength: 100, description: 'A donorRef.' })),
            },
            { additionalProperties: false },
          ),
          response: ANSWER('{of, kind, chains:[{coiId, patientRef, orderId, state, site, containers, doses}], complete}'),
        },
      },
      async (request) => {
        const { material, equipment, donor } = request.query;
        await audited(deps, request);
        const args = oneOf({
          ...(material !== undefined && { material: thingKey(material, '?material') }),
          ...(equipment !== undefined && { equipment: placeKey(equipment) }),
          ...(donor !== undefined && { donor }),
        });
        const answer = found(await readers.ask('exposed', args, wanted(request)), Object.values(args)[0] as string);
        await audited(deps, request, { chains: answer.chains.map(({ coiId }) => coiId), ...(donor !== undefined && { donors: [donor] }) });
        return answer;
      },
    );

    app.get(
      '/identity/missing-checks',
      {
        config,
        schema: {
          tags,
          headers: READ_HEADERS,
          summary: 'Identity checks that are missing, late, failed or of one person',
          description: 'Against the template that each order pins. Needs X-Purpose.',
          querystring: Type.Object(
            {
              coiId: Type.Optional(CHAIN.properties.coiId),
              site: Type.Optional(Type.String({ maxLength: 200, description: 'A location, in any spelling.' })),
              from: Type.Optional(FROM),
              to: Type.Optional(TO),
            },
            { additionalProperties: false },
          ),
          response: ANSWER('{list:[{coiId, orderId, site, step, attempt, problem, checks, things, eventTime, seq}], complete}'),
        },
      },
      async (request) => {
        const { coiId, site, from, to } = request.query;
        const chain = coiId === undefined ? undefined : chainKey(coiId);
        await audited(deps, request);
        const args = {
          ...(chain !== undefined && { chain }),
          ...(site !== undefined && { site: placeKey(site) }),
          ...(from !== undefined && { from: Date.parse(from) }),
          ...(to !== undefined && { to: Date.parse(to) }),
          now: Date.now(),
        };
        if (chain !== undefined) found(await readers.look('chainView', { chain }), chain);
        const answer = await readers.ask('missingIdentityChecks', args, wanted(request));
        await audited(deps, request, {
          chains: [...new Set([...(chain === undefined ? [] : [chain]), ...answer.list.map((one) => one.coiId)])],
        });
        return answer;
      },
    );
  };
}

/** A place as events have it: a location key where it is one, else the text. */
export function placeKey(text: string): string {
  try {
    return thingKey(text, '');
  } catch {
    return text;
  }
}

type Asked = { material: string } | { equipment: string } | { donor: string };

function oneOf(given: Partial<Record<'material' | 'equipment' | 'donor', string>>): Asked {
  if (Object.keys(given).length === 1) return given as Asked;
  throw new LotlineError('REQ-FORM', 'not exactly one of material, equipment and donor is given', {
    at: '?material',
    fix: 'Give one of them.',
  });
}

/** Exactly one thing that a look-back begins with. */
export function lookBackOf(
  { donor, chain, lot }: { donor?: string | undefined; chain?: string | undefined; lot?: string | undefined },
  at: string,
): LookBack['of'] {
  const given = [
    ...(donor === undefined ? [] : [{ donor }]),
    ...(chain === undefined ? [] : [{ chain: chainKey(chain) }]),
    ...(lot === undefined ? [] : [{ lot: thingKey(lot, `${at}lot`) }]),
  ];
  const [only] = given;
  if (only !== undefined && given.length === 1) return only;
  throw new LotlineError('REQ-FORM', 'not exactly one of donor, chain and lot is given', { at: `${at}donor`, fix: 'Give one of them.' });
}
