import { refusal, shown } from '../refusal.ts';
import type { AiComponent, AiRule } from './ai-table.ts';
import { isWithin, SET_39, SET_64, SET_82 } from './characters.ts';
import { hasValidCheckCharacters } from './check-characters.ts';
import { checkDigit, isDigits } from './check-digit.ts';
import { COUNTRY_LETTERS, COUNTRY_NUMBERS, CURRENCY_NUMBERS } from './code-lists.ts';
import { daysIn } from './dates.ts';

/**
 * Refuses an element's value that breaks the rule of its AI: length (ID-LENGTH), characters (ID-CHARSET), check digit (ID-CHECK), or
 * what the parts of the value mean (ID-FORM), as the GS1 syntax dictionary has it (codes.md §2).
 */
export function checkElement(rule: AiRule, value: string): void {
  let at = 0;
  for (const component of rule.components) {
    if (component.optional && at === value.length) break;
    const part = value.slice(at, at + component.max);
    at += part.length;
    if (part.length < component.min) throw lengthRefusal(rule, value, 'too short');
    checkCharacterSet(rule, component, part);
    for (const check of component.checks) checkContent(rule, check, part);
  }
  if (at < value.length) throw lengthRefusal(rule, value, 'too long');
}

function lengthRefusal(rule: AiRule, value: string, what: string): Error {
  const least = rule.components.reduce((sum, c) => sum + (c.optional ? 0 : c.min), 0);
  const most = rule.components.reduce((sum, c) => sum + c.max, 0);
  return refusal(
    'ID-LENGTH',
    `(${rule.ai}) ${shown(value)}: ${what}`,
    `Give ${least === most ? most : `${least} to ${most}`} characters for ${rule.title}.`,
  );
}

function checkCharacterSet(rule: AiRule, { set }: AiComponent, part: string): void {
  const right =
    set === 'N' ? isDigits(part) : set === 'X' ? isWithin(SET_82, part) : set === 'Y' ? isWithin(SET_39, part) : isBase64Url(part);
  if (right) return;
  const allowed = { N: 'digits only', X: 'GS1 set 82', Y: 'GS1 set 39', Z: 'base64url' }[set];
  throw refusal('ID-CHARSET', `(${rule.ai}) ${shown(part)}: a character that does not belong there`, `Use ${allowed}.`);
}

function isBase64Url(part: string): boolean {
  const bare = part.replace(/={1,2}$/, '');
  return isWithin(SET_64, bare) && !bare.includes('=') && (bare === part || part.length % 4 === 0);
}

function checkContent(rule: AiRule, check: string, part: string): void {
  if (check === 'csum') {
    const right = checkDigit(part.slice(0, -1));
    if (part.endsWith(right)) return;
    throw refusal(
      'ID-CHECK',
      `(${rule.ai}) ${part}: check digit should be ${right}`,
      'Correct the check digit, or the digit that was misread.',
    );
  }
  const holds = CONTENT_CHECKS[check];
  if (holds === undefined) throw new Error(`the dictionary names a check "${check}" that is not written`);
  if (holds(part)) return;
  throw check === 'csumalpha'
    ? refusal(
        'ID-CHECK',
        `(${rule.ai}) ${part}: the two check characters are wrong`,
        'Correct the check characters, or the character that was misread.',
      )
    : refusal('ID-FORM', `(${rule.ai}) ${shown(part)}: not what ${rule.title} may hold (${check})`, `Correct ${rule.title}.`);
}

