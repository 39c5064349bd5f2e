import { refusal, shown } from '../refusal.ts';
import type { Thing, ThingLot } from '../thing.ts';
import { encodeGeneral, isWithin, percentDecode, SET_39, SET_82 } from './characters.ts';
import { checkDigit, isDigits } from './check-digit.ts';

/**
 * A GS1 key at its finest (epcis-2.0.md I-10): the key's own value and at most one qualifier, both decoded.
 *
 *     01/09520123000110/21/A%2FB  →  { ai: '01', value: '09520123000110', qualifier: '21', part: 'A/B' }
 *     253/9520123000011X1         →  { ai: '253', value: '9520123000011X1', qualifier: '', part: '' }
 */
export type Gs1Key = { readonly ai: KeyAi; readonly value: string; readonly qualifier: Qualifier; readonly part: string };

export type KeyAi = '00' | '01' | '253' | '255' | '401' | '402' | '414' | '417' | '8003' | '8004' | '8006' | '8010' | '8017' | '8018';
export type Qualifier = '' | '10' | '21' | '235' | '254' | '8011';

type KeyRule = {
  readonly name: string;
  /** Digits that the value begins with, check digit included; 0 = text that begins with a company prefix. */
  readonly digits: number;
  /** Where the digits with the check digit at their end stand. */
  readonly checked: readonly [from: number, to: number] | null;
  /** What may follow the digits: a serial within the value itself. */
  readonly tail: { readonly set: 'N' | 'X'; readonly max: number } | null;
  /** For text: its set and length. */
  readonly text: { readonly set: 'X' | 'Y'; readonly max: number } | null;
  /** Qualifiers in their order, alternatives side by side (epcis-2.0.md I-7). 22, 7040 and 8019 are read and left out: not the finest key. */
  readonly qualifiers: readonly (readonly string[])[];
};

const numeric = (name: string, digits: number, qualifiers: string[][] = [], checkedTo = digits): KeyRule => ({
  name,
  digits,
  checked: [0, checkedTo],
  tail: null,
  text: null,
  qualifiers,
});
const serialised = (name: string, digits: number, set: 'N' | 'X', max: number): KeyRule => ({
  name,
  digits,
  checked: [digits - 13, digits],
  tail: { set, max },
  text: null,
  qualifiers: [],
});
const textual = (name: string, set: 'X' | 'Y', qualifiers: string[][] = []): KeyRule => ({
  name,
  digits: 0,
  checked: null,
  tail: null,
  text: { set, max: 30 },
  qualifiers,
});

const KEY_RULES: ReadonlyMap<string, KeyRule> = new Map<KeyAi, KeyRule>([
  ['00', numeric('SSCC', 18)],
  ['01', numeric('GTIN', 14, [['22', '10', '21'], ['235']])],
  ['253', serialised('GDTI', 13, 'X', 17)],
  ['255', serialised('GCN', 13, 'N', 12)],
  ['401', textual('GINC', 'X')],
  ['402', numeric('GSIN', 17)],
  ['414', numeric('GLN', 13, [['254'], ['7040']])],
  ['417', numeric('GLN of a party', 13, [['7040']])],
  ['8003', serialised('GRAI', 14, 'X', 16)],
  ['8004', textual('GIAI', 'X', [['7040']])],
  ['8006', numeric('ITIP', 18, [['22', '10', '21']], 14)],
  ['8010', textual('CPID', 'Y', [['8011']])],
  ['8017', numeric('GSRN of a provider', 18, [['8019']])],
  ['8018', numeric('GSRN of a recipient', 18, [['8019']])],
]);

const PART_RULES: Readonly<Record<string, { name: string; set: 'N' | 'X'; max: number }>> = {
  '10': { name: 'lot', set: 'X', max: 20 },
  '21': { name: 'serial number', set: 'X', max: 20 },
  '22': { name: 'consumer product variant', set: 'X', max: 20 },
  '235': { name: 'serial number of the third party', set: 'X', max: 28 },
  '254': { name: 'GLN extension', set: 'X', max: 20 },
  '7040': { name: 'unique identification code', set: 'X', max: 4 },
  '8011': { name: 'component serial number', set: 'N', max: 12 },
  '8019': { name: 'service relation instance number', set: 'N', max: 10 },
};

