import type { FastifyRequest } from 'fastify';
import type { Purpose } from '../../access/index.ts';
import type { ApiDeps } from '../deps.ts';
import { noteRead, PURPOSE_HEADERS, purposeOf, type Reading } from '../purpose.ts';

/**
 * What an answer names of patients, put on record before it goes out (INV-29); the call needs its purpose even where it turns out to name nobody. Call it
 * first with nothing, so that who has no purpose learns nothing, and again with what was found.
 */
export async function audited(deps: ApiDeps, request: FastifyRequest, reading: Reading = {}): Promise<Purpose> {
  const purpose = purposeOf(request);
  const names = [reading.chains, reading.patients, reading.donors].some((refs) => refs !== undefined && refs.length > 0);
  if (names) await noteRead(deps, request, reading);
  return purpose;
}

/** The headers of such a call, for its description. */
export const READ_HEADERS = { type: 'object', properties: PURPOSE_HEADERS } as const;
