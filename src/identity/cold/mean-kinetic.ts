const ACTIVATION_KJ = 83.144;
const GAS_KJ = 0.0083144621;
const KELVIN = 273.15;

/** Mean kinetic temperature in °C of readings at equal intervals (domain.md §14). Null: no readings, or one is frozen, where it means nothing. */
export function meanKinetic(celsius: readonly number[]): number | null {
  if (celsius.length === 0 || celsius.some((one) => one <= 0)) return null;
  const ratio = ACTIVATION_KJ / GAS_KJ;
  const mean = celsius.reduce((sum, one) => sum + Math.exp(-ratio / (one + KELVIN)), 0) / celsius.length;
  return ratio / -Math.log(mean) - KELVIN;
}