/** The finest qualifier wins (I-10): a link with lot and serial is the instance. */
const FINEST: readonly Qualifier[] = ['21', '235', '10', '254', '8011'];

export function isKeyAi(ai: string): ai is KeyAi {
  return KEY_RULES.has(ai);
}

function ruleOf(ai: KeyAi): KeyRule {
  return KEY_RULES.get(ai) as KeyRule;
}

/** How many characters of the value name the class: the rest of a 253, 255 or 8003 is the serial (14.1). */
export function baseLength(ai: KeyAi): number {
  const rule = ruleOf(ai);
  return rule.tail === null ? Number.POSITIVE_INFINITY : rule.digits;
}

/** Longest serial and whether it is plain text (set 82), for a key's qualifier or its tail; null where the key has no free serial. */
export function serialRule(ai: KeyAi, qualifier: Qualifier): { readonly set: 'N' | 'X'; readonly max: number } | null {
  return qualifier === '' ? ruleOf(ai).tail : (PART_RULES[qualifier] ?? null);
}

/**
 * Refuses a key value that breaks the rules of its AI (epcis-2.0.md I-3, §14.1): length, characters, check digit.
 * `checkDigitToo` is off only for the event hash, whose programs do not look (codes.md §1.7).
 */
export function checkKeyValue(ai: KeyAi, value: string, checkDigitToo = true): void {
  const rule = ruleOf(ai);
  if (rule.text !== null) {
    if (value.length > rule.text.max)
      throw refusal(
        'ID-LENGTH',
        `${rule.name} ${shown(value)}: ${value.length} characters, ${rule.text.max} are allowed`,
        `Shorten the ${rule.name} to ${rule.text.max} characters.`,
      );
    if (!isWithin(rule.text.set === 'Y' ? SET_39 : SET_82, value))
      throw refusal(
        'ID-CHARSET',
        `${rule.name} ${shown(value)}: a character outside GS1 set ${rule.text.set === 'Y' ? 39 : 82}`,
        'Use allowed characters only, percent-encoded where the form asks for it.',
      );
    if (!isDigits(value.slice(0, 4)) || value.length < 4)
      throw refusal(
        'ID-FORM',
        `${rule.name} ${shown(value)}: does not begin with a company prefix`,
        'Begin with the digits of the GS1 company prefix.',
      );
    return;
  }
  const tail = value.slice(rule.digits);
  if (value.length < rule.digits || (tail !== '' && rule.tail === null))
    throw refusal(
      'ID-LENGTH',
      `${rule.name} ${shown(value)}: ${value.length} digits, ${rule.digits} are needed`,
      ai === '01' ? 'Write the GTIN with 14 digits, padded with zeros on the left.' : `Give all ${rule.digits} digits of the ${rule.name}.`,
    );
  if (!isDigits(value.slice(0, rule.digits)))
    throw refusal(
      'ID-CHARSET',
      `${rule.name} ${shown(value)}: the first ${rule.digits} characters must be digits`,
      'Correct the characters that are no digits.',
    );
  if (tail !== '' && rule.tail !== null) checkText(`serial number of the ${rule.name}`, tail, rule.tail.set, rule.tail.max);
  if (ai === '8003' && value[0] !== '0')
    throw refusal(
      'ID-FORM',
      `GRAI ${shown(value)}: the digit before the 13 digits must be 0`,
      'Put 0 in front of the 13 digits of the asset type.',
    );
  if (checkDigitToo && rule.checked !== null) {
    const [from, to] = rule.checked;
    const right = checkDigit(value.slice(from, to - 1));
    if (value[to - 1] !== right)
      throw refusal(
        'ID-CHECK',
        `${rule.name} ${shown(value)}: check digit should be ${right}`,
        'Correct the check digit, or the digit that was misread.',
      );
  }
  if (ai === '8006') checkPieces(value.slice(14));
}

