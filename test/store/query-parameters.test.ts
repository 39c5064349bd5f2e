import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EPCIS_PREFIXES } from '../../src/epcis/index.ts';
import { type EventQuery, parseQueryBody, parseUrlQuery } from '../../src/epcis/query/index.ts';
import { countEvents, type EventPosition, findEvents, lastEvent } from '../../src/query/events-sql.ts';
import {
  commission,
  DISTRIBUTOR,
  declareError,
  documentOf,
  EPCIS_CONTEXT,
  eventID,
  type Json,
  MAKER,
  observe,
  pack,
  packOf,
  packs,
  palletOf,
  SHOP,
  sensorOf,
  ship,
  siteOf,
  transact,
  withID,
} from '../support/events.ts';
import { type AnyTestStore, ENGINES, storeOf } from '../support/test-store.ts';

const EX = 'http://ns.example.com/epcis/';
const MDA = 'urn:epcglobal:cbv:mda';
const prefixes = new Map([...EPCIS_PREFIXES, ['ex', EX], ['own', 'http://ns.example.com/own/']]);
const context = { '@context': [EPCIS_CONTEXT, { ex: EX, own: 'http://ns.example.com/own/' }] };

const bt = (type: string | null, id: string) => ({ ...(type !== null && { type }), bizTransaction: id });
const sensed = (at: number, elements: readonly Json[]): Json =>
  observe(at, packOf(50), { step: 'sensor_reporting' }, { sensorElementList: elements });
const PO = 'urn:epcglobal:cbv:bt:9520123000011:PO-7';
const SUBSTANCE = 'https://identifiers.org/inchikey:CZMRCDWAGMRECN-UHFFFAOYSA-N';
const MICROBE = 'https://www.ncbi.nlm.nih.gov/taxonomy/1126011';

/** What there is to find, each under a name. */
const EVENTS: readonly (readonly [name: string, event: Json])[] = [
  ['lot1', commission(0, packs(1, 3), { lot: 'L1', expiry: '2028-01-31' }, { 'ex:line': 7, 'ex:shift': 'late' })],
  ['lot007', commission(1, packOf(4), { lot: '007' }, { 'ex:line': '12', 'ex:empty': '', 'ex:none': {} })],
  [
    'nested',
    commission(2, packOf(5), {}, {
      ilmd: { 'cbvmda:lotNumber': 'L2', 'ex:trial': { 'ex:phase': 2, 'ex:arm': 'B' } },
      'ex:run': { 'ex:started': '2026-03-01T09:00:00.0000001+01:00', 'ex:flags': [{ 'ex:grade': 'A' }, { 'ex:grade': 'C' }] },
      'own:my_field': true,
    }),
  ],
  [
    'ordered',
    transact(3, [palletOf(2)], {}, {
      bizTransactionList: [bt('po', PO), bt('http://ns.example.com/epcis/quote', 'urn:uuid:00000000-0000-4000-8000-0000000000aa')],
      'ex:line': [3, 99],
      'ex:at': '2026-03-01T10:00:00Z',
    }),
  ],
  ['untyped', transact(4, [palletOf(3)], {}, { bizTransactionList: [bt(null, PO)], 'ex:at': '2026-03-01T10:00:00.000+00:00' })],
  ['shipped', withID(ship(5, palletOf(1), { site: MAKER, from: MAKER, to: DISTRIBUTOR }), 1)],
  [
    'placed',
    pack(6, palletOf(1), packs(1, 3), {}, {
      readPoint: { id: siteOf(SHOP, 'till'), 'ex:door': 'N', 'ex:gate': { 'ex:lane': 4 } },
      bizLocation: { id: siteOf(SHOP), 'ex:room': 'cold' },
      'ex:depot': 'https://id.gs1.org/414/9520123000028',
    }),
  ],
  ['recalled', observe(7, packOf(1), { site: MAKER }, { persistentDisposition: { set: ['recalled'], unset: ['conformant'] }, 'ex:depot': siteOf(DISTRIBUTOR) })],
  [
    'voided',
    declareError(withID(ship(5, palletOf(1), { site: MAKER, from: MAKER, to: DISTRIBUTOR }), 1), {}, {
      errorDeclaration: {
        declarationTime: '2026-03-02T08:00:00Z',
        reason: 'incorrect_data',
        correctiveEventIDs: [eventID(9)],
        'ex:ticket': 4711,
        'ex:by': { 'ex:desk': 'QA' },
      },
    }),
  ],
  [
    'cold',
    sensed(8, [
      {
        sensorMetadata: {
          time: '2026-03-01T08:10:00Z', startTime: '2026-03-01T08:00:00Z', endTime: '2026-03-01T08:10:00Z', deviceID: sensorOf(7),
          dataProcessingMethod: 'https://example.com/methods/mean', bizRules: 'https://example.com/rules/1', 'ex:battery': 81,
        },
        sensorReport: [
          { type: 'Temperature', value: 5.5, minValue: 2, maxValue: 8, meanValue: 5, sDev: 0.5, percValue: 7, percRank: 95, uom: 'CEL', 'ex:grade': 'ok' },
          { type: 'RelativeHumidity', value: 41, uom: 'P1' },
        ],
        'ex:box': { 'ex:shelf': 3 },
        'ex:tier': 2,
      },
    ]),
  ],
  [
    'warm',
    sensed(9, [
      { sensorReport: [{ type: 'Temperature', value: 281.15, uom: 'KEL', deviceID: 'https://id.gs1.org/8004/9520123sensor8' }] },
      { sensorReport: [{ type: 'Pressure', value: 1013, uom: 'A97', time: '2026-03-01T08:20:00.5Z' }] },
    ]),
  ],
  [
    'lab',
    sensed(10, [
      {
        sensorReport: [
          { type: 'gs1:Dimensionless', microorganism: MICROBE, stringValue: 'found | 2', booleanValue: false },
          { type: 'Dimensionless', chemicalSubstance: SUBSTANCE, hexBinaryValue: 'f00Aa', uriValue: 'https://example.com/spectrum/7' },
          { type: 'Mass', value: 3, uom: 'XYZ' },
        ],
      },
    ]),
  ],
]; // biome-ignore format: a table
const NAMES = EVENTS.map(([name]) => name);
/** The master data stands before them. */
const FIRST = 1;

