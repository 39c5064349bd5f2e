import { gs1Date } from '../gs1/dates.ts';
import { checkElement } from '../gs1/element-checks.ts';
import { readElementString } from '../gs1/element-string.ts';
import { type Element, ruleFor } from '../gs1/elements.ts';
import { readPpn } from '../gs1/pharma.ts';
import { refusal, shown } from '../refusal.ts';

const GS = '\u001d';
const RS = '\u001e';
const EOT = '\u0004';
const HEADER = '[)>';

/** One item of format 06: data identifier and value. */
export type DataItem = { readonly di: string; readonly value: string };

export type Iso15434Message = {
  readonly format: '05' | '06';
  /** Format 05: GS1 elements. */
  readonly elements: readonly Element[];
  /** Format 06: items with data identifiers, as IFA coding of German medicines has them (codes.md §6). */
  readonly items: readonly DataItem[];
  /** The trailer (RS EOT) was missing: tolerated. */
  readonly trailerMissing: boolean;
};

/** Whether data begin like an ISO/IEC 15434 message. */
export function isIso15434(data: string): boolean {
  return data.startsWith(HEADER);
}

/**
 * Reads an ISO/IEC 15434 message of format 05 or 06: `[)>` RS format GS item GS item … RS EOT. Refuses a broken envelope, unknown
 * formats, wrong check digits (9N, 8P), dates that are none (D, 16D) and characters that serial and batch may not have.
 */
export function readIso15434(data: string): Iso15434Message {
  const format = data.slice(4, 6);
  if (!data.startsWith(HEADER + RS) || data[6] !== GS || (format !== '05' && format !== '06'))
    throw refusal(
      'ID-FORM',
      `${shown(data)}: no header [)> RS 05 GS or [)> RS 06 GS`,
      'Scan again; the scanner must send control characters.',
    );
  const trailerMissing = !data.endsWith(RS + EOT);
  const body = trailerMissing ? data.slice(7) : data.slice(7, -2);
  if (body.includes(RS) || body.includes(EOT))
    throw refusal('ID-FORM', `${shown(data)}: more than one message`, 'Scan one message at a time.');
  if (format === '05') return { format, elements: readElementString(body).elements, items: [], trailerMissing };
  const items = body.split(GS).map(readItem);
  for (const { di, value } of items)
    if (items.some((other) => other.di === di && other.value !== value))
      throw refusal('ID-AI', `${di} stands twice with different values`, 'Give one value for each data identifier.');
  return { format, elements: [], items, trailerMissing };
}

function readItem(text: string): DataItem {
  const [, di = '', value = ''] = /^([0-9]{0,3}[A-Z])(.+)$/s.exec(text) ?? [];
  if (di === '')
    throw refusal('ID-FORM', `${shown(text)}: no data identifier`, 'Scan again; digits, one capital letter and a value are expected.');
  switch (di) {
    case '9N':
      readPpn(value);
      break;
    case '8P':
      checkElement(ruleFor('01'), value);
      break;
    case 'D':
      gs1Date(value, 2000); // the year does not matter for whether it is a date: only 1900 and 2100 are no leap years
      break;
    case '16D':
      if (!/^[0-9]{8}$/.test(value)) throw refusal('ID-FORM', `16D ${shown(value)}: no date YYYYMMDD`, 'Correct the production date.');
      gs1Date(value.slice(2), Number(value.slice(0, 4)));
      break;
    case 'S':
    case '1T':
      if (value.length > 20) throw refusal('ID-LENGTH', `${di} ${shown(value)}: more than 20 characters`, 'Shorten it to 20 characters.');
      if (!/^[0-9A-Za-z_-]+$/.test(value))
        throw refusal('ID-CHARSET', `${di} ${value}: only letters, digits, - and _ are allowed`, 'Use allowed characters only.');
  }
  return { di, value };
}
