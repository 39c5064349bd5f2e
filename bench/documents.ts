import { randomInt } from 'node:crypto';

/** Documents for measuring: made in memory before the clock starts. Company prefix 9520123 is GS1's example range. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
const PLACE = { readPoint: { id: 'urn:epc:id:sgln:9520123.00001.0' }, bizLocation: { id: 'urn:epc:id:sgln:9520123.00001.0' } };

export const PACK = 'urn:epc:id:sgtin:9520123.000011.';
export const RAW_LOT = 'urn:epc:class:lgtin:9520123.000031.RAW';
export const PACK_LOT = 'urn:epc:class:lgtin:9520123.000011.BENCH';

/** Twelve characters, as a line prints them: random, so that the index is met as it is in life. */
export function serials(count: number): string[] {
  const made = new Set<string>();
  while (made.size < count) {
    let serial = '';
    for (let i = 0; i < 12; i++) serial += ALPHABET[randomInt(32)];
    made.add(serial);
  }
  return [...made];
}

let clock = Date.UTC(2026, 0, 5, 6);
/** Event times rise by a second, as on a line. */
export const nextTime = (): string => {
  clock += 1000;
  return new Date(clock).toISOString();
};

export function documentOf(...eventList: object[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      '@context': CONTEXT,
      type: 'EPCISDocument',
      schemaVersion: '2.0',
      creationDate: '2026-01-05T06:00:00Z',
      epcisBody: { eventList },
    }),
  );
}

const event = (type: string, action: string, bizStep: string, more: object) => ({
  type,
  action,
  bizStep,
  eventTime: nextTime(),
  eventTimeZoneOffset: '+01:00',
  ...PLACE,
  ...more,
});

export const commissioning = (list: readonly string[], lot = 'BENCH') =>
  event('ObjectEvent', 'ADD', 'commissioning', {
    disposition: 'active',
    epcList: list.map((serial) => PACK + serial),
    ilmd: { 'cbvmda:lotNumber': lot, 'cbvmda:itemExpirationDate': '2028-01-31' },
  });

export const packing = (parent: string, list: readonly string[]) =>
  event('AggregationEvent', 'ADD', 'packing', {
    disposition: 'in_progress',
    parentID: parent,
    childEPCs: list.map((serial) => PACK + serial),
  });

export const observing = (bizStep: string, epcs: readonly string[]) =>
  event('ObjectEvent', 'OBSERVE', bizStep, { disposition: 'in_transit', epcList: epcs });

export const sscc = (n: number): string => `urn:epc:id:sscc:9520123.0${String(n).padStart(9, '0')}`;

/** A raw lot received, and turned into the lot that the packs are of. */
export const lineage = () => [
  event('ObjectEvent', 'OBSERVE', 'receiving', { quantityList: [{ epcClass: RAW_LOT, quantity: 100, uom: 'KGM' }] }),
  {
    type: 'TransformationEvent',
    bizStep: 'creating_class_instance',
    eventTime: nextTime(),
    eventTimeZoneOffset: '+01:00',
    inputQuantityList: [{ epcClass: RAW_LOT, quantity: 100, uom: 'KGM' }],
    outputQuantityList: [{ epcClass: PACK_LOT, quantity: 1_000_000 }],
  },
];
