import type { FastifyRequest } from 'fastify';
import { PURPOSES, type Purpose } from '../access/index.ts';
import { newReadId } from '../access/reads.ts';
import { LotlineError } from '../errors.ts';
import { principalOf } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';

const REASON_MAX = 500;

/** Headers of every call that reads what is linked to a patient, for its schema. */
export const PURPOSE_HEADERS = {
  'x-purpose': { type: 'string', description: `Why it is read: ${PURPOSES.join(', ')}.` },
  'x-break-glass': { type: 'string', description: 'Why it is read past what is needed; a second person approves it afterwards.' },
} as const;

/** Why a request reads what is linked to a patient (INV-29): the header X-Purpose. Else ACC-PURPOSE. */
export function purposeOf(request: FastifyRequest): Purpose {
  const given = request.headers['x-purpose'];
  const purpose = PURPOSES.find((one) => one === given);
  if (purpose !== undefined) return purpose;
  throw new LotlineError(
    'ACC-PURPOSE',
    given === undefined
      ? 'what is linked to a patient is read for a purpose, and none is told'
      : 'X-Purpose tells no purpose that there is',
    { at: 'X-Purpose', fix: `Send the header X-Purpose: ${PURPOSES.join(' or ')}.` },
  );
}

/** What a request reads. Chains by chainKey, people by their references: never who they are. */
export type Reading = {
  readonly chains?: readonly string[];
  readonly patients?: readonly string[];
  readonly donors?: readonly string[];
  /** The call; that of the route, where not given. */
  readonly what?: string;
};

/**
 * Puts on record who reads what of whom, and why, before the answer goes out (INV-29): await it, and answer only then. Answers the id of the read.
 * ACC-PURPOSE without a purpose. With X-Break-Glass it stays on the list until a second person has approved it.
 */
export async function noteRead({ capture }: Pick<ApiDeps, 'capture'>, request: FastifyRequest, reading: Reading): Promise<string> {
  const purpose = purposeOf(request);
  const id = newReadId();
  const { chains = [], patients = [], donors = [], what = `${request.method} ${request.routeOptions.url ?? ''}` } = reading;
  await capture.record(
    { kind: 'note-read', id, purpose, what, chains, patients, donors, breakGlass: breakGlassOf(request) },
    principalOf(request).id,
  );
  return id;
}

/** Why the glass is broken; null where it is not. */
function breakGlassOf(request: FastifyRequest): string | null {
  const given = request.headers['x-break-glass'];
  if (given === undefined) return null;
  const reason = String(given).trim();
  if (reason.length > 0 && reason.length <= REASON_MAX) return reason;
  throw new LotlineError('REQ-FORM', `X-Break-Glass tells no reason, or one of more than ${REASON_MAX} characters`, {
    at: 'X-Break-Glass',
    fix: 'Say in a few words why this must be read; no personal data.',
  });
}
