import { LotlineError } from '../errors.ts';

/** The fields of a schedule, from the finest to the coarsest, each with the values it may have (S-3). Days of the week begin with Monday, 1. */
const FIELDS = {
  second: [0, 59],
  minute: [0, 59],
  hour: [0, 23],
  dayOfMonth: [1, 31],
  month: [1, 12],
  dayOfWeek: [1, 7],
} as const;
type Field = keyof typeof FIELDS;
export const SCHEDULE_FIELDS = Object.keys(FIELDS) as Field[];

/** A schedule as it is given: texts such as `5`, `0,30`, `[8-17]`, `1,[10-12]`. */
export type ScheduleText = Partial<Record<Field, string>>;
/** The values at which each field matches, ascending. */
export type Schedule = Readonly<Record<Field, readonly number[]>>;

const CLOCK: ReadonlySet<Field> = new Set(['second', 'minute', 'hour']);
const DAY_MS = 86_400_000;
/** 29 February on one day of the week comes again within 40 years, also where a century leaves it out. */
const DAYS_MAX = 40 * 366;

/**
 * Reads a schedule. A field that is left out matches always, except the fields of the clock that are finer than every one given: these are 0. So
 * `{"hour":"1","minute":"5"}` is 01:05:00 each day, `{"minute":"5"}` five past each hour, `{"dayOfWeek":"1"}` Monday at midnight. The clock is UTC.
 */
export function parseSchedule(given: unknown, at: string): Schedule {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong(at, 'the schedule is no object', 'Give an object such as {"hour":"1","minute":"5"}.');
  const fields = new Map<Field, number[]>();
  for (const [name, text] of Object.entries(given)) {
    if (!Object.hasOwn(FIELDS, name))
      throw wrong(`${at}/${name}`, `a schedule has no field ${JSON.stringify(name)}`, `Use ${SCHEDULE_FIELDS.join(', ')}.`);
    fields.set(name as Field, parseField(name as Field, text, `${at}/${name}`));
  }
  if (fields.size === 0) throw wrong(at, 'the schedule names no time', `Give one of ${SCHEDULE_FIELDS.join(', ')}.`);
  const finest = SCHEDULE_FIELDS.findIndex((name) => fields.has(name));
  const valuesOf = (name: Field): readonly number[] =>
    fields.get(name) ?? (SCHEDULE_FIELDS.indexOf(name) < finest && CLOCK.has(name) ? [0] : allOf(name));
  const schedule: Schedule = {
    second: valuesOf('second'),
    minute: valuesOf('minute'),
    hour: valuesOf('hour'),
    dayOfMonth: valuesOf('dayOfMonth'),
    month: valuesOf('month'),
    dayOfWeek: valuesOf('dayOfWeek'),
  };
  if (nextTime(schedule, Date.UTC(2000, 0)) === null)
    throw wrong(at, 'the schedule names a day that never comes', 'Correct dayOfMonth or month.');
  return schedule;
}

/** Element(,Element)*, an Element being a Number or [Number-Number]. The standard's pattern is none that JavaScript reads (T-6). */
function parseField(name: Field, text: unknown, at: string): number[] {
  const [least, most] = FIELDS[name];
  const fix = `Give numbers from ${least} to ${most} and ranges such as [${least}-${least + 2}], with commas between them, as text.`;
  if (typeof text !== 'string') throw wrong(at, `${name} is no text`, fix);
  const values = text.split(',').flatMap((element) => {
    const [, number, first, last] = /^(?:(\d{1,2})|\[(\d{1,2})-(\d{1,2})\])$/.exec(element) ?? [];
    const from = Number(number ?? first);
    const to = Number(number ?? last);
    if (Number.isNaN(from)) throw wrong(at, `${name} holds ${JSON.stringify(element.slice(0, 50))}`, fix);
    if (from < least || to > most) throw wrong(at, `${name} holds ${element}, which is out of range`, fix);
    if (from > to) throw wrong(at, `${name} holds the descending range ${element}`, fix);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(values)].sort((a, b) => a - b);
}

/** The first time after `after` at which every field matches, to the second; null when there is none. Times in ms. */
export function nextTime(schedule: Schedule, after: number): number | null {
  const start = (Math.floor(after / 1000) + 1) * 1000;
  const firstDay = Math.floor(start / DAY_MS) * DAY_MS;
  for (let i = 0; i < DAYS_MAX; i++) {
    const day = firstDay + i * DAY_MS;
    if (!isDayOf(schedule, day)) continue;
    const time = timeOfDay(schedule, i === 0 ? (start - day) / 1000 : 0);
    if (time !== null) return day + time * 1000;
  }
  return null;
}

function isDayOf({ dayOfMonth, month, dayOfWeek }: Schedule, day: number): boolean {
  const date = new Date(day);
  return (
    month.includes(date.getUTCMonth() + 1) &&
    dayOfMonth.includes(date.getUTCDate()) &&
    dayOfWeek.includes(date.getUTCDay() === 0 ? 7 : date.getUTCDay())
  );
}

/** The first matching second of a day that is not before `from`. */
function timeOfDay({ hour, minute, second }: Schedule, from: number): number | null {
  for (const h of hour) {
    if (h * 3600 + 3599 < from) continue;
    for (const m of minute) {
      if (h * 3600 + m * 60 + 59 < from) continue;
      for (const s of second) if (h * 3600 + m * 60 + s >= from) return h * 3600 + m * 60 + s;
    }
  }
  return null;
}

function allOf(name: Field): number[] {
  const [least, most] = FIELDS[name];
  return Array.from({ length: most - least + 1 }, (_, i) => least + i);
}

const wrong = (at: string, what: string, fix: string) => new LotlineError('SUB-CONTROLS', what, { at, fix });
