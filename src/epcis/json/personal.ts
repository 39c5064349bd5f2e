import { attributeOf, TEXT_MEMBER } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import type { Scope } from './context.ts';
import type { Faults } from './faults.ts';
import { isObject } from './json-object.ts';
import { pointerToken } from './split.ts';

/**
 * Names of fields that plainly identify a patient, without case, `_` and `-` (INV-27, `PII-FOUND`). Events are kept for ever, so such data must
 * never enter; the person's data belong in the vault. Free text is searched where chain of identity is concerned (`personalText`).
 */
const PERSONAL_NAMES = new Set(
  `patientname patientfirstname patientlastname patientfamilyname patientgivenname patientsurname patientinitials patientbirthdate
  patientdateofbirth patientdob patientaddress patientphone patientemail patientgender patientssn patientmrn dateofbirth birthdate dob
  medicalrecordnumber mrn hospitalnumber nhsnumber socialsecuritynumber ssn nationalidentificationnumber healthinsurancenumber donorname
  donordateofbirth donorbirthdate recipientdateofbirth recipientbirthdate`.split(/\s+/),
);

const PERSONAL_FIX = 'Leave the person out of the event; refer to the order or the chain of identity identifier instead.';

/** Refuses a member whose local name says that it holds a patient's data; the message never repeats the value. */
export function checkPersonalName(local: string, at: string, faults: Faults): void {
  if (PERSONAL_NAMES.has(local.replace(/[_-]/g, '').toLowerCase())) {
    faults.add('PII-FOUND', `the field ${quoted(local)} identifies a patient`, at, PERSONAL_FIX);
  }
}

/**
 * Refuses an ISBT 128 structure with a patient's date of birth or number (data identifiers `=#` and `&#`), raw or percent-encoded, as a whole
 * value or as the last part of a URI. Answers whether it did; the message never repeats the value.
 */
export function checkPersonalValue(value: string, at: string, faults: Faults): boolean {
  if (!PATIENT_STRUCTURE.test(value)) return false;
  faults.add('PII-FOUND', 'the value is an ISBT 128 structure that identifies a patient', at, PERSONAL_FIX);
  return true;
}

const PATIENT_STRUCTURE = /(?:^|[:/])(?:[=&]|%3[dD]|%26)(?:#|%23)/;

/** Walks the value of an extension member: names inside it must not use undeclared prefixes (V-18) nor identify a patient. */
export function checkExtensionValue(value: unknown, at: string, scope: Scope, faults: Faults): void {
  if (typeof value === 'string') {
    checkPersonalValue(value, at, faults);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length && !faults.full; i++) checkExtensionValue(value[i], `${at}/${i}`, scope, faults);
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (faults.full) return;
      const here = `${at}/${pointerToken(name)}`;
      const plain = attributeOf(name) ?? name;
      const read = name === TEXT_MEMBER ? 'bare' : scope.readName(plain);
      if (read === 'undeclared') {
        const prefix = plain.slice(0, plain.indexOf(':'));
        faults.add('EV-CONTEXT', `the prefix ${quoted(prefix)} is not declared`, here, `Declare ${quoted(prefix)} in @context.`);
        continue;
      }
      checkPersonalName(read === 'bare' ? plain : read.local, here, faults);
      checkExtensionValue(inner, here, scope, faults);
    }
  }
}

const DATE = String.raw`(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{8}|\d{1,2}\.? ?\p{L}{3,9}\.? ?\d{4}|\p{L}{3,9} \d{1,2},? \d{4})(?!\d)`;
const ALONE = String.raw`(?<![\p{L}\p{N}_])`;

/**
 * What a piece of free text says of a person, by its form alone, and what that is called. Lots, element strings, URNs, times and the like have none of these
 * forms. Each is bounded, so that no text is slow to read.
 */
