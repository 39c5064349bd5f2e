import { attributeOf, isMasterDataNamespace, type Prefixes, readName, TEXT_MEMBER } from '../prefixes.ts';
import { isObject, type JsonObject } from './json-object.ts';

export type ExtensionScope =
  | 'event'
  | 'ilmd'
  | 'errorDeclaration'
  | 'readPoint'
  | 'bizLocation'
  | 'sensorElement'
  | 'sensorMetadata'
  | 'sensorReport';

/** One value of an extension field, as query parameters ask for it: `inner` below the top level of its scope. */
export type ExtensionField = {
  readonly scope: ExtensionScope;
  readonly inner: boolean;
  /** `<namespace>#<local>` (V-14); just the local name of an inner member, or attribute in XML, without a namespace. */
  readonly name: string;
  /** Null for a field that holds others: it exists, but equals nothing. */
  readonly value: string | number | boolean | null;
};

/**
 * The extension fields of an event, every value of a list by itself. `prefixes` are those that hold for the event. Both spellings of the CBV
 * master data namespace come out as `urn:epcglobal:cbv:mda` (V-15).
 */
export function readExtensionFields(event: JsonObject, prefixes: Prefixes): ExtensionField[] {
  const fields: ExtensionField[] = [];
  const collect = (scope: ExtensionScope, members: unknown, inner: boolean) => {
    if (!isObject(members)) return;
    for (const [member, value] of Object.entries(members)) {
      if (member === TEXT_MEMBER && isScalar(value)) continue; // told with the element that it is the text of
      const name = attributeOf(member) ?? member;
      const read = readName(name, prefixes);
      if (read === 'undeclared' || (read === 'bare' && !inner)) continue;
      add(scope, read === 'bare' ? name : `${masterDataNamespace(read.namespace)}#${read.local}`, value, inner);
    }
  };
  const add = (scope: ExtensionScope, name: string, value: unknown, inner: boolean) => {
    if (Array.isArray(value)) {
      for (const one of value) add(scope, name, one, inner);
    } else if (isObject(value)) {
      const text = value[TEXT_MEMBER];
      fields.push({ scope, inner, name, value: isScalar(text) ? text : null });
      collect(scope, value, true);
    } else if (isScalar(value)) {
      fields.push({ scope, inner, name, value });
    }
  };
  collect('event', event, false);
  for (const scope of ['ilmd', 'errorDeclaration', 'readPoint', 'bizLocation'] as const) collect(scope, event[scope], false);
  for (const element of listOf(event['sensorElementList'])) {
    if (!isObject(element)) continue;
    collect('sensorElement', element, false);
    collect('sensorMetadata', element['sensorMetadata'], false);
    for (const report of listOf(element['sensorReport'])) collect('sensorReport', report, false);
  }
  return fields;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function masterDataNamespace(namespace: string): string {
  return isMasterDataNamespace(namespace) ? 'urn:epcglobal:cbv:mda' : namespace;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
