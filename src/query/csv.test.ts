import { describe, expect, it } from 'vitest';
import { csvHeader, csvLine } from './csv.ts';

describe('CSV (RFC 4180)', () => {
  it('quotes what needs it, ends lines in CRLF, and leaves null empty', () => {
    expect(csvLine(['a', 'b,c', 'd"e', 'f\ng', null, 7, true])).toBe('a,"b,c","d""e","f\ng",,7,true\r\n');
    expect(csvHeader(['x', 'y'])).toBe('x,y\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)'])('takes the power from %s (domain.md §17.4)', (cell) => {
    expect(csvLine([cell])).toBe(`'${cell}\r\n`);
  });
});
