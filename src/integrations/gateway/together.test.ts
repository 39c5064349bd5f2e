import { describe, expect, it } from 'vitest';
import { commission, documentOf, packs } from '../../../test/support/events.ts';
import { putTogether } from './together.ts';

describe('documents that travel together', () => {
  const bytes = (text: string) => Buffer.from(text);
  const one = JSON.stringify(documentOf([commission(0, packs(1, 1)), commission(1, packs(2, 2))]));
  /** Numbers as no writer of ours would write them, and white space. */
  const two = JSON.stringify(documentOf([commission(2, packs(3, 3), {}, { 'cbvmda:x': 0 })])).replace('"cbvmda:x":0', '"cbvmda:x" : 1.50');

  it('become one of all their events, each byte for byte and in its order', () => {
    const text = Buffer.from(putTogether([bytes(one), bytes(two)])).toString();
    const { eventList } = JSON.parse(text).epcisBody;
    expect(eventList.map(({ epcList }: { epcList: string[] }) => epcList[0])).toEqual(packs(1, 3));
    expect(text).toContain('"cbvmda:x" : 1.50');
  });

  it('stay as they are when there is one', () => {
    expect(Buffer.from(putTogether([bytes(one)])).toString()).toBe(one);
  });
});
