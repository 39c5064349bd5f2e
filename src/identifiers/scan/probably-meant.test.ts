import { describe, expect, it } from 'vitest';
import { probablyMeant } from './probably-meant.ts';

describe('what a broken code was probably meant to be (codes.md §10)', () => {
  it('is told with titles, although its check digit is wrong', () => {
    expect(probablyMeant(']d20109520123000111172712311021L1')).toMatchObject([
      { ai: '01', title: 'GTIN', value: '09520123000111' },
      { ai: '17', value: '2027-12-31' },
      { ai: '10', value: '21L1' },
    ]);
  });

  it('is not known of text that is no code at all, nor of what is longer than any symbol', () => {
    for (const scan of ['', 'HELLO', `]d210${'A'.repeat(600)}`]) expect(probablyMeant(scan)).toBeNull();
  });
});