const element = (id: string, attributes: Json, children: readonly string[] = []) => ({
  id,
  attributes: Object.entries(attributes).map(([name, attribute]) => ({ id: name, attribute })),
  children,
});
const REGION = 'https://example.com/regions/north';
const header = (country: string) => ({
  epcisHeader: {
    epcisMasterData: {
      vocabularyList: [
        {
          type: 'urn:epcglobal:epcis:vtype:BusinessLocation',
          vocabularyElementList: [
            element(REGION, { [`${MDA}#name`]: 'North' }, [siteOf(MAKER), 'https://example.com/regions/city']),
            element('https://example.com/regions/city', {}, ['https://id.gs1.org/414/9520123000035', REGION]), // a circle
            element(siteOf(SHOP), { [`${MDA}#countryCode`]: country, [`${MDA}:site`]: '9520123000035', 'http://ns.example.com/epcis/zone': '7' }),
            element(siteOf(DISTRIBUTOR), { [`${MDA}:countryCode`]: 'AT' }),
          ],
        },
        {
          type: 'urn:epcglobal:epcis:vtype:ReadPoint',
          vocabularyElementList: [element('https://example.com/gates', {}, [siteOf(MAKER, 'dock')]), element(siteOf(SHOP, 'till'), { [`${MDA}#name`]: 'Till' })],
        },
      ],
    },
  },
}); // biome-ignore format: a table

