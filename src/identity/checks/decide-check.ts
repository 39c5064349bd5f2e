import { separate, signedBy, twoPeople } from '../../access/index.ts';
import { isQualified } from '../../access/signing-rules.ts';
import { LotlineError } from '../../errors.ts';
import type { Act, CheckAct } from '../acts.ts';
import type { Decide, Deciding } from '../deciding.ts';
import type { Key, Signature, WorldAct } from '../world.ts';
import { compareReads, lacks, type Strength, type Truth, type Weighed } from './compare.ts';
import { strengthAt } from './demands.ts';
import { isPersonal } from './identifiers.ts';

/** What stands against an identity check (INV-09, 10, 12, 13). A mismatch does not: it is put on record. */
export const decideCheck: Decide<'check'> = async (context, body) => {
  const view = body.orderId === null ? null : await viewOfOrder(context, body.orderId);
  const strength = strengthAt(view?.order?.template ?? null, body.checkpoint);
  const truth = await truthOf(context, body);
  const reads = await weigh(context, body.reads);
  requireStrength(reads, strength);
  requireReaders(context, body, strength);
  requireReasons(body);
  if (body.checkpoint === 'bedside' && body.containers.length !== 1)
    throw new LotlineError('COI-WEAKCHECK', 'a bedside check is about one bag', {
      at: '/containers',
      fix: 'Name the one bag that is about to be given; each bag gets a check of its own.',
    });
  if (body.orderId !== null) await requireResolution(context, body);
  for (const now of compareReads(reads, truth)) {
    const told = body.compared.find(({ identifier }) => identifier === now.identifier);
    if (told === undefined || (!isPersonal(now.identifier) && told.match !== now.match))
      throw new LotlineError('EV-STALE', 'what the reads were compared with has changed meanwhile', { fix: 'Send the check again.' });
  }
};

async function viewOfOrder(context: Deciding, orderId: string) {
  const chain = await context.chainOfOrder(orderId);
  if (chain === null)
    throw new LotlineError('NOT-FOUND', 'there is no such order', { at: '/orderId', fix: 'Take an id from GET /api/v1/identity/orders.' });
  return await context.view(chain);
}

/** Whose checks these are judged by: of the order, and of the containers that the check names. */
export async function truthOf(
  context: Pick<Deciding, 'chainOfOrder' | 'view' | 'canonical' | 'binding'>,
  { orderId, containers }: Pick<CheckAct, 'orderId' | 'containers'>,
): Promise<Truth> {
  const chain = orderId === null ? null : await context.chainOfOrder(orderId);
  const view = chain === null ? null : await context.view(chain);
  const keys = await Promise.all(containers.map((key) => context.canonical(key)));
  const bindings = await Promise.all(keys.map((key) => context.binding(key)));
  return {
    chain,
    orderId,
    patientRef: view?.order?.patientRef ?? null,
    donors: [...new Set(bindings.flatMap(({ donors }) => donors))],
    containers: keys.map((key, i) => {
      const aliases = view?.containers.find((one) => one.key === key)?.aliases ?? [];
      return [...new Set([key, ...aliases, containers[i] as Key])];
    }),
  };
}

const BY_THE_ONE_KEY: ReadonlySet<string> = new Set(['container', 'sample', 'shipper']);

/** Personal reads are the vault's to judge; by the time of a decision they are commitments, and `compared` says what came of them. */
export async function weigh(
  context: Pick<Deciding, 'canonical'>,
  reads: readonly (Pick<Weighed, 'source' | 'identifier' | 'value'> & { patients?: boolean })[],
): Promise<Weighed[]> {
  return await Promise.all(
    reads.map(async ({ source, identifier, value, patients }) => ({
      source,
      identifier,
      value,
      canonical: BY_THE_ONE_KEY.has(identifier) ? await context.canonical(value) : value,
      patients: patients ?? null,
    })),
  );
}

/** INV-09. */
export function requireStrength(reads: readonly Weighed[], strength: Strength): void {
  const missing = lacks(reads, strength);
  if (missing.length > 0)
    throw new LotlineError('COI-WEAKCHECK', `the check is too weak: it needs ${missing.join('; ')}`, {
      at: '/reads',
      fix: 'Read at least two independent identifiers, each from the material and from the order, the patient or the papers, now.',
    });
}

