import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { contentDigest } from '../../access/index.ts';
import type { Asked, KeptChange } from '../../capture/service.ts';
import { canonicalJson } from '../../epcis/index.ts';
import { LotlineError } from '../../errors.ts';
import { formatKey, parseThing, readArrival } from '../../identifiers/index.ts';
import type { Act, ActKind } from '../../identity/acts.ts';
import { principalOf } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';

/** What every act answers (identity-wire.md §4). */
export type ActAnswer = {
  ok: true;
  entry: { seq: number; leaf: string };
  findings: { id: number; code: string; severity: string; things: string[] }[];
  holds: { id: string; reason: string; codes: string[] }[];
};

export type AskedAct<K extends ActKind> = {
  readonly kind: K;
  readonly id: string;
  readonly body: Act<K>;
  /** ms since 1970; now, where it is not given. */
  readonly time?: number;
  /** As they came; each is used up. */
  readonly tokens?: readonly string[];
  /** What the signers signed: the body of the request, `signatures` left out. */
  readonly content?: unknown;
  /** A bare EPCIS event, captured behind the act in the same transaction. */
  readonly event?: object;
  readonly kept?: readonly KeptChange[];
};

/**
 * Puts an act on record, or has it refused: a rule that is against it is a problem of 409 with its code, and of the act nothing is stored but that it was
 * refused.
 */
export async function postAct<K extends ActKind>(deps: ApiDeps, request: FastifyRequest, asked: AskedAct<K>): Promise<ActAnswer> {
  const { kind, id, body, tokens = [], event, kept } = asked;
  const actor = principalOf(request).id;
  try {
    const content = contentDigest((asked.content ?? request.body ?? {}) as object);
    const { signatures, digests } = await deps.signatures.resolve(tokens, { content });
    const command: Asked = {
      kind: 'identity-act',
      id,
      act: kind,
      body,
      time: asked.time ?? Date.now(),
      signatures,
      ...(signatures.length > 0 && { content }),
      live: { tokens: digests, ...(kept && { kept }), ...(event && { event: JSON.stringify(event) }) },
    };
    await deps.capture.record(command, actor);
  } catch (error) {
    if (error instanceof LotlineError && isRule(error)) {
      await deps.capture.record(
        { kind: 'note-refusal', act: kind, code: error.code, digest: digestOf({ kind, body }), things: error.things ?? [] },
        actor,
      );
    }
    throw error;
  }
  return await answerOf(deps, id);
}

/** The common members of an act's answer, by the act's id. */
export async function answerOf(deps: ApiDeps, id: string): Promise<ActAnswer> {
  const answer = await deps.readers.look('actAnswer', { id });
  if (answer === null) throw new LotlineError('INTERNAL', 'the act was recorded, but is not there', { fix: 'Ask for the chain.' });
  return { ok: true, ...answer };
}

/** A rule of the domain has been against it, and not the form of the request or the state of the service. */
const isRule = ({ code }: LotlineError) => /^(?:COI|COC|ORD|OOS|REL|SIG|HOLD|SENS|OFFLINE|TRN|PII|RET)-/.test(code);

const digestOf = (content: unknown): string => createHash('sha256').update(canonicalJson(content)).digest('hex');

/** A new id: prefix, and 128 random bits in base32. */
export function newId(prefix: string): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let bits = 0n;
  for (const byte of randomBytes(17)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 26; i++) text += alphabet[Number((bits >> BigInt(5 * i)) & 31n)];
  return `${prefix}_${text}`;
}

/** The canonical key of a thing as it is named in a request: a URI, a key, a bracketed element string, or what a scanner sent. */
export function thingKey(text: string, at: string): string {
  try {
    return formatKey(parseThing(text));
  } catch (error) {
    const reading = readArrival(text, { year: new Date().getUTCFullYear() });
    if (reading.ok && reading.key !== null) return reading.key;
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at, fix: error.fix }) : error;
  }
}
