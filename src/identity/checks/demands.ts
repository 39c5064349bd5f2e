import { templateOf } from '../templates/templates.ts';
import type { StepId } from '../vocabulary.ts';
import { LEAST, type Strength } from './compare.ts';

/** What a workflow asks of identity checks at its steps, in order. */
export type Demand = { readonly step: StepId; readonly optional: boolean; readonly checkpoint: Strength | null };

type Pinned = { readonly id: string; readonly version: number };

/** The demands of the template that an order pins; none of one that is not known here. */
export function demandsOf({ id, version }: Pinned): readonly Demand[] {
  const steps = templateOf(id, version)?.steps ?? [];
  return steps.map(({ id: step, optional, checkpoint }) => ({
    step,
    optional: optional === true,
    // Which sources there are the template names for people to follow; two are demanded, and those that nothing stands in for.
    checkpoint: checkpoint === undefined ? null : { ...checkpoint, sources: checkpoint.required ?? 2 },
  }));
}

/** What a check at a step has to be, whatever the order. */
export function strengthAt(template: Pinned | null, checkpoint: string): Strength {
  const demands = template === null ? [] : demandsOf(template);
  return demands.find(({ step }) => step === checkpoint)?.checkpoint ?? LEAST;
}
