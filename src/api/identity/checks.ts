import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import { memberOf, canonicalValue as personalValue } from '../../access/vault/canonical.ts';
import type { KeptChange } from '../../capture/service.ts';
import { LotlineError } from '../../errors.ts';
import type { Act, CheckRead } from '../../identity/acts.ts';
import { type Compared, compareReads, type Weighed } from '../../identity/checks/compare.ts';
import { requireStrength } from '../../identity/checks/decide-check.ts';
import { canonicalValue, isPersonal } from '../../identity/checks/identifiers.ts';
import { BIZ_STEP, STEPS } from '../../identity/vocabulary.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { bareEvent } from './act-events.ts';
import { newId, postAct, thingKey } from './acts.ts';
import { refusable } from './refusals.ts';
import { requireSite } from './site-scope.ts';
import { instantIn, offsetIn } from './times.ts';

const text = (description: string, maxLength = 300) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const SIGNATURES = Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' }));
const SOURCES = ['bag', 'label', 'wristband', 'order', 'request', 'paper', 'record', 'equipment', 'space'] as const;
/** Two people at one bag read a dozen; a rack of bags a few hundred. */
const READS_MAX = 500;

export const CHECK_BODY = {
  checkpoint: Type.Unsafe<(typeof STEPS)[number]>({ type: 'string', enum: STEPS, description: 'A step of the workflow.' }),
  orderId: Type.Optional(Type.String({ maxLength: 100, description: 'The order of the containers, where it is not given.' })),
  containers: Type.Optional(Type.Array(text('Any spelling.'), { maxItems: READS_MAX })),
  reads: Type.Array(
    Type.Object(
      {
        source: Type.Unsafe<(typeof SOURCES)[number]>({ type: 'string', enum: SOURCES }),
        identifier: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{0,39}$', description: 'coiId, din, container, patientName, birthDate …' }),
        value: Type.Optional(text('What was read.', 2_000)),
        scan: Type.Optional(text('What the scanner sent.', 2_000)),
        by: Type.String({ minLength: 1, maxLength: 100, description: 'The personId of who read it.' }),
        manual: Type.Optional(Type.Boolean({ description: 'Typed in; then with a reason and a second person.' })),
        reason: Type.Optional(text('Why it could not be scanned.', 500)),
      },
      { additionalProperties: false },
    ),
    { minItems: 1, maxItems: READS_MAX },
  ),
  place: Type.Optional(text('An SGLN, any spelling.')),
  eventTime: Type.Optional(Type.String({ description: 'With zone; now when not given.' })),
  resolution: Type.Optional(Type.String({ maxLength: 100, description: 'Of the check that failed before.' })),
  performedBy: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 20, description: 'personIds of who performed what is checked.' }),
  ),
  device: Type.Optional(Type.String({ maxLength: 100, description: 'What it was read with, by its id here.' })),
};
const BODY = Type.Object({ ...CHECK_BODY, signatures: SIGNATURES }, { additionalProperties: false });
export type AskedCheck = Type.Static<typeof BODY>;
const ANSWER = Type.Unsafe<unknown>({
  type: 'object',
  description: '{checkId, result, compared:[{identifier, sources, match}], ok, entry, findings, holds}',
});
/** A world that changes while a check is written is asked again; it does not change all the time. */
const TRIES = 3;

/** A check as it is to be put on record, and what goes with it. */
export type ReadyCheck = {
  readonly body: Act<'check'>;
  readonly kept: readonly KeptChange[];
  readonly event: object | null;
};

/**
 * Compares what was read (INV-09, INV-11): open identifiers as the store knows them, those of a person inside of the vault. Values of a person leave here
 * as commitments alone.
 */
export async function readyCheck(
  deps: ApiDeps,
  asked: Omit<AskedCheck, 'signatures'>,
  { checkId, time, offline = null }: { checkId: string; time: number; offline?: Act<'check'>['offline'] },
): Promise<ReadyCheck> {
  const { checkpoint, resolution = null, device = null, performedBy = [] } = asked;
  const containers = (asked.containers ?? []).map((one, i) => thingKey(one, `/containers/${i}`));
  const place = placeIn(asked.place);
  const values = asked.reads.map(({ identifier, value, scan }, i) => {
    const given = scan ?? value;
    const at = `/reads/${i}/${scan === undefined ? 'value' : 'scan'}`;
    if (given === undefined)
      throw new LotlineError('REQ-FORM', 'nothing was read', { at, fix: 'Give what was read, or what the scanner sent.' });
    return isPersonal(identifier) ? personalValue(identifier, given) : canonicalValue(identifier, given, at);
  });
  const plain = asked.reads.map(({ source, identifier }, i) => ({ source, identifier: nameOf(identifier), value: values[i] as string }));
  const facts = await deps.readers.look('checkFacts', {
    checkpoint,
    orderId: asked.orderId ?? null,
    containers,
    // A person's values stay on this side.
    reads: plain.map((read) => (isPersonal(read.identifier) ? { ...read, value: '' } : read)),
  });
  if (asked.orderId !== undefined && facts.chain === null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '/orderId', fix: 'Take an id from GET /api/v1/identity/orders.' });
  const kept: KeptChange[] = [];
  const reads: CheckRead[] = [];
  const weighed: Weighed[] = [];
  for (const [i, read] of asked.reads.entries()) {
    const { source, by, manual = false, reason = null } = read;
    const identifier = nameOf(read.identifier);
    const known = facts.reads[i] as Weighed;
    const value = values[i] as string;
    let told = value;
    let patients: boolean | null = null;
    if (isPersonal(identifier)) {
      if (facts.person === null)
        throw new LotlineError('REQ-FORM', `${identifier} can be compared with nobody`, {
          at: `/reads/${i}/identifier`,
          fix: 'Name the order of the patient.',
        });
      patients = await deps.vault.compare(facts.person, identifier, value);
      const commitment = await deps.vault.commit(facts.person, identifier, value);
      told = commitment.commitment;
      kept.push(...commitment.kept);
    }
    reads.push({ source, identifier, value: told, by, manual, reason });
    weighed.push({ ...known, value, canonical: isPersonal(identifier) ? value : known.canonical, patients });
  }
  // As long as the values are at hand: of commitments nobody can say whether one follows from the other.
  requireStrength(weighed, facts.strength);
  const compared: Compared[] = compareReads(weighed, facts.truth);
  const result = compared.every(({ match }) => match) ? 'pass' : 'fail';
  const body: Act<'check'> = {
    checkId,
    checkpoint,
    orderId: facts.orderId,
    containers,
    reads,
    compared,
    result,
    place: place ?? '',
    resolution,
    ...(facts.met.length > 0 && result === 'fail' && { met: facts.met }),
    ...(performedBy.length > 0 && { performedBy }),
    ...(device !== null && { device }),
    offline,
  };
  const event =
    facts.known.length === 0
      ? null
      : bareEvent({
          bizStep: BIZ_STEP.identityCheck,
          time,
          offset: offsetIn(asked.eventTime),
          things: facts.known,
          place,
          // What failed says nothing of whose it is.
          coi: {
            check: checkId,
            ...(result === 'pass' && { step: checkpoint, chain: facts.chain ?? undefined, order: facts.orderId ?? undefined }),
          },
        });
  return { body, kept, event };
}

