/** Small valid EPCIS documents for tests, to be changed one field at a time. Numbers are of GS1's example range. */
export const EPCIS_CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
export const EXAMPLE_NAMESPACE = 'http://ns.example.com/epcis/';

type Json = Record<string, unknown>;

const common = { eventTime: '2026-03-01T08:15:00.000+01:00', eventTimeZoneOffset: '+01:00' };
export const sgtin = (serial: string | number) => `urn:epc:id:sgtin:9520123.000011.${serial}`;
export const CASE = 'urn:epc:id:sgtin:9520123.100011.C1';
export const PALLET = 'urn:epc:id:sscc:9520123.0000000018';
export const SITE = 'urn:epc:id:sgln:9520123.00001.0';
export const LOT = 'urn:epc:class:lgtin:9520123.000011.L1';

/** Commissions two packs of a lot. */
export const objectEvent = (): Json => ({
  type: 'ObjectEvent',
  ...common,
  action: 'ADD',
  epcList: [sgtin(1), sgtin(2)],
  bizStep: 'commissioning',
  disposition: 'active',
  readPoint: { id: SITE },
  bizLocation: { id: SITE },
  ilmd: { 'cbvmda:lotNumber': 'L1', 'cbvmda:itemExpirationDate': '2028-01-31' },
});

/** Packs them into a case. */
export const aggregationEvent = (): Json => ({
  type: 'AggregationEvent',
  ...common,
  action: 'ADD',
  parentID: CASE,
  childEPCs: [sgtin(1), sgtin(2)],
  bizStep: 'packing',
});

/** Links a pallet to an order. */
export const transactionEvent = (): Json => ({
  type: 'TransactionEvent',
  ...common,
  action: 'ADD',
  epcList: [PALLET],
  bizTransactionList: [{ type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:9520123000011:PO-1' }],
});

/** Makes a lot of packs from a kilogram of a raw lot. */
export const transformationEvent = (): Json => ({
  type: 'TransformationEvent',
  ...common,
  inputQuantityList: [{ epcClass: 'urn:epc:class:lgtin:9520123.000012.RAW', quantity: 1.5, uom: 'KGM' }],
  outputQuantityList: [{ epcClass: LOT, quantity: 100 }],
  bizStep: 'creating_class_instance',
});

/** Builds a sensor into a pallet. */
export const associationEvent = (): Json => ({
  type: 'AssociationEvent',
  ...common,
  action: 'ADD',
  parentID: 'urn:epc:id:grai:9520123.00001.7',
  childEPCs: ['urn:epc:id:giai:9520123.sensor7'],
  bizStep: 'assembling',
});

/** Reports a temperature where no object is named. */
export const sensorEvent = (): Json => ({
  type: 'ObjectEvent',
  ...common,
  action: 'OBSERVE',
  bizStep: 'sensor_reporting',
  readPoint: { id: SITE },
  sensorElementList: [
    {
      sensorMetadata: { time: '2026-03-01T08:10:00+01:00', deviceID: 'urn:epc:id:giai:9520123.sensor7' },
      sensorReport: [{ type: 'Temperature', value: 5.1, uom: 'CEL' }],
    },
  ],
});

export const everyEvent = (): Json[] => [
  objectEvent(),
  aggregationEvent(),
  transactionEvent(),
  transformationEvent(),
  associationEvent(),
  sensorEvent(),
];

export const documentOf = (events: readonly unknown[], context: unknown = [EPCIS_CONTEXT, { ex: EXAMPLE_NAMESPACE }]): Json => ({
  '@context': context,
  type: 'EPCISDocument',
  schemaVersion: '2.0',
  creationDate: '2026-03-01T09:00:00Z',
  epcisBody: { eventList: events },
});

export const queryDocumentOf = (events: readonly unknown[]): Json => ({
  '@context': [EPCIS_CONTEXT, { ex: EXAMPLE_NAMESPACE }],
  type: 'EPCISQueryDocument',
  epcisBody: { queryResults: { queryName: 'SimpleEventQuery', resultsBody: { eventList: events } } },
});

export const bytesOf = (json: unknown): Uint8Array => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
