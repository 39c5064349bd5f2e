import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import { canonicalValue } from '../../access/vault/canonical.ts';
import { LotlineError } from '../../errors.ts';
import { type CapsuleOrder, capsuleOrder, HOURS } from '../../identity/offline/capsule.ts';
import { digestOf } from '../../identity/offline/device-acts.ts';
import { readPublicKey, sealCapsule } from '../../identity/offline/sealing.ts';
import { makeVerifier, type Verifier } from '../../identity/offline/verifiers.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { newId, postAct } from './acts.ts';
import { syncAct } from './sync.ts';
import { instantIn } from './times.ts';

const text = (description: string, maxLength = 100) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const SIGNATURES = Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' }));
const PUBLIC_KEY = Type.String({ maxLength: 100, description: 'Ed25519, 32 bytes in base64.' });
const DEVICE = Type.Object({ device: Type.String({ maxLength: 100, description: 'From POST /api/v1/identity/devices.' }) });
const answer = (description: string) => Type.Unsafe<unknown>({ type: 'object', description });
/** A ward expects few patients at once. */
const ORDERS_MAX = 20;
/** What a device does in two weeks without network. */
const ACTS_MAX = 1_000;
const BODY_MAX = 4 * 1024 * 1024;

/** Work without network (docs/offline.md): devices, sealed capsules, and the signed acts that come back. */
export function offlineRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  const deviceOf = async (device: string, at: string) => {
    const state = await deps.readers.look('deviceState', { device });
    if (state !== null) return state;
    throw new LotlineError('NOT-FOUND', 'there is no such device', { at, fix: 'Register it with POST /api/v1/identity/devices.' });
  };

  return async (app) => {
    readSmallJson(app, BODY_MAX);
    const tags = ['Chain of identity'];

    app.post(
      '/identity/devices',
      {
        config: { roles: rolesWith('administer') },
        schema: {
          tags,
          summary: 'Register a device that works without network',
          description: 'Capsules are sealed to its key, and its acts are signed with it. The private key never leaves the device.',
          body: Type.Object({ name: text('No personal data.'), publicKey: PUBLIC_KEY }, { additionalProperties: false }),
          response: { 201: answer('{device, ok, entry, findings, holds}') },
        },
      },
      async (request, reply) => {
        const { name, publicKey } = request.body;
        readPublicKey(publicKey, '/publicKey');
        const device = newId('dv');
        const act = await postAct(deps, request, { kind: 'device', id: device, body: { device, name, publicKey } });
        return await reply.code(201).send({ device, ...act });
      },
    );

    app.post(
      '/identity/devices/:device/people',
      {
        config: { roles: rolesWith('check') },
        schema: {
          tags,
          summary: 'Register the key that a person made on a device',
          description: 'Signed by that person, online. From then on what they vouch for on this device bears their own proof.',
          params: DEVICE,
          body: Type.Object(
            { person: text('The personId.'), publicKey: PUBLIC_KEY, signatures: SIGNATURES },
            { additionalProperties: false },
          ),
          response: { 201: answer('{device, person, ok, entry, findings, holds}') },
        },
      },
      async (request, reply) => {
        const { device } = request.params;
        const { person, publicKey, signatures = [] } = request.body;
        readPublicKey(publicKey, '/publicKey');
        await deviceOf(device, '{device}');
        const body = { device, person, publicKey };
        const act = await postAct(deps, request, { kind: 'device-person', id: newId('dp'), body, tokens: signatures });
        return await reply.code(201).send({ device, person, ...act });
      },
    );

    app.post(
      '/identity/devices/:device/clock',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          summary: 'Put on record that a device had the wrong time',
          description:
            'What it told stays as it was told; the corrected time is shown beside it, and judgements go by that. `offset`: how far its clock ran ahead, in ms.',
          params: DEVICE,
          body: Type.Object(
            {
              offset: Type.Integer({ minimum: -315_360_000_000, maximum: 315_360_000_000 }),
              from: Type.String({ description: 'By the wrong clock, with zone.' }),
              until: Type.String({ description: 'By the wrong clock, with zone.' }),
              reason: text('Why. No personal data.', 1_000),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: answer('{device, ok, entry, findings, holds}') },
        },
      },
      async (request, reply) => {
        const { device } = request.params;
        const { offset, reason, signatures = [] } = request.body;
        const [from, until] = [instantIn(request.body.from, '/from') as number, instantIn(request.body.until, '/until') as number];
        if (from > until) throw new LotlineError('REQ-FORM', 'the time ends before it begins', { at: '/until', fix: 'Turn them round.' });
        await deviceOf(device, '{device}');
        const body = { device, offset, from, until, reason };
        const act = await postAct(deps, request, { kind: 'clock-offset', id: newId('cl'), body, tokens: signatures });
        return await reply.code(201).send({ device, ...act });
      },
    );

    app.post(
      '/identity/capsules',
      {
        config: { roles: rolesWith('check') },
        schema: {
          tags,
          summary: 'Seal what a device needs of the orders that it expects',
          description: 'Only the device can open it; the patients’ identity is in it as salted verifiers alone. See docs/offline.md.',
          body: Type.Object(
            {
              device: text('From POST /api/v1/identity/devices.'),
              orders: Type.Array(Type.String({ maxLength: 100 }), { minItems: 1, maxItems: ORDERS_MAX, uniqueItems: true }),
              hours: Type.Optional(
                Type.Integer({ minimum: 1, maximum: HOURS.most, description: 'For how long it is valid: 72 when not given.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: {
            201: answer(
              '{capsuleId, capsule:{v, capsuleId, device, sealedAt, validUntil, epk, nonce, content}, validUntil, ok, entry, findings, holds}',
            ),
          },
        },
      },
      async (request, reply) => {
        const { device, orders, hours = HOURS.usual } = request.body;
        const { publicKey } = await deviceOf(device, '/device');
        const contents: CapsuleOrder[] = [];
        for (const [i, orderId] of orders.entries()) contents.push(await orderFor(deps, orderId, `/orders/${i}`));
        const capsuleId = newId('cp');
        const now = Date.now();
        const validUntil = new Date(now + hours * 3_600_000).toISOString();
        const head = { v: 1, capsuleId, device, sealedAt: new Date(now).toISOString(), validUntil } as const;
        const capsule = sealCapsule({ orders: contents }, { ...head, publicKey });
        const body = { capsuleId, device, orders, digest: digestOf(capsule) };
        const act = await postAct(deps, request, { kind: 'capsule', id: capsuleId, body });
        return await reply.code(201).send({ capsuleId, capsule, validUntil, ...act });
      },
    );

    app.post(
      '/identity/sync',
      {
        config: { roles: rolesWith('check') },
        schema: {
          tags,
          summary: 'Hand in what was done without network',
          description:
            'Each act with its signature by the device, in the order of its counter. The same act again answers the same entry. What stands against one does not stop the others.',
          body: Type.Object(
            {
              acts: Type.Array(
                Type.Object(
                  {
                    device: text('From POST /api/v1/identity/devices.'),
                    counter: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
                    act: Type.Unsafe<Record<string, unknown>>({
                      type: 'object',
                      additionalProperties: true,
                      description: '{kind:"check"|"handover"|"event", …}, signatures by person.',
                    }),
                    at: Type.String({ description: 'By the clock of the device, with zone.' }),
                    signature: Type.String({ maxLength: 200, description: 'Ed25519 over the RFC 8785 JSON of the other members, base64.' }),
                  },
                  { additionalProperties: false },
                ),
                { minItems: 1, maxItems: ACTS_MAX },
              ),
            },
            { additionalProperties: false },
          ),
          response: { 200: answer('{acts:[{device, counter, ok, act?, entry?, findings, holds?}]}') },
        },
      },
      async (request) => {
        const acts = [];
        for (const [i, act] of request.body.acts.entries()) acts.push(await syncAct(deps, request, act, `/acts/${i}`));
        return { acts };
      },
    );
  };
}

/** What a capsule says of one order. */
async function orderFor(deps: ApiDeps, orderId: string, at: string): Promise<CapsuleOrder> {
  const [found] = await deps.readers.look('chainsOfOrders', { orders: [orderId] });
  const view = found === undefined ? null : await deps.readers.look('chainView', { chain: found.chain });
  if (view?.order == null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at, fix: 'Take an id from GET /api/v1/identity/orders.' });
  const identity = await deps.vault.read(view.order.patientRef, 'treatment');
  const verifiers: Record<string, Verifier> = {};
  for (const [member, value] of Object.entries(identity)) verifiers[member] = makeVerifier(canonicalValue(member, value));
  const minutes = await deps.readers.look('postThawMinutes', { product: view.order.product });
  return capsuleOrder(view, verifiers, minutes) as CapsuleOrder;
}
