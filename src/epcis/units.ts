/** What one of a unit is in the base unit of its kind, and where its zero lies there. */
type Measure = readonly [factor: number, zero?: number];
type Kind = { readonly base: string; readonly others: Readonly<Record<string, Measure>> };

/**
 * The units of UN/ECE Recommendation 20 in which sensors tell what they measure, by kind (epcis-2.0.md §13.8). Codes that are not here are compared by
 * code alone. Hectopascal is A97: HPA is a measure of alcohol.
 */
export const UNITS: Readonly<Record<string, Kind>> = {
  temperature: { base: 'KEL', others: { CEL: [1, 273.15], FAH: [5 / 9, (459.67 * 5) / 9], A48: [5 / 9] } },
  mass: { base: 'KGM', others: { GRM: [0.001], MGM: [1e-6], TNE: [1000], LBR: [0.45359237], ONZ: [0.028349523125] } },
  length: {
    base: 'MTR',
    others: { CMT: [0.01], MMT: [0.001], KMT: [1000], INH: [0.0254], FOT: [0.3048], YRD: [0.9144], SMI: [1609.344] },
  },
  area: { base: 'MTK', others: { CMK: [1e-4], MMK: [1e-6], FTK: [0.09290304] } },
  volume: {
    base: 'MTQ',
    others: { LTR: [0.001], MLT: [1e-6], CMQ: [1e-6], DMQ: [0.001], HLT: [0.1], GLL: [0.003785411784], GLI: [0.00454609] },
  },
  pressure: {
    base: 'PAL',
    others: { A97: [100], KPA: [1000], MPA: [1e6], BAR: [1e5], MBR: [100], ATM: [101_325], PS: [6894.757] },
  },
  time: { base: 'SEC', others: { MIN: [60], HUR: [3600], DAY: [86_400] } },
  fraction: { base: 'P1', others: { C62: [100] } },
  illuminance: { base: 'LUX', others: {} },
  acceleration: { base: 'MSK', others: { K40: [9.80665] } },
  angle: { base: 'C81', others: { DD: [Math.PI / 180] } },
  speed: { base: 'MTS', others: { KMH: [1 / 3.6], HM: [0.44704] } },
  voltage: { base: 'VLT', others: {} },
  current: { base: 'AMP', others: {} },
  power: { base: 'WTT', others: { KWT: [1000] } },
  energy: { base: 'JOU', others: { KWH: [3.6e6] } },
  frequency: { base: 'HTZ', others: { MHZ: [1e6] } },
  concentration: { base: 'GL', others: { '28': [1], GP: [1e-6] } },
  radioactivity: { base: 'BQL', others: {} },
  'absorbed dose': { base: 'A95', others: {} },
  'dose equivalent': { base: 'D13', others: {} },
};

const BY_CODE: ReadonlyMap<string, { readonly base: string; readonly measure: Measure }> = new Map(
  Object.values(UNITS).flatMap(({ base, others }) =>
    Object.entries({ ...others, [base]: [1] as const }).map(([code, measure]) => [code, { base, measure }] as const),
  ),
);

/** Digits that count once a value was converted: what is one measure in two units has to come out as one number. */
const DIGITS = 12;

/**
 * A measured value in the base unit of its kind; as it is in a unit that is not known here. A `spread`, such as a standard deviation, has no zero to
 * move: 1 °C of it is 1 K.
 *
 *     inBaseUnit('CEL', 8)         → { unit: 'KEL', value: 281.15 }
 *     inBaseUnit('CEL', 8, true)   → { unit: 'KEL', value: 8 }
 */
export function inBaseUnit(code: string, value: number, spread = false): { readonly unit: string; readonly value: number } {
  const known = BY_CODE.get(code);
  if (known === undefined) return { unit: code, value };
  const [factor, zero = 0] = known.measure;
  return { unit: known.base, value: Number((value * factor + (spread ? 0 : zero)).toPrecision(DIGITS)) };
}
