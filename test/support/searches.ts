import type { GRAMMAR, GrammarName } from '../../src/epcis/query/index.ts';
import { DISTRIBUTOR, eventID, type Json, lotOf, MAKER, packOf, palletOf, partyOf, SHOP, sensorOf, siteOf } from './events.ts';
import { EXAMPLE, ODD } from './small-store.ts';

/** Values for each parameter of the grammar: some that are met, some that nothing meets. One that is missing here does not compile. */
const many = <T>(of: (n: number) => T) => Array.from({ length: 100 }, (_, n) => of(n));
/** Those whose name alone is no parameter. */
type Family = { [N in GrammarName]: (typeof GRAMMAR)[N] extends { tail: infer T } ? (T extends 'uom' ? never : N) : never }[GrammarName];
const values: { [N in Exclude<GrammarName, Family>]: readonly unknown[] } = {
  eventType: [['ObjectEvent'], ['AssociationEvent', 'TransactionEvent'], [`${EXAMPLE}LabEvent`], [`${EXAMPLE}OtherEvent`]],
  GE_eventTime: ['2026-03-01T08:45:00Z', '2026-03-01T09:00:00.00115Z', '2027-01-01T00:00:00Z'],
  LT_eventTime: ['2026-03-01T08:05:00Z', '2026-03-01T08:05:00.0001Z', '2020-01-01T00:00:00Z'],
  GE_recordTime: ['2026-03-02T08:03:00Z', '2026-03-02T08:03:00.0000001Z', '2027-01-01T00:00:00Z'],
  LT_recordTime: ['2026-03-02T08:03:00Z', '2020-01-01T00:00:00Z'],
  EQ_action: [['DELETE'], ['ADD', 'DELETE']],
  EQ_bizStep: [['shipping'], ['packing', 'receiving'], [`${EXAMPLE}weighing`], ['installing']],
  EQ_disposition: [['conformant', 'in_transit'], ['expired'], many((n) => (n === 7 ? 'active' : `${EXAMPLE}d${n}`))],
  EQ_readPoint: [[siteOf(DISTRIBUTOR, 'dock')], [siteOf(DISTRIBUTOR)]],
  EQ_bizLocation: [[siteOf(SHOP), siteOf(MAKER)], ['https://example.com/nowhere'], many((n) => siteOf(n))],
  EQ_persistentDisposition_set: [['recalled'], ['expired']],
  EQ_persistentDisposition_unset: [['recalled']],
  WD_readPoint: [[siteOf(DISTRIBUTOR, 'dock')], [siteOf(DISTRIBUTOR)]],
  WD_bizLocation: [[siteOf(SHOP), siteOf(MAKER)], ['https://example.com/nowhere']],
  EQ_transformationID: [['urn:uuid:00000000-0000-4000-8000-00000000aaaa'], ['urn:uuid:00000000-0000-4000-8000-00000000bbbb']],
  MATCH_epc: [
    [packOf(1)],
    [packOf(77), packOf(4), palletOf(2), ...ODD],
    many((n) => packOf(n)),
    ['urn:epc:idpat:sgtin:9520123.000011.*'],
    ['urn:epc:idpat:sgtin:9520123.*.*'],
    ['urn:epc:idpat:sgtin:952012.*.*'],
    ['urn:epc:idpat:sgtin:*.*.*', ODD[0]],
    ['urn:epc:idpat:sscc:9520123.*'],
    ['urn:epc:idpat:gid:*.*.*'],
  ],
  MATCH_parentID: [[palletOf(1)], ['urn:epc:idpat:grai:9520123.00001.*'], [packOf(1)]],
  MATCH_inputEPC: [[packOf(9)], [packOf(11)], ['urn:epc:idpat:sgtin:9520123.*.*']],
  MATCH_outputEPC: [[packOf(10)], [packOf(9)]],
  MATCH_anyEPC: [[palletOf(1), packOf(10)], ['urn:epc:idpat:giai:*.*', packOf(10)], ['https://example.com/things/8']],
  MATCH_epcClass: [[lotOf('L1')], ['urn:epc:class:lgtin:9520123.000011.*'], [lotOf('L7')]],
  MATCH_inputEPCClass: [[lotOf('RAW', 12)], [lotOf('L1')]],
  MATCH_outputEPCClass: [[lotOf('L2')], ['urn:epc:class:lgtin:9520123.000011.*']],
  MATCH_anyEPCClass: [
    [lotOf('RAW', 12), lotOf('L2')],
    ['urn:epc:idpat:sgtin:9520123.*.*'],
    ['urn:epc:idpat:sgtin:9520123.000011.*'],
    ['urn:epc:idpat:grai:*.*.*'],
    many((n) => lotOf(`L${n}`)),
  ],
  EQ_quantity: [[3, 7], [1.5], many((n) => n + 0.5)],
  GT_quantity: [3, 1e300],
  GE_quantity: [3, 2.99],
  LT_quantity: [7, -1],
  LE_quantity: [7, 2.99],
  EQ_eventID: [[eventID(1)], [eventID(2), eventID(1), eventID(3)], many((n) => eventID(n))],
  EXISTS_errorDeclaration: [true],
  GE_errorDeclarationTime: ['2026-03-01T08:00:00Z', '2027-01-01T00:00:00Z'],
  LT_errorDeclarationTime: ['2027-01-01T00:00:00Z', '2026-03-01T08:00:00Z'],
  EQ_errorReason: [['did_not_occur'], ['incorrect_data']],
  EQ_correctiveEventID: [[eventID(1)]],
  EXISTS_sensorElementList: [true],
  GE_time: ['2026-03-01T08:00:00Z'],
  LT_time: ['2027-01-01T00:00:00Z'],
  GE_startTime: ['2026-03-01T08:00:00Z'],
  LT_startTime: ['2027-01-01T00:00:00Z'],
  GE_endTime: ['2026-03-01T08:00:00Z'],
  LT_endTime: ['2027-01-01T00:00:00Z'],
  EQ_type: [['Temperature']],
  EQ_deviceID: [[sensorOf(7)]],
  EQ_dataProcessingMethod: [['https://example.com/methods/mean']],
  EQ_microorganism: [['https://example.com/microbes/1']],
  EQ_chemicalSubstance: [['https://example.com/substances/1']],
  EQ_bizRules: [['https://example.com/rules/1']],
  EQ_stringValue: [['found']],
  EQ_hexBinaryValue: [['F00A']],
  EQ_uriValue: [['https://example.com/values/1']],
  EQ_booleanValue: [true, false],
  GT_percRank: [50],
  GE_percRank: [50],
  LT_percRank: [50],
  LE_percRank: [50],
};
const families: { [N in Family]: readonly Json[] } = {
  EQ_bizTransaction: [{ EQ_bizTransaction_po: ['urn:epcglobal:cbv:bt:9520123000011:PO-1'] }, { 'EQ_bizTransaction_ex:own': ['urn:x:1'] }],
  EQ_source: [{ EQ_source_owning_party: [partyOf(MAKER)] }],
  EQ_destination: [{ EQ_destination_possessing_party: [partyOf(DISTRIBUTOR), partyOf(SHOP)] }, { EQ_destination_location: [siteOf(SHOP)] }],
  EQ_extension: [{ 'EQ_ex:result': ['good', 7] }, { 'EQ_ILMD_cbvmda:lotNumber': many((n) => `L${n}`) }, { 'EQ_ILMD_cbvmda:lotNumber': ['L7'] }],
  GT_extension: [{ 'GT_ex:result': 1 }],
  GE_extension: [{ 'GE_ILMD_cbvmda:lotNumber': 1 }],
  LT_extension: [{ 'LT_ex:result': '2027-01-01T00:00:00Z' }],
  LE_extension: [{ 'LE_ex:result': 1e300 }],
  EXISTS_extension: [{ 'EXISTS_ex:result': true }, { 'EXISTS_ILMD_cbvmda:lotNumber': true }, { 'EXISTS_INNER_ex:result': true }],
  HASATTR: [{ HASATTR_bizLocation: ['name', 'site'] }, { HASATTR_readPoint: ['name'] }, { 'HASATTR_ex:result': ['name'] }],
  EQATTR: [{ EQATTR_bizLocation_name: ['nobody'] }, { 'EQATTR_ex:result_cbvmda:name': ['nobody'] }],
  EQ_amount: [{ EQ_value_CEL: [5] }],
  GT_amount: [{ GT_value_CEL: 5 }],
  GE_amount: [{ GE_meanValue_KEL: 5 }],
  LT_amount: [{ LT_sDev_CEL: 5 }],
  LE_amount: [{ LE_value_XYZ: 5, EQ_type: ['Temperature'] }],
}; // biome-ignore format: a table

