import { createHash } from 'node:crypto';
import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { contentDigest } from '../../access/index.ts';
import type { Asked, KeptChange } from '../../capture/service.ts';
import { LotlineError } from '../../errors.ts';
import type { Act, ActKind } from '../../identity/acts.ts';
import {
  type DeviceAct,
  type DeviceSignature,
  digestOf,
  isOfDevice,
  isOfPerson,
  judgeCounter,
} from '../../identity/offline/device-acts.ts';
import type { DeviceState } from '../../identity/offline/questions.ts';
import { IDENTITY_NAMESPACE } from '../../identity/vocabulary.ts';
import type { Signature } from '../../identity/world.ts';
import { FINDINGS, type FindingCode } from '../../lifecycle/findings.ts';
import { principalOf } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';
import { answerOf } from './acts.ts';
import { type AskedCheck, CHECK_BODY, readyCheck } from './checks.ts';
import { type AskedHandover, HANDOVER, readyHandover } from './handovers.ts';
import { instantIn, offsetIn } from './times.ts';

type Finding = { code: string; severity: string; things: string[]; message?: string };
export type Synced = {
  device: string;
  counter: number;
  ok: boolean;
  /** Id of the act, or eventID of the event, that it became. */
  act?: string;
  entry?: { seq: number; leaf: string };
  findings: Finding[];
  holds?: { id: string; reason: string; codes: string[] }[];
};

const PROOFS = Type.Optional(
  Type.Array(
    Type.Object(
      {
        person: Type.String({ minLength: 1, maxLength: 100 }),
        meaning: Type.String({ minLength: 1, maxLength: 40 }),
        reason: Type.Optional(Type.String({ maxLength: 500 })),
        at: Type.String({ maxLength: 40 }),
        session: Type.Optional(Type.String({ maxLength: 100 })),
        proof: Type.Optional(Type.String({ maxLength: 200 })),
      },
      { additionalProperties: false },
    ),
    { maxItems: 10 },
  ),
);
const ajv = new Ajv({ strict: false, useDefaults: true });
const SHAPES: Readonly<Record<string, ValidateFunction>> = {
  check: ajv.compile(Type.Object({ kind: Type.Literal('check'), ...CHECK_BODY, signatures: PROOFS }, { additionalProperties: false })),
  handover: ajv.compile(Type.Object({ kind: Type.Literal('handover'), ...HANDOVER, signatures: PROOFS }, { additionalProperties: false })),
  event: ajv.compile(
    Type.Object({ kind: Type.Literal('event'), event: Type.Object({}, { additionalProperties: true }) }, { additionalProperties: false }),
  ),
};

/**
 * Puts one offline act on record (C-13): by its device's signature, with the time at which it was done beside the one at which it came to be known. The
 * same again answers the same; what a rule is against is answered, and stops no other.
 */
export async function syncAct(deps: ApiDeps, request: FastifyRequest, given: DeviceAct, at: string): Promise<Synced> {
  const { device, counter } = given;
  const head = { device, counter };
  const state = await deps.readers.look('deviceState', { device });
  if (state === null || !isOfDevice(given, state.publicKey)) {
    const message = state === null ? 'there is no such device' : 'the signature is not that of the device';
    await refuse(deps, request, given, 'OFFLINE-SIGNATURE');
    return { ...head, ok: false, findings: [finding('OFFLINE-SIGNATURE', message)] };
  }
  const suffix = suffixOf(given);
  const syncId = `sy_${suffix}`;
  const before = await deps.readers.look('syncedBefore', { id: syncId });
  if (before !== null) return await toldOf(deps, head, before.act, before.conflicts);
  const conflicts = judgeCounter(counter, state.counters) === 'next' ? [] : ['OFFLINE-COUNTER'];
  const time = instantIn(given.at, `${at}/at`) as number;
  let act: string | null = null;
  let failed: Finding | null = null;
  try {
    act = await carryOut(deps, request, given, state, { suffix, time });
  } catch (error) {
    if (!(error instanceof LotlineError) || error.code === 'REQ-BUSY' || error.code === 'INTERNAL') throw error;
    await refuse(deps, request, given, error.code, error.things);
    failed = finding(error.code, error.message, error.things);
    conflicts.push(error.code);
  }
  const body: Act<'sync'> = { device, counter, act, at: time, conflicts };
  await record(deps, request, { kind: 'sync', id: syncId, body, time, signatures: [], kept: [], event: null });
  if (failed !== null) return { ...head, ok: false, findings: [failed, ...counterFinding(conflicts)] };
  return await toldOf(deps, head, act, conflicts);
}

