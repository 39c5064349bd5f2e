import { LotlineError } from '../../errors.ts';
import {
  checkCoi,
  checkDin,
  checkDinCharacter,
  formatKey,
  type Isbt128Structure,
  parseThing,
  readBagKey,
  readIsbt128,
  readScan,
} from '../../identifiers/index.ts';
import { chainKey } from '../vocabulary.ts';

/**
 * Identifiers that the ledger may hold, compared in their canonical form. Every other name (patientName, birthDate, recordNumber …) is held by the
 * vault: compared there, and kept as a commitment alone.
 */
const OPEN = new Set([
  'coiId',
  'din',
  'container',
  'sample',
  'shipper',
  'orderId',
  'patientRef',
  'donorRef',
  'product',
  'lot',
  'space',
  'position',
  'seal',
]);
/** Of these a value says whose material it is, or whose it is to be; the others only go with it, and never count (INV-09). */
const IDENTIFYING = new Set(['coiId', 'din', 'container', 'sample', 'shipper', 'orderId', 'patientRef', 'donorRef']);

export const isPersonal = (identifier: string): boolean => !OPEN.has(identifier);
export const identifies = (identifier: string): boolean => isPersonal(identifier) || IDENTIFYING.has(identifier);

/** What was read of one identifier. Of a personal one the value, as long as it has not become a commitment. */
export type Reading = { readonly identifier: string; readonly value: string };

/**
 * Whether neither of two readings can be computed from the other (INV-09): a number that contains the coiId or the DIN says nothing besides it, and
 * the bag's key bears the DIN. Two commitments are told apart by what they stand for alone.
 */
export function independent(a: Reading, b: Reading): boolean {
  if (a.identifier === b.identifier) return false;
  if (isCommitment(a.value) || isCommitment(b.value)) return true;
  const [one, other] = [bare(a), bare(b)];
  if (one === '' || other === '' || one.includes(other) || other.includes(one)) return false;
  // Numbers of persons that begin with their day of birth are no second identifier beside it.
  return !datesIn(a).some((date) => other.includes(date)) && !datesIn(b).some((date) => one.includes(date));
}

/** The ways in which a date is written into numbers; none for what is no date. */
function datesIn({ value }: Reading): string[] {
  const [, century, year, month, day] = /^(\d\d)(\d\d)-(\d\d)-(\d\d)$/.exec(value) ?? [];
  if (century === undefined) return [];
  return [`${day}${month}${century}${year}`, `${day}${month}${year}`, `${year}${month}${day}`];
}

export const isCommitment = (value: string): boolean => value.startsWith('hmac:');

/** Letters and digits alone: how a number is set apart is no information. */
const bare = ({ value }: Reading): string =>
  value
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

/**
 * The canonical form of what was read: a scan of ISBT 128 or GS1, or text that somebody typed. Refuses what breaks a rule of its identifier (wrong
 * flags, wrong check character), for that was not read but misread. Personal values stay as they are.
 */
export function canonicalValue(identifier: string, text: string, at: string): string {
  const given = text.trim();
  try {
    if (given === '') throw new LotlineError('REQ-FORM', 'the value is empty', { fix: 'Read it again.' });
    switch (identifier) {
      case 'coiId':
        return coiIdOf(given);
      case 'din':
        return dinOf(given);
      case 'container':
      case 'sample':
      case 'shipper':
        return formatKey(parseThing(given));
      case 'space':
      case 'position':
        return /^(?:\(|\]|urn:|https?:|\d{2,4}\/)/i.test(given) ? formatKey(parseThing(given)) : given.toUpperCase();
      case 'product':
      case 'lot':
      case 'seal':
        return given.toUpperCase();
      case 'orderId':
      case 'patientRef':
      case 'donorRef':
        return referenceOf(identifier, given);
      default:
        return given;
    }
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    // What is no value of its identifier may be anything, a name as well: the message does not repeat it.
    throw new LotlineError(error.code, `what was read is no ${identifier} that can be relied on`, { at, fix: error.fix });
  }
}

/** ISBT 128 data behind a symbology identifier, or bare; null for other text. */
function isbt128In(text: string): Isbt128Structure | null {
  if (text.startsWith(']')) return readScan(text).isbt128;
  return /^[=&]/.test(text) ? readIsbt128(text) : null;
}

function fieldOf(reading: Isbt128Structure, structure: string, field: string): string {
  const part = (reading.parts.length === 0 ? [reading] : reading.parts).find((one) => one.structure === structure);
  if (part === undefined)
    throw new LotlineError('ID-FORM', `the symbol holds no structure ${structure}`, { fix: 'Scan the symbol that holds this identifier.' });
  return String(part.fields[field]);
}

const KEY_OF_COI = 'urn:lotline:isbt128:040:';
const KEY_OF_DIN = 'urn:lotline:isbt128:001:';

function coiIdOf(text: string): string {
  const structure = isbt128In(text);
  if (structure !== null) return chainKey(fieldOf(structure, '040', 'coi'));
  const bareText = text.startsWith(KEY_OF_COI) ? text.slice(KEY_OF_COI.length) : text;
  const upper = bareText.toUpperCase();
  if (upper.startsWith('CH') && (upper.length === 15 || upper.length === 16) && /^CH[A-NP-Z1-9][0-9A-Z]{4}[0-9]{2}/.test(upper)) {
    checkCoi(upper);
    return chainKey(upper);
  }
  if (!/^[A-Z0-9-]{6,32}$/.test(upper))
    throw new LotlineError('ID-FORM', 'not 6 to 32 of A-Z, 0-9 and -', { fix: 'Read the Chain of Identity Identifier again.' });
  return upper;
}

function dinOf(text: string): string {
  const structure = isbt128In(text);
  if (structure !== null) return fieldOf(structure, '001', 'din');
  const bag = readBagKey(text);
  if (bag !== null) return bag.din;
  const upper = (text.startsWith(KEY_OF_DIN) ? text.slice(KEY_OF_DIN.length) : text).toUpperCase().replace(/[ -]/g, '');
  if (upper.length === 14) {
    checkDinCharacter(upper.slice(0, 13), upper[13] as string);
    return upper.slice(0, 13);
  }
  checkDin(upper);
  return upper;
}

const REFERENCE: Readonly<Record<string, RegExp>> = {
  orderId: /^or_[A-Za-z0-9]{8,64}$/,
  patientRef: /^pr_[A-Za-z0-9]{8,64}$/,
  donorRef: /^dr_[A-Za-z0-9]{8,64}$/,
};
function referenceOf(identifier: string, text: string): string {
  if (!(REFERENCE[identifier] as RegExp).test(text))
    throw new LotlineError('ID-FORM', `not the form of an ${identifier}`, { fix: 'Read it again, as lotline issued it.' });
  return text;
}

/** The donation numbers that keys of containers bear, by key or alias. */
export function dinsOf(keys: Iterable<string>): Set<string> {
  const dins = new Set<string>();
  for (const key of keys) {
    const bag = readBagKey(key);
    if (bag !== null) dins.add(bag.din);
    else if (key.startsWith(KEY_OF_DIN)) dins.add(key.slice(KEY_OF_DIN.length));
  }
  return dins;
}