/** One name for what the vault knows under several: a birth date does not become a second identifier by being called otherwise. */
function nameOf(identifier: string): string {
  const member = memberOf(identifier);
  return member === 'name' ? 'patientName' : member;
}

export function placeIn(given: string | undefined): string | null {
  return given === undefined ? null : thingKey(given, '/place');
}

/** Identity checks and the resolution of those that failed (INV-09 … 13), and a physician's word on what is past its time (INV-21). */
export function checkRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];

    app.post(
      '/identity/checks',
      {
        config: { roles: rolesWith('check') },
        schema: {
          tags,
          summary: 'Put an identity check on record',
          description:
            'At least two independent identifiers, each read in this check from two sources, or of a person from one beside the vault. A mismatch is no error: it is stored with result `fail`, holds, and pages. Values of a person are compared in the vault and kept as commitments.',
          body: BODY,
          response: { 201: ANSWER },
        },
      },
      async (request, reply) => {
        const { signatures = [], ...asked } = request.body;
        const time = instantIn(asked.eventTime, '/eventTime') ?? Date.now();
        requireSite(request, placeIn(asked.place));
        for (let tries = 1; ; tries++) {
          try {
            const checkId = newId('ck');
            const { body, kept, event } = await refusable(deps, request, 'check', () => readyCheck(deps, asked, { checkId, time }));
            const answer = await postAct(deps, request, {
              kind: 'check',
              id: checkId,
              body,
              time,
              tokens: signatures,
              kept,
              ...(event !== null && { event }),
            });
            const { result, compared } = body;
            return await reply.code(201).send({ checkId, result, compared, ...answer });
          } catch (error) {
            if (!(error instanceof LotlineError && error.code === 'EV-STALE') || tries === TRIES) throw error;
          }
        }
      },
    );

    app.post(
      '/identity/checks/:checkId/resolution',
      {
        config: { roles: rolesWith('quality') },
        schema: {
          tags,
          summary: 'Resolve a failed check',
          description: 'By quality, and not by those who checked. The failed check stays; the next one of its checkpoint refers to this.',
          params: Type.Object({ checkId: Type.String({ maxLength: 100, description: 'From POST /api/v1/identity/checks.' }) }),
          body: Type.Object(
            { decision: text('What is to be done.', 200), reason: text('Why. No personal data.', 2_000), signatures: SIGNATURES },
            { additionalProperties: false },
          ),
          response: {
            201: Type.Unsafe<unknown>({ type: 'object', description: '{resolutionId, ok, entry, findings, holds}' }),
          },
        },
      },
      async (request, reply) => {
        const { decision, reason, signatures = [] } = request.body;
        const resolutionId = newId('rs');
        const body = { resolutionId, checkId: request.params.checkId, decision, reason };
        const answer = await postAct(deps, request, { kind: 'resolution', id: resolutionId, body, tokens: signatures });
        return await reply.code(201).send({ resolutionId, ...answer });
      },
    );

    app.post(
      '/identity/overrides',
      {
        config: { roles: rolesWith('check') },
        schema: {
          tags,
          summary: 'Have a bag given that is past its time',
          description: 'Signed by the physician of the treatment site (`approved`), before the infusion, for these bags alone (INV-21).',
          body: Type.Object(
            {
              orderId: Type.String({ maxLength: 100 }),
              containers: Type.Array(text('Any spelling.'), { minItems: 1, maxItems: 100 }),
              reason: text('Why. No personal data.', 2_000),
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: Type.Unsafe<unknown>({ type: 'object', description: '{overrideId, ok, entry, findings, holds}' }) },
        },
      },
      async (request, reply) => {
        const { orderId, reason, signatures = [] } = request.body;
        const overrideId = newId('ov');
        const containers = request.body.containers.map((one, i) => thingKey(one, `/containers/${i}`));
        const body = { overrideId, orderId, containers, reason };
        const answer = await postAct(deps, request, { kind: 'override', id: overrideId, body, tokens: signatures });
        return await reply.code(201).send({ overrideId, ...answer });
      },
    );
  };
}
