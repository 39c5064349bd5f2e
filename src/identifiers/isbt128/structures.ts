import { daysIn } from '../gs1/dates.ts';
import { refusal, shown } from '../refusal.ts';
import { checkValue, keyboardCheckCharacter } from './check-characters.ts';

/**
 * ISBT 128 data structures as a scanner sends them (codes.md §9): a data identifier of one to three characters, then a fixed length.
 * Product tables are licensed and not here; structure and check characters are.
 *
 *     =G12341765432170     001, donation G123417654321, flags 70
 *     =<S1295400           003, product S1295, collection type 4, division 00
 *     =+02000=A9999…=,…    023, a compound message of two structures
 */
export type Isbt128Structure = {
  /** The number of the structure, or `pair` for two read as one by the scanner. */
  readonly structure: string;
  readonly fields: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** The structures inside a compound message or a pair, in order; empty for a single structure. */
  readonly parts: readonly Isbt128Structure[];
};

type Fields = Record<string, string | number | boolean>;
type Rule = { readonly structure: string; readonly identifier: string; readonly length: number; readonly read: (data: string) => Fields };

const RULES: readonly Rule[] = [
  { structure: '003', identifier: '=<', length: 8, read: readProduct },
  { structure: '004', identifier: '=>', length: 6, read: (data) => ({ expires: readDay(data) }) },
  { structure: '005', identifier: '&>', length: 10, read: (data) => ({ expires: readMinute(data) }) },
  { structure: '006', identifier: '=*', length: 6, read: (data) => ({ collected: readDay(data) }) },
  { structure: '007', identifier: '&*', length: 10, read: (data) => ({ collected: readMinute(data) }) },
  { structure: '008', identifier: '=}', length: 6, read: (data) => ({ produced: readDay(data) }) },
  { structure: '009', identifier: '&}', length: 10, read: (data) => ({ produced: readMinute(data) }) },
  {
    structure: '032',
    identifier: '=,',
    length: 6,
    read: (data) => ({ divisions: readText(data, /^[0-9A-Za-z]{6}$/, 'product divisions') }),
  },
  {
    structure: '019',
    identifier: '=;',
    length: 15,
    read: (data) => ({ donor: readText(data, /^[0-9A-Z]{15}$/, 'donor identification number') }),
  },
  { structure: '035', identifier: '&,1', length: 18, read: (data) => ({ lot: readText(data, /^[0-9A-Z]{18}$/, 'lot number') }) },
  {
    structure: '036',
    identifier: '&,2',
    length: 18,
    read: (data) => ({ supplement: readText(data, /^[0-9A-Z]{18}$/, 'supplemental number') }),
  },
  {
    structure: '034',
    identifier: '=/',
    length: 16,
    read: (data) => ({ processorProduct: readText(data, /^[0-9A-Z]{16}$/, 'processor product code') }),
  },
  { structure: '038', identifier: '&,4', length: 40, read: readEuropeanCode },
  { structure: '039', identifier: '&:', length: 19, read: readDonor },
  { structure: '040', identifier: '&/', length: 15, read: readCoi },
];
/** A donation identification number has no identifier of its own: `=` and the first character of the number, A-N, P-Z or 1-9. */
const DONATION: Rule = { structure: '001', identifier: '=', length: 15, read: readDonation };
const COMPOUND = '=+';

/**
 * Reads what a scanner sent of ISBT 128: one structure, a compound message, or neighbours read as one. Refuses unknown identifiers,
 * wrong lengths, and contents that break the structure's rules or check characters.
 */
export function readIsbt128(data: string): Isbt128Structure {
  if (data.startsWith(COMPOUND)) return readCompound(data);
  const { texts, parts } = split(data);
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : { structure: 'pair', fields: { parts: texts }, parts };
}

