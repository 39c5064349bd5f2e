import { describe, expect, it } from 'vitest';
import { formatReceipt, isGatewayName, readReceipt } from './receipt.ts';

describe('the receipt of a gateway', () => {
  const receipt = { name: 'line 1, hall B', received: Date.UTC(2026, 2, 2, 2, 15), offsetMs: -40 };

  it('comes back from its header as it was', () => {
    expect(formatReceipt(receipt)).toBe('line 1, hall B; received=2026-03-02T02:15:00.000Z; offset=-40');
    expect(readReceipt(formatReceipt(receipt))).toEqual(receipt);
  });

  it.each([
    '',
    'line 1',
    'a;b; received=2026-03-02T02:15:00.000Z; offset=0',
    'l; received=yesterday; offset=0',
    'l; received=2026-13-02T02:15:00.000Z; offset=0',
  ])('is not read from %j', (text) => expect(readReceipt(text)).toBeNull());

  it('bears names that fit into a header', () => {
    expect(['line 1', 'L', 'a/b:c'].map(isGatewayName)).toEqual([true, true, true]);
    expect(['', ' line', 'line ', 'a;b', 'Straße', 'a\nb', 'x'.repeat(101)].map(isGatewayName)).toEqual(Array(7).fill(false));
  });
});
