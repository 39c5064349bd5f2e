import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Ajv } from 'ajv';
import { Type } from 'typebox';
import { rolesWith } from '../../access/index.ts';
import type { EventVerdict } from '../../capture/outcome.ts';
import { LotlineError } from '../../errors.ts';
import { blocksPlan, MODES } from '../../identity/view.ts';
import { STEPS, type StepId } from '../../identity/vocabulary.ts';
import { FINDINGS, type FindingCode } from '../../lifecycle/findings.ts';
import { principalOf } from '../authenticate.ts';
import { readSmallJson } from '../bodies.ts';
import type { ApiDeps } from '../deps.ts';
import { thingKey } from './acts.ts';
import { placeIn } from './checks.ts';
import { plannedEvent } from './planned-event.ts';
import { instantIn, offsetIn } from './times.ts';

const text = (description: string, maxLength = 300) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description });
const thing = text('Any spelling.');
const PLAN = Type.Object(
  {
    step: Type.Unsafe<StepId>({ type: 'string', enum: STEPS, description: 'A step of the workflow.' }),
    orderId: text('From GET /api/v1/identity/orders.', 100),
    containers: Type.Optional(Type.Array(thing, { maxItems: 500 })),
    outputs: Type.Optional(Type.Array(thing, { maxItems: 500 })),
    parent: Type.Optional(thing),
    from: Type.Optional(thing),
    space: Type.Optional(text('A URI.')),
    destination: Type.Optional(text('An SGLN, any spelling.')),
    place: Type.Optional(text('An SGLN, any spelling.')),
    recipient: Type.Optional(text('A patientRef.', 100)),
    check: Type.Optional(Type.Union([Type.String({ maxLength: 100 }), Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })])),
    attempt: Type.Optional(Type.Integer({ minimum: 1 })),
    volume: Type.Optional(Type.Object({ value: Type.Number(), uom: Type.String({ maxLength: 10 }) }, { additionalProperties: false })),
    bag: Type.Optional(Type.Object({ number: Type.Integer(), of: Type.Integer() }, { additionalProperties: false })),
    oos: Type.Optional(text('An oosId.', 100)),
    eventTime: Type.Optional(Type.String({ description: 'With zone; now when not given.' })),
  },
  { additionalProperties: false },
);
type Planned = {
  step: StepId;
  orderId: string;
  containers?: string[];
  outputs?: string[];
  parent?: string;
  from?: string;
  space?: string;
  destination?: string;
  place?: string;
  eventTime?: string;
} & Record<string, unknown>;
type Finding = { code: string; severity: string; things: string[]; message: string };
const isPlan = new Ajv({ strict: false }).compile(PLAN);
/** Larger documents are asked about with POST /api/v1/check. */
const BODY_MAX = 1024 * 1024;

/** What would be blocked, flagged and held, and why; nothing is stored (identity-wire.md §4). */
export function dryRunRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app, BODY_MAX);
    app.post(
      '/identity/check',
      {
        config: { roles: rolesWith('identity') },
        schema: {
          tags: ['Chain of identity'],
          summary: 'What would come of it',
          description:
            'An EPCIS event, with its own `@context`, or a planned step: `{step, orderId, containers, …}`. Answers 200 whatever the verdict. `block`: it must not be done; `ok` says that it may.',
          body: Type.Unsafe<Record<string, unknown>>({
            type: 'object',
            additionalProperties: true,
            description: 'An EPCIS event, or a planned step.',
          }),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{ok, verdict:"ok"|"flag"|"block", findings:[{code, severity, things, message}], holds:[{reason, codes, scope, things}]}',
            }),
          },
        },
      },
      async (request) => {
        const { body } = request;
        const actor = principalOf(request).id;
        if ('type' in body || '@context' in body) return told(await verdictsOf(body));
        if (!isPlan(body)) {
          const [fault] = isPlan.errors ?? [];
          throw new LotlineError('REQ-FORM', `this is neither an EPCIS event nor a planned step: ${fault?.message ?? ''}`, {
            at: fault?.instancePath ?? '',
            fix: 'Send an EPCIS event with its type, or a step, its orderId and its containers.',
          });
        }
        const plan = body as Planned;
        const [found] = await deps.readers.look('chainsOfOrders', { orders: [plan.orderId] });
        if (found === undefined)
          throw new LotlineError('NOT-FOUND', 'there is no such order', {
            at: '/orderId',
            fix: 'Take an id from GET /api/v1/identity/orders.',
          });
        const verdicts = (plan.containers ?? []).length === 0 ? [] : await verdictsOf(eventOf(plan, found.chain));
        const against = await againstAct(plan, actor);
        return told(verdicts, against === null ? [] : [against]);

        async function verdictsOf(event: object): Promise<EventVerdict[]> {
          return JSON.parse(await deps.capture.check({ body: Buffer.from(JSON.stringify(event)), actor })) as EventVerdict[];
        }
      },
    );
  };

  /** Steps that are an act of people as well: what its decision would say. */
  async function againstAct({ step, orderId, containers = [] }: Planned, actor: string): Promise<Finding | null> {
    if (step !== 'release') return null;
    const keys = containers.map((one, i) => thingKey(one, `/containers/${i}`));
    const problem = await deps.readers.ask('dryAct', {
      act: 'release',
      body: { releaseId: '', orderId, containers: keys },
      actor,
      now: Date.now(),
    });
    return problem === null
      ? null
      : { code: problem.code, severity: severityOf(problem.code), things: problem.things ?? [], message: problem.title };
  }
}

function eventOf(plan: Planned, chain: string): object {
  const { step, orderId, containers = [], outputs = [], parent, from, space, destination, place, eventTime, ...coi } = plan;
  return plannedEvent({
    step,
    orderId,
    chain,
    containers: containers.map((one, i) => thingKey(one, `/containers/${i}`)),
    outputs: outputs.map((one, i) => thingKey(one, `/outputs/${i}`)),
    parent: parent === undefined ? null : thingKey(parent, '/parent'),
    from: from === undefined ? null : thingKey(from, '/from'),
    space: space ?? null,
    destination: destination === undefined ? null : thingKey(destination, '/destination'),
    place: placeIn(place),
    time: instantIn(eventTime, '/eventTime') ?? Date.now(),
    offset: offsetIn(eventTime),
    coi,
  });
}

const severityOf = (code: string): string => (FINDINGS[code as FindingCode] as { severity: string } | undefined)?.severity ?? 'critical';

/** The verdict of all that was found; what identity holds it would hold. */
export function told(verdicts: readonly EventVerdict[], more: readonly Finding[] = []) {
  const findings: Finding[] = [...verdicts.flatMap((one) => one.findings), ...more];
  const blocked = verdicts.some(({ verdict }) => verdict === 'block') || findings.some(({ code }) => blocksPlan(code)) || more.length > 0;
  const flagged = findings.some(({ severity }) => severity !== 'info');
  const verdict = blocked ? 'block' : flagged ? 'flag' : 'ok';
  const holds = findings.flatMap(({ code, things }) => {
    const scope = MODES[code]?.hold ?? null;
    return scope === null ? [] : [{ reason: code, codes: [code], scope, things }];
  });
  return { ok: !blocked, verdict, findings, holds };
}
