/** The three zones of the worlds. Their rules stand here, not in the machine's zone database, so that documents never differ. */
export type Zone = 'Europe/Zurich' | 'Asia/Kolkata' | 'America/Bogota';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The first working day of every world. */
export const WORLD_START = Date.UTC(2026, 2, 2);
/** Summer time began in Switzerland on 29 March 2026 at 01:00 UTC: the one change of clocks inside a world, which ends before October. */
export const SUMMER_TIME_START = Date.UTC(2026, 2, 29, 1);

/** Minutes ahead of UTC. */
export function offsetAt(zone: Zone, at: number): number {
  if (zone === 'Asia/Kolkata') return 330;
  if (zone === 'America/Bogota') return -300;
  return at < SUMMER_TIME_START ? 60 : 120;
}

/** `+05:30`: the value of eventTimeZoneOffset. */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** The local time without zone, to the millisecond. */
export const localText = (at: number, offset: number): string => new Date(at + offset * MINUTE).toISOString().slice(0, 23);
/** An instant with the offset of its place. */
export const timeText = (at: number, offset: number): string => localText(at, offset) + offsetText(offset);

const two = (value: number): string => String(value).padStart(2, '0');