function readCompound(data: string): Isbt128Structure {
  const [, count = '', sequence = ''] = /^=\+(\d\d)(\d{3})/.exec(data) ?? [];
  if (count === '') throw refusal('ID-FORM', `${shown(data)}: a compound message begins with =+ and five digits`, 'Scan the symbol again.');
  const { texts, parts } = split(data.slice(7));
  if (parts.length !== Number(count))
    throw refusal('ID-FORM', `${shown(data)}: ${parts.length} structures, the message says ${Number(count)}`, 'Scan the symbol again.');
  return { structure: '023', fields: { count: parts.length, sequence, parts: texts }, parts };
}

function split(data: string): { texts: string[]; parts: Isbt128Structure[] } {
  const texts: string[] = [];
  const parts: Isbt128Structure[] = [];
  let at = 0;
  do {
    const rule =
      RULES.find((r) => data.startsWith(r.identifier, at)) ?? (/^=[A-NP-Z1-9]/.test(data.slice(at, at + 2)) ? DONATION : undefined);
    if (rule === undefined)
      throw refusal('ID-FORM', `${shown(data)}: no data identifier of ISBT 128 at character ${at + 1}`, 'Scan an ISBT 128 symbol.');
    const from = at + rule.identifier.length;
    const content = data.slice(from, from + rule.length);
    if (content.length < rule.length)
      throw refusal(
        'ID-LENGTH',
        `${shown(data)}: structure ${rule.structure} has ${rule.length} characters behind ${rule.identifier}`,
        'Scan the symbol again.',
      );
    parts.push({ structure: rule.structure, fields: rule.read(content), parts: [] });
    texts.push(data.slice(at, from + rule.length));
    at = from + rule.length;
  } while (at < data.length);
  return { texts, parts };
}

// ── Donation and chain of identity ───────────────────────────────────────────────────────────

/** Refuses what is no donation identification number: facility of 5 (first A-N, P-Z or 1-9), year of 2, sequence of 6 digits. */
export function checkDin(din: string): void {
  if (!/^[A-NP-Z1-9][0-9A-Z]{4}[0-9]{8}$/.test(din))
    throw refusal(
      'ID-FORM',
      `DIN ${shown(din)}: not facility, year and sequence in 13 characters`,
      'Correct the donation identification number.',
    );
}

/** Refuses a donation identification number whose printed check character K does not belong to it. */
export function checkDinCharacter(din: string, k: string): void {
  checkDin(din);
  requireCheckCharacter('DIN', din, k);
}

function readDonation(data: string): Fields {
  const [din, flags] = [data.slice(0, 13), data.slice(13)];
  checkDin(din);
  const number = Number(flags);
  if (!/^[0-9]{2}$/.test(flags) || number > 96)
    throw refusal('ID-FORM', `DIN ${din}: flags ${flags} are not 00 to 96`, 'Scan the symbol again.');
  if (number < 60) return { din, flags, flagType: number < 20 ? 1 : 2 };
  const right = 60 + checkValue(din);
  if (number !== right) throw refusal('ID-CHECK', `DIN ${din}: flags should be ${right}`, 'Scan the symbol again, or correct the number.');
  return { din, flags, flagType: 3, flagCheckOk: true };
}

/**
 * Refuses what is no Chain of Identity Identifier: `CH`, facility of 5, year of 2, sequence of 6 of A-Z0-9. A 16th character, as typed
 * from the print, must be its check character K.
 */
export function checkCoi(coi: string): void {
  if (!/^CH[A-NP-Z1-9][0-9A-Z]{4}[0-9]{2}[0-9A-Z]{6}[0-9A-Z*]?$/.test(coi))
    throw refusal(
      'ID-FORM',
      `${shown(coi)}: not CH, facility, year and sequence in 15 characters`,
      'Correct the Chain of Identity Identifier.',
    );
  if (coi.length === 16) requireCheckCharacter('Chain of Identity Identifier', coi.slice(0, 15), coi[15] as string);
}