/** INV-10, INV-13: who signs, and that each of them read for themselves. */
function requireReaders({ signatures }: Deciding, { reads, checkpoint, performedBy = [] }: CheckAct, strength: Strength): void {
  const manual = reads.some((read) => read.manual);
  const people = Math.max(1, strength.people);
  if (manual && new Set(signatures.map(({ person }) => person)).size < 2)
    throw new LotlineError('COI-MANUAL', 'an identifier that was typed in needs a second person', {
      at: '/signatures',
      fix: 'Have a second person compare what was typed, and sign; or scan it.',
    });
  if (manual || people > 1) twoPeople(signatures, { step: checkpoint, notAlso: strength.independent === true ? performedBy : [] });
  else requireOne(signatures, checkpoint);
  const signers = new Set(signatures.map(({ person }) => person));
  const stranger = reads.findIndex(({ by }) => !signers.has(by));
  if (stranger >= 0)
    throw new LotlineError('COI-2P', 'somebody read who does not sign', {
      at: `/reads/${stranger}/by`,
      fix: 'Everybody who reads for a check signs it.',
    });
  if (people < 2) return;
  const idle = [...signers].find((person) => !reads.some(({ by }) => by === person));
  if (idle !== undefined)
    throw new LotlineError('COI-2P', `${idle} signs without having read anything`, {
      at: '/reads',
      fix: 'Each of the two scans for themselves; say who read in `by`.',
    });
}

function requireOne(signatures: readonly Signature[], step: string): void {
  const fix = 'Have somebody sign who is qualified for the step, or renew the qualification first.';
  if (signatures.length === 0) throw new LotlineError('SIG-MISSING', 'nobody has signed the check', { at: '/signatures', fix });
  const at = signatures.findIndex((one) => !isQualified(one, step));
  if (at >= 0) throw new LotlineError('COI-2P', `the person is not qualified for ${step}, or no longer`, { at: `/signatures/${at}`, fix });
}

function requireReasons({ reads }: CheckAct): void {
  const bare = reads.findIndex(({ manual, reason }) => manual && (reason === null || reason.trim() === ''));
  if (bare >= 0)
    throw new LotlineError('COI-MANUAL', 'an identifier was typed in without a reason', {
      at: `/reads/${bare}/reason`,
      fix: 'Say why it could not be scanned, or scan it.',
    });
}

/** INV-12: after a failed check the next one of that checkpoint refers to what quality has decided about it. */
async function requireResolution(context: Deciding, body: CheckAct): Promise<void> {
  const checks = await context.acts('check', { part: 'order', key: body.orderId as string });
  const failed = outstanding(checks.filter((check) => check.body.checkpoint === body.checkpoint && check.body.orderId === body.orderId));
  const resolutions = failed.length === 0 && body.resolution === null ? [] : await context.acts('resolution');
  const open = failed.filter((check) => !resolutions.some((one) => one.body.checkId === check.id));
  const things = [...new Set(failed.flatMap((check) => check.body.containers))];
  if (open.length > 0)
    throw new LotlineError('COI-MISMATCH', `check ${(open[0] as WorldAct).id} found a mismatch that is not resolved`, {
      at: '/checkpoint',
      fix: 'Stop. Have quality resolve it with POST /api/v1/identity/checks/{checkId}/resolution, then check again.',
      things,
    });
  const cited = resolutions.find(({ body: one }) => one.resolutionId === body.resolution);
  if (body.resolution !== null && cited === undefined)
    throw new LotlineError('COI-MISMATCH', 'there is no such resolution', {
      at: '/resolution',
      fix: 'Give the resolutionId of the failed check.',
    });
  if (failed.length > 0 && !failed.some((check) => check.id === cited?.body.checkId))
    throw new LotlineError('COI-MISMATCH', `the check does not refer to the resolution of ${(failed.at(-1) as WorldAct).id}`, {
      at: '/resolution',
      fix: 'Give the resolutionId that quality was answered.',
      things,
    });
}

/** Failed checks that no later one has referred back to; given those of one checkpoint, in entry order. */
export function outstanding<C extends Pick<WorldAct<'check'>, 'seq' | 'body'>>(checks: readonly C[]): C[] {
  const last = checks.findLastIndex(({ body }) => body.resolution !== null);
  return checks.slice(Math.max(0, last)).filter(({ body }) => body.result === 'fail');
}

/** INV-11, §15: quality resolves a mismatch, and none of those who checked. */
export const decideResolution: Decide<'resolution'> = async (context, body) => {
  const check = await checkOf(context, body);
  const resolved = (await context.acts('resolution')).find((one) => one.body.checkId === body.checkId);
  if (resolved !== undefined)
    throw new LotlineError('REQ-REPEAT', 'this check is resolved already', {
      at: '{checkId}',
      fix: `Refer to ${resolved.body.resolutionId}.`,
    });
  signedBy(context.signatures, 'resolved', QUALITY);
  separate(context.signatures, [...check.signatures.map(({ person }) => person), ...check.body.reads.map(({ by }) => by)]);
};

const QUALITY = ['qaReviewer', 'qp'];

async function checkOf(context: Deciding, { checkId }: Act<'resolution'>): Promise<WorldAct<'check'>> {
  const act = await context.act(checkId);
  if (act?.kind !== 'check')
    throw new LotlineError('NOT-FOUND', 'there is no such check', {
      at: '{checkId}',
      fix: 'Take the checkId that the check was answered.',
    });
  return act;
}
