import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DICTIONARY } from '../store/dictionary.ts';
import { ENCODING, unpackBytes, unpackWhole } from '../store/payload.ts';
import { shrink } from './payload.ts';

const event = Buffer.from(
  JSON.stringify({
    type: 'ObjectEvent',
    action: 'OBSERVE',
    bizStep: 'inspecting',
    disposition: 'in_progress',
    eventTime: '2026-03-02T08:15:00.000Z',
    eventTimeZoneOffset: '+01:00',
    readPoint: { id: 'urn:epc:id:sgln:9520123.00001.0' },
    bizLocation: { id: 'urn:epc:id:sgln:9520123.00001.0' },
    epcList: ['urn:epc:id:sgtin:9520123.000011.XQ4Z7N2P9KLM'],
  }),
);

describe('bytes of an event', () => {
  it('come back as they were, however they are stored', () => {
    const { encoding, bytes } = shrink(event);
    expect([encoding, bytes.length < event.length / 4]).toEqual([ENCODING.withDictionary, true]);
    for (const [way, stored] of [
      [encoding, bytes],
      [ENCODING.deflated, deflateRawSync(event)], // as stores of before hold them
      [ENCODING.plain, event],
    ] as const) {
      expect(Buffer.from(unpackBytes(way, stored))).toEqual(event);
      expect(Buffer.from(unpackWhole(way, stored) as Uint8Array)).toEqual(event);
    }
  });

  it('stay as they are where nothing is gained', () => {
    const random = Buffer.from(Array.from({ length: 600 }, (_, i) => createHash('sha256').update(String(i)).digest()[0] as number));
    for (const body of [random, event.subarray(0, 200)]) expect(shrink(body)).toEqual({ encoding: ENCODING.plain, bytes: body });
  });

  it('are not taken for whole when they are cut, longer, or stored in a way that there is not', () => {
    const { encoding, bytes } = shrink(event);
    expect(unpackWhole(encoding, bytes.subarray(0, -3))).toBeNull();
    expect(unpackWhole(encoding, Buffer.concat([bytes, Buffer.from([0])]))).toBeNull();
    expect(unpackWhole(ENCODING.deflated, bytes)).not.toEqual(event);
    expect(unpackWhole(3, bytes)).toBeNull();
  });
});

it('the dictionary is the one that stored bytes were written with', () => {
  expect(createHash('sha256').update(DICTIONARY).digest('hex')).toBe('0185f395689a438647643dd4f966eaf35206a5a82fe4ba046cca835a05cd6b88');
});