/** The orders that an answer may have. */
export const ORDERS = [
  {},
  { orderBy: 'eventTime', orderDirection: 'ASC' },
  { orderBy: 'recordTime', orderDirection: 'DESC' },
  { orderBy: 'eventTime', orderDirection: 'DESC' },
  { orderBy: 'recordTime', orderDirection: 'ASC' },
  { orderBy: 'ex:result', orderDirection: 'ASC' },
];

/** Queries about the small store, each parameter by itself and some together. */
export function* searches(): Generator<Json> {
  for (const [name, list] of Object.entries(values)) for (const value of list) yield { [name]: value };
  for (const list of Object.values(families)) yield* list;
  for (const name of Object.keys(values).filter((name) => name.endsWith('_quantity') && name !== 'EQ_quantity'))
    yield { [`${name}_KGM`]: 1.5 };
  yield { EQ_quantity_KGM: [1.5, 5] };
  yield { EQ_quantity_GRM: many((n) => n * 100) };
  yield {
    MATCH_anyEPC: [palletOf(1)],
    EQ_action: ['OBSERVE'],
    EQ_bizStep: ['shipping', 'receiving'],
    LT_eventTime: '2026-03-01T08:15:00Z',
  };
  yield {
    GE_eventTime: '2026-03-01T08:05:00Z',
    LT_eventTime: '2026-03-01T08:41:00Z',
    GE_recordTime: '2026-03-02T08:02:00Z',
    EQ_readPoint: many((n) => siteOf(n, 'dock')),
  };
  yield { EQ_bizStep: ['packing'], EQ_disposition: ['active'] };
}
