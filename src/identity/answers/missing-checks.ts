import type { ChainView } from '../view.ts';
import type { ChainWorld, Key } from '../world.ts';
import { orderFacts } from './order-facts.ts';
import { iso } from './timeline.ts';

/** What a template demands of a checkpoint; null: nothing. */
export type DemandOf = (template: { readonly id: string; readonly version: number }, step: string) => { readonly people: number } | null;

export type MissingCheck = {
  readonly coiId: string;
  readonly orderId: string | null;
  readonly site: string | null;
  readonly step: string;
  readonly attempt: number | null;
  /** `one-person`: it was passed, by fewer people than the template demands. */
  readonly problem: 'missing' | 'late' | 'failed' | 'one-person';
  readonly checks: readonly string[];
  readonly things: readonly Key[];
  /** When the step was done without it, or the check itself; null where neither is known. */
  readonly eventTime: string | null;
  readonly seq: number | null;
};

/** Which identity checks of a chain are missing, late, failed, or done by one person where two are demanded (Q19). */
export function missingChecks(world: ChainWorld, view: ChainView, demandOf: DemandOf): MissingCheck[] {
  const order = orderFacts(world, view);
  const checks = world.acts.flatMap((act) => (act.kind === 'check' ? [act] : []));
  const offenders = view.findings.filter(({ code }) => code === 'COI-NOCHECK' || code === 'COI-INFUSED-UNCHECKED');
  const timeOf = (seq: number) =>
    world.events.find((event) => event.seq === seq)?.time ?? world.acts.find((act) => act.seq === seq)?.time ?? null;
  const common = { coiId: view.chain, orderId: order?.orderId ?? null, site: order?.treatmentSite ?? null };
  const found: MissingCheck[] = view.checkpoints.flatMap(({ step, attempt, state, checks: ids }): MissingCheck[] => {
    if (state !== 'missing' && state !== 'late' && state !== 'failed') return [];
    const own = checks.filter(({ id }) => ids.includes(id));
    const act = own.at(-1);
    return [
      {
        ...common,
        step,
        attempt,
        problem: state,
        checks: ids,
        things: [...new Set(own.flatMap(({ body }) => body.containers))],
        eventTime: act === undefined ? null : iso(act.time),
        seq: act?.seq ?? null,
      },
    ];
  });
  for (const { code, seq, things } of offenders) {
    const time = timeOf(seq);
    found.push({
      ...common,
      step: code === 'COI-INFUSED-UNCHECKED' ? 'bedside' : (world.events.find((event) => event.seq === seq)?.coi.step ?? 'unknown'),
      attempt: null,
      problem: 'missing',
      checks: [],
      things,
      eventTime: time === null ? null : iso(time),
      seq,
    });
  }
  if (order === null) return found;
  for (const { id, seq, time, body, signatures } of checks) {
    const people = new Set([...signatures.map(({ person }) => person), ...body.reads.map(({ by }) => by)]).size;
    if (body.result !== 'pass' || people >= (demandOf(order.template, body.checkpoint)?.people ?? 1)) continue;
    found.push({
      ...common,
      step: body.checkpoint,
      attempt: null,
      problem: 'one-person',
      checks: [id],
      things: body.containers,
      eventTime: iso(time),
      seq,
    });
  }
  return found;
}