/** The checks by the names that the dictionary gives them. */
const CONTENT_CHECKS: Readonly<Record<string, (part: string) => boolean>> = {
  csumalpha: hasValidCheckCharacters,
  gcppos1: (part) => part.length >= 4 && isDigits(part.slice(0, 4)),
  gcppos2: (part) => part.length >= 5 && isDigits(part.slice(1, 5)),
  yymmd0: (part) => isDay(part, true),
  yymmdd: (part) => isDay(part, false),
  yyyymmdd: (part) => {
    const day = Number(part.slice(6, 8));
    return day >= 1 && day <= daysIn(Number(part.slice(0, 4)), Number(part.slice(4, 6)));
  },
  hh: (part) => Number(part) < 24,
  mi: (part) => Number(part) < 60,
  ss: (part) => Number(part) < 60,
  hhmi: (part) => Number(part.slice(0, 2)) < 24 && Number(part.slice(2)) < 60,
  zero: (part) => /^0+$/.test(part),
  nonzero: (part) => !/^0+$/.test(part),
  nozeroprefix: (part) => part === '0' || !part.startsWith('0'),
  hasnondigit: (part) => !isDigits(part),
  hyphen: (part) => /^-+$/.test(part),
  yesno: (part) => part === '0' || part === '1',
  winding: (part) => part === '0' || part === '1' || part === '9',
  iso5218: (part) => part === '0' || part === '1' || part === '2' || part === '9',
  pieceoftotal: (part) => {
    const half = part.length / 2;
    return Number(part.slice(0, half)) >= 1 && Number(part.slice(0, half)) <= Number(part.slice(half));
  },
  posinseqslash: (part) => {
    const [position = '', end = ''] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(part)?.slice(1) ?? [];
    return end !== '' && Number(position) <= Number(end);
  },
  pcenc: (part) => !/%(?![0-9A-Fa-f]{2})/.test(part),
  importeridx: (part) => /^[-0-9A-Z_a-z]$/.test(part),
  mediatype: (part) => /^(?:0[1-9]|10|[89]\d)$/.test(part),
  latitude: (part) => Number(part) <= 1_800_000_000,
  longitude: (part) => Number(part) <= 3_600_000_000,
  iso3166: (part) => COUNTRY_NUMBERS.has(part),
  iso3166999: (part) => part === '999' || COUNTRY_NUMBERS.has(part),
  iso3166alpha2: (part) => COUNTRY_LETTERS.has(part),
  iso4217: (part) => CURRENCY_NUMBERS.has(part),
  iban: isIban,
  // The list of UN/ECE recommendation 21 with the additions of GS1 changes too often to be kept here; its form does not.
  packagetype: (part) => /^[0-9A-Z]{1,3}$/.test(part),
  couponcode: isCoupon,
  couponposoffer: isPositiveOffer,
};

/** A day YYMMDD; 29 February in every fourth year, 1900 and 2100 being out of reach of the two digits. */
function isDay(part: string, orWholeMonth: boolean): boolean {
  const day = Number(part.slice(4, 6));
  return (
    day <= daysIn(2000 + Number(part.slice(0, 2)), Number(part.slice(2, 4))) &&
    (day >= 1 || (orWholeMonth && daysIn(2001, Number(part.slice(2, 4))) > 0))
  );
}

/** ISO 13616: four characters moved to the end, letters as 10 to 35, the number mod 97 is 1. */
function isIban(part: string): boolean {
  if (!/^[A-Z]{2}[0-9]{2}[0-9A-Z]{7,30}$/.test(part) || !COUNTRY_LETTERS.has(part.slice(0, 2))) return false;
  let rest = 0;
  for (const c of part.slice(4) + part.slice(0, 4)) {
    const value = Number.parseInt(c, 36);
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97;
  }
  return rest === 1;
}

/** 8112: format 0 or 1, funder of 6 to 12 digits behind its length, offer of 6, serial of 6 to 15 behind its length, nothing more. */
function isPositiveOffer(part: string): boolean {
  if (!isDigits(part) || !/^[01][0-6]/.test(part)) return false;
  const serialLength = 2 + 6 + Number(part[1]) + 6;
  return part.length === serialLength + 1 + 6 + Number(part[serialLength]);
}

/**
 * 8110, as far as every such coupon goes: prefix of 6 to 12 digits, offer of 6, save value and purchase requirement of 1 to 5, each behind
 * its length; requirement code 0 to 4 or 9, family code of 3. The optional fields behind are US retail matters and only must be digits.
 */
function isCoupon(part: string): boolean {
  let at = 0;
  const skipCounted = (least: number, most: number, add: number): boolean => {
    const count = Number(part[at]);
    at += 1 + count + add;
    return count >= least && count <= most;
  };
  const counted = skipCounted(0, 6, 6 + 6) && skipCounted(1, 5, 0) && skipCounted(1, 5, 0);
  return isDigits(part) && counted && /[0-49]/.test(part[at] ?? '') && part.length >= at + 4;
}
