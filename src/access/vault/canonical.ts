/**
 * The forms in which values of persons are compared and looked for. Two readings of one wristband come to one text; nothing is guessed: `Muller` is not
 * `Müller`, and a date that can be read in two ways is none.
 */

/** NFKC, without case, one space between words. */
const plain = (text: string): string => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC').replace(/\s+/gu, ' ').trim();

/** `YYYY-MM-DD` of a date in ISO form, `YYYYMMDD`, `DDMMYYYY` or `DD.MM.YYYY`; null for anything else, and for days that no calendar has. */
export function dateOf(text: string): string | null {
  const t = text.normalize('NFKC').trim();
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(t);
  if (iso !== null) return realDay(iso[1], iso[2], iso[3]);
  const dotted = /^(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})$/.exec(t);
  if (dotted !== null) return realDay(dotted[3], dotted[2], dotted[1]);
  if (!/^\d{8}$/.test(t)) return null;
  const [byYear, byDay] = [realDay(t.slice(0, 4), t.slice(4, 6), t.slice(6)), realDay(t.slice(4), t.slice(2, 4), t.slice(0, 2))];
  return byYear !== null && byDay !== null ? null : (byYear ?? byDay);
}

const YEARS = { first: 1850, last: 2150 };

function realDay(year = '', month = '', day = ''): string | null {
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  if (y < YEARS.first || y > YEARS.last) return null;
  const date = new Date(Date.UTC(y, m - 1, d));
  if (date.getUTCMonth() !== m - 1 || date.getUTCDate() !== d) return null;
  return date.toISOString().slice(0, 10);
}

/** `Last, First` is `First Last`. */
function nameOrder(text: string): string {
  const [last, first, ...others] = text.split(/[,，]/u).map((part) => part.trim());
  return last && first && others.length === 0 ? `${first} ${last}` : text;
}

/** The member of an identity that an identifier of a check names (identity-wire.md §4): `patientName` is `name`. */
export const memberOf = (identifier: string): string => MEMBERS[identifier] ?? identifier;
const MEMBERS: Readonly<Record<string, string>> = {
  patientName: 'name',
  donorName: 'name',
  dateOfBirth: 'birthDate',
  patientBirthDate: 'birthDate',
  mrn: 'recordNumber',
  patientNumber: 'recordNumber',
};

/** A value in the one form in which it is compared and committed to. */
export function canonicalValue(identifier: string, value: string): string {
  const member = memberOf(identifier);
  if (/date$/i.test(member)) return dateOf(value) ?? plain(value);
  if (/name$/i.test(member)) return plain(nameOrder(plain(value)));
  if (/number$/i.test(member)) return plain(value).replace(/[\s-]/g, '');
  return plain(value);
}
