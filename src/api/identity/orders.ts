import { randomInt } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { mayActAt, rolesWith } from '../../access/index.ts';
import { LotlineError, type Problem } from '../../errors.ts';
import { checkCoi, keyboardCheckCharacter, locationKey } from '../../identifiers/index.ts';
import { TEMPLATES, templateOf } from '../../identity/templates/templates.ts';
import type { ChainView } from '../../identity/view.ts';
import { chainKey, SIDE_STATES, STATES } from '../../identity/vocabulary.ts';
import { principalOf } from '../authenticate.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { linkNext, PAGE_PARAMETERS, pageOf } from '../paging.ts';
import { type ActAnswer, newId, postAct, thingKey } from './acts.ts';
import { audited } from './audited.ts';

const text = (description: string, maxLength = 300) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const SIGNATURES = Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' }));
const ID = Type.Object({ orderId: Type.String({ maxLength: 100, description: 'From POST or GET /api/v1/identity/orders.' }) });
const ALL_STATES = [...STATES, ...SIDE_STATES];
const TO = Type.Unsafe<(typeof ALL_STATES)[number]>({
  type: 'string',
  enum: ALL_STATES,
  description: 'A state of an order (docs/orders.md).',
});
const ORDER = {
  patientRef: Type.String({ pattern: '^pr_[a-z2-7]{26}$', description: 'From POST /api/v1/identity/patients.' }),
  coiId: Type.Optional(text('ISBT 128 form, or one of your own: 6 to 32 of A-Z, 0-9 and -. Made here when not given.', 32)),
  product: text('A product with a profile, or its name.', 100),
  template: text('Of GET /api/v1/identity/templates; its newest version is pinned.', 100),
  treatmentSite: text('SGLN, any spelling.'),
  collectionSite: text('SGLN, any spelling.'),
  manufacturer: text('SGLN, any spelling.'),
};
const ANSWER = Type.Unsafe<unknown>({
  type: 'object',
  description: '{orderId, coiId, printed, state, warnings, ok, entry, findings, holds}',
});
const ROWS_MAX = 1_000;

