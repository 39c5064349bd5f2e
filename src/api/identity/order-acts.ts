import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import { keyboardCheckCharacter, readBagKey } from '../../identifiers/index.ts';
import { verdictOf } from '../../identity/orders/results.ts';
import type { ChainView } from '../../identity/view.ts';
import { BIZ_STEP, IDENTITY_NAMESPACE } from '../../identity/vocabulary.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { bareEvent } from './act-events.ts';
import { newId, postAct, thingKey } from './acts.ts';
import { coiIn } from './orders.ts';

const text = (description: string, maxLength = 300) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const reason = text('Why; no personal data.', 2_000);
const SIGNATURES = Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' }));
const thing = text('Any spelling of it.');
const orderId = text('From POST /api/v1/identity/orders.', 100);
const LAYOUTS = ['bag', 'sample', 'shipper'] as const;
const count = Type.Integer({ minimum: 0, maximum: 100_000 });
const answers = (members: string) => Type.Unsafe<unknown>({ type: 'object', description: `{${members}, ok, entry, findings, holds}` });

/** What people vouch for about an order besides its states and checks: labels, allocation, rebinding, holds, results, the out-of-specification path, products, clearances. */
export function orderActRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];
    const as = (...rights: Parameters<typeof rolesWith>[0][]) => ({ roles: [...new Set(rights.flatMap((right) => rolesWith(right)))] });

    app.post(
      '/identity/labels',
      {
        config: as('order', 'check'),
        schema: {
          tags,
          summary: 'Print labels for an order',
          description:
            'Counts them (INV-14) and says what stands on them; the printing is by POST /api/v1/labels/bag, or by the station at the site, which puts the name into its place. A reprint needs a reason and a second person, and makes the job before it void.',
          body: Type.Object(
            {
              orderId,
              container: Type.Optional(thing),
              layout: Type.Unsafe<(typeof LAYOUTS)[number]>({ type: 'string', enum: LAYOUTS }),
              copies: Type.Integer({ minimum: 1, maximum: 1_000 }),
              reprintOf: Type.Optional(text('The job that is printed again.', 100)),
              reason: Type.Optional(reason),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('jobId, label') },
        },
      },
      async (request, reply) => {
        const { layout, copies, reprintOf = null, reason: why = null, signatures = [], ...asked } = request.body;
        const container = asked.container === undefined ? null : thingKey(asked.container, '/container');
        const jobId = newId('lj');
        const view = await orderChain(deps, asked.orderId);
        const known = container !== null && view.containers.some((one) => one.key === container || one.aliases.includes(container));
        const time = Date.now();
        const answer = await postAct(deps, request, {
          kind: 'labels',
          id: jobId,
          body: { jobId, orderId: asked.orderId, container, layout, copies, reprintOf, reason: why },
          time,
          tokens: signatures,
          ...(known && {
            event: bareEvent({
              bizStep: BIZ_STEP.printingLabels,
              time,
              offset: '+00:00',
              things: [container],
              place: null,
              coi: { chain: view.chain, order: asked.orderId, step: 'labels' },
            }),
          }),
        });
        return await reply.code(201).send({ jobId, label: labelOf(view, container, copies), ...answer });
      },
    );

    app.post(
      '/identity/labels/:jobId/close',
      {
        config: as('order', 'check'),
        schema: {
          tags,
          summary: 'Account for the labels of a job',
          description: 'printed = applied + spoiled + returned + inRecord, or a hold (INV-14). Counted again, the last count holds.',
          params: Type.Object({ jobId: Type.String({ maxLength: 100, description: 'From POST /api/v1/identity/labels.' }) }),
          body: Type.Object(
            { applied: count, spoiled: count, returned: count, inRecord: count, signatures: SIGNATURES },
            { additionalProperties: false },
          ),
          response: { 200: answers('jobId, state') },
        },
      },
      async (request) => {
        const { jobId } = request.params;
        const { signatures = [], ...counts } = request.body;
        const id = newId('lc');
        const answer = await postAct(deps, request, { kind: 'labels-close', id, body: { jobId, ...counts }, tokens: signatures });
        const job = await deps.readers.look('labelJob', { jobId });
        return { jobId, state: job?.state ?? 'open', counts: job?.counts ?? null, copies: job?.copies ?? null, ...answer };
      },
    );

    app.post(
      '/identity/allocations',
      {
        config: as('order', 'quality'),
        schema: {
          tags,
          summary: 'Allocate donor-bound cells to an order',
          description:
            "To one order at a time, and never after they were opened or thawed; another patient's cells never (INV-07, INV-26).",
          body: Type.Object(
            {
              container: thing,
              orderId,
              match: Type.Optional(
                Type.Array(
                  Type.Object(
                    {
                      criterion: text('Such as HLA; never its values.', 100),
                      pass: Type.Boolean(),
                      rules: text('Version of the rules.', 100),
                    },
                    { additionalProperties: false },
                  ),
                  { maxItems: 50 },
                ),
              ),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('allocationId') },
        },
      },
      async (request, reply) => {
        const { match = [], signatures = [] } = request.body;
        const container = thingKey(request.body.container, '/container');
        const allocationId = newId('al');
        const body = { allocationId, container, orderId: request.body.orderId, match };
        const answer = await postAct(deps, request, { kind: 'allocation', id: allocationId, body, tokens: signatures });
        return await reply.code(201).send({ allocationId, ...answer });
      },
    );

    app.delete(
      '/identity/allocations/:id',
      {
        config: as('order', 'quality'),
        schema: {
          tags,
          summary: 'Release an allocation',
          description: 'With a signature, and only before the container was opened for its order.',
          params: Type.Object({ id: Type.String({ maxLength: 100, description: 'From POST /api/v1/identity/allocations.' }) }),
          body: Type.Object({ reason, signatures: SIGNATURES }, { additionalProperties: false }),
          response: { 200: answers('allocationId') },
        },
      },
      async (request) => {
        const { id } = request.params;
        const allocation = await deps.readers.look('allocationOf', { id });
        if (allocation === null)
          throw new LotlineError('NOT-FOUND', 'there is no such allocation', {
            at: '{id}',
            fix: 'Take an id from POST /api/v1/identity/allocations.',
          });
        const body = { allocationId: id, ...allocation, reason: request.body.reason };
        const answer = await postAct(deps, request, { kind: 'deallocation', id: newId('de'), body, tokens: request.body.signatures ?? [] });
        return { allocationId: id, ...answer };
      },
    );

    app.post(
      '/identity/rebindings',
      {
        config: as('quality', 'check'),
        schema: {
          tags,
          summary: 'Bind a container whose patient is unknown, by evidence',
          description: 'Two people, one of quality, and two pieces of evidence of different kinds. It stays marked for ever (INV-06).',
          body: Type.Object(
            {
              container: thing,
              chain: text('coiId.', 32),
              evidence: Type.Array(
                Type.Object(
                  {
                    kind: text('Such as position, cassette, weight, marker, photo.', 50),
                    text: Type.Optional(text('What it says; no personal data.', 1_000)),
                    scan: Type.Optional(text('What the scanner sent.', 500)),
                    by: Type.Optional(text('A personId.', 100)),
                  },
                  { additionalProperties: false },
                ),
                { minItems: 1, maxItems: 20 },
              ),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('rebindingId') },
        },
      },
      async (request, reply) => {
        const { signatures = [] } = request.body;
        const container = thingKey(request.body.container, '/container');
        const chain = coiIn(request.body.chain, '/chain');
        const evidence = request.body.evidence.map((one) => ({ kind: one.kind, text: one.text ?? one.scan ?? '', by: one.by ?? null }));
        const rebindingId = newId('rb');
        const answer = await postAct(deps, request, {
          kind: 'rebinding',
          id: rebindingId,
          body: { rebindingId, container, chain, evidence },
          tokens: signatures,
        });
        return await reply.code(201).send({ rebindingId, ...answer });
      },
    );

    app.post(
      '/identity/holds',
      {
        config: as('quality', 'order'),
        schema: {
          tags,
          summary: 'Hold things, or a chain',
          description: 'Many at once; everything that was made from a thing is held with it.',
          body: Type.Object(
            {
              things: Type.Optional(Type.Array(thing, { maxItems: 1_000 })),
              chain: Type.Optional(text('coiId.', 32)),
              reason,
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('holdId') },
        },
      },
      async (request, reply) => {
        const { things = [], chain, signatures = [] } = request.body;
        const keys = things.map((one, i) => thingKey(one, `/things/${i}`));
        const holdId = newId('hd');
        const body = { holdId, things: keys, chain: chain === undefined ? null : coiIn(chain, '/chain'), reason: request.body.reason };
        const answer = await postAct(deps, request, { kind: 'hold', id: holdId, body, tokens: signatures });
        return await reply.code(201).send({ holdId, ...answer });
      },
    );

    app.delete(
      '/identity/holds/:id',
      {
        config: as('quality'),
        schema: {
          tags,
          summary: 'Lift a hold',
          description: 'One, by quality (`resolved`), and not by who placed it; one that protects a patient by two of quality.',
          params: Type.Object({ id: Type.String({ maxLength: 200, description: 'Of a hold in force, from the chain or the container.' }) }),
          body: Type.Object({ reason: Type.Optional(reason), signatures: SIGNATURES }, { additionalProperties: false }),
          response: { 200: answers('holdId') },
        },
      },
      async (request) => {
        const { id: holdId } = request.params;
        const body = { holdId, reason: request.body.reason ?? null };
        const answer = await postAct(deps, request, { kind: 'hold-lift', id: newId('hl'), body, tokens: request.body.signatures ?? [] });
        return { holdId, ...answer };
      },
    );

    app.post(
      '/identity/results',
      {
        config: as('results', 'quality'),
        schema: {
          tags,
          summary: 'Put a result of a test on record',
          description: 'With the verdict of the laboratory, beside which lotline computes its own: out of specification by either holds.',
          body: Type.Object(
            {
              sample: thing,
              test: text('Such as viability.', 100),
              value: Type.Union([Type.Number(), text('Where it is no number.', 200)]),
              unit: Type.Optional(text('Rec 20 or UCUM.', 20)),
              limits: Type.Optional(
                Type.Object({ min: Type.Optional(Type.Number()), max: Type.Optional(Type.Number()) }, { additionalProperties: false }),
              ),
              verdict: Type.Unsafe<'pass' | 'oos'>({ type: 'string', enum: ['pass', 'oos'] }),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('resultId, verdict, computed') },
        },
      },
      async (request, reply) => {
        const { test, value, unit = null, limits = {}, verdict, signatures = [] } = request.body;
        const sample = thingKey(request.body.sample, '/sample');
        const resultId = newId('re');
        const computed = verdictOf({ value, limits });
        const body = { resultId, sample, test, value, unit, limits, verdict, computed };
        const answer = await postAct(deps, request, { kind: 'result', id: resultId, body, tokens: signatures });
        return await reply.code(201).send({ resultId, verdict, computed, ...answer });
      },
    );

    app.post(
      '/identity/oos',
      {
        config: as('quality', 'order'),
        schema: {
          tags,
          summary: 'Go the out-of-specification path',
          description:
            "The physician's request, the risk, the maker's assessment, signed `approved` by the physician and by quality (INV-20).",
          body: Type.Object(
            {
              orderId,
              physicianRequest: Type.String({ maxLength: 5_000 }),
              riskInformation: Type.String({ maxLength: 5_000 }),
              assessment: Type.String({ maxLength: 5_000 }),
              authority: Type.Optional(Type.String({ maxLength: 1_000, description: 'Note of the authority, where one is needed.' })),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answers('oosId') },
        },
      },
      async (request, reply) => {
        const { signatures = [], authority = null, ...asked } = request.body;
        const oosId = newId('oo');
        const answer = await postAct(deps, request, { kind: 'oos', id: oosId, body: { oosId, ...asked, authority }, tokens: signatures });
        return await reply.code(201).send({ oosId, ...answer });
      },
    );

    app.post(
      '/identity/products',
      {
        config: as('quality', 'administer'),
        schema: {
          tags,
          summary: 'Give a product its profile',
          description: 'Shelf life, temperatures by stage, minutes after thawing. The newest holds for what is judged from now on.',
          body: Type.Object(
            {
              product: text('Its name.', 100),
              shelfLife: Type.Optional(Type.Number({ minimum: 0, description: 'Days.' })),
              transport: Type.Optional(
                Type.Array(
                  Type.Object(
                    {
                      stage: text('in, store, out, or a step.', 50),
                      low: Type.Number(),
                      high: Type.Number(),
                      minutesOut: Type.Number({ minimum: 0 }),
                    },
                    { additionalProperties: true, description: '°C; minutes that may add up outside.' },
                  ),
                  { maxItems: 50 },
                ),
              ),
              postThawMinutes: Type.Optional(Type.Number({ minimum: 0 })),
              signatures: SIGNATURES,
            },
            { additionalProperties: true },
          ),
          response: { 201: answers('product') },
        },
      },
      async (request, reply) => {
        const { product, shelfLife = null, transport = [], postThawMinutes = null, signatures = [], ...more } = request.body;
        const body = { ...more, product, shelfLife, transport, postThawMinutes };
        const answer = await postAct(deps, request, { kind: 'product', id: newId('pd'), body, tokens: signatures });
        return await reply.code(201).send({ product, ...answer });
      },
    );

    app.get(
      '/identity/products',
      {
        config: as('identity', 'quality'),
        schema: {
          tags,
          summary: 'Products and their profiles',
          description: 'The newest of each.',
          response: {
            200: Type.Unsafe<unknown>({ type: 'object', description: '{products:[{product, shelfLife, transport, postThawMinutes, …}]}' }),
          },
        },
      },
      async () => ({ products: await deps.readers.look('products', {}) }),
    );

    app.post(
      '/identity/clearances',
      {
        config: as('check'),
        schema: {
          tags,
          summary: 'Say that a space is free of everybody’s material',
          description: 'Two people (INV-15). The event `…:line_clearance` is written with it.',
          body: Type.Object({ space: text('The space or equipment, a URI.'), signatures: SIGNATURES }, { additionalProperties: false }),
          response: { 201: answers('clearanceId') },
        },
      },
      async (request, reply) => {
        const { signatures = [] } = request.body;
        const space = thingKey(request.body.space, '/space');
        const clearanceId = newId('cl');
        const time = Date.now();
        // Of the clearance as a record of its own: a space is no thing that an event could be about.
        const things = [`${IDENTITY_NAMESPACE}clearance:${clearanceId}`];
        const told = bareEvent({ bizStep: BIZ_STEP.lineClearance, time, offset: '+00:00', things, place: null, coi: { space } });
        const event = { ...told, action: 'ADD' };
        const answer = await postAct(deps, request, {
          kind: 'clearance',
          id: clearanceId,
          body: { space },
          time,
          tokens: signatures,
          event,
        });
        return await reply.code(201).send({ clearanceId, ...answer });
      },
    );
  };
}

async function orderChain(deps: ApiDeps, id: string): Promise<ChainView> {
  const view = await deps.readers.look('orderChain', { orderId: id });
  if (view === null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '/orderId', fix: 'Take an id from GET /api/v1/identity/orders.' });
  return view;
}

/** What has to stand on a label of cells at least (domain.md §12.7). The patient's name is a place that the local station fills; it never comes here. */
function labelOf({ chain, order, containers }: ChainView, container: string | null, copies: number): object {
  const view = containers.find(({ key, aliases }) => key === container || (container !== null && aliases.includes(container)));
  const bag = container === null ? null : readBagKey(container);
  const coi =
    chain.length === 15 && chain.startsWith('CH')
      ? { coiId: chain, printed: chain + keyboardCheckCharacter(chain) }
      : { coiId: chain, printed: chain };
  return {
    ...coi,
    product: order?.product ?? null,
    container,
    din: bag?.din ?? null,
    productCode: bag?.productCode ?? null,
    bag: view?.bag ?? null,
    collected: view?.made === null || view?.made === undefined ? null : new Date(view.made.time).toISOString(),
    volume: view?.volume ?? null,
    expiry: view?.expiry ?? null,
    facility: order?.collectionSite ?? null,
    use: order?.template.id.startsWith('autologous') === true ? 'FOR AUTOLOGOUS USE ONLY' : null,
    warning: order?.oos === null || order === null ? null : "OOS - supplied at physician's request",
    patient: '{patient}',
    copies,
  };
}
