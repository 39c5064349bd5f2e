import { attributeOf, isMasterDataNamespace, type Prefixes, type QualifiedName, readName, TEXT_MEMBER } from '../prefixes.ts';
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

/** What stands before the name of an extension field in a parameter, by the place that the field has in an event (§9.2). */
export const SCOPES: Readonly<Record<ExtensionScope, string>> = {
  event: '',
  ilmd: 'ILMD_',
  errorDeclaration: 'ERROR_DECLARATION_',
  readPoint: 'readPoint_',
  bizLocation: 'bizLocation_',
  sensorElement: 'SENSORELEMENT_',
  sensorMetadata: 'SENSORMETADATA_',
  sensorReport: 'SENSORREPORT_',
};

/** How parameters call a field, without their comparison: `INNER_ILMD_urn:epcglobal:cbv:mda#lotNumber`. */
export function extensionName({ scope, inner, name }: Pick<ExtensionField, 'scope' | 'inner' | 'name'>): string {
  return `${inner ? 'INNER_' : ''}${SCOPES[scope]}${name}`;
}

/** A field's own name, whatever prefix it was written with: `<namespace>#<local>` (V-14), in one spelling of the master data namespace (V-15). */
export function qualifiedName({ namespace, local }: QualifiedName): string {
  return `${masterDataNamespace(namespace)}#${local}`;
}

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
      add(scope, read === 'bare' ? name : qualifiedName(read), value, inner);
    }
  };
  const add = (scope: ExtensionScope, name: string, value: unknown, inner: boolean) => {
    if (Array.isArray(value)) {
      for (const one of value) add(scope, name, one, inner);
    } else if (isObject(value)) {
      if (Object.keys(value).length === 0) return;
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