/** Orders of treatments and their states, amendments, what becomes of material, and the workflow templates (domain.md §12.2–12.4). */
export function orderRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const { readers } = deps;
    const tags = ['Chain of identity'];
    const order = { roles: rolesWith('order') };
    const read = { roles: rolesWith('identity') };

    app.get(
      '/identity/templates',
      {
        config: read,
        schema: {
          tags,
          summary: 'Workflow templates',
          description: 'Every version that there is; an order pins its own.',
          response: {
            200: Type.Unsafe<unknown>({
              type: 'array',
              description: '[{id, version, steps:[{id, title, checkpoint?:{people, identifiers, sources}}]}]',
            }),
          },
        },
      },
      async () => TEMPLATES,
    );

    app.post(
      '/identity/orders',
      {
        config: order,
        schema: {
          tags,
          summary: 'Order a treatment',
          description:
            'Issues the chain of identity identifier, once and for ever. `printed` is it with its check character. `warnings` says where the same person is being treated already.',
          body: Type.Object(ORDER, { additionalProperties: false }),
          response: { 201: ANSWER },
        },
      },
      async (request, reply) => await reply.code(201).send(await place(deps, request, request.body, '')),
    );

    app.post(
      '/identity/orders/import',
      {
        config: order,
        schema: {
          tags,
          summary: 'Take over orders from another system',
          description: 'Row by row: one that cannot be taken is rejected whole and told why, and nothing of it is kept; the others are.',
          body: Type.Object(
            {
              orders: Type.Array(Type.Object({ ...ORDER, coiId: text('As it was issued.', 32) }, { additionalProperties: false }), {
                minItems: 1,
                maxItems: ROWS_MAX,
              }),
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({ type: 'object', description: '{taken, rejected, rows:[{row, ok, orderId?, coiId, problem?}]}' }),
          },
        },
      },
      async (request) => {
        const rows: { row: number; ok: boolean; orderId?: string; coiId: string; problem?: Problem }[] = [];
        for (const [row, body] of request.body.orders.entries()) {
          try {
            const { orderId, coiId } = await place(deps, request, body, `/orders/${row}`);
            rows.push({ row, ok: true, orderId, coiId });
          } catch (error) {
            if (!(error instanceof LotlineError)) throw error;
            rows.push({ row, ok: false, coiId: body.coiId, problem: error.toProblem() });
          }
        }
        const taken = rows.filter(({ ok }) => ok).length;
        return { taken, rejected: rows.length - taken, rows };
      },
    );

    app.get(
      '/identity/orders',
      {
        config: read,
        schema: {
          tags,
          summary: 'Orders',
          description: 'By their chains. Needs X-Purpose.',
          querystring: Type.Object(
            {
              ...PAGE_PARAMETERS,
              state: Type.Optional(TO),
              product: Type.Optional(Type.String({ description: 'As it was ordered.' })),
              site: Type.Optional(Type.String({ description: 'Of the treatment.' })),
              patientRef: Type.Optional(Type.String({ description: 'Orders of one patient.' })),
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{orders:[…]}' }) },
        },
      },
      async (request, reply) => {
        const { state, product, site, patientRef } = request.query;
        const page = pageOf(request.query);
        const { list, more } = await readers.ask('orders', {
          limit: page.limit,
          ...(state !== undefined && { state }),
          ...(product !== undefined && { product }),
          ...(site !== undefined && { site: locationKey(site) }),
          ...(patientRef !== undefined && { patient: patientRef }),
          ...(page.cursor !== null && { after: page.cursor }),
        });
        await audited(deps, request, { what: 'orders', chains: list.map(({ chain }) => chain) });
        const last = list.at(-1);
        if (more && last !== undefined) linkNext(reply, '/api/v1/identity/orders', request.query, last.chain);
        return { orders: list.map(orderAnswer) };
      },
    );

    app.get(
      '/identity/orders/:orderId',
      {
        config: read,
        schema: {
          tags,
          summary: 'An order as it stands',
          description: 'State, due times, the vein-to-vein clock, open tasks, the next checkpoint. Needs X-Purpose.',
          params: ID,
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{orderId, coiId, state, …}' }) },
        },
      },
      async (request) => {
        const view = await readers.look('orderChain', { orderId: request.params.orderId });
        await audited(deps, request, { what: 'order', chains: view === null ? [] : [view.chain] });
        return orderAnswer(theOrder(view));
      },
    );

    app.post(
      '/identity/orders/:orderId/state',
      {
        config: { roles: [...new Set([...order.roles, ...rolesWith('check'), ...rolesWith('quality')])] },
        schema: {
          tags,
          summary: 'Bring an order to another state',
          description:
            'What events tell needs nobody to say it again. Where an order ends before its time the answer of GET tells what has to be done.',
          params: ID,
          body: Type.Object(
            { to: TO, reason: Type.Optional(text('Why; no personal data.', 2_000)), signatures: SIGNATURES },
            { additionalProperties: false },
          ),
          response: { 200: ANSWER },
        },
      },
      async (request) => {
        const { orderId } = request.params;
        const { to, reason = null, signatures = [] } = request.body;
        const view = theOrder(await readers.look('orderChain', { orderId }));
        mayTouch(request, view);
        const answer = await postAct(deps, request, {
          kind: 'order-state',
          id: newId('os'),
          body: { orderId, to, reason },
          tokens: signatures,
        });
        return await stateAnswer(deps, orderId, answer);
      },
    );

    app.post(
      '/identity/orders/:orderId/amendments',
      {
        config: { roles: [...new Set([...order.roles, ...rolesWith('quality')])] },
        schema: {
          tags,
          summary: 'Send the treatment to another site',
          description:
            'Before it is shipped out signed by one; afterwards it is a re-route, and signed by one person of each of the two sites (INV-18).',
          params: ID,
          body: Type.Object(
            { treatmentSite: text('SGLN, any spelling.'), reason: text('Why; no personal data.', 2_000), signatures: SIGNATURES },
            { additionalProperties: false },
          ),
          response: { 200: ANSWER },
        },
      },
      async (request) => {
        const { orderId } = request.params;
        const { reason, signatures = [] } = request.body;
        const treatmentSite = siteIn(request.body.treatmentSite, '/treatmentSite');
        theOrder(await readers.look('orderChain', { orderId }));
        const answer = await postAct(deps, request, {
          kind: 'order-amendment',
          id: newId('oa'),
          body: { orderId, treatmentSite, reason },
          tokens: signatures,
        });
        return await stateAnswer(deps, orderId, answer);
      },
    );

    app.post(
      '/identity/orders/:orderId/materials',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          summary: 'Decide what becomes of material',
          description:
            'After an order, or an attempt of it, has ended: destroyed, retained or given to research with consent, or returned (INV-24).',
          params: ID,
          body: Type.Object(
            {
              containers: Type.Array(text('Any spelling.'), { minItems: 1, maxItems: 200 }),
              decision: Type.Unsafe<'destroy' | 'retain' | 'research' | 'return'>({
                type: 'string',
                enum: ['destroy', 'retain', 'research', 'return'],
              }),
              due: Type.Optional(Type.String({ format: 'date-time' })),
              reason: text('Why; no personal data.', 2_000),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 200: ANSWER },
        },
      },
      async (request) => {
        const { orderId } = request.params;
        const { decision, due = null, reason, signatures = [] } = request.body;
        const containers = request.body.containers.map((one, i) => thingKey(one, `/containers/${i}`));
        theOrder(await readers.look('orderChain', { orderId }));
        const body = { orderId, containers, decision, due, reason };
        const answer = await postAct(deps, request, { kind: 'material-decision', id: newId('md'), body, tokens: signatures });
        return await stateAnswer(deps, orderId, answer);
      },
    );
  };
}

