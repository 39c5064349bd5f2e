import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { canonicalJson } from '../../epcis/index.ts';
import { LotlineError } from '../../errors.ts';
import type { ActKind } from '../../identity/acts.ts';
import { principalOf } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';

/** What a rule is against before there is an act: on record as well, by the digest of what was asked. */
export async function refusable<T>(deps: ApiDeps, request: FastifyRequest, act: ActKind, made: () => Promise<T>): Promise<T> {
  try {
    return await made();
  } catch (error) {
    if (error instanceof LotlineError && /^(?:COI|OFFLINE)-/.test(error.code)) {
      const digest = createHash('sha256')
        .update(canonicalJson({ act, code: error.code }))
        .digest('hex');
      await deps.capture.record(
        { kind: 'note-refusal', act, code: error.code, digest, things: error.things ?? [] },
        principalOf(request).id,
      );
    }
    throw error;
  }
}
