import { refusal } from '../refusal.ts';
import { checkDigit, hasValidCheckDigit, isDigits } from './check-digit.ts';

/** German medicine numbers (codes.md §6): PZN on every pack, carried as PPN (format 06) or as NTIN (a GTIN). */

/** Whether `pzn` is eight digits with the right check digit: 1·d1 + … + 7·d7 mod 11, remainder 10 never being issued. */
export function isPzn(pzn: string): boolean {
  return pzn.length === 8 && isDigits(pzn) && pznCheckDigit(pzn.slice(0, 7)) === pzn[7];
}

/** The check digit of seven digits of a PZN; null where the remainder is 10: such a number does not exist. */
function pznCheckDigit(body: string): string | null {
  let sum = 0;
  for (let i = 0; i < 7; i++) sum += (i + 1) * (body.charCodeAt(i) - 48);
  return sum % 11 === 10 ? null : String(sum % 11);
}

/** The two check digits of a PPN: ASCII codes weighted 2, 3, 4, … from the left, mod 97. */
function ppnCheckDigits(data: string): string {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (i + 2) * data.charCodeAt(i);
  return String(sum % 97).padStart(2, '0');
}

/** A pharmacy product number: registration agency, national number, and the PZN where the agency is 11 (Germany). */
export type Ppn = { readonly pra: string; readonly number: string; readonly pzn: string | null };

/** Reads a PPN; refuses wrong check digits, and for Germany a wrong PZN inside. */
export function readPpn(ppn: string): Ppn {
  if (!/^[0-9]{2}[0-9A-Z]{1,18}[0-9]{2}$/.test(ppn))
    throw refusal('ID-FORM', `PPN ${ppn}: not agency, number and two check digits`, 'Correct the PPN.');
  const right = ppnCheckDigits(ppn.slice(0, -2));
  if (!ppn.endsWith(right))
    throw refusal(
      'ID-CHECK',
      `PPN ${ppn}: check digits should be ${right}`,
      'Correct the check digits, or the character that was misread.',
    );
  const [pra, number] = [ppn.slice(0, 2), ppn.slice(2, -2)];
  if (pra === '11' && !isPzn(number)) throw refusal('ID-CHECK', `PPN ${ppn}: ${number} is no PZN`, 'Correct the PZN inside the PPN.');
  return { pra, number, pzn: pra === '11' ? number : null };
}

/** The PPN of a PZN. */
export function ppnOfPzn(pzn: string): string {
  requirePzn(pzn);
  return `11${pzn}${ppnCheckDigits(`11${pzn}`)}`;
}

/** The NTIN of a PZN: `04150`, PZN, check digit; a GTIN for AI 01. */
export function ntinOfPzn(pzn: string): string {
  requirePzn(pzn);
  return `04150${pzn}${checkDigit(`04150${pzn}`)}`;
}

/** The PZN inside a GTIN; null when the GTIN is no German NTIN. */
export function pznOfNtin(gtin: string): string | null {
  const pzn = gtin.slice(5, 13);
  return gtin.length === 14 && gtin.startsWith('04150') && hasValidCheckDigit(gtin) && isPzn(pzn) ? pzn : null;
}

function requirePzn(pzn: string): void {
  if (!isPzn(pzn)) throw refusal('ID-CHECK', `PZN ${pzn}: not eight digits with the right check digit`, 'Correct the PZN.');
}