type Placed = ActAnswer & { orderId: string; coiId: string; printed: string; state: string; warnings: { code: string; message: string }[] };
type AskedOrder = {
  patientRef: string;
  coiId?: string;
  product: string;
  template: string;
  treatmentSite: string;
  collectionSite: string;
  manufacturer: string;
};

async function place(deps: ApiDeps, request: FastifyRequest, asked: AskedOrder, at: string): Promise<Placed> {
  const template = templateOf(asked.template);
  if (template === null)
    throw new LotlineError('REQ-FORM', `there is no template ${JSON.stringify(asked.template)}`, {
      at: `${at}/template`,
      fix: 'See GET /api/v1/identity/templates.',
    });
  const coiId = asked.coiId === undefined ? issueCoi(deps.settings.coiFacility) : coiIn(asked.coiId, `${at}/coiId`);
  const orderId = newId('or');
  const body = {
    orderId,
    coiId,
    patientRef: asked.patientRef,
    product: asked.product,
    template: { id: template.id, version: template.version },
    treatmentSite: siteIn(asked.treatmentSite, `${at}/treatmentSite`),
    collectionSite: siteIn(asked.collectionSite, `${at}/collectionSite`),
    manufacturer: siteIn(asked.manufacturer, `${at}/manufacturer`),
  };
  if (![body.treatmentSite, body.collectionSite, body.manufacturer].some((site) => mayActAt(principalOf(request), site)))
    throw new LotlineError('ACC-SCOPE', 'this is for other sites than yours', {
      at: `${at}/treatmentSite`,
      fix: 'Have somebody of one of its sites order it.',
    });
  const answer = await postAct(deps, request, { kind: 'order', id: orderId, body });
  const { list } = await deps.readers.look('orders', { patient: asked.patientRef, limit: 100 });
  const linked = await deps.vault.linked(asked.patientRef);
  const warnings: Placed['warnings'] = [];
  if (list.some((view) => view.order?.orderId !== orderId && isActive(view)))
    warnings.push({
      code: 'COI-ORDER',
      message: 'This patient has another order that is not closed: make sure that it is not the same therapy twice.',
    });
  for (const other of linked) {
    const others = await deps.readers.look('orders', { patient: other, limit: 100 });
    if (others.list.some(isActive))
      warnings.push({
        code: 'COI-ORDER',
        message:
          'The same person is registered twice and has an order under the other reference: make sure that it is not the same therapy twice.',
      });
  }
  const printed = coiId.length === 15 && coiId.startsWith('CH') ? coiId + keyboardCheckCharacter(coiId) : coiId;
  return { orderId, coiId, printed, state: 'draft', warnings, ...answer };
}

