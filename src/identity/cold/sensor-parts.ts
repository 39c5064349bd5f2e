/** Readings of one sensor element of an event, in °C, whatever unit they were told in. Follows from the event's bytes alone. */
export type SensorPart = {
  readonly device: string | null;
  /** ms since 1970; null: not told, the event's own time. */
  readonly start: number | null;
  readonly end: number | null;
  readonly values: readonly (readonly [ms: number, celsius: number])[];
  /** Of a device that tells no points. */
  readonly summary?: { readonly min: number; readonly max: number; readonly mean: number | null; readonly minutesOut: number | null };
  /** When it was tipped or struck. */
  readonly tilts?: readonly number[];
  /** ms: until when its calibration holds. */
  readonly calibratedUntil?: number;
};

/** A shipper that leans further than this lies on its side (choice). */
export const TILT_DEGREES = 45;

type Members = Readonly<Record<string, unknown>>;

/** What `sensorElementList` says of temperature and position; what cannot be read is left aside. */
export function sensorPartsOf(elements: readonly unknown[], eventTime: number): SensorPart[] {
  return elements.flatMap((element) => {
    const members = membersOf(element);
    const meta = membersOf(members['sensorMetadata']);
    const reports = (Array.isArray(members['sensorReport']) ? members['sensorReport'] : [members['sensorReport']]).map(membersOf);
    const at = timeOf(meta['time']);
    const values: [number, number][] = [];
    const tilts: number[] = [];
    let summary: SensorPart['summary'];
    for (const report of reports) {
      const time = timeOf(report['time']) ?? at ?? eventTime;
      const type = (typeof report['type'] === 'string' ? report['type'] : '').replace(/^.*[:/#]/, '');
      const value = numberOf(report['value']);
      if (type === 'Temperature') {
        const celsius = (name: string) => celsiusOf(numberOf(report[name]), report['uom']);
        const one = celsius('value');
        const [min, max] = [celsius('minValue'), celsius('maxValue')];
        if (one !== null) values.push([time, one]);
        else if (min !== null && max !== null)
          summary = { min, max, mean: celsius('meanValue'), minutesOut: numberOf(report['minutesOut'] ?? meta['minutesOut']) };
      } else if (/^(?:Angle|Tilt|Inclination)$/i.test(type) && value !== null && Math.abs(value) > TILT_DEGREES) tilts.push(time);
      else if (/^Shock$/i.test(type) && report['booleanValue'] === true) tilts.push(time);
    }
    if (values.length === 0 && tilts.length === 0 && summary === undefined) return [];
    values.sort(([a], [b]) => a - b);
    const calibratedUntil = timeOf(meta['calibratedUntil']);
    return [
      {
        device: textOf(meta['deviceID'] ?? reports.find((report) => report['deviceID'] !== undefined)?.['deviceID']),
        start: timeOf(meta['startTime']) ?? values[0]?.[0] ?? at,
        end: timeOf(meta['endTime']) ?? values.at(-1)?.[0] ?? at,
        values,
        ...(summary !== undefined && { summary }),
        ...(tilts.length > 0 && { tilts }),
        ...(calibratedUntil !== null && { calibratedUntil }),
      },
    ];
  });
}

/** Members by their local names: those of the identity namespace bear its prefix. */
function membersOf(value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.slice(name.lastIndexOf(':') + 1), one]));
}
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
function numberOf(value: unknown): number | null {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
function timeOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** By Rec 20 code; no code is °C. A unit that is no temperature tells nothing. */
export function celsiusOf(value: number | null, uom: unknown): number | null {
  if (value === null) return null;
  const rounded = (celsius: number) => Math.round(celsius * 1000) / 1000;
  switch (uom ?? 'CEL') {
    case 'CEL':
      return value;
    case 'FAH':
      return rounded(((value - 32) * 5) / 9);
    case 'KEL':
      return rounded(value - 273.15);
    default:
      return null;
  }
}
