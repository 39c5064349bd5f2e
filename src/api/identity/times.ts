import { LotlineError } from '../../errors.ts';

/** An instant of a request, in ms: a date-time with its zone. */
export function instantIn(text: string | undefined, at: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new LotlineError('EV-TIMEZONE', 'the time is no date-time with a zone', { at, fix: 'Write it as 2026-05-04T14:00:00+02:00.' });
  return ms;
}

/** The zone of a date-time, as EPCIS writes it. */
export const offsetIn = (text: string | undefined): string => {
  const zone = /(?:Z|[+-]\d{2}:\d{2})$/.exec(text ?? '')?.[0] ?? 'Z';
  return zone === 'Z' ? '+00:00' : zone;
};