describe.each(ENGINES)('parameters of a query on %s', (engine) => {
  let store: AnyTestStore;
  beforeAll(async () => {
    store = await storeOf(engine);
    const capture = async (events: readonly Json[], more: Json) => {
      const outcome = await store.capture(documentOf(events, { ...context, ...more }));
      expect(outcome.errors).toEqual([]);
    };
    await capture([observe(-1, packOf(90))], header('DE'));
    await capture(
      EVENTS.map(([, event]) => event),
      header('CH'),
    );
  });
  afterAll(() => store.close());

  const nameOf = ({ seq }: EventPosition) => NAMES[seq - OFFSET] ?? `entry ${seq}`;
  /** Entries before the first event of the table: an event, and its document's master data. */
  const OFFSET = FIRST + 1;

  /** The names of what meets a query, the same whether few events are sorted or all read in order. */
  async function ask(query: EventQuery): Promise<string[]> {
    const db = store.questions;
    const through = await lastEvent(db);
    const page = { after: null, through, limit: 100 };
    const found = await findEvents(db, query, { ...page, few: 10_000 });
    expect(await findEvents(db, query, { ...page, few: 0 })).toEqual(found);
    expect(await countEvents(db, query, { through, limit: 100 })).toBe(found.length);
    const byTime = await findEvents(db, { ...query, order: { by: 'eventTime', direction: 'ASC' } }, { ...page, few: 0 });
    expect(byTime.map(nameOf).sort()).toEqual(found.map(nameOf).sort());
    return found.map(nameOf);
  }
  const inUrl = (search: string) => ask(parseUrlQuery(new URLSearchParams(search.replaceAll('#', '%23')), { prefixes }).query);
  const inBody = (body: Json) => ask(parseQueryBody({ '@context': { ex: EX, own: 'http://ns.example.com/own/' }, ...body }));

  it.each([
    ['EQ_persistentDisposition_set=recalled', 'recalled'],
    ['EQ_persistentDisposition_set=urn:epcglobal:cbv:disp:recalled|expired', 'recalled'],
    ['EQ_persistentDisposition_set=conformant', ''],
    ['EQ_persistentDisposition_unset=conformant', 'recalled'],
    [`EQ_bizTransaction_po=${PO}`, 'ordered'],
    [`EQ_bizTransaction_urn:epcglobal:cbv:btt:po=${PO}|urn:x:1`, 'ordered'],
    [`EQ_bizTransaction_cbv:BTT-po=${PO}`, 'ordered'],
    [`EQ_bizTransaction_inv=${PO}`, ''],
    ['EQ_bizTransaction_ex:quote=urn:uuid:00000000-0000-4000-8000-0000000000aa', 'ordered'],
    ['EQ_bizTransaction_http://ns.example.com/epcis/quote=urn:uuid:00000000-0000-4000-8000-0000000000aa', 'ordered'],
    ['EQ_source_owning_party=urn:epc:id:pgln:9520123.00001', 'shipped voided'],
    ['EQ_source_owning_party=https://id.gs1.org/417/9520123000011', 'shipped voided'],
    ['EQ_source_location=https://id.gs1.org/417/9520123000011', ''],
    ['EQ_destination_urn:epcglobal:cbv:sdt:possessing_party=https://id.gs1.org/417/9520123000028', 'shipped voided'],
    ['EQ_destination_possessing_party=https://id.gs1.org/417/9520123000011', ''],
    ['EXISTS_errorDeclaration=true', 'voided'],
    ['GE_errorDeclarationTime=2026-03-02T09:00:00%2B01:00', 'voided'],
    ['GE_errorDeclaration_Time=2026-03-02T08:00:00.0000001Z', ''],
    ['LT_errorDeclarationTime=2026-03-02T08:00:00.0000001Z', 'voided'],
    ['LT_errorDeclaration_Time=2026-03-02T08:00:00Z', ''],
    ['EQ_errorReason=cbv:ER-incorrect_data', 'voided'],
    ['EQ_errorReason=did_not_occur', ''],
    [`EQ_correctiveEventID=${eventID(9)}|urn:x:1`, 'voided'],
    [`EQ_correctiveEventID=${eventID(1)}`, ''],
  ])('%s finds: %s (Q-1, Q-2, Q-6, T-3)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it.each([
    ['EQ_ILMD_cbvmda:lotNumber=L1|L2', 'lot1 nested'],
    [`EQ_ILMD_${MDA}#lotNumber=L1`, 'lot1'],
    [`EQ_ILMD_${MDA}:#lotNumber=007`, 'lot007'],
    ['EQ_ILMD_cbvmda:lotNumber=7', ''],
    ['GE_ILMD_cbvmda:lotNumber=7', 'lot007'],
    ['EXISTS_ILMD_cbvmda:itemExpirationDate=true', 'lot1'],
    ['EQ_INNER_ILMD_ex:arm=B', 'nested'],
    ['EQ_ILMD_ex:arm=B', ''],
    ['GT_INNER_ILMD_ex:phase=1.5', 'nested'],
    ['LT_INNER_ILMD_ex:phase=2', ''],
    ['EXISTS_ILMD_ex:trial=true', 'nested'],
    ['EQ_ILMD_ex:trial=B', ''],
    ['EXISTS_INNER_ILMD_ex:phase=true', 'nested'],
    ['EQ_ex:line=7', 'lot1'],
    ['EQ_ex:line=7.0', 'lot1'],
    ['EQ_ex:line=12|99', 'lot007 ordered'],
    ['EQ_ex:line=3|99|7', 'lot1 ordered'],
    ['EQ_ex:line=3|99|7&EQ_ex:at=2026-03-01T10:00:00Z', 'ordered'],
    ['EQ_http://ns.example.com/epcis/#line=7', 'lot1'],
    ['EQ_http://ns.example.com/epcis/line=7', 'lot1'],
    ['EQ_http://ns.example.com/epcis#line=7', ''],
    ['GT_ex:line=7', 'lot007 ordered'],
    ['GE_ex:line=7', 'lot1 lot007 ordered'],
    ['LT_ex:line=7', 'ordered'],
    ['LE_ex:line=7', 'lot1 ordered'],
    ['GE_ex:line=12&LE_ex:line=12', 'lot007 ordered'],
    ['GE_ex:line=2026-03-01T08:00:00Z', ''],
    ['GE_ex:shift=0', ''],
    ['EXISTS_ex:line=true', 'lot1 lot007 ordered'],
    ['EXISTS_ex:empty=true', ''],
    ['EXISTS_ex:none=true', ''],
    ['EXISTS_ex:run=true', 'nested'],
    ['EXISTS_ex:nothing=true', ''],
    ['EQ_ex:at=2026-03-01T11:00:00%2B01:00', 'ordered untyped'],
    ['GT_ex:at=2026-03-01T10:00:00Z', ''],
    ['GE_ex:at=2026-03-01T10:00:00Z', 'ordered untyped'],
    ['LT_ex:at=2026-03-01T10:00:00.0000001Z', 'ordered untyped'],
    ['LE_ex:at=2026-03-01T10:00:00Z', 'ordered untyped'],
    ['LE_ex:at=2026-03-01T09:59:59.999999Z', ''],
    ['EQ_own:my_field=true', 'nested'],
    ['EQ_own:my_field=false', ''],
    ['EQ_INNER_ex:grade=C', 'nested'],
    ['EQ_ex:grade=C', ''],
    ['GE_INNER_ex:started=2026-03-01T08:00:00.0000001Z', 'nested'],
    ['GT_INNER_ex:started=2026-03-01T08:00:00.0000001Z', ''],
    ['EXISTS_INNER_ex:flags=true', 'nested'],
    ['EQ_ERROR_DECLARATION_ex:ticket=4711', 'voided'],
    ['GT_ERROR_DECLARATION_ex:ticket=4711', ''],
    ['LE_ERROR_DECLARATION_ex:ticket=4711', 'voided'],
    ['EQ_INNER_ERROR_DECLARATION_ex:desk=QA', 'voided'],
    ['EXISTS_ERROR_DECLARATION_ex:by=true', 'voided'],
    ['EXISTS_INNER_ERROR_DECLARATION_ex:ticket=true', ''],
    ['EQ_readPoint_ex:door=N', 'placed'],
    ['EQ_bizLocation_ex:door=N', ''],
    ['EQ_bizLocation_ex:room=cold', 'placed'],
    ['EQ_INNER_readPoint_ex:lane=4', 'placed'],
    ['GE_INNER_readPoint_ex:lane=5', ''],
    ['EXISTS_INNER_bizLocation_ex:lane=true', ''],
    ['EQ_SENSORELEMENT_ex:tier=2', 'cold'],
    ['GT_SENSORELEMENT_ex:tier=2', ''],
    ['LT_INNER_SENSORELEMENT_ex:shelf=4', 'cold'],
    ['EXISTS_SENSORELEMENT_ex:box=true', 'cold'],
    ['GE_SENSORMETADATA_ex:battery=80', 'cold'],
    ['EXISTS_INNER_SENSORMETADATA_ex:battery=true', ''],
    ['EQ_SENSORREPORT_ex:grade=ok', 'cold'],
    ['EQ_INNER_SENSORREPORT_ex:grade=ok', ''],
  ])('%s finds: %s (Q-8, Q-12, V-14, V-15)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it.each([
    [{ 'EQ_ex:line': 12 }, 'lot007'],
    [{ 'EQ_ex:line': ['12'] }, 'lot007'],
    [{ 'EQ_ex:line': ['12.0'] }, ''],
    [{ 'EQ_ex:line': [7, '99'] }, 'lot1 ordered'],
    [{ 'GE_ex:line': 12 }, 'lot007 ordered'],
    [{ 'EQ_ILMD_cbvmda:lotNumber': 7 }, 'lot007'],
    [{ 'EQ_own:my_field': [true] }, 'nested'],
    [{ 'GE_ex:at': '2026-03-01T10:00:00Z' }, 'ordered untyped'],
    [{ 'EXISTS_ex:line': null }, 'lot1 lot007 ordered'],
    [{ 'EXISTS_ex:line': 0 }, 'lot1 lot007 ordered'],
    [{ EXISTS_sensorElementList: 1 }, 'cold warm lab'],
    [{ EQ_value_CEL: [8] }, 'warm'],
    [{ EQ_value_CEL: 8 }, 'warm'],
    [{ EQ_booleanValue: false }, 'lab'],
    [{ EQ_ATTR_bizLocation_countryCode: ['CH'] }, 'placed'],
  ])('%j in a JSON query finds: %s (T-4, T-5)', async (body, names) => {
    expect((await inBody(body)).join(' ')).toBe(names);
  });

  it.each([
    ['EXISTS_sensorElementList=true', 'cold warm lab'],
    ['EXISTS_sensorElement=true', 'cold warm lab'],
    ['GE_time=2026-03-01T08:10:00Z', 'cold warm'],
    ['GE_time=2026-03-01T08:10:00.0000001Z', 'warm'],
    ['LT_time=2026-03-01T08:20:00.5Z', 'cold'],
    ['GE_time=2026-03-01T08:10:01Z&LT_time=2026-03-01T08:20:00Z', ''],
    ['GE_startTime=2026-03-01T08:00:00Z', 'cold'],
    ['LT_startTime=2026-03-01T08:00:00Z', ''],
    ['GE_endTime=2026-03-01T08:10:01Z', ''],
    ['LT_endTime=2026-03-01T08:10:01Z', 'cold'],
    ['EQ_type=Temperature', 'cold warm'],
    ['EQ_type=https://gs1.org/voc/Dimensionless', 'lab'],
    ['EQ_type=gs1:Pressure|Mass', 'warm lab'],
    ['EQ_type=Torque', ''],
    [`EQ_deviceID=${sensorOf(7)}`, 'cold'],
    ['EQ_deviceID=https://id.gs1.org/8004/9520123sensor7', 'cold'],
    [`EQ_deviceID=${sensorOf(8)}`, 'warm'],
    [`EQ_deviceID=${sensorOf(9)}`, ''],
    ['EQ_dataProcessingMethod=https://example.com/methods/mean', 'cold'],
    [`EQ_microorganism=${MICROBE}`, 'lab'],
    [`EQ_chemicalSubstance=${SUBSTANCE}`, 'lab'],
    [`EQ_chemicalSubstance=${MICROBE}`, ''],
    ['EQ_bizRules=https://example.com/rules/1', 'cold'],
    ['EQ_stringValue=found', ''],
    ['EQ_hexBinaryValue=F00aA', 'lab'],
    ['EQ_hexBinaryValue=F00a', ''],
    ['EQ_uriValue=https://example.com/spectrum/7', 'lab'],
    ['EQ_booleanValue=false', 'lab'],
    ['EQ_booleanValue=true', ''],
    ['GE_percRank=95', 'cold'],
    ['GT_percRank=95', ''],
    ['LE_percRank=95', 'cold'],
    ['LT_percRank=95', ''],
  ])('%s finds: %s (§9.2, TCR-53)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it('EQ_stringValue takes a text with a bar in a JSON query, where lists are arrays (§9.1)', async () => {
    expect(await inBody({ EQ_stringValue: ['found | 2'] })).toEqual(['lab']);
  });

  it.each([
    ['EQ_value_CEL=5.5', 'cold'],
    ['EQ_value_CEL=8', 'warm'],
    ['EQ_value_KEL=281.15|278.65', 'cold warm'],
    ['EQ_value_FAH=46.4', 'warm'],
    ['EQ_value_FAH=46.3', ''],
    ['GE_value_KEL=281.15', 'warm'],
    ['GT_value_CEL=8', ''],
    ['GE_value_CEL=8', 'warm'],
    ['LT_value_FAH=46.4', 'cold'],
    ['LE_value_FAH=46.4', 'cold warm'],
    ['GE_value_P1=0', 'cold'],
    ['EQ_value_C62=0.41', 'cold'],
    ['EQ_value_MBR=1013', 'warm'],
    ['GE_value_HPA=0', ''],
    ['EQ_value_XYZ=3', 'lab'],
    ['EQ_value_KGM=3', ''],
    ['EQ_minValue_CEL=2', 'cold'],
    ['LT_minValue_KEL=275.15', ''],
    ['GE_maxValue_KEL=281.15', 'cold'],
    ['GT_maxValue_CEL=8', ''],
    ['LE_meanValue_FAH=41', 'cold'],
    ['EQ_sDev_KEL=0.5', 'cold'],
    ['EQ_sDev_FAH=0.9', 'cold'],
    ['EQ_percValue_KEL=280.15', 'cold'],
    ['GT_percValue_CEL=7', ''],
  ])('%s finds: %s, in whatever unit of its kind it was told (Q-13)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it.each([
    ['EQ_type=Temperature&GE_value_CEL=8', 'warm'],
    ['EQ_type=RelativeHumidity&GE_value_P1=41', 'cold'],
    ['EQ_type=RelativeHumidity&GE_value_CEL=0', ''],
    ['EQ_type=Temperature&EQ_value_P1=41', ''],
    [`EQ_type=Temperature&EQ_deviceID=${sensorOf(7)}&LT_value_CEL=8`, 'cold'],
    [`EQ_type=Pressure&EQ_deviceID=${sensorOf(8)}`, ''],
    ['GE_time=2026-03-01T08:20:00Z&EQ_type=Pressure', 'warm'],
    ['EQ_type=Dimensionless&EQ_booleanValue=false&EQ_hexBinaryValue=F00AA', ''],
    ['EQ_type=Temperature&EXISTS_sensorElementList=true&EQ_bizStep=sensor_reporting', 'cold warm'],
  ])('%s finds: %s, because all of it holds for one report (Q-9)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it.each([
    [`WD_bizLocation=${REGION}`, 'placed recalled'],
    [`WD_bizLocation=${siteOf(SHOP)}`, 'placed'],
    ['WD_bizLocation=https://example.com/regions/city', 'placed recalled'],
    ['WD_bizLocation=https://example.com/regions/south', ''],
    [`EQ_bizLocation=${REGION}`, ''],
    ['WD_readPoint=https://example.com/gates', 'shipped recalled voided'],
    [`WD_readPoint=${REGION}`, ''],
    ['HASATTR_bizLocation=countryCode', 'placed'],
    [`HASATTR_bizLocation=${MDA}#countryCode|${MDA}#name`, 'placed'],
    [`HASATTR_bizLocation=${MDA}#site`, 'placed'],
    ['HASATTR_bizLocation=ex:zone', 'placed'],
    ['HASATTR_bizLocation=c_untryCode', ''],
    ['HASATTR_readPoint=cbvmda:name', 'placed'],
    ['HASATTR_readPoint=countryCode', ''],
    ['HASATTR_ex:depot=countryCode', 'placed recalled'],
    ['HASATTR_http://ns.example.com/epcis/#depot=name', ''],
    ['HASATTR_ex:line=countryCode', ''],
    ['EQATTR_bizLocation_countryCode=CH', 'placed'],
    ['EQATTR_bizLocation_countryCode=DE', ''],
    [`EQATTR_bizLocation_${MDA}#countryCode=AT|CH`, 'placed'],
    [`EQ_ATTR_bizLocation_${MDA}:countryCode=CH`, 'placed'],
    ['EQATTR_readPoint_name=Till', 'placed'],
    ['EQATTR_readPoint_name=Till_', ''],
    ['EQATTR_ex:depot_cbvmda:countryCode=AT', 'placed recalled'],
  ])('%s finds: %s (MD-2, MD-3, MD-7)', async (search, names) => {
    expect((await inUrl(search)).join(' ')).toBe(names);
  });

  it.each([
    ['orderBy=ex:line&orderDirection=ASC', 'ordered lot1 lot007'],
    ['orderBy=ex:line', 'lot007 lot1 ordered'],
    ['orderBy=http://ns.example.com/epcis/#shift&orderDirection=ASC', 'lot1'],
    ['orderBy=ex:at&orderDirection=DESC', 'untyped ordered'],
    ['orderBy=ex:at&orderDirection=ASC', 'ordered untyped'],
    ['orderBy=ex:depot&orderDirection=ASC', 'placed recalled'],
    ['orderBy=ex:nothing', ''],
    ['orderBy=ex:line&orderDirection=ASC&EQ_bizStep=commissioning', 'lot1 lot007'],
    ['orderBy=ex:line&orderDirection=ASC&EQ_ILMD_cbvmda:lotNumber=007', 'lot007'],
  ])('%s puts first: %s, and what has no such field behind, page by page (Q-10)', async (search, names) => {
    const { query } = parseUrlQuery(new URLSearchParams(search.replaceAll('#', '%23')), { prefixes });
    const first = names === '' ? [] : names.split(' ');
    const db = store.questions;
    const through = await lastEvent(db);
    for (const few of [10_000, 0]) {
      const all = await findEvents(db, query, { after: null, through, limit: 100, few });
      expect(all.slice(0, first.length).map(nameOf)).toEqual(first);
      const rest = all.slice(first.length).map(({ seq }) => seq);
      const rising = rest.toSorted((a, b) => a - b);
      expect(rest).toEqual(query.order?.direction === 'ASC' ? rising : rising.reverse());
      expect(all).toHaveLength(await countEvents(db, query, { through, limit: 100 }));
      const paged: EventPosition[] = [];
      for (let after: EventPosition | null = null; ; ) {
        const page: EventPosition[] = await findEvents(db, query, { after, through, limit: 2, few });
        paged.push(...page);
        if (page.length < 2) break;
        after = page.at(-1) as EventPosition;
      }
      expect(paged).toEqual(all);
    }
  });

  it('keeps of a field what is asked for, each once, and nothing of an event that has none (design.md §4)', async () => {
    const count = async (event: Json) => {
      const before = await store.rows('SELECT seq FROM event_field');
      await store.capture(documentOf([event], context));
      return (await store.rows('SELECT seq FROM event_field')).length - before.length;
    };
    expect(await count(observe(100, packs(100, 400), { site: MAKER }))).toBe(0);
    const lot = { lot: 'L77', expiry: '2029-01-31' };
    expect(await count(commission(101, packs(1_000, 3_000), lot))).toBe(2);
    expect(await count(commission(102, packOf(9_000), {}, { 'ex:same': ['a', 'a', 'a'] }))).toBe(1);
  });

  it('finds texts that no index takes whole, or no store as they are (Q-2)', async () => {
    const long = `${'x'.repeat(5_000)}1`;
    const odd = 'a\u0000b';
    const outcome = await store.capture(
      documentOf([observe(110, packOf(1), {}, { 'ex:note': [long, odd], [`ex:${'n'.repeat(3_000)}`]: 1 })], context),
    );
    expect(outcome.errors).toEqual([]);
    for (const value of [long, odd]) expect(await inBody({ 'EQ_ex:note': [value] })).toHaveLength(1);
    expect(await inBody({ 'EQ_ex:note': [`${'x'.repeat(5_000)}2`, 'a\ufffdb', 'ab'] })).toEqual([]);
    expect(await inBody({ [`EXISTS_ex:${'n'.repeat(3_000)}`]: null })).toHaveLength(1);
  });
});
