import { refusal, shown } from '../refusal.ts';
import { checkDin, type Isbt128Structure } from './structures.ts';

/**
 * How lotline writes ISBT 128 things (design.md §4): one URI each, the same spelling everywhere. Flags are no part of a donation's
 * number, or two labels of one bag would look like two donations.
 *
 *     urn:lotline:isbt128:001:A999917123456
 *     urn:lotline:isbt128:bag:A999917123456:S1295400
 */
const STEM = 'urn:lotline:isbt128:';

/** Which field of a structure is the value of its key. Dates and counts name no thing. */
const VALUE_FIELD: Readonly<Record<string, string>> = {
  '001': 'din',
  '019': 'donor',
  '034': 'processorProduct',
  '035': 'lot',
  '036': 'supplement',
  '038': 'sec',
  '040': 'coi',
};

/** The key of a bag: donation number, product code of 8 characters. */
export function bagKey(din: string, productCode: string): string {
  checkDin(din);
  if (!/^[A-Z][0-9A-Z]{4}[0-9A-Za-z]{3}$/.test(productCode))
    throw refusal(
      'ID-FORM',
      `product code ${shown(productCode)}: not 8 characters`,
      'Give the description code of 5 and the three characters behind it.',
    );
  return `${STEM}bag:${din}:${productCode}`;
}

/** The donation number and product code of a bag's key; null for any other URI. */
export function readBagKey(key: string): { din: string; productCode: string } | null {
  const [, din, productCode] = /^urn:lotline:isbt128:bag:([0-9A-Z]{13}):([0-9A-Za-z]{8})$/.exec(key) ?? [];
  return din === undefined || productCode === undefined ? null : { din, productCode };
}

/** Whether a key is one of ISBT 128. */
export function isIsbt128Key(key: string): boolean {
  return key.startsWith(STEM);
}

/** The key of the thing that a reading names: a bag where donation and product stand together, else the structure's own; null for none. */
export function isbt128Key(reading: Isbt128Structure): string | null {
  const all = reading.parts.length === 0 ? [reading] : reading.parts;
  const donation = all.find((s) => s.structure === '001');
  const product = all.find((s) => s.structure === '003');
  if (donation !== undefined && product !== undefined) return bagKey(String(donation.fields['din']), productCode(product));
  for (const { structure, fields } of all) {
    const field = VALUE_FIELD[structure];
    if (field !== undefined) return `${STEM}${structure}:${String(fields[field])}`;
    if (structure === '039') return `${STEM}039:${String(fields['ion'])}${String(fields['donor'])}${String(fields['checksum'])}`;
  }
  return null;
}

function productCode({ fields }: Isbt128Structure): string {
  const rest = fields['packNumber'] ?? `${String(fields['collectionType'])}${String(fields['division'])}`;
  return `${String(fields['productDescriptionCode'])}${String(rest)}`;
}
