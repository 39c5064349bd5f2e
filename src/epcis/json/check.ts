import type { VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary, isCbvUrn, refusedUrn, unknownCbvUri, unknownCbvUrn } from '../cbv/vocabulary.ts';
import { parseExactTime } from '../time.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import type { Scope } from './context.ts';
import type { Faults } from './faults.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { checkExtensionValue, checkPersonalName } from './personal.ts';
import { type CompiledShape, EVENT_FIELDS, type SchemaFault, type ShapeName, shapeOf } from './schema.ts';
import { pointerToken } from './split.ts';

/**
 * Checks one object and all that stands below it: names (V-13, V-17, V-18), shapes, vocabulary values (V-2 to V-4). Identifiers of things are left
 * to those who read them. Every fault gets its own pointer; the walk ends when the collector is full.
 */
export function checkObject(shapeName: ShapeName, value: unknown, at: string, scope: Scope, faults: Faults): void {
  const shape = shapeOf(shapeName);
  if (!isObject(value)) {
    faults.add('EV-SCHEMA', `${shape.name} must be an object`, at, 'Write it as a JSON object.');
    return;
  }
  checkNames(shape, value, at, scope, faults);
  if (!shape.validate(value)) {
    for (const fault of shape.validate.errors ?? []) {
      if (!(shapeName === 'sensorReport' && mayLackType(fault, scope))) tellSchemaFault(shape, value, fault, at, faults);
    }
  }
  for (const [member, below] of shape.below) {
    const inner = value[member];
    if (inner === undefined) continue;
    const here = `${at}/${member}`;
    if ('object' in below) {
      if (isObject(inner)) checkObject(below.object, inner, here, scope, faults);
    } else if ('vocabulary' in below) {
      if (typeof inner === 'string') checkVocabulary(below.vocabulary, inner, here, scope, faults);
    } else if ('uris' in below && typeof inner === 'string') {
      checkUri(inner, here, faults);
    } else if (Array.isArray(inner)) {
      for (let i = 0; i < inner.length && !faults.full; i++) {
        if ('list' in below) checkObject(below.list, inner[i], `${here}/${i}`, scope, faults);
        else if ('vocabularies' in below) checkVocabulary(below.vocabularies, inner[i], `${here}/${i}`, scope, faults);
        else if ('uris' in below) checkUri(inner[i], `${here}/${i}`, faults);
        else break; // identifiers: read by interpret.ts
      }
      if ('vocabularies' in below) checkUnique(inner, here, faults);
    }
  }
}

/** V-2, V-3, V-4 for one value. In XML the URN is the usual spelling; one that names no value passes in 1.x, where interpret.ts tells it. */
function checkVocabulary(kind: VocabularyKind, value: unknown, at: string, scope: Scope, faults: Faults): void {
  if (typeof value !== 'string') {
    faults.add('EV-SCHEMA', `${quoted(value)} is not a string`, at, 'Write the value as a string.');
  } else if (scope.syntax !== 'json' && unknownCbvUrn(kind, value) !== null) {
    if (scope.syntax === 'xml 2.0') faults.catch(refusedUrn(kind, value), at);
  } else if (scope.syntax !== 'json' && unknownCbvUri(kind, value, scope.prefixes) !== null) {
    // Official examples in XML have such values: they are told where they are read.
  } else if (scope.syntax === 'json' && isCbvUrn(value)) {
    faults.add(
      'EV-SCHEMA',
      `JSON does not take the URN ${quoted(value)}`,
      at,
      'Write the bare word, such as shipping for urn:epcglobal:cbv:bizstep:shipping.',
    );
  } else {
    faults.try(at, () => canonicalVocabulary(kind, value, scope.prefixes));
  }
}

function checkUri(value: unknown, at: string, faults: Faults): void {
  if (typeof value !== 'string' || !isAbsoluteUri(value))
    faults.add('EV-SCHEMA', `${quoted(value)} is not an absolute URI`, at, 'Write an absolute URI.');
}

/** Tells repeated entries of a list of strings, each at its own place (DM-15). */
export function checkUnique(list: readonly unknown[], at: string, faults: Faults): void {
  const seen = new Set<unknown>();
  for (let i = 0; i < list.length && !faults.full; i++) {
    const value = list[i];
    if (seen.has(value)) faults.add('EV-SCHEMA', `${quoted(value)} stands twice in the list`, `${at}/${i}`, 'Name each entry once.');
    seen.add(value);
  }
}