type Carried = { suffix: string; time: number };

async function carryOut(
  deps: ApiDeps,
  request: FastifyRequest,
  given: DeviceAct,
  state: DeviceState,
  { suffix, time }: Carried,
): Promise<string> {
  const { act, device, counter, signature } = given;
  const kind = kindOf(act);
  const shaped = { ...act, kind };
  const isShaped = SHAPES[kind] as ValidateFunction;
  if (!isShaped(shaped)) {
    const [fault] = isShaped.errors ?? [];
    throw new LotlineError('REQ-FORM', `an offline ${kind} has another form: ${fault?.message ?? ''}`, {
      at: `/act${fault?.instancePath ?? ''}`,
      fix: 'Give what the online call takes, with `signatures` by person.',
    });
  }
  const offline = { device, counter, signature };
  if (kind === 'event') {
    const event = withOffline((shaped as unknown as { event: object }).event, offline);
    const { first, errors } = await deps.capture.captureEvent({ body: Buffer.from(JSON.stringify(event)), actor: principalOf(request).id });
    if (first === null) {
      const [error] = errors;
      throw new LotlineError(error?.code ?? 'EV-SCHEMA', error?.title ?? 'the event was refused', {
        at: error?.at ?? '',
        fix: error?.fix ?? '',
      });
    }
    return `${EVENT}${first.seq}`;
  }
  const {
    signatures: told,
    kind: _,
    ...asked
  } = shaped as unknown as { kind: string; signatures?: DeviceSignature[] } & AskedCheck & AskedHandover;
  const id = `${kind === 'check' ? 'ck' : 'ho'}_${suffix}`;
  // A crash between the act and its synchronisation left the act: it is not put on record twice.
  if ((await deps.readers.look('actAnswer', { id })) !== null) return id;
  const signatures = await signaturesOf(deps, given, state, told ?? impliedBy(kind, asked, given));
  const content = contentDigest(act);
  const happened = instantIn(asked.eventTime, '/act/eventTime') ?? time;
  const dated = { ...asked, eventTime: asked.eventTime ?? given.at };
  if (kind === 'check') {
    const ready = await readyCheck(deps, dated, { checkId: id, time: happened, offline: { device, counter, at: time } });
    await record(deps, request, {
      kind: 'check',
      id,
      body: ready.body,
      time: happened,
      signatures,
      content,
      kept: ready.kept,
      event: ready.event && withOffline(ready.event, offline),
    });
  } else {
    const { body, event } = readyHandover(dated, { handoverId: id, time: happened });
    await record(deps, request, {
      kind: 'handover',
      id,
      body,
      time: happened,
      signatures,
      content,
      kept: [],
      event: withOffline(event, offline),
    });
  }
  return id;
}

const EVENT = 'event:';

function kindOf(act: DeviceAct['act']): 'check' | 'handover' | 'event' {
  const { kind } = act;
  if (kind === 'check' || kind === 'handover' || kind === 'event') return kind;
  if (kind === undefined && 'checkpoint' in act) return 'check';
  if (kind === undefined && 'giver' in act) return 'handover';
  throw new LotlineError('REQ-FORM', 'an offline act is a check, a hand-over or an event', {
    at: '/act/kind',
    fix: 'Say which in `kind`.',
  });
}

function withOffline(event: object, offline: object): object {
  const context = (event as { '@context'?: unknown })['@context'];
  const own = Array.isArray(context)
    ? context
    : context === undefined
      ? ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld']
      : [context];
  const declared = own.some(
    (one) => typeof one === 'object' && one !== null && (one as Record<string, unknown>)['coi'] === IDENTITY_NAMESPACE,
  );
  return { ...event, '@context': declared ? own : [...own, { coi: IDENTITY_NAMESPACE }], 'coi:offline': offline };
}

/** Who read is who checked, where the device says no more: then its word alone stands for them. */
function impliedBy(kind: string, asked: AskedCheck & AskedHandover, { at }: DeviceAct): DeviceSignature[] {
  if (kind === 'handover')
    return [
      { person: asked.giver, meaning: 'handed_over', at },
      { person: asked.receiver, meaning: 'received', at },
    ];
  return [...new Set(asked.reads.map(({ by }) => by))].map((person) => ({ person, meaning: 'verified_identity', at }));
}

