import type { VocabularyKind } from '../cbv/lists.ts';
import { unknownCbvUri } from '../cbv/vocabulary.ts';
import type { EpcisEvent, Quantity, RuleBreach } from '../model.ts';
import { quoted } from '../uri.ts';
import type { Scope } from './context.ts';
import type { Faults } from './faults.ts';
import type { JsonObject } from './json-object.ts';
import { isObject } from './json-object.ts';

// Rec 20 codes in use that are of no length, area, volume or mass (§13.8): counts, temperatures, pressures, times and so on.
const NOT_FOR_QUANTITIES = new Set(
  'C62 EA H87 CEL KEL FAH A48 PAL A97 KPA MPA BAR MBR ATM PS SEC MIN HUR DAY P1 LUX MSK K40 C81 DD MTS KMH HM VLT AMP WTT KWT JOU KWH HTZ MHZ BQL'.split(
    ' ',
  ),
);

/** The rules of epcis-2.0.md §2 that speak of several fields of an event at once. Told as EV-SCHEMA where the official schema refuses too. */
export function checkEventRules(type: string, json: JsonObject, event: EpcisEvent, at: string, faults: Faults): void {
  const { action } = event;
  const missing = (...lists: string[]) => (lists.some((name) => json[name] !== undefined) ? 'EV-RULE' : 'EV-SCHEMA');
  switch (type) {
    case 'ObjectEvent': {
      const sensed = count(json['sensorElementList']) > 0 && (event.readPoint !== null || event.bizLocation !== null);
      if (count(json['epcList']) + count(json['quantityList']) === 0 && !sensed) {
        faults.add(
          missing('epcList', 'quantityList'),
          'an ObjectEvent needs something it is about (DM-1)',
          json['epcList'] === undefined ? at : `${at}/epcList`,
          'Add epcList or quantityList, or for a sensor event sensorElementList and readPoint.',
        );
      }
      if (json['ilmd'] !== undefined && action !== null && action !== 'ADD') {
        faults.add(
          'EV-SCHEMA',
          `ilmd comes only with action ADD, not ${action} (DM-6)`,
          `${at}/ilmd`,
          'Remove ilmd, or use action ADD for a commissioning.',
        );
      }
      break;
    }
    case 'AggregationEvent':
      needList(json, action, ['childEPCs', 'childQuantityList'], at, faults);
      if (json['parentID'] === undefined && (action === 'ADD' || action === 'DELETE')) {
        faults.add('EV-RULE', `an AggregationEvent with action ${action} needs parentID (DM-3)`, `${at}/parentID`, 'Add the parentID.');
      }
      break;
    case 'AssociationEvent':
      needList(json, action, ['childEPCs', 'childQuantityList'], at, faults);
      break;
    case 'TransactionEvent':
      needList(json, action, ['epcList', 'quantityList'], at, faults);
      break;
    case 'TransformationEvent': {
      const inputs = count(json['inputEPCList']) + count(json['inputQuantityList']);
      const outputs = count(json['outputEPCList']) + count(json['outputQuantityList']);
      const whole = json['transformationID'] === undefined ? inputs > 0 && outputs > 0 : inputs + outputs > 0;
      if (!whole) {
        faults.add(
          'EV-SCHEMA',
          json['transformationID'] === undefined
            ? `a TransformationEvent without transformationID needs inputs and outputs (DM-4)`
            : 'a TransformationEvent needs an input or an output (DM-4)',
          at,
          'Add the missing inputs or outputs, or name the transformationID that other parts of the transformation share.',
        );
      }
      break;
    }
  }
  checkQuantities(event.quantityList, `${at}/quantityList`, faults);
  checkQuantities(event.childQuantityList, `${at}/childQuantityList`, faults);
  checkQuantities(event.inputQuantityList, `${at}/inputQuantityList`, faults);
  checkQuantities(event.outputQuantityList, `${at}/outputQuantityList`, faults);
  checkPersistentDisposition(json['persistentDisposition'], event, at, faults);
}

/**
 * DM-17: an attribute stands in the metadata or in a report of a sensor element, not in both. Official examples break it, so it is told, not refused.
 * So is a report without type (T-9), which only XML lets come so far.
 */
export function findBreaches(json: JsonObject, at: string, scope: Scope, breaches: RuleBreach[]): void {
  const elements = json['sensorElementList'];
  if (!Array.isArray(elements)) return;
  if (scope.syntax !== 'json') findUnknownValues(elements, `${at}/sensorElementList`, scope, breaches);
  for (const [e, element] of elements.entries()) {
    const metadata = isObject(element) ? element['sensorMetadata'] : undefined;
    const reports = isObject(element) ? element['sensorReport'] : undefined;
    for (const [r, report] of Array.isArray(reports) ? reports.entries() : []) {
      if (!isObject(report) || report['type'] !== undefined || breaches.length >= BREACHES_MAX) continue;
      const here = `${at}/sensorElementList/${e}/sensorReport/${r}/type`;
      breaches.push({ code: 'EV-RULE', at: here, message: 'the sensor report has no type, which JSON requires (T-9)' });
    }
    if (!isObject(metadata) || !Array.isArray(reports)) continue;
    for (const [r, report] of reports.entries()) {
      for (const name of ONCE_PER_SENSOR_ELEMENT) {
        if (metadata[name] === undefined || !isObject(report) || report[name] === undefined) continue;
        if (breaches.length >= BREACHES_MAX) return;
        breaches.push({
          code: 'EV-RULE',
          at: `${at}/sensorElementList/${e}/sensorReport/${r}/${name}`,
          message: `${name} stands in sensorMetadata and again in the sensor report (DM-17)`,
        });
      }
    }
  }
}

