/** UN/ECE Rec 20 codes of mass, length, area and volume (epcis-2.0.md §13.8): kind and factor to its base unit. DM-10 allows no others on quantities. */
const UNITS: Readonly<Record<string, readonly [kind: string, factor: number]>> = {
  KGM: ['mass', 1],
  GRM: ['mass', 0.001],
  MGM: ['mass', 1e-6],
  TNE: ['mass', 1000],
  LBR: ['mass', 0.45359237],
  ONZ: ['mass', 0.028349523125],
  MTR: ['length', 1],
  CMT: ['length', 0.01],
  MMT: ['length', 0.001],
  KMT: ['length', 1000],
  INH: ['length', 0.0254],
  FOT: ['length', 0.3048],
  YRD: ['length', 0.9144],
  SMI: ['length', 1609.344],
  MTK: ['area', 1],
  CMK: ['area', 1e-4],
  MMK: ['area', 1e-6],
  FTK: ['area', 0.09290304],
  MTQ: ['volume', 1],
  LTR: ['volume', 0.001],
  MLT: ['volume', 1e-6],
  CMQ: ['volume', 1e-6],
  DMQ: ['volume', 0.001],
  HLT: ['volume', 0.1],
  GLL: ['volume', 0.003785411784],
  GLI: ['volume', 0.00454609],
};

/** A quantity in the base unit of its kind. A count, and a unit we do not know, is a kind of its own: never compared with another. */
export function canonicalQuantity(quantity: number, uom: string | null): { kind: string; amount: number } {
  if (uom === null) return { kind: 'count', amount: quantity };
  const unit = UNITS[uom];
  return unit ? { kind: unit[0], amount: quantity * unit[1] } : { kind: `uom ${uom}`, amount: quantity };
}