/** Signatures as they are kept: the person as registered here, by their own proof where they have a key on the device. */
async function signaturesOf(deps: ApiDeps, given: DeviceAct, state: DeviceState, told: readonly DeviceSignature[]): Promise<Signature[]> {
  const signatures: Signature[] = [];
  for (const [i, one] of told.entries()) {
    const at = `/act/signatures/${i}`;
    const key = state.people[one.person];
    if (key === undefined ? one.proof !== undefined : !isOfPerson(given, one, key))
      throw new LotlineError('OFFLINE-SIGNATURE', 'the proof is not that of the person’s key on this device', {
        at,
        fix: 'Have the person sign on the device with the key that they registered for it.',
      });
    const person = await deps.people.standing(one.person);
    if (person === null) throw new LotlineError('NOT-FOUND', 'there is no such person', { at, fix: 'Give the personId.' });
    signatures.push({
      ...person,
      id: `sg_${suffixOf({ ...given, signature: `${i} ${given.signature}` })}`,
      meaning: one.meaning,
      reason: one.reason ?? (key === undefined ? 'by the word of the device' : null),
      at: instantIn(one.at, `${at}/at`) as number,
      offset: offsetIn(one.at),
      session: `${given.device}/${one.session ?? one.person}`,
    });
  }
  return signatures;
}

type Recorded<K extends ActKind> = {
  kind: K;
  id: string;
  body: Act<K>;
  time: number;
  signatures: readonly Signature[];
  kept: readonly KeptChange[];
  event: object | null;
  /** Digest of what was signed. */
  content?: string;
};

async function record<K extends ActKind>(
  deps: ApiDeps,
  request: FastifyRequest,
  { kind, id, body, time, signatures, kept, event, content }: Recorded<K>,
): Promise<void> {
  const command: Asked = {
    kind: 'identity-act',
    id,
    act: kind,
    body,
    time,
    signatures,
    ...(content !== undefined && { content }),
    live: { kept, ...(event !== null && { event: JSON.stringify(event) }) },
  };
  await deps.capture.record(command, principalOf(request).id);
}

async function refuse(
  deps: ApiDeps,
  request: FastifyRequest,
  given: DeviceAct,
  code: string,
  things: readonly string[] = [],
): Promise<void> {
  await deps.capture.record(
    { kind: 'note-refusal', act: 'sync', code, digest: digestOf(given), things: [...things] },
    principalOf(request).id,
  );
}

/** What came of it, as it stands now. */
async function toldOf(
  deps: ApiDeps,
  head: Pick<Synced, 'device' | 'counter'>,
  act: string | null,
  conflicts: readonly string[],
): Promise<Synced> {
  const more = counterFinding(conflicts);
  if (act === null) {
    const codes = conflicts.filter((code) => code !== 'OFFLINE-COUNTER');
    return { ...head, ok: false, findings: [...codes.map((code) => finding(code, 'it was refused when it came first')), ...more] };
  }
  if (act.startsWith(EVENT)) {
    const told = await deps.readers.look('entryTold', { seq: Number(act.slice(EVENT.length)) });
    return {
      ...head,
      ok: true,
      act,
      ...(told && { entry: told.entry }),
      findings: [...(told?.findings ?? []).map((one) => ({ ...one, things: [] })), ...more],
    };
  }
  const { entry, findings, holds } = await answerOf(deps, act);
  return { ...head, ok: true, act, entry, findings: [...findings, ...more], holds };
}

const counterFinding = (conflicts: readonly string[]): Finding[] =>
  conflicts.includes('OFFLINE-COUNTER') ? [finding('OFFLINE-COUNTER')] : [];

function finding(code: string, message?: string, things: readonly string[] = []): Finding {
  const known = FINDINGS[code as FindingCode] as { severity: string; says: string } | undefined;
  const says = message ?? known?.says;
  return { code, severity: known?.severity ?? 'major', things: [...things], ...(says !== undefined && { message: says }) };
}

/** 26 characters of base32 that follow from the act: the same act has the same ids. */
function suffixOf(given: DeviceAct): string {
  const digest = createHash('sha256').update(digestOf(given)).digest();
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let bits = BigInt(`0x${digest.subarray(0, 17).toString('hex')}`);
  let text = '';
  for (let i = 0; i < 26; i++, bits >>= 5n) text += alphabet[Number(bits & 31n)];
  return text;
}