function checkPieces(pieces: string): void {
  const piece = Number(pieces.slice(0, 2));
  const total = Number(pieces.slice(2, 4));
  if (piece === 0 || total === 0 || piece > total)
    throw refusal('ID-FORM', `ITIP: piece ${piece} of ${total} cannot be`, 'Give a piece number from 01 to the total.');
}

/** Refuses a qualifier's value that is empty, too long or has characters that its AI does not allow. */
export function checkPart(ai: string, part: string): void {
  const rule = PART_RULES[ai];
  if (rule === undefined) throw refusal('ID-AI', `(${ai}) qualifies no key of EPCIS`, 'Leave this element out.');
  checkText(rule.name, part, rule.set, rule.max);
  if (ai === '8011' && part.length > 1 && part[0] === '0')
    throw refusal('ID-FORM', `component serial number ${part}: begins with 0`, 'Leave out the leading zeros.');
}

function checkText(name: string, text: string, set: 'N' | 'X', max: number): void {
  if (text === '') throw refusal('ID-FORM', `the ${name} is empty`, `Give the ${name}.`);
  if (text.length > max)
    throw refusal(
      'ID-LENGTH',
      `${name} ${shown(text)}: ${text.length} characters, ${max} are allowed`,
      `Shorten the ${name} to ${max} characters.`,
    );
  if (set === 'N' ? !isDigits(text) : !isWithin(SET_82, text))
    throw refusal(
      'ID-CHARSET',
      `${name} ${shown(text)}: ${set === 'N' ? 'only digits are allowed' : 'a character outside GS1 set 82'}`,
      'Use allowed characters only, percent-encoded where the form asks for it.',
    );
}

/**
 * A key from its AI, value and qualifiers as they follow one another, all decoded; refuses what breaks a rule (I-3, I-7).
 * Keeps the finest qualifier; a GLN extension `0` means none (I-11).
 */
export function keyFrom(ai: KeyAi, value: string, qualifiers: readonly (readonly [ai: string, value: string])[]): Gs1Key {
  checkKeyValue(ai, value);
  if (!isSequence(ai, qualifiers))
    throw refusal(
      'ID-AI',
      `(${ai}) cannot be followed by ${qualifiers.map(([q]) => `(${q})`).join(' ')}`,
      'Write only qualifiers of this key, in the order of the standard: for a GTIN 22, 10, 21.',
    );
  for (const [q, part] of qualifiers) checkPart(q, part);
  return finest(ai, value, qualifiers);
}

/** Whether the qualifiers are ones of the key, in order, none twice. */
export function isSequence(ai: KeyAi, qualifiers: readonly (readonly [ai: string, value: string])[]): boolean {
  return (
    qualifiers.length === 0 ||
    ruleOf(ai).qualifiers.some((order) => {
      let next = 0;
      return qualifiers.every(([q]) => {
        const at = order.indexOf(q, next);
        next = at + 1;
        return at >= 0;
      });
    })
  );
}

/** The finest identification among the qualifiers (I-10), unchecked. */
export function finest(ai: KeyAi, value: string, qualifiers: readonly (readonly [ai: string, value: string])[]): Gs1Key {
  for (const qualifier of FINEST) {
    const found = qualifiers.find(([q]) => q === qualifier);
    if (found !== undefined && !(qualifier === '254' && found[1] === '0')) return { ai, value, qualifier, part: found[1] };
  }
  return { ai, value, qualifier: '', part: '' };
}

/** Canonical key text (design.md §4): `01/09520123000110/21/ABC`, values in the general percent-encoding. */
export function keyText(key: Gs1Key): string {
  const base = `${key.ai}/${encodeGeneral(key.value)}`;
  return key.qualifier === '' ? base : `${base}/${key.qualifier}/${encodeGeneral(key.part)}`;
}

/** The thing that a key names. A key of a whole class or lot names no instance: it stays together, under class 'uri'. */
export function thingOf(key: Gs1Key): Thing {
  const { ai, value, qualifier, part } = key;
  switch (qualifier) {
    case '21':
      return { class: `${ai}/${value}`, serial: part };
    case '235':
      return { class: `01/${value}/235`, serial: part };
    case '8011':
      return { class: `8010/${encodeGeneral(value)}`, serial: part };
    case '254':
      return { class: '414', serial: `${value}/254/${part}` };
    case '10':
      return { class: 'uri', serial: keyText(key) };
    case '':
  }
  const base = baseLength(ai);
  if (value.length > base) return { class: `${ai}/${value.slice(0, base)}`, serial: value.slice(base) };
  return isClassLevel(ai) ? { class: 'uri', serial: keyText(key) } : { class: ai, serial: value };
}