const PERSONAL_FORMS: readonly (readonly [what: string, form: RegExp])[] = [
  ['an e-mail address', /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,5}\.\p{L}{2,24}(?![\p{L}\p{N}])/u],
  ['a telephone number', /(?<![\p{L}\p{N}=&.:/%+-])\+[1-9]\d{0,2}(?:[ ()/.-]{0,3}\d){6,13}(?![\p{L}\p{N}])/u],
  [
    'a telephone number',
    new RegExp(
      `${ALONE}(?:tel|telefon|telephone|phone|mobile|mobil|handy|fax)(?: ?(?:no|nr|number))?\\.?[ :=]{1,3}[+(]?\\d(?:[ ()/.-]{0,3}\\d){4,14}`,
      'iu',
    ),
  ],
  [
    'a name',
    /(?<![\p{L}\p{N}_-] ?)(?:(?:patient|donor|spender|patienten|recipient)(?:'s|s)?[ _-]?name|(?:first|last|given|family|sur|vor|nach|familien)[ _-]?name|name|nom|nombre|nome)[ ]?[:=] ?\p{L}[\p{L}'’ .-]{1,60}/iu,
  ],
  [
    'a name',
    new RegExp(
      `${ALONE}(?:[Pp]atient|[Pp]atientin|[Dd]onor|[Ss]pender|[Rr]ecipient)(?:in)? ?[:=] ?\\p{Lu}\\p{L}{1,40},? \\p{Lu}\\p{L}{1,40}`,
      'u',
    ),
  ],
  ['a name', new RegExp(`${ALONE}(?:Mr|Mrs|Ms|Miss|Herrn?|Frau|Mme|Mlle|Sra?)\\.? \\p{Lu}[\\p{L}'’-]{1,40}`, 'u')],
  [
    'a date of birth',
    new RegExp(
      `${ALONE}(?:dob|d\\.o\\.b\\.?|date of birth|birth ?date|birthday|born(?: on)?|geb\\.?|geboren(?: am)?|geb(?:urts)?-?datum|née? le|date de naissance|nacid[oa] el|nat[oa] il)[ :=(*]{0,4}${DATE}`,
      'iu',
    ),
  ],
  ['a date of birth', /(?<![\p{L}\p{N}])\* ?\d{1,2}\.\d{1,2}\.\d{4}(?!\d)/u],
  [
    'a social security number',
    new RegExp(
      `${ALONE}(?:ssn|social security|sozialversicherung|national insurance|nhs)[\\p{L} .-]{0,12}[:#=]? ?\\p{L}{0,2} ?\\d(?:[ .-]?\\d){5,11}`,
      'iu',
    ),
  ],
  [
    'a record number',
    new RegExp(
      `${ALONE}(?:mrn|(?:medical record|hospital|patient|patienten|record|fall|krankenakten)[ -]?(?:id|nr|no|number|num|nummer))\\.?(?: ?[:#=] ?| ?)\\p{L}{0,4}[-/]?\\d{4,}`,
      'iu',
    ),
  ],
  ['an ISBT 128 structure that identifies a patient', /(?<![\p{L}\p{N}])[=&]#\d{4,}/u],
];

/** How much of a text is searched; what is longer has no business among the facts about cells, but is no person's fault. */
const SEARCHED_MAX = 100_000;

/** What a free text says of a person by its form, such as `an e-mail address`; null where nothing looks like it. The value itself is never repeated. */
export function personalText(text: string): string | null {
  if (text.length < 5) return null;
  const plain = text.slice(0, SEARCHED_MAX).normalize('NFKC');
  for (const [what, form] of PERSONAL_FORMS) if (form.test(plain)) return what;
  return null;
}

/** Refuses free text of an event about somebody's cells that says who they are (INV-27): its extension members and what stands in `ilmd`. */
export function checkPersonalTexts(json: Readonly<Record<string, unknown>>, at: string, faults: Faults): void {
  for (const [member, value] of Object.entries(json)) {
    const here = `${at}/${pointerToken(member)}`;
    if (member.includes(':') || member === 'ilmd' || member === 'errorDeclaration') searchBelow(value, here, faults);
  }
}

function searchBelow(value: unknown, at: string, faults: Faults): void {
  if (typeof value === 'string') {
    const what = personalText(value);
    if (what !== null) faults.add('PII-FOUND', `the text has ${what} in it`, at, PERSONAL_FIX);
  } else if (Array.isArray(value)) for (const [i, inner] of value.entries()) searchBelow(inner, `${at}/${i}`, faults);
  else if (isObject(value)) for (const [name, inner] of Object.entries(value)) searchBelow(inner, `${at}/${pointerToken(name)}`, faults);
}
