import { separate } from '../../access/index.ts';
import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';
import type { LabelJobView } from '../view.ts';
import type { ChainWorld, Found } from '../world.ts';
import { orderOf } from './decide-order.ts';

/**
 * Label print jobs, and whether every label is accounted for (INV-14): printed = applied + spoiled + returned + in record. The last count of a job holds. A
 * reprint makes the labels of the job before it void: they are accounted for all the same, as spoiled, returned or in the record.
 */
export function foldLabels(world: ChainWorld): { jobs: LabelJobView[]; findings: Found[] } {
  const jobs: LabelJobView[] = [];
  const findings: Found[] = [];
  const replaced = new Set(world.acts.flatMap((act) => (act.kind === 'labels' && act.body.reprintOf !== null ? [act.body.reprintOf] : [])));
  const frozen = isFrozen(world);
  for (const act of world.acts) {
    if (act.kind !== 'labels') continue;
    const { jobId, container, copies, reprintOf } = act.body;
    const close = world.acts.findLast((one) => one.kind === 'labels-close' && one.body.jobId === jobId);
    const counts = close?.kind === 'labels-close' ? countsOf(close.body) : null;
    const sum = counts === null ? null : counts.applied + counts.spoiled + counts.returned + counts.inRecord;
    const state =
      replaced.has(jobId) && sum === copies
        ? 'void'
        : sum === null
          ? frozen
            ? 'frozen'
            : 'open'
          : sum === copies
            ? 'reconciled'
            : 'differs';
    jobs.push({ jobId, container, copies, reprintOf, counts, state, seq: act.seq });
    if (state === 'differs' && close !== undefined)
      findings.push({ code: 'COI-LABEL', seq: close.seq, things: container === null ? [] : [container] });
  }
  return { jobs, findings };
}

const countsOf = ({ applied, spoiled, returned, inRecord }: NonNullable<LabelJobView['counts']>) => ({
  applied,
  spoiled,
  returned,
  inRecord,
});

/** While an identity check that names this chain has failed and is not resolved, nothing is labelled with its labels (C-02). */
export function isFrozen({ acts }: Pick<ChainWorld, 'acts'>): boolean {
  const resolved = new Set(acts.flatMap((act) => (act.kind === 'resolution' ? [act.body.checkId] : [])));
  return acts.some((act) => act.kind === 'check' && act.body.result === 'fail' && !resolved.has(act.body.checkId));
}

/** INV-14: a reprint has a reason and a second person, and takes the place of the job before. */
export const decideLabels: Decide<'labels'> = async (context, { orderId, container, reprintOf, reason }) => {
  const { view } = await orderOf(context, orderId);
  if (isFrozen(await context.world(view.chain)))
    throw new LotlineError('COI-LABEL', 'the labels of this order are frozen: an identity check has failed', {
      at: '/orderId',
      fix: 'Have quality resolve the check first.',
      things: view.labels.map(({ jobId }) => jobId),
    });
  if (container !== null) {
    const { chains } = await context.binding(await context.canonical(container));
    if (chains.some((chain) => chain !== view.chain))
      throw new LotlineError('COI-DISAGREE', "this container holds another patient's cells", {
        at: '/container',
        fix: 'Name a container of the order.',
        things: [container],
      });
  }
  if (reprintOf === null) return;
  const job = view.labels.find(({ jobId }) => jobId === reprintOf);
  if (job === undefined || job.state === 'void' || view.labels.some((one) => one.reprintOf === reprintOf))
    throw new LotlineError('COI-LABEL', 'there is no job in force that this could reprint', {
      at: '/reprintOf',
      fix: 'Name the job in force.',
      things: [reprintOf],
    });
  if (reason === null || context.signatures.length === 0)
    throw new LotlineError('COI-LABEL', 'labels are printed again for a reason, and with a second person', {
      at: reason === null ? '/reason' : '/signatures',
      fix: 'Say why, and have it signed by somebody else than who prints.',
      things: [reprintOf],
    });
  separate(context.signatures, [context.actor]);
};

export const decideLabelsClose: Decide<'labels-close'> = async (context, { jobId }) => {
  const job = await context.act(jobId);
  if (job?.kind !== 'labels')
    throw new LotlineError('NOT-FOUND', 'there is no such print job', {
      at: '{jobId}',
      fix: 'Take an id from POST /api/v1/identity/labels.',
    });
  await orderOf(context, job.body.orderId);
};
