import { LotlineError } from '../../errors.ts';
import type { Act } from '../acts.ts';
import type { Decide } from '../deciding.ts';
import type { Told } from '../fold-chain.ts';
import type { ChainWorld, Found, Key } from '../world.ts';

type Result = Act<'result'>;

/** lotline's own verdict beside the sender's: numbers against limits; null where there is nothing to compare. */
export function verdictOf({ value, limits }: Pick<Result, 'value' | 'limits'>): Result['computed'] {
  const number = typeof value === 'number' ? value : value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || (limits.min === undefined && limits.max === undefined)) return null;
  return (limits.min !== undefined && number < limits.min) || (limits.max !== undefined && number > limits.max) ? 'oos' : 'pass';
}

/** A result is of a sample or container that somebody's cells are known to be in: else nobody would be held for it. */
export const decideResult: Decide<'result'> = async (context, { sample, limits }) => {
  if (limits.min !== undefined && limits.max !== undefined && limits.min > limits.max)
    throw new LotlineError('REQ-FORM', 'the limits leave nothing between them', { at: '/limits', fix: 'Exchange min and max.' });
  const { chains, donors } = await context.binding(await context.canonical(sample));
  if (chains.length === 0 && donors.length === 0)
    throw new LotlineError('COI-UNBOUND', 'nobody knows whose sample this is', {
      at: '/sample',
      fix: 'Capture the event by which it was taken first.',
      things: [sample],
    });
};

export const isOut = ({ verdict, computed }: Result): boolean => verdict === 'oos' || computed === 'oos';

/** QC-OOS: out of specification by either's verdict, as long as no path for it is signed; it concerns the sample, what it was taken from, and the doses of that attempt. */
export function judgeResults(world: ChainWorld, { containers }: Told): Found[] {
  const byKey = new Map(containers.map((one) => [one.key, one]));
  return world.acts.flatMap((act): Found[] => {
    if (act.kind !== 'result' || !isOut(act.body)) return [];
    const sample = world.aliases.get(act.body.sample) ?? act.body.sample;
    const things = new Set<Key>([sample]);
    for (const source of byKey.get(sample)?.from ?? []) things.add(source);
    const attempt = byKey.get(sample)?.attempt ?? null;
    for (const { key, kind, attempt: of, end } of containers)
      if (kind === 'dose' && end === null && (attempt === null || of === null || of === attempt)) things.add(key);
    return [{ code: 'QC-OOS', seq: act.seq, things: [...things] }];
  });
}
