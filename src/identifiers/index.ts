/**
 * What things are called (design.md §2, §4): every spelling of an identifier leads to one canonical key, and back.
 * EPC URN ⇄ GS1 Digital Link ⇄ element string; check digits; what a scanner sent; ISBT 128. Pure: no I/O, no clock.
 */
export { CompanyPrefixes, type LearnedPrefix } from './company-prefixes.ts';
export { constrainedDigitalLink } from './constrained-link.ts';
export {
  describeIdentifier,
  type IdentifierDescription,
  kindOfKey,
  parseThing,
  thingOfElements,
  toDigitalLink,
  toElementString,
  toEpcUrn,
} from './describe.ts';
export { parseEpc, parseEpcClass } from './epc.ts';
export { EPC_FORMATS, type EpcFormat, translateEpc } from './epc-format.ts';
export { type AiRule, findAi, listAis } from './gs1/ai-table.ts';
export { checkCharacters, hasValidCheckCharacters } from './gs1/check-characters.ts';
export { checkDigit, hasValidCheckDigit } from './gs1/check-digit.ts';
export { formatGs1Date, gs1Date } from './gs1/dates.ts';
export { type DigitalLink, readDigitalLink, writeDigitalLink } from './gs1/digital-link.ts';
export { hriLines, readBracketed, readElementString, writeBracketed, writeElementString } from './gs1/element-string.ts';
export { checkElements, type Element } from './gs1/elements.ts';
export { isPzn, ntinOfPzn, type Ppn, ppnOfPzn, pznOfNtin, readPpn } from './gs1/pharma.ts';
export { keyboardCheckCharacter } from './isbt128/check-characters.ts';
export { bagKey, isbt128Key, readBagKey } from './isbt128/keys.ts';
export { checkCoi, checkDin, checkDinCharacter, type Isbt128Structure, readIsbt128 } from './isbt128/structures.ts';
export { formatKey, glnOf, locationKey, parseKey, partyKey } from './key.ts';
export { checkName } from './name.ts';
export { type DataItem, type Iso15434Message, readIso15434 } from './scan/iso15434.ts';
export { LAYOUTS, type Layout } from './scan/keyboard.ts';
export type { Notice } from './scan/message-content.ts';
export { readScan, type Scan, type ScanWarning } from './scan/read-scan.ts';
export { readArrival, type ScanProblem, type ScanProfile, type ScanReading } from './scan/reading.ts';
export { type ScannerSetup, SETUP_ELEMENTS, workOutSetup } from './scan/setup.ts';
export type { Thing, ThingLot } from './thing.ts';