const isActive = ({ order }: ChainView): boolean =>
  order !== null && !['closed', 'cancelled', 'patientDied', 'withdrawnConsent', 'lost'].includes(order.state);

const ISSUED = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
/** A new Chain of Identity Identifier: CH, facility, year, and six characters that are not mistaken for each other. Uniqueness is the writer's to say. */
function issueCoi(facility: string): string {
  const year = String(new Date().getUTCFullYear() % 100).padStart(2, '0');
  let sequence = '';
  for (let i = 0; i < 6; i++) sequence += ISSUED[randomInt(ISSUED.length)];
  return `CH${facility}${year}${sequence}`;
}

/** A chain's identifier as it is stored: of the ISBT 128 form, its check character verified and left away, or of the organisation's own. */
export function coiIn(given: string, at: string): string {
  const coi = given.trim().toUpperCase();
  if (/^CH[A-NP-Z1-9][0-9A-Z]{4}[0-9]{2}[0-9A-Z]{6}[0-9A-Z*]?$/.test(coi)) {
    try {
      checkCoi(coi);
    } catch (error) {
      throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at, fix: error.fix }) : error;
    }
    return chainKey(coi);
  }
  if (!/^[A-Z0-9-]{6,32}$/.test(coi))
    throw new LotlineError(
      'ID-FORM',
      'the chain of identity identifier is neither of the ISBT 128 form nor 6 to 32 characters of A-Z, 0-9 and -',
      {
        at,
        fix: 'Correct it, or leave it out to have one made.',
      },
    );
  return coi;
}

function siteIn(given: string, at: string): string {
  try {
    return locationKey(given);
  } catch (error) {
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at, fix: error.fix }) : error;
  }
}

function theOrder(view: ChainView | null): ChainView {
  if (view?.order == null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '{orderId}', fix: 'Take an id from GET /api/v1/identity/orders.' });
  return view;
}

function mayTouch(request: FastifyRequest, { order }: ChainView): void {
  const principal = principalOf(request);
  if (order === null || [order.treatmentSite, order.collectionSite, order.manufacturer].some((site) => mayActAt(principal, site))) return;
  throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '{orderId}', fix: 'Take an id from GET /api/v1/identity/orders.' });
}

async function stateAnswer(deps: ApiDeps, orderId: string, answer: ActAnswer): Promise<object> {
  const view = theOrder(await deps.readers.look('orderChain', { orderId }));
  return { ...orderAnswer(view), ...answer };
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** An order for a reader; times are ISO 8601. */
export function orderAnswer({ chain, order, holds, findings }: ChainView): object {
  if (order === null) return { coiId: chain };
  const { since, veinToVein, stages, tasks, ...rest } = order;
  const hours = veinToVein.from === null ? null : ((veinToVein.to ?? Date.now()) - veinToVein.from) / 3_600_000;
  return {
    coiId: chain,
    ...rest,
    since: iso(since),
    stages: stages.map(({ state, at, seq }) => ({ state, at: iso(at), seq })),
    tasks: tasks.map((task) => ({ ...task, due: iso(task.due) })),
    veinToVein: { from: iso(veinToVein.from), to: iso(veinToVein.to), hours },
    holds: holds.filter(({ lifted }) => lifted === null).map(({ id, reason, codes, things }) => ({ id, reason, codes, things })),
    findings: findings.length,
  };
}
