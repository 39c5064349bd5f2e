import { LotlineError } from '../../errors.ts';
import { findAi } from '../gs1/ai-table.ts';
import { hasValidCheckDigit, isDigits } from '../gs1/check-digit.ts';
import { isWebLink } from '../gs1/digital-link.ts';
import { splitElementString } from '../gs1/element-string.ts';
import type { Element } from '../gs1/elements.ts';
import { isPzn } from '../gs1/pharma.ts';
import type { Isbt128Structure } from '../isbt128/structures.ts';
import { orNull, refusal, shown } from '../refusal.ts';
import { type DataItem, isIso15434 } from './iso15434.ts';
import type { Message } from './messages.ts';
import { GS1_SYMBOLOGIES, readScan } from './read-scan.ts';

/** What one message says, before it is joined with the others of its read. */
export type Content = {
  /** `elements` are not checked yet: what they need beside them may stand in another message. The others are. */
  readonly kind: 'elements' | 'link' | 'items' | 'gtin' | 'pzn' | 'isbt128';
  readonly elements: readonly Element[];
  readonly items: readonly DataItem[];
  readonly pzn: string | null;
  readonly isbt128: Isbt128Structure | null;
  readonly warnings: readonly Notice[];
};

/** Something that a reading tells its operator. Codes never change their meaning; docs/scanning.md lists them. */
export type Notice = { readonly code: string; readonly message: string };

/** A message that cannot be read, for a reason that has a name of its own besides the rules of identifiers. */
export class Unreadable extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const NOTHING: Omit<Content, 'kind'> = { elements: [], items: [], pzn: null, isbt128: null, warnings: [] };
const SEPARATOR = '\u001d';
/** Date of birth and number of a patient (domain.md §3.2): never read, never kept, never repeated. */
const PATIENT = /[=&]#/;
const NO_IDENTIFIER: Notice = {
  code: 'no-symbology-identifier',
  message: 'The scanner sent no symbology identifier; what it read was told by its form. Switch AIM identifiers on in the scanner.',
};

/** Reads one message by its symbology identifier, or where none was sent by its form, as far as that is sure (codes.md §8). Throws Unreadable or LotlineError. */
export function readMessage({ symbology, data }: Message): Content {
  if (symbology !== null) return readSymbol(symbology, data);
  const content = readForm(data);
  return { ...content, warnings: [NO_IDENTIFIER, ...content.warnings] };
}

function readSymbol(symbology: string, data: string): Content {
  if (GS1_SYMBOLOGIES.has(symbology)) return readElements(data);
  if (/^A\d$/.test(symbology)) return readPzn(data);
  if (PATIENT.test(data) && /^[=&]/.test(data))
    throw new Unreadable('patient-data', 'The symbol tells of a patient. Such data are not read here; scan the code of the product.');
  const scan = readScan(`]${symbology}${data}`);
  const { elements, items, isbt128, gtin } = scan;
  const warnings = scan.warnings.map(({ code, message }) => ({ code, message: `${capital(message)}. Look at the printer of the label.` }));
  switch (scan.kind) {
    case 'ean':
      return { ...NOTHING, kind: 'gtin', elements: [{ ai: '01', value: gtin as string }, ...elements] };
    case 'plain':
      throw new Unreadable(
        'not-gs1',
        `]${symbology} is a symbol without FNC1: what it holds may look like GS1 data and is none. Scan the GS1 symbol, or have the symbol printed with FNC1 in front.`,
      );
    case 'iso15434':
      return { ...NOTHING, kind: 'items', elements, items, warnings };
    case 'isbt128':
      return { ...NOTHING, kind: 'isbt128', isbt128 };
    default:
      return { ...NOTHING, kind: 'link', elements, warnings };
  }
}

function readElements(data: string): Content {
  const bare = withoutLeading(data);
  const { elements, trailingSeparators } = splitElementString(bare);
  const warnings: Notice[] = [];
  if (bare !== data)
    warnings.push({
      code: 'leading-separator',
      message:
        'A separator stood before the first element. Set the scanner to send FNC1 in first position as the symbology identifier only.',
    });
  if (trailingSeparators > 0)
    warnings.push({ code: 'trailing-separator', message: 'A separator stood behind the last element. Look at the printer of the label.' });
  return { ...NOTHING, kind: 'elements', elements, warnings };
}

function withoutLeading(data: string): string {
  let from = 0;
  while (data[from] === SEPARATOR) from++;
  return data.slice(from);
}

/** Digits that are all there is to a linear symbol: EAN-8, UPC-A, EAN-13, ITF-14. */
const GTIN_LENGTHS = [8, 12, 13, 14];

/** What data without symbology identifier are. Element strings only where a key is among them: anything else may be any other code. */
export function readForm(data: string): Content {
  if (isIso15434(data)) return readSymbol('d1', data);
  if (isWebLink(data)) return readSymbol('Q1', data);
  if (/^[=&]/.test(data)) return readSymbol('C0', data);
  if (/^(?:PZN[\s:-]*|-)\d{8}$/i.test(data)) return readPzn(data);
  if (isDigits(data) && GTIN_LENGTHS.includes(data.length)) return readGtin(data);
  const elements = orNull(() => splitElementString(withoutLeading(data)).elements);
  if (elements?.some((e) => findAi(e.ai)?.qualifiers != null)) return readElements(data);
  throw new Unreadable(
    'no-symbology-identifier',
    `${shown(data.replaceAll(SEPARATOR, '␝'))}: no symbology identifier, and no form that is known here. Switch AIM identifiers on in the scanner, and scan again.`,
  );
}

function readGtin(digits: string): Content {
  const isGtin = hasValidCheckDigit(digits);
  if (digits.length === 8 && isPzn(digits)) {
    if (isGtin) throw new Unreadable('ambiguous', `${digits} is a right EAN-8 and a right PZN. Write PZN- before it, or scan the symbol.`);
    throw new Unreadable('ambiguous', `${digits} is no EAN-8; if it is a PZN, write PZN- before it.`);
  }
  if (!isGtin) throw refusal('ID-CHECK', `GTIN ${digits}: the check digit is wrong`, 'Scan again, or correct the digit that was misread.');
  return { ...NOTHING, kind: 'gtin', elements: [{ ai: '01', value: digits.padStart(14, '0') }] };
}

/** A PZN as Code 39 holds it, `-12345678`, or as it is printed, `PZN-12345678`. */
function readPzn(data: string): Content {
  const [, pzn] = /^(?:PZN[\s:-]*|-)(\d{8})$/i.exec(data) ?? [];
  if (pzn === undefined)
    throw new Unreadable('not-gs1', `${shown(data)}: a Code 39 symbol that holds no PZN. Scan a GS1, ISBT 128 or PZN symbol.`);
  if (!isPzn(pzn)) throw refusal('ID-CHECK', `PZN ${pzn}: the check digit is wrong`, 'Scan again, or correct the digit that was misread.');
  return { ...NOTHING, kind: 'pzn', pzn };
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What a refusal becomes in an answer; the element that it is about is told by its AI. Anything else goes on. */
export function toldOf(error: unknown): Notice & { readonly ai?: string } {
  if (error instanceof Unreadable) return { code: error.code, message: error.message };
  if (!(error instanceof LotlineError)) throw error;
  const ai = /^\((\d{2,4})\)/.exec(error.message)?.[1];
  return { code: error.code, message: `${error.message.replaceAll(SEPARATOR, '␝')}. ${error.fix}`, ...(ai !== undefined && { ai }) };
}
