import { locationKey } from '../../identifiers/index.ts';
import { canonicalVocabulary, unknownCbvUri } from '../cbv/vocabulary.ts';
import type { EpcisEvent, EventField } from '../model.ts';
import type { Prefixes } from '../prefixes.ts';
import { EXISTS_KEY, keptText, keysOf, numberKey, textKey, timeKey } from '../query/field-key.ts';
import { parseExactTime } from '../time.ts';
import { inBaseUnit } from '../units.ts';
import { extensionName, readExtensionFields } from './extension-fields.ts';
import { isObject, type JsonObject } from './json-object.ts';

/** Each once: everything of an event that is asked for by a value, besides what EpcisEvent has a member for. Of most events, little or nothing. */
export function readEventFields(json: JsonObject, event: EpcisEvent, prefixes: Prefixes): readonly EventField[] {
  const fields = new FieldList();
  const texts = (field: string, values: readonly string[]) => {
    for (const value of values) fields.add(field, textKey(value));
  };
  texts('persistentDisposition_set', event.persistentSet);
  texts('persistentDisposition_unset', event.persistentUnset);
  // One without a type is asked for by no parameter.
  for (const { type, id } of event.bizTransactionList) if (type !== null) texts(`bizTransaction_${type}`, [id]);
  for (const { type, id } of event.sourceList) texts(`source_${type}`, [id]);
  for (const { type, id } of event.destinationList) texts(`destination_${type}`, [id]);
  if (event.errorDeclaration !== null) {
    const { declarationTime, reason, correctiveEventIDs } = event.errorDeclaration;
    fields.add('errorDeclarationTime', timeKey(declarationTime));
    if (reason !== null) texts('errorReason', [reason]);
    texts('correctiveEventID', correctiveEventIDs);
  }
  for (const extension of readExtensionFields(json, prefixes)) {
    const field = extensionName(extension);
    for (const key of extension.value === null ? [EXISTS_KEY] : keysOf(extension.value)) fields.add(field, key);
  }
  readSensors(json['sensorElementList'], prefixes, fields);
  return fields.list;
}

class FieldList {
  readonly list: EventField[] = [];
  private readonly seen = new Set<string>();

  add(name: string, key: string, part = 0): void {
    const field = keptText(name);
    const told = `${part} ${field} ${key}`;
    if (this.seen.has(told)) return;
    this.seen.add(told);
    this.list.push({ field, key, part });
  }
}

/** What may stand in the metadata or in a report of a sensor element, and holds for the report either way (§2.3). */
const TIMES = ['time', 'startTime', 'endTime'];
const URIS = ['deviceID', 'dataProcessingMethod', 'microorganism', 'chemicalSubstance', 'bizRules'];
/** Measured in the unit of the report. */
const AMOUNTS = ['value', 'minValue', 'maxValue', 'meanValue', 'sDev', 'percValue'];

function readSensors(elements: unknown, prefixes: Prefixes, fields: FieldList): void {
  if (!Array.isArray(elements) || elements.length === 0) return;
  fields.add('sensorElementList', EXISTS_KEY);
  let part = 0;
  for (const element of elements) {
    if (!isObject(element) || !Array.isArray(element['sensorReport'])) continue;
    for (const report of element['sensorReport']) {
      part++;
      for (const members of [element['sensorMetadata'], report]) if (isObject(members)) readCircumstances(members, part, fields);
      if (isObject(report)) readReport(report, prefixes, part, fields);
    }
  }
}

function readCircumstances(members: JsonObject, part: number, fields: FieldList): void {
  for (const name of TIMES) {
    const value = members[name];
    if (typeof value === 'string') fields.add(name, timeKey(parseExactTime(value)), part);
  }
  for (const name of URIS) {
    const value = members[name];
    if (typeof value === 'string') fields.add(name, textKey(keyOrUri(value)), part);
  }
}

function readReport(report: JsonObject, prefixes: Prefixes, part: number, fields: FieldList): void {
  const { type, uom, percRank, stringValue, booleanValue, hexBinaryValue, uriValue } = report;
  if (typeof type === 'string') {
    const known = unknownCbvUri('measurementType', type, prefixes) ?? canonicalVocabulary('measurementType', type, prefixes);
    fields.add('type', textKey(known), part);
  }
  if (typeof uom === 'string') {
    for (const name of AMOUNTS) {
      const amount = report[name];
      if (typeof amount !== 'number') continue;
      const { unit, value } = inBaseUnit(uom, amount, name === 'sDev');
      fields.add(`${name}_${unit}`, numberKey(value), part);
    }
  }
  if (typeof percRank === 'number') fields.add('percRank', numberKey(percRank), part);
  if (typeof stringValue === 'string') fields.add('stringValue', textKey(stringValue), part);
  if (typeof booleanValue === 'boolean') fields.add('booleanValue', textKey(String(booleanValue)), part);
  if (typeof hexBinaryValue === 'string') fields.add('hexBinaryValue', textKey(hexBinaryValue.toUpperCase()), part);
  if (typeof uriValue === 'string') fields.add('uriValue', textKey(uriValue), part);
}

function keyOrUri(uri: string): string {
  try {
    return locationKey(uri);
  } catch {
    return uri; // of no GS1 key, or a broken one: nothing depends on it but this comparison
  }
}
