import { attributeOf, TEXT_MEMBER } from '../prefixes.ts';
import { quoted } from '../uri.ts';
import type { Scope } from './context.ts';
import type { Faults } from './faults.ts';
import { isObject } from './json-object.ts';
import { pointerToken } from './split.ts';

/**
 * Names of fields that plainly identify a patient, without case, `_` and `-` (INV-27, `PII-FOUND`). Events are kept for ever, so such data must
 * never enter; the person's data belong in the vault. Names only: free text is not searched.
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