/** The class or lot that a key names. A key of one instance is no class: it stays together, under class 'uri'. */
export function lotOf(key: Gs1Key): ThingLot {
  const { ai, value, qualifier, part } = key;
  if (qualifier === '10') return { class: `${ai}/${value}`, lot: part };
  if (qualifier === '' && isClassLevel(ai) && value.length <= baseLength(ai)) return { class: `${ai}/${encodeGeneral(value)}`, lot: '' };
  return { class: 'uri', lot: keyText(key) };
}

/** Whether the bare key (no qualifier, no serial behind it) names a class of things. */
function isClassLevel(ai: KeyAi): boolean {
  return ai === '01' || ai === '8006' || ai === '8010' || ruleOf(ai).tail !== null;
}

/** The key behind a thing or a lot; null for class 'uri' unless what it holds is a key's text. Undoes thingOf and lotOf. */
export function keyOf(thing: Thing | ThingLot): Gs1Key | null {
  const detail = 'serial' in thing ? thing.serial : thing.lot;
  if (thing.class === 'uri') return readKeyText(detail);
  const [ai, value, suffix] = thing.class.split('/') as [KeyAi, string | undefined, string | undefined];
  if (value === undefined) {
    const at = ai === '414' ? detail.indexOf('/254/') : -1;
    return at < 0
      ? { ai, value: detail, qualifier: '', part: '' }
      : { ai, value: detail.slice(0, at), qualifier: '254', part: detail.slice(at + 5) };
  }
  const base = percentDecode(value);
  if (detail === '') return { ai, value: base, qualifier: '', part: '' };
  if ('lot' in thing) return { ai, value: base, qualifier: '10', part: detail };
  if (baseLength(ai) !== Number.POSITIVE_INFINITY) return { ai, value: base + detail, qualifier: '', part: '' };
  return { ai, value: base, qualifier: suffix === '235' ? '235' : ai === '8010' ? '8011' : '21', part: detail };
}

/** The key that a canonical key text writes; null when the text does not begin like one. Refuses a broken one. */
export function readKeyText(text: string): Gs1Key | null {
  const slash = text.indexOf('/');
  const ai = text.slice(0, slash);
  if (slash < 2 || !isKeyAi(ai)) return null;
  const parts = text.split('/');
  if (parts.length !== 2 && parts.length !== 4)
    throw refusal(
      'ID-FORM',
      `${shown(text)}: a key is AI/value, or AI/value/qualifier/value`,
      'Percent-encode every / inside a value as %2F.',
    );
  if (parts[2] === '10' && (ai === '01' || ai === '8006'))
    return lotKey(ai, percentDecode(parts[1] as string), percentDecode(parts[3] as string));
  const qualifiers: [string, string][] = parts.length === 4 ? [[parts[2] as string, percentDecode(parts[3] as string)]] : [];
  return keyFrom(ai, percentDecode(parts[1] as string), qualifiers);
}

/**
 * A lot as events name it: ilmd states it as free text, so that a lot may have a space or more than 20 characters, and still is the lot that
 * it is, byte for byte (domain.md §3.1, §10.2 rule 5). Such a key has no Digital Link, element string or URN.
 */
function lotKey(ai: KeyAi, value: string, lot: string): Gs1Key {
  checkKeyValue(ai, value);
  if (lot === '') throw refusal('ID-LENGTH', `${ai}/${value}: the lot is empty`, 'Write the lot behind /10/, or leave /10/ out.');
  return { ai, value, qualifier: '10', part: lot };
}

/** Whether a key can be written in the forms of GS1: all but lots of odd text. */
export function isWritable(key: Gs1Key): boolean {
  if (key.qualifier !== '10') return true;
  try {
    checkPart('10', key.part);
    return true;
  } catch {
    return false;
  }
}
