/**
 * Documents for measuring, made just ahead of sending: nothing is kept, so ten million serials cost the bench no memory.
 * Company prefix 9520123 is GS1's example range.
 */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';
const FACTORY = placeOf('00001');

export const PACK = 'urn:epc:id:sgtin:9520123.000011.';
const HALF = 2 ** 30;
const ROUND_KEYS = [0x2545f491, 0x0f1bbcdc, 0x5a827999, 0x6ed9eba1];

/**
 * The n-th serial: twelve characters, as a line prints them. A Feistel network scrambles the number, so that serials are as good as random (the
 * index is met as it is in life), no two are the same, and none has to be remembered.
 */
export function serialOf(n: number): string {
  let left = Math.floor(n / HALF);
  let right = n % HALF;
  for (const key of ROUND_KEYS) {
    let mixed = Math.imul(right ^ key, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    [left, right] = [right, (left ^ (mixed >>> 2)) & (HALF - 1)];
  }
  return sixCharacters(left) + sixCharacters(right);
}

function sixCharacters(thirtyBits: number): string {
  let text = '';
  for (let shift = 25; shift >= 0; shift -= 5) text += ALPHABET[(thirtyBits >>> shift) & 31];
  return text;
}

/** The serials from one number up to another, without that. */
export const serialsFrom = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => serialOf(from + i));

export const packOf = (serial: string): string => PACK + serial;
export const sscc = (n: number): string => `urn:epc:id:sscc:9520123.0${String(n).padStart(9, '0')}`;

let clock = Date.UTC(2026, 0, 5, 6);
/** Event times rise by a second, as on a line. */
export const nextTime = (): string => {
  clock += 1000;
  return new Date(clock).toISOString();
};

export function documentOf(...eventList: readonly object[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      '@context': [CONTEXT],
      type: 'EPCISDocument',
      schemaVersion: '2.0',
      creationDate: '2026-11-22T08:00:00Z',
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
  ...FACTORY,
  ...more,
});

function placeOf(location: string) {
  const id = `urn:epc:id:sgln:9520123.${location}.0`;
  return { readPoint: { id }, bizLocation: { id } };
}

export const commissioning = (serials: readonly string[], lot: string) =>
  event('ObjectEvent', 'ADD', 'commissioning', {
    disposition: 'active',
    epcList: serials.map(packOf),
    ilmd: { 'cbvmda:lotNumber': lot, 'cbvmda:itemExpirationDate': '2028-01-31' },
  });

export const packing = (parentID: string, childEPCs: readonly string[]) =>
  event('AggregationEvent', 'ADD', 'packing', { disposition: 'in_progress', parentID, childEPCs });

export const unpacking = (parentID: string) => event('AggregationEvent', 'DELETE', 'unpacking', { disposition: 'in_progress', parentID });

export const observing = (bizStep: string, disposition: string, epcList: readonly string[]) =>
  event('ObjectEvent', 'OBSERVE', bizStep, { disposition, epcList });

/** Received by one of a number of wholesalers. */
export const receiving = (wholesaler: number, epcList: readonly string[]) => {
  const party = `urn:epc:id:pgln:9520123.1${String(wholesaler).padStart(4, '0')}`;
  return {
    ...observing('receiving', 'in_progress', epcList),
    ...placeOf(`1${String(wholesaler).padStart(4, '0')}`),
    destinationList: [
      { type: 'owning_party', destination: party },
      { type: 'possessing_party', destination: party },
    ],
  };
};

/** A raw lot received, and turned into lots of packs. */
export const rawLotInto = (rawLot: string, lots: readonly string[], packsPerLot: number) => [
  event('ObjectEvent', 'OBSERVE', 'receiving', { quantityList: [{ epcClass: rawLot, quantity: 100, uom: 'KGM' }] }),
  {
    type: 'TransformationEvent',
    bizStep: 'creating_class_instance',
    eventTime: nextTime(),
    eventTimeZoneOffset: '+01:00',
    inputQuantityList: [{ epcClass: rawLot, quantity: 100, uom: 'KGM' }],
    outputQuantityList: lots.map((lot) => ({ epcClass: `urn:epc:class:lgtin:9520123.000011.${lot}`, quantity: packsPerLot })),
  },
];

export const rawLot = (name: string): string => `urn:epc:class:lgtin:9520123.000031.${name}`;
