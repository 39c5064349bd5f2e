import type { GrammarName } from '../../src/epcis/query/index.ts';
import { DISTRIBUTOR, eventID, type Json, lotOf, MAKER, packOf, palletOf, SHOP, siteOf } from './events.ts';
import { EXAMPLE, ODD } from './small-store.ts';

/** Values for each parameter of the grammar: some that are met, some that nothing meets. One that is missing here does not compile. */
const many = <T>(of: (n: number) => T) => Array.from({ length: 100 }, (_, n) => of(n));
const values: { [N in GrammarName]: readonly unknown[] } = {
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
  EQ_transformationID: [['urn:uuid:00000000-0000-4000-8000-00000000aaaa'], ['urn:uuid:00000000-0000-4000-8000-00000000bbbb']],
  MATCH_epc: [
    [packOf(1)], [packOf(77), packOf(4), palletOf(2), ...ODD], many((n) => packOf(n)), ['urn:epc:idpat:sgtin:9520123.000011.*'],
    ['urn:epc:idpat:sgtin:9520123.*.*'], ['urn:epc:idpat:sgtin:952012.*.*'], ['urn:epc:idpat:sgtin:*.*.*', ODD[0]], ['urn:epc:idpat:sscc:9520123.*'],
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
    [lotOf('RAW', 12), lotOf('L2')], ['urn:epc:idpat:sgtin:9520123.*.*'], ['urn:epc:idpat:sgtin:9520123.000011.*'], ['urn:epc:idpat:grai:*.*.*'],
    many((n) => lotOf(`L${n}`)),
  ],
  EQ_quantity: [[3, 7], [1.5], many((n) => n + 0.5)],
  GT_quantity: [3, 1e300],
  GE_quantity: [3, 2.99],
  LT_quantity: [7, -1],
  LE_quantity: [7, 2.99],
  EQ_eventID: [[eventID(1)], [eventID(2), eventID(1), eventID(3)], many((n) => eventID(n))],
  EXISTS_errorDeclaration: [true],
}; // biome-ignore format: a table

/** The orders that an answer may have. */
export const ORDERS = [
  {},
  { orderBy: 'eventTime', orderDirection: 'ASC' },
  { orderBy: 'recordTime', orderDirection: 'DESC' },
  { orderBy: 'eventTime', orderDirection: 'DESC' },
  { orderBy: 'recordTime', orderDirection: 'ASC' },
];

/** Queries about the small store, each parameter by itself and some together. */
export function* searches(): Generator<Json> {
  for (const [name, list] of Object.entries(values)) for (const value of list) yield { [name]: value };
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