function checkNames(shape: CompiledShape, value: JsonObject, at: string, scope: Scope, faults: Faults): void {
  for (const name of Object.keys(value)) {
    if (shape.members.has(name)) continue;
    if (faults.full) return;
    const here = `${at}/${pointerToken(name)}`;
    if (!shape.extensible) {
      faults.add('EV-SCHEMA', `${shape.name} has no member ${quoted(name)} and takes no extensions`, here, 'Remove it.');
      continue;
    }
    const read = scope.readName(name);
    if (read === 'undeclared') {
      const prefix = name.slice(0, name.indexOf(':'));
      faults.add('EV-CONTEXT', `the prefix ${quoted(prefix)} is not declared`, here, `Declare ${quoted(prefix)} in @context.`);
    } else if (read === 'bare') {
      const elsewhere = shape.members.has('eventTime') && EVENT_FIELDS.has(name);
      faults.add(
        'EV-SCHEMA',
        elsewhere ? `${name} does not belong in ${shape.name}` : `${quoted(name)} is no member of ${shape.name}`,
        here,
        elsewhere ? 'Remove it.' : 'Correct the name, or for a field of your own use a prefix declared in @context.',
      );
    } else if (!isAbsoluteUri(name)) {
      faults.add(
        'EV-SCHEMA',
        `${quoted(name)} is no well-formed name`,
        here,
        'Use characters that a URI may hold, percent-encoding the others.',
      );
    } else {
      checkPersonalName(read.local, here, faults);
      checkExtensionValue(value[name], here, scope, faults);
    }
  }
}

/** T-9: in XML a sensor report need not say what it measures; rules.ts tells of it. */
function mayLackType(fault: SchemaFault, scope: Scope): boolean {
  return scope.syntax !== 'json' && fault.keyword === 'required' && fault.params['missingProperty'] === 'type';
}

/** ajv's finding as one sentence for the field at fault. */
function tellSchemaFault(shape: CompiledShape, value: JsonObject, fault: SchemaFault, at: string, faults: Faults): void {
  if (fault.keyword === 'required') {
    const member = String(fault.params['missingProperty']);
    faults.add('EV-SCHEMA', `${shape.name} needs ${member}`, `${at}/${member}`, `Add ${member}.`);
    return;
  }
  const member = fault.instancePath.slice(1);
  const here = `${at}/${member}`;
  const inner = value[member];
  const is = `${member} is ${quoted(inner)}`;
  switch (fault.keyword) {
    case 'type': {
      const wanted = [fault.params['type'] as string | string[]].flat().map(withArticle).join(' or ');
      faults.add('EV-SCHEMA', `${member} must be ${wanted}`, here, `Write ${member} as ${wanted}.`);
      return;
    }
    case 'format':
      if (fault.params['format'] === 'date-time') faults.try(here, () => parseExactTime(inner as string));
      else faults.add('EV-SCHEMA', `${is}, which is not an absolute URI`, here, 'Write an absolute URI.');
      return;
    case 'enum':
      faults.add('EV-SCHEMA', is, here, `Use one of ${(fault.params['allowedValues'] as string[]).join(', ')}.`);
      return;
    case 'maxLength': {
      const most = (fault.params['limit'] as number).toLocaleString('en');
      faults.add('ID-LENGTH', `${is}, and longer than ${most} characters`, here, 'Give it a shorter name.');
      return;
    }
    case 'minItems':
      faults.add('EV-SCHEMA', `${member} is empty`, here, `Give ${member} at least one entry, or leave it out.`);
      return;
    case 'pattern':
      faults.add('EV-SCHEMA', `${is}, which is not well formed`, here, PATTERN_FIX[member] ?? 'Correct the value.');
      return;
    default:
      faults.add('EV-SCHEMA', `${is}, which the schema does not take`, here, 'Correct the value.');
  }
}

const PATTERN_FIX: Readonly<Record<string, string>> = {
  eventTimeZoneOffset: 'Write the offset as +hh:mm or -hh:mm, up to 14:00.',
  uom: 'Use a UN/ECE Rec 20 common code of two or three capitals or digits, such as KGM.',
  schemaVersion: 'Write the version as "2.0".',
  hexBinaryValue: 'Use hexadecimal digits only.',
};

function withArticle(type: string): string {
  return type === 'array' || type === 'object' ? `an ${type}` : `a ${type}`;
}
