import { LotlineError } from '../../errors.ts';
import type { Decide, Deciding } from '../deciding.ts';
import type { Signature } from '../world.ts';
import { keptUntil } from './retention.ts';

/** Two signatures of one session within this are one person's (C-15), ms. */
const ONE_HAND_MS = 3_000;
const PRIVACY = ['privacyOfficer'];
const QUALITY = ['qaReviewer', 'qp'];

/**
 * What stands against the decision of a request for erasure (domain.md §18.4): it is signed by the privacy officer and by quality, and an identity that leads
 * to cells which were given is not erased before its term (INV-30). Contact details may go at any time.
 */
export const decideErasure: Decide<'erasure'> = async (context, { patientRef, class: of, decision, term }) => {
  signedByTwo(context.signatures);
  if (of !== 'identity' || decision !== 'erase') return;
  const until = await termOf(context, patientRef, term);
  if (until === null || until <= context.now) return;
  throw new LotlineError(
    'RET-TERM',
    `cells were given to ${patientRef}, and who it is must be kept until ${new Date(until).toISOString().slice(0, 10)}`,
    {
      at: '/decision',
      fix: 'Decide `restrict`: from then on it is read for traceability alone; or `refuse` with the reason. Contact details may be erased.',
      things: [patientRef],
    },
  );
};

/** The latest of all orders of a patient. */
async function termOf(context: Deciding, patientRef: string, term: Parameters<typeof keptUntil>[1]): Promise<number | null> {
  let latest: number | null = null;
  for (const { body } of await context.acts('order', { part: 'patient', key: patientRef })) {
    const until = keptUntil(await context.world(body.coiId), term);
    if (until !== null) latest = Math.max(latest ?? until, until);
  }
  return latest;
}

/** That two references are one person changes nothing by itself, but people will act on it. */
export const decideLink: Decide<'link'> = ({ signatures }) => {
  if (signatures.length > 0) return;
  throw new LotlineError('SIG-MISSING', 'that two references are the same person must be signed', {
    at: '/signatures',
    fix: 'Have it signed: POST /api/v1/signing-tokens, and pass the token.',
  });
};

function signedByTwo(signatures: readonly Signature[]): void {
  const privacy = signatures.filter(({ roles }) => roles.some((role) => PRIVACY.includes(role)));
  const quality = signatures.filter(({ roles }) => roles.some((role) => QUALITY.includes(role)));
  if (privacy.length === 0 || quality.length === 0)
    throw new LotlineError(
      'SIG-MISSING',
      `this needs the signatures of the ${privacy.length === 0 ? 'privacy officer' : 'reviewer or qualified person'} too`,
      {
        at: '/signatures',
        fix: 'Have it signed by a privacyOfficer, and by a qaReviewer or qp, each with their own login.',
      },
    );
  const two = privacy.some((a) =>
    quality.some((b) => a.person !== b.person && (a.session !== b.session || Math.abs(a.at - b.at) >= ONE_HAND_MS)),
  );
  if (two) return;
  throw new LotlineError('COI-2P', 'both signatures are of one person, or of one session within 3 seconds', {
    at: '/signatures',
    fix: 'Have two people sign, each with their own login.',
  });
}
