import { sql } from 'drizzle-orm';
import { separate, signedBy } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import { FINDINGS, type FindingCode } from '../../lifecycle/findings.ts';
import type { Decide, Deciding } from '../deciding.ts';

const QUALITY = ['qaReviewer', 'qp'];

/** Whoever may hold holds at once, signed or not: only letting go needs more. */
export const decideHold: Decide<'hold'> = (_context, { things, chain }) => {
  if (things.length === 0 && chain === null)
    throw new LotlineError('REQ-FORM', 'nothing is named that is to be held', { at: '/things', fix: 'Name things, or a chain.' });
};

/** One hold, by quality, and not by who placed it; one that protects a patient by two of quality (domain.md §15). */
export const decideHoldLift: Decide<'hold-lift'> = async (context, { holdId }) => {
  const rows = await context.db.all<{ told: string; lifted: number | null; seq: number }>(
    sql`SELECT told, lifted, seq FROM coi_hold WHERE id = ${holdId} ORDER BY chain`,
  );
  const [hold] = rows;
  if (hold === undefined || hold.lifted !== null)
    throw new LotlineError('NOT-FOUND', 'there is no such hold in force', { at: '{id}', fix: 'Ask for the chain or the container.' });
  const { signatures } = context;
  const placed = await context.act(holdId);
  if (placed !== null) separate(signatures, [placed.actor]);
  if (placed !== null)
    separate(
      signatures,
      placed.signatures.map(({ person }) => person),
    );
  const first = signedBy(signatures, 'resolved', QUALITY);
  const { codes } = JSON.parse(hold.told) as { codes: string[] };
  if (codes.includes('COI-MISMATCH')) await requireResolved(context, hold.seq);
  const safety = codes.some((code) => FINDINGS[code as FindingCode]?.severity === 'patient-safety');
  if (safety)
    signedBy(
      signatures.filter(({ person }) => person !== first.person),
      'approved',
      QUALITY,
    );
};

/** INV-11: what a failed identity check holds is let go by its resolution, and by nobody who took part in it. */
async function requireResolved(context: Deciding, seq: number): Promise<void> {
  const { db, signatures } = context;
  const [row] = await db.all<{ id: string }>(sql`SELECT id FROM coi_act WHERE seq = ${seq} AND kind = 'check'`);
  if (row === undefined) return;
  const resolutions = await context.acts('resolution');
  if (!resolutions.some(({ body }) => body.checkId === row.id))
    throw new LotlineError('COI-MISMATCH', 'the identity check that failed is not resolved', {
      at: '{id}',
      fix: `Have quality resolve it: POST /api/v1/identity/checks/${row.id}/resolution.`,
      things: [row.id],
    });
  const check = await context.act(row.id);
  if (check?.kind === 'check')
    separate(signatures, [...check.signatures.map(({ person }) => person), ...check.body.reads.map(({ by }) => by)]);
}
