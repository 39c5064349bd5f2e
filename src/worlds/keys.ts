import { checkDigit } from '../identifiers/index.ts';

/**
 * The identifiers of the demo worlds, in the three spellings that a world needs: EPC URN, GS1 Digital Link, canonical key
 * (design.md §4). Everything is numbered under one example company prefix; serials are letters and digits, so only lots are encoded.
 */

/** GS1 prefix 952 is set aside for demonstrations and examples. */
export const COMPANY_PREFIX = '9520123';
const LINK = 'https://id.gs1.org/';

const withCheckDigit = (digits: string): string => digits + checkDigit(digits);

/** A trade item: its GTIN, its name, and what stands before the serial or lot in each spelling. */
export type TradeItem = { readonly gtin: string; readonly name: string; readonly reference: string; readonly key: string };

/** The trade item with this indicator digit and five-digit item reference; the indicator moves in the URN (I-2). */
export function tradeItem(indicator: number, item: string, name: string): TradeItem {
  const gtin = withCheckDigit(`${indicator}${COMPANY_PREFIX}${item}`);
  return { gtin, name, reference: `${COMPANY_PREFIX}.${indicator}${item}`, key: `01/${gtin}` };
}

/** How a partner writes identifiers: as EPC URNs or as GS1 Digital Links. */
export type Spelling = 'urn' | 'link';

export const sgtin = (item: TradeItem, serial: string, spelling: Spelling = 'urn'): string =>
  spelling === 'urn' ? `urn:epc:id:sgtin:${item.reference}.${serial}` : `${LINK}01/${item.gtin}/21/${serial}`;
export const sgtinKey = (item: TradeItem, serial: string): string => `01/${item.gtin}/21/${serial}`;

export const lgtin = (item: TradeItem, lot: string): string => `urn:epc:class:lgtin:${item.reference}.${lot}`;
/** Our lots hold letters, digits and once a space, which encodeURIComponent writes in the general form of codes.md §4. */
export const lotKey = (item: TradeItem, lot: string): string => `01/${item.gtin}/10/${encodeURIComponent(lot)}`;
export const itemPattern = (item: TradeItem): string => `urn:epc:idpat:sgtin:${item.reference}.*`;

/** A logistic unit: extension digit and nine-digit serial reference. */
export type Sscc = { readonly digits: string; readonly reference: string };

export function sscc(extension: number, serial: number): Sscc {
  const reference = String(serial).padStart(9, '0');
  return { digits: withCheckDigit(`${extension}${COMPANY_PREFIX}${reference}`), reference: `${COMPANY_PREFIX}.${extension}${reference}` };
}
export const ssccEpc = (unit: Sscc, spelling: Spelling = 'urn'): string =>
  spelling === 'urn' ? `urn:epc:id:sscc:${unit.reference}` : `${LINK}00/${unit.digits}`;
export const ssccKey = (unit: Sscc): string => `00/${unit.digits}`;

export const glnOf = (location: string): string => withCheckDigit(COMPANY_PREFIX + location);
/** A place, or with `at` a spot in it such as LINE1. */
export function sgln(location: string, spelling: Spelling = 'urn', at?: string): string {
  if (spelling === 'urn') return `urn:epc:id:sgln:${COMPANY_PREFIX}.${location}.${at ?? '0'}`;
  return `${LINK}414/${glnOf(location)}${at === undefined ? '' : `/254/${at}`}`;
}
export const pgln = (location: string, spelling: Spelling = 'urn'): string =>
  spelling === 'urn' ? `urn:epc:id:pgln:${COMPANY_PREFIX}.${location}` : `${LINK}417/${glnOf(location)}`;
/** A party as holder: its GLN as design.md §7 writes it. */
export const partyKey = (location: string): string => `414/${glnOf(location)}`;
