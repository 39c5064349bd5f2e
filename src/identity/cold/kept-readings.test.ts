import { describe, expect, it } from 'vitest';
import { CHAIN_A, documentOf, type Json } from '../../../test/support/chains.ts';
import { rebuilt } from '../../../test/support/rebuilt.ts';
import { memoryStore } from '../../../test/support/test-store.ts';
import { loadWorld } from '../load-world.ts';

const BAG = 'urn:lotline:isbt128:bag:A999926000001:S1295400';
const SHIPPER = 'urn:epc:id:giai:9520123.BOX-1';
const LOGGER = 'urn:epc:id:giai:9520123.LOGGER-1';
const event = (minute: number, type: string, members: Json): Json => ({
  type,
  eventTime: new Date(Date.parse('2026-03-01T08:00:00Z') + minute * 60_000).toISOString(),
  eventTimeZoneOffset: '+00:00',
  ...members,
});
const readings = (minute: number) =>
  event(minute, 'ObjectEvent', {
    action: 'OBSERVE',
    bizStep: 'sensor_reporting',
    epcList: [LOGGER],
    sensorElementList: [{ sensorReport: [{ type: 'Temperature', value: 12, uom: 'CEL' }] }],
  });
const collection = event(0, 'ObjectEvent', { action: 'ADD', bizStep: 'commissioning', epcList: [BAG], 'coi:chain': CHAIN_A });
const packing = event(1, 'AggregationEvent', { action: 'ADD', bizStep: 'packing', parentID: SHIPPER, childEPCs: [BAG] });
const binding = event(2, 'AssociationEvent', { action: 'ADD', bizStep: 'assembling', parentID: SHIPPER, childEPCs: [LOGGER] });

describe('readings', () => {
  it.each([
    ['first', [readings(3), collection, packing, binding]],
    ['before the packing', [collection, binding, readings(3), packing]],
    ['before the binding', [collection, packing, readings(3), binding]],
    ['last', [collection, packing, binding, readings(3)]],
  ])('that are told %s belong to the chain, and a rebuild makes the same', async (_, events) => {
    const store = await memoryStore();
    try {
      for (const one of events) await store.capture(documentOf([one]));
      const world = await loadWorld(store.questions, CHAIN_A, 0);
      expect(world.events.flatMap(({ sensor = [] }) => sensor.flatMap(({ values }) => values.map(([, celsius]) => celsius)))).toEqual([12]);
      expect((await rebuilt(store.db)).tables.flatMap((table) => table.differences)).toEqual([]);
    } finally {
      await store.close();
    }
  });
});