function readCoi(data: string): Fields {
  checkCoi(data);
  return { coi: data, facility: data.slice(2, 7), year: data.slice(7, 9), sequence: data.slice(9) };
}

function requireCheckCharacter(name: string, number: string, k: string): void {
  const right = keyboardCheckCharacter(number);
  if (k !== right)
    throw refusal(
      'ID-CHECK',
      `${name} ${number}: check character should be ${right}`,
      'Correct the check character, or the character that was misread.',
    );
}

// ── Other structures ─────────────────────────────────────────────────────────────────────────

/** Description code of 5; behind it collection type and division, or for tissue and other pooled products a pack number of three digits. */
function readProduct(data: string): Fields {
  if (!/^[A-Z][0-9A-Z]{4}[0-9A-Za-z]{3}$/.test(data))
    throw refusal('ID-FORM', `product code ${data}: not a description code and three characters`, 'Scan the symbol again.');
  const productDescriptionCode = data.slice(0, 5);
  return 'MNRTVW'.includes(data[0] as string)
    ? { productDescriptionCode, packNumber: data.slice(5) }
    : { productDescriptionCode, collectionType: data[5] as string, division: data.slice(6) };
}

function readText(data: string, form: RegExp, name: string): string {
  if (!form.test(data)) throw refusal('ID-CHARSET', `${name} ${data}: a character that does not belong there`, 'Scan the symbol again.');
  return data;
}

/** cyyjjj: century 0 (20xx) or 9 (19xx), year, day of the year. */
function readDay(data: string): string {
  const century = data[0] === '0' ? 2000 : 1900;
  const year = century + Number(data.slice(1, 3));
  let day = Number(data.slice(3, 6));
  if (!/^[09][0-9]{5}/.test(data) || day < 1 || day > 337 + daysIn(year, 2))
    throw refusal('ID-FORM', `${data}: no date of century, year and day of the year`, 'Scan the symbol again.');
  let month = 1;
  for (; day > daysIn(year, month); month++) day -= daysIn(year, month);
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function readMinute(data: string): string {
  if (!/^(?:[01][0-9]|2[0-3])[0-5][0-9]$/.test(data.slice(6)))
    throw refusal('ID-FORM', `${data}: no time of day`, 'Scan the symbol again.');
  return `${readDay(data)}T${data.slice(6, 8)}:${data.slice(8)}`;
}

/** Single European Code: donation sequence of 21, product sequence of 19. */
function readEuropeanCode(data: string): Fields {
  const form = /^([A-Z]{2})([0-9A-Z]{6})([0-9A-Z]{13})([ABE])([0-9A-Z]{7})([0-9A-Za-z]{3})([0-9]{4})([0-9]{2})([0-9]{2})$/;
  const [, country = '', establishment = '', donation = '', coding = '', product = '', split = '', year = '', month = '', day = ''] =
    form.exec(data) ?? [];
  const never = `${year}${month}${day}` === '00000000';
  if (country === '' || (!never && (Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month)))))
    throw refusal('ID-FORM', `${data}: no Single European Code`, 'Scan the symbol again.');
  return { sec: data, country, establishment, donation, coding, product, split, expires: never ? '' : `${year}-${month}-${day}` };
}

/** Global registration identifier for donors: issuer of 4 digits, donor of 13, two check digits over both. */
function readDonor(data: string): Fields {
  if (!/^[0-9]{4}[0-9A-Z]{13}[0-9]{2}$/.test(data))
    throw refusal('ID-FORM', `${data}: not issuer, donor and two check digits`, 'Scan the symbol again.');
  const right = String(checkValue(data.slice(0, 17))).padStart(2, '0');
  if (!data.endsWith(right))
    throw refusal('ID-CHECK', `${data}: check digits should be ${right}`, 'Correct the check digits, or the character that was misread.');
  return { ion: data.slice(0, 4), donor: data.slice(4, 17), checksum: data.slice(17) };
}