/** What is told of a value in GS1's namespaces that CBV 2.0 does not have. */
export const unknownValue = (value: string): string => `${quoted(value)} is no value of the CBV (kept as it is)`;

const REPORT_WORDS: readonly (readonly [string, VocabularyKind])[] = [
  ['type', 'measurementType'],
  ['exception', 'sensorAlert'],
  ['component', 'component'],
];

function findUnknownValues(elements: readonly unknown[], at: string, { prefixes }: Scope, breaches: RuleBreach[]): void {
  for (const [e, element] of elements.entries()) {
    const reports = isObject(element) && Array.isArray(element['sensorReport']) ? element['sensorReport'] : [];
    for (const [r, report] of reports.entries()) {
      for (const [name, kind] of REPORT_WORDS) {
        const value: unknown = isObject(report) ? report[name] : undefined;
        if (typeof value !== 'string' || unknownCbvUri(kind, value, prefixes) === null || breaches.length >= BREACHES_MAX) continue;
        breaches.push({ code: 'EV-RULE', at: `${at}/${e}/sensorReport/${r}/${name}`, message: unknownValue(value) });
      }
    }
  }
}

const ONCE_PER_SENSOR_ELEMENT = ['time', 'deviceID', 'deviceMetadata', 'rawData', 'dataProcessingMethod'];
/** Breaches told of one event at most. */
export const BREACHES_MAX = 100;

/** DM-2: something is added or observed; DELETE without lists means all of it. */
function needList(json: JsonObject, action: string | null, lists: readonly string[], at: string, faults: Faults): void {
  if (action === 'DELETE' || action === null || lists.some((name) => count(json[name]) > 0)) return;
  const empty = lists.find((name) => json[name] !== undefined);
  faults.add(
    empty === undefined ? 'EV-SCHEMA' : 'EV-RULE',
    `action ${action} needs ${lists.join(' or ')} with at least one entry (DM-2)`,
    empty === undefined ? at : `${at}/${empty}`,
    `Add ${lists.join(' or ')}; only DELETE may leave them out.`,
  );
}

/** DM-10: a quantity is positive; without uom it is a count; a uom measures length, area, volume or mass, and never stands alone. */
function checkQuantities(quantities: readonly Quantity[], at: string, faults: Faults): void {
  for (let i = 0; i < quantities.length && !faults.full; i++) {
    const { quantity, uom } = quantities[i]!;
    if (quantity === null) {
      if (uom !== null)
        faults.add('EV-RULE', 'uom stands without quantity (DM-10)', `${at}/${i}/uom`, 'Add the quantity, or leave uom out.');
    } else if (quantity <= 0) {
      faults.add('EV-RULE', `quantity is ${quantity}, which is not positive (DM-10)`, `${at}/${i}/quantity`, 'Give a quantity above zero.');
    } else if (uom === null && !Number.isInteger(quantity)) {
      faults.add(
        'EV-RULE',
        `quantity is ${quantity} without uom, which is no count (DM-10)`,
        `${at}/${i}/quantity`,
        'Give a whole number, or add the uom.',
      );
    }
    if (uom !== null && NOT_FOR_QUANTITIES.has(uom)) {
      faults.add(
        'EV-RULE',
        `uom ${uom} measures no length, area, volume or mass (DM-10)`,
        `${at}/${i}/uom`,
        'Leave uom out for a count, or use a unit such as KGM.',
      );
    }
  }
}

/** DM-14: at least one of set and unset, and no value in both. */
function checkPersistentDisposition(json: unknown, event: EpcisEvent, at: string, faults: Faults): void {
  if (!isObject(json)) return;
  if (json['set'] === undefined && json['unset'] === undefined) {
    faults.add(
      'EV-SCHEMA',
      'persistentDisposition has neither set nor unset (DM-14)',
      `${at}/persistentDisposition`,
      'Give set or unset, or leave it out.',
    );
  }
  const unset = new Set(event.persistentUnset);
  for (const [i, word] of event.persistentSet.entries()) {
    if (unset.has(word)) {
      faults.add(
        'EV-RULE',
        `${word} is set and unset by one event (DM-14)`,
        `${at}/persistentDisposition/set/${i}`,
        'Keep it in one of the two.',
      );
    }
  }
}

/** How many entries a list has. One that is no list has been told of already, and counts as though it were sound. */
function count(list: unknown): number {
  if (Array.isArray(list)) return list.length;
  return list === undefined ? 0 : 1;
}
