import { hasValidCheckDigit, isDigits } from '../gs1/check-digit.ts';
import { isWebLink, readDigitalLink } from '../gs1/digital-link.ts';
import { readElementString } from '../gs1/element-string.ts';
import type { Element } from '../gs1/elements.ts';
import { pznOfNtin, readPpn } from '../gs1/pharma.ts';
import { type Isbt128Structure, readIsbt128 } from '../isbt128/structures.ts';
import { refusal, shown } from '../refusal.ts';
import { type DataItem, isIso15434, readIso15434 } from './iso15434.ts';

export type ScanWarning = { readonly code: 'trailing-separator' | 'trailer-missing'; readonly message: string };

/** What a symbol said. Exactly one of the kinds; `plain` is data that this reader has no rules for. */
export type Scan = {
  /** The symbology identifier: `d2`, `C1`, `Q3`, … */
  readonly symbology: string;
  readonly kind: 'gs1' | 'link' | 'iso15434' | 'isbt128' | 'ean' | 'plain';
  /** GS1 elements, of whatever carrier. An EAN symbol's GTIN is not among them. */
  readonly elements: readonly Element[];
  /** Items with data identifiers, from format 06. */
  readonly items: readonly DataItem[];
  /** The GTIN of an EAN, UPC or ITF-14 symbol, in 14 digits. */
  readonly gtin: string | null;
  readonly isbt128: Isbt128Structure | null;
  /** National numbers that the scan carries (codes.md §6). */
  readonly national: readonly { readonly scheme: 'PZN'; readonly value: string }[];
  readonly warnings: readonly ScanWarning[];
  /** What stood behind the symbology identifier. */
  readonly data: string;
};

export const GS1_SYMBOLOGIES: ReadonlySet<string> = new Set(['d2', 'C1', 'Q3', 'e0', 'J1']);
const PLAIN_SYMBOLOGIES = new Set(['d1', 'Q1', 'J0']);
/** Digits of a symbol that holds nothing but a GTIN. */
const EAN_DIGITS: Readonly<Record<string, number>> = { E0: 13, E4: 8, I1: 14 };
const COMPOSITE = '|]e0';

/** Whether data of this symbology can be read here: `d2`, `C0`, `E0`, … */
export function isReadable(symbology: string): boolean {
  return GS1_SYMBOLOGIES.has(symbology) || PLAIN_SYMBOLOGIES.has(symbology) || EAN_DIGITS[symbology] !== undefined || symbology === 'C0';
}

/**
 * Reads one clean message of a scanner, symbology identifier first (codes.md §2, §8): `]d2`, `]C1`, `]Q3`, `]e0`, `]J1` hold GS1 elements;
 * `]d1`, `]Q1`, `]J0` may hold a Digital Link, an ISO/IEC 15434 message or ISBT 128; `]E0`, `]E4`, `]I1` a GTIN, with a composite part or
 * without; `]C0` ISBT 128 only. Strict: nothing is repaired here, what is not sure is refused.
 */
export function readScan(scan: string): Scan {
  const [, symbology = '', data = ''] = /^\]([A-Za-z][0-9A-Za-z])(.*)$/s.exec(scan) ?? [];
  if (symbology === '')
    throw refusal(
      'ID-FORM',
      `${shown(scan) || 'empty scan'}: no symbology identifier`,
      'Switch on symbology identifiers (AIM) in the scanner.',
    );
  if (GS1_SYMBOLOGIES.has(symbology)) return readGs1(symbology, data);
  if (PLAIN_SYMBOLOGIES.has(symbology)) return readPlain(symbology, data);
  if (EAN_DIGITS[symbology] !== undefined) return readEan(symbology, data, EAN_DIGITS[symbology]);
  if (symbology === 'C0' && /^[=&]/.test(data)) return { ...empty(symbology, data), kind: 'isbt128', isbt128: readIsbt128(data) };
  throw refusal(
    'ID-FORM',
    `]${symbology}: a symbology that holds no identifier known here`,
    'Scan a GS1, ISBT 128 or ISO/IEC 15434 symbol.',
  );
}

function empty(symbology: string, data: string): Scan {
  return { symbology, kind: 'plain', elements: [], items: [], gtin: null, isbt128: null, national: [], warnings: [], data };
}

function readGs1(symbology: string, data: string): Scan {
  const { elements, trailingSeparators } = readElementString(data);
  const warnings: ScanWarning[] =
    trailingSeparators > 0 ? [{ code: 'trailing-separator', message: 'a separator stood behind the last element' }] : [];
  return { ...empty(symbology, data), kind: 'gs1', elements, warnings, national: nationalOf(elements) };
}

function readPlain(symbology: string, data: string): Scan {
  if (isWebLink(data)) {
    const { elements } = readDigitalLink(data);
    return { ...empty(symbology, data), kind: 'link', elements, national: nationalOf(elements) };
  }
  if (isIso15434(data)) {
    const message = readIso15434(data);
    const ppn = message.items.find((item) => item.di === '9N');
    const pzn = ppn === undefined ? null : readPpn(ppn.value).pzn;
    const gtin = message.items.find((item) => item.di === '8P');
    const elements = gtin === undefined ? message.elements : [{ ai: '01', value: gtin.value }];
    return {
      ...empty(symbology, data),
      kind: 'iso15434',
      elements: message.elements,
      items: message.items,
      national: pzn === null ? nationalOf(elements) : [{ scheme: 'PZN', value: pzn }],
      warnings: message.trailerMissing ? [{ code: 'trailer-missing', message: 'the message does not end with RS EOT' }] : [],
    };
  }
  if (symbology === 'd1' && data.startsWith('=+')) return { ...empty(symbology, data), kind: 'isbt128', isbt128: readIsbt128(data) };
  return empty(symbology, data);
}

function readEan(symbology: string, data: string, digits: number): Scan {
  const bar = data.indexOf(COMPOSITE);
  const primary = bar < 0 ? data : data.slice(0, bar);
  if (primary.length !== digits) throw refusal('ID-LENGTH', `]${symbology}${shown(primary)}: ${digits} digits are needed`, 'Scan again.');
  if (!isDigits(primary)) throw refusal('ID-CHARSET', `]${symbology}${primary}: only digits are allowed`, 'Scan again.');
  if (!hasValidCheckDigit(primary)) throw refusal('ID-CHECK', `]${symbology}${primary}: the check digit is wrong`, 'Scan again.');
  const gtin = primary.padStart(14, '0');
  const elements = bar < 0 ? [] : readComposite(gtin, data.slice(bar + COMPOSITE.length));
  return { ...empty(symbology, data), kind: 'ean', elements, gtin, national: nationalOf([{ ai: '01', value: gtin }, ...elements]) };
}

/** The composite part belongs to the same item as the linear one: what it needs beside it may be the GTIN there. */
function readComposite(gtin: string, data: string): readonly Element[] {
  return readElementString(`01${gtin}${data}`).elements.slice(1);
}

export function nationalOf(elements: readonly Element[]): { scheme: 'PZN'; value: string }[] {
  const numbers = new Set<string>();
  for (const { ai, value } of elements) {
    const pzn = ai === '710' ? value : ai === '01' ? pznOfNtin(value) : null;
    if (pzn !== null) numbers.add(pzn);
  }
  return [...numbers].map((value) => ({ scheme: 'PZN', value }));
}
